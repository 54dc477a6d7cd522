"""The picture in the page: a canvas that says which picture it has drawn, or a plain image where there is none.

The page's side is ``display.js``. Pictures go there as JPEG in binary messages; every view answers with its name and
the number of the last picture it has drawn, and says that it is still there every second.
"""

import time
from functools import cache
from pathlib import Path
from typing import Any

import ipywidgets
import traitlets

from seglib.live.flow_control import FlowControl

anywidget: Any
try:
    import anywidget
except ImportError:  # then the plain image has to do
    anywidget = None

_HERE = Path(__file__).parent
_PLAIN_FPS = 10.0  # a plain image does not tell when it was drawn, so it gets few pictures
_PLAIN_WIDTH = 640


class CanvasDisplay:
    """A screen that knows what was drawn. widget: to be displayed. hint: what stands there before the first picture."""

    def __init__(self, hint: str = "") -> None:
        self.flow = FlowControl()
        self.widget = _canvas_class()(hint=hint)
        self.widget.on_msg(self._hear)
        self._last: tuple[dict[str, Any], bytes] | None = None

    @property
    def views(self) -> int:
        """How many pages show the picture."""
        return self.flow.views

    @property
    def width(self) -> int | None:
        """How many pixels the page can show side by side."""
        return self.flow.width

    def wait_for_room(self, timeout: float, wanted: int = 1) -> bool:
        """Whether so many pictures may be sent now."""
        return self.flow.wait_for_room(timeout, wanted)

    def show(self, jpeg: bytes, taken: float, panes: tuple[str, ...]) -> None:
        """Send a picture."""
        number = self.flow.sending(taken)
        message = {"kind": "picture", "number": number, "taken": _unix_ms(taken), "panes": list(panes)}
        self._last = (message, jpeg)
        self.widget.send(message, [jpeg])

    def tell(self, state: str, message: str) -> None:
        """What the page shows beside the picture: the loop's state, and a sentence for screen readers."""
        self.widget.state, self.widget.message = state, message

    def close(self) -> None:
        """No more messages from the page are heard."""
        self.widget.on_msg(self._hear, remove=True)

    def _hear(self, widget: Any, content: dict[str, Any], buffers: list[memoryview]) -> None:
        view = str(content.get("view", ""))
        if content.get("kind") == "gone":
            self.flow.leave(view)
        elif self.flow.hear(view, *(int(content[word]) for word in ("drawn", "width", "hidden", "room"))):
            self._greet(view)

    def _greet(self, view: str) -> None:
        """A page that was opened or loaded again shows the last picture at once."""
        if self._last is not None:
            message, jpeg = self._last
            self.widget.send(message | {"only": view}, [jpeg])


class PlainDisplay:
    """The same with ``ipywidgets.Image``, where anywidget is missing: small, and never more than ten a second."""

    views, width = 1, _PLAIN_WIDTH

    def __init__(self, hint: str = "") -> None:
        self.flow = FlowControl()  # for its counters
        self.widget = ipywidgets.Image(format="jpeg", layout={"width": "100%", "max_width": "960px"})
        self.widget.add_class("seglib-canvas")
        self._next = 0.0

    def wait_for_room(self, timeout: float, wanted: int = 1) -> bool:
        """Whether it is time for another picture."""
        pause = self._next - time.perf_counter() + (wanted - 1) / _PLAIN_FPS
        time.sleep(max(0.0, min(pause, timeout)))
        return pause <= timeout

    def show(self, jpeg: bytes, taken: float, panes: tuple[str, ...]) -> None:
        """Send a picture."""
        self.flow.sent += 1
        self.flow.shown.tick()
        self._next = time.perf_counter() + 1 / _PLAIN_FPS
        self.widget.value = jpeg

    def tell(self, state: str, message: str) -> None:
        """A plain image has no place for it."""

    def close(self) -> None:
        """Nothing to do."""


def make_display(hint: str = "") -> "CanvasDisplay | PlainDisplay":
    """The canvas, or where anywidget cannot be imported, the plain image."""
    return PlainDisplay(hint) if anywidget is None else CanvasDisplay(hint)


@cache
def _canvas_class() -> Any:
    """The canvas widget. Made when it is first needed, since its parent may be missing."""

    class Canvas(anywidget.AnyWidget):
        _esm = _HERE / "display.js"
        _css = _HERE / "display.css"
        state = traitlets.Unicode("stopped").tag(sync=True)
        message = traitlets.Unicode("").tag(sync=True)
        hint = traitlets.Unicode("").tag(sync=True)

    return Canvas


def _unix_ms(moment: float) -> float:
    """A time of ``perf_counter`` on the clock that pages know: milliseconds since 1970."""
    return 1000 * (time.time() - (time.perf_counter() - moment))
