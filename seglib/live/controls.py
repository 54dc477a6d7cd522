"""The controls: what a person can choose, as ipywidgets. They know nothing of the loop; each change is handed on."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from seglib.classes import ClassName, class_numbers
from seglib.images import read_image
from seglib.live.model_loader import class_names_of
from seglib.live.settings import Settings, make_effect
from seglib.live.source_choice import SourceChoice
from seglib.pipeline import Effect
from seglib.predict import MODELS
from seglib.samples import BACKGROUNDS
from seglib.substitute import Background

if TYPE_CHECKING:
    from seglib.predict import Model

_SOURCES: list[tuple[str, Any]] = [
    ("camera, else the clip", "auto"),
    ("the recorded clip", "clip"),
    ("camera 0", 0),
    ("camera 1", 1),
    ("this browser's camera", "browser"),
    ("a file", "file"),
]
_PANES = ("input", "result", "mask", "labels")  # in the order in which they are shown
_COLOUR, _PICTURE, _GIVEN = "a colour", "a picture of yours", "as given"
_YOURS = "yours"
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
    on_error
        Called with what is wrong with a choice. All three are called in the thread in which the page's messages
        arrive, so they must be quick.
    box, panes_row
        Widgets to be displayed.
    """

    def __init__(
        self, settings: Settings, source: SourceChoice, effect: "str | Effect | None", background: Background
    ) -> None:
        self.on_settings: Callable[..., Settings] = lambda **changes: settings
        self.on_source: Callable[[SourceChoice], object] = lambda source: None
        self.on_error: Callable[[str], object] = lambda message: None
        self._given_effect, self._given_background = effect, background
        self._uploaded: Background | None = None
        self._is_showing = False  # settings that are in force already
        self._make_source_controls(settings, source)
        self._make_panes_controls(settings)
        self._make_effect_controls(effect, background)
        self._make_mask_controls(settings)
        self._connect()
        self._hide_unused()
        columns = [
            _column("Source", self.source, self.path, self.model),
            _column("Background", self.effect, self.strength, self.background, self.colour, self.upload),
            _column("Mask", self.keep, self.threshold, self.feather, self.smoothing),
        ]
        self.box = widgets.Box(columns)
        self.box.add_class("seglib-controls")

    def chosen_source(self) -> SourceChoice:
        """Return the source that is chosen."""
        chosen: SourceChoice = self.path.value.strip() if self.source.value == "file" else self.source.value
        return chosen

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
        with self._showing():
            for name in {"threshold", "feather", "smoothing", "mirror"} & names:
                getattr(self, name).value = getattr(settings, name)
            if "model" in names:
                self.model.options = _model_options(settings.model)
                self.model.value = settings.model
            if {"model", "keep"} & names:
                self._show_classes(settings)
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

    def _chosen_background(self) -> Background:
        chosen = self.background.value
        if chosen == _COLOUR:
            return str(self.colour.value)
        if chosen == _PICTURE:
            return str(self.colour.value) if self._uploaded is None else self._uploaded
        return self._given_background if chosen == _GIVEN else str(chosen)

    def _make_source_controls(self, settings: Settings, source: SourceChoice) -> None:
        options = list(_SOURCES)
        known = [value for _, value in options]
        is_file = isinstance(source, str | Path) and source not in known
        if not is_file and source not in known:
            options.append(("your own" if callable(source) else f"camera {source}", source))
        self.source = _control(widgets.Dropdown, "source", options=options, value="file" if is_file else source)
        path = str(source) if is_file else ""
        self.path = _control(widgets.Text, "path", "file", value=path, placeholder="talk.mp4", continuous_update=False)
        options = _model_options(settings.model)
        self.model = _control(widgets.Dropdown, "model", options=options, value=settings.model)

    def _make_panes_controls(self, settings: Settings) -> None:
        self.panes = {
            name: _control(widgets.Checkbox, f"pane-{name}", name, value=name in settings.panes, indent=False)
            for name in _PANES
        }
        self.mirror = _control(widgets.Checkbox, "mirror", value=settings.mirror, indent=False)
        self.panes_row = widgets.HBox([*self.panes.values(), self.mirror], layout={"flex_flow": "row wrap"})
        self.panes_row.add_class("seglib-panes")

    def _make_effect_controls(self, effect: "str | Effect | None", background: Background) -> None:
        options = [("none", "none"), ("blur", "blur"), ("substitute", "substitute")]
        if callable(effect):
            options.append(("your own", _YOURS))
        chosen = _YOURS if callable(effect) else effect or "none"
        self.effect = _control(widgets.ToggleButtons, "effect", " ", options=options, value=chosen)
        self.effect.style.button_width = "auto"
        self.strength = _control(widgets.FloatSlider, "strength", value=1.0, min=0.2, max=4, step=0.1)
        is_sample = isinstance(background, str) and background in BACKGROUNDS
        backgrounds = [*BACKGROUNDS, _COLOUR, _PICTURE, *([] if is_sample else [_GIVEN])]
        value = background if is_sample else _GIVEN
        self.background = _control(widgets.Dropdown, "background", options=backgrounds, value=value)
        self.colour = _control(widgets.ColorPicker, "colour", value="#1f3a5f")
        self.upload = _control(
            widgets.FileUpload, "upload", "Choose a picture", accept="image/*", multiple=False, icon="upload"
        )

    def _make_mask_controls(self, settings: Settings) -> None:
        kept = _kept_names(settings.model, settings.keep)
        options = _class_options(settings.model, kept)
        self.keep = _control(widgets.SelectMultiple, "keep", options=options, value=kept, rows=5)
        self.threshold = _slider("threshold", settings.threshold, 0.05, 0.95, 0.05)
        self.feather = _slider("feather", settings.feather, 0, 20, 0.5)
        self.smoothing = _slider("smoothing", settings.smoothing, 0, 0.95, 0.05)

    def _connect(self) -> None:
        for name in ("model", "threshold", "feather", "smoothing", "mirror"):
            getattr(self, name).observe(lambda change, name=name: self._set(**{name: change.new}), "value")
        self.keep.observe(lambda change: self._set(keep=tuple(change.new)) if change.new else None, "value")
        for box in self.panes.values():
            box.observe(self._panes_changed, "value")
        for control in (self.effect, self.strength, self.background, self.colour):
            control.observe(self._effect_changed, "value")
        self.upload.observe(self._picture_uploaded, "value")
        for control in (self.source, self.path):
            control.observe(self._source_changed, "value")

    def _set(self, **changes: Any) -> None:
        if self._is_showing:
            return
        try:
            settings = self.on_settings(**changes)
        except (ValueError, TypeError) as error:
            self.on_error(str(error))
            return
        if "model" in changes:
            with self._showing():
                self._show_classes(settings)

    def _panes_changed(self, change: Any) -> None:
        panes = tuple(name for name in _PANES if self.panes[name].value)
        if panes:
            self._set(panes=panes)
        elif not self._is_showing:
            self.panes["result"].value = True  # one pane at least

    def _effect_changed(self, change: Any) -> None:
        self._hide_unused()
        try:
            effect = self.make_effect()
        except Exception as error:
            self.on_error(str(error))
        else:
            self._set(effect=effect)

    def _picture_uploaded(self, change: Any) -> None:
        if not self.upload.value:
            return
        file = self.upload.value[0]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, Path(file["name"]).name)
            path.write_bytes(file["content"])
            try:
                self._uploaded = read_image(path)
            except Exception as error:
                self.on_error(str(error).replace(str(path), file["name"]))
                return
        self._effect_changed(change)

    def _source_changed(self, change: Any) -> None:
        self._hide_unused()
        if self.chosen_source() != "":
            self.on_source(self.chosen_source())

    def _hide_unused(self) -> None:
        """Hide controls that would do nothing at the moment."""
        substitutes = self.effect.value == "substitute"
        for control, is_used in (
            (self.path, self.source.value == "file"),
            (self.strength, self.effect.value == "blur"),
            (self.background, substitutes),
            (self.colour, substitutes and self.background.value == _COLOUR),
            (self.upload, substitutes and self.background.value == _PICTURE),
        ):
            control.layout.display = None if is_used else "none"


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


def _control(kind: Any, name: str, label: str | None = None, **options: Any) -> Any:
    style = {} if issubclass(kind, widgets.FileUpload) else _STYLE
    control = kind(description=label or name, style=style, layout=_WIDE, **options)
    control.add_class(f"seglib-{name}")
    return control


def _slider(name: str, value: float, low: float, high: float, step: float) -> Any:
    return _control(widgets.FloatSlider, name, value=value, min=low, max=high, step=step, readout_format=".2f")


def _column(title: str, *controls: Any) -> Any:
    heading = widgets.Label(title)
    heading.add_class("seglib-heading")
    return widgets.VBox([heading, *controls])
