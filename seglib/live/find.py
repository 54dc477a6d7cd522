"""From a frame to its mask, with the settings of the moment: predict and clean; or carry an older mask there."""

from dataclasses import replace
from functools import partial
from math import inf
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seglib._internal.resizing import enlarge, small_view
from seglib.arrays import Frame, Labels, Mask
from seglib.classes import class_numbers
from seglib.live.beside import SLOW, Beside, Pace, Prediction, timed
from seglib.live.model_loader import Models
from seglib.live.settings import Settings
from seglib.live.statistics import RollingStopwatch
from seglib.mask import clean_mask
from seglib.temporal import Follow

if TYPE_CHECKING:
    from seglib.predict import Model


class Find:
    """One for each run, used by one thread. meter: where its times go. stop: ends all waiting for a model.

    A quick model predicts every frame. A slow one predicts beside, the newest frame whenever it is free, and in between
    the mask follows the picture.
    """

    def __init__(self, meter: RollingStopwatch, stop: Event | None = None) -> None:
        self._meter, self._stop = meter, stop or Event()
        self._models = Models()
        self._beside: Beside[Prediction] = Beside("seglib predicts")
        self._pace = Pace()
        self._last: Prediction | None = None
        self._follow: Follow | None = None  # while the model is a slow one

    @property
    def note(self) -> str:
        """What a person should know about the model at the moment: it is being loaded, or could not be; else ""."""
        return self._models.note

    def __call__(self, frame: Frame, settings: Settings) -> Prediction | None:
        """What is known of this frame, which is mirrored if the settings say so.

        None as long as there is no model yet, and if it is time to stop.
        """
        model = self._models.get(settings.model)
        if model is None:
            return None
        if settings.mirror:
            frame = _turned(frame)
        self._turn(settings.mirror)
        return self._find(model, frame, settings)

    def close(self) -> None:
        """No more frames."""
        self._beside.close()

    def _find(self, model: "Model", frame: Frame, settings: Settings) -> Prediction | None:
        job = timed(partial(self._predict, model, frame, settings), partial(self._pace.note, model))
        slow = self._pace.is_slow(model)
        if slow is False:
            done: Prediction | None = job()
        else:
            patience = inf if self._last is None else 2 * SLOW if slow is None else 0.0
            self._beside.offer(job)
            done = self._beside.wait(self._stop, patience) if patience else self._beside.take()
        if done is None or done.frame is not frame:
            return self._carry(frame, done, settings.mirror)
        self._follow, self._last = None, done
        return done

    def _predict(self, model: "Model", frame: Frame, settings: Settings) -> Prediction:
        with self._meter("predict"):
            keep = self._models.known(model, class_numbers(settings.keep))
            view = small_view(frame)
            size = view.shape[1::-1]
            raw = model.mask(frame, keep, size=size) if keep else np.zeros(size[::-1], np.float32)
            labels = _labels(model, frame, keep, raw) if "labels" in settings.panes else None
        with self._meter("clean"):
            return Prediction(frame, view, clean_mask(raw, view, settings.threshold), labels, settings.mirror)

    def _carry(self, frame: Frame, done: Prediction | None, mirrored: bool) -> Prediction | None:
        """Bring the last mask to this frame. done: a prediction of an older frame that has just come in, if any."""
        fresh = done is not None and done.mirrored == mirrored
        self._last = done if fresh else self._last
        if self._last is None:
            return None
        with self._meter("follow"):
            if fresh or self._follow is None:
                self._follow = self._follow or Follow()
                self._follow.update(self._last.mask, self._last.view)
            view = small_view(frame)
            return replace(self._last, frame=frame, view=view, mask=self._follow.mask(view))

    def _turn(self, mirrored: bool) -> None:
        """After the mirror was switched, the past is the other way round."""
        if self._last is not None and self._last.mirrored != mirrored:
            last = self._last
            self._last = Prediction(_turned(last.frame), _turned(last.view), _turned(last.mask), None, mirrored)
            self._follow = None


def _labels(model: "Model", frame: Frame, keep: list[int], raw: Mask) -> Labels:
    """The frame's labels. Of a network with two classes its mask tells them, too, and it need not run twice."""
    if len(model.classes) == 2 and keep == [model.classes[1]]:
        return (enlarge(raw, frame) > 0.5).astype(np.uint8) * np.uint8(model.classes[1])
    return model.labels(frame)


def _turned(image: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(image[:, ::-1])  # OpenCV wants rows that run forwards
