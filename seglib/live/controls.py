"""The controls: what a person can choose, as ipywidgets. They know nothing of the loop; each change is handed on."""

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from seglib.classes import VOC_CLASSES
from seglib.images import read_image
from seglib.live.settings import Effect, Settings, make_effect
from seglib.live.source_choice import Choice
from seglib.predict import MODELS
from seglib.samples import BACKGROUNDS, sample_background
from seglib.substitute import Background

_SOURCES: list[tuple[str, Any]] = [
    ("camera, else the clip", "auto"),
    ("the recorded clip", "clip"),
    ("camera 0", 0),
    ("camera 1", 1),
    ("this browser's camera", "browser"),
    ("a file", "file"),
]
_SHOWN = ("input", "result", "mask", "labels")  # the order of the panes in the picture, too
_COLOUR, _PICTURE, _GIVEN = "a colour", "a picture of yours", "as given"
_WIDE = {"width": "auto"}
_STYLE = {"description_width": "88px"}


class Controls:
    """The controls and the words beside them.

    on_settings: called with changed fields of :class:`Settings`. on_source: called with another source.
    on_error: called with what was wrong with a choice. All of them are called in whichever thread the page's
    messages arrive, so they must be quick.
    """

    def __init__(
        self, settings: Settings, source: Choice, effect: "str | Effect | None", background: Background
    ) -> None:
        self.on_settings: Callable[..., object] = lambda **changes: None
        self.on_source: Callable[[Choice], object] = lambda source: None
        self.on_error: Callable[[str], object] = lambda message: None
        self._given_background, self._given_effect = background, effect
        self._uploaded: Background | None = None
        self._make_picture_controls(settings, source)
        self._make_background_controls(effect, background)
        self._make_edge_controls(settings)
        self._connect()
        self._show_what_matters()
        columns = [
            _column("Source", self.source, self.path, self.model),
            _column("Background", self.effect, self.strength, self.background, self.colour, self.upload),
            _column("Mask", self.keep, self.threshold, self.feather, self.smoothing),
        ]
        self.box = widgets.Box(columns)
        self.box.add_class("seglib-controls")

    def chosen_source(self) -> Choice:
        """The source as it is chosen now."""
        return self.path.value.strip() if self.source.value == "file" else self.source.value

    def match(self, settings: Settings, names: Iterable[str]) -> None:
        """Show settings that were changed by code."""
        on_settings, self.on_settings = self.on_settings, lambda **changes: None  # they are in force already
        try:
            for name in {"threshold", "feather", "smoothing", "mirror"} & set(names):
                getattr(self, name).value = getattr(settings, name)
            if "keep" in names:
                self.keep.value = _class_names(settings.keep)
            if "panes" in names:
                for name in sorted(self.panes, key=lambda name: name not in settings.panes):  # never without any
                    self.panes[name].value = name in settings.panes
        finally:
            self.on_settings = on_settings

    def make_effect(self) -> Effect | None:
        """The effect as it is chosen now. Raises SourceError or ValueError for a background that cannot be used."""
        kind = self._given_effect if self.effect.value == "yours" else self.effect.value
        return make_effect(kind, self.strength.value, self._chosen_background())

    def _chosen_background(self) -> Background:
        chosen = self.background.value
        if chosen == _COLOUR:
            return str(self.colour.value)
        if chosen == _PICTURE:
            return self.colour.value if self._uploaded is None else self._uploaded
        return self._given_background if chosen == _GIVEN else sample_background(chosen)

    def _make_picture_controls(self, settings: Settings, source: Choice) -> None:
        options = list(_SOURCES)
        is_file = isinstance(source, str | Path) and source not in {value for _, value in options}
        if not is_file and source not in [value for _, value in options]:
            options.append(("your own" if callable(source) else f"camera {source}", source))
        self.source = _control(widgets.Dropdown, "source", options=options, value="file" if is_file else source)
        path = str(source) if is_file else ""
        self.path = _control(widgets.Text, "path", "file", value=path, placeholder="talk.mp4", continuous_update=False)
        given = settings.model
        models: list[Any] = [*MODELS] if isinstance(given, str) else [(given.name, given), *MODELS]
        if not isinstance(given, str):
            models = [(given.name, given), *[(name, name) for name in MODELS if name != given.name]]
        self.model = _control(widgets.Dropdown, "model", options=models, value=given)
        self.panes = {
            name: _control(widgets.Checkbox, f"pane-{name}", name, value=name in settings.panes, indent=False)
            for name in _SHOWN
        }
        self.mirror = _control(widgets.Checkbox, "mirror", value=settings.mirror, indent=False)
        self.view = widgets.HBox([*self.panes.values(), self.mirror], layout={"flex_flow": "row wrap"})
        self.view.add_class("seglib-panes")

    def _make_background_controls(self, effect: "str | Effect | None", background: Background) -> None:
        options = [("none", "none"), ("blur", "blur"), ("substitute", "substitute")]
        if callable(effect):
            options.append(("your own", "yours"))
        chosen = "yours" if callable(effect) else effect or "none"
        self.effect = _control(widgets.ToggleButtons, "effect", " ", options=options, value=chosen)
        self.effect.style.button_width = "auto"
        self.strength = _control(widgets.FloatSlider, "strength", value=1.0, min=0.2, max=4, step=0.1)
        named = isinstance(background, str) and background in BACKGROUNDS
        choices = [*BACKGROUNDS, _COLOUR, _PICTURE, *([] if named else [_GIVEN])]
        self.background = _control(
            widgets.Dropdown, "background", options=choices, value=background if named else _GIVEN
        )
        self.colour = _control(widgets.ColorPicker, "colour", value="#1f3a5f")
        self.upload = _control(
            widgets.FileUpload, "upload", "Choose a picture", accept="image/*", multiple=False, icon="upload"
        )

    def _make_edge_controls(self, settings: Settings) -> None:
        keep = _class_names(settings.keep)
        classes = [*keep, *sorted(set(VOC_CLASSES[1:]) - set(keep))]  # the chosen ones on top, where they are seen
        self.keep = _control(widgets.SelectMultiple, "keep", options=classes, value=keep, rows=5)
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
        self.upload.observe(self._uploaded_one, "value")
        for control in (self.source, self.path):
            control.observe(self._source_changed, "value")

    def _set(self, **changes: Any) -> None:
        try:
            self.on_settings(**changes)
        except (ValueError, TypeError) as error:
            self.on_error(str(error))

    def _panes_changed(self, change: Any) -> None:
        panes = tuple(name for name in _SHOWN if self.panes[name].value)
        if panes:
            self._set(panes=panes)
        else:
            self.panes["result"].value = True  # an empty picture helps nobody

    def _effect_changed(self, change: Any) -> None:
        self._show_what_matters()
        try:
            effect = self.make_effect()
        except Exception as error:
            self.on_error(str(error))
        else:
            self._set(effect=effect)

    def _uploaded_one(self, change: Any) -> None:
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
        self._show_what_matters()
        if self.chosen_source() != "":
            self.on_source(self.chosen_source())

    def _show_what_matters(self) -> None:
        """A control that would do nothing at the moment is not shown."""
        substitutes = self.effect.value == "substitute"
        for control, matters in (
            (self.path, self.source.value == "file"),
            (self.strength, self.effect.value == "blur"),
            (self.background, substitutes),
            (self.colour, substitutes and self.background.value == _COLOUR),
            (self.upload, substitutes and self.background.value == _PICTURE),
        ):
            control.layout.display = None if matters else "none"


def _class_names(keep: Iterable[str | int]) -> tuple[str, ...]:
    names = (VOC_CLASSES[name] if isinstance(name, int) else name for name in keep)
    return tuple(name for name in names if name != "background")  # it is not on the list


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
