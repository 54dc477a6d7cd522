"""The two stages of the live pipeline, each run by a thread of its own: predict a frame's mask, and render it.

Both drive :class:`seglib.Pipeline`. While a slow model predicts, the last mask follows the picture.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seglib._internal.resizing import small_view
from seglib.arrays import Frame
from seglib.classes import ClassName
from seglib.live.model_loader import ModelLoader
from seglib.live.settings import Settings
from seglib.live.statistics import RollingStopwatch
from seglib.live.workers import SLOW, ModelSpeed, Speed, Worker, timed
from seglib.pipeline import Pipeline, Prediction, Result
from seglib.temporal import Follow, Steady

if TYPE_CHECKING:
    from seglib.predict import Model

_SMOOTHING_FPS = 30  # the frame rate for which the setting ``smoothing`` is given


@dataclass(frozen=True)
class PredictedFrame:
    """A refined prediction, and the pipeline and settings that it was made with and is to be rendered with."""

    prediction: Prediction
    pipeline: Pipeline
    settings: Settings


class PredictStage:
    """Predict masks, one frame after the other, with the settings of the moment.

    A fast model predicts every frame. A slow one predicts the newest frame whenever it is free, in another thread, and
    the last mask follows the picture meanwhile.

    Parameters
    ----------
    stopwatch
        Times "predict", "refine" and "follow".
    stop
        Ends all waiting for a model.
    on_refused
        Called with a sentence and the settings that stay in force when a model cannot be loaded while another runs.
    """

    def __init__(
        self,
        stopwatch: RollingStopwatch,
        stop: Event,
        on_refused: Callable[[str, dict[str, Any]], object] = lambda message, in_force: None,
    ) -> None:
        self._stopwatch, self._stop, self._on_refused = stopwatch, stop, on_refused
        self._steady: bool | Steady = True  # then the one that all pipelines of this run share
        self._loader = ModelLoader()
        self._worker: Worker[PredictedFrame] = Worker("seglib slow model")
        self._speed = ModelSpeed()
        self._pipeline: Pipeline | None = None
        self._settings: Settings | None = None  # of the pipeline
        self._in_force: Settings | None = None  # the last ones whose model was there
        self._missing = ""  # which of the kept classes the model does not know
        self._last: PredictedFrame | None = None
        self._follow: Follow | None = None  # while the model is a slow one

    @property
    def note(self) -> str:
        """What a person should know about the model at the moment, or ""."""
        return self._loader.note or self._loader.failure or self._missing

    def __call__(self, frame: Frame, settings: Settings) -> PredictedFrame | None:
        """Predict the mask of a frame; None while there is no model yet, and when it is time to stop."""
        model = self._loader.get(settings.model)
        if model is None:
            return None
        if self._loader.failure and self._in_force is not None:
            self._on_refused(self._loader.failure, {"model": self._in_force.model, "keep": self._in_force.keep})
        elif not self._loader.note:
            self._in_force = settings
        pipeline = self._pipeline_for(model, settings)
        if settings.mirror:
            frame = _flip(frame)
        if self._last is not None and self._last.settings.mirror != settings.mirror:
            self._last, self._follow = _mirrored(self._last, settings), None
        done = self._predict(frame, pipeline, settings)
        if done is None or done.prediction.frame is not frame:
            return self._follow_frame(frame, done, pipeline, settings)
        self._last, self._follow = done, None
        return done

    def close(self) -> None:
        """No more frames will come."""
        self._worker.close()

    def _pipeline_for(self, model: "Model", settings: Settings) -> Pipeline:
        """A new pipeline where model or settings have changed: a slow prediction may still use the old one."""
        if self._pipeline is None or self._pipeline.model is not model or self._settings is not settings:
            keep, self._missing = _known_classes(model, settings.keep)
            if not keep and self._pipeline is not None and (self._loader.note or self._loader.failure):
                keep = self._pipeline.keep  # until the model is loaded whose classes these are
            self._settings = settings
            self._pipeline = Pipeline(
                model,
                keep=model.classes[0],
                steady=self._steady,
                effect=settings.effect,
                only_largest=settings.only_largest,
                threshold=settings.threshold,
                feather=settings.feather,
                labels="labels" in settings.panes,
            )
            self._pipeline.keep = keep  # perhaps none
            self._steady = self._pipeline.steady or True
        return self._pipeline

    def _predict(self, frame: Frame, pipeline: Pipeline, settings: Settings) -> PredictedFrame | None:
        """The mask of this frame, or from a slow model the newest one of an earlier frame, if there is a new one."""
        model = pipeline.model
        job = timed(partial(self._run_model, frame, pipeline, settings), partial(self._speed.add, model))
        speed = self._speed.of(model)
        if speed is Speed.FAST:
            return job()
        self._worker.submit(job)
        if self._last is None:
            return self._worker.wait(self._stop, inf)
        if speed is Speed.UNKNOWN:
            return self._worker.wait(self._stop, 2 * SLOW)
        return self._worker.take()

    def _run_model(self, frame: Frame, pipeline: Pipeline, settings: Settings) -> PredictedFrame:
        with self._stopwatch("predict"):
            [prediction] = pipeline.predict([frame])
        with self._stopwatch("refine"):
            return PredictedFrame(pipeline.refine(prediction), pipeline, settings)

    def _follow_frame(
        self, frame: Frame, done: PredictedFrame | None, pipeline: Pipeline, settings: Settings
    ) -> PredictedFrame | None:
        """Carry the last mask to this frame. ``done``: a prediction of an earlier frame that has just arrived."""
        is_new = done is not None and done.settings.mirror == settings.mirror
        self._last = done if is_new else self._last
        if self._last is None:
            return None
        last = self._last.prediction
        with self._stopwatch("follow"):
            if is_new or self._follow is None:
                self._follow = self._follow or Follow()
                self._follow.update(last.mask, last.view)
            view = small_view(frame)
            prediction = replace(last, frame=frame, view=view, mask=self._follow.mask(view))
        return PredictedFrame(prediction, pipeline, settings)


class RenderStage:
    """Smooth the masks and apply the effect, one frame after the other.

    Parameters
    ----------
    stopwatch
        Times "smooth" and "render".
    """

    def __init__(self, stopwatch: RollingStopwatch) -> None:
        self._stopwatch = stopwatch
        self._mirrored = False
        self._first: float | None = None  # time of the first frame
        self._before = 0.0  # time of the last frame

    def __call__(self, predicted: PredictedFrame, time: float) -> Result:
        """Render a frame that was captured at ``time``, in seconds of any clock. Raises what the effect raises."""
        prediction, pipeline, settings = predicted.prediction, predicted.pipeline, predicted.settings
        if settings.mirror != self._mirrored:
            self._mirrored = settings.mirror
            pipeline.reset()
        self._first = time if self._first is None else self._first
        # The past fades with time, not with frames: on a slow machine the mask would trail behind otherwise.
        smoothing = settings.smoothing ** (_SMOOTHING_FPS * max(1e-3, time - self._before))
        self._before = time
        with self._stopwatch("smooth"):
            mask = pipeline.smooth(prediction, smoothing)
        with self._stopwatch("render"):
            output = pipeline.render(prediction.frame, mask, time - self._first)
        return Result(prediction.frame, mask, output, prediction.labels)


def _known_classes(model: "Model", keep: Iterable[ClassName]) -> tuple[list[int], str]:
    """The numbers of the kept classes that the model can find, and a note on the others, or ""."""
    numbers, missing = [], []
    for name in keep:
        try:
            [number] = model.class_numbers([name])
        except ValueError:  # a class of the model that is still being loaded
            missing.append(str(name))
            continue
        if number in model.classes:
            numbers.append(number)
        else:
            missing.append(model.class_names[number])
    return numbers, f"{model.name} knows no {', '.join(missing)}" if missing else ""


def _mirrored(predicted: PredictedFrame, settings: Settings) -> PredictedFrame:
    old = predicted.prediction
    flipped = Prediction(_flip(old.frame), _flip(old.view), _flip(old.mask))
    return PredictedFrame(flipped, predicted.pipeline, settings)


def _flip(image: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(image[:, ::-1])  # OpenCV needs rows that run forwards
