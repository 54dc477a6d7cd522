"""What the controls are made of: labels, tooltips, headings; and who changes them, a person or code."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import local
from typing import Any

import ipywidgets as widgets

WIDE = {"width": "auto"}
_STYLE = {"description_width": "88px"}
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


class Showing:
    """Tells the changes that code makes to the controls from those that a person makes: each thread has its own."""

    def __init__(self) -> None:
        self._thread = local()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Do not hand on the changes that this thread makes to the controls meanwhile."""
        before, self._thread.is_on = bool(self), True
        try:
            yield
        finally:
            self._thread.is_on = before

    def __bool__(self) -> bool:
        return getattr(self._thread, "is_on", False)


def make_control(kind: Any, name: str, label: str | None = None, tooltip: str | None = None, **options: Any) -> Any:
    """Make a control with the CSS class seglib-name. Without a label, its name is the label."""
    label = label or name
    tooltip = tooltip or _TOOLTIPS.get(label, label)  # without one, ipywidgets shows "null"
    control = kind(description=label, tooltip=tooltip, style=_STYLE, layout=WIDE, **options)
    control.add_class(f"seglib-{name}")
    return control


def make_column(title: str, *controls: Any) -> Any:
    """Put controls under a heading."""
    heading = widgets.Label(title)
    heading.add_class("seglib-heading")
    return widgets.VBox([heading, *controls])
