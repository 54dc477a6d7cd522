"""What can be changed while the loop runs. Settings are immutable: a new set replaces the old one between frames."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from seglib.arrays import Frame, Mask, check_positive
from seglib.blur import Blur, blur_background, default_sigma
from seglib.classes import ClassName, class_numbers
from seglib.live.model_loader import class_names_of
from seglib.pipeline import Effect, is_transparent
from seglib.substitute import Background, Replace

if TYPE_CHECKING:
    from seglib.predict import Model

PANES = ("input", "labels", "mask", "result")


@dataclass(frozen=True, eq=False)
class Settings:
    """How a frame becomes a picture.

    Attributes
    ----------
    model
        A name for :func:`load_model`, or a loaded model.
    keep
        Names or numbers of the model's classes that the mask keeps.
    effect
        ``effect(frame, mask) -> output``; None shows the frame as it is.
    threshold
        Probability from which a pixel is kept, in (0, 1), see :func:`clean_mask`.
    feather
        How far the edge is softened, in pixels, 0 or more.
    smoothing
        The weight that a mask still has a thirtieth of a second later, where nothing moves; in [0, 1).
    only_largest
        Keep the largest region of the mask alone: the person in front.
    mirror
        Swap left and right, as a mirror does.
    panes
        Which pictures are shown side by side: input, labels, mask, result.

    Raises
    ------
    ValueError, TypeError
        If a value does not fit.
    """

    model: "str | Model" = "portrait"
    keep: tuple[ClassName, ...] = ("person",)
    effect: Effect | None = field(default_factory=Blur)
    threshold: float = 0.5
    feather: float = 0.0
    smoothing: float = 0.8
    only_largest: bool = False
    mirror: bool = False
    panes: tuple[str, ...] = ("result", "mask")

    def __post_init__(self) -> None:
        if isinstance(self.keep, str | int):  # a single class
            object.__setattr__(self, "keep", (self.keep,))
        if isinstance(self.panes, str):
            object.__setattr__(self, "panes", (self.panes,))
        class_numbers(self.keep, class_names_of(self.model))
        if self.effect is not None and not callable(self.effect):
            raise TypeError(f"effect is {self.effect!r}, but must be callable: effect(frame, mask) -> output")
        if is_transparent(self.effect):
            raise ValueError(f"effect is {self.effect!r}, whose outputs are transparent; a live picture is not")
        if not 0 < self.threshold < 1:
            raise ValueError(f"threshold is {self.threshold}, but must lie between 0 and 1")
        if not 0 <= self.feather < np.inf:
            raise ValueError(f"feather is {self.feather}, but must be 0 or more")
        if not 0 <= self.smoothing < 1:
            raise ValueError(f"smoothing is {self.smoothing}, but must lie in [0, 1)")
        unknown = [pane for pane in self.panes if pane not in PANES]
        if unknown or not self.panes:
            raise ValueError(f"panes are {', '.join(self.panes) or 'none'}, but must be some of {', '.join(PANES)}")


class CurrentSettings:
    """The settings in force. Any thread may read and change them."""

    def __init__(self, settings: Settings | None = None) -> None:
        self._lock = Lock()
        self._settings = settings or Settings()

    def get(self) -> Settings:
        """Return the settings for the next frame."""
        return self._settings

    def change(self, **changes: Any) -> Settings:
        """Replace some of them. Raises ValueError or TypeError, and changes nothing, if one does not fit.

        A model that has other classes keeps those of the old choice that it has, see :func:`choose_classes`.
        """
        with self._lock:
            if "model" in changes and "keep" not in changes:
                changes["keep"] = choose_classes(changes["model"], self._settings.keep)
            self._settings = replace(self._settings, **changes)
            return self._settings


def choose_classes(model: "str | Model", wanted: Iterable[ClassName] = ("person",)) -> tuple[ClassName, ...]:
    """Choose classes for a model: those of the wanted ones that it has, else person, else all but the background."""
    names = class_names_of(model)
    kept = tuple(name for name in wanted if name in names or (isinstance(name, int) and 0 <= name < len(names)))
    return kept or (("person",) if "person" in names else tuple(name for name in names if name != "background"))


@dataclass(frozen=True)
class RelativeBlur:
    """A blur that looks equally strong whatever the camera's resolution.

    Attributes
    ----------
    strength
        Times the default of :func:`blur_background`; 1 is the article's blur at 480 rows.
    """

    strength: float = 1.0

    def __post_init__(self) -> None:
        check_positive(self.strength, "strength")

    def __call__(self, frame: Frame, mask: Mask) -> Frame:
        return blur_background(frame, mask, self.strength * default_sigma(frame.shape[0]))


def make_effect(kind: "str | Effect | None", strength: float = 1.0, background: Background = "navy") -> Effect | None:
    """Make the effect of this name.

    Parameters
    ----------
    kind
        "none", "blur" or "substitute"; None is "none", and a callable is returned as it is.
    strength
        See :class:`RelativeBlur`.
    background
        See :class:`Replace`.

    Raises
    ------
    ValueError
        If the name is another one.
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
