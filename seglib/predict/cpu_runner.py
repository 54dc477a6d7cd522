"""The CPU's runner: preprocess with OpenCV, run the network, turn its logits into probabilities with numpy."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from seglib._internal.resizing import resize
from seglib.arrays import Frame
from seglib.predict.probabilities import class_probabilities, mask_probabilities
from seglib.predict.runner import Floats, Size

Prepare: TypeAlias = Callable[[Frame], Floats]  # (H, W, 3) uint8 to the network's input, (1, 3, h, w)
Forward: TypeAlias = Callable[[Floats], Floats]  # (N, 3, h, w) to logits, (N, C, h, w)


class CPURunner:
    """A :class:`Runner` around any function that turns an input array into logits.

    Parameters
    ----------
    prepare
        From a frame to the input.
    forward
        From inputs to logits: OpenVINO or PyTorch.
    runtime, precision
        What to report, see :class:`Runner`.
    batch
        How many inputs ``forward`` gets at once. It never gets another number but 1, since it may be compiled for each.
    """

    def __init__(self, prepare: Prepare, forward: Forward, runtime: str, precision: str, batch: int = 1) -> None:
        self._prepare, self._forward = prepare, forward
        self.runtime, self.precision, self.batch = runtime, precision, batch

    def mask_probabilities(self, frames: Sequence[Frame], channels: Sequence[int], size: Size) -> Floats:
        """See :class:`Runner`."""
        masks = np.empty((len(frames), *size[::-1]), np.float32)
        for mask, logits in zip(masks, self._logits(frames), strict=True):
            mask[:] = mask_probabilities(logits, channels, size, resize, np)
        return masks

    def probabilities(self, frame: Frame) -> Floats:
        """See :class:`Runner`."""
        [logits] = self._logits([frame])
        return np.asarray(class_probabilities(logits, frame.shape[1::-1], _interpolate, np), np.float32)

    def argmax(self, frame: Frame) -> NDArray[np.uint8]:
        """See :class:`Runner`."""
        [logits] = self._logits([frame])
        size = frame.shape[1::-1]
        best = _interpolate(logits[:1], size)[0]
        if len(logits) == 1:
            return np.asarray(best > 0, np.uint8)
        # One channel after the other: numpy's argmax over 21 enlarged ones takes four times as long.
        labels = np.zeros(best.shape, np.uint8)
        for channel in range(1, len(logits)):
            logit = _interpolate(logits[channel : channel + 1], size)[0]
            labels[logit > best] = channel
            np.maximum(best, logit, out=best)
        return labels

    def _logits(self, frames: Sequence[Frame]) -> Iterator[Floats]:
        """The logits of every frame, (C, h, w). The last batch is filled up with copies of its last frame."""
        for start in range(0, len(frames), self.batch):
            inputs = [self._prepare(frame) for frame in frames[start : start + self.batch]]
            count = len(inputs)
            if count > 1:
                inputs += inputs[-1:] * (self.batch - count)
            yield from self._forward(np.concatenate(inputs))[:count]


def _interpolate(planes: Floats, size: Size) -> Floats:
    """(C, h, w) to (C, height, width), bilinear."""
    result = np.empty((len(planes), *size[::-1]), np.float32)
    for plane, resized in zip(planes, result, strict=True):
        cv2.resize(plane, size, dst=resized, interpolation=cv2.INTER_LINEAR)
    return result
