"""Frames and masks to another size, the same way everywhere."""

from typing import Any

import cv2
from numpy.typing import NDArray


def resize(image: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """To (width, height): averaging over areas when it shrinks, along straight lines when it grows."""
    height, width = image.shape[:2]
    while width >= 2 * size[0] and height >= 2 * size[1] and width % 2 == height % 2 == 0:
        height, width = height // 2, width // 2  # halving first is several times as fast as all at once
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    if (width, height) == size:
        return image
    how = cv2.INTER_AREA if size[0] < width else cv2.INTER_LINEAR
    return cv2.resize(image, size, interpolation=how)
