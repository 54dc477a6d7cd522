"""A model: a frame in, labels, a mask or probabilities out."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from seglib.arrays import Frame, Labels, Mask, check_frame
from seglib.classes import VOC_CLASSES, ClassName, class_numbers

if TYPE_CHECKING:
    from torch import nn

Floats = NDArray[np.float32]
Size = tuple[int, int]  # width, height


class Device(str):
    """Where a model runs, as PyTorch writes it: "cpu", "cuda:0", "mps". A string, so it needs no PyTorch."""

    @property
    def type(self) -> str:
        """Without the number."""
        return self.partition(":")[0]


class Runner(Protocol):
    """The walk of frames through a network. Channels are the network's own, not VOC's numbers.

    runtime: "openvino" or "torch". precision: in which numbers it computes, "float32", "bfloat16" or "float16".
    batch: how many frames at once take it least time for each.
    """

    runtime: str
    precision: str
    batch: int

    def mask_probabilities(self, frames: Sequence[Frame], channels: Sequence[int], size: Size) -> Floats:
        """How likely each pixel is of one of these channels, (N, height, width), in [0, 1]. size: (width, height)."""

    def argmax(self, frame: Frame) -> NDArray[np.uint8]:
        """The most likely channel of each pixel, (H, W)."""

    def probabilities(self, frame: Frame) -> Floats:
        """How likely each pixel is of each channel, (C, H, W), in [0, 1], summing to 1 over the channels."""


class Model:
    """A network with all that happens before and after it: a frame in, labels or a mask out.

    name: its name in :func:`model_table`. classes: the VOC number of each of its channels. device: where it runs.
    runtime, precision: who runs it, "openvino" or "torch", and in which numbers, "float32", "bfloat16" or "float16".
    network: the PyTorch module, in eval mode. OpenVINO runs its own copy; the module is made when it is asked for.
    preprocess: turns a tensor of frames, (N, 3, H, W) uint8, into the network's input; its ``prepare(frame)`` does the
        same for one array.

    May be used from several threads at once, and pickled.
    """

    def __init__(
        self,
        name: str,
        network: "nn.Module | Callable[[], nn.Module]",
        preprocess: Any,
        classes: tuple[int, ...],
        device: object = "cpu",
        runner: Runner | None = None,
    ) -> None:
        """network: the module, or with a runner of its own a function that makes it. runner: None takes PyTorch."""
        self.name = name
        self.classes = classes
        self.preprocess = preprocess
        self.device = Device(device)
        self._network = network
        self._runner = _eager(network, preprocess, self.device) if runner is None else runner

    def __repr__(self) -> str:
        return f"Model({self.name!r}, device={str(self.device)!r}, runtime={self.runtime!r})"

    @property
    def class_names(self) -> tuple[str, ...]:
        """What the labels mean: the name of the class that each number stands for."""
        return VOC_CLASSES

    def class_numbers(self, keep: ClassName | Iterable[ClassName]) -> list[int]:
        """The label numbers of class names; numbers pass through. Raises ValueError for an unknown class."""
        return class_numbers(keep)

    @property
    def runtime(self) -> str:
        """Who runs the network: "openvino" or "torch"."""
        return self._runner.runtime

    @property
    def precision(self) -> str:
        """In which numbers it computes: "float32", "bfloat16" or "float16"."""
        return self._runner.precision

    @property
    def batch(self) -> int:
        """How many frames :meth:`masks` is to be given, where there are many, so that each takes least time."""
        return self._runner.batch

    @property
    def network(self) -> "nn.Module":
        """The PyTorch module, in eval mode."""
        if not hasattr(self._network, "state_dict"):
            self._network = self._network()
        return self._network  # type: ignore[return-value]

    def probabilities(self, frame: Frame) -> Floats:
        """How likely each pixel is of each class: (21, H, W) float32, in [0, 1], summing to 1 over the classes.

        frame: (H, W, 3) uint8 RGB. Classes that the model does not know are 0 everywhere.
        """
        known = self._runner.probabilities(check_frame(frame))
        everything = np.zeros((len(VOC_CLASSES), *known.shape[1:]), np.float32)
        everything[list(self.classes)] = known
        return everything

    def labels(self, frame: Frame) -> Labels:
        """The most likely class of each pixel, (H, W) uint8, VOC numbers: the article's argmax."""
        return np.array(self.classes, np.uint8)[self._runner.argmax(check_frame(frame))]

    def mask(self, frame: Frame, keep: ClassName | Iterable[ClassName] = ("person",), size: Size | None = None) -> Mask:
        """How likely each pixel is of one of the kept classes, (H, W) float32 in [0, 1].

        frame: (H, W, 3) uint8 RGB. keep: VOC class names or numbers.
        size: the (width, height) of the mask, where another one than the frame's will do: a network's own answer is
            small, and enlarging it takes time.
        Warns if the model was never taught a kept class. Raises ValueError for a class that VOC does not have.
        """
        return self._masks([check_frame(frame)], keep, size)[0]

    def masks(
        self,
        frames: Iterable[Frame],
        keep: ClassName | Iterable[ClassName] = ("person",),
        size: Size | None = None,
    ) -> Floats:
        """The masks of several frames of one size, (N, H, W) float32. A GPU takes them all at once, a CPU a few.

        frames: a list of (H, W, 3) arrays or one (N, H, W, 3) array. All of them are in memory at once, with the
        network's activations: ``batch`` to 32 are plenty. Raises ValueError if there are none or their sizes differ.
        """
        return self._masks(_one_size(frames), keep, size)

    def _masks(self, frames: Sequence[Frame], keep: ClassName | Iterable[ClassName], size: Size | None) -> Floats:
        width, height = frames[0].shape[1::-1] if size is None else size
        if width < 1 or height < 1:
            raise ValueError(f"size is {size}, but width and height must be at least 1")
        return self._runner.mask_probabilities(frames, self._channels(keep), (width, height))

    def _channels(self, keep: ClassName | Iterable[ClassName]) -> list[int]:
        numbers = class_numbers(keep)
        unknown = [VOC_CLASSES[number] for number in numbers if number not in self.classes]
        if unknown:
            known = ", ".join(VOC_CLASSES[number] for number in self.classes)
            warnings.warn(f"{self.name} knows only {known}; it will find no {', '.join(unknown)}", stacklevel=4)
        return sorted({self.classes.index(number) for number in numbers if number in self.classes})


def _eager(network: Any, preprocess: Any, device: Device) -> Runner:
    from seglib.predict.torch_runtime import run_with_torch  # only now: PyTorch takes a while

    return run_with_torch(network, preprocess, device)


def _one_size(frames: Iterable[Frame]) -> list[Frame]:
    checked = [check_frame(frame) for frame in frames]
    if not checked:
        raise ValueError("there are no frames to predict; give at least one")
    for number, frame in enumerate(checked):
        if frame.shape != checked[0].shape:
            raise ValueError(
                f"frame {number} is {frame.shape} but frame 0 is {checked[0].shape}; a batch is of one size"
            )
    return checked
