"""The buttons, the picture, the words below it and the controls: how they stand in the page."""

from typing import Any

import ipywidgets as widgets

from seglib.live.controls import Controls

STILL = ("stopped", "failed")  # the states in which nothing runs


class Panel:
    """What a person sees. picture: the widget that shows it.

    start, stop, snapshot, record: buttons. note: a label for what was just done. box: all of it, to be displayed.
    Buttons are never switched off: who uses the keyboard would lose the place.
    """

    def __init__(self, picture: Any, controls: Controls) -> None:
        self.start = _button("start", "Start", "play")
        self.stop = _button("stop", "Stop", "stop")
        self.snapshot = _button("snapshot", "Snapshot", "camera")
        self.record = _button("record", "Record", "circle")
        self.readout, self.status, self.note = (_label(name) for name in ("readout", "status", "note"))
        buttons = _row(self.start, self.stop, self.snapshot, self.record, self.readout)
        words = _row(self.status, controls.view)
        words.add_class("seglib-words")
        self._room = widgets.VBox([])
        self.box = widgets.VBox([buttons, self._room, picture, words, self.note, controls.box])
        self.box.add_class("seglib-live")

    def make_room_for(self, widget: Any) -> None:
        """Show what a source has to show, as the camera of the browser has; None for nothing."""
        self._room.children = () if widget is None else (widget,)

    def show(self, state: str, message: str, recording: bool, rates: str) -> None:
        """Bring words and buttons up to date. The button that is wanted next is coloured."""
        self.status.value, self.readout.value = message, rates
        if state == "failed":
            self.status.add_class("seglib-failed")
        else:
            self.status.remove_class("seglib-failed")
        self.start.button_style = "primary" if state in STILL else ""
        self.stop.button_style = "" if state in STILL else "primary"
        self.record.description = "Stop recording" if recording else "Record"
        self.record.button_style = "danger" if recording else ""


def _row(*parts: Any) -> Any:
    return widgets.HBox(parts, layout={"flex_flow": "row wrap"})


def _button(name: str, text: str, icon: str) -> Any:
    button = widgets.Button(description=text, icon=icon, layout={"width": "auto"})
    button.add_class(f"seglib-{name}")
    return button


def _label(name: str) -> Any:
    label = widgets.Label()
    label.add_class(f"seglib-{name}")
    return label
