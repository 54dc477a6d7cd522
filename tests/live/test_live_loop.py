"""The live loop without a page: threads that stop, the newest frame, settings between frames, errors, recordings.

Sources and models here are stand-ins that a test steps through; pictures are read back by Pillow and PyAV.
"""

from __future__ import annotations

import _thread
import io
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import psutil
import pytest
from live_models import FakeModel
from PIL import Image

import seglib
from seglib import CameraUnavailable, SourceError, WeightsUnavailable
from seglib._internal.resizing import small_view
from seglib.capture.sources import Source, open_source
from seglib.live import capture_thread as grab
from seglib.live import flow_control as screen
from seglib.live import loop
from seglib.live import model_loader as models
from seglib.live import source_choice as sources
from seglib.live.beside import Pace
from seglib.live.capture_thread import LatestValue
from seglib.live.find import Find
from seglib.live.find import _labels as find_labels
from seglib.live.finish import Finish, Picture, encode_jpeg, lay_out
from seglib.live.flow_control import FlowControl
from seglib.live.loop import Loop
from seglib.live.recorder import Recorder
from seglib.live.settings import Settings, Slot, make_effect
from seglib.live.single import running, stop_running
from seglib.live.statistics import Rate, RollingStopwatch

LONG = 60.0  # seconds that a busy machine may take for what takes milliseconds
SHAPE = (48, 64, 3)


class FakeCamera(Source):
    """Gives frames whose every value is their number, as fast as it is asked. log: what happened to it."""

    def __init__(self, name: str = "camera", count: int | None = None, log: list[str] | None = None) -> None:
        self.name, self.fps, self.count, self.given = name, 30.0, count, 0
        self.log = [] if log is None else log
        self.log.append(f"open {name}")

    def read(self) -> np.ndarray | None:
        if self.given == self.count:
            return None
        time.sleep(0.001)
        self.given += 1
        return np.full(SHAPE, (self.given - 1) % 256, np.uint8)

    def release(self) -> None:
        self.log.append(f"close {self.name}")


class Stepped(FakeCamera):
    """Gives a frame whenever the test says so."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.ready = threading.Semaphore(0)

    def read(self) -> np.ndarray | None:
        self.ready.acquire()
        return super().read()


class FakeScreen:
    """Takes every picture, if somebody is there to see it."""

    width: int | None = None

    def __init__(self, views: int = 1) -> None:
        self.views = views
        self.pictures: list[tuple[bytes, tuple[str, ...]]] = []

    def wait_for_room(self, timeout: float, wanted: int = 1) -> bool:
        return True

    def show(self, jpeg: bytes, taken: float, panes: tuple[str, ...]) -> None:
        self.pictures.append((jpeg, panes))


class Walk:
    """The walk of a frame in one thread, step by step."""

    def __init__(self) -> None:
        self.find, self.finish = Find(RollingStopwatch()), Finish(RollingStopwatch())

    def __call__(self, frame: np.ndarray, chosen: Settings, taken: float) -> Picture:
        found = self.find(frame, chosen)
        assert found is not None
        assert found.frame.shape == frame.shape
        return self.finish(found, chosen, taken)


@pytest.fixture(autouse=True)
def nothing_is_left_running(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("SEGLIB_FRAMES", raising=False)
    yield
    stop_running()


def settings(**changes: Any) -> Slot:
    return Slot(Settings(**{"model": FakeModel(), "effect": None, **changes}))


def start(source: Any, slot: Slot | None = None, **options: Any) -> Loop:
    made = Loop(source, slot or settings(), **options)
    made.start()
    return made


def wait_until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.005)


def threads_of(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(f"seglib {name}")]


# ---- starting and stopping ---------------------------------------------------------------------------------


def test_a_bounded_run_makes_that_many_pictures_and_lets_go() -> None:
    log: list[str] = []
    run = start(lambda: FakeCamera(log=log), frames=7)
    assert run.wait(LONG)
    wait_until(lambda: not threads_of("grabs"))
    assert run.stats()["processed"] == 7
    assert run.state == "stopped"
    assert log == ["open camera", "close camera"]
    assert running() is None


def test_the_environment_bounds_every_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGLIB_FRAMES", "4")
    run = start(FakeCamera)
    assert run.wait(LONG)
    assert run.stats()["processed"] == 4
    with pytest.raises(ValueError, match="frames is 0, but must be at least 1"):
        Loop(FakeCamera, frames=0)


def test_stop_ends_both_threads_and_closes_the_source() -> None:
    log: list[str] = []
    run = start(lambda: FakeCamera(log=log))
    wait_until(lambda: run.made.count > 2)
    run.stop()
    assert run.wait(LONG)
    wait_until(lambda: not threads_of("grabs") and not threads_of("live"))
    assert log == ["open camera", "close camera"]
    made = run.made.count
    time.sleep(0.05)
    assert run.made.count == made
    run.stop()  # once more does nothing


def test_stop_does_not_wait_for_a_driver_that_hangs() -> None:
    log: list[str] = []
    camera = Stepped(log=log)
    run = start(lambda: camera)
    wait_until(lambda: run.grabber.source is camera)
    assert run.stop() is False
    assert run.wait(LONG), "the loop itself has ended"
    assert log == ["open camera"], "nobody can take the camera from its driver"
    camera.ready.release()
    wait_until(lambda: log == ["open camera", "close camera"])


def test_a_source_that_can_be_interrupted_is() -> None:
    class Polite(Stepped):
        def interrupt(self) -> None:
            self.count = 0
            self.ready.release()

    log: list[str] = []
    run = start(lambda: Polite(log=log))
    wait_until(lambda: run.grabber.source is not None)
    run.stop()
    wait_until(lambda: log == ["open camera", "close camera"])


def test_stop_does_not_wait_for_a_slow_model() -> None:
    asked, answer = threading.Event(), threading.Event()

    class Slow(FakeModel):
        def mask(self, frame: np.ndarray, keep: Any = None, size: Any = None) -> np.ndarray:
            asked.set()
            answer.wait(LONG)
            return super().mask(frame)

    log: list[str] = []
    screen = FakeScreen()
    run = start(lambda: FakeCamera(log=log), settings(model=Slow()), screen=screen)
    assert asked.wait(LONG)
    run.stop()
    wait_until(lambda: log == ["open camera", "close camera"])
    answer.set()
    assert run.wait(LONG)
    assert screen.pictures == [], "what comes after Stop is not shown"


def test_a_second_loop_stops_the_first_before_it_opens_its_camera() -> None:
    log: list[str] = []
    first = start(lambda: FakeCamera("a", log=log))
    wait_until(lambda: first.made.count > 0)
    second = start(lambda: FakeCamera("b", log=log))
    wait_until(lambda: second.made.count > 0)
    assert log == ["open a", "close a", "open b"]
    assert not first.alive
    assert running() is second


def test_an_interrupt_while_waiting_stops_the_loop() -> None:
    log: list[str] = []
    run = start(lambda: FakeCamera(log=log))
    wait_until(lambda: run.made.count > 0)
    timer = threading.Timer(0.2, _thread.interrupt_main)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background of a shell ignores it
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        run.wait(LONG)
    signal.signal(signal.SIGINT, before)
    timer.join()
    wait_until(lambda: log == ["open camera", "close camera"])
    assert not run.alive


@pytest.mark.parametrize("ending", ["pass", "raise SystemExit", "raise ValueError('x')"])
def test_the_end_of_the_process_lets_go_of_the_camera(ending: str) -> None:
    code = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
import test_live_loop as t
class Loud(t.FakeCamera):
    def release(self):
        print("released", flush=True)
run = t.start(Loud)
while not run.made.count:
    time.sleep(0.01)
{ending}
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "released", done.stderr


# ---- frames ------------------------------------------------------------------------------------------------


def test_newest_keeps_one_thing_and_counts_the_others() -> None:
    room: LatestValue[str] = LatestValue()
    assert room.take(0.01) is None
    for word in "abc":
        room.put(word)
    assert room.take(0) == "c"
    assert room.take(0) is None
    assert room.dropped == 2


def test_a_slow_walk_sees_the_newest_frame_and_never_an_old_one() -> None:
    camera = FakeCamera()
    seen: list[tuple[int, int]] = []  # the frame that the effect got, and how many there were at its end

    def slow(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
        before = camera.given
        wait_until(lambda: camera.given > before + 5)
        seen.append((int(frame[0, 0, 0]), camera.given))
        return frame

    run = start(lambda: camera, settings(effect=slow), frames=10)
    assert run.wait(LONG)
    # Meanwhile the mask of the next one was found, so it was there when the one before that had ended.
    assert all(after[0] >= ended[1] - 1 for ended, after in zip(seen, seen[2:], strict=False))
    assert run.newest.dropped >= 40


def test_a_film_plays_at_its_own_speed_and_starts_again(tmp_path: Path) -> None:
    path = tmp_path / "short.mp4"
    with seglib.video.VideoWriter(path, fps=5) as video:
        for number in range(5):
            video.write(np.full((32, 32, 3), 50 * number, np.uint8))
    began = time.perf_counter()
    run = start(str(path), frames=7)
    assert run.wait(LONG)
    assert time.perf_counter() - began > 6 / 5 * 0.9, "a busy machine only makes it slower"
    assert run.grabber.count >= 7
    once = start(str(path), repeat=False)
    assert once.wait(LONG)
    assert once.grabber.count == 5


def test_a_still_picture_stays(tmp_path: Path) -> None:
    path = seglib.write_image(tmp_path / "still.png", np.full(SHAPE, 7, np.uint8))
    run = start(path, frames=3)
    assert run.wait(LONG)
    assert run.picture is not None
    assert (run.picture.output == 7).all()


def test_a_source_may_tell_when_its_frame_was_taken() -> None:
    class Late(FakeCamera):
        captured = 0.0

        def read(self) -> np.ndarray | None:
            self.captured = time.perf_counter() - 100
            return super().read()

    run = start(Late, frames=3)
    assert run.wait(LONG)
    assert run.stats()["stages"]["capture to encoded"] > 100_000


# ---- two threads -------------------------------------------------------------------------------------------


class Numbered(FakeCamera):
    """Frames that tell their number however high it is."""

    def read(self) -> np.ndarray | None:
        super().read()
        return np.full(SHAPE, (*divmod(self.given - 1, 256), 0), np.uint8)


def number_of(frame: np.ndarray) -> int:
    return int(frame[0, 0] @ [256, 1, 0])


class Striped(FakeModel):
    """Keeps a number of columns that tells one frame of Numbered from the next. asked: their numbers, in order."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.asked: list[int] = []

    @staticmethod
    def columns(number: int) -> int:
        return 8 + 8 * (number % 6)

    def mask(self, frame: np.ndarray, keep: Any = None, size: Any = None) -> np.ndarray:
        number = number_of(frame)
        self.asked.append(number)
        time.sleep(self.seconds)
        mask = np.zeros(frame.shape[:2], np.float32)
        mask[:, : self.columns(number)] = 1
        return mask


@pytest.mark.parametrize(("model_takes", "effect_takes"), [(0.0, 0.0), (0.02, 0.0), (0.0, 0.02), (0.02, 0.02)])
def test_each_frame_is_shown_once_in_order_with_its_own_mask(
    model_takes: float, effect_takes: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pace, "is_slow", lambda pace, model: False)  # however busy this machine is
    model = Striped(model_takes)
    shown: list[tuple[int, float, int]] = []  # the frame's number, how many columns were kept, masks found till then

    def effect(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
        before = len(model.asked)
        time.sleep(effect_takes)
        shown.append((number_of(frame), float(mask[24].sum()), before))
        return frame

    run = start(Numbered, settings(model=model, effect=effect, smoothing=0.0), frames=25)
    assert run.wait(LONG)
    numbers = [number for number, _, _ in shown]
    assert numbers == sorted(set(numbers)), "in order, and none twice"
    assert numbers == model.asked, "nothing is predicted twice, nor for nothing"
    assert len(numbers) == 25
    for number, columns, _ in shown:
        assert columns == pytest.approx(Striped.columns(number), abs=2)
    assert max(before - number for number, (_, _, before) in enumerate(shown)) <= 2, "never a queue"


def test_the_next_mask_is_found_while_a_picture_is_made() -> None:
    model, made = Striped(), 0

    def effect(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
        nonlocal made
        made += 1
        if made < 10:
            wait_until(lambda: len(model.asked) > made)
        return frame

    assert start(FakeCamera, settings(model=model, effect=effect), frames=10).wait(LONG)


def test_a_frame_does_not_grow_old_while_a_slow_effect_is_at_work() -> None:
    """It is taken when the effect is about to be ready for it, not when the one before was."""
    taken: list[float] = []
    ages: list[float] = []

    class Dated(Numbered):
        def read(self) -> np.ndarray | None:
            time.sleep(0.02)
            taken.append(time.perf_counter())
            return super().read()

    def slow(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
        ages.append(time.perf_counter() - taken[number_of(frame)])
        time.sleep(0.3)
        return frame

    assert start(Dated, settings(effect=slow), frames=9).wait(LONG)
    assert min(ages[4:]) < 0.15, "else each of them is older than that, on any machine"


def test_a_picture_is_made_with_the_settings_that_its_mask_was_found_with() -> None:
    asked, answer = threading.Event(), threading.Event()

    class Waiting(FakeModel):
        def mask(self, frame: np.ndarray, keep: Any = None, size: Any = None) -> np.ndarray:
            if int(frame[0, 0, 0]) == 3:
                asked.set()
                answer.wait(LONG)
            return super().mask(frame)

    screen, slot = FakeScreen(), settings(model=Waiting(), panes=("mask",))
    camera = Stepped()
    run = start(lambda: camera, slot, screen=screen)
    for number in range(3):
        camera.ready.release()
        wait_until(lambda number=number: run.made.count > number)
    camera.ready.release()
    assert asked.wait(LONG)
    slot.change(panes=("labels",), mirror=True)
    answer.set()
    wait_until(lambda: run.made.count == 4)
    assert run.picture is not None
    assert run.picture.labels is None
    camera.ready.release()
    wait_until(lambda: run.made.count == 5)
    assert [panes for _, panes in screen.pictures] == [("mask",)] * 4 + [("labels",)]
    assert run.picture.labels is not None
    assert run.picture.mask[24, 2] > 0.5, "the model keeps the left half of what it sees"
    run.stop()
    camera.ready.release()


def test_what_the_second_thread_raises_is_told_though_no_more_frames_come() -> None:
    def wrong(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
        raise ZeroDivisionError("at the last frame")

    camera = Stepped()
    run = start(lambda: camera, settings(effect=wrong))
    camera.ready.release()
    with pytest.raises(ZeroDivisionError, match="at the last frame"):
        run.wait(LONG)
    assert run.state == "failed"
    camera.ready.release()


def test_an_effect_may_stop_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_JOIN", LONG)
    answers: list[bool] = []

    def enough(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
        answers.append(run.stop())
        return frame

    slot = settings()
    run = start(FakeCamera, slot)
    slot.change(effect=enough)
    assert run.wait(LONG / 2), "the two threads do not wait for each other"
    assert answers == [False], "it cannot have ended yet"
    assert (run.state, run.error) == ("stopped", None)


def test_stop_leaves_an_effect_that_hangs_behind() -> None:
    asked, answer = threading.Event(), threading.Event()

    def hangs(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
        asked.set()
        answer.wait(LONG)
        return frame

    log: list[str] = []
    screen = FakeScreen()
    run = start(lambda: FakeCamera(log=log), settings(effect=hangs), screen=screen)
    assert asked.wait(LONG)
    assert run.stop() is False
    wait_until(lambda: log == ["open camera", "close camera"])
    answer.set()
    assert run.wait(LONG)
    assert screen.pictures == []
    wait_until(lambda: not threads_of("shows"))


# ---- settings ----------------------------------------------------------------------------------------------


def test_a_change_takes_effect_on_the_next_frame() -> None:
    camera = Stepped()
    slot = settings()
    run = start(lambda: camera, slot)

    def step() -> Picture:
        made = run.made.count
        camera.ready.release()
        wait_until(lambda: run.made.count > made)
        assert run.picture is not None
        return run.picture

    assert step().output.mean() == 0
    slot.change(effect=seglib.Replace("white"))
    assert step().output[:, -8:].min() == 255
    slot.change(panes=("input", "labels"))
    assert step().labels is not None
    slot.change(effect=None, panes=("result",))
    assert step().labels is None


def test_where_there_are_two_classes_the_mask_tells_the_labels() -> None:
    frame, model = seglib.sample_frame(), seglib.load_model("portrait")
    raw = model.mask(frame, size=small_view(frame).shape[1::-1])
    theirs = model.labels(frame)
    ours = find_labels(model, frame, [15], raw)
    assert ours.dtype == np.uint8
    assert set(np.unique(ours)) == {0, 15}
    assert (ours == theirs).mean() > 0.999
    np.testing.assert_array_equal(find_labels(model, frame, [0, 15], raw), theirs)


def test_the_mirror_swaps_left_and_right_of_frame_and_mask() -> None:
    ramp = np.repeat(np.arange(64, dtype=np.uint8)[None, :, None], 48, axis=0).repeat(3, axis=2)

    class Ramp(FakeCamera):
        def read(self) -> np.ndarray | None:
            time.sleep(0.001)
            return ramp

    run = start(Ramp, settings(mirror=True), frames=2)
    assert run.wait(LONG)
    assert run.picture is not None
    np.testing.assert_array_equal(run.picture.output, np.fliplr(ramp))


def test_the_mirror_turns_the_past_too() -> None:
    """Two greys so near each other that the mask's past would count: it must not show on the wrong side."""

    class Bright(FakeModel):
        def mask(self, frame: np.ndarray, keep: Any = None, size: Any = None) -> np.ndarray:
            return (frame[..., 0] > 92).astype(np.float32)

    frame = np.full(SHAPE, 90, np.uint8)
    frame[:, :32] = 94
    walk, chosen = Walk(), Settings(model=Bright(), effect=None, smoothing=0.9)
    for number in range(5):
        walk(frame, chosen, 10 + number / 30)
    mask = walk(frame, replace(chosen, mirror=True), 10 + 5 / 30).mask
    assert mask[:, :16].max() == 0
    assert mask[:, 48:].min() == 1


def test_a_value_that_does_not_fit_is_told_at_once_and_changes_nothing() -> None:
    slot = settings(threshold=0.4)
    for wrong, message in (
        ({"threshold": 1.5}, "threshold is 1.5"),
        ({"feather": -1}, "feather is -1"),
        ({"smoothing": 1.0}, "smoothing is 1.0"),
        ({"panes": ()}, "panes are"),
        ({"panes": ("result", "masks")}, "must be one or more of input, labels, mask, result"),
        ({"keep": ("persons",)}, "unknown class 'persons'; known are person"),
    ):
        with pytest.raises(ValueError, match=message):
            slot.change(**({"threshold": 0.6} | wrong))
    with pytest.raises(TypeError, match="effect is 3, but must be callable"):
        slot.change(effect=3)
    assert slot.get().threshold == 0.4


def test_the_past_fades_with_time_and_not_with_frames() -> None:
    """Where nothing moves, a mask that has gone leaves the same trace after 0.1 s, at 30 frames a second or at 10."""
    traces = []
    for frames in (3, 1):
        walk = Walk()
        model = FakeModel()
        chosen = Settings(model=model, effect=None, smoothing=0.8)
        for number in range(3):
            walk(np.full(SHAPE, 90, np.uint8), chosen, 10 + number / 30)
        model.mask = lambda frame, keep=None, size=None: np.zeros(frame.shape[:2], np.float32)  # type: ignore[method-assign]
        for number in range(1, frames + 1):
            picture = walk(np.full(SHAPE, 90, np.uint8), chosen, 10 + 2 / 30 + 0.1 * number / frames)
        traces.append(picture.mask[:, :16].mean())
    assert traces[0] == pytest.approx(0.8**3, rel=0.02)
    assert traces[1] == pytest.approx(traces[0], rel=0.02)


def test_words_stand_for_effects() -> None:
    frame, mask = seglib.sample_frame(), seglib.sample_mask()
    assert make_effect("none") is None
    assert make_effect(None) is None
    blur = make_effect("blur", strength=2)
    assert blur is not None
    np.testing.assert_array_equal(blur(frame, mask), seglib.blur_background(frame, mask, sigma=16))
    replace = make_effect("substitute", background="navy")
    assert replace is not None
    np.testing.assert_array_equal(replace(frame, mask), seglib.replace_background(frame, mask, "navy"))
    assert make_effect(seglib.Blur) is seglib.Blur
    with pytest.raises(ValueError, match="effect is 'blurr', but must be none, blur, substitute"):
        make_effect("blurr")


# ---- what the page gets ------------------------------------------------------------------------------------


def test_the_jpeg_shows_the_panes_in_their_order_and_colours() -> None:
    red = np.zeros(SHAPE, np.uint8)
    red[:] = (200, 20, 40)
    mask = np.ones(SHAPE[:2], np.float32)
    labels = np.full(SHAPE[:2], 15, np.uint8)
    picture = Picture(red, mask, red[..., ::-1].copy(), labels)
    jpeg = encode_jpeg(lay_out(picture, ("input", "result", "mask", "labels")))
    with Image.open(io.BytesIO(jpeg)) as image:
        seen = np.asarray(image.convert("RGB")).astype(int)
    assert seen.shape == (96, 128, 3)
    for (y, x), colour in {
        (20, 30): (200, 20, 40),
        (20, 94): (40, 20, 200),
        (70, 30): (255, 255, 255),
        (70, 94): (192, 128, 128),
    }.items():
        assert np.abs(seen[y, x] - colour).max() < 12


def test_no_more_pixels_are_sent_than_the_page_shows() -> None:
    frame = np.zeros((480, 640, 3), np.uint8)
    picture = Picture(frame, np.zeros((480, 640), np.float32), frame)
    assert lay_out(picture, ("result",)).shape == (480, 640, 3)
    assert lay_out(picture, ("result",), width=320).shape == (240, 320, 3)
    assert lay_out(picture, ("result", "mask"), width=400).shape == (150, 400, 3)
    assert lay_out(picture, ("result",), width=2000).shape == (480, 640, 3)


def test_a_screen_gets_every_picture_that_it_has_room_for() -> None:
    screen = FakeScreen()
    run = start(FakeCamera, settings(panes=("result", "mask")), screen=screen, frames=5)
    assert run.wait(LONG)
    assert len(screen.pictures) == 5
    assert screen.pictures[0][1] == ("result", "mask")
    assert screen.pictures[-1][0] == run.jpeg


def test_nothing_is_sent_where_nobody_watches_and_after_a_while_the_camera_is_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "UNWATCHED", 0.3)
    log: list[str] = []
    screen = FakeScreen(views=0)
    run = start(lambda: FakeCamera(log=log), screen=screen)
    assert run.wait(LONG)
    assert run.message == "Stopped, since no page has shown the picture for a minute."
    assert screen.pictures == []
    wait_until(lambda: log == ["open camera", "close camera"])


# ---- what goes wrong ---------------------------------------------------------------------------------------


def test_what_an_effect_raises_is_raised_to_the_user_and_the_camera_is_free() -> None:
    calls: list[int] = []

    def wrong(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
        calls.append(1)
        if len(calls) > 3:
            raise ZeroDivisionError("my own mistake")
        return frame

    log: list[str] = []
    run = start(lambda: FakeCamera(log=log), settings(effect=wrong))
    with pytest.raises(ZeroDivisionError, match="my own mistake") as caught:
        run.wait(LONG)
    assert "raised by the effect at frame" in caught.value.__notes__[0]
    assert run.state == "failed"
    assert run.message == "ZeroDivisionError: my own mistake"
    assert run.picture is not None, "the last picture is kept"
    wait_until(lambda: log == ["open camera", "close camera"])


@pytest.mark.parametrize(
    ("effect", "error", "message"),
    [
        (lambda frame, mask: None, TypeError, "effect returned NoneType, not an array"),
        (lambda frame, mask: frame[:10], ValueError, r"effect returned \(10, 64, 3\) uint8, not \(48, 64, 3\)"),
        (lambda frame, mask: frame / 255, ValueError, r"float64, not \(48, 64, 3\) uint8"),
    ],
)
def test_an_effect_that_returns_something_else_is_told(effect: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        start(FakeCamera, settings(effect=effect)).wait(LONG)


def test_no_camera_is_an_error_at_the_start() -> None:
    def none() -> Source:
        raise CameraUnavailable("camera 0 could not be opened.\nTry this.\nOr that.")

    run = start(none)
    with pytest.raises(CameraUnavailable, match="could not be opened"):
        run.wait(LONG)
    assert run.state == "failed"
    assert run.message.splitlines() == ["camera 0 could not be opened.", "Try this.", "Or that."]


def test_a_camera_that_is_unplugged_is_tried_again_until_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grab, "RETRY", 0.02)
    log: list[str] = []
    back = threading.Event()

    class Loose(FakeCamera):
        def read(self) -> np.ndarray | None:
            if self.given == 3 and not back.is_set():
                raise CameraUnavailable("camera stopped giving frames; is it still plugged in?\nmore")
            return super().read()

    def open_camera() -> Source:
        if log and not back.is_set():
            raise CameraUnavailable("camera 0 could not be opened.\nmore")
        return Loose(log=log)

    run = start(open_camera)
    wait_until(lambda: run.state == "waiting")
    wait_until(lambda: "could not be opened" in run.message)
    assert run.message == "Camera 0 could not be opened. Trying again every second."
    assert run.picture is not None
    assert log == ["open camera", "close camera"]
    back.set()
    made = run.made.count
    wait_until(lambda: run.made.count > made and run.state == "running")
    run.stop()
    wait_until(lambda: log == ["open camera", "close camera"] * 2)


def test_stop_works_while_a_camera_is_away() -> None:
    class Gone(FakeCamera):
        def read(self) -> np.ndarray | None:
            if self.given == 1:
                raise CameraUnavailable("gone")
            return super().read()

    run = start(Gone)
    wait_until(lambda: run.state == "waiting")
    run.stop()
    assert run.wait(LONG)
    assert run.state == "stopped"


def test_a_camera_that_stalls_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "STALLED", 0.05)
    camera = Stepped()
    run = start(lambda: camera)
    camera.ready.release()
    wait_until(lambda: run.state == "waiting")
    assert run.message.startswith("No new picture for 0 s.")
    assert run.picture is not None
    camera.ready.release()
    wait_until(lambda: run.state == "running" and run.made.count == 2)
    run.stop()
    camera.ready.release()


def test_a_broken_file_is_told() -> None:
    with pytest.raises(SourceError, match=r"missing\.mp4 does not exist"):
        start("missing.mp4").wait(LONG)


# ---- models ------------------------------------------------------------------------------------------------


@pytest.fixture
def loading(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Stands in for load_model: a name is loaded when the test puts a model, or an error, there."""
    shelf: dict[str, Any] = {}
    for table in ("_loaded", "_loading", "_failed"):
        monkeypatch.setattr(models, table, {})

    def load_model(name: str, **options: Any) -> Any:
        assert options == {"precision": "half", "progress": False}
        wait_until(lambda: name in shelf)
        if isinstance(shelf[name], Exception):
            raise shelf[name]
        return shelf[name]

    monkeypatch.setattr("seglib.predict.load_model", load_model)
    return shelf


def test_a_model_is_loaded_beside_the_loop(loading: dict[str, Any]) -> None:
    run = start(FakeCamera, settings(model="portrait"))
    wait_until(lambda: run.message == "Loading portrait.")
    assert run.picture is None, "a picture that is not blurred yet is not shown"
    loading["portrait"] = FakeModel()
    wait_until(lambda: run.made.count > 3)
    run.settings.change(model="fcn_resnet50")
    wait_until(lambda: "Loading fcn_resnet50" in run.message)
    made = run.made.count
    wait_until(lambda: run.made.count > made + 3)  # the old one goes on meanwhile
    loading["fcn_resnet50"] = FakeModel()
    wait_until(lambda: "Loading" not in run.message)
    assert threads_of("loads") == []


def test_stop_does_not_wait_for_a_model_that_is_being_loaded(loading: dict[str, Any]) -> None:
    run = start(FakeCamera, settings(model="portrait"))
    wait_until(lambda: run.message == "Loading portrait.")
    run.stop()
    assert run.wait(LONG)
    loading["portrait"] = FakeModel()


def test_a_model_that_cannot_be_had_leaves_the_old_one_at_work(loading: dict[str, Any]) -> None:
    loading["fcn_resnet50"] = WeightsUnavailable("fcn_resnet50 is not here.\nmore")
    run = start(FakeCamera)
    wait_until(lambda: run.made.count > 0)
    run.settings.change(model="fcn_resnet50")
    wait_until(lambda: "Going on with fake: fcn_resnet50 is not here." in run.message)
    made = run.made.count
    wait_until(lambda: run.made.count > made)
    with pytest.raises(WeightsUnavailable):
        start(FakeCamera, settings(model="fcn_resnet50")).wait(LONG)


def test_classes_that_a_model_does_not_know_are_told_and_not_warned_about(recwarn: pytest.WarningsRecorder) -> None:
    run = start(FakeCamera, settings(keep=("person", "cat")), frames=2)
    assert run.wait(LONG)
    run = start(FakeCamera, settings(keep=("cat",), effect=seglib.Replace("white")))
    wait_until(lambda: run.made.count)
    assert "Fake knows no cat." in run.message
    assert run.picture is not None
    assert run.picture.output.min() == 255, "an empty mask"
    assert [str(warning.message) for warning in recwarn] == []


# ---- slow models -------------------------------------------------------------------------------------------


class ByHand(FakeModel):
    """Predicts the exact mask of a frame of the clip, each time that the test allows it."""

    def __init__(self, frames: list[np.ndarray], masks: list[np.ndarray]) -> None:
        self.frames, self.masks = frames, masks
        self.allowed = threading.Semaphore(0)
        self.asked = threading.Semaphore(0)

    def mask(self, frame: np.ndarray, keep: Any = None, size: Any = None) -> np.ndarray:
        self.asked.release()
        assert self.allowed.acquire(timeout=LONG)
        (number,) = [number for number, known in enumerate(self.frames) if np.array_equal(known, frame)]
        return cv2.resize(self.masks[number], size, interpolation=cv2.INTER_AREA) if size else self.masks[number]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ByHand, Walk, Settings]]:
    """Every model counts as slow, and this one has made its first prediction: of frame 0."""
    monkeypatch.setattr(Pace, "is_slow", lambda pace, model: True)
    with open_source("clip") as clip:
        frames = list(islice(clip, 48, 60))  # where she moves most
    model = ByHand(frames, list(islice(seglib.sample_clip_masks(), 48, 60)))
    walk, chosen = Walk(), Settings(model=model, effect=None, smoothing=0.0)
    model.allowed.release()
    walk(frames[0], chosen, 0.0)
    yield model, walk, chosen
    walk.find.close()
    model.allowed.release(20)


def test_the_mask_follows_the_picture_while_a_slow_model_predicts(slow: tuple[ByHand, Walk, Settings]) -> None:
    model, walk, chosen = slow
    for number in range(1, 12):  # no prediction comes in all this time
        picture = walk(model.frames[number], chosen, number / 30)
    assert picture is not None
    held = seglib.iou(seglib.clean_mask(model.masks[0], model.frames[0]), model.masks[11])
    followed = seglib.iou(picture.mask, model.masks[11])
    assert followed > 0.85 > 0.7 > held


def test_a_prediction_that_arrives_late_is_carried_to_the_present(slow: tuple[ByHand, Walk, Settings]) -> None:
    model, walk, chosen = slow
    assert model.asked.acquire(timeout=LONG), "of frame 0, and so of none below"
    walk.find._last = replace(walk.find._last, mask=np.zeros_like(walk.find._last.mask))  # it had found nobody
    for number in range(1, 12):
        picture = walk(model.frames[number], chosen, number / 30)
        if number == 1:
            assert model.asked.acquire(timeout=LONG)
            assert picture is not None
            assert picture.mask.max() == 0
        if number == 6:
            model.allowed.release()  # the prediction of frame 1 is there, and no other
            wait_until(lambda: walk.find._beside._done._item is not None)
    assert picture is not None
    held = seglib.iou(model.masks[1], model.masks[11])
    assert seglib.iou(picture.mask, model.masks[11]) > held + 0.1


def test_what_a_slow_model_raises_is_raised_to_the_user(slow: tuple[ByHand, Walk, Settings]) -> None:
    model, walk, chosen = slow
    model.masks.clear()
    model.allowed.release(5)
    with pytest.raises(IndexError):
        for _ in range(1000):
            walk(model.frames[1], chosen, 0.1)
            time.sleep(0.01)


def test_the_mirror_turns_the_past_of_a_slow_model_too(slow: tuple[ByHand, Walk, Settings]) -> None:
    model, walk, chosen = slow
    picture = walk(model.frames[1], replace(chosen, mirror=True), 0.1)
    assert picture is not None
    assert seglib.iou(picture.mask, np.ascontiguousarray(model.masks[1][:, ::-1])) > 0.95


def test_a_model_is_slow_or_quick_as_its_last_predictions_were() -> None:
    pace, model = Pace(), object()
    assert pace.is_slow(model) is None
    pace.note(model, 9.0)
    assert pace.is_slow(model) is None, "what is prepared in the first one takes long"
    for seconds, slow in ((0.01, False), (0.2, False), (1.0, True), (0.2, True), (0.01, False)):
        for _ in range(5):
            pace.note(model, seconds)
        assert pace.is_slow(model) is slow, "in the middle it stays as it was: to and fro would be seen"
    other = object()
    assert pace.is_slow(other) is None
    pace.note(other, 0.01)
    assert pace.is_slow(other) is False


# ---- recording ---------------------------------------------------------------------------------------------


def test_a_recording_keeps_the_true_times(tmp_path: Path) -> None:
    path = tmp_path / "recorded.mp4"
    recorder = Recorder(path)
    moments = [100.0, 100.05, 100.125, 100.5, 100.501]
    for number, moment in enumerate(moments):
        assert recorder.write(np.full((48, 64, 3), 40 * number, np.uint8), moment)
    assert recorder.write(np.zeros((20, 20, 3), np.uint8), 101.0) is False, "another size is another film"
    recorder.finish()
    assert recorder.wait(LONG)
    assert recorder.error is None
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        times = [picture.time for picture in container.decode(video=0)]
    np.testing.assert_allclose(times, np.array(moments) - 100, atol=1e-4)
    assert (recorder.frames, recorder.dropped) == (5, 0)


def test_a_loop_records_until_it_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "out" / "recorded.mp4"
    done: list[Recorder] = []
    run = start(FakeCamera, settings(effect=seglib.Replace("white")))
    wait_until(lambda: run.made.count)
    run.start_recording(path, done.append)
    recorder = run.recorder
    assert recorder is not None
    wait_until(lambda: recorder.frames > 4)
    run.stop()
    wait_until(lambda: done)
    with open_source(path) as frames:
        read = list(frames)
    assert len(read) == recorder.frames
    assert read[0].shape == SHAPE


def test_a_recording_goes_on_where_nobody_watches(tmp_path: Path) -> None:
    screen = FakeScreen(views=0)
    run = start(FakeCamera, screen=screen)
    run.start_recording(tmp_path / "alone.mp4")
    recorder = run.recorder
    assert recorder is not None
    wait_until(lambda: recorder.frames > 5)
    run.stop()
    assert recorder.wait(LONG)
    assert screen.pictures == []


def test_a_recording_that_cannot_be_written_stops_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Any, frame: np.ndarray, seconds: float | None = None) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("seglib.video.writer.VideoWriter.write", full)
    done: list[Recorder] = []
    run = start(FakeCamera)
    run.start_recording(tmp_path / "full.mp4", done.append)
    wait_until(lambda: done)
    assert "No space left" in str(done[0].error)
    assert run.recorder is None
    made = run.made.count
    wait_until(lambda: run.made.count > made)
    assert list(tmp_path.iterdir()) == []


# ---- flow control ------------------------------------------------------------------------------------------


def flow_with(*views: str) -> FlowControl:
    flow = FlowControl()
    for view in views:
        assert flow.hear(view, drawn=0)
    return flow


def test_without_a_view_there_is_no_room() -> None:
    assert not FlowControl().wait_for_room(0)


def test_two_pictures_may_be_under_way_and_no_third() -> None:
    flow = flow_with("a")
    numbers = []
    while flow.wait_for_room(0):
        numbers.append(flow.sending(time.perf_counter()))
    assert numbers == [1, 2]
    assert not flow.hear("a", drawn=1)
    assert flow.in_flight == 1
    assert flow.wait_for_room(0)
    assert flow.shown.count == 1


def test_a_quick_page_may_allow_more_and_the_smallest_room_counts() -> None:
    flow = flow_with("a")
    flow.hear("a", drawn=0, room=4)
    while flow.wait_for_room(0):
        flow.sending(time.perf_counter())
    assert flow.in_flight == 4
    flow.hear("a", drawn=2, room=4)
    assert flow.wait_for_room(0, 2)
    assert not flow.wait_for_room(0, 3)
    flow.hear("b", drawn=4, room=2)
    assert not flow.wait_for_room(0)
    flow.leave("b")
    assert flow.wait_for_room(0)


def test_the_latency_is_that_of_the_picture_which_the_news_is_of() -> None:
    flow = flow_with("a")
    now = time.perf_counter()
    flow.sending(now - 1000)
    flow.sending(now)
    flow.hear("a", drawn=2)
    assert flow.shown.count == 2
    assert flow.meter.milliseconds()["capture to shown"] < 100_000


def test_the_slowest_view_sets_the_pace() -> None:
    flow = flow_with("a", "b")
    for _ in range(2):
        flow.sending(0.0)
    flow.hear("a", drawn=2)
    assert flow.in_flight == 2
    flow.hear("b", drawn=1)
    assert flow.in_flight == 1
    flow.leave("b")
    assert flow.in_flight == 0
    assert flow.views == 1


def test_a_view_that_falls_silent_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    flow = flow_with("a", "b")
    for _ in range(2):
        flow.sending(0.0)
    flow.hear("a", drawn=2)
    monkeypatch.setattr(screen, "GONE", 0.05)
    time.sleep(0.06)
    flow.hear("a", drawn=2)
    assert flow.wait_for_room(0)
    assert flow.views == 1
    assert flow.hear("b", drawn=0), "it counts again when it speaks"
    flow.sending(0.0)
    flow.hear("a", drawn=3)
    flow.hear("b", drawn=3)
    assert flow.in_flight == 0


def test_a_new_view_answers_only_for_what_was_sent_after_it_came() -> None:
    flow = flow_with("a")
    flow.sending(0.0)
    flow.hear("b", drawn=0)
    flow.hear("b", drawn=0)  # its second heartbeat still knows nothing
    flow.hear("a", drawn=1)
    assert flow.in_flight == 0


def test_a_message_that_got_lost_stops_the_picture_only_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    flow = flow_with("a")
    for _ in range(2):
        flow.sending(0.0)
    flow.hear("a", drawn=0)
    assert not flow.wait_for_room(0)
    monkeypatch.setattr(screen, "LOST", 0.01)
    time.sleep(0.02)
    assert flow.wait_for_room(0)


def test_hidden_tabs_get_few_pictures() -> None:
    flow = flow_with("a")
    flow.hear("a", drawn=0, hidden=True)
    flow.sending(0.0)
    flow.hear("a", drawn=1, hidden=True)
    assert not flow.wait_for_room(0)
    flow.hear("a", drawn=1, hidden=False)
    assert flow.wait_for_room(0)


def test_waiting_for_room_ends_when_the_page_answers() -> None:
    flow = flow_with("a")
    for _ in range(2):
        flow.sending(0.0)
    threading.Timer(0.05, flow.hear, ("a", 2)).start()
    assert flow.wait_for_room(LONG)


def test_the_widest_view_says_how_many_pixels_are_enough() -> None:
    flow = flow_with("a")
    assert flow.width is None
    flow.hear("a", 0, width=600)
    flow.hear("b", 0, width=900)
    flow.hear("b", 0, width=0)  # scrolled away
    assert flow.width == 900
    flow.leave("b")
    assert flow.width == 600


# ---- counters and sources ----------------------------------------------------------------------------------


def test_a_meter_remembers_a_bounded_number_of_times() -> None:
    meter = RollingStopwatch()
    for number in range(5000):
        meter.add("stage", number / 1000)
    assert meter.milliseconds()["stage"] > 4800
    assert sum(len(values) for values in meter.seconds.values()) < 1000


def test_a_rate_counts_the_last_seconds() -> None:
    rate = Rate()
    assert rate.per_second() == 0
    now = time.perf_counter()
    rate._moments.extend(now - 2 + number / 10 for number in range(1, 21))
    assert rate.per_second() == pytest.approx(10, rel=0.1)


def test_auto_says_which_source_it_became(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setenv("SEGLIB_SOURCE", "clip")
    with sources.opener("auto")() as source:
        assert sources.describe(source) == "The recorded clip."
    monkeypatch.delenv("SEGLIB_SOURCE")

    def no_camera(number: int) -> Any:
        raise CameraUnavailable(f"camera {number} could not be opened.\nmore")

    monkeypatch.setattr("seglib.capture.sources.start_camera", no_camera)
    with sources.opener("auto")() as source:
        assert sources.describe(source) == "The recorded clip, since camera 0 could not be opened."
    assert capsys.readouterr().out == "", "a thread that prints would print into some other cell"


def test_the_clip_runs_through_the_real_model() -> None:
    slot = Slot(Settings(effect=seglib.Blur()))
    run = start("clip", slot, frames=3)
    assert run.wait(LONG)
    assert run.picture is not None
    assert run.picture.output.shape == (480, 640, 3)
    assert run.picture.mask.mean() > 0.05
    assert set(run.stats()["stages"]) >= {"predict", "clean", "mask", "effect", "encode", "capture to encoded"}


# ---- long --------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_two_thousand_frames_need_no_more_memory_than_two_hundred() -> None:
    process = psutil.Process()
    flow = FlowControl()

    class Answering(FakeScreen):
        def wait_for_room(self, timeout: float, wanted: int = 1) -> bool:
            return flow.wait_for_room(timeout, wanted)

        def show(self, jpeg: bytes, taken: float, panes: tuple[str, ...]) -> None:
            flow.hear("a", flow.sending(taken))

    flow.hear("a", 0)
    run = start("clip", settings(effect=seglib.Replace("navy")), screen=Answering())
    run.grabber._due = -1e9
    wait_until(lambda: run.made.count > 200)
    before = process.memory_info().rss
    end = time.monotonic() + 600
    while run.made.count < 2200:
        assert time.monotonic() < end
        assert run.alive
        time.sleep(0.1)
    assert process.memory_info().rss - before < 30e6


def test_fractions_are_times_too(tmp_path: Path) -> None:
    """The writer's own times, without the recorder: 29.97 frames a second stay 29.97."""
    path = tmp_path / "ntsc.mp4"
    with seglib.video.VideoWriter(path, fps=30) as video:
        for number in range(6):
            video.write(np.full((32, 32, 3), 30 * number, np.uint8), seconds=float(Fraction(1001 * number, 30000)))
    with av.open(str(path)) as container:
        times = [picture.time for picture in container.decode(video=0)]
    np.testing.assert_allclose(times, [1001 * number / 30000 for number in range(6)], atol=2e-5)
