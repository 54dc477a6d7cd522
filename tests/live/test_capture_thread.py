"""The thread that reads a source and keeps the newest frame."""

import time
from pathlib import Path

import numpy as np
import pytest
from live_fakes import DEADLINE, SHAPE, FakeCamera, SteppedCamera, number_of, wait_until

import seglib
from seglib import CameraUnavailable
from seglib.capture.base import Source
from seglib.live.capture_thread import CaptureThread
from seglib.live.source_choice import opener


def started(*arguments: object, **options: object) -> CaptureThread:
    capture = CaptureThread(*arguments, **options)  # type: ignore[arg-type]
    capture.start()
    return capture


def test_only_the_newest_frame_is_kept() -> None:
    capture = started(FakeCamera)
    wait_until(lambda: capture.count > 10)
    captured = capture.latest.take()
    assert captured is not None
    assert captured.number == number_of(captured.frame) >= 9
    assert capture.latest.dropped >= 9
    capture.stop()
    assert capture.join(DEADLINE)
    assert capture.ended


def test_a_source_that_waits_is_interrupted() -> None:
    class Polite(SteppedCamera):
        def read(self) -> np.ndarray | None:
            self._steps.acquire()
            return None

        def interrupt(self) -> None:
            self.step()

    log: list[str] = []
    capture = started(lambda: Polite(log=log))
    wait_until(lambda: capture.source is not None)
    capture.stop()
    assert capture.join(DEADLINE)
    assert log == ["open fake camera", "close fake camera"]


def test_a_source_may_say_when_its_frame_was_captured() -> None:
    class Late(FakeCamera):
        captured = 12.5

    capture = started(Late)
    captured = capture.latest.take(DEADLINE)
    capture.stop()
    assert captured is not None
    assert captured.time == 12.5


def test_a_file_plays_at_its_own_rate_and_again(tmp_path: Path) -> None:
    path = tmp_path / "short.mp4"
    with seglib.video.VideoWriter(path, fps=20) as video:
        for number in range(5):
            video.write(np.full((32, 32, 3), 50 * number, np.uint8))
    began = time.perf_counter()
    once = started(opener(path), repeat=False)
    wait_until(lambda: once.ended)
    assert once.count == 5
    assert time.perf_counter() - began > 4 / 20, "a busy machine only makes it slower"
    again = started(opener(path))
    wait_until(lambda: again.latest.take() and again.count > 6)
    again.stop()


def test_a_file_is_held_while_nobody_takes_its_frames() -> None:
    capture = started(opener("clip"))
    taken = capture.latest.take(DEADLINE)
    began = capture.count
    wait_until(lambda: time.perf_counter() - capture.last > 1)  # 30 frames long
    assert capture.count - began < 25
    held = capture.latest.take()
    again = capture.latest.take(DEADLINE)
    capture.stop()
    assert taken
    assert held
    assert again
    assert taken.number < held.number < again.number


def test_an_image_is_repeated(tmp_path: Path) -> None:
    path = seglib.write_image(tmp_path / "still.png", np.full(SHAPE, 7, np.uint8))
    capture = started(opener(path))
    wait_until(lambda: capture.count == 3)
    captured = capture.latest.take(DEADLINE)
    capture.stop()
    assert captured is not None
    assert (captured.frame == 7).all()


def test_a_camera_that_is_unplugged_is_opened_again_until_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seglib.live.capture_thread.RETRY", 0.005)
    log: list[str] = []
    attempts: list[int] = []

    class Loose(FakeCamera):
        def read(self) -> np.ndarray | None:
            if self.count == 3 and not attempts:
                raise CameraUnavailable("it stopped giving frames\nmore")
            return super().read()

    def open_camera() -> Source:
        if log and len(attempts) < 3:
            attempts.append(1)
            raise CameraUnavailable("it could not be opened\nmore")
        return Loose(log=log)

    sources: list[object] = []
    capture = started(open_camera, on_source=sources.append)
    wait_until(lambda: capture.count > 5)
    capture.stop()
    assert capture.join(DEADLINE)
    assert log == ["open fake camera", "close fake camera"] * 2
    assert [source is None for source in sources] == [False, True, True, True, True, False, True]
    assert capture.lost == ""


@pytest.mark.parametrize(
    ("source", "error"), [("missing.mp4", seglib.SourceError), (SteppedCamera(), TypeError)], ids=["file", "function"]
)
def test_what_cannot_be_opened_at_first_is_an_error(source: object, error: type[Exception]) -> None:
    capture = started(opener(source) if isinstance(source, str) else (lambda: source()))  # type: ignore[operator]
    wait_until(lambda: capture.ended)
    assert isinstance(capture.error, error)
