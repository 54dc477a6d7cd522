"""All that training takes from the package: the networks, their input, and where their weights lie."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from seglib import portrait
from seglib.portrait_network import PortraitNet
from seglib.predict import deeplabv3_clothing as clothing
from seglib.samples import sample_frame, sample_mask
from seglib.weights import EMBEDDED
from training.data import Bytes, Floats

MEAN, STD = clothing.MEAN, clothing.STD
CLASS_NAMES = clothing.CLASS_NAMES
__all__ = ["CLASS_NAMES", "MEAN", "NETWORKS", "STD", "Network", "PortraitNet", "sample_frame", "sample_mask"]


@dataclass(frozen=True)
class Network:
    """One of the embedded networks.

    Attributes
    ----------
    build
        Makes it, with random weights.
    preprocess
        (N, 3, H, W) uint8 RGB to its input.
    weights
        The file in the package that holds its weights.
    card
        The file of its model card.
    """

    build: Callable[[], nn.Module]
    preprocess: Callable[[Tensor], Tensor]
    weights: Path
    card: Path

    @torch.inference_mode()
    def logits(self, network: nn.Module, image: Bytes) -> Floats:
        """The logits of a photo, (C, H, W) float32, as the package makes them: bilinear from the network's size."""
        device = next(network.parameters()).device
        frames = torch.from_numpy(image).permute(2, 0, 1)[None].to(device)
        out = network(self.preprocess(frames))["out"].float()
        enlarged = interpolate(out, size=image.shape[:2], mode="bilinear", align_corners=False)
        result: Floats = enlarged[0].cpu().numpy()
        return result


NETWORKS = {
    "portrait": Network(portrait.build, portrait.Preprocess(), EMBEDDED, EMBEDDED.with_name("PORTRAIT.md")),
    "clothing": Network(
        clothing.build,
        portrait.Preprocess(clothing.SIZE, step=16),
        clothing.WEIGHTS,
        clothing.WEIGHTS.with_name("DEEPLABV3_CLOTHING.md"),
    ),
}
