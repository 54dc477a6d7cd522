"""The widget's parts on the page: buttons, picture, status line and controls."""

from typing import Any

import ipywidgets as widgets

from seglib.live.controls import Controls

IDLE_STATES = ("stopped", "failed")


class Panel:
    """The whole widget.

    Buttons are never disabled: somebody who uses the keyboard would lose the focus.

    Parameters
    ----------
    picture
        The widget that shows the picture.
    controls
        What stands below it.

    Attributes
    ----------
    box
        All of it, to be displayed.
    start, stop, snapshot, record
        Buttons.
    note
        A label for what was just done.
    """

    def __init__(self, picture: Any, controls: Controls) -> None:
        self.start = _button("start", "Start", "play", "Open the source and show its picture")
        self.stop = _button("stop", "Stop", "stop", "Close the source")
        self.snapshot = _button("snapshot", "Snapshot", "camera", "Keep the result as a picture file")
        self.record = _button("record", "Record", "circle", "Record the results as a video file, until the next press")
        self.readout, self.status, self.note = (_label(name) for name in ("readout", "status", "note"))
        buttons = _row(self.start, self.stop, self.snapshot, self.record, self.readout)
        status_row = _row(self.status, controls.panes_row)
        status_row.add_class("seglib-status-row")
        self._source_area = widgets.VBox([])
        self.box = widgets.VBox([buttons, self._source_area, picture, status_row, self.note, controls.box])
        self.box.add_class("seglib-live")

    def show_source_widget(self, widget: Any) -> None:
        """Show the widget of a source above the picture, as the browser camera has one; None shows nothing."""
        self._source_area.children = () if widget is None else (widget,)

    def update(self, state: str, message: str, recording: bool, rates: str) -> None:
        """Bring texts and buttons up to date. The button that is likely next is coloured."""
        self.status.value, self.readout.value = message, rates
        if state == "failed":
            self.status.add_class("seglib-failed")
        else:
            self.status.remove_class("seglib-failed")
        self.start.button_style = "primary" if state in IDLE_STATES else ""
        self.stop.button_style = "" if state in IDLE_STATES else "primary"
        self.record.description = "Stop recording" if recording else "Record"
        self.record.button_style = "danger" if recording else ""


def _row(*parts: Any) -> Any:
    return widgets.HBox(parts, layout={"flex_flow": "row wrap"})


def _button(name: str, text: str, icon: str, tooltip: str) -> Any:
    button = widgets.Button(description=text, icon=icon, tooltip=tooltip, layout={"width": "auto"})
    button.add_class(f"seglib-{name}")
    return button


def _label(name: str) -> Any:
    label = widgets.Label()
    label.add_class(f"seglib-{name}")
    return label
