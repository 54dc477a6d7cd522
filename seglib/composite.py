"""Compositing: ``output = mask * frame + (1 - mask) * background``.

Blurring and replacing a background differ only in what ``background`` is.
"""

import cv2
import numpy as np

from seglib._internal.row_blocks import row_blocks
from seglib.arrays import Frame, Mask, check_frame, check_mask


def blend(frame: Frame, mask: Mask, background: Frame) -> Frame:
    """Composite a frame over a background.

    Parameters
    ----------
    frame
        Image, (H, W, 3) uint8, RGB.
    mask
        Alpha matte, (H, W) float in [0, 1] or bool; 1 shows the frame, 0 the background.
    background
        Image of the same shape as the frame.

    Returns
    -------
    Frame
        A new (H, W, 3) uint8 array, rounded to the nearest level.

    Raises
    ------
    ValueError
        If the shapes differ or the mask leaves [0, 1].

    Notes
    -----
    This is the "over" operator [1]_. Taught in ``04_blur.ipynb``.

    References
    ----------
    .. [1] Porter & Duff, "Compositing Digital Images", SIGGRAPH 1984.

    Examples
    --------
    >>> white = np.full_like(frame, 255)
    >>> output = seglib.blend(frame, mask, white)
    >>> output[0, 0].tolist()
    [255, 255, 255]
    """
    frame = check_frame(frame)
    background = check_frame(background, "background")
    if background.shape != frame.shape:
        raise ValueError(
            f"background is {background.shape} but frame is {frame.shape}; "
            "fit_image(background, frame.shape) crops and scales it"
        )
    return blend_checked(frame, check_mask(mask, frame), background)


def blend_checked(frame: Frame, mask: Mask, background: Frame) -> Frame:
    """Do the work of :func:`blend` on arrays that have been checked."""
    levels = cv2.convertScaleAbs(mask, alpha=255)  # rounds: less than half a level from 0 or 1 is invisible
    soft = np.flatnonzero((levels > 0) & (levels < 255))
    if len(soft) > mask.size / 4:
        return _mix(frame, mask, background)
    # Most of a good mask is 0 or 1, where the equation is a copy. Only the soft pixels need arithmetic.
    output = np.array(background, order="C")
    front, behind = (image.reshape(-1, 3).take(soft, axis=0)[np.newaxis] for image in (frame, output))
    cv2.copyTo(frame, levels, output)
    if len(soft):
        output.reshape(-1, 3)[soft] = _mix(front, mask.ravel().take(soft)[np.newaxis], behind)[0]
    return output


def _mix(frame: Frame, mask: Mask, background: Frame) -> Frame:
    """Apply the equation to every pixel; OpenCV's blendLinear needs no float copies of the images."""
    output = np.empty(frame.shape, np.uint8)
    for rows in row_blocks(len(frame)):
        cv2.blendLinear(frame[rows], background[rows], mask[rows], 1 - mask[rows], dst=output[rows])
    return output
