"""Masks over time: a mask that rests where the picture rests, and one that follows the picture.

``Steady`` averages a mask over the last frames; taught in 03_mask.ipynb. ``Follow`` carries the mask of a slow model
to the present frame by optical flow, while the next prediction is still on its way.
"""

from collections import deque
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from seglib._internal.resizing import resize
from seglib.arrays import Frame, Mask, bands, check_frame, check_mask, check_positive

_ROWS = 120  # about as many has the picture on which motion is measured; columns, if those are fewer


class Steady:
    """Steady a mask over time: ``steady(mask, frame) -> mask``, once for every frame, in order.

    Where the picture stands still the mask is averaged over the last frames, so a flickering edge rests. Where
    the picture moves, the new mask is taken as it is, so nothing trails behind. At a cut, or when the frame size
    changes, it starts afresh.

    smoothing: in [0, 1), the weight of the past where nothing moves. 0 switches it off.
    motion: the change, in levels of 255, at which the past counts for a third of that. It is measured on a picture
        that is shrunk and blurred, where a camera's noise of 10 levels is about 1 level.
    cut: the mean change over the frame, in levels of 255, that is taken for a cut.
    """

    def __init__(self, smoothing: float = 0.8, motion: float = 8.0, cut: float = 40.0) -> None:
        self.smoothing = _check_smoothing(smoothing)
        self.motion = check_positive(motion, "motion")
        self.cut = check_positive(cut, "cut")
        self.reset()

    def reset(self) -> None:
        """Forget the past, as at a cut."""
        self._mask: Mask | None = None
        self._view: Frame | None = None

    def __call__(self, mask: Mask, frame: Frame, smoothing: float | None = None) -> Mask:
        smoothing = self.smoothing if smoothing is None else _check_smoothing(smoothing)
        mask = check_mask(mask, check_frame(frame))
        view, seen, steadied = _blurred_view(frame), self._view, np.empty_like(mask)
        if seen is None or self._mask is None or self._mask.shape != mask.shape:
            self._mask = mask.copy()
            steadied[:] = mask
        else:
            change = np.maximum.reduce(cv2.split(cv2.absdiff(view, seen)))  # (h, w) uint8, levels
            weight = cv2.resize(self._weight(change, smoothing), mask.shape[::-1], interpolation=cv2.INTER_LINEAR)
            for rows in bands(len(mask)):
                past = self._mask[rows]  # it becomes mask + weight * (past - mask), in its own place
                past -= mask[rows]
                past *= weight[rows]
                past += mask[rows]
                steadied[rows] = past
        self._view = view
        return steadied

    def _weight(self, change: NDArray[np.uint8], smoothing: float) -> NDArray[np.float32]:
        """The weight of the past, (h, w) in [0, 1), where the picture has changed by so many levels."""
        weight = smoothing if change.mean() < self.cut else 0
        levels = np.arange(256, dtype=np.float32)
        return (weight * np.exp(-((levels / self.motion) ** 2))).astype(np.float32)[change]


def _check_smoothing(smoothing: float) -> float:
    if not 0 <= smoothing < 1:
        raise ValueError(f"smoothing is {smoothing}, but must lie in [0, 1)")
    return smoothing


def _blurred_view(frame: Frame) -> Frame:
    """The frame at about 120 rows and slightly blurred: what moved shows, the camera's noise does not."""
    times = max(1, round(min(frame.shape[:2]) / _ROWS))
    small = resize(frame, (frame.shape[1] // times, frame.shape[0] // times))
    return np.asarray(cv2.GaussianBlur(small, (0, 0), 1.5), np.uint8)


_SIDE = 256  # the longer side, in pixels, of the small pictures on which everything happens
_NONE: Any = None  # no second map, since the first holds x and y; and no flow to start from
_CUT = 40  # the mean change over the frame, in levels of 255, that is taken for a cut


@dataclass(frozen=True)
class _Step:
    """How one frame follows from the one before."""

    view: Frame  # (h, w) grey
    flow: NDArray[np.float16]  # (h, w, 2): where each pixel came from, x and y, relative to where it is
    doubt: NDArray[np.bool_]  # (h, w): it came from nowhere in the frame before
    guess: NDArray[np.float16]  # (h, w) in [0, 1]: what its colours say


class Follow:
    """Carry late masks to the present frame, in a loop that never waits for the model.

    For every frame that is shown, in order: ``mask = follow.mask(frame)``. Whenever a prediction is ready:
    ``follow.update(mask, frame)`` with the frame it was made of, however long ago that was. The model may run in a
    thread of its own, but both calls belong to the one that shows the frames.

    history: how many frames are remembered, for a prediction that took so long. Each needs 0.4 MB. An older
        prediction is brought to the present in one leap, which is less exact.

    Optical flow: Kroeger et al., "Fast Optical Flow using Dense Inverse Search", 2016. Where to doubt it: Sundaram,
    Brox, Keutzer, "Dense Point Trajectories by GPU-accelerated Large Displacement Optical Flow", 2010.
    """

    def __init__(self, history: int = 64) -> None:
        if history < 1:
            raise ValueError(f"history is {history}, but must be at least 1 frame")
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._steps: deque[_Step] = deque(maxlen=history)
        self.reset()

    def reset(self) -> None:
        """Forget everything, the colours too."""
        self._steps.clear()
        self._shape: tuple[int, ...] = ()
        self._mask: Mask | None = None  # (h, w), for the last frame
        self._kept, self._seen = np.zeros((2, 32**3), np.float32)  # how often each colour was kept, and was there

    def mask(self, frame: Frame) -> Mask:
        """The mask of a new frame, carried from the newest prediction: (H, W) float32 in [0, 1].

        frame: (H, W, 3) uint8 RGB. Until the first prediction it is 0 everywhere, so nothing is kept.
        At a cut, and when the frame size changes, the colours alone decide until a prediction arrives.
        """
        colours, view = _views(check_frame(frame))
        if frame.shape != self._shape:
            self._shape = frame.shape
            self._steps.clear()
        step = self._step(self._steps[-1].view if self._steps else None, view, self._guess(colours))
        self._steps.append(step)
        if self._mask is None:
            return np.zeros(frame.shape[:2], np.float32)
        self._mask = _carry(self._mask, step)
        large = cv2.resize(self._mask, (frame.shape[1], frame.shape[0]), interpolation=cv2.INTER_LINEAR)
        return np.asarray(large, np.float32).clip(0, 1)

    def update(self, mask: Mask, frame: Frame) -> None:
        """Take a prediction that was made of an older frame, and carry it through the frames that were seen since.

        frame: the one it was made of. mask: (H, W) float in [0, 1] or bool, of its size. If frames of another
        size have come since, only its colours are remembered.
        """
        colours, view = _views(check_frame(frame))
        small = np.asarray(
            cv2.resize(check_mask(mask, frame), view.shape[::-1], interpolation=cv2.INTER_AREA), np.float32
        )
        self._learn(colours, small)
        if not self._steps:  # nothing has been shown yet: the first frame will follow from this one
            self._shape = frame.shape
            self._steps.append(self._step(None, view, self._guess(colours)))
        if frame.shape == self._shape:
            for step in self._since(view):
                small = _carry(small, step)
            self._mask = small

    def _since(self, view: Frame) -> list[_Step]:
        """The steps from a frame to the last one: those that were taken, or a leap if the frame is not remembered."""
        steps = list(self._steps)
        for number in range(len(steps) - 1, -1, -1):
            if np.array_equal(steps[number].view, view):
                return steps[number + 1 :]
        return [self._step(view, steps[-1].view, steps[-1].guess)]

    def _step(self, past: Frame | None, view: Frame, guess: NDArray[Any]) -> _Step:
        guess = guess.astype(np.float16)
        if past is None or cv2.norm(past, view, cv2.NORM_L1) > _CUT * view.size:
            return _Step(view, np.zeros((*view.shape, 2), np.float16), np.ones(view.shape, bool), guess)
        back = self._flow.calc(view, past, _NONE)
        forth = self._flow.calc(past, view, _NONE)
        # There and back again should lead home. What came into view has no way back, and ends elsewhere.
        # From beyond the frame no way leads back either.
        away = cv2.remap(forth, _grid(view.shape) + back, _NONE, cv2.INTER_LINEAR, borderValue=(999, 999)) + back
        doubt = _length(away) > 0.5 + 0.1 * _length(back)
        doubt = cv2.dilate(doubt.view(np.uint8), np.ones((5, 5), np.uint8)).view(bool)
        return _Step(view, back.astype(np.float16), doubt, guess)

    def _learn(self, colours: NDArray[np.intp], mask: NDArray[Any]) -> None:
        """Count the colours of a prediction. Older ones count less and less."""
        for counts, weight in ((self._kept, mask), (self._seen, np.ones_like(mask))):
            counts *= np.float32(0.9)
            counts += np.bincount(colours.ravel(), weight.ravel(), len(counts)).astype(np.float32)

    def _guess(self, colours: NDArray[np.intp]) -> NDArray[Any]:
        """Whether each pixel's colour was kept, by its neighbours' votes: (h, w) in [0, 1], mostly near 0 or 1."""
        votes = cv2.blur((self._kept / (self._seen + 1))[colours], (9, 9))
        return np.clip(3 * votes - 1, 0, 1)


def _views(frame: Frame) -> tuple[NDArray[np.intp], Frame]:
    """The small picture twice: the numbers of its colours, (h, w) below 32768, and grey, (h, w) uint8."""
    scale = _SIDE / max(frame.shape[:2])
    width, height = (max(32, round(side * scale)) for side in (frame.shape[1], frame.shape[0]))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = np.asarray(cv2.resize(frame, (width, height), interpolation=how), np.uint8)
    levels = (small >> 3).astype(np.intp)  # 32 of each: colours that look the same get one number
    numbers = levels[..., 0] << 10 | levels[..., 1] << 5 | levels[..., 2]
    return numbers, np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)


def _carry(mask: NDArray[Any], step: _Step) -> Mask:
    """The mask of the frame before, (h, w), as the mask of this one."""
    origin = _grid(step.view.shape) + step.flow.astype(np.float32)
    moved = cv2.remap(mask, origin, _NONE, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.where(step.doubt, step.guess, moved).astype(np.float32)


def _grid(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The x and y of every pixel, (h, w, 2)."""
    return np.stack(np.meshgrid(*(np.arange(side, dtype=np.float32) for side in reversed(shape))), axis=-1)


def _length(vectors: NDArray[Any]) -> NDArray[Any]:
    return cv2.magnitude(*cv2.split(vectors))
