"""A notebook open in JupyterLab in a real browser, as a test sees it: run cells, read outputs, ask the kernel.

What JupyterLab shows is asked from its own model (`window.jupyterapp`), not guessed from what is painted: its
indicators read idle before a kernel exists, and Run All is then silently dropped.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Locator, Page

ARTIFACTS = Path(__file__).parents[2] / "out" / "browser"  # git ignores out/
QUIET = [  # nothing phones home, and it runs as root in a container without a graphics card
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--mute-audio",
]
READY = """() => {
    const panel = window.jupyterapp?.shell.currentWidget;
    const session = panel?.sessionContext;
    const kernel = session?.session?.kernel;
    return !!(panel?.content?.model && session.isReady && kernel?.connectionStatus === 'connected'
              && kernel.status === 'idle' && panel.content.widgets.length === panel.content.model.cells.length);
}"""
RUN_ALL = """async (milliseconds) => {
    const late = new Promise((_, no) => setTimeout(() => no(new Error('cells still run')), milliseconds));
    await Promise.race([window.jupyterapp.commands.execute('notebook:run-all-cells'), late]);
}"""
RUN_CELL = """async ([number, milliseconds]) => {
    const late = new Promise((_, no) => setTimeout(() => no(new Error('the cell still runs')), milliseconds));
    window.jupyterapp.shell.currentWidget.content.activeCellIndex = number;
    await Promise.race([window.jupyterapp.commands.execute('notebook:run-cell'), late]);
}"""
OUTPUTS = """(number) => {
    const cells = window.jupyterapp.shell.currentWidget.content.model.cells;
    return cells.get(number).type === 'code' ? cells.get(number).outputs.toJSON() : [];
}"""
CLASSIC_READY = """() => {
    const notebook = window.Jupyter?.notebook, kernel = notebook?.kernel;
    const loaded = Object.keys(window.requirejs?.s.contexts._.defined ?? {});
    return !!(notebook?._fully_loaded && kernel?.is_connected() && kernel.widget_manager
              && loaded.some((name) => name.includes('anywidget/extension')));
}"""
# The widget manager draws all outputs anew once it knows what the kernel holds, which loses a widget shown before.
# Asked the same once more, the kernel answers after that.
CLASSIC_RESTORED = "() => Jupyter.notebook.kernel.widget_manager._loadFromKernel().then(() => true)"
COUNT = "() => window.jupyterapp.shell.currentWidget.content.model.cells.length"
ASK = """async ([code, milliseconds]) => {
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const late = new Promise((_, no) => setTimeout(() => no(new Error('the kernel does not answer')), milliseconds));
    const request = {code: '', silent: true, store_history: false, user_expressions: {answer: code}};
    const reply = await Promise.race([kernel.requestExecute(request).done, late]);
    return reply.content.user_expressions?.answer ?? reply.content;
}"""


# Every camera track that the page was ever given, whoever asked for it.
WATCH_TRACKS = """() => {
    const tracks = window.tracks = [], devices = window.MediaDevices?.prototype; // not there on a page without https
    const ask = devices?.getUserMedia;
    if (ask) devices.getUserMedia = async function (wish) {
        const stream = await ask.call(this, wish);
        tracks.push(...stream.getTracks());
        return stream;
    };
}"""


class NotebookPage:
    """One notebook in one tab. page: playwright's page. errors: what the page's own scripts complained about."""

    def __init__(self, page: Page, artifacts: Path, name: str) -> None:
        self.page = page
        self.errors: list[str] = []
        self._artifacts, self._name = artifacts, name
        page.add_init_script(f"({WATCH_TRACKS})()")
        page.on("pageerror", lambda error: self._note(f"{error}\n{error.stack}"))

    def open(self, address: str, seconds: float = 90) -> None:
        """Go to the notebook and wait until its kernel is connected and idle."""
        self.page.goto(address, wait_until="domcontentloaded", timeout=1000 * seconds)
        self.wait_until_ready(seconds)
        self.errors.clear()  # Notebook 7 complains about settings of its own while it loads

    def wait_until_ready(self, seconds: float = 90) -> None:
        self.page.wait_for_function(READY, timeout=1000 * seconds)

    def run_all(self, seconds: float = 120) -> None:
        """Run All Cells, and wait for the last of them; the first cell that raises fails the test."""
        self.page.evaluate(RUN_ALL, 1000 * seconds)
        for number in range(self.count()):
            self._raise_error_of(number)

    def run(self, number: int, seconds: float = 60) -> None:
        """Run one cell (0, 1, …) and wait for its end; if it raises, the test fails with its traceback."""
        self.page.evaluate(RUN_CELL, [number, 1000 * seconds])
        self._raise_error_of(number)

    def outputs(self, number: int) -> list[dict[str, Any]]:
        """What a cell has put out, as a notebook file would hold it."""
        return self.page.evaluate(OUTPUTS, number)

    def count(self) -> int:
        """How many cells there are."""
        return self.page.evaluate(COUNT)

    def text(self, number: int) -> str:
        """What a cell has printed."""
        return "".join(_joined(output["text"]) for output in self.outputs(number) if output["output_type"] == "stream")

    def cell(self, number: int) -> Locator:
        """A cell on the page."""
        return self.page.locator(f".jp-Notebook .jp-Cell[data-windowed-list-index='{number}']")

    def ask(self, expression: str, seconds: float = 30) -> Any:
        """The value of a Python expression in the kernel, which must be one that JSON can hold."""
        code = f"__import__('json').dumps({expression})"
        reply = self.page.evaluate(ASK, [code, 1000 * seconds])
        if reply.get("status") != "ok":
            raise AssertionError(f"{expression} in the kernel: {reply.get('ename')}: {reply.get('evalue')}")
        return json.loads(eval(reply["data"]["text/plain"]))  # the repr of a string

    def wait_for(self, expression: str, seconds: float = 30) -> Any:
        """Ask until the answer is true; the last answer."""
        answer = self.ask(expression)
        until = self.page.evaluate("performance.now()") + 1000 * seconds
        while not answer:
            if self.page.evaluate("performance.now()") > until:
                raise AssertionError(f"in {seconds} seconds never true in the kernel: {expression}")
            self.page.wait_for_timeout(100)
            answer = self.ask(expression)
        return answer

    def restart_kernel(self) -> None:
        """Restart the kernel as the menu does, without its question."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
        self.wait_until_ready()

    def dark(self, on: bool = True) -> None:
        """JupyterLab's dark theme, or its light one."""
        theme = "JupyterLab Dark" if on else "JupyterLab Light"
        self.page.evaluate("(theme) => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
        wanted = "false" if on else "true"
        self.page.wait_for_function(f"() => document.body.dataset.jpThemeLight === '{wanted}'")
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")

    def wait_for_tracks(self, live: int, given: int, seconds: float = 30) -> None:
        """Until the page holds so many cameras that are on, of so many that it was ever given."""
        on = "tracks.filter(track => track.readyState === 'live').length"
        self.page.wait_for_function(f"() => {on} === {live} && tracks.length === {given}", timeout=1000 * seconds)

    def slow_down(self, times: float) -> CDPSession:
        """Let the page's processor be so many times slower."""
        session = self.page.context.new_cdp_session(self.page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": times})
        return session

    def screenshot_both_themes(self) -> None:
        """One in the light theme and one in the dark one; the light one is on again afterwards."""
        self.screenshot("light")
        self.dark()
        self.screenshot("dark")
        self.dark(False)

    def screenshot(self, what: str = "") -> Path:
        """Keep a picture of the page among the artifacts."""
        path = self._artifacts / f"{self._name}{'-' if what else ''}{what}.png"
        self.page.screenshot(path=path, timeout=60_000)
        return path

    def _note(self, error: str) -> None:
        if not error.startswith("download failed"):  # Firefox tells so of a font whose page has gone
            self.errors.append(error)

    def _raise_error_of(self, number: int) -> None:
        for output in self.outputs(number):
            if output["output_type"] == "error":
                raise AssertionError(f"cell {number}: {output['ename']}: {output['evalue']}")


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


class ClassicPage(NotebookPage):
    """The same in nbclassic, whose page has another model: `window.Jupyter`."""

    def wait_until_ready(self, seconds: float = 90) -> None:
        self.page.wait_for_function(CLASSIC_READY, timeout=1000 * seconds)
        self.page.wait_for_function(CLASSIC_RESTORED, timeout=1000 * seconds)

    def run(self, number: int, seconds: float = 60) -> None:
        self.page.evaluate(f"() => Jupyter.notebook.execute_cells([{number}])")
        ended = f"() => Number.isInteger(Jupyter.notebook.get_cell({number}).input_prompt_number)"
        self.page.wait_for_function(ended, timeout=1000 * seconds)
        self._raise_error_of(number)

    def outputs(self, number: int) -> list[dict[str, Any]]:
        return self.page.evaluate(f"() => Jupyter.notebook.get_cell({number}).output_area.toJSON()")

    def count(self) -> int:
        return self.page.evaluate("() => Jupyter.notebook.ncells()")


OpenNotebook = Callable[..., NotebookPage]  # the fixture of this name, in conftest.py
