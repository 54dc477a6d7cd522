"""The walk of a frame, with the settings of the moment: predict, clean, steady, apply the effect, lay out the panes."""

from dataclasses import dataclass
from functools import partial
from math import ceil, inf
from threading import Event
from typing import TYPE_CHECKING

import cv2
import numpy as np

from seglib.arrays import Frame, Labels, Mask
from seglib.follow import Follow
from seglib.live.beside import SLOW, Beside, Pace, Prediction, timed
from seglib.live.meter import Meter
from seglib.live.models import Models
from seglib.live.settings import Settings, check_output
from seglib.mask import Steady, class_numbers, clean_mask, feather
from seglib.plots import colour_labels

if TYPE_CHECKING:
    from seglib.predict import Model

JPEG_QUALITY = 80
_USUAL_FPS = 30
_WORTH_IT = 0.8  # a picture that the page shows only a little smaller is sent as it is: shrinking takes time, too


@dataclass(frozen=True)
class Picture:
    """What became of a frame. frame, output: (H, W, 3) uint8. mask: (H, W) float32. labels: only if asked for."""

    frame: Frame
    mask: Mask
    output: Frame
    labels: Labels | None = None

    def pane(self, name: str) -> Frame:
        """The frame that a pane shows."""
        if name == "input":
            return self.frame
        if name == "result":
            return self.output
        if name == "labels" and self.labels is not None:
            return colour_labels(self.labels)
        grey = cv2.convertScaleAbs(self.mask, alpha=255)  # rounds
        return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)


class Walk:
    """One for each run: it remembers the last masks. meter: where its times go. stop: ends all waiting for a model.

    A quick model predicts every frame. A slow one predicts beside, the newest frame whenever it is free, and in between
    the mask follows the picture.
    """

    def __init__(self, meter: Meter, stop: Event | None = None) -> None:
        self._meter, self._stop = meter, stop or Event()
        self._models = Models()
        self._beside, self._pace = Beside(), Pace()
        self._last: Prediction | None = None
        self._follow: Follow | None = None  # while the model is a slow one
        self._steady = Steady()
        self._before = 0.0  # when the last frame was taken
        self.number = 0

    @property
    def note(self) -> str:
        """What a person should know about the model at the moment: it is being loaded, or could not be; else ""."""
        return self._models.note

    def __call__(self, frame: Frame, settings: Settings, taken: float) -> Picture | None:
        """The picture, or None as long as there is no model yet. Raises what the effect raises, with a note.

        taken: when the frame was, in seconds of any clock.
        """
        model = self._models.get(settings.model)
        if model is None:
            return None
        if settings.mirror:
            frame = np.ascontiguousarray(frame[:, ::-1])
        self._turn(settings.mirror)
        mask = self._find(model, frame, settings)
        if mask is None or self._last is None:
            return None
        with self._meter("mask"):
            mask = self._finish(mask, frame, settings, taken)
        with self._meter("effect"):
            output = self._apply(frame, mask, settings)
        self.number += 1
        return Picture(frame, mask, output, self._last.labels)

    def close(self) -> None:
        """No more frames."""
        self._beside.close()

    def _find(self, model: "Model", frame: Frame, settings: Settings) -> Mask | None:
        """The mask of this frame: predicted, or carried here from the last prediction. None if it is time to stop."""
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
        return done.mask

    def _predict(self, model: "Model", frame: Frame, settings: Settings) -> Prediction:
        with self._meter("predict"):
            keep = self._models.known(model, class_numbers(settings.keep))
            raw = model.mask(frame, keep) if keep else np.zeros(frame.shape[:2], np.float32)
            labels = model.labels(frame) if "labels" in settings.panes else None
        with self._meter("clean"):
            return Prediction(frame, clean_mask(raw, frame, settings.threshold), labels, settings.mirror)

    def _carry(self, frame: Frame, done: Prediction | None, mirrored: bool) -> Mask | None:
        """Bring the last mask to this frame. done: a prediction of an older frame that has just come in, if any."""
        fresh = done is not None and done.mirrored == mirrored
        self._last = done if fresh else self._last
        if self._last is None:
            return None
        with self._meter("follow"):
            if fresh or self._follow is None:
                self._follow = self._follow or Follow()
                self._follow.update(self._last.frame, self._last.mask)
            return self._follow.mask(frame)

    def _turn(self, mirrored: bool) -> None:
        """After the mirror was switched, the past is the other way round."""
        if self._last is not None and self._last.mirrored != mirrored:
            frame, mask = self._last.frame[:, ::-1], self._last.mask[:, ::-1]
            self._last = Prediction(np.ascontiguousarray(frame), np.ascontiguousarray(mask), None, mirrored)
            self._follow = None
            self._steady.reset()

    def _finish(self, mask: Mask, frame: Frame, settings: Settings, taken: float) -> Mask:
        # The past fades with time, not with frames: on a slow machine the mask would trail behind else.
        self._steady.memory = settings.smoothing ** (_USUAL_FPS * max(1e-3, taken - self._before))
        self._before = taken
        mask = self._steady(mask, frame)
        return feather(mask, settings.feather) if settings.feather > 0 else mask

    def _apply(self, frame: Frame, mask: Mask, settings: Settings) -> Frame:
        if settings.effect is None:
            return frame
        try:
            return check_output(settings.effect(frame, mask), frame)
        except Exception as error:
            error.add_note(f"(raised by the effect at frame {self.number} of the live picture)")
            raise


def lay_out(picture: Picture, panes: tuple[str, ...], width: int | None = None) -> Frame:
    """The panes as one frame: up to three in a row, four as two by two.

    width: of the whole in pixels, if fewer than they have are enough for the page that shows them.
    """
    columns = columns_of(len(panes))
    frames = [_shrink(picture.pane(name), None if width is None else ceil(width / columns)) for name in panes]
    rows = [np.concatenate(frames[at : at + columns], axis=1) for at in range(0, len(frames), columns)]
    return np.ascontiguousarray(np.concatenate(rows, axis=0))


def columns_of(count: int) -> int:
    """How many panes stand side by side."""
    return count if count <= 3 else 2


def encode_jpeg(frame: Frame) -> bytes:
    """(H, W, 3) uint8 RGB to JPEG. OpenCV's encoder wants BGR, which exists in this line only."""
    ok, jpeg = cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not ok:
        raise ValueError(f"a picture of {frame.shape} cannot be encoded as JPEG")
    return jpeg.tobytes()


def _shrink(frame: Frame, width: int | None) -> Frame:
    if width is None or width > _WORTH_IT * frame.shape[1]:
        return frame
    height = max(1, round(frame.shape[0] * width / frame.shape[1]))
    # Averaging over areas is slow, and needed only where whole pixels would be skipped.
    halves = 2 * width <= frame.shape[1]
    return np.asarray(
        cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA if halves else cv2.INTER_LINEAR), np.uint8
    )
