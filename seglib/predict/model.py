"""A model: a frame in, labels, a mask or probabilities out."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from seglib.arrays import Frame, Labels, Mask, check_frame, check_frames
from seglib.classes import ClassName, class_numbers
from seglib.predict.runner import Floats, Preprocessing, Runner, Size

if TYPE_CHECKING:
    from torch import nn


class Model:
    """A network with all that happens before and after it: a frame in, labels or a mask out.

    :func:`load_model` and :func:`wrap_model` make models. Threads may share one, and it can be pickled.

    Parameters
    ----------
    name
        Its name in messages.
    runner
        Runs the network.
    class_names
        Names of all labels, by number.
    classes
        Label number of each channel of the network.
    preprocess
        Turns a tensor of frames, (N, 3, H, W) uint8, into the network's input; its ``prepare(frame)`` does the same
        for one array.
    network
        Function that returns the PyTorch module, in eval mode. It is called when the module is asked for.
    device
        Where it runs, as PyTorch writes it: "cpu", "cuda", "cuda:1", "mps".

    Attributes
    ----------
    name, class_names, classes, preprocess, device
        As above.

    Examples
    --------
    >>> model = seglib.load_model()
    >>> model.labels(frame).dtype
    dtype('uint8')
    >>> model.class_names[15]
    'person'
    """

    def __init__(
        self,
        name: str,
        runner: Runner,
        *,
        class_names: Sequence[str],
        classes: Sequence[int],
        preprocess: Preprocessing,
        network: "Callable[[], nn.Module]",
        device: str = "cpu",
    ) -> None:
        self.name = name
        self.class_names, self.classes = tuple(class_names), tuple(classes)
        self.preprocess = preprocess
        self.device = device
        self._runner, self._make_network = runner, network

    def __repr__(self) -> str:
        return f"Model({self.name!r}, device={self.device!r}, runtime={self.runtime!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "network"}  # it can be made again

    @property
    def runtime(self) -> str:
        """What runs the network: "openvino" or "torch"."""
        return self._runner.runtime

    @property
    def precision(self) -> str:
        """The type in which it computes: "float32", "bfloat16" or "float16"."""
        return self._runner.precision

    @property
    def batch(self) -> int:
        """How many frames at a time :meth:`masks` should get, where there are many, to take the least time for each."""
        return self._runner.batch

    @cached_property
    def network(self) -> "nn.Module":
        """The PyTorch module, in eval mode. OpenVINO runs a copy of its own."""
        return self._make_network()

    def class_numbers(self, keep: ClassName | Iterable[ClassName]) -> list[int]:
        """Return the label numbers of classes.

        Parameters
        ----------
        keep
            One or more of ``class_names``; numbers pass through.

        Raises
        ------
        ValueError
            For an empty choice, and for an unknown class; the message lists the known ones, nearest first.
        """
        return class_numbers(keep, self.class_names)

    def probabilities(self, frame: Frame) -> Floats:
        """Predict how likely each pixel is of each class.

        Parameters
        ----------
        frame
            Image, (H, W, 3) uint8, RGB.

        Returns
        -------
        ndarray
            (len(class_names), H, W) float32 in [0, 1], summing to 1 over the classes. Classes that the network was not
            trained for are 0.
        """
        known = self._runner.probabilities(check_frame(frame))
        probabilities = np.zeros((len(self.class_names), *known.shape[1:]), np.float32)
        probabilities[list(self.classes)] = known
        return probabilities

    def labels(self, frame: Frame) -> Labels:
        """Predict the most likely class of each pixel: the article's argmax.

        Parameters
        ----------
        frame
            Image, (H, W, 3) uint8, RGB.

        Returns
        -------
        Labels
            (H, W) uint8, numbers of ``class_names``.
        """
        channels = self._runner.argmax(check_frame(frame))
        labels: Labels = np.array(self.classes, np.uint8)[channels]
        return labels

    def mask(self, frame: Frame, keep: ClassName | Iterable[ClassName] = ("person",), size: Size | None = None) -> Mask:
        """Predict how likely each pixel is of one of the kept classes.

        Parameters
        ----------
        frame
            Image, (H, W, 3) uint8, RGB.
        keep
            Names or numbers of classes.
        size
            (width, height) of the mask; the default is the frame's. The network's own answer is small, and enlarging
            it takes time.

        Returns
        -------
        Mask
            (H, W) float32 in [0, 1].

        Raises
        ------
        ValueError
            For a class that is not among ``class_names``.

        Warns
        -----
        UserWarning
            If the network was not trained for a kept class.
        """
        mask: Mask = self._masks([check_frame(frame)], keep, size)[0]
        return mask

    def masks(
        self,
        frames: Iterable[Frame],
        keep: ClassName | Iterable[ClassName] = ("person",),
        size: Size | None = None,
    ) -> Floats:
        """Predict the masks of several frames of one size. A GPU takes all of them at once, a CPU a few.

        Parameters
        ----------
        frames
            A list of (H, W, 3) arrays or one (N, H, W, 3) array, uint8, RGB. All of them are in memory at once, with
            the network's activations: ``batch`` to 32 are plenty.
        keep, size
            See :meth:`mask`.

        Returns
        -------
        ndarray
            (N, H, W) float32 in [0, 1].

        Raises
        ------
        ValueError
            If there are no frames, or their sizes differ; for a class that is not among ``class_names``.
        """
        return self._masks(check_frames(frames), keep, size)

    def _masks(self, frames: Sequence[Frame], keep: ClassName | Iterable[ClassName], size: Size | None) -> Floats:
        width, height = frames[0].shape[1::-1] if size is None else size
        if width < 1 or height < 1:
            raise ValueError(f"size is {size}, but width and height must be at least 1")
        channels = self._channels(keep)
        if len(channels) in (0, len(self.classes)):  # nothing to tell apart
            return np.full((len(frames), height, width), bool(channels), np.float32)
        return self._runner.mask_probabilities(frames, channels, (width, height))

    def _channels(self, keep: ClassName | Iterable[ClassName]) -> list[int]:
        numbers = self.class_numbers(keep)
        unknown = [self.class_names[number] for number in numbers if number not in self.classes]
        if unknown:
            known = ", ".join(self.class_names[number] for number in self.classes)
            warnings.warn(f"{self.name} knows only {known}; it will find no {', '.join(unknown)}", stacklevel=4)
        return sorted({self.classes.index(number) for number in numbers if number in self.classes})
