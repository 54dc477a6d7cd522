"""The guided filter: a mask learns where the edges are from the colours of the frame.

Source: He, Sun, Tang, "Guided Image Filtering", 2010, section 3.4 (colour guidance), computed on a smaller picture
as in He & Sun, "Fast Guided Filter", 2015.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from seglib._internal.resizing import resize
from seglib.arrays import Frame, Mask, bands

Plane = NDArray[Any]  # (H, W) or (H, W, 3) float32


def guided_filter(mask: Mask, frame: Frame, radius: int, epsilon: float, shrink: int | None = None) -> Mask:
    """Filter a mask with the colour frame as its guide.

    In every window of 2 * radius + 1 pixels the mask is explained by the colours: mask ~ a . colour + b, by least
    squares. Each pixel then takes the mean of what the windows around it say. Where the colour jumps, the mask
    jumps with it; where the colour is flat, the mask is averaged.

    mask: float32 in [0, 1], of the same view as the frame, but perhaps smaller. frame: (H, W, 3) uint8.
    radius: in pixels of the frame, >= 1.
    epsilon: keeps a small, in squared colour units of [0, 1]; larger means smoother.
    shrink: solve on a picture this many times smaller, then apply to the full one; None means radius // 3.
    Returns (H, W) float32 in [0, 1].
    """
    shrink = max(1, radius // 3) if shrink is None else shrink
    small = max(1, frame.shape[1] // shrink), max(1, frame.shape[0] // shrink)
    guide = resize(frame, small).astype(np.float32)
    guide *= np.float32(1 / 255)
    *a, b = _explain(resize(mask, small), guide, max(1, round(radius / shrink)), epsilon)
    full = frame.shape[1::-1]
    terms = resize(cv2.merge(a) / 255, full)  # (H, W, 3), times the frame, since that comes in levels
    result = resize(b, full)  # (H, W)
    for rows in bands(len(frame)):
        terms[rows] *= frame[rows]
        result[rows] += cv2.transform(terms[rows], np.ones((1, 3), np.float32))  # the sum over the channels
    return np.asarray(np.clip(result, 0, 1, out=result), np.float32)


def _explain(mask: Plane, colour: Plane, radius: int, epsilon: float) -> list[Plane]:
    """The a for red, green and blue, and b, that best explain the mask by the colours near each pixel."""
    window = (2 * radius + 1, 2 * radius + 1)

    def means(*planes: Plane) -> list[Plane]:
        return [cv2.blur(plane, window, borderType=cv2.BORDER_REFLECT) for plane in planes]

    colours = cv2.split(colour)
    mean = means(*colours)
    mean_mask = means(mask)[0]
    # How each colour varies with the mask, and with each colour: variances on the diagonal, in the paper's order.
    with_mask = [m - c * mean_mask for m, c in zip(means(*(c * mask for c in colours)), mean, strict=True)]
    pairs = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
    spread = means(*(colours[i] * colours[j] for i, j in pairs))
    spread = [m - mean[i] * mean[j] + (epsilon if i == j else 0) for m, (i, j) in zip(spread, pairs, strict=True)]
    a = _solve(spread, with_mask)
    b = mean_mask - sum(x * y for x, y in zip(a, mean, strict=True))
    return means(*a, b)


def _solve(matrix: list[Plane], vector: list[Plane]) -> list[Plane]:
    """Solve one symmetric 3 x 3 system a pixel by Cramer's rule: much faster than a call of LAPACK for each.

    matrix: its entries rr, rg, rb, gg, gb, bb, each an (h, w) plane.
    """
    rr, rg, rb, gg, gb, bb = matrix
    first = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    second = first[1], rr * bb - rb * rb, rb * rg - rr * gb
    third = first[2], second[2], rr * gg - rg * rg
    determinant = rr * first[0] + rg * first[1] + rb * first[2]
    return [sum(c * v for c, v in zip(row, vector, strict=True)) / determinant for row in (first, second, third)]
