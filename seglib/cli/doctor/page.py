"""Check that the page of a notebook shows widgets, and that they reach the kernel.

Importing ipywidgets tests only the part in the kernel. The other part runs in the browser, and only a message to the
kernel and back proves that it works. The kernel answers messages when the running cell has ended, so this module shows
a line that the page itself changes, and the report is updated later.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
from IPython.display import display

from seglib.cli.doctor.report import Finding

# What a page without widgets shows instead.
NO_WIDGETS = (
    "problem  widgets         this page shows no widgets; open the notebook in JupyterLab 4, started by: make lab"
)
_FIX = "reload the page; then: python -m seglib doctor"
_SCRIPT = """
function render({ model, el }) {
  const line = document.createElement("pre");
  line.className = "seglib-widgets";
  line.setAttribute("role", "status");
  line.textContent = "waiting  widgets         for the kernel's answer, which comes when the running cells have ended";
  el.append(line);
  let asked;
  model.on("msg:custom", (message) => {
    if (message.kind !== "pong" || asked === undefined) return;
    const milliseconds = performance.now() - asked;
    asked = undefined;
    line.textContent = `ok       widgets         shown, and the kernel answers them in ${milliseconds.toFixed(0)} ms`;
    model.send({ kind: "confirmed", milliseconds });
  });
  asked = performance.now();
  model.send({ kind: "ping" });
}
export default { render };
"""


class RoundTrip(anywidget.AnyWidget):
    """A line in the page that sends a message to the kernel, and changes when the answer arrives.

    Parameters
    ----------
    confirmed
        Called with a finding when the page confirms the answer.
    """

    _esm = _SCRIPT
    _css = ".seglib-widgets { margin: 0; padding-left: 8px; white-space: pre-wrap; }"

    def __init__(self, confirmed: Callable[[Finding], None]) -> None:
        super().__init__()
        self._confirmed = confirmed
        self.on_msg(self._answer)

    def show(self) -> None:
        """Show the line in the output of the running cell."""
        bundle = {
            "application/vnd.jupyter.widget-view+json": {
                "version_major": 2,
                "version_minor": 0,
                "model_id": self.model_id,
            },
            "text/plain": NO_WIDGETS,
        }
        display(bundle, raw=True)

    def _answer(self, _: object, message: dict[str, Any], buffers: object) -> None:
        if message.get("kind") == "ping":
            self.send({"kind": "pong"})
        elif message.get("kind") == "confirmed":
            found = f"this page shows them, and the kernel answers in {float(message['milliseconds']):.0f} ms"
            self._confirmed(Finding("ok", found, name="widgets"))


def waiting() -> Finding:
    """The finding until the page has answered."""
    return Finding("warning", "the page has not answered yet; look at the report again in a moment", _FIX, "widgets")


def in_notebook() -> bool:
    """Whether this Python is the kernel of a notebook."""
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None
