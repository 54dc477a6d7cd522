"""The embedded model ``deeplabv3_clothing``: a DeepLabv3 that finds hair, skin and clothes.

The network itself stands in ``deeplabv3_clothing_network.py``; where its weights come from, and what they can and
cannot do, in ``seglib/data/DEEPLABV3_CLOTHING.md``.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

SIZE = 448  # side in pixels of a square: the network was trained on inputs with as many pixels
STEP = 16  # height and width of an input are multiples of this, the output stride


def build() -> "nn.Module":
    """Make the network with random weights: (N, 3, h, w) float32 in, {"out": (N, 9, h, w) logits} out."""
    from seglib.predict.deeplabv3_clothing_network import DeepLabV3Clothing  # imported here: PyTorch takes a second

    return DeepLabV3Clothing()
