"""Live for a long time: 2,000 pictures through kernel, server and page, and none of them grows.

SEGLIB_SOAK=100000 makes it as many as an hour holds. Chromium keeps what a page receives for whoever watches its
network, and Playwright does: 60 kB a picture. So here it looks in from time to time, and lets go in between.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import psutil
import pytest
from lab import Lab
from live_page import LIVE, PICTURES, LivePage
from page import ARTIFACTS, QUIET, NotebookPage

if TYPE_CHECKING:
    from playwright.sync_api import Playwright

WARM_UP = 300
LOOK = 20  # seconds between two looks
MEGABYTE = 2**20


@pytest.fixture
def chromium_process(chromium: str, tmp_path: Path) -> Iterator[tuple[psutil.Popen, str]]:
    """A Chromium that nobody watches, and the address at which one can."""
    options = [*QUIET, "--headless=new", "--remote-debugging-port=0", f"--user-data-dir={tmp_path}", "about:blank"]
    process = psutil.Popen([chromium, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    told = tmp_path / "DevToolsActivePort"
    while not (told.exists() and told.read_text(encoding="utf-8").count("\n")):
        assert process.poll() is None, "Chromium has ended"
        time.sleep(0.2)
    yield process, f"http://127.0.0.1:{told.read_text(encoding='utf-8').splitlines()[0]}"
    family = [process, *process.children(recursive=True)]
    process.terminate()
    psutil.wait_procs(family, timeout=20)


@contextmanager
def look_in(playwright: Playwright, address: str) -> Iterator[LivePage]:
    browser = playwright.chromium.connect_over_cdp(address)
    try:
        yield LivePage(NotebookPage(browser.contexts[0].pages[0], ARTIFACTS, "soak"))
    finally:
        browser.close()  # only the watching ends


def members_of(live: LivePage, lab: Lab, chromium: psutil.Popen) -> dict[str, list[psutil.Process]]:
    """The processes that have a part in it."""
    browser = chromium.children(recursive=True)
    pages = [process for process in browser if "--type=renderer" in process.cmdline()]
    return {
        "kernel": [psutil.Process(live.notebook.ask("os.getpid()", seconds=120))],
        "server": [psutil.Process(lab.pid)],
        "page": pages,
        "rest of the browser": [chromium, *(process for process in browser if process not in pages)],
    }


def processor_time(members: dict[str, list[psutil.Process]]) -> dict[str, float]:
    """Seconds of processor time that each has taken."""
    return {name: sum(sum(one.cpu_times()[:2]) for one in some) for name, some in members.items()}


def memory(live: LivePage, members: dict[str, list[psutil.Process]]) -> dict[str, float]:
    """Megabytes of each but the rest of the browser, after it has tidied up."""
    session = live.page.context.new_cdp_session(live.page)
    session.send("HeapProfiler.collectGarbage")
    live.notebook.ask("__import__('gc').collect()", seconds=120)
    members = {name: some for name, some in members.items() if name != "rest of the browser"}
    # The least of some moments: the next picture is always under way.
    moments: list[dict[str, float]] = []
    for _ in range(5):
        moments.append(
            {name: sum(one.memory_full_info().uss for one in some) / MEGABYTE for name, some in members.items()}
        )
        time.sleep(0.2)
    return {name: min(moment[name] for moment in moments) for name in members}


def wait_for(count: Callable[[], int], wanted: int) -> int:
    """Look in until so many pictures were shown; how many there are then."""
    while (shown := count()) < wanted:
        time.sleep(LOOK)
    return shown


@pytest.mark.slow
def test_a_long_run_grows_nothing(lab: Lab, playwright: Playwright, chromium_process: tuple[psutil.Popen, str]) -> None:
    process, address = chromium_process
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    cell = nbformat.v4.new_code_cell(LIVE.format(arguments="'clip'"))
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel}), lab.folder / "soak.ipynb")

    def count() -> int:
        with look_in(playwright, address) as live:
            return live.shown

    def measure() -> dict[str, float]:
        with look_in(playwright, address) as live:
            return memory(live, members)

    with look_in(playwright, address) as live:
        live.notebook.open(lab.address("soak.ipynb"))
        live.show()
        live.start()
        members = members_of(live, lab, process)
    wait_for(count, WARM_UP)
    before = measure()
    began_at, began, taken = count(), time.monotonic(), processor_time(members)
    shown = wait_for(count, began_at + PICTURES) - began_at
    seconds, taken_after = time.monotonic() - began, processor_time(members)
    after = measure()
    growth = {name: after[name] - before[name] for name in before}
    said = ", ".join(f"{name} {before[name]:.0f} {grown:+.1f} MB" for name, grown in growth.items())
    shares = ", ".join(f"{name} {(taken_after[name] - taken[name]) / shown * 1e3:.1f} ms" for name in members)
    print(f"{shown} pictures in {seconds:.0f} s ({shown / seconds:.1f} fps): {said}")
    print(f"processor time for each picture: {shares}")
    assert max(growth.values()) < 30, said
