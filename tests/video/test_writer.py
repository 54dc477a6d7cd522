"""seglib.video: what VideoWriter leaves on the disk, read back by PyAV and by OpenCV."""

import gc
import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

import seglib
from seglib.arrays import Frame

COLOURS = ((200, 40, 40), (40, 180, 60), (50, 60, 210), (220, 220, 90))  # of the four quarters


def picture(number: int = 0, height: int = 96, width: int = 128) -> Frame:
    """(height, width, 3): four flat quarters, and a grey stripe that moves down with the frame's number."""
    frame = np.zeros((height, width, 3), np.uint8)
    middle_row, middle_column = height // 2, width // 2
    frame[:middle_row, :middle_column], frame[:middle_row, middle_column:] = COLOURS[:2]
    frame[middle_row:, :middle_column], frame[middle_row:, middle_column:] = COLOURS[2:]
    top = 5 * number % (height - 4)
    frame[top : top + 4] = 128
    return frame


def noise(number: int = 0, height: int = 240, width: int = 320) -> Frame:
    return np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)


def write(path: Path, count: int = 12, fps: float = 30, **options: int) -> Path:
    with seglib.VideoWriter(path, fps, **options) as video:
        for number in range(count):
            video.write(picture(number))
    return path


def difference(a: Frame, b: Frame) -> float:
    return float(np.abs(a.astype(np.int16) - b).mean())


# ---- a file that plays -------------------------------------------------------------------------------------


def test_it_is_what_browsers_play(tmp_path: Path) -> None:
    with av.open(str(write(tmp_path / "a.mp4"))) as container:
        assert "mp4" in container.format.name
        assert len(container.streams) == 1
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert (stream.width, stream.height) == (128, 96)
        assert stream.frames == 12


def test_the_index_comes_first(tmp_path: Path) -> None:
    """Or a browser must load the whole file before it can play ("faststart")."""
    data = write(tmp_path / "a.mp4").read_bytes()
    boxes, at = [], 0
    while at < len(data):
        boxes.append(data[at + 4 : at + 8])
        at += int.from_bytes(data[at : at + 4])
    assert boxes.index(b"moov") < boxes.index(b"mdat")


def read_by_pyav(path: Path) -> list[Frame]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def read_by_opencv(path: Path) -> list[Frame]:
    capture, frames = cv2.VideoCapture(str(path)), []
    while (answer := capture.read())[0]:
        frames.append(cv2.cvtColor(answer[1], cv2.COLOR_BGR2RGB))
    capture.release()
    return frames


def read_by_seglib(path: Path) -> list[Frame]:
    with seglib.open_source(path) as frames:
        return list(frames)


@pytest.mark.parametrize("read", [read_by_pyav, read_by_opencv, read_by_seglib], ids=lambda read: read.__name__)
def test_every_frame_is_there_in_order_and_in_its_colours(tmp_path: Path, read: Callable[[Path], list[Frame]]) -> None:
    frames = read(write(tmp_path / "a.mp4", crf=10))
    assert len(frames) == 12
    for number, frame in enumerate(frames):
        assert difference(frame, picture(number)) < 5
        assert difference(frame, picture(number)) < min(difference(frame, picture(number + step)) for step in (-1, 1))
    for (row, column), colour in zip([(20, 32), (20, 96), (72, 32), (72, 96)], COLOURS, strict=True):
        assert np.abs(frames[-1][row, column].astype(np.int16) - colour).max() <= 5


def test_the_colours_are_marked(tmp_path: Path) -> None:
    """An unmarked file is guessed at: by its size, as BT.601 or BT.709, and red comes out as orange."""
    with av.open(str(write(tmp_path / "a.mp4"))) as container:
        context = container.streams.video[0].codec_context
        assert (context.colorspace, context.color_primaries, context.color_trc) == (1, 1, 1)
        assert context.color_range == 1


@pytest.mark.parametrize("fps", [30, 25, 29.97, 30000 / 1001, 24000 / 1001, 7.5, Fraction(30000, 1001)])
def test_the_frame_rate_is_kept(tmp_path: Path, fps: float) -> None:
    path = write(tmp_path / "a.mp4", fps=fps)
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FPS) == pytest.approx(float(fps), abs=1e-6)
    with seglib.open_source(path) as frames:
        assert frames.fps == pytest.approx(float(fps), abs=1e-6)
    with av.open(str(path)) as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert np.allclose(times, np.arange(12) / float(fps), atol=1e-4)


def test_ntsc_stays_an_exact_fraction_on_the_way_from_a_source(tmp_path: Path) -> None:
    with seglib.open_source(write(tmp_path / "a.mp4", fps=30000 / 1001)) as frames:
        again = write(tmp_path / "b.mp4", fps=frames.fps)
    with av.open(str(again)) as container:
        assert container.streams.video[0].average_rate == Fraction(30000, 1001)


@pytest.mark.parametrize(("height", "width"), [(97, 129), (96, 129), (97, 128), (3, 2), (2, 2)])
def test_an_odd_size_loses_its_last_pixel_and_no_more(tmp_path: Path, height: int, width: int) -> None:
    frame = picture(0, height, width) if height > 4 else noise(0, height, width)
    before = frame.copy()
    with seglib.VideoWriter(tmp_path / "a.mp4", 30, crf=0) as video:
        video.write(frame)
    assert np.array_equal(frame, before)
    read = read_by_pyav(tmp_path / "a.mp4")[0]
    assert read.shape == (height // 2 * 2, width // 2 * 2, 3)
    if height > 4:
        assert difference(read, frame[: height // 2 * 2, : width // 2 * 2]) < 5


def test_views_and_read_only_frames_can_be_written(tmp_path: Path) -> None:
    frame = picture()
    frame.setflags(write=False)
    with seglib.VideoWriter(tmp_path / "a.mp4", 30, crf=10) as video:
        video.write(frame[:, ::-1])
        video.write(frame[::2, ::2].repeat(2, axis=0).repeat(2, axis=1))
    first, second = read_by_pyav(tmp_path / "a.mp4")
    assert difference(first, picture()[:, ::-1]) < 5
    assert difference(second, picture()) < 5


def test_a_frame_may_be_changed_after_it_was_written(tmp_path: Path) -> None:
    frame = picture()
    with seglib.VideoWriter(tmp_path / "a.mp4", 30) as video:
        for _ in range(3):
            frame[:] = picture()
            video.write(frame)
            frame[:] = 0
    assert all(difference(read, picture()) < 5 for read in read_by_pyav(tmp_path / "a.mp4"))


def test_crf_is_a_choice_between_size_and_quality(tmp_path: Path) -> None:
    frames, sizes, errors = [noise(), noise()[::-1]], [], []
    for crf in (10, 40):
        path = tmp_path / f"{crf}.mp4"
        with seglib.VideoWriter(path, 30, crf=crf) as video:
            for frame in frames:
                video.write(frame)
        sizes.append(path.stat().st_size)
        errors.append(difference(read_by_pyav(path)[0], frames[0]))
    assert sizes[0] > 2 * sizes[1]
    assert errors[0] < errors[1]


# ---- where it goes -----------------------------------------------------------------------------------------


def test_the_folder_is_made_and_any_name_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / "new" / "Käse & Crème #1 100%.mp4", Path("relative.mp4"), Path("no ending")):
        assert len(read_by_pyav(write(path, 2))) == 2
        assert os.listdir(path.parent).count(path.name) == 1
    assert len(read_by_pyav(write("as text.mp4", 2))) == 2


def test_only_the_finished_file_has_the_name_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with seglib.VideoWriter(path, 30) as video:
        video.write(picture())
        assert not path.exists()
        [part] = os.listdir(tmp_path)
        assert part.startswith("."), "next to it, so that the last step is a rename, and out of sight"
    assert os.listdir(tmp_path) == ["a.mp4"]


def test_an_older_file_is_replaced_at_the_end(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", 3)
    with seglib.VideoWriter(path, 30) as video:
        for number in range(7):
            video.write(picture(number))
        assert len(read_by_pyav(path)) == 3, "the older one is whole while the new one grows"
    assert len(read_by_pyav(path)) == 7


def test_two_writers_of_one_name_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with seglib.VideoWriter(path, 30) as first:
        with seglib.VideoWriter(path, 30) as second:
            for number in range(3):
                first.write(picture(number))
                second.write(picture(number))
            assert len(os.listdir(tmp_path)) == 2
        assert len(read_by_pyav(path)) == 3
        first.write(picture(3))
    assert len(read_by_pyav(path)) == 4
    assert os.listdir(tmp_path) == ["a.mp4"]


def test_closing_twice_is_closing_once(tmp_path: Path) -> None:
    with seglib.VideoWriter(tmp_path / "a.mp4", 30) as video:
        video.write(picture())
        video.close()
        assert os.listdir(tmp_path) == ["a.mp4"]
        video.close()
        video.discard()
    assert len(read_by_pyav(tmp_path / "a.mp4")) == 1


def test_nothing_can_be_added_to_a_finished_video(tmp_path: Path) -> None:
    with seglib.VideoWriter(tmp_path / "a.mp4", 30) as video:
        video.write(picture())
    with pytest.raises(ValueError, match=r"a\.mp4 is finished"):
        video.write(picture())
    assert len(read_by_pyav(tmp_path / "a.mp4")) == 1


# ---- nothing broken is left --------------------------------------------------------------------------------


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where to write: once to a new name, once to a name that is taken."""
    if request.param == "older file":
        (tmp_path / "a.mp4").write_bytes(b"an older film")
    return tmp_path / "a.mp4"


def assert_as_before(place: Path) -> None:
    """Nothing new is in the folder, and what was there is untouched."""
    left = {name: (place.parent / name).read_bytes() for name in os.listdir(place.parent)}
    assert left in ({}, {"a.mp4": b"an older film"})


both = pytest.mark.parametrize("place", ["new", "older file"], indirect=True)


@both
@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("count", [0, 1, 60])
def test_an_exception_in_the_block_leaves_nothing(place: Path, error: type[BaseException], count: int) -> None:
    before = os.listdir(place.parent)
    with pytest.raises(error), seglib.VideoWriter(place, 30) as video:
        for number in range(count):
            video.write(picture(number))
        raise error
    assert_as_before(place)
    assert os.listdir(place.parent) == before


@both
def test_no_frame_leaves_nothing(place: Path) -> None:
    before = os.listdir(place.parent)
    with seglib.VideoWriter(place, 30):
        pass
    assert_as_before(place)
    assert os.listdir(place.parent) == before


@both
def test_a_frame_of_another_size_is_refused_and_leaves_nothing(place: Path) -> None:
    with (
        pytest.raises(ValueError, match=r"frame 2 is \(48, 64, 3\) but the video is \(96, 128, 3\); resize it"),
        seglib.VideoWriter(place, 30) as video,
    ):
        video.write(picture())
        video.write(picture())
        video.write(picture(0, 48, 64))
    assert_as_before(place)


def test_a_size_error_that_is_caught_costs_one_frame_only(tmp_path: Path) -> None:
    with seglib.VideoWriter(tmp_path / "a.mp4", 30) as video:
        video.write(picture())
        with pytest.raises(ValueError, match="resize it"):
            video.write(picture(0, 48, 64))
        video.write(picture())
    assert len(read_by_pyav(tmp_path / "a.mp4")) == 2


@both
@pytest.mark.parametrize("fails_in", ["write", "close"])
def test_ctrl_c_inside_the_encoder_leaves_nothing(place: Path, monkeypatch: pytest.MonkeyPatch, fails_in: str) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    def use() -> None:
        with seglib.VideoWriter(place, 30) as video:
            video.write(picture())
            if fails_in == "write":
                monkeypatch.setattr("seglib.video.writer.check_frame", interrupted)
                video.write(picture())
            monkeypatch.setattr(os, "replace", interrupted)

    with pytest.raises(KeyboardInterrupt):
        use()
    assert_as_before(place)


@both
@pytest.mark.parametrize("count", [2, 80], ids=["while closing", "while writing"])
def test_a_full_disk_leaves_nothing(place: Path, count: int) -> None:
    """A limit on the size of files is the full disk that a test may cause."""
    resource = pytest.importorskip("resource", reason="POSIX only")
    before = os.listdir(place.parent)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(OSError, match=r"too large: '.*/a\.mp4'$"), seglib.VideoWriter(place, 30) as video:
            for number in range(count):
                video.write(noise(number))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert_as_before(place)
    assert os.listdir(place.parent) == before


@pytest.mark.parametrize("count", [0, 1, 60])
def test_a_writer_that_nobody_holds_any_more_leaves_nothing(tmp_path: Path, count: int) -> None:
    video = seglib.VideoWriter(tmp_path / "a.mp4", 30)
    for number in range(count):
        video.write(picture(number))
    del video  # as a notebook's cell that is run again does it
    gc.collect()
    assert os.listdir(tmp_path) == []


def test_files_are_let_go(tmp_path: Path) -> None:
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("only Linux lists a process's open files")
    before = len(os.listdir("/proc/self/fd"))
    write(tmp_path / "a.mp4")
    with pytest.raises(ZeroDivisionError), seglib.VideoWriter(tmp_path / "b.mp4", 30) as video:
        video.write(picture())
        raise ZeroDivisionError
    with seglib.VideoWriter(tmp_path / "c.mp4", 30):
        pass
    assert len(os.listdir("/proc/self/fd")) == before


# ---- what is refused ---------------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_made_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "a file").write_bytes(b"not a folder")
    with pytest.raises(OSError, match="a file"):
        seglib.VideoWriter(tmp_path / "a file" / "a.mp4", 30)
    assert (tmp_path / "a file").read_bytes() == b"not a folder"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_may_not_be_written_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o555)
    with pytest.raises(OSError, match="locked"):
        seglib.VideoWriter(tmp_path / "locked" / "a.mp4", 30)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a folder in which not even root may write")
def test_a_folder_in_which_nobody_may_write_is_told_before_the_first_frame() -> None:
    with pytest.raises(OSError, match="/proc/self"):
        seglib.VideoWriter("/proc/self/a.mp4", 30)


def test_a_folder_of_that_name_is_told_before_the_first_frame_and_stays(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").mkdir()
    with pytest.raises(OSError, match=r"a\.mp4 is a folder"):
        seglib.VideoWriter(tmp_path / "a.mp4", 30)
    assert os.listdir(tmp_path) == ["a.mp4"]
    assert os.listdir(tmp_path / "a.mp4") == []


@pytest.mark.parametrize("fps", [0, -30, float("nan"), float("inf")])
def test_a_frame_rate_must_be_positive(tmp_path: Path, fps: float) -> None:
    with pytest.raises(ValueError, match=r"fps is .* must be above 0"):
        seglib.VideoWriter(tmp_path / "a.mp4", fps)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("crf", [-1, 52])
def test_crf_has_a_range(tmp_path: Path, crf: int) -> None:
    with pytest.raises(ValueError, match=f"crf is {crf}, but must lie in 0 to 51"):
        seglib.VideoWriter(tmp_path / "a.mp4", 30, crf=crf)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "frame",
    [picture()[..., 0], picture() / 255, np.zeros((8, 8, 4), np.uint8), np.zeros((0, 8, 3), np.uint8)],
    ids=["grey", "float", "RGBA", "empty"],
)
def test_what_is_no_frame_is_refused_and_leaves_nothing(tmp_path: Path, frame: np.ndarray) -> None:
    with pytest.raises(ValueError, match="frame is"), seglib.VideoWriter(tmp_path / "a.mp4", 30) as video:
        video.write(frame)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("shape", [(1, 8, 3), (8, 1, 3)])
def test_a_line_is_no_video(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="at least 2 × 2"), seglib.VideoWriter(tmp_path / "a.mp4", 30) as video:
        video.write(np.zeros(shape, np.uint8))
    assert os.listdir(tmp_path) == []
