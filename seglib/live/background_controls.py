"""The controls of the background: which effect, how strong, and what is shown instead."""

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from seglib.arrays import Frame
from seglib.images import parse_colour
from seglib.live.control_parts import WIDE, Showing, make_column, make_control
from seglib.live.settings import RelativeBlur, make_effect
from seglib.live.upload import PictureUpload
from seglib.live.words import explain
from seglib.pipeline import Effect
from seglib.samples import BACKGROUNDS
from seglib.substitute import Background

_COLOUR, _PICTURE, _GIVEN = "a colour", "a picture of yours", "as given"
_YOURS = "yours"


class BackgroundControls:
    """The controls of the background, with what they were given.

    Parameters
    ----------
    effect, background
        As for :class:`seglib.Live`.

    Attributes
    ----------
    on_effect
        Called with another effect.
    on_note
        Called with what is wrong with a choice.
    box
        The widget to be displayed.
    """

    def __init__(self, effect: "str | Effect | None", background: Background) -> None:
        self.on_effect: Callable[[Effect | None], object] = lambda effect: None
        self.on_note: Callable[[str], object] = lambda message: None
        self._given_effect, self._given_background = effect, background
        self._uploaded: Background | None = None
        self._showing = Showing()
        self._make(effect, background)
        for control in (self.effect, self.strength, self.background, self.colour):
            control.observe(self._changed, "value")
        self.palette.observe(self._colour_picked, "value")
        self._taken()
        self._hide_unused()
        self.box = make_column("Background", self.effect, self.strength, self.background, self.colours, self.upload)

    def make_effect(self) -> Effect | None:
        """Make the effect that is chosen. Raises SourceError or ValueError for a background that cannot be used."""
        kind = self._given_effect if self.effect.value == _YOURS else self.effect.value
        return make_effect(kind, self.strength.value, self._chosen_background())

    def show(self, effect: Effect | None) -> None:
        """Show an effect that is in force."""
        with self._showing():
            if isinstance(effect, RelativeBlur):
                self.effect.value, self.strength.value = "blur", effect.strength
            elif effect is None:
                self.effect.value = "none"
            elif effect is not self._given_effect or self.effect.value != _YOURS:
                self._given_effect = effect
                self.effect.options = _options(effect)
                self.effect.value = _YOURS
            self._taken()
            self._hide_unused()

    def _chosen_background(self) -> Background:
        chosen = self.background.value
        if chosen == _COLOUR:
            return _colour(self.colour.value)
        if chosen == _PICTURE and self._uploaded is not None:
            return self._uploaded
        return self._given_background if chosen == _GIVEN else str(chosen)

    def _make(self, effect: "str | Effect | None", background: Background) -> None:
        chosen = _YOURS if callable(effect) else effect or "none"
        self.effect = make_control(widgets.ToggleButtons, "effect", options=_options(effect), value=chosen)
        self.effect.tooltips = [
            "Show the frame as it is",
            "Blur the background",
            "Show another background",
            "Your function",
        ]
        self.effect.style.button_width = "auto"
        for name in ("jupyter-widgets", "widget-inline-hbox"):  # which its view leaves out: the label beside it
            self.effect.add_class(name)
        self.strength = make_control(widgets.FloatSlider, "strength", value=1.0, min=0.2, max=4, step=0.1)
        is_sample = isinstance(background, str) and background in BACKGROUNDS
        if not is_sample:
            make_effect("substitute", background=background)  # raises an error now, not when it is chosen
        backgrounds = [*BACKGROUNDS, _COLOUR, _PICTURE, *([] if is_sample else [_GIVEN])]
        value = background if is_sample else _GIVEN
        self.background = make_control(widgets.Dropdown, "background", options=backgrounds, value=value)
        self.colour = make_control(widgets.Text, "colour", value="#1f3a5f", continuous_update=False)
        self.palette = make_control(widgets.ColorPicker, "palette", "pick a colour", value="#1f3a5f", concise=True)
        self.colour.layout.flex = "1"
        self.colours = widgets.HBox([self.colour, self.palette])
        self.upload = PictureUpload(
            self._picture_uploaded,
            lambda message: self.on_note(message),
            description="Choose a picture",
            tooltip="A picture file on this computer",
            layout=WIDE,
        )
        self.upload.add_class("seglib-upload")

    def _changed(self, change: Any) -> None:
        if self._showing:
            return
        self._hide_unused()
        if self.effect.value == "substitute" and self.background.value == _PICTURE and self._uploaded is None:
            self.on_note("Choose a picture. Until then the background stays as it is.")
            return
        try:
            effect = self.make_effect()
        except Exception as error:
            self.on_note(explain(error))
            with self._showing():
                for control, value in self._taken_values.items():
                    control.value = value
            self._hide_unused()
        else:
            self.on_effect(effect)
            self._taken()

    def _taken(self) -> None:
        """Remember what is in force, to show it again when another choice is refused."""
        self._taken_values = {
            control: control.value for control in (self.effect, self.strength, self.background, self.colour)
        }
        with self._showing():
            self.palette.value = "#{:02x}{:02x}{:02x}".format(*_colour(self.colour.value))

    def _colour_picked(self, change: Any) -> None:
        if not self._showing:
            self.colour.value = change.new

    def _picture_uploaded(self, picture: Frame, remark: str) -> None:
        self._uploaded = picture
        self._changed(None)
        if remark:
            self.on_note(remark)

    def _hide_unused(self) -> None:
        """Hide controls that would do nothing at the moment."""
        substitutes = self.effect.value == "substitute"
        for control, is_used in (
            (self.strength, self.effect.value == "blur"),
            (self.background, substitutes),
            (self.colours, substitutes and self.background.value == _COLOUR),
            (self.upload, substitutes and self.background.value == _PICTURE),
        ):
            control.layout.display = None if is_used else "none"


def _options(effect: "str | Effect | None") -> list[tuple[str, str]]:
    names = ("none", "blur", "substitute")
    return [(name, name) for name in names] + ([("your own", _YOURS)] if callable(effect) else [])


def _colour(text: str) -> tuple[int, int, int]:
    try:
        return parse_colour(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is not a colour; write a CSS name such as navy, or #rrggbb") from None
