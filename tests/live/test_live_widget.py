"""`seglib.Live` without a page: its buttons, controls and words, and what it sends. The page is played by the tests.

What happens on the screen of a real browser is tested in tests/browser.
"""

from __future__ import annotations

import fnmatch
import io
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import pytest
from live_models import FakeModel
from PIL import Image

import seglib
from seglib import CameraUnavailable, Live
from seglib.capture.sources import Source
from seglib.live import display as canvas
from seglib.live.settings import RelativeBlur
from seglib.live.single import running, stop_running

ROOT = Path(__file__).parents[2]
LONG = 60.0
SHAPE = (48, 64, 3)


class FakeCamera(Source):
    """Grey frames; log says what happened to it."""

    name, fps = "fake camera", 30.0

    def __init__(self, log: list[str] | None = None, moves: bool = False) -> None:
        self.value, self.moves = 100, moves
        self.log = [] if log is None else log
        self.log.append("open")

    def read(self) -> np.ndarray:
        time.sleep(0.002)
        self.value = (self.value + self.moves) % 256
        return np.full(SHAPE, self.value, np.uint8)

    def release(self) -> None:
        self.log.append("close")


class FakePage:
    """A view of the canvas: sees what is sent, and answers when it is told to."""

    def __init__(self, live: Live, view: str = "a") -> None:
        self.live, self.view = live, view
        self.pictures: list[tuple[dict[str, Any], bytes]] = []
        self.widget = live._screen.widget
        self.widget.send = self._receive
        self.say("here", 0)

    def _receive(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        self.pictures.append((content, buffers[0]))

    def say(self, kind: str, drawn: int, **more: Any) -> None:
        content = {"kind": kind, "view": self.view, "drawn": drawn, "room": 2, "width": 0, "hidden": False, **more}
        self.widget._handle_custom_msg(content, [])

    def draw_all(self) -> None:
        if self.pictures:
            self.say("drawn", self.pictures[-1][0]["number"])

    def wait_for(self, count: int) -> None:
        """Draw until so many pictures have come."""

        def enough() -> bool:
            self.draw_all()
            return len(self.pictures) >= count

        wait_until(enough)


@pytest.fixture(autouse=True)
def nothing_is_left_running(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.delenv("SEGLIB_FRAMES", raising=False)
    monkeypatch.chdir(tmp_path)
    yield
    stop_running()


def make(source: Any = FakeCamera, **options: Any) -> Live:
    return Live(source, **{"model": FakeModel(), "effect": "none", **options})


def wait_until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.005)


def press(live: Live, name: str) -> None:
    find(live, f"seglib-{name}").click()


def find(live: Live, css_class: str) -> Any:
    (found,) = [widget for widget in everything(live.box) if css_class in widget._dom_classes]
    return found


def everything(widget: Any) -> Iterator[Any]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from everything(child)


def text(live: Live, name: str) -> str:
    return str(find(live, f"seglib-{name}").value)


# ---- stopped -----------------------------------------------------------------------------------------------


def test_it_opens_stopped_and_touches_no_camera() -> None:
    log: list[str] = []
    live = make(lambda: FakeCamera(log))
    live._repr_mimebundle_()
    assert live.stats()["state"] == "stopped"
    assert text(live, "status") == "Stopped."
    assert log == []
    assert running() is None


def test_its_text_is_the_same_in_every_run() -> None:
    one, two = (Live("clip", model=FakeModel()) for _ in range(2))
    assert repr(one) == repr(two) == "Live(source='clip')"
    bundles = [live._repr_mimebundle_() for live in (one, two)]
    for bundle in bundles:
        assert set(bundle) == {"text/plain", "application/vnd.jupyter.widget-view+json"}
        assert bundle["text/plain"] == "Live(source='clip')"


def test_buttons_say_what_to_do_while_it_is_stopped() -> None:
    live = make()
    press(live, "snapshot")
    wait_until(lambda: text(live, "note") == "There is no picture yet. Press Start first.")
    press(live, "record")
    assert text(live, "note") == "Nothing is running. Press Start first."
    press(live, "stop")
    assert live.stats()["state"] == "stopped"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"effect": "blurr"}, "effect is 'blurr'"),
        ({"panes": ("output",)}, "panes are"),
        ({"keep": "persons"}, "unknown class 'persons'"),
        ({"effect": "substitute", "background": "bleu"}, "'bleu' is neither a colour nor a file"),
    ],
)
def test_what_does_not_fit_is_told_when_it_is_made(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**options)


# ---- running -----------------------------------------------------------------------------------------------


def test_start_shows_pictures_and_stop_ends_them() -> None:
    log: list[str] = []
    live = make(lambda: FakeCamera(log), panes=("result", "mask"))
    page = FakePage(live)
    press(live, "start")
    page.wait_for(5)
    assert live.stats()["state"] == page.widget.state == "running"
    assert text(live, "status") == page.widget.message == "Fake camera."
    content, jpeg = page.pictures[0]
    assert content["kind"] == "picture"
    assert content["panes"] == ["result", "mask"]
    assert abs(content["taken"] / 1000 - time.time()) < LONG
    assert [content["number"] for content, _ in page.pictures] == list(range(1, len(page.pictures) + 1))
    with Image.open(io.BytesIO(jpeg)) as image:
        seen = np.asarray(image.convert("RGB")).astype(int)
    assert seen.shape == (48, 128, 3)
    assert abs(seen[20, 20, 0] - 100) < 5
    assert seen[20, 80, 0] > 250
    press(live, "stop")
    wait_until(lambda: live.stats()["state"] == "stopped" and log == ["open", "close"])
    assert text(live, "readout") == ""


def test_start_twice_is_start_once() -> None:
    log: list[str] = []
    live = make(lambda: FakeCamera(log))
    live.start()
    loop = live.loop
    live.start()
    assert live.loop is loop
    live.stop()
    wait_until(lambda: log == ["open", "close"])
    live.start()
    wait_until(lambda: log == ["open", "close", "open"])


def test_no_third_picture_is_sent_to_a_page_that_has_not_drawn_the_first() -> None:
    live = make()
    page = FakePage(live)
    live.start()
    wait_until(lambda: len(page.pictures) == 2)
    grabbed = live.stats()["grabbed"]
    wait_until(lambda: live.stats()["grabbed"] > grabbed + 30)
    assert len(page.pictures) == 2
    page.say("drawn", 1)
    wait_until(lambda: len(page.pictures) == 3)
    assert live.stats()["shown"] == 1


def test_a_page_that_was_closed_is_sent_nothing() -> None:
    live = make()
    page = FakePage(live)
    live.start()
    page.wait_for(3)
    page.say("gone", 0)
    wait_until(lambda: live.stats()["views"] == 0)
    time.sleep(0.05)
    count = len(page.pictures)
    time.sleep(0.2)
    assert len(page.pictures) == count
    page.say("here", 0)
    assert page.pictures[-1][0]["only"] == "a", "the last picture, for the page that was loaded again"


def test_the_readout_tells_rate_and_latency() -> None:
    live = make()
    page = FakePage(live)
    live.start()

    def told() -> bool:
        page.draw_all()
        return text(live, "readout").endswith(" ms")

    wait_until(told)
    assert " fps · " in text(live, "readout")


def test_a_bounded_run_needs_no_page() -> None:
    live = make(frames=4)
    live.start()
    assert live.wait(LONG)
    assert live.stats()["processed"] == 4
    assert live.stats()["sent"] == 0


def test_a_second_one_stops_the_first() -> None:
    log: list[str] = []
    first = make(lambda: FakeCamera(log))
    first.start()
    wait_until(lambda: log == ["open"])
    make()
    wait_until(lambda: log == ["open", "close"])
    assert running() is None


def test_another_source_is_opened_while_it_runs() -> None:
    log: list[str] = []
    live = make(lambda: FakeCamera(log))
    live.start()
    wait_until(lambda: text(live, "status") == "Fake camera.")
    find(live, "seglib-source").value = "clip"
    wait_until(lambda: text(live, "status") == "The recorded clip.")
    assert log == ["open", "close"]


def test_a_source_that_needs_the_page_gets_a_place_there() -> None:
    class Asking(FakeCamera):
        def __init__(self) -> None:
            super().__init__()
            self.widget = ipywidgets.Label("allow me")

    live = make(Asking)
    live.start()
    wait_until(lambda: any(getattr(widget, "value", "") == "allow me" for widget in everything(live.box)))
    live.stop()
    wait_until(lambda: not any(getattr(widget, "value", "") == "allow me" for widget in everything(live.box)))


# ---- controls ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["threshold", "feather", "smoothing"])
def test_a_slider_changes_the_setting_of_its_name(name: str) -> None:
    live = make()
    slider = find(live, f"seglib-{name}")
    slider.value = (slider.min + slider.max) / 2
    assert getattr(live._slot.get(), name) == slider.value
    slider.value = slider.max  # both ends are allowed
    slider.value = slider.min
    assert text(live, "note") == ""


def test_boxes_and_lists_change_settings() -> None:
    live = make()
    find(live, "seglib-mirror").value = True
    find(live, "seglib-pane-input").value = True
    find(live, "seglib-keep").value = ("cat", "dog")
    find(live, "seglib-model").value = "fcn_resnet50"
    settings = live._slot.get()
    assert settings.mirror
    assert settings.panes == ("input", "result", "mask")
    assert settings.keep == ("cat", "dog")
    assert settings.model == "fcn_resnet50"
    for name in ("input", "result", "mask"):
        find(live, f"seglib-pane-{name}").value = False
    assert live._slot.get().panes == ("result",), "something has to be seen"


def test_the_effect_and_its_details() -> None:
    live = make(effect="blur")
    frame, mask = np.full(SHAPE, 9, np.uint8), np.zeros(SHAPE[:2], np.float32)

    def background() -> tuple[int, ...]:
        effect = live._slot.get().effect
        assert effect is not None
        return tuple(effect(frame, mask)[0, 0].tolist())

    assert live._slot.get().effect == RelativeBlur(1.0)
    find(live, "seglib-strength").value = 2.5
    assert live._slot.get().effect == RelativeBlur(2.5)
    assert find(live, "seglib-background").layout.display == "none"
    find(live, "seglib-effect").value = "substitute"
    assert find(live, "seglib-background").layout.display is None
    assert find(live, "seglib-strength").layout.display == "none"
    assert background() == tuple(seglib.replace_background(frame, mask, seglib.sample_background("room"))[0, 0])
    find(live, "seglib-background").value = "a colour"
    find(live, "seglib-colour").value = "#102030"
    assert background() == (16, 32, 48)
    find(live, "seglib-background").value = "a picture of yours"
    find(live, "seglib-upload").value = (upload("mine.png", np.full(SHAPE, (1, 2, 3), np.uint8)),)
    assert background() == (1, 2, 3)
    find(live, "seglib-effect").value = "none"
    assert live._slot.get().effect is None


def upload(name: str, picture: np.ndarray | bytes) -> dict[str, Any]:
    content = io.BytesIO()
    if isinstance(picture, bytes):
        content.write(picture)
    else:
        Image.fromarray(picture).save(content, "PNG")
    now = time.gmtime()
    return {
        "name": name,
        "type": "image/png",
        "size": len(content.getvalue()),
        "content": memoryview(content.getvalue()),
        "last_modified": __import__("datetime").datetime(now.tm_year, 1, 1),
    }


def test_a_broken_upload_is_told_and_changes_nothing() -> None:
    live = make(effect="substitute", background="beach")
    before = live._slot.get().effect
    find(live, "seglib-upload").value = (upload("holiday.png", b"not a picture"),)
    assert text(live, "note") == "holiday.png is not a picture that Pillow knows"
    assert live._slot.get().effect is before


def test_a_wrong_value_from_code_is_raised_and_a_right_one_shows_in_the_controls() -> None:
    live = make()
    with pytest.raises(ValueError, match="threshold is 2"):
        live.change(threshold=2)
    live.change(threshold=0.4, keep=("cat",), panes=("labels",), mirror=True)
    assert find(live, "seglib-threshold").value == 0.4
    assert find(live, "seglib-keep").value == ("cat",)
    assert [name for name in ("input", "labels", "mask", "result") if find(live, f"seglib-pane-{name}").value] == [
        "labels"
    ]
    assert live._slot.get().panes == ("labels",)
    assert live._slot.get().mirror


def test_an_effect_of_ones_own_and_its_mistakes() -> None:
    def wrong(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
        raise KeyError("my mistake")

    log: list[str] = []
    live = make(lambda: FakeCamera(log), effect=wrong)
    assert find(live, "seglib-effect").value == "yours"
    press(live, "start")
    wait_until(lambda: live.stats()["state"] == "failed")
    assert text(live, "status") == "KeyError: 'my mistake'"
    assert "seglib-failed" in find(live, "seglib-status")._dom_classes
    with pytest.raises(KeyError):
        live.wait(LONG)
    wait_until(lambda: log == ["open", "close"])
    find(live, "seglib-effect").value = "none"
    press(live, "start")
    wait_until(lambda: live.stats()["state"] == "running")
    assert "seglib-failed" not in find(live, "seglib-status")._dom_classes
    find(live, "seglib-effect").value = "yours"  # and back again, while it runs
    wait_until(lambda: live.stats()["state"] == "failed")


def test_no_camera_is_told_beside_the_picture() -> None:
    def none() -> Source:
        raise CameraUnavailable("camera 3 could not be opened.\nTry another.")

    live = make(none)
    press(live, "start")
    wait_until(lambda: live.stats()["state"] == "failed")
    assert text(live, "status") == "camera 3 could not be opened.\nTry another."


def test_every_control_has_a_name_and_a_class() -> None:
    live = make()
    words = (ipywidgets.Label, ipywidgets.Box)
    controls = [
        widget for widget in everything(live.box) if hasattr(widget, "description") and not isinstance(widget, words)
    ]
    assert len(controls) > 18
    for control in controls:
        assert control.description, control
        assert any(name.startswith("seglib-") for name in control._dom_classes), control


# ---- what is kept ------------------------------------------------------------------------------------------


def test_a_snapshot_is_an_array_and_a_picture_on_disk(tmp_path: Path) -> None:
    live = make(folder=tmp_path / "kept", effect=lambda frame, mask: np.full_like(frame, 42))
    live.start()
    wait_until(lambda: live.stats()["processed"] > 0)
    assert live.snapshot is None
    press(live, "snapshot")
    wait_until(lambda: text(live, "note").startswith("Snapshot in"))
    live.stop()
    path = live.take_snapshot()  # of what is still seen after Stop
    assert live.snapshot is not None
    assert (live.snapshot == 42).all()
    files = sorted((tmp_path / "kept").iterdir())
    assert len(files) == 2, "none is written over"
    assert path in files
    with Image.open(files[0]) as image:
        assert image.format == "PNG"
        np.testing.assert_array_equal(np.asarray(image), live.snapshot)


def test_a_snapshot_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    live = make(folder=tmp_path / "file")
    live.start()
    wait_until(lambda: live.stats()["processed"] > 0)
    press(live, "snapshot")
    wait_until(lambda: text(live, "note") != "")
    assert "file" in text(live, "note")
    assert live.snapshot is not None, "the array is there all the same"


def test_a_recording_begins_and_ends_with_the_button(tmp_path: Path) -> None:
    live = make(folder=tmp_path)
    live.start()
    wait_until(lambda: live.stats()["processed"] > 0)
    press(live, "record")
    button = find(live, "seglib-record")
    assert button.description == "Stop recording"
    recorder = live.loop.recorder if live.loop else None
    assert recorder is not None
    wait_until(lambda: recorder.frames > 3)
    press(live, "record")
    wait_until(lambda: text(live, "note").startswith("Recording in"))
    assert button.description == "Record"
    with seglib.open_source(recorder.path) as frames:
        assert len(list(frames)) == recorder.frames
    assert live.stats()["state"] == "running"


def test_stop_finishes_a_recording(tmp_path: Path) -> None:
    live = make(folder=tmp_path)
    live.start()
    live.record()
    recorder = live.loop.recorder if live.loop else None
    assert recorder is not None
    wait_until(lambda: recorder.frames > 3)
    live.stop()
    assert recorder.wait(LONG)
    assert recorder.path.exists()
    wait_until(lambda: find(live, "seglib-record").description == "Record")


# ---- elsewhere ---------------------------------------------------------------------------------------------


def test_without_anywidget_a_plain_image_is_shown_and_few_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canvas, "anywidget", None)
    live = make(lambda: FakeCamera(moves=True))
    image = live._screen.widget
    assert isinstance(image, ipywidgets.Image)
    changes: list[float] = []
    image.observe(lambda change: changes.append(time.monotonic()), "value")
    live.start()
    wait_until(lambda: len(changes) > 6)
    live.stop()
    assert len(changes) < 11 * (changes[-1] - changes[0]) + 2
    with Image.open(io.BytesIO(image.value)) as picture:
        assert picture.format == "JPEG"


def test_the_files_of_the_page_come_with_the_package() -> None:
    files = [path for path in (ROOT / "seglib" / "live").iterdir() if path.suffix in (".js", ".css")]
    assert len(files) == 2
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    for path in files:
        name = path.relative_to(ROOT / "seglib").as_posix()
        assert any(fnmatch.fnmatch(name, pattern) for pattern in patterns["package-data"]["seglib"])
    widget = canvas.CanvasDisplay().widget
    assert "createImageBitmap" in widget._esm
    assert ".seglib-canvas" in widget._css


def test_messages_from_the_page_only_leave_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    """They arrive in whichever thread, and must not wait for the loop: here the loop's thread is stuck."""
    stuck = threading.Event()

    def slow(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
        stuck.wait(LONG)
        return frame

    live = make(effect=slow)
    page = FakePage(live)
    live.start()
    wait_until(lambda: live.stats()["grabbed"] > 3)
    done = threading.Event()

    def from_the_page() -> None:
        page.say("drawn", 1)
        for name in ("threshold", "feather"):
            find(live, f"seglib-{name}").value = 0.5
        for name in ("snapshot", "record", "record", "stop"):
            press(live, name)
        done.set()

    threading.Thread(target=from_the_page, daemon=True).start()
    assert done.wait(LONG / 2)
    stuck.set()
