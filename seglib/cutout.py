"""Cut the foreground out: frames with an alpha channel, for a video editor to lay over something else."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from seglib.arrays import Frame, Mask, check_frame, check_mask

_RADIUS_ROWS = 45  # colours are averaged over a radius of H / 45, which is more than the width of a soft edge
_SHARPNESS = 4  # a power of the weights, so that pixels that are nearly all foreground, or background, count most
_MIN_WEIGHT = 1e-4  # avoids 0 / 0 where all weights are 0


class CutOut:
    """The foreground alone as an effect: ``effect(frame, mask) -> output``, (H, W, 4) uint8 RGBA.

    Alpha is the mask, 0 to 255, and is straight: colours are not multiplied by it. :func:`process_video` writes such
    an output to a folder of PNG images, which video editors take, or to a .webm file, whose transparency Chrome, Edge,
    Firefox and OBS show; .mp4 has no alpha. The effect can be pickled.

    Notes
    -----
    In a soft edge, a frame shows a mix of foreground and background. Here the background's part is removed, so that
    no rim of the old background shows on the new one. Where the mask is 0, the colours are averages of the foreground
    nearby, or black, and reveal nothing of the background. This is the method of [1]_, in one pass and with sharper
    weights.

    References
    ----------
    .. [1] Forte, "Approximate Fast Foreground Colour Estimation", ICIP 2021.

    Examples
    --------
    >>> from seglib.video import CutOut
    >>> effect = CutOut()
    >>> effect(frame, mask).shape
    (480, 640, 4)
    """

    transparent = True  # tells the pipeline that the output is RGBA

    def __call__(self, frame: Frame, mask: Mask) -> Frame:
        """Return the frame's foreground with the mask as its alpha channel, (H, W, 4) uint8."""
        frame = check_frame(frame)
        alpha = np.rint(check_mask(mask, frame) * 255).astype(np.uint8)
        return np.dstack([_foreground(frame, alpha), alpha])


def _foreground(frame: Frame, alpha: NDArray[np.uint8]) -> Frame:
    """Estimate the foreground's own colours, (H, W, 3) uint8; they equal the frame's where alpha is 255."""
    window = 2 * (frame.shape[0] // _RADIUS_ROWS + 1) + 1
    a = alpha[..., np.newaxis].astype(np.float32) / np.float32(255)  # (H, W, 1)
    foreground = _weighted_mean(frame, a**_SHARPNESS, window)
    background = _weighted_mean(frame, (1 - a) ** _SHARPNESS, window)
    # The frame should be a * foreground + (1 - a) * background. What is missing is added, weighted by a.
    residual = frame - a * foreground - (1 - a) * background
    colours: Frame = np.rint((foreground + a * residual).clip(0, 255)).astype(np.uint8)
    return colours


def _weighted_mean(frame: Frame, weight: NDArray[np.float32], window: int) -> NDArray[np.float32]:
    """The weighted mean colour around each pixel, (H, W, 3); 0 where all weights are 0."""
    total: NDArray[Any] = cv2.blur(weight * frame, (window, window), borderType=cv2.BORDER_REPLICATE)
    weights = cv2.blur(weight, (window, window), borderType=cv2.BORDER_REPLICATE)[..., np.newaxis]
    return np.asarray(total / (weights + _MIN_WEIGHT), np.float32)
