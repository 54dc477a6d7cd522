"""Time the pipeline from the source to a JPEG: each stage, and all of them overlapped."""

import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np

from seglib.arrays import Frame
from seglib.blur import Blur
from seglib.capture.sources import open_source
from seglib.errors import WeightsUnavailable
from seglib.live.jpeg import encode_jpeg
from seglib.metrics import Stopwatch
from seglib.pipeline import Effect, Pipeline
from seglib.samples import sample_background
from seglib.substitute import Replace
from seglib.video.stages import overlapped
from seglib.video.timestamps import TimedFrame

if TYPE_CHECKING:
    from seglib.predict import Model
    from seglib.predict.execution import Precision, Runtime

STAGES = ("capture", "predict", "mask", "effect", "encode")
WARM_UP = 5  # frames that are not counted: the first ones also allocate memory and compile


@dataclass(frozen=True)
class BenchOptions:
    """What to measure.

    Attributes
    ----------
    model, device, runtime, precision
        See :func:`load_model`.
    input_size
        The ``size`` of :func:`load_model`, in pixels.
    source
        See :func:`open_source`; a source that ends starts again.
    size
        (width, height) of the frames in pixels; None takes the source's.
    effect
        "blur", "substitute" or "none".
    frames
        How many to measure, at least 1.
    """

    model: str = "portrait"
    device: str | None = None
    runtime: "Runtime" = "auto"
    precision: "Precision | None" = None
    input_size: int | None = None
    source: str | int = "clip"
    size: tuple[int, int] | None = None
    effect: Literal["blur", "substitute", "none"] = "blur"
    frames: int = 150


def measure_pipeline(options: BenchOptions) -> dict[str, Any]:
    """Measure the first mask, the stages, latency, throughput and memory in this process.

    Parameters
    ----------
    options
        What to measure.

    Returns
    -------
    dict
        The options, with ``size``, ``device``, ``runtime`` and ``precision`` as they were used; ``stages_ms``, the
        median of each stage; ``latency_ms``, the percentiles of the time from the source to a JPEG; ``serial_fps``
        and ``fps``, frames per second one after the other and with the stages overlapped; ``first_mask_seconds``;
        ``peak_megabytes``, None where the system does not say; and ``note``, whether the weights were random.
    """
    start = time.perf_counter()
    model, note = load(options)
    pipeline = Pipeline(model, effect=_make_effect(options.effect))
    pipeline.predict([next(frames_of(options))[0]])
    first_mask = time.perf_counter() - start
    watch, latencies = Stopwatch(), list[float]()
    for number, (frame, capture_seconds) in enumerate(islice(frames_of(options), options.frames + WARM_UP)):
        if number == WARM_UP:
            watch, latencies = Stopwatch(), []
        watch.add("capture", capture_seconds)
        start = time.perf_counter()
        _time_stages(pipeline, frame, watch)
        latencies.append(capture_seconds + time.perf_counter() - start)
    return {
        **asdict(options),
        "size": [frame.shape[1], frame.shape[0]],
        "device": str(model.device),
        "runtime": model.runtime,
        "precision": model.precision,
        "note": note,
        "first_mask_seconds": first_mask,
        "stages_ms": watch.milliseconds(),
        "latency_ms": {f"p{p}": float(1000 * np.percentile(latencies, p)) for p in (50, 95, 99)},
        "serial_fps": len(latencies) / sum(latencies),
        "fps": _overlapped_fps(pipeline, options),
        "peak_megabytes": peak_megabytes(),
    }


def load(options: BenchOptions) -> tuple["Model", str]:
    """Load the model, and a note if its weights are random: as fast as trained ones."""
    from seglib.predict.registry import load_model, untrained_model

    how: dict[str, Any] = {
        "device": options.device,
        "size": options.input_size,
        "runtime": options.runtime,
        "precision": options.precision,
    }
    try:
        return load_model(options.model, download=False, **how), ""
    except WeightsUnavailable:
        return untrained_model(options.model, **how), "random weights"


def frames_of(options: BenchOptions) -> Iterator[tuple[Frame, float]]:
    """Frames without end, each with the seconds that its capture took, without resizing."""
    while True:
        with open_source(options.source) as frames:
            while True:
                start = time.perf_counter()
                frame = next(frames, None)
                seconds = time.perf_counter() - start
                if frame is None:
                    break
                if options.size is not None and frame.shape[1::-1] != options.size:
                    frame = np.asarray(cv2.resize(frame, options.size, interpolation=cv2.INTER_LINEAR), np.uint8)
                yield frame, seconds


def peak_megabytes() -> float | None:
    """The most memory that this process has used, in 10**6 bytes; None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def _time_stages(pipeline: Pipeline, frame: Frame, watch: Stopwatch) -> None:
    with watch("predict"):
        [prediction] = pipeline.predict([frame])
    with watch("mask"):
        mask = pipeline.smooth(pipeline.refine(prediction))
    with watch("effect"):
        output = pipeline.render(frame, mask)
    with watch("encode"):
        encode_jpeg(output)


def _overlapped_fps(pipeline: Pipeline, options: BenchOptions) -> float:
    """Frames per second with the stages overlapped, as in :func:`process_video`."""
    step = Fraction(1, 30)
    frames = islice(frames_of(options), options.frames + WARM_UP)
    timed = (TimedFrame(frame, number * step, step) for number, (frame, _) in enumerate(frames))
    with overlapped(pipeline, timed) as outputs:
        for number, output in enumerate(outputs, start=1):
            encode_jpeg(output.frame)
            if number == WARM_UP:
                start = time.perf_counter()
    return options.frames / (time.perf_counter() - start)


def _make_effect(name: str) -> Effect | None:
    if name == "none":
        return None
    return Blur() if name == "blur" else Replace(sample_background("beach"))
