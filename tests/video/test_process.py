"""process_video on real files, made here by FFmpeg's encoders, read back by PyAV; whole and damaged."""

from __future__ import annotations

import os
import re
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace
from fake_models import FakeModel
from films import Picture, Tone, beeps, heard, make_film, noisy, planes, smooth, times
from PIL import Image

import seglib
from seglib import SourceError, process_video
from seglib.arrays import Frame, Mask
from seglib.video import Encoding, VideoReport

NTSC = Fraction(30000, 1001)
pytestmark = pytest.mark.usefixtures("nothing_is_left_running")

SmallDisk = Callable[[int], AbstractContextManager[None]]


def identity(frame: Frame, mask: Mask) -> Frame:
    return frame


def run(
    source: Path, target: Path | str, effect: Callable[..., object] = identity, crf: int = 4, **options: object
) -> VideoReport:
    quick = {"model": FakeModel(), "clean": False, "steady": False, "progress": False}
    return process_video(source, target, effect, encoding=Encoding(crf=crf), **(quick | options))


def read(path: Path) -> list[Frame]:
    with seglib.open_source(path) as frames:
        return list(frames)


def only(folder: Path, *names: str) -> None:
    assert sorted(os.listdir(folder)) == sorted(names)


# ---- every frame, at its time ------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["mp4", "mov", "m4v", "webm"])
def test_the_report_and_the_file_that_browsers_play(film: Path, tmp_path: Path, ending: str) -> None:
    report = run(film, tmp_path / f"out.{ending}")
    assert (report.path, report.frames, report.complete) == (tmp_path / f"out.{ending}", 15, True)
    assert report.audio == ("re-encoded" if ending == "webm" else "copied")
    assert report.seconds == pytest.approx(0.5)
    assert report.fps > 0
    with av.open(str(report.path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert video.codec_context.name == ("vp9" if ending == "webm" else "h264")
        assert audio.codec_context.name == ("opus" if ending == "webm" else "aac")
        assert (video.codec_context.pix_fmt, video.width, video.height) == ("yuv420p", 128, 96)
    if ending != "webm":
        data = report.path.read_bytes()
        assert data.index(b"moov") < data.index(b"mdat"), "the index comes first, so that it plays while it loads"
    only(tmp_path, "in.mp4", report.path.name)


def test_the_effect_gets_frames_in_order_with_their_masks_and_times(film: Path, tmp_path: Path) -> None:
    seen, shown = list[Frame](), list[float]()

    class Swap:
        takes_time = True

        def __call__(self, frame: Frame, mask: Mask, time: float) -> Frame:
            assert (mask.shape, mask.dtype) == (frame.shape[:2], np.float32)
            seen.append(frame.copy())
            shown.append(time)
            return np.where(mask[..., None] > 0.5, frame, 255 - frame)

    run(film, tmp_path / "out.mp4", Swap())
    expected = read(film)
    np.testing.assert_array_equal(seen, expected)
    assert shown == pytest.approx([number / 30 for number in range(15)])
    for made, frame in zip(read(tmp_path / "out.mp4"), expected, strict=True):
        assert np.abs(made[:, :56].astype(int) - frame[:, :56]).mean() < 2
        assert np.abs(made[:, 72:].astype(int) - (255 - frame[:, 72:])).mean() < 2


@pytest.mark.parametrize("rate", [NTSC, Fraction(15, 2), Fraction(60)])
@pytest.mark.parametrize("name", ["in.mp4", "in.mkv"])
def test_the_frame_rate_is_kept(tmp_path: Path, rate: Fraction, name: str) -> None:
    source = make_film(tmp_path / name, rate=rate)
    run(source, tmp_path / "out.mp4")
    assert times(tmp_path / "out.mp4") == times(source)
    if name == "in.mp4":
        with av.open(str(tmp_path / "out.mp4")) as container:
            assert container.streams.video[0].average_rate == rate


UNEVEN = [0, 40, 45, 200, 233, 266, 300, 1300, 1310, 1350, 1400, 1401, 1402, 2000, 5000]


@pytest.mark.parametrize(
    ("name", "target", "late"), [("in.mp4", "out.mp4", 700), ("in.mkv", "out.mov", 0), ("in.mkv", "out.webm", 700)]
)
def test_uneven_times_and_a_late_start_are_kept(tmp_path: Path, name: str, target: str, late: int) -> None:
    source = make_film(tmp_path / name, times=[late + time for time in UNEVEN], base=Fraction(1, 1000))
    assert run(source, tmp_path / target).frames == 15
    assert times(tmp_path / target) == pytest.approx([(late + time) / 1000 for time in UNEVEN], abs=1e-6)


@pytest.mark.parametrize("name", ["in.mp4", "in.mkv"])
def test_a_header_that_lies_about_its_length_loses_nothing(tmp_path: Path, name: str) -> None:
    source = make_film(tmp_path / name, tones=[Tone(seconds=0.5)])
    content = bytearray(source.read_bytes())
    for mark, place, lie in (
        (b"mvhd", 20, (7_000_000).to_bytes(4)),  # ISO 14496-12, version 0
        (b"mdhd", 20, (7_000_000).to_bytes(4)),
        (b"tkhd", 24, (7_000_000).to_bytes(4)),
        (b"\x44\x89\x88", 3, struct.pack(">d", 7_000_000)),  # Matroska's Duration
    ):
        for found in re.finditer(re.escape(mark), bytes(content)):
            content[found.start() + place : found.start() + place + len(lie)] = lie
    assert content != source.read_bytes()
    source.write_bytes(content)
    report = run(source, tmp_path / "out.mp4")
    assert (report.frames, report.complete) == (15, True)
    assert report.seconds == pytest.approx(0.5, abs=0.05)


def test_a_last_frame_that_stands_for_long_still_does(tmp_path: Path) -> None:
    with (
        av.open(str(make_film(tmp_path / "short.mp4", count=10))) as container,
        av.open(str(tmp_path / "in.mp4"), "w") as output,
    ):
        stream = output.add_stream_from_template(container.streams.video[0])
        for packet in container.demux(video=0):
            if packet.size:
                if packet.pts * packet.time_base >= Fraction(9, 30):
                    packet.duration = round(7 / packet.time_base)
                packet.stream = stream
                output.mux(packet)
    assert run(tmp_path / "in.mp4", tmp_path / "out.mp4").seconds == pytest.approx(7.3, abs=0.05)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.duration / 1e6 == pytest.approx(7.3, abs=0.05)


def test_the_last_frame_stands_for_long_also_where_it_is_coded_before_others(tmp_path: Path) -> None:
    """The codec orders frames as it likes."""
    source = make_film(tmp_path / "in.mkv", 10, times=[*range(0, 360, 40), 5000], base=Fraction(1, 1000), draw=noisy)
    report = run(source, tmp_path / "out.mp4", crf=30)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.duration / 1e6 == pytest.approx(report.seconds, abs=0.01)


@pytest.mark.parametrize("codec_options", [{}, {"bf": "2"}], ids=["plain", "B-frames"])
def test_a_file_without_times_gets_even_ones(tmp_path: Path, codec_options: dict[str, str]) -> None:
    """AVI counts frames only."""
    source = make_film(tmp_path / "in.avi", codec="mpeg4", codec_options=codec_options)
    assert run(source, tmp_path / "out.mp4").frames == len(read(source)) == 15
    assert np.allclose(np.diff(times(tmp_path / "out.mp4")), 1 / 30, atol=1e-3)


def test_times_below_zero_are_moved_up_and_the_audio_with_them(tmp_path: Path) -> None:
    """Players show nothing before 0."""
    early = [-500 + round(1000 * number / 30) for number in range(30)]
    options = {"avoid_negative_ts": "disabled"}
    tones = [Tone("mp2", start=-0.5)]
    source = make_film(tmp_path / "in.wtv", 30, times=early, base=Fraction(1, 1000), tones=tones, options=options)
    assert times(source)[0] == pytest.approx(-0.5)
    made = run(source, tmp_path / "out.mp4").path
    assert times(made) == pytest.approx([time + 0.5 for time in times(source)], abs=0.001)
    assert heard(made)[1] == pytest.approx(heard(source)[1] + 0.5, abs=0.03)


def test_times_that_go_back_are_corrected(tmp_path: Path) -> None:
    """Two transport streams, one after the other in one file, as some cameras join them."""
    first = make_film(tmp_path / "a.ts", count=40, tones=[Tone(seconds=1.3)])
    (tmp_path / "in.ts").write_bytes(first.read_bytes() * 2)
    report = run(tmp_path / "in.ts", tmp_path / "out.mp4")
    made = times(tmp_path / "out.mp4")
    assert report.frames == len(made) == 80
    assert np.allclose(np.diff(made), 1 / 30, atol=0.05)
    assert heard(tmp_path / "out.mp4")[1] == pytest.approx(made[-1], abs=0.15)


def test_a_transport_stream_starts_at_zero_with_its_audio_in_step(tmp_path: Path) -> None:
    late = [5 * 90000 + 3000 * number for number in range(15)]
    source = make_film(tmp_path / "in.ts", times=late, base=Fraction(1, 90000), tones=[Tone(seconds=0.5, start=5.02)])
    before, after = times(source), times(run(source, tmp_path / "out.mp4").path)
    assert before[0] > 4
    assert after[0] < 0.1
    assert np.allclose(np.diff(before), np.diff(after), atol=1e-4)
    assert heard(tmp_path / "out.mp4")[0] - after[0] == pytest.approx(heard(source)[0] - before[0], abs=0.001)


# ---- its looks ---------------------------------------------------------------------------------------------

BT709 = {"colorspace": 1, "color_primaries": 1, "color_trc": 1}
BT601 = {"colorspace": 6, "color_primaries": 6, "color_trc": 6}
BT2020 = {"colorspace": 9, "color_primaries": 9, "color_trc": 14}


@pytest.mark.parametrize(
    ("marks", "matrix", "height"),
    [
        (BT709, Colorspace.ITU709, 96),
        (BT601, Colorspace.ITU601, 96),
        ({}, Colorspace.ITU601, 96),
        ({}, Colorspace.ITU709, 720),  # as players guess for HD
    ],
    ids=["BT.709", "BT.601", "unmarked", "unmarked HD"],
)
@pytest.mark.parametrize("levels", [ColorRange.MPEG, ColorRange.JPEG], ids=["limited", "full"])
def test_no_pixel_changes_by_more_than_codec_noise(
    tmp_path: Path, marks: dict[str, int], matrix: Colorspace, height: int, levels: ColorRange
) -> None:
    def draw(number: int) -> Picture:
        return smooth(number, height, 128)

    marks = marks | ({"color_range": int(levels)} if marks or levels == ColorRange.JPEG else {})
    source = make_film(tmp_path / "in.mp4", 3, draw=draw, marks=marks, matrix=matrix, levels=levels)
    run(source, tmp_path / "out.mp4", crf=1)
    for before, after in zip(planes(source), planes(tmp_path / "out.mp4"), strict=True):
        difference = np.abs(before.astype(int) - after)
        assert difference.max() <= 6
        assert difference.mean() < 1
    with av.open(str(source)) as old, av.open(str(tmp_path / "out.mp4")) as new:
        for name in ("colorspace", "color_primaries", "color_trc", "color_range"):
            before, after = (getattr(c.streams.video[0].codec_context, name) for c in (old, new))
            assert int(before) == int(after), name


@pytest.mark.parametrize(
    ("codec", "pixels", "name", "options"),
    [
        ("libx264", "yuv420p10le", "in.mp4", {}),
        ("libx264", "yuv444p", "in.mp4", {"shape": Fraction(4, 3)}),
        ("ffv1", "bgr0", "in.mkv", {"draw": lambda number: smooth(number, 95, 127)}),
        ("mjpeg", "yuvj420p", "in.avi", {"levels": ColorRange.JPEG}),
        ("mpeg2video", "yuv420p", "in.mpg", {"codec_options": {"flags": "+ildct+ilme"}}),
        ("libvpx", "yuv420p", "in.webm", {"marks": BT709, "matrix": Colorspace.ITU709}),
        ("png", "rgba", "in.mov", {}),
        ("libx264", "yuv420p", "in.mp4", {"marks": BT2020, "matrix": Colorspace.BT2020}),
    ],
    ids=["10 bits", "wide pixels", "odd size", "JPEG", "interlaced", "VP8", "RGBA", "BT.2020"],
)
def test_unusual_videos_become_what_plays_everywhere_as_open_source_shows_them(
    tmp_path: Path, codec: str, pixels: str, name: str, options: dict[str, object]
) -> None:
    source = make_film(tmp_path / name, 5, codec=codec, pixels=pixels, **options)
    run(source, tmp_path / "out.mp4")
    for before, after in zip(read(source), read(tmp_path / "out.mp4"), strict=True):
        assert after.shape[:2] == (before.shape[0] // 2 * 2, before.shape[1] // 2 * 2)
        assert np.abs(before[: after.shape[0], : after.shape[1]].astype(int) - after).mean() < 2.5
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.pix_fmt in ("yuv420p", "yuvj420p")
        assert stream.sample_aspect_ratio in (None, 1)


def test_a_phones_video_stands_upright_for_good(tmp_path: Path) -> None:
    turned = tmp_path / "turned.mp4"
    with av.open(str(make_film(tmp_path / "in.mp4", 3))) as container, av.open(str(turned), "w") as output:
        stream = output.add_stream_from_template(container.streams.video[0])
        stream.set_display_rotation(90)
        for packet in container.demux(video=0):
            if packet.size:
                packet.stream = stream
                output.mux(packet)
    run(turned, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert next(container.decode(video=0)).rotation == 0
    for before, after in zip(read(turned), read(tmp_path / "out.mp4"), strict=True):
        assert before.shape == after.shape == (128, 96, 3)
        assert np.abs(before.astype(int) - after).mean() < 2.5


# ---- the pipeline ------------------------------------------------------------------------------------------


def test_with_portrait_and_blur_as_in_the_readme(tmp_path: Path) -> None:
    source = make_film(
        tmp_path / "in.mp4", 4, draw=lambda number: np.roll(seglib.sample_frame()[::2, ::2], number, axis=1)
    )
    report = process_video(source, tmp_path / "out.mp4", seglib.Blur(), progress=False)
    before, after = read(source)[0].astype(int), read(report.path)[0].astype(int)
    face = seglib.sample_mask()[::2, ::2] > 0.99
    assert np.abs(before - after)[face].mean() < 6 < np.abs(before - after)[~face].mean()


def test_the_mask_is_cleaned_and_steadied_unless_switched_off(tmp_path: Path) -> None:
    def nervous(number: int, height: int, width: int) -> Mask:
        mask = np.zeros((height, width), np.float32)
        mask[:, : width // 2] = mask[40:44, 100:104] = 1 - 0.4 * (number % 2)
        return mask

    source = make_film(tmp_path / "still.mp4", draw=lambda number: smooth(0))
    kept: dict[str, list[Mask]] = {"plain": [], "clean": [], "steady": []}
    for name, masks in kept.items():

        def keep(frame: Frame, mask: Mask, masks: list[Mask] = masks) -> Frame:
            masks.append(mask)
            return frame

        run(
            source,
            tmp_path / f"{name}.mp4",
            keep,
            model=FakeModel(nervous),
            **({} if name == "plain" else {name: True}),
        )
    assert seglib.flicker(kept["steady"]) < 0.5 * seglib.flicker(kept["plain"])
    assert (kept["plain"][2][42, 102], kept["clean"][2][42, 102]) == (1, 0)


@pytest.mark.parametrize(("batch", "expected"), [(1, [1] * 20), (8, [8, 8, 4]), (50, [20])])
def test_a_model_gets_the_classes_and_as_many_frames_at_once_as_it_likes(
    tmp_path: Path, batch: int, expected: list[int]
) -> None:
    model = FakeModel(batch=batch)
    report = run(make_film(tmp_path / "in.mp4", 20), tmp_path / "out.mp4", model=model, keep=("person", "cat"))
    assert (report.frames, model.batches) == (20, expected)
    assert {tuple(keep) for keep in model.asked} == {(15, 8)}


def test_opencv_takes_half_of_the_cores_meanwhile(film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "getNumberOfCPUs", lambda: 6)
    usual, seen = cv2.getNumThreads(), set[int]()
    cv2.setNumThreads(4)
    try:
        run(film, tmp_path / "a.mp4", lambda frame, mask: seen.add(cv2.getNumThreads()) or frame)
        assert (seen, cv2.getNumThreads()) == ({3}, 4)
    finally:
        cv2.setNumThreads(usual)


def test_progress_is_shown_on_request(film: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run(film, tmp_path / "a.mp4", progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "15/15" in err
    assert "frames/s" in err
    run(film, tmp_path / "b.mp4", progress=False)
    assert capfd.readouterr() == ("", "")


# ---- where it goes -----------------------------------------------------------------------------------------


def test_the_source_is_never_touched(film: Path, tmp_path: Path) -> None:
    before, stat = film.read_bytes(), film.stat()
    os.symlink(film, tmp_path / "soft.mp4")
    os.link(film, tmp_path / "hard.mp4")
    for name in ("in.mp4", "soft.mp4", "hard.mp4"):
        with pytest.raises(ValueError, match="is the source itself"):
            run(film, tmp_path / name, overwrite=True)
    run(film, tmp_path / "out.mp4")
    assert film.read_bytes() == before
    assert film.stat().st_mtime_ns == stat.st_mtime_ns


def test_an_older_file_is_replaced_on_request_only_and_survives_an_error(film: Path, tmp_path: Path) -> None:
    (tmp_path / "out.mp4").write_bytes(b"older")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        run(film, tmp_path / "out.mp4")
    with pytest.raises(ZeroDivisionError):
        run(film, tmp_path / "out.mp4", lambda frame, mask: 1 // 0, overwrite=True)
    assert (tmp_path / "out.mp4").read_bytes() == b"older"
    assert run(film, tmp_path / "out.mp4", overwrite=True).frames == len(planes(tmp_path / "out.mp4")) == 15


@pytest.mark.parametrize(
    ("name", "options", "error", "words"),
    [
        ("out.avi", {}, ValueError, r"\.mp4"),
        ("out", {}, ValueError, r"\.mp4"),
        ("out.webm", {"crf": 64}, ValueError, "crf is 64"),
        ("out.mp4", {"keep": ("persn",)}, ValueError, "'persn'"),
        ("out.mp4", {"model": "portait"}, ValueError, "'portait'"),
        ("folder", {}, IsADirectoryError, "is a folder"),
        ("in.mp4/out.mp4", {}, OSError, "in.mp4"),
        ("/proc/self/out.mp4", {}, OSError, "/proc/self"),  # where not even root may write
    ],
)
def test_wrong_arguments_are_told_before_the_work_starts(
    film: Path, tmp_path: Path, name: str, options: dict[str, object], error: type[Exception], words: str
) -> None:
    if name.startswith("/proc") and not os.path.isdir("/proc/self"):
        pytest.skip("Linux only")
    (tmp_path / "folder").mkdir()
    with pytest.raises(error, match=words):
        run(film, tmp_path / name, lambda frame, mask: pytest.fail("it has started"), **options)
    only(tmp_path, "in.mp4", "folder")


def test_a_full_disk_is_an_os_error_and_leaves_nothing(tmp_path: Path, small_disk: SmallDisk) -> None:
    source = make_film(tmp_path / "in.mp4", 90, draw=noisy)
    with small_disk(60_000), pytest.raises(OSError, match=r"too large: '.*/out\.mp4'$"):
        run(source, tmp_path / "out.mp4")
    only(tmp_path, "in.mp4")


# ---- what goes wrong on the way ----------------------------------------------------------------------------


def at_frame_50(output: object) -> Callable[[Frame, Mask], object]:
    """An effect that raises or returns something at frame 50."""
    numbers = iter(range(1000))

    def effect(frame: Frame, mask: Mask) -> object:
        if next(numbers) != 50:
            return frame
        if isinstance(output, BaseException):
            raise output
        return output

    return effect


@pytest.mark.parametrize(
    ("output", "error", "words"),
    [
        (ZeroDivisionError("mine"), ZeroDivisionError, "mine"),
        (None, TypeError, "NoneType"),
        (np.zeros((48, 128, 3), np.uint8), ValueError, r"\(48, 128, 3\).*\(96, 128, 3\)"),
        (np.zeros((96, 128, 3)), ValueError, "float64"),
    ],
    ids=["error", "None", "half", "float"],
)
def test_an_effect_that_raises_or_returns_no_frame_ends_it(
    tmp_path: Path, output: object, error: type[Exception], words: str
) -> None:
    source = make_film(tmp_path / "in.mp4", 80)
    with pytest.raises(error, match=words) as caught:
        run(source, tmp_path / "out.mp4", at_frame_50(output))
    assert "frame 50" in caught.value.__notes__[0]
    only(tmp_path, "in.mp4")


def test_an_interrupt_leaves_a_file_that_plays_with_what_is_done(tmp_path: Path) -> None:
    def interrupted(frame: Frame, mask: Mask) -> Frame:
        raise KeyboardInterrupt

    source = make_film(tmp_path / "in.mp4", 80, tones=[Tone(seconds=3)])
    with pytest.raises(KeyboardInterrupt, match="before the first frame"):
        run(source, tmp_path / "out.mp4", interrupted)
    only(tmp_path, "in.mp4")
    with pytest.raises(KeyboardInterrupt, match=r"out\.mp4 .* 50 frames, 1\.7 s"):
        run(source, tmp_path / "out.mp4", at_frame_50(KeyboardInterrupt()))
    only(tmp_path, "in.mp4", "out.mp4")
    assert times(tmp_path / "out.mp4") == times(source)[:50]
    assert heard(tmp_path / "out.mp4")[1] == pytest.approx(50 / 30, abs=0.1)


CHILD = f"""
import resource, signal, sys, time
sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parents[1])]!r}
from fake_models import FakeModel
from seglib import process_video
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin without it
pause = float(sys.argv[3])
def slow(frame, mask):
    time.sleep(pause)
    return frame
process_video(sys.argv[1], sys.argv[2], slow, model=FakeModel(), clean=False, steady=False, overwrite=True)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGINT to send")
def test_ctrl_c_in_a_terminal_ends_it_cleanly(tmp_path: Path) -> None:
    source = make_film(tmp_path / "in.mp4", 900, tones=[Tone(seconds=30)])
    command = [sys.executable, "-c", CHILD, str(source), str(tmp_path / "out.mp4"), "0.02"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        seen = ""
        while not re.search(r"[1-9][0-9]*/900", seen):
            seen += process.stderr.read(1) or pytest.fail(f"it ended by itself: {seen}")
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "KeyboardInterrupt: stopped; " in rest
    made = times(tmp_path / "out.mp4")
    assert 0 < len(made) < 900
    assert made == times(source)[: len(made)]
    assert heard(tmp_path / "out.mp4")[1] == pytest.approx(made[-1], abs=0.15)
    only(tmp_path, "in.mp4", "out.mp4")


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="Windows does not tell the memory of a process")
def test_memory_is_flat(tmp_path: Path) -> None:
    picture = smooth(0, 720, 1280)

    def peak(frames: int) -> int:
        source = make_film(tmp_path / "in.mp4", frames, draw=lambda number: picture, codec_options={"crf": "30"})
        command = [sys.executable, "-c", CHILD, str(source), str(tmp_path / "out.mp4"), "0"]
        return int(subprocess.run(command, capture_output=True, check=True).stdout)

    assert peak(600 * 30) - peak(10 * 30) < 50, "MB"


@pytest.mark.slow
@pytest.mark.parametrize("rate", [30, NTSC])
@pytest.mark.parametrize(("name", "codec", "target"), [("in.mp4", "aac", "out.mp4"), ("in.mkv", "mp2", "out.webm")])
def test_picture_and_audio_are_in_step_to_one_frame_over_ten_minutes(
    tmp_path: Path, rate: Fraction | int, name: str, codec: str, target: str
) -> None:
    """Every minute a white frame and a beep begin together; they still do in the new file, copied or encoded anew."""
    first = {round(60 * minute * rate) for minute in range(10)}
    dark, white = np.full((48, 64, 3), 40, np.uint8), np.full((48, 64, 3), 235, np.uint8)
    tones = [Tone(codec, seconds=599, beep=60)]
    source = make_film(tmp_path / name, 600 * 30, rate, lambda n: white if n in first else dark, tones=tones)
    made = run(source, tmp_path / target, crf=30).path
    for path in (source, made):
        flashes = [time for time, picture in zip(times(path), planes(path), strict=True) if picture[:48].mean() > 150]
        assert len(flashes) == len(beeps(path)) == 10
        assert np.abs(np.subtract(flashes, beeps(path))).max() < float(1 / Fraction(rate))
    assert times(made) == pytest.approx(times(source), abs=0.001)
    assert beeps(made) == pytest.approx(beeps(source), abs=0.005)


# ---- damaged sources ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "share", "batch"), [("in.mp4", 0.5, 1), ("in.mp4", 0.9, 4), ("in.mkv", 0.6, 8)])
@pytest.mark.parametrize("tones", [[], [Tone(seconds=3)]], ids=["silent", "with audio"])
def test_a_truncated_source_leaves_nothing_or_every_frame_before_the_break(
    tmp_path: Path, name: str, share: float, batch: int, tones: list[Tone]
) -> None:
    options = {"movflags": "+faststart"} if name == "in.mp4" else {}
    source = make_film(tmp_path / name, 90, draw=noisy, tones=tones, options=options)
    source.write_bytes(source.read_bytes()[: int(source.stat().st_size * share)])
    with pytest.raises(SourceError, match=name):
        run(source, tmp_path / "out.mp4")
    only(tmp_path, name)
    there = 0
    with seglib.open_source(source) as frames, pytest.raises(SourceError):
        for _ in frames:
            there += 1
    assert 90 * share * 0.75 < there < 90
    report = run(source, tmp_path / "out.mp4", model=FakeModel(batch=batch), keep_broken=True)
    assert (report.frames, report.complete) == (there, False)
    assert len(planes(tmp_path / "out.mp4")) == there
    if tones:
        assert heard(tmp_path / "out.mp4")[1] == pytest.approx(report.seconds, abs=0.15)


@pytest.mark.parametrize("keep_broken", [False, True])
def test_what_is_no_video_is_refused(tmp_path: Path, keep_broken: bool) -> None:
    Image.fromarray(smooth(0)).save(tmp_path / "photo.mp4", "JPEG")
    (tmp_path / "text.mp4").write_text("hello, world\n" * 300)
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "folder.mp4").mkdir()
    make_film(tmp_path / "without.mkv", count=0, tones=[Tone()])
    unknown = make_film(tmp_path / "unknown.mp4", 3)
    unknown.write_bytes(unknown.read_bytes().replace(b"avc1", b"xyz1"))
    before = os.listdir(tmp_path)
    for name in (*before, "absent.mp4"):
        with pytest.raises(SourceError, match=name):
            run(tmp_path / name, tmp_path / "out.mp4", keep_broken=keep_broken)
    only(tmp_path, *before)


def slow_after(count: int, total: int) -> list[object]:
    """Seeds: some for every run, the rest for `make test-slow`."""
    return [*range(count), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(count, total))]


@pytest.mark.filterwarnings("ignore:.*in\\.")
@pytest.mark.parametrize("seed", slow_after(30, 1050))
def test_a_damaged_file_ends_with_a_file_that_plays_or_one_clear_error(tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    ending = str(random.choice(["mp4", "mkv", "webm", "avi", "ts", "mov"]))
    source = tmp_path / f"in.{ending}"
    source.write_bytes(damaged(whole_film(ending, noise=bool(seed % 2)), random))
    keep_broken = bool(random.integers(2))
    target = tmp_path / f"out.{random.choice(['mp4', 'webm'])}"
    try:
        report = run(source, target, keep_broken=keep_broken, crf=30)
    except SourceError as error:
        assert str(source) in str(error)
        only(tmp_path, source.name)
    else:
        assert report.complete or keep_broken
        assert len(planes(target)) == report.frames > 0
        assert (np.diff(times(target)) > 0).all()
        only(tmp_path, source.name, target.name)


@lru_cache
def whole_film(ending: str, noise: bool) -> bytes:
    codec = {"webm": "libvpx", "avi": "mpeg4"}.get(ending, "libx264")
    tones = [Tone({"webm": "libopus", "avi": "libmp3lame"}.get(ending, "aac"), seconds=0.6)]
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"in.{ending}"
        return make_film(path, 18, codec=codec, tones=tones, draw=noisy if noise else smooth).read_bytes()


def damaged(data: bytes, random: np.random.Generator) -> bytes:
    """What disks, downloads and careless programs do to a file, one to three times."""
    for kind in random.choice(
        ["flip bits", "cut the end", "cut the head", "swap", "blank", "repeat"], random.integers(1, 4)
    ):
        broken, size = bytearray(data), len(data)
        first, second = sorted(int(place) for place in random.integers(size, size=2))
        length = int(min(random.integers(1, 3000), second - first, size - second))
        if kind == "flip bits":
            # half of the time in the header, where a bit counts for more
            places = random.integers(min(size, 2000) if random.integers(2) else size, size=random.integers(1, 30))
            for place in places:
                broken[place] ^= 1 << int(random.integers(8))
        elif kind == "cut the end":
            del broken[max(first, 1) :]
        elif kind == "cut the head":
            del broken[: random.integers(1, min(size, 3000))]
        elif kind == "swap":
            here, there = slice(first, first + length), slice(second, second + length)
            broken[here], broken[there] = broken[there], broken[here]
        elif kind == "blank":
            broken[first : first + length] = bytes(length)
        else:
            broken[second:second] = broken[first : first + length]
        data = bytes(broken) or b"\0"
    return data
