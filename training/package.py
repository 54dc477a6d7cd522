"""All that training takes from the package: the networks, their input, and where their weights lie."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import interpolate

from seglib.capture.sources import open_source
from seglib.classes import CLOTHING_CLASSES as CLASS_NAMES
from seglib.predict import deeplabv3_clothing as clothing
from seglib.predict import portrait
from seglib.predict.model import Model
from seglib.predict.portrait_network import BLOCKS, PortraitNet
from seglib.predict.preprocessing import IMAGENET_MEAN as MEAN
from seglib.predict.preprocessing import IMAGENET_STD as STD
from seglib.predict.preprocessing import SameArea
from seglib.predict.registry import load_model
from seglib.predict.weights import DATA
from seglib.samples import sample_clip_masks, sample_frame, sample_mask
from training.data import Bytes, Floats

__all__ = ["BLOCKS", "CLASS_NAMES", "MEAN", "NETWORKS", "STD", "PortraitNet", "recorded", "shipped_mask"]


@dataclass(frozen=True)
class Network:
    """One of the embedded networks."""

    build: Callable[[], nn.Module]  # with random weights
    preprocess: Callable[[Tensor], Tensor]  # (N, 3, H, W) uint8 RGB to the input
    weights: Path  # the package's file
    card: Path  # its model card

    def load(self) -> nn.Module:
        """The network with the package's weights, in eval mode."""
        network = self.build()
        faults = network.load_state_dict({k: v.float() for k, v in load_file(self.weights).items()}, strict=False)
        if faults.unexpected_keys or any(not key.endswith("num_batches_tracked") for key in faults.missing_keys):
            raise ValueError(f"{self.weights} holds the weights of another network")
        return network.eval()

    @torch.inference_mode()
    def logits(self, network: nn.Module, image: Bytes) -> Floats:
        """The logits of a photo, (C, H, W) float32, as the package makes them: bilinear from the network's size."""
        device = next(network.parameters()).device
        frames = torch.from_numpy(image).permute(2, 0, 1)[None].to(device)
        out = network(self.preprocess(frames))["out"].float()
        enlarged = interpolate(out, size=image.shape[:2], mode="bilinear", align_corners=False)
        result: Floats = enlarged[0].cpu().numpy()
        return result


@cache
def _shipped() -> Model:
    return load_model("portrait")


def shipped_mask(image: Bytes) -> Bytes:
    """The mask, (H, W), 255 = person, that the package's ``portrait`` gives a photo, (H, W, 3)."""
    return np.round(255 * _shipped().mask(image)).astype(np.uint8)


NETWORKS = {
    "portrait": Network(
        portrait.build,
        SameArea(portrait.SIZE, portrait.STEP),
        DATA / "portrait.safetensors",
        DATA / "PORTRAIT.md",
    ),
    "clothing": Network(
        clothing.build,
        SameArea(clothing.SIZE, clothing.STEP),
        DATA / "deeplabv3_clothing.safetensors",
        DATA / "DEEPLABV3_CLOTHING.md",
    ),
}


def recorded() -> Iterator[tuple[str, Bytes, Floats]]:
    """Name, frame and mask of the recorded frames, and of every tenth frame of the clip that shows somebody."""
    for name in ("astronaut", "hopper"):
        yield name, sample_frame(name), sample_mask(name)
    with open_source("clip") as frames:
        for number, (frame, mask) in enumerate(zip(frames, sample_clip_masks(), strict=True)):
            if number % 10 == 0 and mask.any() and frame.any():
                yield f"clip_{number:03d}", frame, mask
