"""The walk of frames from a source to encoded pictures, each stage timed."""

import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from typing import Any

import cv2
import numpy as np

from seglib._internal.allocation import keep_memory
from seglib._internal.cpu_cores import shared_cores
from seglib._internal.resizing import enlarge, small_view
from seglib._internal.worker_threads import Line, Together
from seglib.arrays import Frame, Mask
from seglib.mask import clean_mask
from seglib.metrics import Stopwatch
from seglib.temporal import Steady

STAGES = ("capture", "predict", "mask", "effect", "encode")
WARM_UP = 5  # frames that are not counted: the first ones also prepare


@dataclass(frozen=True)
class Walk:
    """What is to be measured. size: of the frames, (width, height), None as they come; sees: load_model's ``size``."""

    model: str = "portrait"
    device: str | None = None
    runtime: str = "auto"
    precision: str | None = None
    sees: int | None = None
    source: str = "clip"
    size: tuple[int, int] | None = None
    effect: str = "blur"
    frames: int = 150


def measure_walk(walk: Walk) -> dict[str, Any]:
    """First mask, stages, latency, rate and memory, in this process, which should be a fresh one."""
    start = time.perf_counter()
    model, note = load(walk)
    model.mask(next(frames_of(walk))[0])
    first_mask = time.perf_counter() - start
    steps = _Steps(model, walk.effect)
    keep_memory()
    watch, latencies = Stopwatch(), list[float]()
    for number, (frame, captured) in enumerate(islice(frames_of(walk), walk.frames + WARM_UP)):
        if number == WARM_UP:
            watch, latencies = Stopwatch(), []
        watch.add("capture", captured)
        begun = time.perf_counter()
        steps.walk(frame, watch)
        latencies.append(captured + time.perf_counter() - begun)
    serial, beside = len(latencies) / sum(latencies), measure_side_by_side(walk, steps)
    return {
        **asdict(walk),
        "size": [frame.shape[1], frame.shape[0]],
        "frames": len(latencies),
        "device": str(model.device),
        "runtime": model.runtime,
        "precision": model.precision,
        "note": note,
        "first_mask_seconds": first_mask,
        "stages_ms": watch.milliseconds(),
        "latency_ms": {f"p{p}": float(1000 * np.percentile(latencies, p)) for p in (50, 95, 99)},
        "serial_fps": serial,
        "fps": beside,
        "peak_megabytes": peak_megabytes(),
    }


def measure_side_by_side(walk: Walk, steps: "_Steps") -> float:
    """Frames in a second with the stages side by side, as videos do it: capture, predict, clean, all the rest.

    So while some frames are cleaned, the next ones are predicted, and no core waits for another's work.
    """
    frames = (frame for frame, _ in islice(frames_of(walk), walk.frames + WARM_UP))
    with shared_cores(), Line(frames, steps.find_several, steps.clean, steps.finish) as done:
        for number, _ in enumerate(done, start=1):
            if number == WARM_UP:
                begun = time.perf_counter()
    return walk.frames / (time.perf_counter() - begun)


class _Steps:
    """The stages from predict to encode, with what they remember from frame to frame."""

    def __init__(self, model: Any, effect: str) -> None:
        self._model, self._effect, self._steady = model, _make_effect(effect), Steady()
        self.find_several = Together(self._find_several, model.batch)

    def walk(self, frame: Frame, watch: Stopwatch) -> None:
        """All of them, timed one by one."""
        with watch("predict"):
            found = self.find(frame)
        with watch("mask"):
            _, mask = self.clean(found)
        with watch("effect"):
            output = self._effect(frame, mask)
        with watch("encode"):
            encode(output)

    def find(self, frame: Frame) -> tuple[Frame, Frame, Mask]:
        """The frame, the smaller view of it on which its mask is worked, and the mask as the model sees it."""
        return self._find_several([frame])[0]

    def _find_several(self, frames: list[Frame]) -> list[tuple[Frame, Frame, Mask]]:
        views = [small_view(frame) for frame in frames]
        return list(zip(frames, views, self._model.masks(frames, size=views[0].shape[1::-1]), strict=True))

    def clean(self, found: tuple[Frame, Frame, Mask]) -> tuple[Frame, Mask]:
        """The frame, and its mask cleaned, steadied and in its size."""
        frame, view, raw = found
        return frame, enlarge(self._steady(clean_mask(raw, view), view), frame)

    def finish(self, cleaned: tuple[Frame, Mask]) -> None:
        """The effect, and what comes after it."""
        encode(self._effect(*cleaned))


def load(walk: Walk) -> tuple[Any, str]:
    """The model, and a note if it has random weights, which are as fast as trained ones and find nothing."""
    from seglib.errors import WeightsUnavailable
    from seglib.predict.registry import load_model, untrained_model

    options: dict[str, Any] = {
        "device": walk.device,
        "size": walk.sees,
        "runtime": walk.runtime,
        "precision": walk.precision,
    }
    try:
        return load_model(walk.model, download=False, **options), ""
    except WeightsUnavailable:
        return untrained_model(walk.model, **options), "random weights"


def frames_of(walk: Walk) -> Iterator[tuple[Frame, float]]:
    """Frames without end, each with the seconds that its capture took. Resizing to ``size`` is not counted."""
    from seglib.capture.sources import open_source

    for _ in cycle([None]):
        with open_source(walk.source) as frames:
            while True:
                start = time.perf_counter()
                frame = next(frames, None)
                seconds = time.perf_counter() - start
                if frame is None:
                    break
                if walk.size is not None and frame.shape[1::-1] != walk.size:
                    frame = np.asarray(cv2.resize(frame, walk.size, interpolation=cv2.INTER_LINEAR), np.uint8)
                yield frame, seconds


def encode(frame: Frame) -> None:
    """To JPEG at the quality that the live widget uses."""
    cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 80])


def peak_megabytes() -> float | None:
    """The most memory that this process has held, in units of 10**6 bytes; None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def _make_effect(name: str) -> Any:
    import seglib

    if name == "blur":
        return seglib.Blur()
    if name == "substitute":
        return seglib.Replace(seglib.sample_background("beach"))
    return _nothing


def _nothing(frame: Frame, mask: Mask) -> Frame:
    return frame
