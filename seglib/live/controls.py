"""The controls: what a person can choose, as ipywidgets. They know nothing of the loop; each change is handed on."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from seglib.arrays import Frame
from seglib.capture.camera_names import camera_names
from seglib.classes import ClassName, class_numbers
from seglib.images import parse_colour
from seglib.live.model_loader import class_names_of
from seglib.live.settings import RelativeBlur, Settings, make_effect
from seglib.live.source_choice import SourceChoice, is_camera_number
from seglib.live.upload import PictureUpload
from seglib.live.words import explain
from seglib.pipeline import Effect
from seglib.predict import MODELS
from seglib.samples import BACKGROUNDS
from seglib.substitute import Background

if TYPE_CHECKING:
    from seglib.predict import Model

_PANES = ("input", "result", "mask", "labels")  # in the order in which they are shown
_COLOUR, _PICTURE, _GIVEN = "a colour", "a picture of yours", "as given"
_YOURS = "yours"
_TOOLTIPS = {
    "source": "Where the frames come from. Nothing is opened before Start.",
    "file": "A video or a picture on the computer where Python runs",
    "model": "The network that finds the person, or other classes",
    "strength": "1 is the blur of the article",
    "background": "What is shown instead of the background",
    "colour": "A CSS name such as navy, or #rrggbb",
    "pick a colour": "Choose from a palette",
    "keep": "The classes that stay in front; hold Ctrl to choose several",
    "the one in front only": "Of several people, keep the largest",
    "threshold": "The probability from which a pixel is kept",
    "feather": "How far the edge is softened, in pixels",
    "smoothing": "How long the last masks count, against flicker",
    "mirror": "Swap left and right, as a mirror does",
}
_AT_LEAST_ONE = {"keep": "At least one class stays in front.", "panes": "At least one picture is shown."}
_NEEDS_PATH = "Write the path of a video or picture, on the computer where Python runs."
_WIDE = {"width": "auto"}
_STYLE = {"description_width": "88px"}


class Controls:
    """The controls, with what they were given.

    Parameters
    ----------
    settings
        What they show at first.
    source, effect, background
        As for :class:`seglib.Live`.

    Attributes
    ----------
    on_settings
        Called with changed fields of :class:`Settings`; returns the settings in force.
    on_source
        Called with another source.
    on_note
        Called with the name of a control and what is wrong with its choice; with "" when a choice is taken. All three
        are called in the thread in which the page's messages arrive, so they must be quick.
    box, panes_row
        Widgets to be displayed.
    """

    def __init__(
        self, settings: Settings, source: SourceChoice, effect: "str | Effect | None", background: Background
    ) -> None:
        self.on_settings: Callable[..., Settings] = lambda **changes: settings
        self.on_source: Callable[[SourceChoice], object] = lambda source: None
        self.on_note: Callable[[str, str], object] = lambda name, message: None
        self._settings = settings  # in force
        self._given_effect, self._given_background = effect, background
        self._given_source = source
        self._uploaded: Background | None = None
        self._is_showing = False  # settings that are in force already
        self._make_source_controls(settings, source)
        self._make_panes_controls(settings)
        self._make_effect_controls(effect, background)
        self._make_mask_controls(settings)
        self._connect()
        self._effect_taken()
        self._hide_unused()
        columns = [
            _column("Source", self.source, self.path, self.model),
            _column("Background", self.effect, self.strength, self.background, self.colours, self.upload),
            _column("Mask", self.keep, self.only_largest, self.threshold, self.feather, self.smoothing),
        ]
        self.box = widgets.Box(columns)
        self.box.add_class("seglib-controls")

    def chosen_source(self) -> SourceChoice:
        """Return the source that is chosen; "" for a file without a path."""
        chosen: SourceChoice = self.path.value.strip() if self.source.value == "file" else self.source.value
        return chosen

    def source_name(self) -> str:
        """Name the source that is chosen, as the list does; a file by its path."""
        return str(self.path.value if self.source.value == "file" else self.source.label)

    def list_cameras(self) -> None:
        """Bring the list of cameras up to date; the choice stays."""
        options = self._source_options()
        if tuple(options) != self.source.options:
            with self._showing():
                chosen = self.source.value
                self.source.options = options
                self.source.value = chosen

    def make_effect(self) -> Effect | None:
        """Make the effect that is chosen. Raises SourceError or ValueError for a background that cannot be used."""
        kind = self._given_effect if self.effect.value == _YOURS else self.effect.value
        return make_effect(kind, self.strength.value, self._chosen_background())

    def show(self, settings: Settings, names: Iterable[str]) -> None:
        """Show settings that were changed by code.

        Parameters
        ----------
        settings
            The settings in force.
        names
            Which of them were changed.
        """
        names = set(names)
        self._settings = settings
        with self._showing():
            for name in {"threshold", "feather", "smoothing", "only_largest", "mirror"} & names:
                getattr(self, name).value = getattr(settings, name)
            if "model" in names:
                if settings.model not in [value for _, value in self.model.options]:
                    self.model.options = _model_options(settings.model)
                self.model.value = settings.model
            if {"model", "keep"} & names:
                self._show_classes(settings)
            if "effect" in names:
                self._show_effect(settings.effect)
            if "panes" in names:
                for name, box in self.panes.items():
                    box.value = name in settings.panes

    @contextmanager
    def _showing(self) -> Iterator[None]:
        """Do not hand on the changes of the controls meanwhile."""
        self._is_showing = True
        try:
            yield
        finally:
            self._is_showing = False

    def _show_classes(self, settings: Settings) -> None:
        kept = _kept_names(settings.model, settings.keep)
        self.keep.value = ()  # the value must be among the options
        self.keep.options = _class_options(settings.model, kept)
        self.keep.value = kept

    def _show_effect(self, effect: Effect | None) -> None:
        if isinstance(effect, RelativeBlur):
            self.effect.value, self.strength.value = "blur", effect.strength
        elif effect is None:
            self.effect.value = "none"
        elif effect is not self._given_effect or self.effect.value != _YOURS:
            self._given_effect = effect
            self.effect.options = _effect_options(effect)
            self.effect.value = _YOURS
        self._effect_taken()
        self._hide_unused()

    def _chosen_background(self) -> Background:
        chosen = self.background.value
        if chosen == _COLOUR:
            return _colour(self.colour.value)
        if chosen == _PICTURE and self._uploaded is not None:
            return self._uploaded
        return self._given_background if chosen == _GIVEN else str(chosen)

    def _source_options(self) -> list[tuple[str, Any]]:
        cameras = dict.fromkeys([self._given_source], "") if is_camera_number(self._given_source) else {}
        cameras = dict(sorted((cameras | camera_names()).items()))
        return [
            ("camera, else the clip", "auto"),
            ("the recorded clip", "clip"),
            *((f"camera {number}: {name}" if name else f"camera {number}", number) for number, name in cameras.items()),
            ("this browser's camera", "browser"),
            ("a file", "file"),
            *([("your own", self._given_source)] if callable(self._given_source) else []),
        ]

    def _make_source_controls(self, settings: Settings, source: SourceChoice) -> None:
        options = self._source_options()
        is_file = isinstance(source, str | Path) and source not in ("auto", "clip", "browser")
        self.source = _control(widgets.Dropdown, "source", options=options, value="file" if is_file else source)
        path = str(source) if is_file else ""
        self.path = _control(widgets.Text, "path", "file", value=path, placeholder="talk.mp4", continuous_update=False)
        options = _model_options(settings.model)
        self.model = _control(widgets.Dropdown, "model", options=options, value=settings.model)

    def _make_panes_controls(self, settings: Settings) -> None:
        self.panes = {
            name: _control(
                widgets.Checkbox, f"pane-{name}", name, f"Show the {name}", value=name in settings.panes, indent=False
            )
            for name in _PANES
        }
        self.mirror = _control(widgets.Checkbox, "mirror", value=settings.mirror, indent=False)
        self.panes_row = widgets.HBox([*self.panes.values(), self.mirror], layout={"flex_flow": "row wrap"})
        self.panes_row.add_class("seglib-panes")

    def _make_effect_controls(self, effect: "str | Effect | None", background: Background) -> None:
        chosen = _YOURS if callable(effect) else effect or "none"
        self.effect = _control(widgets.ToggleButtons, "effect", options=_effect_options(effect), value=chosen)
        self.effect.tooltips = [
            "Show the frame as it is",
            "Blur the background",
            "Show another background",
            "Your function",
        ]
        self.effect.style.button_width = "auto"
        for name in ("jupyter-widgets", "widget-inline-hbox"):  # which its view leaves out: the label beside it
            self.effect.add_class(name)
        self.strength = _control(widgets.FloatSlider, "strength", value=1.0, min=0.2, max=4, step=0.1)
        is_sample = isinstance(background, str) and background in BACKGROUNDS
        if not is_sample:
            make_effect("substitute", background=background)  # raises an error now, not when it is chosen
        backgrounds = [*BACKGROUNDS, _COLOUR, _PICTURE, *([] if is_sample else [_GIVEN])]
        value = background if is_sample else _GIVEN
        self.background = _control(widgets.Dropdown, "background", options=backgrounds, value=value)
        self.colour = _control(widgets.Text, "colour", value="#1f3a5f", continuous_update=False)
        self.palette = _control(widgets.ColorPicker, "palette", "pick a colour", value="#1f3a5f", concise=True)
        self.colour.layout.flex = "1"
        self.colours = widgets.HBox([self.colour, self.palette])
        self.upload = PictureUpload(
            self._picture_uploaded,
            lambda message: self.on_note("effect", message),
            description="Choose a picture",
            tooltip="A picture file on this computer",
            layout=_WIDE,
        )
        self.upload.add_class("seglib-upload")

    def _make_mask_controls(self, settings: Settings) -> None:
        kept = _kept_names(settings.model, settings.keep)
        options = _class_options(settings.model, kept)
        self.keep = _control(widgets.SelectMultiple, "keep", options=options, value=kept, rows=5)
        self.only_largest = _control(
            widgets.Checkbox, "only_largest", "the one in front only", value=settings.only_largest, indent=True
        )
        self.threshold = _slider("threshold", settings.threshold, 0.05, 0.95, 0.05)
        self.feather = _slider("feather", settings.feather, 0, 20, 0.5)
        self.smoothing = _slider("smoothing", settings.smoothing, 0, 0.95, 0.05)

    def _connect(self) -> None:
        for name in ("model", "threshold", "feather", "smoothing", "only_largest", "mirror"):
            getattr(self, name).observe(lambda change, name=name: self._set(**{name: change.new}), "value")
        self.keep.observe(lambda change: self._set(keep=tuple(change.new)), "value")
        for box in self.panes.values():
            box.observe(self._panes_changed, "value")
        for control in (self.effect, self.strength, self.background, self.colour):
            control.observe(self._effect_changed, "value")
        self.palette.observe(self._colour_picked, "value")
        for control in (self.source, self.path):
            control.observe(self._source_changed, "value")

    def _set(self, **changes: Any) -> None:
        """Hand on a choice. One that is refused is told, and the controls show again what is in force."""
        if self._is_showing:
            return
        (name,) = changes
        try:
            self._settings = self.on_settings(**changes)
        except (ValueError, TypeError) as error:
            self.show(self._settings, changes)
            self.on_note(name, _AT_LEAST_ONE.get(name) or str(error))
            return
        self.on_note(name, "")
        if name == "model":
            self.on_note("keep", "")
            with self._showing():
                self._show_classes(self._settings)

    def _panes_changed(self, change: Any) -> None:
        self._set(panes=tuple(name for name in _PANES if self.panes[name].value))

    def _effect_changed(self, change: Any) -> None:
        if self._is_showing:
            return
        self._hide_unused()
        if self.effect.value == "substitute" and self.background.value == _PICTURE and self._uploaded is None:
            self.on_note("effect", "Choose a picture. Until then the background stays as it is.")
            return
        try:
            effect = self.make_effect()
        except Exception as error:
            self.on_note("effect", explain(error))
            with self._showing():
                for control, value in self._effect_values.items():
                    control.value = value
            self._hide_unused()
        else:
            self._set(effect=effect)
            self._effect_taken()

    def _effect_taken(self) -> None:
        """Remember what is in force, to show it again when another choice is refused."""
        self._effect_values = {
            control: control.value for control in (self.effect, self.strength, self.background, self.colour)
        }
        with self._showing():
            self.palette.value = "#{:02x}{:02x}{:02x}".format(*_colour(self.colour.value))

    def _colour_picked(self, change: Any) -> None:
        if not self._is_showing:
            self.colour.value = change.new

    def _picture_uploaded(self, picture: Frame, remark: str) -> None:
        self._uploaded = picture
        self._effect_changed(None)
        if remark:
            self.on_note("effect", remark)

    def _source_changed(self, change: Any) -> None:
        self._hide_unused()
        if self._is_showing:
            return
        needs_path = self.chosen_source() == ""
        self.on_note("source", _NEEDS_PATH if needs_path else "")
        if not needs_path:
            self.on_source(self.chosen_source())

    def _hide_unused(self) -> None:
        """Hide controls that would do nothing at the moment."""
        substitutes = self.effect.value == "substitute"
        for control, is_used in (
            (self.path, self.source.value == "file"),
            (self.strength, self.effect.value == "blur"),
            (self.background, substitutes),
            (self.colours, substitutes and self.background.value == _COLOUR),
            (self.upload, substitutes and self.background.value == _PICTURE),
        ):
            control.layout.display = None if is_used else "none"


def _effect_options(effect: "str | Effect | None") -> list[tuple[str, str]]:
    names = ("none", "blur", "substitute")
    return [(name, name) for name in names] + ([("your own", _YOURS)] if callable(effect) else [])


def _colour(text: str) -> tuple[int, int, int]:
    try:
        return parse_colour(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is not a colour; write a CSS name such as navy, or #rrggbb") from None


def _model_options(model: "str | Model") -> list[tuple[str, Any]]:
    """The names of all models; a loaded one takes the place of its name."""
    if isinstance(model, str):
        return [(name, name) for name in MODELS]
    return [(model.name, model), *((name, name) for name in MODELS if name != model.name)]


def _kept_names(model: "str | Model", keep: Iterable[ClassName]) -> tuple[str, ...]:
    names = class_names_of(model)
    kept = [names[number] for number in class_numbers(keep, names)]
    return tuple(name for name in kept if name != "background")  # it is not in the list


def _class_options(model: "str | Model", kept: tuple[str, ...]) -> list[str]:
    """The model's classes, the kept ones first, where they are seen."""
    return [*kept, *sorted(set(class_names_of(model)) - {"background", *kept})]


def _control(kind: Any, name: str, label: str | None = None, tooltip: str | None = None, **options: Any) -> Any:
    label = label or name
    tooltip = tooltip or _TOOLTIPS.get(label, label)  # without one, ipywidgets shows "null"
    control = kind(description=label, tooltip=tooltip, style=_STYLE, layout=_WIDE, **options)
    control.add_class(f"seglib-{name}")
    return control


def _slider(name: str, value: float, low: float, high: float, step: float) -> Any:
    return _control(widgets.FloatSlider, name, value=value, min=low, max=high, step=step, readout_format=".2f")


def _column(title: str, *controls: Any) -> Any:
    heading = widgets.Label(title)
    heading.add_class("seglib-heading")
    return widgets.VBox([heading, *controls])
