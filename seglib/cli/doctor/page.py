"""Does the page of a notebook show widgets, and do these reach the kernel? The page asks, the kernel answers.

Importing ipywidgets only says that the kernel's half is there. The other half runs in the browser, where nothing but
a message that went both ways proves anything. Messages wait until the running cell has ended, so this shows a line
that the page itself changes, and the report learns of it later.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
from IPython.display import display

from seglib.cli.doctor.report import Finding

# What a page without widgets shows in their place.
NO_WIDGETS = (
    "problem  widgets         this page shows no widgets; open the notebook in JupyterLab 4, started by: make lab"
)
_MEND = "reload the page; then: python -m seglib doctor"
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
    model.send({ kind: "heard", milliseconds });
  });
  asked = performance.now();
  model.send({ kind: "ping" });
}
export default { render };
"""


class RoundTrip(anywidget.AnyWidget):
    """A line in the page that asks the kernel, and changes when the answer comes.

    heard: called with a finding when the page has told that it got the answer.
    """

    _esm = _SCRIPT
    _css = ".seglib-widgets { margin: 0; padding-left: 8px; white-space: pre-wrap; }"

    def __init__(self, heard: Callable[[Finding], None]) -> None:
        super().__init__()
        self._heard = heard
        self.on_msg(self._answer)

    def show(self) -> None:
        """Put the line into the output of the running cell."""
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
        elif message.get("kind") == "heard":
            found = f"this page shows them, and the kernel answers in {float(message['milliseconds']):.0f} ms"
            self._heard(Finding("ok", found, name="widgets"))


def waiting() -> Finding:
    """What is known of the widgets before the page has answered."""
    return Finding("warning", "the page has not answered yet; look at the report again in a moment", _MEND, "widgets")


def in_notebook() -> bool:
    """Whether this Python is the kernel of a notebook."""
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None
