"""The walk of a frame on the CPU: prepare, network, enlarge, decide. Needs numpy and OpenCV only."""

from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from seglib._internal.resizing import resize
from seglib.arrays import Frame
from seglib.predict.model import Floats, Size

Prepare = Callable[[Frame], Floats]  # (H, W, 3) uint8 to the network's input, (1, 3, h, w)
Network = Callable[[Floats], Floats]  # that, or several, (N, 3, h, w), to scores, (N, C, h, w)


class CPURunner:
    """Walks frames through a network.

    network: anything that turns an array into scores: OpenVINO, or PyTorch. With one channel its score is that of a
    person, and the background's is 0; then channel 0 is the background and channel 1 the person.
    batch: how many frames the network gets at once. It never gets another number but 1, since it may be compiled for
        each.
    """

    def __init__(self, prepare: Prepare, network: Network, runtime: str, precision: str, batch: int = 1) -> None:
        self._prepare, self._network = prepare, network
        self.runtime, self.precision, self.batch = runtime, precision, batch

    def mask_probabilities(self, frames: Sequence[Frame], channels: Sequence[int], size: Size) -> Floats:
        """How likely each pixel is of one of these channels, (N, height, width), in [0, 1]. size: (width, height).

        Worked out at the network's size, as one score for these against all others, which is then enlarged: one
        picture, not one for every channel.
        """
        result = np.empty((len(frames), *size[::-1]), np.float32)
        for scores, share in zip(self._each(frames), result, strict=True):
            margin = score_against_rest(scores, channels)
            if margin is None:
                share[:] = float(bool(channels))
            elif size[0] * size[1] < margin.size:  # several pixels become one: average their mask_probabilities
                share[:] = resize(sigmoid(margin), size)
            else:
                share[:] = resize(margin, size)
                sigmoid(share)
        return result

    def argmax(self, frame: Frame) -> NDArray[np.uint8]:
        """The most likely channel of each pixel, (H, W); the first of equals."""
        scores = self._scores(frame)
        if len(scores) == 1:
            return (sigmoid(_enlarge(scores[0], frame)) > 0.5).astype(np.uint8)
        best = _enlarge(scores[0], frame)
        argmax = np.zeros(best.shape, np.uint8)
        for channel, score in enumerate(scores[1:], start=1):
            score = _enlarge(score, frame)
            argmax[score > best] = channel
            np.maximum(best, score, out=best)
        return argmax

    def probabilities(self, frame: Frame) -> Floats:
        """How likely each pixel is of each channel, (C, H, W), in [0, 1], summing to 1 over the channels."""
        scores = self._scores(frame)
        if len(scores) == 1:
            person = sigmoid(_enlarge(scores[0], frame))
            return np.stack([1 - person, person])
        enlarged = np.stack([_enlarge(score, frame) for score in scores])  # (C, H, W)
        enlarged -= enlarged.max(axis=0)
        np.exp(enlarged, out=enlarged)
        enlarged /= enlarged.sum(axis=0)
        return enlarged

    def _scores(self, frame: Frame) -> Floats:
        """(C, h, w), at the size that the network works at."""
        return next(self._each([frame]))

    def _each(self, frames: Sequence[Frame]) -> Iterator[Floats]:
        """The scores of every frame, (C, h, w). A batch that is not full is filled up with its last frame."""
        for start in range(0, len(frames), self.batch):
            inputs = [self._prepare(frame) for frame in frames[start : start + self.batch]]
            count = len(inputs)
            if count > 1:
                inputs += inputs[-1:] * (self.batch - count)
            yield from self._network(np.concatenate(inputs))[:count]


def score_against_rest(scores: Floats, channels: Sequence[int]) -> Floats | None:
    """One score, (h, w), whose sigmoid is the softmax share of these channels; None if they are none or all.

    scores: (C, h, w). The logarithm of the summed exponentials of these channels, minus that of the others.
    """
    if len(channels) == 0 or len(set(channels)) == max(2, len(scores)):
        return None
    if len(scores) == 1:
        return scores[0] if channels[0] == 1 else -scores[0]
    exponentials = np.exp(scores - scores.max(axis=0))
    wanted = exponentials[list(channels)].sum(axis=0)
    rest = np.delete(exponentials, list(channels), axis=0).sum(axis=0)
    tiny = np.float32(1e-30)  # where a share is too small for a float32
    return np.asarray(np.log(np.maximum(wanted, tiny)) - np.log(np.maximum(rest, tiny)), np.float32)


def sigmoid(scores: Floats) -> Floats:
    """1 / (1 + exp(-scores)), in place; by way of tanh, which cannot overflow."""
    scores *= np.float32(0.5)
    np.tanh(scores, out=scores)
    scores *= np.float32(0.5)
    scores += np.float32(0.5)
    return scores


def _enlarge(score: Floats, frame: Frame) -> Floats:
    """(h, w) to the frame's (H, W), a new array."""
    height, width = frame.shape[:2]
    return np.array(cv2.resize(score, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
