"""A mask that rests where the picture rests. Taught in 03_mask.ipynb."""

import cv2
import numpy as np
from numpy.typing import NDArray

from seglib.arrays import Frame, Mask, bands, check_frame, check_mask, check_positive
from seglib.scaling import resize

_ROWS = 120  # about as many has the picture on which motion is measured; columns, if those are fewer


class Steady:
    """Steady a mask over time: ``steady(mask, frame) -> mask``, once for every frame, in order.

    Where the picture stands still the mask is averaged over the last frames, so a flickering edge rests. Where
    the picture moves, the new mask is taken as it is, so nothing trails behind. At a cut, or when the frame size
    changes, it starts afresh.

    memory: in [0, 1), the weight of the past where nothing moves. 0 switches it off.
    motion: the change, in levels of 255, at which the past counts for a third of that. It is measured on a picture
        that is shrunk and blurred, where a camera's noise of 10 levels is about 1 level.
    cut: the mean change over the frame, in levels of 255, that is taken for a cut.
    """

    def __init__(self, memory: float = 0.8, motion: float = 8.0, cut: float = 40.0) -> None:
        if not 0 <= memory < 1:
            raise ValueError(f"memory is {memory}, but must lie in [0, 1)")
        self.memory = memory
        self.motion = check_positive(motion, "motion")
        self.cut = check_positive(cut, "cut")
        self.reset()

    def reset(self) -> None:
        """Forget the past, as at a cut."""
        self._mask: Mask | None = None
        self._view: Frame | None = None

    def __call__(self, mask: Mask, frame: Frame) -> Mask:
        mask = check_mask(mask, check_frame(frame))
        view, seen, steadied = _blurred_view(frame), self._view, np.empty_like(mask)
        if seen is None or self._mask is None or self._mask.shape != mask.shape:
            self._mask = mask.copy()
            steadied[:] = mask
        else:
            change = np.maximum.reduce(cv2.split(cv2.absdiff(view, seen)))  # (h, w) uint8, levels
            weight = cv2.resize(self._weight(change), mask.shape[::-1], interpolation=cv2.INTER_LINEAR)
            for rows in bands(len(mask)):
                past = self._mask[rows]  # it becomes mask + weight * (past - mask), in its own place
                past -= mask[rows]
                past *= weight[rows]
                past += mask[rows]
                steadied[rows] = past
        self._view = view
        return steadied

    def _weight(self, change: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The weight of the past, (h, w) in [0, 1), where the picture has changed by so many levels."""
        memory = self.memory if change.mean() < self.cut else 0
        levels = np.arange(256, dtype=np.float32)
        return (memory * np.exp(-((levels / self.motion) ** 2))).astype(np.float32)[change]


def _blurred_view(frame: Frame) -> Frame:
    """The frame at about 120 rows and slightly blurred: what moved shows, the camera's noise does not."""
    times = max(1, round(min(frame.shape[:2]) / _ROWS))
    small = resize(frame, (frame.shape[1] // times, frame.shape[0] // times))
    return np.asarray(cv2.GaussianBlur(small, (0, 0), 1.5), np.uint8)
