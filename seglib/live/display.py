"""The picture on the page: a canvas that reports which picture it has drawn.

The page's side is ``display.js``. Pictures are sent as JPEG in binary messages; every view reports its name and the
number of the last picture it has drawn, and that it is still there every second.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from seglib._internal.javascript import bundle
from seglib.live.flow_control import FlowControl


class Canvas(anywidget.AnyWidget):
    """The widget; its page's side is ``display.js``."""

    _esm = bundle(Path(__file__).with_suffix(".js"))
    _css = Path(__file__).with_suffix(".css")
    state = traitlets.Unicode("stopped").tag(sync=True)
    message = traitlets.Unicode("").tag(sync=True)
    hint = traitlets.Unicode("").tag(sync=True)


class CanvasDisplay:
    """A display that reports what was drawn.

    Parameters
    ----------
    hint
        Text in place of the first picture.

    Attributes
    ----------
    widget : Canvas
        To be displayed.
    flow : FlowControl
        Who watches, and what they have drawn.
    on_no_camera
        Called with what to do instead when a page reports that it has no camera.
    """

    def __init__(self, hint: str = "") -> None:
        self.flow = FlowControl()
        self.on_no_camera: Callable[[str], object] = lambda advice: None
        self.widget = Canvas(hint=hint)
        self.widget.on_msg(self._receive)
        self._last: tuple[dict[str, Any], bytes] | None = None

    @property
    def views(self) -> int:
        """How many views show the picture."""
        return self.flow.views

    @property
    def closed(self) -> bool:
        """Whether the last view was closed, as with its cell."""
        return self.flow.closed

    @property
    def width(self) -> int | None:
        """How many pixels the widest view can show side by side."""
        return self.flow.width

    def wait_for_room(self, timeout: float, wanted: int = 1) -> bool:
        """Wait until so many pictures may be sent; False if they may not in time."""
        return self.flow.wait_for_room(timeout, wanted)

    def show(self, jpeg: bytes, captured: float, panes: tuple[str, ...]) -> None:
        """Send a picture."""
        number = self.flow.sending(captured)
        message = {"kind": "picture", "number": number, "captured": _unix_ms(captured), "panes": list(panes)}
        self._last = (message, jpeg)
        self.widget.send(message, [jpeg])

    def set_status(self, state: str, message: str) -> None:
        """Show the loop's state, and its message to screen readers."""
        self.widget.state, self.widget.message = state, message

    def _receive(self, widget: Any, content: dict[str, Any], buffers: list[memoryview]) -> None:
        view = str(content.get("view", ""))
        if content.get("kind") == "no camera":
            self.on_no_camera(str(content["text"]))
            return
        if content.get("kind") == "closed":
            self.flow.leave(view)
            return
        is_new = self.flow.report(
            view, int(content["drawn"]), int(content["width"]), bool(content["hidden"]), int(content["room"])
        )
        if is_new and self._last is not None:  # a page that was opened or reloaded shows the last picture at once
            message, jpeg = self._last
            self.widget.send(message | {"only": view}, [jpeg])


def _unix_ms(moment: float) -> float:
    """Convert a time of ``perf_counter`` to the page's clock, milliseconds since 1970."""
    return 1000 * (time.time() - (time.perf_counter() - moment))
