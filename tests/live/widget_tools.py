"""Find and press the parts of a Live widget, and play its page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from live_fakes import FakeCamera, FakeModel, wait_until

from seglib import Live


def make(source: Any = FakeCamera, **options: Any) -> Live:
    return Live(source, **{"model": FakeModel(), "effect": "none", **options})


def everything(widget: Any) -> Iterator[Any]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from everything(child)


def find(live: Live, name: str) -> Any:
    """The widget with the CSS class seglib-name."""
    (found,) = [widget for widget in everything(live.box) if f"seglib-{name}" in widget._dom_classes]
    return found


def press(live: Live, name: str) -> None:
    find(live, name).click()


def text(live: Live, name: str) -> str:
    return str(find(live, name).value)


def wait_until_failed(live: Live) -> None:
    """Wait until the page shows that it has failed, a moment after it has."""
    wait_until(lambda: "seglib-failed" in find(live, "status")._dom_classes)


class FakePage:
    """A view of the canvas: sees what is sent, and reports when it is told to."""

    def __init__(self, live: Live, view: str = "a") -> None:
        (self.widget,) = [widget for widget in everything(live.box) if widget.has_trait("hint")]
        self.view = view
        self.pictures: list[tuple[dict[str, Any], bytes]] = []
        self.widget.send = lambda content, buffers: self.pictures.append((content, buffers[0]))
        self.report(0)

    def report(self, drawn: int, kind: str = "report") -> None:
        content = {"kind": kind, "view": self.view, "drawn": drawn, "room": 2, "width": 0, "hidden": False}
        self.widget.comm.handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})

    def draw(self) -> None:
        """Report that the last picture is drawn."""
        if self.pictures:
            self.report(self.pictures[-1][0]["number"])

    def wait_for(self, count: int) -> None:
        """Draw until so many pictures have come."""

        def enough() -> bool:
            self.draw()
            return len(self.pictures) >= count

        wait_until(enough)
