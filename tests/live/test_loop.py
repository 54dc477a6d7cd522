"""The live loop without a page: threads that stop, frames in order, errors, models, recordings."""

from __future__ import annotations

import _thread
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from live_fakes import (
    DEADLINE,
    SHAPE,
    FakeCamera,
    FakeDisplay,
    FakeModel,
    HeldModel,
    SteppedCamera,
    current,
    number_of,
    start,
    thread_names,
    wait_until,
)

import seglib
from seglib import CameraUnavailable, WeightsUnavailable
from seglib.live import Loop
from seglib.live.loop import running_loop
from seglib.live.workers import ModelSpeed, Speed
from seglib.predict import MODELS

OPEN, CLOSED = ["open fake camera"], ["open fake camera", "close fake camera"]


# ---- starting and stopping ---------------------------------------------------------------------------------


@pytest.mark.parametrize("by_environment", [False, True])
def test_a_bounded_run_renders_that_many_frames_and_ends(by_environment: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[str] = []
    if by_environment:
        monkeypatch.setenv("SEGLIB_FRAMES", "7")
    loop = start(lambda: FakeCamera(log=log), frames=None if by_environment else 7)
    assert loop.wait(DEADLINE)
    wait_until(lambda: log == CLOSED)
    assert loop.stats()["processed"] == 7
    assert loop.status.state == "stopped"
    assert running_loop() is None


def test_a_bound_must_be_positive() -> None:
    with pytest.raises(ValueError, match="frames is 0"):
        Loop(FakeCamera, frames=0)


def test_stop_ends_all_threads_and_closes_the_source() -> None:
    log: list[str] = []
    before = threading.enumerate()
    loop = start(lambda: FakeCamera(log=log))
    wait_until(lambda: loop.rendered.count > 2)
    assert not loop.wait(0)
    loop.stop()
    assert loop.wait(DEADLINE)
    wait_until(lambda: log == CLOSED)
    wait_until(lambda: set(threading.enumerate()) <= set(before))
    loop.stop()  # once more does nothing


def test_stop_does_not_wait_for_a_driver_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seglib.live.loop.JOIN", 0.1)
    log: list[str] = []
    camera = SteppedCamera(log=log)
    loop = start(lambda: camera)
    wait_until(lambda: loop.capture.source is camera)
    assert loop.stop() is False
    assert loop.wait(DEADLINE), "the loop itself has ended"
    assert log == OPEN, "nobody can take the camera from its driver"
    camera.step()
    wait_until(lambda: log == CLOSED)


@pytest.mark.parametrize("what", ["model", "effect"])
def test_stop_does_not_wait_for_what_is_slow_and_shows_nothing_afterwards(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seglib.live.loop.JOIN", 0.1)
    held = HeldModel()

    def effect(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
        held.predict(frame)
        return frame

    log: list[str] = []
    display = FakeDisplay()
    settings = current(model=held) if what == "model" else current(effect=effect)
    loop = start(lambda: FakeCamera(log=log), settings, display)
    assert held.asked.wait(DEADLINE)
    loop.stop()
    wait_until(lambda: log == CLOSED)
    held.answer.set()
    assert loop.wait(DEADLINE)
    assert display.pictures == []


def test_a_second_loop_stops_the_first_before_it_opens_its_camera() -> None:
    log: list[str] = []
    first = start(lambda: FakeCamera("a", log))
    wait_until(lambda: first.rendered.count > 0)
    second = start(lambda: FakeCamera("b", log))
    wait_until(lambda: second.rendered.count > 0)
    assert log == ["open a", "close a", "open b"]
    assert not first.alive
    assert running_loop() is second


def test_an_effect_may_stop_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seglib.live.loop.JOIN", DEADLINE)
    answers: list[bool] = []

    def enough(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
        answers.append(loop.stop())
        return frame

    settings = current()
    loop = start(FakeCamera, settings)
    settings.change(effect=enough)
    assert loop.wait(DEADLINE / 2), "the threads do not wait for each other"
    assert answers == [False]
    assert (loop.status.state, loop.status.error) == ("stopped", None)


def test_an_interrupt_while_waiting_stops_the_loop() -> None:
    log: list[str] = []
    loop = start(lambda: FakeCamera(log=log))
    wait_until(lambda: loop.rendered.count > 0)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background of a shell ignores it
    timer = threading.Timer(0.05, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        loop.wait(DEADLINE)
    signal.signal(signal.SIGINT, before)
    timer.join()
    wait_until(lambda: log == CLOSED)
    assert not loop.alive


def test_the_end_of_the_process_closes_the_camera() -> None:
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from live_fakes import FakeCamera, start, wait_until
class Loud(FakeCamera):
    def release(self):
        print("released", flush=True)
loop = start(Loud)
wait_until(lambda: loop.rendered.count)
raise ValueError
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "released", done.stderr


# ---- frames ------------------------------------------------------------------------------------------------


class Striped(FakeModel):
    """Keeps a number of columns that tells one frame from the next. asked: the frames' numbers, in order."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    @staticmethod
    def columns(number: int) -> int:
        return 8 + 8 * (number % 6)

    def predict(self, frame: np.ndarray) -> np.ndarray:
        self.asked.append(number_of(frame))
        mask = np.zeros(frame.shape[:2], np.float32)
        mask[:, : self.columns(number_of(frame))] = 1
        return mask


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every model counts as fast, however busy this machine is."""
    monkeypatch.setattr(ModelSpeed, "of", lambda speed, model: Speed.FAST)


@pytest.mark.usefixtures("fast")
def test_each_frame_is_rendered_once_in_order_with_its_own_mask() -> None:
    model = Striped()
    seen: list[tuple[int, float, int]] = []  # the frame's number, how many columns are kept, predictions till then

    def effect(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
        seen.append((number_of(frame), float(mask[24].sum()), len(model.asked)))
        return frame

    loop = start(FakeCamera, current(model=model, effect=effect, smoothing=0.0), frames=25)
    assert loop.wait(DEADLINE)
    numbers = [number for number, _, _ in seen]
    assert numbers == sorted(set(numbers)) == model.asked, "in order, none twice, and nothing is predicted for nothing"
    assert len(numbers) == 25
    for number, columns, _ in seen:
        assert columns == pytest.approx(Striped.columns(number), abs=2)
    assert max(asked - index for index, (_, _, asked) in enumerate(seen)) <= 2, "never a queue"


@pytest.mark.usefixtures("fast")
def test_the_next_mask_is_predicted_while_a_frame_is_rendered_and_only_new_frames_are_taken() -> None:
    model, camera = Striped(), FakeCamera()
    seen: list[tuple[int, int]] = []  # the frame that the effect got, and how many there were at its end

    def effect(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
        before = camera.count
        if len(seen) < 9:
            wait_until(lambda: len(model.asked) > len(seen) + 1)
        wait_until(lambda: camera.count > before + 5)
        seen.append((number_of(frame), camera.count))
        return frame

    loop = start(lambda: camera, current(model=model, effect=effect), frames=10)
    assert loop.wait(DEADLINE)
    assert all(after[0] >= ended[1] - 2 for ended, after in zip(seen, seen[2:], strict=False))
    assert loop.stats()["dropped"] >= 40


@pytest.mark.usefixtures("fast")
def test_a_frame_does_not_grow_old_while_a_slow_effect_works() -> None:
    """It is taken when the effect is about to be ready for it, not when the one before was."""
    captured: list[float] = []
    ages: list[float] = []
    pause = threading.Event()

    class Dated(FakeCamera):
        def read(self) -> np.ndarray | None:
            pause.wait(0.02)
            captured.append(time.perf_counter())
            return super().read()

    def slow(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
        ages.append(time.perf_counter() - captured[number_of(frame)])
        pause.wait(0.25)
        return frame

    assert start(Dated, current(effect=slow), frames=8).wait(DEADLINE)
    assert min(ages[4:]) < 0.12, "otherwise each is as old as the effect takes, on any machine"


def test_a_change_takes_effect_on_the_next_frame_and_never_in_the_middle_of_one() -> None:
    held, camera, display = HeldModel(), SteppedCamera(), FakeDisplay()
    settings = current(model=held, panes=("mask",))
    loop = start(lambda: camera, settings, display)
    camera.step()
    assert held.asked.wait(DEADLINE)
    settings.change(panes=("labels",), mirror=True, effect=seglib.Replace("white"))
    held.answer.set()
    wait_until(lambda: loop.rendered.count == 1)
    assert loop.result is not None
    assert loop.result.labels is None
    assert loop.result.output.max() == 0
    camera.step()
    wait_until(lambda: loop.rendered.count == 2)
    assert loop.result.labels is not None
    assert loop.result.output[:, -8:].min() == 255
    assert [panes for _, panes in display.pictures] == [("mask",), ("labels",)]
    loop.stop()
    camera.step()


def test_the_clip_runs_through_the_real_model() -> None:
    loop = Loop("clip", frames=3)
    loop.start()
    assert loop.wait(DEADLINE)
    assert loop.result is not None
    assert loop.result.output.shape == (480, 640, 3)
    assert seglib.iou(loop.result.mask, seglib.load_model().mask(loop.result.frame)) > 0.7
    assert set(loop.stats()["stages"]) >= {"predict", "refine", "smooth", "render", "encode", "capture to encoded"}


# ---- the display -------------------------------------------------------------------------------------------


def test_a_display_gets_every_picture_that_it_has_room_for() -> None:
    display = FakeDisplay()
    loop = start(FakeCamera, display=display, frames=5)
    assert loop.wait(DEADLINE)
    assert [panes for _, panes in display.pictures] == [("result", "mask")] * 5
    assert display.pictures[-1][0] == loop.presenter.jpeg


def test_a_full_display_gets_no_picture_and_costs_no_work() -> None:
    class Full(FakeDisplay):
        def wait_for_room(self, timeout: float, wanted: int = 1) -> bool:
            asked.set()
            return False

    asked = threading.Event()
    display = Full()
    loop = start(FakeCamera, display=display)
    assert asked.wait(DEADLINE)
    wait_until(lambda: loop.capture.count > 30)
    assert loop.rendered.count == 0
    assert display.pictures == []


def test_where_nobody_watches_the_camera_is_closed_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seglib.live.loop.UNWATCHED", 0.2)
    log: list[str] = []
    display = FakeDisplay(views=0)
    loop = start(lambda: FakeCamera(log=log), display=display)
    assert loop.wait(DEADLINE)
    assert "no page" in loop.status.message
    assert display.pictures == []
    wait_until(lambda: log == CLOSED)


# ---- what goes wrong ---------------------------------------------------------------------------------------


def test_what_an_effect_raises_is_raised_by_wait_and_the_camera_is_closed() -> None:
    """Also where no more frames come."""

    def wrong(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
        if number_of(frame) == 1:
            raise ZeroDivisionError("my own mistake")
        return frame

    log: list[str] = []
    camera = SteppedCamera(log=log)
    loop = start(lambda: camera, current(effect=wrong))
    camera.step()
    wait_until(lambda: loop.rendered.count == 1)
    camera.step()
    with pytest.raises(ZeroDivisionError, match="my own mistake") as caught:
        loop.wait(DEADLINE)
    assert "effect at frame 1" in caught.value.__notes__[0]
    assert loop.status.state == "failed"
    assert "my own mistake" in loop.status.message
    assert loop.result is not None, "the last result is kept"
    camera.step()
    wait_until(lambda: log == CLOSED)


@pytest.mark.parametrize(
    ("effect", "error", "words"),
    [
        (lambda frame, mask: None, TypeError, "NoneType"),
        (lambda frame, mask: frame[:10], ValueError, r"\(10, 64, 3\).*\(48, 64, 3\)"),
        (lambda frame, mask: frame / 255, ValueError, r"float64.*uint8"),
    ],
)
def test_an_effect_that_returns_something_else_is_an_error(
    effect: Callable[..., Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        start(FakeCamera, current(effect=effect)).wait(DEADLINE)


def test_a_camera_that_is_away_is_told_and_stop_works_meanwhile() -> None:
    class Gone(FakeCamera):
        def read(self) -> np.ndarray | None:
            if self.count == 1:
                raise CameraUnavailable("camera 0 is gone.\nmore")
            return super().read()

    loop = start(Gone)
    wait_until(lambda: loop.status.state == "waiting")
    assert "Camera 0 is gone." in loop.status.message
    loop.stop()
    assert loop.wait(DEADLINE)
    assert loop.status.state == "stopped"


def test_a_camera_that_stalls_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seglib.live.loop.STALLED", 0.05)
    camera = SteppedCamera()
    loop = start(lambda: camera)
    camera.step()
    wait_until(lambda: loop.status.state == "waiting")
    assert loop.result is not None
    camera.step()
    wait_until(lambda: loop.status.state == "running" and loop.rendered.count == 2)
    loop.stop()
    camera.step()


# ---- models ------------------------------------------------------------------------------------------------


class Shelf(dict[str, Any]):
    """Stands in for load_model: a name is loaded when the test puts a model, or an error, here."""

    def load_model(self, name: str, **options: Any) -> Any:
        assert options == {"precision": "half", "progress": False}
        wait_until(lambda: name in self)
        if isinstance(self[name], Exception):
            raise self[name]
        return self[name]


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    shelf = Shelf()
    for name in ("first", "second", "lost"):
        monkeypatch.setitem(MODELS, name, MODELS["portrait"])
    monkeypatch.setattr("seglib.predict.load_model", shelf.load_model)
    return shelf


def test_a_model_is_loaded_while_the_loop_goes_on(shelf: Shelf) -> None:
    loop = start(FakeCamera, current(model="first"))
    wait_until(lambda: loop.status.message == "Loading first.")
    assert loop.result is None, "a picture that is not blurred yet is not shown"
    shelf["first"] = FakeModel()
    wait_until(lambda: loop.rendered.count > 3)
    loop.settings.change(model="second")
    wait_until(lambda: "Loading second" in loop.status.message)
    count = loop.rendered.count
    wait_until(lambda: loop.rendered.count > count + 3)  # the first one goes on meanwhile
    shelf["second"] = FakeModel()
    wait_until(lambda: "Loading" not in loop.status.message)
    wait_until(lambda: thread_names("seglib load") == [])


def test_where_a_model_cannot_be_loaded_the_one_before_goes_on(shelf: Shelf) -> None:
    shelf["lost"] = WeightsUnavailable("lost is not here.\nmore")
    loop = start(FakeCamera)
    wait_until(lambda: loop.rendered.count > 0)
    loop.settings.change(model="lost")
    wait_until(lambda: "fake goes on: lost is not here." in loop.status.message)
    count = loop.rendered.count
    wait_until(lambda: loop.rendered.count > count)
    with pytest.raises(WeightsUnavailable):
        start(FakeCamera, current(model="lost")).wait(DEADLINE)


# ---- recording ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("views", [0, 1])
def test_a_loop_records_until_it_is_stopped_watched_or_not(views: int, tmp_path: Path) -> None:
    display, done = FakeDisplay(views), list[Any]()
    loop = start(FakeCamera, current(effect=seglib.Replace("white")), display)
    loop.presenter.start_recording(tmp_path / "out" / "recorded.mp4", done.append)
    recorder = loop.presenter.recorder
    assert recorder is not None
    wait_until(lambda: recorder.frames > 4)
    loop.stop()
    wait_until(lambda: done == [recorder])
    with seglib.open_source(recorder.path) as frames:
        read = list(frames)
    assert len(read) == recorder.frames
    assert read[0].shape == SHAPE
    assert bool(display.pictures) == bool(views)
