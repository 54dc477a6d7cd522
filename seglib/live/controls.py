"""The controls: what a person can choose, as ipywidgets. They know nothing of the loop; each change is handed on."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from seglib.capture.camera_names import camera_names
from seglib.classes import ClassName, class_numbers
from seglib.live.background_controls import BackgroundControls
from seglib.live.control_parts import Showing, make_column, make_control
from seglib.live.model_loader import class_names_of
from seglib.live.settings import Settings
from seglib.live.source_choice import SourceChoice, is_camera_number
from seglib.pipeline import Effect
from seglib.predict import MODELS
from seglib.substitute import Background

if TYPE_CHECKING:
    from seglib.predict import Model

_PANES = ("input", "result", "mask", "labels")  # in the order in which they are shown
_AT_LEAST_ONE = {"keep": "At least one class stays in front.", "panes": "At least one picture is shown."}
_NEEDS_PATH = "Write the path of a video or picture, on the computer where Python runs."


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
    background : BackgroundControls
        The effect and its background.
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
        self._given_source = source
        self._showing = Showing()
        self._make_source_controls(settings, source)
        self._make_panes_controls(settings)
        self.background = BackgroundControls(effect, background)
        self._make_mask_controls(settings)
        self._connect()
        self._hide_unused()
        columns = [
            make_column("Source", self.source, self.path, self.model),
            self.background.box,
            make_column("Mask", self.keep, self.only_largest, self.threshold, self.feather, self.smoothing),
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
        chosen = self.source.value
        options = self._source_options(chosen)
        if tuple(options) != self.source.options:
            with self._showing():
                self.source.options = options
                self.source.value = chosen

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
                self.background.show(settings.effect)
            if "panes" in names:
                for name, box in self.panes.items():
                    box.value = name in settings.panes

    def _show_classes(self, settings: Settings) -> None:
        kept = _kept_names(settings.model, settings.keep)
        self.keep.value = ()  # the value must be among the options
        self.keep.options = _class_options(settings.model, kept)
        self.keep.value = kept

    def _source_options(self, chosen: SourceChoice) -> list[tuple[str, Any]]:
        """What can be chosen; a camera that is chosen stays in the list, be it there or not."""
        wanted = {source: "" for source in (self._given_source, chosen) if is_camera_number(source)}
        cameras = dict(sorted((wanted | camera_names()).items()))
        return [
            ("camera, else the clip", "auto"),
            ("the recorded clip", "clip"),
            *((f"camera {number}: {name}" if name else f"camera {number}", number) for number, name in cameras.items()),
            ("this browser's camera", "browser"),
            ("a file", "file"),
            *([("your own", self._given_source)] if callable(self._given_source) else []),
        ]

    def _make_source_controls(self, settings: Settings, source: SourceChoice) -> None:
        options = self._source_options(source)
        is_file = isinstance(source, str | Path) and source not in ("auto", "clip", "browser")
        self.source = make_control(widgets.Dropdown, "source", options=options, value="file" if is_file else source)
        path = str(source) if is_file else ""
        self.path = make_control(
            widgets.Text, "path", "file", value=path, placeholder="talk.mp4", continuous_update=False
        )
        options = _model_options(settings.model)
        self.model = make_control(widgets.Dropdown, "model", options=options, value=settings.model)

    def _make_panes_controls(self, settings: Settings) -> None:
        self.panes = {
            name: make_control(
                widgets.Checkbox, f"pane-{name}", name, f"Show the {name}", value=name in settings.panes, indent=False
            )
            for name in _PANES
        }
        self.mirror = make_control(widgets.Checkbox, "mirror", value=settings.mirror, indent=False)
        self.panes_row = widgets.HBox([*self.panes.values(), self.mirror], layout={"flex_flow": "row wrap"})
        self.panes_row.add_class("seglib-panes")

    def _make_mask_controls(self, settings: Settings) -> None:
        kept = _kept_names(settings.model, settings.keep)
        options = _class_options(settings.model, kept)
        self.keep = make_control(widgets.SelectMultiple, "keep", options=options, value=kept, rows=5)
        self.only_largest = make_control(
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
        self.background.on_effect = lambda effect: self._set(effect=effect)
        self.background.on_note = lambda message: self.on_note("effect", message)
        for control in (self.source, self.path):
            control.observe(self._source_changed, "value")

    def _set(self, **changes: Any) -> None:
        """Hand on a choice. One that is refused is told, and the controls show again what is in force."""
        if self._showing:
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

    def _source_changed(self, change: Any) -> None:
        self._hide_unused()
        if self._showing:
            return
        needs_path = self.chosen_source() == ""
        self.on_note("source", _NEEDS_PATH if needs_path else "")
        if not needs_path:
            self.on_source(self.chosen_source())

    def _hide_unused(self) -> None:
        self.path.layout.display = None if self.source.value == "file" else "none"


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


def _slider(name: str, value: float, low: float, high: float, step: float) -> Any:
    return make_control(widgets.FloatSlider, name, value=value, min=low, max=high, step=step, readout_format=".2f")
