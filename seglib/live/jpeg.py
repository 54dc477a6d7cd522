"""A result as a JPEG: its panes side by side."""

from math import ceil

import cv2
import numpy as np

from seglib.arrays import Frame
from seglib.palettes import colour_labels, mask_to_frame
from seglib.pipeline import Result

JPEG_QUALITY = 80
_WORTH_SHRINKING = 0.8  # a pane that is shown nearly as large is sent as it is: shrinking takes time, too


def pane(result: Result, name: str) -> Frame:
    """Return the image of a pane: input, labels, mask or result. (H, W, 3) uint8 RGB."""
    if name == "input":
        return result.frame
    if name == "result":
        return result.output
    if name == "labels" and result.labels is not None:
        return colour_labels(result.labels)
    return mask_to_frame(result.mask)


def lay_out(result: Result, panes: tuple[str, ...], width: int | None = None) -> Frame:
    """Join the panes into one image: up to three in a row, four as two by two.

    Parameters
    ----------
    result
        What is shown.
    panes
        Names of the panes.
    width
        Of the whole in pixels, where fewer than it has are enough.
    """
    columns = len(panes) if len(panes) <= 3 else 2
    images = [_shrink(pane(result, name), None if width is None else ceil(width / columns)) for name in panes]
    rows = [np.concatenate(images[at : at + columns], axis=1) for at in range(0, len(images), columns)]
    return np.ascontiguousarray(np.concatenate(rows, axis=0))


def encode_jpeg(frame: Frame) -> bytes:
    """Encode an image, (H, W, 3) uint8 RGB, as JPEG. OpenCV's encoder takes BGR."""
    ok, jpeg = cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not ok:
        raise ValueError(f"an image of {frame.shape} cannot be encoded as JPEG")
    return jpeg.tobytes()


def _shrink(frame: Frame, width: int | None) -> Frame:
    if width is None or width > _WORTH_SHRINKING * frame.shape[1]:
        return frame
    height = max(1, round(frame.shape[0] * width / frame.shape[1]))
    # Area averaging is slow, and needed only where whole pixels would be skipped.
    skips = 2 * width <= frame.shape[1]
    return np.asarray(
        cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA if skips else cv2.INTER_LINEAR), np.uint8
    )
