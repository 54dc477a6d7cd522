"""What can be changed while the loop runs. Settings are not edited: a new set replaces the old one, between frames."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from seglib.arrays import Frame, Mask, check_frame, check_positive
from seglib.blur import Blur, blur_background, default_sigma
from seglib.classes import class_numbers
from seglib.substitute import Background, Replace

if TYPE_CHECKING:
    from seglib.predict import Model

Effect: TypeAlias = Callable[[Frame, Mask], Frame]
PANES = ("input", "labels", "mask", "result")


@dataclass(frozen=True, eq=False)
class Settings:
    """How a frame becomes a picture.

    model: a name for :func:`load_model`, in 16 bits where that is faster; or a loaded model, which is used as it is.
    keep: VOC classes that the mask keeps.
    effect: ``effect(frame, mask) -> output``; None shows the frame as it is.
    threshold: what counts as a person, in (0, 1), see :func:`clean_mask`.
    feather: how far the edge is softened, in pixels, 0 or more.
    smoothing: the weight that a mask still has a thirtieth of a second later, where nothing moves; in [0, 1).
    mirror: swap left and right, as in a mirror. panes: which pictures, side by side: input, labels, mask, result.
    Raises ValueError for a value that is out of range, at once and not at the next frame.
    """

    model: "str | Model" = "portrait"
    keep: tuple[str | int, ...] = ("person",)
    effect: Effect | None = field(default_factory=Blur)
    threshold: float = 0.5
    feather: float = 0.0
    smoothing: float = 0.8
    mirror: bool = False
    panes: tuple[str, ...] = ("result", "mask")

    def __post_init__(self) -> None:
        class_numbers(self.keep)
        if self.effect is not None and not callable(self.effect):
            raise TypeError(f"effect is {self.effect!r}, but must be callable: effect(frame, mask) -> output")
        if not 0 < self.threshold < 1:
            raise ValueError(f"threshold is {self.threshold}, but must lie between 0 and 1")
        if not 0 <= self.feather < np.inf:
            raise ValueError(f"feather is {self.feather}, but must be 0 or more")
        if not 0 <= self.smoothing < 1:
            raise ValueError(f"smoothing is {self.smoothing}, but must lie in [0, 1)")
        unknown = [pane for pane in self.panes if pane not in PANES]
        if unknown or not self.panes:
            raise ValueError(f"panes are {self.panes}, but must be one or more of {', '.join(PANES)}")


class Slot:
    """The settings of the moment. Any thread may look, any thread may change them."""

    def __init__(self, settings: Settings | None = None) -> None:
        self._lock = Lock()
        self._settings = settings or Settings()

    def get(self) -> Settings:
        """The settings to use for the next frame."""
        return self._settings

    def change(self, **changes: Any) -> Settings:
        """Replace some of them. Raises ValueError or TypeError, and changes nothing, if one does not fit."""
        with self._lock:
            self._settings = replace(self._settings, **changes)
            return self._settings


@dataclass(frozen=True)
class RelativeBlur:
    """A blur that is equally strong whatever the camera's resolution.

    strength: times the default of :func:`blur_background`; 1 is the article's blur at 480 rows.
    """

    strength: float = 1.0

    def __post_init__(self) -> None:
        check_positive(self.strength, "strength")

    def __call__(self, frame: Frame, mask: Mask) -> Frame:
        return blur_background(frame, mask, self.strength * default_sigma(frame.shape[0]))


def make_effect(kind: "str | Effect | None", strength: float = 1.0, background: Background = "navy") -> Effect | None:
    """The effect that a word stands for: "none", "blur", or "substitute"; what is callable stands for itself.

    strength: see :class:`RelativeBlur`. background: see :class:`Replace`. Raises ValueError for another word.
    """
    if kind is None or callable(kind):
        return kind
    if kind == "none":
        return None
    if kind == "blur":
        return RelativeBlur(strength)
    if kind == "substitute":
        return Replace(background)
    raise ValueError(f"effect is {kind!r}, but must be none, blur, substitute, or callable: effect(frame, mask)")


def check_output(output: object, frame: Frame) -> Frame:
    """What an effect returned, if it fits the frame. Raises TypeError or ValueError if not."""
    if not isinstance(output, np.ndarray):
        raise TypeError(f"effect returned {type(output).__name__}, not an array {frame.shape} uint8")
    if output.shape != frame.shape or output.dtype != np.uint8:
        raise ValueError(f"effect returned {output.shape} {output.dtype}, not {frame.shape} uint8")
    return check_frame(output, "output")
