"""The stages of the walk as functions without arguments, on the recorded frame, for benchmarks and their limits."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

import seglib
from seglib._internal.resizing import enlarge, small_view
from seglib.cli.bench.walk import encode

SIZES = {"640x480": (640, 480), "1280x720": (1280, 720)}


def reference(size: str) -> Callable[[], object]:
    """What the stages are compared with: a plain blur of the frame in OpenCV, which nobody here can make slower."""
    frame = _frame(size)
    return lambda: cv2.GaussianBlur(frame, (0, 0), 4)


def stages(size: str) -> dict[str, Callable[[], object]]:
    """predict, mask, the two effects and encode, each of one frame of this size."""
    frame, model, steady = _frame(size), seglib.load_model(device="cpu"), seglib.Steady()
    view = small_view(frame)
    raw = model.mask(frame, size=view.shape[1::-1])
    mask = enlarge(seglib.clean_mask(raw, view), frame)
    blur, replace = seglib.Blur(), seglib.Replace(seglib.sample_background("beach"))
    return {
        "predict": lambda: model.mask(frame, size=view.shape[1::-1]),
        "mask": lambda: enlarge(steady(seglib.clean_mask(raw, view), view), frame),
        "blur": lambda: blur(frame, mask),
        "replace": lambda: replace(frame, mask),
        "encode": lambda: encode(frame),
    }


def _frame(size: str) -> np.ndarray:
    return cv2.resize(seglib.sample_frame(), SIZES[size], interpolation=cv2.INTER_LINEAR)
