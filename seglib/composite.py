"""The one equation: ``output = mask * frame + (1 - mask) * background``.

Blur and substitute differ only in what ``background`` is.
"""

import cv2
import numpy as np

from seglib.arrays import Frame, Mask, bands, check_frame, check_mask


def blend(frame: Frame, mask: Mask, background: Frame) -> Frame:
    """Lay the frame over the background where the mask says so.

    frame, background: (H, W, 3) uint8 RGB, of one size.
    mask: (H, W) float in [0, 1] or bool; 1 shows the frame, 0 the background, between is a mix.
    Returns a new (H, W, 3) uint8 array, rounded to the nearest level.
    Raises ValueError if the shapes differ or the mask leaves [0, 1].

    The equation is the "over" operator (Porter & Duff, "Compositing Digital Images", 1984).
    Taught in 04_blur.ipynb.
    """
    frame = check_frame(frame)
    background = check_frame(background, "background")
    if background.shape != frame.shape:
        raise ValueError(
            f"background is {background.shape} but frame is {frame.shape}; "
            "fit_image(background, frame.shape) crops and scales it"
        )
    return lay_over(frame, check_mask(mask, frame), background)


def lay_over(frame: Frame, mask: Mask, background: Frame) -> Frame:
    """The same for effects, which have checked their arrays already."""
    levels = cv2.convertScaleAbs(mask, alpha=255)  # rounds: what is within half a level of 0 or 1 cannot be seen
    soft = np.flatnonzero((levels > 0) & (levels < 255))
    if len(soft) > mask.size / 4:
        return _mix(frame, mask, background)
    # Most of a good mask is 0 or 1. There the equation says copy, and only the edge needs to be calculated.
    output = np.array(background, order="C")
    edge, behind = (image.reshape(-1, 3).take(soft, axis=0)[np.newaxis] for image in (frame, output))
    cv2.copyTo(frame, levels, output)
    if len(soft):
        output.reshape(-1, 3)[soft] = _mix(edge, mask.ravel().take(soft)[np.newaxis], behind)[0]
    return output


def _mix(frame: Frame, mask: Mask, background: Frame) -> Frame:
    """The equation for every pixel. OpenCV's name for it is blendLinear; it needs no float copies of the pictures."""
    output = np.empty(frame.shape, np.uint8)
    for rows in bands(len(frame)):
        cv2.blendLinear(frame[rows], background[rows], mask[rows], 1 - mask[rows], dst=output[rows])
    return output
