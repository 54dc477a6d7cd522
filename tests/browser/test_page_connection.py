"""Live between page and kernel: large uploads, a cut connection, interrupts, a hidden tab, a kernel that is gone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest
from cuttable_proxy import CuttableProxy, cuttable_proxy
from fake_camera import plays
from lab import Lab
from live_page import LIVE, LivePage
from page import OpenNotebook
from PIL import Image

CLIP = LIVE.format(arguments="'clip', model=Known()")
UPLOAD = LIVE.format(arguments="'clip', model=Known(), effect='substitute'")
BACKGROUND = """
import numpy as np
def background():
    black, nothing = np.zeros((48, 64, 3), np.uint8), np.zeros((48, 64), np.float32)
    return live.settings.effect(black, nothing).mean((0, 1))
"""
BOTTOM = "() => document.querySelector('.seglib-live').getBoundingClientRect().height"
PANEL = "() => document.querySelector('.jp-Notebook').getBoundingClientRect().height"
HIDE = """() => {
    Object.defineProperty(document, 'hidden', {get: () => true});
    document.dispatchEvent(new Event('visibilitychange'));
}"""
INTERRUPT = """async () => {
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    for (let count = 0; count < 100; count++) await kernel.interrupt();
}"""
THREADS = "sorted(thread.name for thread in threading.enumerate() if thread.name.startswith('seglib'))"


@dataclass
class CuttableLab(Lab):
    """A JupyterLab behind a proxy."""

    proxy: CuttableProxy


@pytest.fixture
def lab(lab: Lab) -> Iterator[CuttableLab]:
    """The lab of all tests, reached through a proxy: what opens a notebook uses this one."""
    with cuttable_proxy(lab.port) as proxy:
        yield CuttableLab(lab.folder, lab.pid, proxy.port, lab.token, proxy)


def start(notebook: object) -> LivePage:
    live = LivePage(notebook)  # type: ignore[arg-type]
    live.show()
    live.start()
    return live


def test_backgrounds_of_any_size_are_shrunk_or_refused_and_the_picture_goes_on(
    open_notebook: OpenNotebook, tmp_path: Path
) -> None:
    noise = np.random.default_rng(0).integers(0, 120, (2800, 4000, 3), np.uint8)
    noise[..., 0] = 200
    paths = [tmp_path / name for name in ("red.png", "blue.jpg", "film.mp4", "drawing.svg")]
    Image.fromarray(noise).save(paths[0], compress_level=1)
    Image.fromarray(np.tile(noise[..., ::-1], (2, 1, 1))).save(paths[1], quality=100, subsampling=0)
    paths[2].write_bytes(bytes(30_000_000))
    paths[3].write_text(f"<svg xmlns='http://www.w3.org/2000/svg'><!--{'x' * 30_000_000}--></svg>")
    assert min(path.stat().st_size for path in paths) > 18e6
    live = start(open_notebook(UPLOAD, BACKGROUND))
    live.notebook.run(1)
    live.page.locator(".seglib-background select").select_option("a picture of yours")
    for path, colour in zip(paths, [(200, 60, 60), (60, 60, 200)], strict=False):
        live.page.locator(".seglib-upload input").set_input_files(path)
        live.notebook.wait_for(f"bool((abs(background() - {colour}) < 4).all())", seconds=120)
        live.wait_for_pictures()
    for path in paths[2:]:
        live.page.locator(".seglib-upload input").set_input_files(path)
        live.page.locator(".seglib-note", has_text=path.name).wait_for(timeout=60_000)
        live.wait_for_pictures()
    live.notebook.screenshot()
    assert live.notebook.errors == []


@pytest.mark.slow
@pytest.mark.parametrize("closes", [True, False], ids=["closed", "silent"])
@pytest.mark.parametrize("seconds", [20, 75])
def test_after_a_cut_the_picture_goes_on_by_itself(
    open_notebook: OpenNotebook, lab: CuttableLab, closes: bool, seconds: int
) -> None:
    live = start(open_notebook(CLIP))
    lab.proxy.cut(closes)
    live.wait_for_state("waiting")
    live.notebook.screenshot("cut")
    live.page.wait_for_timeout(1000 * seconds)
    shown = live.shown
    lab.proxy.mend()
    mended = live.page.evaluate("performance.now()")
    live.wait_until(lambda: live.shown > shown + 3, seconds=30)
    print(f"after {(live.page.evaluate('performance.now()') - mended) / 1000:.1f} s")
    live.wait_for_state("running")
    live.wait_for_pictures(10)
    dialog = live.page.locator(".jp-Dialog button", has_text="Close")
    if dialog.count():  # JupyterLab's own, which stays
        dialog.first.click()
    live.press("Stop")  # what the page sends arrives, too
    live.wait_for_state("stopped")


@pytest.mark.slow
@pytest.mark.parametrize("closes", [True, False], ids=["closed", "silent"])
def test_after_a_short_cut_the_browsers_camera_goes_on(
    open_notebook: OpenNotebook, lab: CuttableLab, film: Path, closes: bool
) -> None:
    """As long as it takes to be noticed. After ten seconds without the kernel the camera goes off."""
    live = start(open_notebook(LIVE.format(arguments="'browser', model=Known()"), chromium=plays(film)))
    lab.proxy.cut(closes)
    live.wait_for_state("waiting")
    lab.proxy.mend()
    live.wait_for_state("running")
    live.wait_for_pictures(10)
    live.notebook.wait_for_tracks(live=1, given=1)
    live.press("Stop")
    live.wait_for_state("stopped")
    live.notebook.wait_for_tracks(live=0, given=1)


@pytest.mark.slow
def test_a_hundred_interrupts_leave_it_running(open_notebook: OpenNotebook) -> None:
    live = start(open_notebook(CLIP))
    threads = live.notebook.ask(THREADS)
    live.page.evaluate(INTERRUPT)
    live.notebook.wait_until_ready()
    assert live.notebook.ask(THREADS) == threads
    live.wait_for_pictures()
    live.press("Stop")
    live.wait_for_state("stopped")


@pytest.mark.slow
def test_in_a_hidden_tab_kernel_and_page_rest(open_notebook: OpenNotebook) -> None:
    live = start(open_notebook(CLIP))
    live.page.evaluate(HIDE)
    kernel = psutil.Process(live.notebook.ask("os.getpid()"))
    live.page.wait_for_timeout(3000)
    since, began, shown = time.monotonic(), sum(kernel.cpu_times()[:2]), live.shown
    live.page.wait_for_timeout(20_000)
    seconds = time.monotonic() - since  # on a busy machine more than 20
    share, drawn = (sum(kernel.cpu_times()[:2]) - began) / seconds, (live.shown - shown) / seconds
    print(f"hidden: kernel {share:.0%} of a core, {drawn:.1f} pictures a second")
    assert share < 0.2
    assert drawn < 1.5


def test_picture_and_controls_fit_on_small_screens(open_notebook: OpenNotebook) -> None:
    live = start(open_notebook(CLIP))
    for width, height in ((1280, 800), (1024, 768)):
        live.page.set_viewport_size({"width": width, "height": height})
        live.wait_until(lambda: live.page.evaluate(BOTTOM) < live.page.evaluate(PANEL), seconds=10)
        live.notebook.screenshot(str(width))


def test_without_its_kernel_a_notebook_shows_a_still_and_a_sentence(open_notebook: OpenNotebook, lab: Lab) -> None:
    live = start(open_notebook(CLIP))
    still = live.page.locator(".seglib-still")
    assert not still.is_visible()
    live.page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    live.page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    (notebook,) = lab.folder.glob("without_its_kernel*.ipynb")
    lab.end_kernels(notebook.name)
    live.notebook.open(lab.address(notebook.name))
    still.locator("img").wait_for(timeout=30_000)
    live.page.wait_for_timeout(5000)  # in which JupyterLab gives up to find the widget
    live.notebook.screenshot("reopened")
    assert still.is_visible()
    assert "run this cell" in live.page.locator(".jp-OutputArea").inner_text()
    assert "not found" not in live.page.locator(".jp-OutputArea").inner_text()
    live.show()
    assert not still.is_visible()


@pytest.mark.parametrize("page", ["window.acquireVsCodeApi = () => {}", "window.google = {colab: {}}"])
def test_pages_that_have_no_camera_say_at_once_what_to_use(open_notebook: OpenNotebook, page: str) -> None:
    live = LivePage(open_notebook(LIVE.format(arguments="'browser', model=Known()")))
    live.page.evaluate(page)
    live.show()
    name = "VS Code" if "VsCode" in page else "Colab"
    live.page.locator(".seglib-note", has_text=name).wait_for()  # before Start
    live.press("Start")
    live.wait_for_state("failed")
    live.wait_until(lambda: name in live.status)
    live.page.locator(".seglib-source select").select_option(label="the recorded clip")
    live.start()
