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
            "fit_picture(background, frame.shape) crops and scales it"
        )
    mask = check_mask(mask, frame)
    output = np.empty(frame.shape, np.uint8)
    for rows in bands(len(frame)):  # OpenCV's name for the equation; it needs no float copies of the pictures
        cv2.blendLinear(frame[rows], background[rows], mask[rows], 1 - mask[rows], dst=output[rows])
    return output
