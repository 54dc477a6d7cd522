"""The embedded model ``portrait``: a small network that finds people.

The network itself stands in ``portrait_network.py``; where its weights come from, and what they can and cannot do, in
``seglib/data/PORTRAIT.md``.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

SIZE = 256  # side in pixels of a square: the input has as many pixels, a third more than in training
STEP = 32  # height and width of an input are multiples of this, the stride of the deepest features


def build() -> "nn.Module":
    """Make the network with random weights: (N, 3, h, w) float32 in, {"out": (N, 1, h, w) logits} out."""
    from seglib.predict.portrait_network import PortraitNet  # imported here: PyTorch takes a second

    return PortraitNet()
