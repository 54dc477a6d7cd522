"""A blurred background without a halo.

Blurring the whole frame and pasting the person back, as the article does, lets the person's own colours bleed
into the background around them. Here the blur only ever averages background pixels.
"""

from dataclasses import dataclass
from math import ceil, log2, sqrt
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from seglib._internal.resizing import resize
from seglib.arrays import Frame, Mask, check_frame, check_mask, check_positive
from seglib.composite import lay_over


def kernel_sigma(kernel: int) -> float:
    """The standard deviation in pixels that OpenCV gives a Gaussian of ``kernel`` x ``kernel`` pixels.

    kernel: odd, 1 or more. The article's 51 gives 8.0. Raises ValueError for an even kernel.
    Source: the formula in the reference of ``cv2.getGaussianKernel``.
    """
    if kernel < 1 or kernel % 2 != 1:
        raise ValueError(
            f"kernel is {kernel}, but must be odd so that it has a middle pixel; try {kernel // 2 * 2 + 1}"
        )
    return 0.3 * ((kernel - 1) * 0.5 - 1) + 0.8


def default_sigma(height: int) -> float:
    """The default blur of a frame of ``height`` rows: height / 60 pixels, which at 480 rows is the article's 8."""
    return height / 60


def blur_background(frame: Frame, mask: Mask, sigma: float | None = None, *, kernel: int | None = None) -> Frame:
    """Blur everything except what the mask keeps, without a halo.

    frame: (H, W, 3) uint8 RGB. mask: (H, W) float in [0, 1] or bool, 1 = keep sharp.
    sigma: standard deviation of the Gaussian in pixels of this frame, > 0; None means H / 60,
        which at 480 rows is the article's 51-pixel kernel.
    kernel: the blur as OpenCV's odd kernel size instead of sigma, for those who come from the article.
    Returns a new (H, W, 3) uint8 array.
    Raises ValueError if the shapes differ, sigma is not positive, or both sigma and kernel are given.

    The blur is normalised by the blurred background weight, so no colour of the kept pixels leaks out
    (Knutsson & Westin, "Normalized and differential convolution", 1993). Taught in 04_blur.ipynb.
    """
    frame = check_frame(frame)
    mask = check_mask(mask, frame)
    return lay_over(frame, mask, _blurred_background(frame, mask, _choose_sigma(sigma, kernel, frame.shape[0])))


@dataclass(frozen=True)
class Blur:
    """The blur as an effect for live pictures and files: ``Blur()(frame, mask) -> output``.

    sigma, kernel: as in :func:`blur_background`; a wrong value raises ValueError here, before the first frame.
    """

    sigma: float | None = None
    kernel: int | None = None

    def __post_init__(self) -> None:
        _choose_sigma(self.sigma, self.kernel, height=480)

    def __call__(self, frame: Frame, mask: Mask) -> Frame:
        return blur_background(frame, mask, self.sigma, kernel=self.kernel)


def _choose_sigma(sigma: float | None, kernel: int | None, height: int) -> float:
    if sigma is not None and kernel is not None:
        raise ValueError(f"sigma {sigma} and kernel {kernel} are two words for one thing; give one of them")
    if kernel is not None:
        return kernel_sigma(kernel)
    return default_sigma(height) if sigma is None else check_positive(sigma, "sigma")


def _blurred_background(frame: Frame, mask: Mask, sigma: float) -> Frame:
    """G(f * w) / G(w): the mean of the background pixels near each pixel, weighted by distance.

    A wide blur leaves nothing fine, so it is taken of a small picture, which is then enlarged: many times faster, and
    not to be seen. Making a picture smaller by averaging, and larger again along straight lines, is a small blur
    itself: its sigma is half a pixel of the small picture. The squares of sigmas add up.
    """
    # So many times smaller before the weighting, where it need not be finer, and so many times after it.
    coarse = 2 ** max(1, int(log2(sigma / 6))) if sigma > 7.5 else 1
    fine = 2 if sigma >= 4 else 1
    times = coarse * fine
    # Beyond the frame lies its mirror image, as OpenCV's filters see it. It is put there before the picture shrinks,
    # or it would be off by a part of a small pixel; as wide as the blur reaches, and to a multiple of a small pixel.
    height, width = mask.shape
    margin = times * ceil(min(2.5 * sigma, max(mask.shape)) / times)
    sides = margin, margin + -height % times, margin, margin + -width % times
    frame, mask = (_smaller(_mirrored(image, *sides), coarse) for image in (frame, mask))
    weight = _background_weight(mask)
    small = sqrt((sigma / times) ** 2 - 1 / 4) if times > 1 else sigma

    def blurred(plane: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(cv2.GaussianBlur(_smaller(plane, fine), (0, 0), small))

    total = blurred(weight)
    # One colour after the other: a plane of the small picture stays in the processor's cache, all three do not.
    voices = (cv2.multiply(plane, weight, dtype=cv2.CV_32F) for plane in cv2.split(frame))
    mean = cv2.merge([cv2.convertScaleAbs(cv2.divide(blurred(voice), total)) for voice in voices])
    spare = margin // times - 1  # one pixel more than is shown, to draw the lines to
    mean = mean[spare : -spare or None, spare : -spare or None]
    large = cv2.resize(mean, None, fx=times, fy=times)
    return np.asarray(large[times : times + height, times : times + width], np.uint8)


def _mirrored(image: NDArray[Any], top: int, bottom: int, left: int, right: int) -> NDArray[Any]:
    """With so many more pixels at the top, bottom, left and right, mirrored as OpenCV's filters do it."""
    if not (top or bottom or left or right):
        return image
    return cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_REFLECT_101)


def _smaller(image: NDArray[Any], times: int) -> NDArray[Any]:
    """The mean of every square of times x times pixels, whose sides are multiples of times."""
    return resize(image, (image.shape[1] // times, image.shape[0] // times))


def _background_weight(mask: Mask) -> Mask:
    """How far each pixel may speak for the background: 1 where the mask is 0, next to nothing at an edge.

    1 - mask alone would let half-person pixels vote with half a voice, and the halo would come back along soft
    edges. The power silences them. The mask is grown by one pixel first, since lenses and video compression smear
    the person's colours over the edge. The faint voice of the second term is heard only where no other is: in a
    narrow gap, or in a wide uncertain area.
    """
    grown = cv2.dilate(mask, np.ones((3, 3), np.uint8))
    # Deep inside the person nobody speaks, and 0 / 0 would follow, so the weight is never quite 0. Nobody sees these
    # pixels: the mask covers them. Nor does it fall to 1e-38, where processors calculate slowly.
    sure = np.maximum(1 - grown, np.float32(1e-3))
    return np.maximum(cv2.pow(sure, 8), np.float32(1e-6) * (1 - mask))
