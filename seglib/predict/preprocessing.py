"""From a frame to a network's input: resize, then normalise each channel."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from seglib._internal.resizing import halvings, resize
from seglib.arrays import Frame
from seglib.predict.runner import Floats

if TYPE_CHECKING:
    from torch import Tensor

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # red, green, blue


class ResizeAndNormalize(ABC):
    """Resize a frame to the shape that a subclass chooses, and normalise it.

    A frame is made smaller by averaging over areas, since skipping pixels would let fine patterns flicker; it is halved
    first where it can be, which is fast. A smaller frame is enlarged bilinearly.

    Parameters
    ----------
    mean, std
        Of each channel, red, green and blue, of frames in [0, 1].
    """

    def __init__(self, mean: Sequence[float] = IMAGENET_MEAN, std: Sequence[float] = IMAGENET_STD) -> None:
        self.mean, self.std = tuple(mean), tuple(std)
        if len(self.mean) != 3 or len(self.std) != 3 or not min(self.std) > 0:
            raise ValueError(f"mean is {mean} and std is {std}, but each must be three numbers, and std above 0")

    @abstractmethod
    def shape(self, height: int, width: int) -> tuple[int, int]:
        """Return the (h, w) of the input for a frame of this height and width."""

    def prepare(self, frame: Frame) -> Floats:
        """(H, W, 3) uint8 RGB to (1, 3, h, w), without PyTorch; only the small frame is ever held in floats."""
        h, w = self.shape(*frame.shape[:2])
        small = resize(frame, (w, h))  # (h, w, 3) uint8
        inputs = np.empty((1, 3, h, w), np.float32)
        for channel, (mean, std) in enumerate(zip(self.mean, self.std, strict=True)):
            plane = inputs[0, channel]
            np.subtract(small[..., channel], np.float32(255 * mean), out=plane)
            plane *= np.float32(1 / (255 * std))
        return inputs

    def __call__(self, frames: "Tensor") -> "Tensor":
        """(N, 3, H, W) uint8 RGB to (N, 3, h, w), on the tensor's device: what a GPU does."""
        from torch.nn.functional import avg_pool2d, interpolate

        height, width = frames.shape[-2:]
        h, w = self.shape(height, width)
        halved = avg_pool2d(frames.float(), 2 ** halvings(width, height, (w, h)))
        if w < width:  # the same decisions as in resizing.resize
            sides = zip(halved.shape[-2:], (h, w), strict=True)
            rows, columns = (_area_weights(old, new, frames) for old, new in sides)
            small = rows @ halved @ columns.T
        else:
            small = interpolate(halved, (h, w), mode="bilinear", align_corners=False)
        return normalize(small / 255, self.mean, self.std)


class SameArea(ResizeAndNormalize):
    """Resize a frame to as many pixels as a square has, in the frame's own shape.

    Parameters
    ----------
    size
        Side of that square in pixels, at least ``step``. No side of the input is longer than two of the square's.
    step
        Height and width of the input are multiples of this.
    """

    def __init__(self, size: int, step: int) -> None:
        super().__init__()
        if size < step:
            raise ValueError(f"size is {size}, but the network needs at least {step}")
        self.size, self.step = size, step

    def shape(self, height: int, width: int) -> tuple[int, int]:
        """See :class:`ResizeAndNormalize`."""
        scale = min(self.size / sqrt(height * width), 2 * self.size / max(height, width))
        h, w = (max(self.step, round(side * scale / self.step) * self.step) for side in (height, width))
        return h, w


class ShorterSide(ResizeAndNormalize):
    """Resize the shorter side to ``size`` pixels, as torchvision's ``Resize`` does; None keeps the frame's size."""

    def __init__(
        self, size: int | None, mean: Sequence[float] = IMAGENET_MEAN, std: Sequence[float] = IMAGENET_STD
    ) -> None:
        super().__init__(mean, std)
        if size is not None and size < 1:
            raise ValueError(f"size is {size}, but must be at least 1 pixel")
        self.size = size

    def shape(self, height: int, width: int) -> tuple[int, int]:
        """See :class:`ResizeAndNormalize`."""
        if self.size is None:
            return height, width
        if height <= width:
            return self.size, self.size * width // height
        return self.size * height // width, self.size


def normalize(images: "Tensor", mean: Sequence[float], std: Sequence[float]) -> "Tensor":
    """Subtract the mean and divide by the standard deviation, channel by channel, (N, 3, H, W).

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
