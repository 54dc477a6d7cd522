"""VideoWriter and Encoding: what they leave on the disk, read back by PyAV and by OpenCV."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from films import Picture, noisy, times

import seglib
from seglib import SourceError
from seglib.video import Encoding, VideoWriter
from seglib.video.other_streams import OtherStreams

pytestmark = pytest.mark.usefixtures("nothing_is_left_running")

COLOURS = ((200, 40, 40), (40, 180, 60), (50, 60, 210), (220, 220, 90))  # of the four quarters

SmallDisk = Callable[[int], AbstractContextManager[None]]


def quarters(number: int = 0, height: int = 96, width: int = 128) -> Picture:
    """Four flat quarters, and a grey stripe that moves down with the frame's number."""
    frame = np.zeros((height, width, 3), np.uint8)
    rows, columns = (slice(height // 2), slice(height // 2, None)), (slice(width // 2), slice(width // 2, None))
    for place, colour in enumerate(COLOURS):
        frame[rows[place // 2], columns[place % 2]] = colour
    top = 5 * number % (height - 4)
    frame[top : top + 4] = 128
    return frame


def write(path: Path | str, count: int = 12, fps: float = 30, encoding: Encoding | None = None) -> Path:
    with VideoWriter(path, fps, encoding) as video:
        for number in range(count):
            video.write(quarters(number))
    return Path(path)


def difference(a: Picture, b: Picture) -> float:
    return float(np.abs(a.astype(np.int16) - b).mean())


def read_by_opencv(path: Path) -> list[Picture]:
    capture, frames = cv2.VideoCapture(str(path)), []
    while (answer := capture.read())[0]:
        frames.append(cv2.cvtColor(answer[1], cv2.COLOR_BGR2RGB))
    capture.release()
    return frames


def read_by_seglib(path: Path) -> list[Picture]:
    with seglib.open_source(path) as frames:
        return list(frames)


# ---- a file that plays -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "h264"), ("a.M4V", "h264"), ("a.mov", "h264"), ("a.webm", "vp9")]
)
def test_it_is_what_browsers_play_with_its_colours_marked(tmp_path: Path, name: str, codec: str) -> None:
    """An unmarked file is guessed at, as BT.601 or BT.709 by its size, and red comes out as orange."""
    path = write(tmp_path / name)
    with av.open(str(path)) as container:
        [stream] = container.streams
        context = stream.codec_context
        assert (context.name, context.pix_fmt, stream.width, stream.height) == (codec, "yuv420p", 128, 96)
        assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (1, 1, 1, 1)
    if codec == "h264":
        data = path.read_bytes()
        assert data.index(b"moov") < data.index(b"mdat"), "the index comes first, so that it plays while it loads"


@pytest.mark.parametrize("read", [read_by_opencv, read_by_seglib])
def test_every_frame_is_there_in_order_and_in_its_colours(
    tmp_path: Path, read: Callable[[Path], list[Picture]]
) -> None:
    frames = read(write(tmp_path / "a.mp4", encoding=Encoding(crf=10)))
    assert len(frames) == 12
    for number, frame in enumerate(frames):
        assert difference(frame, quarters(number)) < 5
        assert difference(frame, quarters(number)) < min(difference(frame, quarters(number + step)) for step in (-1, 1))
    for (row, column), colour in zip([(20, 32), (20, 96), (72, 32), (72, 96)], COLOURS, strict=True):
        assert np.abs(frames[-1][row, column].astype(np.int16) - colour).max() <= 5


@pytest.mark.parametrize("fps", [30, 29.97, 24000 / 1001, np.float32(7.5), Fraction(30000, 1001)])
def test_the_frame_rate_is_kept(tmp_path: Path, fps: float) -> None:
    path = write(tmp_path / "a.mp4", fps=fps)
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FPS) == pytest.approx(float(fps), abs=1e-6)
    with seglib.open_source(path) as frames:
        again = write(tmp_path / "b.mp4", fps=frames.fps)
    with av.open(str(path)) as first, av.open(str(again)) as second:
        rates = {container.streams.video[0].average_rate for container in (first, second)}
    assert rates == {Fraction(float(fps)).limit_denominator(1001)}, "an exact fraction, also on the way from a source"
    assert np.allclose(times(path), np.arange(12) / float(fps), atol=1e-4)


def test_frames_may_bring_their_times_and_durations(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", 30) as video:
        for time in (0, 0.04, 0.041, Fraction(1, 2)):
            video.write(quarters(), time, duration=2 if time == Fraction(1, 2) else None)
        assert (video.frames, video.seconds) == (4, 2.5)
    assert times(tmp_path / "a.mp4") == pytest.approx([0, 0.04, 0.041, 0.5], abs=1e-4)
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.duration / 1e6 == pytest.approx(2.5, abs=0.01)


@pytest.mark.parametrize(("height", "width"), [(97, 129), (3, 2)])
def test_an_odd_size_loses_its_last_pixel_and_no_more(tmp_path: Path, height: int, width: int) -> None:
    frame = noisy(0, height, width)
    before = frame.copy()
    with VideoWriter(tmp_path / "a.mp4", 30, Encoding(crf=0)) as video:
        video.write(frame)
    assert np.array_equal(frame, before)
    assert read_by_seglib(tmp_path / "a.mp4")[0].shape == (height // 2 * 2, width // 2 * 2, 3)


def test_views_and_read_only_frames_can_be_written_and_changed_afterwards(tmp_path: Path) -> None:
    frame = quarters()
    fixed = frame.copy()
    fixed.setflags(write=False)
    views = [fixed[:, ::-1], fixed[::2, ::2].repeat(2, axis=0).repeat(2, axis=1), frame]
    with VideoWriter(tmp_path / "a.mp4", 30, Encoding(crf=10)) as video:
        for view in views:
            video.write(view)
        frame[:] = 0
    for read, written in zip(read_by_seglib(tmp_path / "a.mp4"), [*views[:2], quarters()], strict=True):
        assert difference(read, written) < 5


@pytest.mark.parametrize("name", ["a.mp4", "a.webm"])
def test_crf_and_preset_choose_between_size_quality_and_time(tmp_path: Path, name: str) -> None:
    def size(encoding: Encoding) -> int:
        with VideoWriter(tmp_path / name, 30, encoding) as video:
            for number in range(3):
                video.write(noisy(number))
        return (tmp_path / name).stat().st_size

    assert size(Encoding(crf=10)) > 1.5 * size(Encoding(crf=40))
    if name == "a.mp4":
        assert size(Encoding(preset="slow")) != size(Encoding(preset="ultrafast"))


# ---- where it goes -----------------------------------------------------------------------------------------


def test_the_folder_is_made_and_names_may_hold_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / "new" / "Käse & Crème #1 100%.mp4", "relative.mp4", "12:30 talk.mp4", "-y.mp4"):
        assert len(read_by_seglib(write(path, 2))) == 2
        assert os.listdir(Path(path).parent).count(Path(path).name) == 1


def test_only_the_finished_file_has_the_name(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", 3)
    with VideoWriter(path, 30) as first, VideoWriter(path, 30) as second:
        for number in range(7):
            first.write(quarters(number))
            second.write(quarters(number))
        assert len(read_by_seglib(path)) == 3, "the older one is whole while the new ones grow"
        hidden = [name for name in os.listdir(tmp_path) if name != "a.mp4"]
        assert [name[0] for name in hidden] == [".", "."], "in the same folder, out of sight, one for each writer"
        second.close()
        second.close()
        second.discard()
        assert len(read_by_seglib(path)) == 7
        with pytest.raises(ValueError, match=r"a\.mp4 is finished"):
            second.write(quarters())
        first.write(quarters(7))
    assert len(read_by_seglib(path)) == 8
    assert os.listdir(tmp_path) == ["a.mp4"]


# ---- nothing broken is left --------------------------------------------------------------------------------


@pytest.fixture(params=["new", "older file"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where to write: once to a new name, once to a name that is taken."""
    if request.param == "older file":
        (tmp_path / "a.mp4").write_bytes(b"older")
    return tmp_path / "a.mp4"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("count", "error"), [(0, None), (0, SystemExit), (1, KeyboardInterrupt), (60, ZeroDivisionError)]
)
def test_no_frame_or_an_exception_leaves_nothing(place: Path, count: int, error: type[BaseException] | None) -> None:
    before = contents(place.parent)

    def use() -> None:
        with VideoWriter(place, 30) as video:
            for number in range(count):
                video.write(quarters(number))
            if error is not None:
                raise error

    if error is None:
        use()
    else:
        with pytest.raises(error):
            use()
    assert contents(place.parent) == before


def test_an_interrupt_while_the_file_is_finished_leaves_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(place.parent)

    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), VideoWriter(place, 30) as video:
        video.write(quarters())
        monkeypatch.setattr(os, "replace", interrupted)
    assert contents(place.parent) == before


@pytest.mark.parametrize("count", [2, 80], ids=["while closing", "while writing"])
def test_a_full_disk_leaves_nothing(place: Path, count: int, small_disk: SmallDisk) -> None:
    before = contents(place.parent)
    error = pytest.raises(OSError, match=r"too large: '.*/a\.mp4'$")
    with small_disk(20_000), error, VideoWriter(place, 30) as video:
        for number in range(count):
            video.write(noisy(number, 240, 320))
    assert contents(place.parent) == before


@pytest.mark.parametrize("count", [0, 60])
def test_a_writer_that_nobody_holds_any_more_leaves_nothing(tmp_path: Path, count: int) -> None:
    video = VideoWriter(tmp_path / "a.mp4", 30)
    for number in range(count):
        video.write(quarters(number))
    del video  # as a notebook's cell that is run again does it
    gc.collect()
    assert os.listdir(tmp_path) == []


# ---- what is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("a file/a.mp4", OSError, "a file"),
        ("folder.mp4", IsADirectoryError, r"folder\.mp4 is a folder"),
        ("/proc/self/a.mp4", OSError, "/proc/self"),  # where not even root may write
        ("a.avi", ValueError, r"\.mp4, .*\.webm"),
        ("no extension", ValueError, r"\.mp4, .*\.webm"),
    ],
)
def test_a_path_that_cannot_be_written_is_told_before_the_first_frame(
    tmp_path: Path, name: str, error: type[Exception], words: str
) -> None:
    if name.startswith("/proc") and not os.path.isdir("/proc/self"):
        pytest.skip("Linux only")
    (tmp_path / "a file").touch()
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(error, match=words):
        VideoWriter(tmp_path / name, 30)
    assert sorted(os.listdir(tmp_path)) == ["a file", "folder.mp4"]


@pytest.mark.parametrize(
    ("name", "fps", "encoding", "words"),
    [
        ("a.mp4", 0, None, "fps is 0"),
        ("a.mp4", float("nan"), None, "fps is nan"),
        ("a.mp4", 1e-9, None, "fps is 1e-09"),
        ("a.mp4", 30, Encoding(crf=52), "crf is 52.*0 to 51"),
        ("a.webm", 30, Encoding(crf=64), "crf is 64.*0 to 63"),
        ("a.webm", 30, Encoding("h264"), r"\.webm holds vp9"),
        ("a.mp4", 30, Encoding("hevc"), "codec is 'hevc'"),
        ("a.webm", 30, Encoding(preset="slow"), "preset is 'slow'"),
        ("a.mp4", 30, Encoding(preset="fastest"), "preset is 'fastest'.*veryfast"),
    ],
)
def test_settings_that_do_not_fit_are_refused(
    tmp_path: Path, name: str, fps: float, encoding: Encoding | None, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        VideoWriter(tmp_path / name, fps, encoding)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (quarters()[..., 0], "frame is"),
        (quarters() / 255, "frame is"),
        (np.zeros((8, 8, 4), np.uint8), "frame is"),
        (np.zeros((0, 8, 3), np.uint8), "frame is"),
        (np.zeros((1, 8, 3), np.uint8), "at least 2 × 2"),
    ],
    ids=["grey", "float", "RGBA", "empty", "row"],
)
def test_what_is_no_frame_is_refused_and_leaves_nothing(tmp_path: Path, frame: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words), VideoWriter(tmp_path / "a.mp4", 30) as video:
        video.write(frame)
    assert os.listdir(tmp_path) == []


def test_a_frame_of_another_size_is_refused_and_costs_one_frame_only(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", 30) as video:
        video.write(quarters())
        with pytest.raises(ValueError, match=r"frame 1 is \(48, 64, 3\).*\(96, 128, 3\); resize it"):
            video.write(quarters(0, 48, 64))
        video.write(quarters())
    assert len(read_by_seglib(tmp_path / "a.mp4")) == 2


def test_a_copied_packet_that_the_new_file_cannot_hold_is_blamed_on_the_source(tmp_path: Path) -> None:
    class Broken(OtherStreams):
        def write_until(self, time: Fraction | None) -> None:
            self.audio = "copied"
            raise av.InvalidDataError(22, "Invalid data")

    streams = Broken(write(tmp_path / "talk.mp4"), Fraction(0))
    with (
        pytest.raises(SourceError, match=r"talk\.mp4: its audio"),
        VideoWriter(tmp_path / "a.mp4", 30, streams=streams) as v,
    ):
        v.write(quarters())
    assert os.listdir(tmp_path) == ["talk.mp4"]
