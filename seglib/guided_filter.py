"""The guided filter: align the edges of a mask with the edges of the frame.

The names follow He, Sun & Tang, "Guided Image Filtering", ECCV 2010, section 3.4 (colour guide): guide I, filter input
p, coefficients a_k and b_k of the window around pixel k, output q. The coefficients are computed on a smaller image, as
in He & Sun, "Fast Guided Filter", 2015.
"""

from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from seglib._internal.resizing import resize
from seglib._internal.row_blocks import row_blocks
from seglib.arrays import Frame, Mask

Plane: TypeAlias = NDArray[Any]  # (h, w) float32


def guided_filter(mask: Mask, frame: Frame, radius: int, epsilon: float, subsampling: int | None = None) -> Mask:
    """Filter a mask with the colour frame as its guide.

    In each window, the mask is approximated by a linear function of the colours, ``q = a · I + b``, by least squares.
    Each pixel takes the mean over all windows that contain it. Where the colour has an edge, the mask gets the same
    edge; where the colour is flat, the mask is averaged.

    Parameters
    ----------
    mask
        The filter input p, float32 in [0, 1]. It may have fewer pixels than the frame.
    frame
        The guide I, (H, W, 3) uint8.
    radius
        Each window has 2 · radius + 1 pixels of the frame on a side; at least 1.
    epsilon
        The regularisation of a, in squared colour units of [0, 1]; larger is smoother.
    subsampling
        Factor by which the image is reduced before a and b are computed. The default is radius // 3.

    Returns
    -------
    Mask
        The filter output q, (H, W) float32 in [0, 1].
    """
    s = max(1, radius // 3) if subsampling is None else subsampling
    size = frame.shape[1::-1]
    small = max(1, size[0] // s), max(1, size[1] // s)
    I = resize(frame, small).astype(np.float32) * np.float32(1 / 255)  # noqa: E741
    *mean_a, mean_b = _coefficients(I, resize(mask, small), max(1, round(radius / s)), epsilon)
    # q = mean_a · I + mean_b at full resolution. The frame's values are 0 to 255, so mean_a is divided by 255.
    products = resize(cv2.merge(mean_a) / 255, size)  # (H, W, 3)
    q = resize(mean_b, size)  # (H, W)
    for rows in row_blocks(len(frame)):
        products[rows] *= frame[rows]
        q[rows] += cv2.transform(products[rows], np.ones((1, 3), np.float32))  # the sum over the channels
    return np.asarray(np.clip(q, 0, 1, out=q), np.float32)


def _coefficients(I: NDArray[Any], p: Plane, r: int, epsilon: float) -> list[Plane]:  # noqa: E741
    """The mean of a (for red, green and blue) and of b over the windows that contain each pixel."""
    window = (2 * r + 1, 2 * r + 1)

    def mean(*planes: Plane) -> list[Plane]:
        return [cv2.blur(plane, window, borderType=cv2.BORDER_REFLECT) for plane in planes]

    channels = cv2.split(I)
    mean_I = mean(*channels)
    [mean_p] = mean(p)
    mean_Ip = mean(*(channel * p for channel in channels))
    cov_Ip = [m - mean_c * mean_p for m, mean_c in zip(mean_Ip, mean_I, strict=True)]
    # Sigma is the covariance matrix of I, symmetric, so six of its nine entries suffice.
    entries = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
    mean_II = mean(*(channels[i] * channels[j] for i, j in entries))
    Sigma = [m - mean_I[i] * mean_I[j] for m, (i, j) in zip(mean_II, entries, strict=True)]
    regularised = [entry + epsilon if i == j else entry for entry, (i, j) in zip(Sigma, entries, strict=True)]
    a = _solve(regularised, cov_Ip)
    b = mean_p - sum(a_c * mean_c for a_c, mean_c in zip(a, mean_I, strict=True))
    return mean(*a, b)


def _solve(matrix: list[Plane], vector: list[Plane]) -> list[Plane]:
    """Solve a symmetric 3 × 3 system at each pixel by Cramer's rule, much faster than LAPACK pixel by pixel.

    matrix: the entries rr, rg, rb, gg, gb, bb. vector: r, g, b. Each is an (h, w) plane.
    """
    rr, rg, rb, gg, gb, bb = matrix
    row_r = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg  # the adjugate, which is symmetric, too
    row_g = row_r[1], rr * bb - rb * rb, rb * rg - rr * gb
    row_b = row_r[2], row_g[2], rr * gg - rg * rg
    determinant = rr * row_r[0] + rg * row_r[1] + rb * row_r[2]
    return [sum(c * v for c, v in zip(row, vector, strict=True)) / determinant for row in (row_r, row_g, row_b)]
