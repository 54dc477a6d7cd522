"""Frames and masks to another size, the same way everywhere."""

from math import ceil
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from seglib.arrays import Frame, Mask

# The most rows (or columns, if those are fewer) on which masks are worked on: models see fewer still, and more were
# no better, only slower.
VIEW = 360


def resize(image: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """To (width, height): averaging over areas when it shrinks, along straight lines when it grows."""
    height, width = image.shape[:2]
    for _ in range(halvings(width, height, size)):  # several times as fast as all at once
        height, width = height // 2, width // 2
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    if (width, height) == size:
        return image
    how = cv2.INTER_AREA if size[0] < width else cv2.INTER_LINEAR
    return cv2.resize(image, size, interpolation=how)


def halvings(width: int, height: int, size: tuple[int, int]) -> int:
    """How often both sides can be halved exactly before one is smaller than that of size, (width, height)."""
    if width % 2 or height % 2 or width < 2 * size[0] or height < 2 * size[1]:
        return 0
    return 1 + halvings(width // 2, height // 2, size)


def small_view(image: NDArray[Any]) -> NDArray[Any]:
    """The image, or a half, a third … of it, so that its shorter side has no more than VIEW pixels.

    Masks are found on such a view of a frame, and enlarged once, at the end: see :func:`enlarge`.
    """
    height, width = image.shape[:2]
    times = ceil(min(height, width) / VIEW)
    return resize(image, (width // times, height // times))


def enlarge(mask: Mask, frame: Frame) -> Mask:
    """A mask that was found on a smaller view of the frame, in the frame's size: (H, W) float32 in [0, 1]."""
    return np.asarray(resize(mask, frame.shape[1::-1]), np.float32)
