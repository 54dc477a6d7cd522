"""The protocols between a model and its parts: runner, preprocessing, network."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from seglib.arrays import Frame

if TYPE_CHECKING:
    from torch import Tensor, nn

Floats: TypeAlias = NDArray[np.float32]
Size: TypeAlias = tuple[int, int]  # (width, height)


class Runner(Protocol):
    """Runs a network on frames.

    Channels are those of the network, counted from 0. A network with a single channel gives the logit of channel 1
    against channel 0, the background.

    Attributes
    ----------
    runtime
        "openvino" or "torch".
    precision
        The type in which it computes: "float32", "bfloat16" or "float16".
    batch
        The number of frames at once that takes least time for each.
    """

    runtime: str
    precision: str
    batch: int

    def mask_probabilities(self, frames: Sequence[Frame], channels: Sequence[int], size: Size) -> Floats:
        """Return the probability that each pixel is of one of these channels, (N, height, width).

        Parameters
        ----------
        frames
            Images of one size.
        channels
            Some of the network's channels, neither none nor all.
        size
            (width, height) of the result.
        """

    def probabilities(self, frame: Frame) -> Floats:
        """Return the probability of each channel, (C, H, W), summing to 1 over the channels."""

    def argmax(self, frame: Frame) -> NDArray[np.uint8]:
        """Return the most likely channel of each pixel, (H, W); the first of equals."""


class Preprocessing(Protocol):
    """From frames to the network's input, on a CPU and on a GPU."""

    def prepare(self, frame: Frame) -> Floats:
        """(H, W, 3) uint8 RGB to (1, 3, h, w)."""

    def __call__(self, frames: "Tensor") -> "Tensor":
        """(N, 3, H, W) uint8 RGB to (N, 3, h, w) float32, on the tensor's device."""


class Network(Protocol):
    """A trained network, for each runtime."""

    def module(self) -> "nn.Module":
        """Return the PyTorch module, in eval mode."""

    def exported(self) -> Any:
        """Return the same as an openvino.Model."""
