"""A blurred background without a halo.

The article blurs the whole frame and pastes the person back, so the person's colours bleed into the background around
them. Here each blurred pixel is an average of background pixels only.
"""

from dataclasses import dataclass
from math import ceil, log2, sqrt
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from seglib._internal.resizing import resize
from seglib.arrays import Frame, Mask, check_frame, check_mask, check_positive
from seglib.composite import blend_checked

_REDUCE_FROM = 4.0  # a blur of this sigma or more, in pixels, is computed on a smaller image
_REDUCE_TWICE_FROM = 7.5  # a blur of a larger sigma also has its weights computed on a smaller image
_WEIGHT_SIGMA = 6.0  # above twice this sigma, what is left of sigma where the weights are computed, at least
_REACH = 2.5  # the frame is continued beyond its border by this many sigmas; what lies further hardly counts


def kernel_sigma(kernel: int) -> float:
    """Return the standard deviation that OpenCV gives a Gaussian kernel.

    Parameters
    ----------
    kernel
        Width of the kernel in pixels, odd.

    Returns
    -------
    float
        In pixels, by the formula in the reference of ``cv2.getGaussianKernel``.

    Raises
    ------
    ValueError
        If the kernel is even or not positive.

    Examples
    --------
    >>> round(seglib.kernel_sigma(51), 6)  # the article's kernel
    8.0
    """
    if kernel < 1 or kernel % 2 != 1:
        raise ValueError(
            f"kernel is {kernel}, but must be odd so that it has a middle pixel; try {kernel // 2 * 2 + 1}"
        )
    return 0.3 * ((kernel - 1) * 0.5 - 1) + 0.8


def default_sigma(height: int) -> float:
    """Return the default blur for a frame.

    Parameters
    ----------
    height
        Rows of the frame.

    Returns
    -------
    float
        Standard deviation in pixels, height / 60; at 480 rows it is that of the article's 51-pixel kernel.

    Examples
    --------
    >>> seglib.default_sigma(480)
    8.0
    """
    return height / 60


def blur_background(frame: Frame, mask: Mask, sigma: float | None = None, *, kernel: int | None = None) -> Frame:
    """Blur everything except what the mask keeps, without a halo.

    Parameters
    ----------
    frame
        Image, (H, W, 3) uint8, RGB.
    mask
        Alpha matte, (H, W) float in [0, 1] or bool; 1 keeps a pixel sharp.
    sigma
        Standard deviation of the Gaussian in pixels of this frame, > 0. The default is H / 60, see
        :func:`default_sigma`.
    kernel
        The blur as an odd kernel size instead of ``sigma``, see :func:`kernel_sigma`.

    Returns
    -------
    Frame
        A new (H, W, 3) uint8 array.

    Raises
    ------
    ValueError
        If the shapes differ, ``sigma`` is not positive, or both ``sigma`` and ``kernel`` are given.

    Notes
    -----
    Normalised convolution [1]_: the blur is divided by the blurred background weight, so no foreground colour leaks.
    Taught in ``04_blur.ipynb``.

    References
    ----------
    .. [1] Knutsson & Westin, "Normalized and differential convolution", CVPR 1993.

    Examples
    --------
    >>> output = seglib.blur_background(frame, mask, sigma=12)
    >>> np.array_equal(output[mask == 1], frame[mask == 1])
    True
    """
    frame = check_frame(frame)
    mask = check_mask(mask, frame)
    return blend_checked(frame, mask, _blurred_background(frame, mask, _choose_sigma(sigma, kernel, frame.shape[0])))


@dataclass(frozen=True)
class Blur:
    """The blur as an effect, ``effect(frame, mask) -> output``, for videos and live pictures.

    Parameters
    ----------
    sigma
        See :func:`blur_background`.
    kernel
        See :func:`blur_background`.

    Raises
    ------
    ValueError
        If ``sigma`` is not positive, ``kernel`` is even, or both are given.

    Examples
    --------
    >>> effect = seglib.Blur(sigma=12)
    >>> effect(frame, mask).shape
    (480, 640, 3)
    """

    sigma: float | None = None
    kernel: int | None = None

    def __post_init__(self) -> None:
        _choose_sigma(self.sigma, self.kernel, height=480)  # raises before the first frame

    def __call__(self, frame: Frame, mask: Mask) -> Frame:
        """Blur the background of a frame, as :func:`blur_background` does."""
        return blur_background(frame, mask, self.sigma, kernel=self.kernel)


def _choose_sigma(sigma: float | None, kernel: int | None, height: int) -> float:
    if sigma is not None and kernel is not None:
        raise ValueError(f"sigma {sigma} and kernel {kernel} both set the strength; give one of them")
    if kernel is not None:
        return kernel_sigma(kernel)
    return default_sigma(height) if sigma is None else check_positive(sigma, "sigma")


def _blurred_background(frame: Frame, mask: Mask, sigma: float) -> Frame:
    """Blur the background alone: G(frame · weight) / G(weight), where G is the Gaussian and weight is near 1 - mask.

    A wide blur leaves no fine detail, so it is computed on a smaller image: many times faster, with no visible
    difference.
    """
    sigma = min(sigma, 2 * max(mask.shape))  # a wider blur gives the same single colour, and needs more memory
    before, after = _reductions(sigma)
    factor = before * after
    # Like OpenCV's filters, continue the frame as its mirror image: as far as the blur reaches, and to a multiple of
    # factor. On the smaller image this would be wrong by a fraction of a pixel.
    height, width = mask.shape
    margin = factor * ceil(min(_REACH * sigma, max(height, width)) / factor)
    borders = margin, margin + -height % factor, margin, margin + -width % factor
    frame, mask = (_reduce(_mirror(image, *borders), before) for image in (frame, mask))
    mean = _weighted_mean(frame, _background_weight(mask), after, _remaining_sigma(sigma, factor))
    return _enlarge(mean, factor, margin, (height, width))


def _reductions(sigma: float) -> tuple[int, int]:
    """By which factors to reduce the image before and after the weights are applied; weights need the finer one."""
    before = 2 ** max(1, int(log2(sigma / _WEIGHT_SIGMA))) if sigma > _REDUCE_TWICE_FROM else 1
    after = 2 if sigma >= _REDUCE_FROM else 1
    return before, after


def _remaining_sigma(sigma: float, factor: int) -> float:
    """The blur that the smaller image needs, in its own pixels.

    Reducing by averaging and enlarging by interpolation blur, too: together by half a pixel. Squared sigmas add up.
    """
    return sqrt((sigma / factor) ** 2 - 1 / 4) if factor > 1 else sigma


def _weighted_mean(frame: Frame, weight: Mask, reduction: int, sigma: float) -> Frame:
    """The mean colour around each pixel of the reduced image, by a Gaussian of this sigma and by weight."""

    def blur(plane: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(cv2.GaussianBlur(_reduce(plane, reduction), (0, 0), sigma))

    total = blur(weight)
    # One channel at a time fits into the processor's cache, three do not.
    weighted = (cv2.multiply(channel, weight, dtype=cv2.CV_32F) for channel in cv2.split(frame))
    mean = cv2.merge([cv2.convertScaleAbs(cv2.divide(blur(channel), total)) for channel in weighted])
    return np.asarray(mean, np.uint8)


def _mirror(image: NDArray[Any], top: int, bottom: int, left: int, right: int) -> NDArray[Any]:
    """Continue an image beyond its borders, mirrored, by so many pixels."""
    return cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_REFLECT_101)


def _reduce(image: NDArray[Any], factor: int) -> NDArray[Any]:
    """The mean of each block of factor × factor pixels."""
    return resize(image, (image.shape[1] // factor, image.shape[0] // factor))


def _enlarge(image: Frame, factor: int, margin: int, shape: tuple[int, int]) -> Frame:
    """Enlarge a reduced image by interpolation, and crop what lies within the margin."""
    spare = margin // factor - 1  # keep one pixel more than is shown, to interpolate with
    image = image[spare : -spare or None, spare : -spare or None]
    large = cv2.resize(image, None, fx=factor, fy=factor)
    return np.asarray(large[factor : factor + shape[0], factor : factor + shape[1]], np.uint8)


def _background_weight(mask: Mask) -> Mask:
    """How much each pixel contributes to the background: 1 where the mask is 0, next to nothing at an edge.

    With 1 - mask alone, partly covered pixels would contribute in proportion, and the halo would come back along soft
    edges; the power suppresses them. The mask is dilated by one pixel first, because lenses and video compression
    smear the person's colours over the edge. The second term matters only where all other weights vanish: in a narrow
    gap, or in a wide area of uncertain mask.
    """
    dilated = cv2.dilate(mask, np.ones((3, 3), np.uint8))
    # Deep inside the person all weights would be 0, and 0 / 0 would follow; the mask hides those pixels. The minimum
    # also avoids numbers near 1e-38, with which processors are slow.
    base = np.maximum(1 - dilated, np.float32(1e-3))
    return np.asarray(np.maximum(cv2.pow(base, 8), np.float32(1e-6) * (1 - mask)), np.float32)
