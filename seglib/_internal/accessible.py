"""Boxes of controls that can be used by keyboard and screen reader in JupyterLab and Notebook 7."""

from functools import cache
from pathlib import Path
from typing import Any

from seglib._internal.javascript import bundle


def accessible(box: Any) -> Any:
    """Return a box of ipywidgets in which Jupyter's shortcuts act on no control, and every slider has a name.

    Without anywidget the box is returned as it is.
    """
    import ipywidgets as widgets

    try:
        part = _part_class()()
    except ImportError:
        return box
    whole = widgets.VBox([box, part])
    whole.add_class("seglib-accessible")
    return whole


@cache
def _part_class() -> Any:
    import anywidget

    class Part(anywidget.AnyWidget):
        _esm = bundle(Path(__file__).with_name("accessible.js"))

    return Part
