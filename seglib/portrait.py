"""The embedded model: a small network that finds people, without any download.

The network itself stands in ``portrait_network.py``; where its weights come from, and what they can and cannot do, in
``seglib/data/PORTRAIT.md``.
"""

from collections.abc import Sequence
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seglib.arrays import Frame
from seglib.scaling import halvings, resize
from seglib.weights import EMBEDDED

if TYPE_CHECKING:
    from torch import Tensor, nn

SIZE = 256  # the side in pixels of a square: the network was made for pictures with as many pixels as that
# The calculation that build() does, without its weights, as OpenVINO reads it. Made by recipes/draw_portrait.py.
DRAWING = Path(__file__).parent / "data" / "portrait.xml"
_STEP = 16  # both sides are multiples of this; the network pads them to multiples of 32 by itself
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pictures, red, green, blue


def build() -> "nn.Module":
    """The network with random weights: (N, 3, h, w) float32 in, {"out": (N, 1, h, w) logits} out."""
    from seglib.portrait_network import PortraitNet

    return PortraitNet()


class Preprocess:
    """A frame to the network's input, (1, 3, h, w) float32, h and w multiples of 16.

    size: in pixels, 16 or more. What comes out has as many pixels as a square of that side, whatever its shape, but no
        side is longer than two of the square's.
    The frame is made smaller by averaging over areas, since skipping pixels would make fine patterns glitter; it is
    halved first where it can be, which is quick. A smaller frame is enlarged along straight lines.
    """

    def __init__(self, size: int = SIZE) -> None:
        if size < _STEP:
            raise ValueError(f"size is {size}, but portrait needs at least {_STEP}")
        self.size = size

    def shape(self, height: int, width: int) -> tuple[int, int]:
        """The (h, w) that a frame of this size is scaled to."""
        scale = min(self.size / sqrt(height * width), 2 * self.size / max(height, width))
        h, w = (max(_STEP, round(side * scale / _STEP) * _STEP) for side in (height, width))
        return h, w

    def prepare(self, frame: Frame) -> NDArray[np.float32]:
        """(H, W, 3) uint8 RGB to the input, without PyTorch: only the small picture is ever held in floats."""
        h, w = self.shape(*frame.shape[:2])
        small = resize(frame, (w, h))  # (h, w, 3) uint8
        inputs = np.empty((1, 3, h, w), np.float32)
        for channel, (mean, std) in enumerate(zip(_MEAN, _STD, strict=True)):
            plane = inputs[0, channel]
            np.subtract(small[..., channel], np.float32(255 * mean), out=plane)
            plane *= np.float32(1 / (255 * std))
        return inputs

    def __call__(self, frames: "Tensor") -> "Tensor":
        """(N, 3, H, W) uint8 RGB to the input, (N, 3, h, w), on the tensor's own device: what a GPU does."""
        from torch.nn.functional import avg_pool2d, interpolate

        height, width = frames.shape[-2:]
        h, w = self.shape(height, width)
        halves = avg_pool2d(frames.float(), 2 ** halvings(width, height, (w, h)))
        if w < width:  # the same decisions as in scaling.resize
            sides = zip(halves.shape[-2:], (h, w), strict=True)
            rows, columns = (_area_weights(old, new, frames) for old, new in sides)
            small = rows @ halves @ columns.T
        else:
            small = interpolate(halves, (h, w), mode="bilinear", align_corners=False)
        return normalised(small / 255, _MEAN, _STD)


def normalised(images: "Tensor", mean: Sequence[float], std: Sequence[float]) -> "Tensor":
    """(N, 3, H, W) less the mean, over the standard deviation, channel by channel.

    As torchvision's ``normalize``, whose numbers would first have to be sent to a GPU, each time.
    """
    import torch

    return torch.stack([(images[:, c] - mean[c]) / std[c] for c in range(3)], dim=1)


def _area_weights(old: int, new: int, like: "Tensor") -> "Tensor":
    """(new, old): how much of each old pixel goes into each new one, when they are averaged over areas.

    PyTorch's own ``interpolate(mode="area")`` lets areas overlap where old is no multiple of new.
    """
    import torch

    size = old / new
    starts, pixels = (torch.arange(n, device=like.device) for n in (new, old))
    starts = starts[:, None] * size
    shared = torch.minimum(starts + size, pixels + 1) - torch.maximum(starts, pixels)  # lengths, in old pixels
    return shared.clamp(min=0) / size


def card() -> dict[str, Any]:
    """The row of ``portrait`` in the table of models."""
    return {
        "name": "portrait",
        "parameters": sum(weight.numel() for weight in build().parameters()),
        "megabytes": EMBEDDED.stat().st_size / 1e6,
        "classes": 2,
        "miou": None,
        "source": "embedded",
    }
