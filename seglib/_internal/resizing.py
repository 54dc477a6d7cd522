"""Resize frames and masks, the same way everywhere. A size is (width, height), as in OpenCV."""

from math import ceil
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from seglib.arrays import Frame, Mask

# Masks are refined on views whose shorter side has at most so many pixels. Networks use fewer, so more add nothing.
VIEW = 360


def resize(image: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Resize to (width, height): area averages where the width shrinks, bilinear where it grows."""
    height, width = image.shape[:2]
    for _ in range(halvings(width, height, size)):  # several times as fast as in one step
        height, width = height // 2, width // 2
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    if (width, height) == size:
        return image
    interpolation = cv2.INTER_AREA if size[0] < width else cv2.INTER_LINEAR
    return cv2.resize(image, size, interpolation=interpolation)


def small_view(image: NDArray[Any]) -> NDArray[Any]:
    """Return the image, or a half, a third … of it, so that its shorter side has at most VIEW pixels.

    Masks are refined on this view of a frame and enlarged once, at the end: see :func:`enlarge`.
    """
    height, width = image.shape[:2]
    divisor = ceil(min(height, width) / VIEW)
    return resize(image, (width // divisor, height // divisor))


def enlarge(mask: Mask, frame: Frame) -> Mask:
    """Resize the mask of a frame's view to the frame's size, (H, W) float32 in [0, 1]."""
    return np.asarray(resize(mask, frame.shape[1::-1]), np.float32)


def halvings(width: int, height: int, size: tuple[int, int]) -> int:
    """How often both sides can be halved exactly and stay as large as ``size``."""
    if width % 2 or height % 2 or width < 2 * size[0] or height < 2 * size[1]:
        return 0
    return 1 + halvings(width // 2, height // 2, size)
