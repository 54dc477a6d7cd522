"""The embedded model: a small network that finds people, without any download.

The network itself stands in ``portrait_network.py``; where its weights come from, and what they can and cannot do, in
``seglib/data/PORTRAIT.md``.
"""

from math import sqrt
from typing import TYPE_CHECKING

from seglib.predict.preprocessing import ResizeAndNormalize

if TYPE_CHECKING:
    from torch import nn

SIZE = 256  # the side in pixels of a square: the network was made for pictures with as many pixels as that
_STEP = 16  # both sides are multiples of this; the network pads them to multiples of 32 by itself


def build() -> "nn.Module":
    """The network with random weights: (N, 3, h, w) float32 in, {"out": (N, 1, h, w) logits} out."""
    from seglib.predict.portrait_network import PortraitNet

    return PortraitNet()


class Preprocess(ResizeAndNormalize):
    """Resize a frame to as many pixels as a square has, in its own shape; both sides become multiples of 16.

    Parameters
    ----------
    size
        Side of that square in pixels, 16 or more. No side of the input is longer than two of the square's.
    """

    def __init__(self, size: int = SIZE) -> None:
        super().__init__()
        if size < _STEP:
            raise ValueError(f"size is {size}, but portrait needs at least {_STEP}")
        self.size = size

    def shape(self, height: int, width: int) -> tuple[int, int]:
        """The (h, w) that a frame of this size is scaled to."""
        scale = min(self.size / sqrt(height * width), 2 * self.size / max(height, width))
        h, w = (max(_STEP, round(side * scale / _STEP) * _STEP) for side in (height, width))
        return h, w
