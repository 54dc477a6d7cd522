"""The stages of the pipeline as functions without arguments, on the recorded frame, for benchmarks and their limits."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

import seglib
from seglib.live.jpeg import encode_jpeg

SIZES = {"640x480": (640, 480), "1280x720": (1280, 720)}


def reference(size: str) -> Callable[[], object]:
    """What the stages are compared with: a plain blur of the frame in OpenCV."""
    frame = _frame(size)
    return lambda: cv2.GaussianBlur(frame, (0, 0), 4)


def stages(size: str) -> dict[str, Callable[[], object]]:
    """predict, mask, the two effects and encode, each of one frame of this size."""
    frame, pipeline = _frame(size), seglib.Pipeline(seglib.load_model(device="cpu"))
    [prediction] = pipeline.predict([frame])
    mask = pipeline.smooth(pipeline.refine(prediction))
    blur, replace = seglib.Blur(), seglib.Replace(seglib.sample_background("beach"))
    return {
        "predict": lambda: pipeline.predict([frame]),
        "mask": lambda: pipeline.smooth(pipeline.refine(prediction)),
        "blur": lambda: blur(frame, mask),
        "replace": lambda: replace(frame, mask),
        "encode": lambda: encode_jpeg(frame),
    }


def _frame(size: str) -> np.ndarray:
    return cv2.resize(seglib.sample_frame(), SIZES[size], interpolation=cv2.INTER_LINEAR)
