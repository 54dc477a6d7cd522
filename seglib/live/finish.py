"""From a frame and its mask to a picture for the page: steady the mask, apply the effect, lay out the panes, encode."""

from dataclasses import dataclass
from math import ceil

import cv2
import numpy as np

from seglib._internal.resizing import enlarge
from seglib.arrays import Frame, Labels, Mask
from seglib.live.beside import Prediction
from seglib.live.settings import Settings, check_output
from seglib.live.statistics import RollingStopwatch
from seglib.mask import feather
from seglib.plots import colour_labels
from seglib.temporal import Steady

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


class Finish:
    """One for each run, used by one thread: it remembers the last masks. meter: where its times go."""

    def __init__(self, meter: RollingStopwatch) -> None:
        self._meter = meter
        self._steady = Steady()
        self._mirrored = False
        self._before = 0.0  # when the last frame was taken
        self.number = 0

    def __call__(self, found: Prediction, settings: Settings, taken: float) -> Picture:
        """The picture of a frame. taken: when the frame was, in seconds of any clock.

        Raises what the effect raises, with a note.
        """
        with self._meter("mask"):
            mask = self._steadied(found, settings, taken)
        with self._meter("effect"):
            output = self._apply(found.frame, mask, settings)
        self.number += 1
        return Picture(found.frame, mask, output, found.labels)

    def _steadied(self, found: Prediction, settings: Settings, taken: float) -> Mask:
        if found.mirrored != self._mirrored:  # the past is the other way round
            self._mirrored = found.mirrored
            self._steady.reset()
        # The past fades with time, not with frames: on a slow machine the mask would trail behind else.
        smoothing = settings.smoothing ** (_USUAL_FPS * max(1e-3, taken - self._before))
        self._before = taken
        mask = enlarge(self._steady(found.mask, found.view, smoothing), found.frame)
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
