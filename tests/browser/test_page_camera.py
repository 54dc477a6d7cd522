"""open_source("browser") in a real page: its pictures come after a press, no sooner, and end when they should."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from fake_camera import plays
from page import NotebookPage, OpenNotebook

OPEN = """
import os, threading, time
os.environ.pop("SEGLIB_SOURCE", None)
import seglib
camera = seglib.open_source("browser")
camera
"""
READ = """
frames, count, error = [], [0], []

def read():
    try:
        for frame in camera:
            frames[:] = [*frames[-1:], frame]
            count[0] += 1
    except Exception as problem:
        error.append(f"{type(problem).__name__}: {problem}")

reader = threading.Thread(target=read)
reader.start()
"""
# Every frame that arrives, whether it is read or not.
COUNT = """
received = []
put = camera.widget.frames.put
camera.widget.frames.put = lambda frame: (received.append(frame), put(frame))
"""
RIGHT_FRAME = """
import numpy as np
with seglib.open_source("clip") as clip:
    film = [next(clip) for _ in range(60)]
seen = frames[-1].astype(float)  # one picture; the reader goes on meanwhile
difference = min(float(np.abs(frame - seen).mean()) for frame in film)
"""


def box(notebook: NotebookPage, state: str, seconds: float = 30) -> str:
    """Wait until the camera's box on the page is in this state; what it says."""
    notebook.page.locator(f".seglib-camera[data-state='{state}']").wait_for(timeout=1000 * seconds)
    return notebook.page.locator(".seglib-camera-message").inner_text()


def press(notebook: NotebookPage, name: str = "Start camera") -> None:
    notebook.page.get_by_role("button", name=name).click()


def test_pictures_come_after_the_press_and_end_with_the_source(open_notebook: OpenNotebook, film: Path) -> None:
    notebook = open_notebook(OPEN, READ, RIGHT_FRAME, chromium=plays(film))
    notebook.run(0)
    notebook.run(1)
    assert "off" in box(notebook, "off")
    notebook.page.wait_for_timeout(2000)
    assert notebook.ask("count[0]") == 0
    notebook.wait_for_tracks(live=0, given=0)

    press(notebook)
    notebook.wait_for("count[0] > 20")
    assert "on" in box(notebook, "on")
    notebook.wait_for_tracks(live=1, given=1)
    notebook.screenshot_both_themes()
    assert notebook.ask("[*frames[-1].shape, str(frames[-1].dtype)]") == [480, 640, 3, "uint8"]
    assert 0 <= notebook.ask("time.perf_counter() - camera.captured") < 30
    notebook.run(2)
    assert notebook.ask("difference") < 4, "the clip in its own colours, less what two encodings cost"

    press(notebook, "Stop camera")
    notebook.wait_for_tracks(live=0, given=1)
    assert notebook.ask("reader.is_alive()"), "it waits; the person may start again"
    press(notebook)
    seen = notebook.ask("count[0]")
    notebook.wait_for(f"count[0] > {seen + 5}")
    notebook.ask("camera.close()")
    notebook.wait_for("not reader.is_alive()")
    notebook.wait_for_tracks(live=0, given=2)
    assert "Run the cell again" in box(notebook, "off")
    assert notebook.ask("error") == []
    assert notebook.errors == []


def test_at_most_two_pictures_wait_for_a_reader_and_the_newest_is_read(open_notebook: OpenNotebook, film: Path) -> None:
    notebook = open_notebook(OPEN, COUNT, chromium=plays(film))
    notebook.run_all()
    press(notebook)
    notebook.wait_for("len(received) == 2")
    notebook.page.wait_for_timeout(3000)
    assert notebook.ask("len(received)") == 2
    assert "on" in box(notebook, "on"), "the kernel answers, so the camera stays on"
    assert notebook.ask("next(camera).shape[2]") == 3
    assert notebook.ask("camera.captured == received[1].received - received[1].travel"), "the newer of the two"
    notebook.wait_for("len(received) == 4")


def test_the_camera_goes_off_with_its_box_and_with_its_kernel(open_notebook: OpenNotebook, film: Path) -> None:
    notebook = open_notebook(OPEN, "camera.widget", chromium=plays(film))
    notebook.run(0)
    press(notebook)
    notebook.wait_for_tracks(live=1, given=1)
    notebook.run(0)  # the cell run again: a new box, the old one's camera off
    notebook.wait_for_tracks(live=0, given=1)

    press(notebook)
    notebook.wait_for_tracks(live=1, given=2)
    notebook.page.evaluate("window.jupyterapp.commands.execute('notebook:clear-cell-output')")
    notebook.page.evaluate("window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    notebook.wait_for_tracks(live=0, given=2)

    notebook.run(1)  # the same camera in a new box
    press(notebook)
    notebook.wait_for_tracks(live=1, given=3)
    notebook.restart_kernel()
    notebook.wait_for_tracks(live=0, given=3, seconds=8)  # sooner than by silence
    assert "restarted" in box(notebook, "off")
    assert notebook.page.get_by_role("button", name="Start camera").is_disabled()


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be stopped and continued there")
def test_the_camera_goes_off_when_the_kernel_does_not_answer(open_notebook: OpenNotebook, film: Path) -> None:
    notebook = open_notebook(OPEN, chromium=plays(film))
    notebook.run_all()
    press(notebook)
    box(notebook, "on")
    kernel = notebook.ask("os.getpid()")
    os.kill(kernel, signal.SIGSTOP)
    try:
        notebook.wait_for_tracks(live=0, given=1, seconds=60)
        assert "did not answer" in box(notebook, "off")
    finally:
        os.kill(kernel, signal.SIGCONT)
    press(notebook)
    box(notebook, "on")


def test_a_closed_tab_ends_the_wait_for_its_pictures(open_notebook: OpenNotebook, film: Path) -> None:
    notebook = open_notebook(OPEN, READ, chromium=plays(film))
    notebook.run_all()
    notebook.ask("setattr(seglib.capture.browser_camera, 'NO_ANSWER', 3)")
    press(notebook)
    notebook.wait_for("count[0] > 5")
    notebook.page.reload()  # which closes the page and opens it again; the kernel lives on
    notebook.wait_until_ready()
    notebook.wait_for("not reader.is_alive()")
    assert "CameraUnavailable" in notebook.ask("error[0]")


def test_a_busy_camera_and_one_that_is_unplugged(open_notebook: OpenNotebook, film: Path) -> None:
    notebook = open_notebook(OPEN, chromium=plays(film))
    notebook.run_all()
    notebook.page.evaluate("""() => {
        const devices = navigator.mediaDevices, ask = devices.getUserMedia;
        devices.getUserMedia = async () => {
            devices.getUserMedia = ask;
            throw new DOMException('Could not start video source', 'NotReadableError');
        };
    }""")
    press(notebook)
    assert "Another program" in box(notebook, "failed")
    press(notebook)
    box(notebook, "on")
    notebook.page.evaluate("tracks.forEach(track => { track.stop(); track.dispatchEvent(new Event('ended')); })")
    assert "unplugged" in box(notebook, "failed")


def test_a_camera_that_tells_no_size_is_asked_without_one(open_notebook: OpenNotebook, film: Path) -> None:
    notebook = open_notebook(OPEN, chromium=plays(film))
    notebook.run_all()
    notebook.page.evaluate("""() => {
        const devices = navigator.mediaDevices, ask = devices.getUserMedia;
        devices.getUserMedia = async (wish) => {
            if (wish.video !== true) throw new OverconstrainedError('width');
            return ask.call(devices, wish);
        };
    }""")
    press(notebook)
    box(notebook, "on")


def test_a_wish_from_the_kernel_starts_it_only_just_after_a_press(open_notebook: OpenNotebook, film: Path) -> None:
    notebook = open_notebook(OPEN, "camera.widget.ask_to_start()", chromium=plays(film))
    notebook.run(0)
    notebook.ask("threading.Timer(6, camera.widget.ask_to_start).start()")
    notebook.page.wait_for_timeout(8_000)  # the press that ran the cell is forgotten by now
    box(notebook, "off")
    notebook.wait_for_tracks(live=0, given=0)
    notebook.page.locator(".seglib-camera-message").click()  # any press will do
    notebook.run(1)
    notebook.wait_for_tracks(live=1, given=1)
