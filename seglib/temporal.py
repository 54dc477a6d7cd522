"""Masks over time: smooth a mask that flickers, and carry a late mask to the present frame.

``Steady`` averages the masks of consecutive frames; taught in ``03_mask.ipynb``. ``Follow`` moves the mask of a slow
model along with the picture, by optical flow, until the next prediction is ready.
"""

from collections import deque
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from seglib._internal.resizing import resize
from seglib._internal.row_blocks import row_blocks
from seglib.arrays import Frame, Mask, check_frame, check_mask, check_positive

_MOTION_ROWS = 120  # motion is measured at about this height (or width, if that is less)


class Steady:
    """Smooth a mask over time: ``steady(mask, frame)``, once for each frame, in order.

    Where the picture stands still, the mask is an exponential moving average, so an edge that flickers comes to rest.
    Where the picture moves, the new mask is taken as it is, so nothing trails behind. At a cut, and when the frame size
    changes, the average starts again.

    Parameters
    ----------
    smoothing
        Weight of the previous masks where nothing moves, in [0, 1); 0 switches smoothing off.
    motion
        Change of a pixel, in levels of 255, at which that weight has fallen to a third; > 0. It is measured on a
        reduced, blurred frame, where camera noise of 10 levels is about 1 level.
    cut
        Mean change over the frame, in levels of 255, from which it counts as a cut; > 0.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    Examples
    --------
    >>> steady = seglib.Steady()
    >>> first = steady(mask, frame)
    >>> second = steady(np.zeros_like(mask), frame)  # the same frame again: nothing moves
    >>> round(float(second.max()), 2)
    0.8
    """

    def __init__(self, smoothing: float = 0.8, motion: float = 8.0, cut: float = 40.0) -> None:
        self.smoothing = _check_smoothing(smoothing)
        self.motion = check_positive(motion, "motion")
        self.cut = check_positive(cut, "cut")
        self.reset()

    def reset(self) -> None:
        """Forget the previous frames, as at a cut."""
        self._average: Mask | None = None
        self._view: Frame | None = None  # of the previous frame

    def __call__(self, mask: Mask, frame: Frame, smoothing: float | None = None) -> Mask:
        """Return the smoothed mask of the next frame.

        Parameters
        ----------
        mask
            (H, W) float in [0, 1] or bool.
        frame
            The frame it belongs to, (H, W, 3) uint8, RGB.
        smoothing
            Replaces the ``smoothing`` of the constructor for this frame.

        Returns
        -------
        Mask
            A new (H, W) float32 array in [0, 1].
        """
        smoothing = self.smoothing if smoothing is None else _check_smoothing(smoothing)
        mask = check_mask(mask, check_frame(frame))
        smoothed = np.empty_like(mask)
        view, previous = _motion_view(frame), self._view
        self._view = view
        if previous is None or self._average is None or self._average.shape != mask.shape:
            self._average = mask.copy()
            return mask.copy()
        change = np.maximum.reduce(cv2.split(cv2.absdiff(view, previous)))  # (h, w) uint8
        weight = cv2.resize(self._weight(change, smoothing), mask.shape[::-1], interpolation=cv2.INTER_LINEAR)
        for rows in row_blocks(len(mask)):
            average = self._average[rows]  # in place: average = mask + weight * (average - mask)
            average -= mask[rows]
            average *= weight[rows]
            average += mask[rows]
            smoothed[rows] = average
        return smoothed

    def _weight(self, change: NDArray[np.uint8], smoothing: float) -> NDArray[np.float32]:
        """The weight of the previous masks for each pixel's change in levels, (h, w) in [0, 1)."""
        if change.mean() >= self.cut:
            smoothing = 0.0
        levels = np.arange(256, dtype=np.float32)
        weights = (smoothing * np.exp(-((levels / self.motion) ** 2))).astype(np.float32)
        return np.asarray(weights[change], np.float32)


def _check_smoothing(smoothing: float) -> float:
    if not 0 <= smoothing < 1:
        raise ValueError(f"smoothing is {smoothing}, but must lie in [0, 1)")
    return smoothing


def _motion_view(frame: Frame) -> Frame:
    """The frame reduced to about 120 rows and blurred, so that motion remains and camera noise does not."""
    factor = max(1, round(min(frame.shape[:2]) / _MOTION_ROWS))
    small = resize(frame, (frame.shape[1] // factor, frame.shape[0] // factor))
    return np.asarray(cv2.GaussianBlur(small, (0, 0), 1.5), np.uint8)


_FLOW_SIDE = 256  # the longer side, in pixels, of the small images on which optical flow is computed
_CUT = 40  # the mean change over the frame, in levels of 255, from which it counts as a cut
_UNUSED: Any = None  # for OpenCV: no second map, since the first holds x and y; no flow to start from


@dataclass(frozen=True)
class _Step:
    """How a frame follows from the previous one; all arrays have the small size."""

    grey: NDArray[np.uint8]  # (h, w), the frame itself
    flow: NDArray[np.float16]  # (h, w, 2): where each pixel came from, x and y relative to its place
    occluded: NDArray[np.bool_]  # (h, w): the pixel was not visible in the previous frame
    fallback: NDArray[np.float16]  # (h, w) in [0, 1]: the mask of occluded pixels, by their colours


class Follow:
    """Carry late masks to the present frame, in a loop that never waits for the model.

    Call ``mask = follow.mask(frame)`` for every frame that is shown, in order. Whenever a prediction is ready, call
    ``follow.update(mask, frame)`` with the frame that it was made of, however old. The model may run in a thread of its
    own, but both calls belong to the thread that shows the frames.

    Parameters
    ----------
    history
        How many frames are remembered, at least 1; each takes 0.4 MB. A prediction that is older than all of them is
        carried to the present in a single step, which is less accurate.

    Raises
    ------
    ValueError
        If ``history`` is less than 1.

    Notes
    -----
    The optical flow is that of [1]_. Occluded pixels are found by the forward-backward check of [2]_; their mask comes
    from the colours that earlier predictions kept.

    References
    ----------
    .. [1] Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016.
    .. [2] Sundaram, Brox & Keutzer, "Dense Point Trajectories by GPU-accelerated Large Displacement Optical Flow",
       ECCV 2010.

    Examples
    --------
    >>> follow = seglib.Follow()
    >>> follow.update(mask, frame)
    >>> moved = np.roll(frame, 5, axis=1)
    >>> seglib.iou(follow.mask(moved), np.roll(mask, 5, axis=1)) > 0.9
    True
    """

    def __init__(self, history: int = 64) -> None:
        if history < 1:
            raise ValueError(f"history is {history}, but must be at least 1 frame")
        self._optical_flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._steps: deque[_Step] = deque(maxlen=history)
        self.reset()

    def reset(self) -> None:
        """Forget all frames, masks and colours."""
        self._steps.clear()
        self._shape: tuple[int, ...] = ()  # of the frames
        self._mask: Mask | None = None  # (h, w), of the last frame
        self._colours = _ColourModel()

    def mask(self, frame: Frame) -> Mask:
        """Return the mask of the next frame, carried there from the newest prediction.

        Parameters
        ----------
        frame
            Image, (H, W, 3) uint8, RGB.

        Returns
        -------
        Mask
            (H, W) float32 in [0, 1]; 0 everywhere before the first prediction. At a cut, and when the frame size
            changes, it comes from the colours alone until the next prediction.
        """
        small = _small_image(check_frame(frame))
        if frame.shape != self._shape:
            self._shape = frame.shape
            self._steps.clear()
        step = self._step(self._steps[-1].grey if self._steps else None, _grey(small), self._colours.mask(small))
        self._steps.append(step)
        if self._mask is None:
            return np.zeros(frame.shape[:2], np.float32)
        self._mask = _carry(self._mask, step)
        large = cv2.resize(self._mask, frame.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        return np.asarray(large, np.float32).clip(0, 1)

    def update(self, mask: Mask, frame: Frame) -> None:
        """Take a prediction for an older frame and carry it through the frames that came after.

        Parameters
        ----------
        mask
            The prediction, (H, W) float in [0, 1] or bool.
        frame
            The frame it was made of, (H, W, 3) uint8, RGB. If frames of another size have come since, only its colours
            are used.
        """
        small = _small_image(check_frame(frame))
        size = small.shape[1::-1]
        prediction = np.asarray(cv2.resize(check_mask(mask, frame), size, interpolation=cv2.INTER_AREA), np.float32)
        self._colours.learn(small, prediction)
        grey = _grey(small)
        if not self._steps:  # no frame has been shown yet: the first one will follow from this one
            self._shape = frame.shape
            self._steps.append(self._step(None, grey, self._colours.mask(small)))
        if frame.shape == self._shape:
            for step in self._steps_since(grey):
                prediction = _carry(prediction, step)
            self._mask = prediction

    def _steps_since(self, grey: NDArray[np.uint8]) -> list[_Step]:
        """The steps from a frame to the last one; a single long step if the frame is not remembered."""
        steps = list(self._steps)
        for number in range(len(steps) - 1, -1, -1):
            if np.array_equal(steps[number].grey, grey):
                return steps[number + 1 :]
        return [self._step(grey, steps[-1].grey, steps[-1].fallback)]

    def _step(self, previous: NDArray[np.uint8] | None, grey: NDArray[np.uint8], fallback: NDArray[Any]) -> _Step:
        fallback = fallback.astype(np.float16)
        if previous is None or _is_cut(previous, grey):
            return _Step(grey, np.zeros((*grey.shape, 2), np.float16), np.ones(grey.shape, bool), fallback)
        backward = self._optical_flow.calc(grey, previous, _UNUSED)
        forward = self._optical_flow.calc(previous, grey, _UNUSED)
        return _Step(grey, backward.astype(np.float16), _occluded(backward, forward), fallback)


class _ColourModel:
    """Which colours the predictions kept: two histograms, of all pixels and of the kept ones."""

    def __init__(self) -> None:
        self._kept, self._all = np.zeros((2, 32**3), np.float32)

    def learn(self, image: Frame, mask: Mask) -> None:
        """Count the colours of a prediction, in which older ones fade."""
        bins = _colour_bins(image)
        for histogram, weight in ((self._kept, mask), (self._all, np.ones_like(mask))):
            histogram *= np.float32(0.9)
            histogram += np.bincount(bins.ravel(), weight.ravel(), len(histogram)).astype(np.float32)

    def mask(self, image: Frame) -> NDArray[Any]:
        """Whether the colours around each pixel are mostly kept, (h, w) in [0, 1]."""
        probability = (self._kept / (self._all + 1))[_colour_bins(image)]
        return np.clip(3 * cv2.blur(probability, (9, 9)) - 1, 0, 1)


def _small_image(frame: Frame) -> Frame:
    scale = _FLOW_SIDE / max(frame.shape[:2])
    width, height = (max(32, round(side * scale)) for side in frame.shape[1::-1])
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(frame, (width, height), interpolation=interpolation), np.uint8)


def _grey(image: Frame) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def _colour_bins(image: Frame) -> NDArray[np.intp]:
    """The histogram bin of each pixel, (h, w): 32 levels a channel, so that similar colours share one."""
    levels = (image >> 3).astype(np.intp)
    return levels[..., 0] << 10 | levels[..., 1] << 5 | levels[..., 2]


def _is_cut(previous: NDArray[np.uint8], grey: NDArray[np.uint8]) -> bool:
    return cv2.norm(previous, grey, cv2.NORM_L1) > _CUT * grey.size


def _occluded(backward: NDArray[Any], forward: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which pixels were not visible before: following the flow back and forth does not return to them.

    As in Sundaram et al., a longer motion may miss by more. A pixel that came from outside the frame does not return.
    """
    origin = _grid(backward.shape) + backward
    returned = cv2.remap(forward, origin, _UNUSED, cv2.INTER_LINEAR, borderValue=(999, 999)) + backward
    occluded = _length(returned) > 0.5 + 0.1 * _length(backward)
    return cv2.dilate(occluded.view(np.uint8), np.ones((5, 5), np.uint8)).view(bool)


def _carry(mask: NDArray[Any], step: _Step) -> Mask:
    """Turn the mask of the previous frame, (h, w), into the mask of the step's frame."""
    origin = _grid(step.grey.shape) + step.flow.astype(np.float32)
    moved = cv2.remap(mask, origin, _UNUSED, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.where(step.occluded, step.fallback, moved).astype(np.float32)


def _grid(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The x and y of every pixel, (h, w, 2)."""
    return np.stack(np.meshgrid(*(np.arange(side, dtype=np.float32) for side in shape[1::-1])), axis=-1)


def _length(vectors: NDArray[Any]) -> NDArray[Any]:
    return cv2.magnitude(*cv2.split(vectors))
