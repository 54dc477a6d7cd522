"""`seglib.Live` without a page, which the tests play. The real page is tested in tests/browser."""

from __future__ import annotations

import io
import threading
import time
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import pytest
from live_fakes import DEADLINE, FakeCamera, FakeModel, HeldModel, SteppedCamera, wait_until
from PIL import Image
from widget_tools import FakePage, everything, find, make, press, text, wait_until_failed

import seglib
from seglib import CameraUnavailable, WeightsUnavailable
from seglib.live.loop import running_loop

CLOSED = ["open fake camera", "close fake camera"]


# ---- stopped -----------------------------------------------------------------------------------------------


def test_it_opens_stopped_and_touches_no_camera() -> None:
    log: list[str] = []
    live = make(lambda: FakeCamera(log=log))
    live._repr_mimebundle_()
    assert live.stats()["state"] == "stopped"
    assert text(live, "status") == "Stopped."
    assert live.wait(0)
    assert (log, running_loop()) == ([], None)


def test_its_text_is_the_same_in_every_run() -> None:
    for _ in range(2):
        live = make("clip")
        bundle = live._repr_mimebundle_()
        assert repr(live) == bundle["text/plain"] == "Live(source='clip')"
        assert set(bundle) == {"text/plain", "application/vnd.jupyter.widget-view+json"}


def test_buttons_say_what_to_do_while_it_is_stopped() -> None:
    live = make()
    press(live, "snapshot")
    wait_until(lambda: "Press Start" in text(live, "note"))
    live = make()
    press(live, "record")
    assert "Press Start" in text(live, "note")
    press(live, "stop")
    assert live.stats()["state"] == "stopped"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"effect": "blurr"}, "'blurr'"),
        ({"panes": ("output",)}, "output"),
        ({"keep": "persons"}, "'persons'"),
        ({"effect": "substitute", "background": "bleu"}, "'bleu'"),
        ({"effect": "blur", "background": "bleu"}, "'bleu'"),
        ({"frames": 0}, "frames is 0"),
        ({"frames": 2.5}, "frames is 2.5"),
        ({"frames": True}, "frames is True"),
        ({"source": -1}, "-1"),
        ({"source": 5.5}, "5.5"),
        ({"source": True}, "True"),
        ({"source": None}, "None"),
        ({"source": b"clip"}, "clip"),
    ],
)
def test_what_does_not_fit_is_told_when_it_is_made(options: dict[str, Any], words: str) -> None:
    running = make()
    running.start()
    with pytest.raises((ValueError, TypeError), match=words):
        make(**options)
    assert running.loop is running_loop(), "which goes on"


@pytest.mark.parametrize("value", ["many", "0", "-2"])
def test_the_variable_for_the_number_of_frames_is_checked(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGLIB_FRAMES", value)
    with pytest.raises(ValueError, match=f"SEGLIB_FRAMES is .*{value}"):
        make()


def test_one_pane_may_be_named_alone() -> None:
    assert make(panes="mask").settings.panes == ("mask",)


# ---- running -----------------------------------------------------------------------------------------------


def test_start_shows_pictures_and_stop_ends_them() -> None:
    log: list[str] = []
    live = make(lambda: FakeCamera(log=log))
    page = FakePage(live)
    press(live, "start")
    page.wait_for(5)
    assert live.stats()["state"] == page.widget.state == "running"
    assert text(live, "status") == page.widget.message
    assert "fake camera" in text(live, "status")
    content, jpeg = page.pictures[0]
    assert (content["kind"], content["panes"]) == ("picture", ["result", "mask"])
    assert abs(content["captured"] / 1000 - time.time()) < DEADLINE
    assert [content["number"] for content, _ in page.pictures] == list(range(1, len(page.pictures) + 1))
    with Image.open(io.BytesIO(jpeg)) as image:
        assert image.size == (128, 48)
        assert min(image.getpixel((80, 20))) > 250, "the mask"

    def rates_are_told() -> bool:
        page.draw()
        return " fps · " in text(live, "readout")

    wait_until(rates_are_told)
    press(live, "stop")
    wait_until(lambda: live.stats()["state"] == "stopped" and log == CLOSED)
    wait_until(lambda: text(live, "readout") == "")  # the page is told a moment after the state


def test_start_twice_is_start_once() -> None:
    log: list[str] = []
    live = make(lambda: FakeCamera(log=log))
    live.start()
    loop = live.loop
    live.start()
    assert live.loop is loop
    live.stop()
    wait_until(lambda: log == CLOSED)
    live.start()
    wait_until(lambda: log == [*CLOSED, "open fake camera"])


def test_no_third_picture_is_sent_to_a_page_that_has_not_drawn_the_first() -> None:
    live = make()
    page = FakePage(live)
    live.start()
    wait_until(lambda: len(page.pictures) == 2)
    grabbed = live.stats()["grabbed"]
    wait_until(lambda: live.stats()["grabbed"] > grabbed + 30)
    assert len(page.pictures) == 2
    page.report(1)
    wait_until(lambda: len(page.pictures) == 3)
    assert live.stats()["shown"] == 1


def test_a_page_that_was_closed_gets_nothing_and_one_that_was_reloaded_the_last_picture() -> None:
    live = make()
    page = FakePage(live)
    live.start()
    page.wait_for(3)
    page.report(0, kind="closed")
    wait_until(lambda: live.stats()["views"] == 0)
    count, processed = len(page.pictures), live.stats()["processed"]
    wait_until(lambda: live.stats()["processed"] > processed or live.stats()["state"] == "stopped")
    assert len(page.pictures) <= count + 1, "one may have been on its way"
    page.report(0)
    assert page.pictures[-1][0].get("only") == "a" or page.pictures[-2][0].get("only") == "a"


def test_a_cell_that_is_deleted_stops_it_in_spite_of_a_recording() -> None:
    log: list[str] = []
    live = make(lambda: FakeCamera(log=log))
    page = FakePage(live)
    live.start()
    page.wait_for(3)
    live.record()
    page.report(0, kind="closed")
    page.report(0)  # moved, not deleted
    page.wait_for(6)
    assert live.stats()["state"] == "running"
    page.report(0, kind="closed")
    left = time.monotonic()
    wait_until(lambda: live.stats()["state"] == "stopped" and log == CLOSED)
    print(f"stopped after {time.monotonic() - left:.1f} s")
    live.start()  # by code, without a page
    wait_until(lambda: live.stats()["processed"] > 3)


def test_a_second_one_stops_the_first() -> None:
    log: list[str] = []
    make(lambda: FakeCamera(log=log)).start()
    wait_until(lambda: log)
    make()
    wait_until(lambda: log == CLOSED)
    assert running_loop() is None


def test_another_source_is_opened_while_it_runs() -> None:
    log: list[str] = []
    live = make(lambda: FakeCamera(log=log))
    live.start()
    wait_until(lambda: "fake camera" in text(live, "status"))
    find(live, "source").value = "clip"
    wait_until(lambda: "the recorded clip" in text(live, "status"))
    assert log == CLOSED


@pytest.mark.parametrize("by_hand", [False, True])
def test_the_widget_of_a_source_is_shown_and_asked_to_start_only_by_hand(by_hand: bool) -> None:
    asked: list[bool] = []

    class Permission(ipywidgets.Label):
        def ask_to_start(self) -> None:
            asked.append(True)

    class Asking(FakeCamera):
        def __init__(self) -> None:
            super().__init__()
            self.widget = Permission("allow me")

    live = make(Asking)

    def is_shown() -> bool:
        return any(isinstance(widget, Permission) for widget in everything(live.box))

    if by_hand:
        press(live, "start")
    else:
        live.start()
    wait_until(is_shown)
    wait_until(lambda: live.stats()["processed"] > 0)
    assert asked == [True] * by_hand
    live.stop()
    wait_until(lambda: not is_shown())


def test_an_effect_of_ones_own_and_its_mistakes() -> None:
    def wrong(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
        raise KeyError("my mistake")

    log: list[str] = []
    live = make(lambda: FakeCamera(log=log), effect=wrong)
    press(live, "start")
    wait_until_failed(live)
    assert "my mistake" in text(live, "status")
    with pytest.raises(KeyError):
        live.wait(DEADLINE)
    wait_until(lambda: log == CLOSED)
    find(live, "mirror").value = True
    assert "my mistake" in text(live, "status"), "it has nothing to do with that"
    find(live, "effect").value = "none"
    assert "Press Start" in text(live, "status")
    assert "seglib-failed" not in find(live, "status")._dom_classes
    press(live, "start")
    wait_until(lambda: live.stats()["state"] == "running")
    assert "seglib-failed" not in find(live, "status")._dom_classes
    find(live, "effect").value = "yours"  # and back again, while it runs
    wait_until_failed(live)


def test_no_camera_is_told_beside_the_picture() -> None:
    def none() -> Any:
        raise CameraUnavailable("camera 3 could not be opened.\nTry another.")

    live = make(none)
    press(live, "start")
    wait_until_failed(live)
    assert text(live, "status") == "camera 3 could not be opened.\nTry another."
    find(live, "source").value = "clip"  # which cannot start by itself: the person may want to change more
    assert "Press Start" in text(live, "status")
    assert "the recorded clip" in text(live, "status")
    assert "seglib-failed" not in find(live, "status")._dom_classes
    press(live, "start")
    wait_until(lambda: live.stats()["state"] == "running")


def test_a_page_without_a_camera_says_so_before_start() -> None:
    live = make("browser")
    data = {"method": "custom", "content": {"kind": "no camera", "text": "Use the clip."}}
    FakePage(live).widget.comm.handle_msg({"content": {"data": data}, "buffers": []})
    assert text(live, "note") == "Use the clip."
    find(live, "source").value = "clip"
    assert text(live, "note") == ""
    find(live, "source").value = "browser"
    assert text(live, "note") == "Use the clip."


def test_a_browsers_camera_that_stays_off_asks_for_a_press() -> None:
    class Off(SteppedCamera):
        def __init__(self) -> None:
            super().__init__()
            self.widget = ipywidgets.Label("Start camera")
            self.widget.camera_state = "off"
            opened.append(self)

    opened: list[Off] = []
    live = make(Off)
    live.start()
    wait_until(lambda: "Press Start camera" in text(live, "status"))
    opened[0].step()
    wait_until(lambda: live.stats()["state"] == "running")
    opened[0].step()


def test_after_a_long_cut_the_browsers_camera_asks_for_a_press() -> None:
    class CutOff(SteppedCamera):
        def __init__(self) -> None:
            super().__init__()
            self.widget = ipywidgets.Label("Start camera")
            opened.append(self)

        def read(self) -> np.ndarray | None:
            if opened == [self]:  # later ones wait for the press
                self.step()
                if self.count:
                    raise CameraUnavailable("its page did not answer")
            return super().read()

    opened: list[CutOff] = []
    live = make(CutOff)
    live.start()
    wait_until(lambda: "Press Start camera" in text(live, "status"))
    opened[-1].step()
    wait_until(lambda: live.stats()["state"] == "running")
    opened[-1].step()


def test_a_file_needs_a_path() -> None:
    live = make()
    find(live, "source").value = "file"
    assert "path" in text(live, "note")
    press(live, "start")
    assert (live.stats()["state"], running_loop()) == ("stopped", None)
    assert "path" in text(live, "note")
    find(live, "path").value = "talk.mp4"
    assert text(live, "note") == ""
    assert "talk.mp4" in text(live, "status")


def test_a_file_keeps_its_name(tmp_path: Path) -> None:
    path = tmp_path / "live.jpg"
    seglib.write_image(path, np.zeros((48, 64, 3), np.uint8))
    live = make(path)
    press(live, "start")
    wait_until(lambda: live.stats()["state"] == "running")
    assert "live.jpg" in text(live, "status")


@pytest.mark.parametrize("name", ["absent.mp4", "empty.mp4", "notes.txt"])
def test_what_is_wrong_with_a_file_is_told_without_a_name_for_programmers(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "notes.txt").write_text("no video")
    live = make(tmp_path / name)
    press(live, "start")
    wait_until_failed(live)
    assert name in text(live, "status")
    assert "Error" not in text(live, "status")


@pytest.fixture
def no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, **options: Any) -> Any:
        raise WeightsUnavailable(f"the weights of {name} are not available: offline.\nFetch them: curl …")

    monkeypatch.setattr("seglib.predict.load_model", refuse)


@pytest.mark.usefixtures("no_weights")
def test_a_model_that_cannot_be_loaded_leaves_the_list_to_the_one_in_force() -> None:
    model = FakeModel()
    live = make(model=model, keep=("cat", "person"))
    press(live, "start")
    wait_until(lambda: live.stats()["state"] == "running")
    for _ in range(2):  # it may be tried again
        find(live, "model").value = "fcn_resnet50"
        wait_until(lambda: live.settings.model is model)
        wait_until(lambda: "fcn_resnet50" in text(live, "note"))
        assert (find(live, "model").label, live.settings.keep) == ("fake", ("cat", "person"))
    live.change(model=FakeModel())
    find(live, "model").value = "fcn_resnet101"
    assert text(live, "note") == "", "the message goes with its cause"


@pytest.mark.usefixtures("no_weights")
def test_what_weights_are_missing_is_told_without_a_command() -> None:
    live = make(model="fcn_resnet50")
    press(live, "start")
    wait_until_failed(live)
    assert "fcn_resnet50" in text(live, "status")
    assert "curl" not in text(live, "status")
    find(live, "model").value = "fcn_resnet101"
    assert "Press Start" in text(live, "status")


def test_messages_of_the_page_never_wait_for_the_loop() -> None:
    held = HeldModel()
    live = make(model=held)
    page = FakePage(live)
    live.start()
    assert held.asked.wait(DEADLINE)
    done = threading.Event()

    def send_messages() -> None:
        page.report(1)
        for name in ("threshold", "feather"):
            find(live, name).value = 0.5
        for name in ("snapshot", "record", "record", "stop"):
            press(live, name)
        done.set()

    threading.Thread(target=send_messages, daemon=True).start()
    assert done.wait(DEADLINE / 2)
    held.answer.set()


# ---- what is kept ------------------------------------------------------------------------------------------


def test_a_snapshot_is_an_array_and_an_image_file(tmp_path: Path) -> None:
    live = make(folder=tmp_path / "kept", effect=lambda frame, mask: np.full_like(frame, 42))
    live.start()
    wait_until(lambda: live.stats()["processed"] > 0)
    assert live.snapshot is None
    press(live, "snapshot")
    wait_until(lambda: "live.snapshot" in text(live, "note"))
    live.stop()
    path = live.take_snapshot()  # of what is still seen after Stop
    assert live.snapshot is not None
    assert (live.snapshot == 42).all()
    files = sorted((tmp_path / "kept").iterdir())
    assert len(files) == 2, "none is overwritten"
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
    wait_until(lambda: "file" in text(live, "note"))
    assert live.snapshot is not None, "the array is there all the same"


@pytest.mark.parametrize("button", ["record", "stop"])
def test_a_recording_begins_with_its_button_and_ends_with_it_or_with_stop(button: str, tmp_path: Path) -> None:
    live = make(folder=tmp_path)
    live.start()
    press(live, "record")
    assert find(live, "record").description == "Stop recording"
    recorder = live.loop.presenter.recorder if live.loop else None
    assert recorder is not None
    wait_until(lambda: recorder.frames > 3)
    press(live, button)
    wait_until(lambda: f"{recorder.frames} frames" in text(live, "note"))
    assert find(live, "record").description == "Record"
    with seglib.open_source(recorder.path) as frames:
        assert len(list(frames)) == recorder.frames


def test_a_recording_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("seglib.video.writer.VideoWriter.write", full)
    live = make(folder=tmp_path)
    live.start()
    live.record()
    wait_until(lambda: "No space left" in text(live, "note"))
    live.record(False)
    processed = live.stats()["processed"]
    wait_until(lambda: live.stats()["processed"] > processed)
