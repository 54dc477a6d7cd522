"""Cameras with drivers that misbehave. No test opens a real camera."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import seglib
from seglib import CameraUnavailable, open_source
from seglib.capture import camera

HUBS = ("JUPYTERHUB_USER", "BINDER_SERVICE_HOST", "COLAB_RELEASE_TAG")
BGR = np.zeros((48, 64, 3), np.uint8)
BGR[..., 0], BGR[..., 2] = 200, 30  # blue 200, red 30


class FakeCamera:
    """Stands in for cv2.VideoCapture. Subclasses are drivers with manners of their own."""

    opened: "list[FakeCamera]"  # every camera of the test, set by the fixture

    def __init__(self, number: int, backend: int) -> None:
        self.number, self.backend = number, backend
        self.asked: list[tuple[int, float]] = []
        self.reads = 0
        self.released = threading.Event()
        self.opened.append(self)

    def isOpened(self) -> bool:
        return not self.released.is_set()

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
        assert self.isOpened(), "read after release"
        self.reads += 1
        return True, BGR + np.uint8(self.reads)

    def set(self, what: int, value: float) -> bool:
        assert self.isOpened()
        self.asked.append((what, value))
        return True

    def get(self, what: int) -> float:
        return 29.97 if what == cv2.CAP_PROP_FPS else 0.0

    def release(self) -> None:
        self.released.set()


class Missing(FakeCamera):
    def isOpened(self) -> bool:
        return False


class Dark(FakeCamera):
    """Opens, but is in use by another program: no frame comes."""

    def read(self) -> tuple[bool, None]:
        return False, None


class Black(FakeCamera):
    """The lens is covered."""

    def read(self) -> tuple[bool, NDArray[np.uint8]]:
        return True, np.zeros_like(BGR)


class Unplugged(FakeCamera):
    """Pulled out after three frames."""

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
        return super().read() if self.reads < 3 else (False, None)


class Hanging(FakeCamera):
    """A driver that answers only when the test lets it."""

    answer: threading.Event

    def __init__(self, number: int, backend: int) -> None:
        super().__init__(number, backend)
        self.answer.wait(60)


Plug = Callable[[type[FakeCamera]], list[FakeCamera]]


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Iterator[Plug]:
    """Plug a fake camera in; returns the list in which every opened one appears."""
    monkeypatch.delenv("SEGLIB_SOURCE", raising=False)
    Hanging.answer = threading.Event()

    def plug(kind: type[FakeCamera]) -> list[FakeCamera]:
        FakeCamera.opened = []
        monkeypatch.setattr(cv2, "VideoCapture", kind)
        return FakeCamera.opened

    plug(Missing)  # whatever a test forgets, no real camera is opened
    yield plug
    Hanging.answer.set()
    for thread in threading.enumerate():
        if thread.name.startswith("open camera"):
            thread.join(20)


def why_not(source: int | str = 0) -> str:
    with pytest.raises(CameraUnavailable) as caught:
        open_source(source)
    return "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])


# ---- a camera that works -----------------------------------------------------------------------------------


def test_frames_are_rgb_and_the_first_one_is_not_lost(plug: Plug) -> None:
    cameras = plug(FakeCamera)
    with open_source(2) as frames:
        assert frames.name == "camera 2"
        assert frames.fps == 29.97
        for count in (1, 2, 3):
            frame = next(frames)
            assert frame.dtype == np.uint8
            np.testing.assert_array_equal(frame, (BGR + np.uint8(count))[..., ::-1])
    assert [fake.number for fake in cameras] == [2]
    assert cameras[0].released.is_set()
    assert list(frames) == [], "after the with block there are no frames"


@pytest.mark.parametrize(
    ("image", "rgb"),
    [
        (np.full((48, 64), 90, np.uint8), (90, 90, 90)),
        (np.full((48, 64, 1), 90, np.uint8), (90, 90, 90)),
        (np.full((48, 64, 2), (100, 128), np.uint8), (98, 98, 98)),  # YUYV, levels 16 to 235
        (np.full((48, 64, 4), (200, 0, 30, 255), np.uint8), (30, 0, 200)),
    ],
)
def test_frames_of_other_channels_become_rgb(plug: Plug, image: NDArray[np.uint8], rgb: tuple[int, ...]) -> None:
    class Unusual(FakeCamera):
        def read(self) -> tuple[bool, NDArray[np.uint8]]:
            return True, image

    plug(Unusual)
    with open_source(0) as frames:
        np.testing.assert_array_equal(next(frames), np.full((48, 64, 3), rgb, np.uint8))


MJPG = (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))


@pytest.mark.parametrize("asked", [{}, {"camera_size": (640, 360)}, {"camera_size": None}])
def test_a_size_is_asked_for_in_motion_jpeg(plug: Plug, asked: dict[str, tuple[int, int] | None]) -> None:
    cameras = plug(FakeCamera)
    open_source(0, **asked).close()
    open_source("auto", **asked).close()
    width_height = asked.get("camera_size", (1280, 720))
    for fake in cameras:
        if width_height is None:
            assert fake.asked == []
        else:
            assert fake.asked[0] == MJPG, "the format decides which sizes there are"
            assert set(fake.asked[1:]) == {
                (cv2.CAP_PROP_FRAME_WIDTH, width_height[0]),
                (cv2.CAP_PROP_FRAME_HEIGHT, width_height[1]),
            }


@pytest.mark.parametrize("wrong", [(0, 0), (640,), (-640, 480), 720])
def test_a_size_that_is_none_is_told_at_once(plug: Plug, wrong: object) -> None:
    cameras = plug(FakeCamera)
    with pytest.raises(ValueError, match="camera_size"):
        open_source(0, camera_size=wrong)
    assert cameras == []


def test_a_driver_that_gives_no_frame_of_the_size_is_left_to_its_own(plug: Plug) -> None:
    class Stubborn(FakeCamera):
        def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
            return (False, None) if self.asked else super().read()

    cameras = plug(Stubborn)
    with open_source(0) as frames:
        assert next(frames).shape == (48, 64, 3)
    first, second = cameras
    assert first.released.is_set()
    assert second.asked == []


def test_windows_tries_media_foundation_without_its_slow_search_then_directshow(
    plug: Plug, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OnlyDirectShow(FakeCamera):
        def isOpened(self) -> bool:
            assert os.environ["OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS"] == "0"
            return self.backend == cv2.CAP_DSHOW and super().isOpened()

    monkeypatch.setattr(sys, "platform", "win32")
    cameras = plug(OnlyDirectShow)
    with open_source(0) as frames:
        next(frames)
    assert [fake.backend for fake in cameras] == [cv2.CAP_MSMF, cv2.CAP_DSHOW]


def test_macos_is_not_asked_for_permission_from_a_thread(plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Mac(FakeCamera):
        def isOpened(self) -> bool:
            asked.append(os.environ.get("OPENCV_AVFOUNDATION_SKIP_AUTH"))
            return False

    monkeypatch.setattr(sys, "platform", "darwin")
    for hub in HUBS:
        monkeypatch.delenv(hub, raising=False)
    plug(Mac)
    assert "macOS asks" in why_not()
    assert asked == ["1"]


def test_a_black_frame_is_a_frame(plug: Plug) -> None:
    plug(Black)
    with open_source(0) as frames:
        assert [next(frames).max() for _ in range(3)] == [0, 0, 0]


@pytest.mark.parametrize("number", [0, np.int64(1)])
def test_numbers_of_numpy_are_numbers_and_an_exception_closes_the_camera(plug: Plug, number: int) -> None:
    cameras = plug(FakeCamera)
    with pytest.raises(ZeroDivisionError), open_source(number) as frames:
        next(frames)
        raise ZeroDivisionError
    assert [fake.number for fake in cameras] == [number]
    assert cameras[0].released.is_set()


@pytest.mark.parametrize("error", [KeyboardInterrupt, cv2.error])
def test_an_interrupt_while_reading_closes_the_camera(plug: Plug, error: type[BaseException]) -> None:
    class Interrupted(FakeCamera):
        def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
            if self.reads == 1:
                raise error("now")
            return super().read()

    cameras = plug(Interrupted)
    frames = open_source(0)  # without a with block
    next(frames)
    with pytest.raises(error):
        next(frames)
    assert cameras[0].released.is_set()
    assert list(frames) == []


def test_a_camera_that_nobody_refers_to_is_closed(plug: Plug) -> None:
    cameras = plug(FakeCamera)
    frames = open_source(0)
    next(frames)
    del frames  # a notebook's cell run twice
    assert cameras[0].released.wait(10)


# ---- cameras that do not work ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Missing, Dark])
def test_a_camera_without_frames_is_unavailable_and_closed(plug: Plug, kind: type[FakeCamera]) -> None:
    cameras = plug(kind)
    message = why_not(3)
    assert message.startswith("camera 3 ")
    assert "open_source('clip')" in message
    assert cameras[0].released.is_set()


@pytest.mark.parametrize("number", [-1, -100])
def test_negative_numbers_never_reach_opencv(plug: Plug, number: int) -> None:
    cameras = plug(FakeCamera)
    with pytest.raises(ValueError, match=str(number)):
        open_source(number)
    assert cameras == []


@pytest.mark.parametrize("wrong", [True, False, None, 0.0, b"clip", [0]])
def test_other_things_are_no_sources(plug: Plug, wrong: object) -> None:
    cameras = plug(FakeCamera)
    with pytest.raises(TypeError, match="'clip'"):
        open_source(wrong)
    assert cameras == []


def test_a_camera_that_is_pulled_out_raises_after_its_frames(plug: Plug) -> None:
    cameras = plug(Unplugged)
    seen = 0
    with pytest.raises(CameraUnavailable, match="camera 0"), open_source(0) as frames:
        for _ in frames:
            seen += 1
    assert seen == 3
    assert cameras[0].released.is_set()


def test_the_promised_deadline_is_kept() -> None:
    assert (5 if sys.platform == "win32" else 2) > camera.DEADLINE


def test_a_driver_that_hangs_is_given_up_and_released_when_it_answers(
    plug: Plug, monkeypatch: pytest.MonkeyPatch
) -> None:
    cameras = plug(Hanging)
    monkeypatch.setattr(camera, "DEADLINE", 0.2)
    message = why_not()  # while the driver still hangs
    assert "0.2 seconds" in message
    assert "open_source('clip')" in message
    waiting = [thread for thread in threading.enumerate() if thread.name == "open camera 0"]
    assert [thread.daemon for thread in waiting] == [True], "it does not keep the program alive"
    assert not cameras[0].released.is_set()
    Hanging.answer.set()
    assert cameras[0].released.wait(20)


def test_opencvs_own_complaints_are_off_while_it_tries_and_on_again_afterwards(plug: Plug) -> None:
    levels = []

    class Noisy(Missing):
        def __init__(self, number: int, backend: int) -> None:
            super().__init__(number, backend)
            levels.append(cv2.utils.logging.getLogLevel())

    plug(Noisy)
    before = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_INFO)
    try:
        why_not()
        levels.append(cv2.utils.logging.getLogLevel())
    finally:
        cv2.utils.logging.setLogLevel(before)
    silent, again = levels
    assert silent == cv2.utils.logging.LOG_LEVEL_SILENT
    assert again == cv2.utils.logging.LOG_LEVEL_INFO


@pytest.mark.skipif(
    sys.platform != "linux" or Path("/dev/video97").exists(), reason="needs the name of a camera that is surely missing"
)
def test_the_real_opencv_without_that_camera_says_so_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SEGLIB_SOURCE", raising=False)
    for hub in HUBS:
        monkeypatch.delenv(hub, raising=False)
    message = why_not(97)
    assert "There is no /dev/video97" in message
    assert capfd.readouterr() == ("", "")


# ---- what the message advises ------------------------------------------------------------------------------


@pytest.mark.parametrize("hub", HUBS)
def test_on_a_remote_kernel_the_message_says_whose_camera_is_meant(
    plug: Plug, monkeypatch: pytest.MonkeyPatch, hub: str
) -> None:
    monkeypatch.setenv(hub, "someone")
    message = why_not()
    assert "open_source('browser')" in message


@pytest.mark.parametrize(("platform", "words"), [("darwin", "Privacy & Security"), ("win32", "Privacy")])
def test_elsewhere_the_message_names_the_permission(
    plug: Plug, monkeypatch: pytest.MonkeyPatch, platform: str, words: str
) -> None:
    for hub in HUBS:
        monkeypatch.delenv(hub, raising=False)
    monkeypatch.setattr(sys, "platform", platform)
    assert words in why_not()


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Linux machine whose /dev is an empty folder."""
    for hub in HUBS:
        monkeypatch.delenv(hub, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(camera, "Path", lambda path: tmp_path / str(path).removeprefix("/dev").lstrip("/"))
    return tmp_path


def test_on_linux_the_message_knows_which_cameras_there_are(plug: Plug, dev: Path) -> None:
    assert "video0" in why_not(0)
    for name in ("video2", "video10", "video-special"):
        (dev / name).touch()
    assert "camera 2" in why_not(0)


def test_on_linux_the_message_tells_forbidden_from_busy(plug: Plug, dev: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (dev / "video0").touch()
    assert "Another program" in why_not(0)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert "usermod -aG video" in why_not(0)


# ---- auto and SEGLIB_SOURCE --------------------------------------------------------------------------------


def test_auto_uses_the_camera_and_says_so_in_one_line(plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    cameras = plug(FakeCamera)
    with open_source("auto") as frames:
        assert frames.name == "camera 0"
        next(frames)
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert "camera 0" in line
    assert [fake.number for fake in cameras] == [0]


@pytest.mark.parametrize("kind", [Missing, Dark, Hanging])
def test_auto_without_a_camera_says_so_in_one_line_and_plays_the_clip(
    plug: Plug, kind: type[FakeCamera], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plug(kind)
    monkeypatch.setattr(camera, "DEADLINE", 0.3)
    with open_source() as frames, open_source("clip") as clip:
        assert frames.name == clip.name == seglib.sample_clip().name
        np.testing.assert_array_equal(next(frames), next(clip))
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert "recorded clip" in line
    assert "camera 0" in line


@pytest.mark.parametrize("source", [0, 5, "auto"])
def test_the_environment_replaces_every_camera_by_the_clip(
    plug: Plug, source: int | str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cameras = plug(FakeCamera)
    monkeypatch.setenv("SEGLIB_SOURCE", "clip")
    with open_source(source) as frames:
        assert frames.name == seglib.sample_clip().name
    assert cameras == []
    assert capsys.readouterr().out == ""


def test_the_environment_may_name_a_camera_or_a_file_but_never_replaces_a_file(
    plug: Plug, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cameras = plug(FakeCamera)
    one, other = (seglib.write_image(tmp_path / name, BGR) for name in ("one.png", "other.png"))
    monkeypatch.setenv("SEGLIB_SOURCE", "3")
    open_source("auto").close()
    assert [fake.number for fake in cameras] == [3]
    monkeypatch.setenv("SEGLIB_SOURCE", str(one))
    for source, name in ((0, "one.png"), ("auto", "one.png"), (other, "other.png"), (str(other), "other.png")):
        with open_source(source) as frames:
            assert frames.name == name
    with open_source("clip") as frames:
        assert frames.name == seglib.sample_clip().name
    assert len(cameras) == 1
