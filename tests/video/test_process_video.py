"""seglib.process_video on real files, made here by FFmpeg's encoders, read back by PyAV; whole and damaged."""

from __future__ import annotations

import os
import re
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from films import Picture, Tone, beeps, heard, make_film, noisy, planes, smooth, sounds, times
from PIL import Image

import seglib
from seglib import SourceError, VideoReport, process_video
from seglib._internal.cpu_cores import shared_cores
from seglib.arrays import Frame, Mask
from seglib.capture.pixel_format import PixelFormat, from_rgb, to_rgb

NTSC = Fraction(30000, 1001)
pytestmark = pytest.mark.usefixtures("nothing_is_left_running")

FASTSTART = {"movflags": "+faststart"}


class LeftHalf:
    """Stands in for a model: keeps the left half of every frame, at once."""

    def __init__(self, batch: int = 1) -> None:
        self.batch = batch
        self.batches: list[int] = []

    def masks(self, frames: list[Frame], keep: object, size: object = None) -> np.ndarray:
        self.batches.append(len(frames))
        masks = np.zeros((len(frames), *frames[0].shape[:2]), np.float32)
        masks[:, :, : masks.shape[2] // 2] = 1
        return masks


def identity(frame: Frame, mask: Mask) -> Frame:
    return frame


def run(source: Path, target: Path, effect: Callable[..., object] = identity, **options: object) -> VideoReport:
    quick = {"model": LeftHalf(), "clean": False, "steady": False, "progress": False, "crf": 4}
    return process_video(source, target, effect, **(quick | options))


def only(folder: Path, *names: str) -> None:
    assert sorted(os.listdir(folder)) == sorted(names)


# ---- every frame, at its time ------------------------------------------------------------------------------


def test_the_report_says_what_was_done(film: Path, tmp_path: Path) -> None:
    report = run(film, tmp_path / "out.mp4")
    assert report.path == tmp_path / "out.mp4"
    assert (report.frames, report.complete, report.audio) == (15, True, "copied")
    assert report.seconds == pytest.approx(0.5)
    assert report.fps > 0
    only(tmp_path, "in.mp4", "out.mp4")


@pytest.mark.parametrize("ending", ["mp4", "mov", "m4v", "webm"])
def test_it_is_what_browsers_and_phones_play(film: Path, tmp_path: Path, ending: str) -> None:
    path = run(film, tmp_path / f"out.{ending}").path
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert video.codec_context.name == ("vp9" if ending == "webm" else "h264")
        assert audio.codec_context.name == ("opus" if ending == "webm" else "aac")
        assert video.codec_context.pix_fmt == "yuv420p"
        assert (video.width, video.height) == (128, 96)
    if ending != "webm":
        data = path.read_bytes()
        assert data.index(b"moov") < data.index(b"mdat"), "the index comes first, so that it plays while it loads"


def test_the_effect_gets_frames_in_order_with_their_masks(film: Path, tmp_path: Path) -> None:
    seen: list[Frame] = []

    def swap(frame: Frame, mask: Mask) -> Frame:
        assert mask.shape == frame.shape[:2]
        assert mask.dtype == np.float32
        seen.append(frame.copy())
        return np.where(mask[..., None] > 0.5, frame, 255 - frame)

    run(film, tmp_path / "out.mp4", swap)
    with seglib.open_source(film) as frames:
        expected = list(frames)
    np.testing.assert_array_equal(seen, expected)
    with seglib.open_source(tmp_path / "out.mp4") as frames:
        for made, frame in zip(frames, expected, strict=True):
            assert np.abs(made[:, :56].astype(int) - frame[:, :56]).mean() < 2
            assert np.abs(made[:, 72:].astype(int) - (255 - frame[:, 72:])).mean() < 2


@pytest.mark.parametrize("rate", [NTSC, Fraction(24000, 1001), Fraction(25), Fraction(15, 2), Fraction(60)])
@pytest.mark.parametrize("name", ["in.mp4", "in.mkv"])
def test_the_frame_rate_is_kept(tmp_path: Path, rate: Fraction, name: str) -> None:
    source = make_film(tmp_path / name, rate=rate)
    run(source, tmp_path / "out.mp4")
    assert times(tmp_path / "out.mp4") == times(source)
    if name == "in.mp4":
        with av.open(str(tmp_path / "out.mp4")) as container:
            assert container.streams.video[0].average_rate == rate


UNEVEN = [0, 40, 45, 200, 233, 266, 300, 1300, 1310, 1350, 1400, 1401, 1402, 2000, 5000]


@pytest.mark.parametrize("late", [0, 700])
@pytest.mark.parametrize(("name", "target"), [("in.mp4", "out.mp4"), ("in.mkv", "out.mov"), ("in.mkv", "out.webm")])
def test_uneven_times_and_a_late_start_are_kept(tmp_path: Path, name: str, target: str, late: int) -> None:
    source = make_film(tmp_path / name, times=[late + time for time in UNEVEN], base=Fraction(1, 1000))
    report = run(source, tmp_path / target)
    assert times(tmp_path / target) == pytest.approx([(late + time) / 1000 for time in UNEVEN], abs=1e-6)
    assert times(source) == times(tmp_path / target)
    assert report.frames == 15


@pytest.mark.parametrize("name", ["in.mp4", "in.mkv"])
def test_a_header_that_lies_about_its_length_loses_nothing(tmp_path: Path, name: str) -> None:
    source = make_film(tmp_path / name, tones=[Tone(seconds=0.5)])
    content, lies = bytearray(source.read_bytes()), 0
    for mark, place, lie in (
        (b"mvhd", 20, (7_000_000).to_bytes(4)),  # ISO 14496-12, version 0
        (b"mdhd", 20, (7_000_000).to_bytes(4)),
        (b"tkhd", 24, (7_000_000).to_bytes(4)),
        (b"\x44\x89\x88", 3, struct.pack(">d", 7_000_000)),  # Matroska's Duration
    ):
        for found in re.finditer(re.escape(mark), bytes(content)):
            content[found.start() + place : found.start() + place + len(lie)] = lie
            lies += 1
    assert lies == {"in.mp4": 5, "in.mkv": 1}[name]
    source.write_bytes(content)
    report = run(source, tmp_path / "out.mp4")
    assert (report.frames, report.complete) == (15, True)
    assert report.seconds == pytest.approx(0.5, abs=0.05)


def test_a_last_frame_that_stands_for_long_still_does(tmp_path: Path) -> None:
    source = make_film(tmp_path / "in.mp4", count=10)
    with av.open(str(source)) as container, av.open(str(tmp_path / "long.mp4"), "w") as output:
        stream = output.add_stream_from_template(container.streams.video[0])
        for packet in container.demux(video=0):
            if packet.size:
                if packet.pts * packet.time_base >= Fraction(9, 30):
                    packet.duration = round(7 / packet.time_base)
                packet.stream = stream
                output.mux(packet)
    with av.open(str(tmp_path / "long.mp4")) as container:
        assert container.duration / 1e6 > 7
    report = run(tmp_path / "long.mp4", tmp_path / "out.mp4")
    assert report.seconds == pytest.approx(7.3, abs=0.05)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.duration / 1e6 == pytest.approx(7.3, abs=0.05)


@pytest.mark.parametrize("codec_options", [{}, {"bf": "2"}], ids=["plain", "B-frames"])
def test_a_file_without_times_gets_even_ones(tmp_path: Path, codec_options: dict[str, str]) -> None:
    """AVI counts frames only."""
    source = make_film(tmp_path / "in.avi", codec="mpeg4", codec_options=codec_options)
    report = run(source, tmp_path / "out.mp4")
    with seglib.open_source(source) as frames:
        assert report.frames == len(list(frames)) == 15
    steps = np.diff(times(tmp_path / "out.mp4"))
    assert np.allclose(steps, 1 / 30, atol=1e-3)


def test_times_below_zero_are_moved_up_and_the_sound_with_them(tmp_path: Path) -> None:
    """Players show nothing before 0."""
    early = [-500 + round(1000 * number / 30) for number in range(30)]
    options = {"avoid_negative_ts": "disabled"}
    tones = [Tone("mp2", start=-0.5)]
    source = make_film(tmp_path / "in.wtv", 30, times=early, base=Fraction(1, 1000), tones=tones, options=options)
    assert times(source)[0] == pytest.approx(-0.5)
    made = run(source, tmp_path / "out.mp4").path
    assert len(times(made)) == 30
    assert times(made) == pytest.approx([time + 0.5 for time in times(source)], abs=0.001)
    assert heard(made)[1] == pytest.approx(heard(source)[1] + 0.5, abs=0.03)


def test_the_last_frame_stands_for_long_also_where_it_is_coded_before_others(tmp_path: Path) -> None:
    """The codec orders frames as it likes. ffprobe's duration is the file's."""
    source = make_film(tmp_path / "in.mkv", 10, times=[*range(0, 360, 40), 5000], base=Fraction(1, 1000), draw=noisy)
    report = run(source, tmp_path / "out.mp4", crf=30)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.duration / 1e6 == pytest.approx(report.seconds, abs=0.01)


def test_times_that_go_back_are_mended(tmp_path: Path) -> None:
    """Two transport streams, one after the other in one file, as some cameras join them."""
    first = make_film(tmp_path / "a.ts", count=40, tones=[Tone(seconds=1.3)])
    (tmp_path / "in.ts").write_bytes(first.read_bytes() * 2)
    report = run(tmp_path / "in.ts", tmp_path / "out.mp4")
    made = times(tmp_path / "out.mp4")
    assert report.frames == len(made) == 80
    assert np.allclose(np.diff(made), 1 / 30, atol=0.05)
    assert heard(tmp_path / "out.mp4")[1] == pytest.approx(made[-1], abs=0.15)


def test_a_transport_stream_starts_at_zero_with_its_sound_in_step(tmp_path: Path) -> None:
    late = [5 * 90000 + 3000 * number for number in range(15)]
    source = make_film(tmp_path / "in.ts", times=late, base=Fraction(1, 90000), tones=[Tone(seconds=0.5, start=5.02)])
    before, after = times(source), times(run(source, tmp_path / "out.mp4").path)
    assert before[0] > 4
    assert np.allclose(np.diff(before), np.diff(after), atol=1e-4)
    assert after[0] < 0.1
    assert heard(tmp_path / "out.mp4")[0] - after[0] == pytest.approx(heard(source)[0] - before[0], abs=0.001)


# ---- its sound ---------------------------------------------------------------------------------------------

COPIED = [
    *[("mp4", codec) for codec in ("aac", "libmp3lame", "ac3", "eac3", "alac", "libopus", "flac")],
    *[("mov", codec) for codec in ("aac", "alac", "pcm_s16le")],
    ("webm", "libopus"),
]


def assert_sounds_alike(path: Path, other: Path) -> None:
    """Copied packets are heard from their start to their end, up to what a container trims from a codec's padding."""
    start, end, pitch = heard(path)
    assert (start, end) == pytest.approx(heard(other)[:2], abs=0.03)
    assert pitch == pytest.approx(440, abs=3)


@pytest.mark.parametrize(("ending", "codec"), COPIED)
def test_sound_is_copied_bit_by_bit(tmp_path: Path, ending: str, codec: str) -> None:
    source = make_film(tmp_path / "in.mkv", tones=[Tone(codec)])
    report = run(source, tmp_path / f"out.{ending}")
    assert report.audio == "copied"
    assert len(sounds(source)[0]) > 9
    assert sounds(report.path) == sounds(source)
    assert_sounds_alike(report.path, source)


def test_the_sound_of_a_transport_stream_is_copied(tmp_path: Path) -> None:
    """There every packet has a header of its own (ADTS), which MP4 does without."""
    source = make_film(tmp_path / "in.ts", tones=[Tone()])
    report = run(source, tmp_path / "out.mp4")
    assert report.audio == "copied"
    assert [len(packet) for packet in sounds(report.path)[0]] == [len(packet) - 7 for packet in sounds(source)[0]]
    assert heard(report.path)[2] == pytest.approx(440, abs=3)


@pytest.mark.parametrize(
    ("ending", "codec"), [("mp4", "mp2"), ("mp4", "pcm_s16le"), ("mov", "libopus"), ("webm", "aac")]
)
@pytest.mark.parametrize("rate", [48000, 44100])
def test_other_sound_is_encoded_anew(tmp_path: Path, ending: str, codec: str, rate: int) -> None:
    if codec == "libopus" and rate != 48000:
        pytest.skip("Opus knows 48 kHz only")
    source = make_film(tmp_path / "in.mkv", tones=[Tone(codec, rate=rate, layout="stereo", start=0.25)])
    report = run(source, tmp_path / f"out.{ending}")
    assert report.audio == "re-encoded"
    start, end, pitch = heard(report.path)
    before = heard(source)
    assert start == pytest.approx(before[0], abs=0.03)
    assert end == pytest.approx(before[1], abs=0.05)
    assert pitch == pytest.approx(440, abs=3)


def test_every_audio_stream_comes_along_with_its_language(tmp_path: Path) -> None:
    tones = [
        Tone(hertz=440, language="eng"),
        Tone("libmp3lame", hertz=880, language="deu", layout="stereo"),
        Tone("mp2"),
    ]
    source = make_film(tmp_path / "in.mkv", tones=tones)
    report = run(source, tmp_path / "out.mp4")
    assert report.audio == "re-encoded"
    assert sounds(report.path)[:2] == sounds(source)[:2]
    assert heard(report.path, 1)[2] == pytest.approx(880, abs=3)
    with av.open(str(report.path)) as container:
        assert [stream.metadata["language"] for stream in container.streams.audio] == ["eng", "deu", "eng"]


@pytest.mark.parametrize(("ending", "handling"), [("mp4", "copied"), ("webm", "re-encoded")])
def test_of_two_recordings_in_one_file_both_are_heard(tmp_path: Path, ending: str, handling: str) -> None:
    """The second one's clock starts anew."""
    first = make_film(tmp_path / "a.ts", count=40, tones=[Tone(seconds=1.3)])
    (tmp_path / "in.ts").write_bytes(first.read_bytes() * 2)
    report = run(tmp_path / "in.ts", tmp_path / f"out.{ending}")
    assert report.audio == handling
    assert heard(report.path)[1] == pytest.approx(2.65, abs=0.15)
    assert heard(report.path)[2] == pytest.approx(440, abs=3)


@pytest.mark.parametrize("start", [0.0, 0.3])
@pytest.mark.parametrize("seconds", [0.2, 3.0])
def test_sound_that_starts_later_or_lasts_longer_stays_as_it_is(tmp_path: Path, start: float, seconds: float) -> None:
    source = make_film(tmp_path / "in.mp4", tones=[Tone(start=start, seconds=seconds)])
    report = run(source, tmp_path / "out.mp4")
    assert sounds(report.path) == sounds(source)
    assert heard(report.path)[:2] == pytest.approx(heard(source)[:2], abs=0.001)


def test_no_sound_stays_no_sound(tmp_path: Path) -> None:
    report = run(make_film(tmp_path / "in.mp4"), tmp_path / "out.mp4")
    assert report.audio == "none"
    assert sounds(report.path) == []


# ---- its looks ---------------------------------------------------------------------------------------------

BT709 = {"colorspace": 1, "color_primaries": 1, "color_trc": 1}
BT601 = {"colorspace": 6, "color_primaries": 6, "color_trc": 6}
WIDE = {"colorspace": 9, "color_primaries": 9, "color_trc": 14}


@pytest.mark.parametrize(
    ("marks", "matrix"),
    [(BT709, Colorspace.ITU709), (BT601, Colorspace.ITU601), ({}, Colorspace.ITU601), (WIDE, Colorspace.BT2020)],
    ids=["BT.709", "BT.601", "unmarked", "BT.2020"],
)
@pytest.mark.parametrize("levels", [ColorRange.MPEG, ColorRange.JPEG], ids=["limited", "full"])
def test_no_pixel_changes_by_more_than_codec_noise(
    tmp_path: Path, marks: dict[str, int], matrix: Colorspace, levels: ColorRange
) -> None:
    marks = marks | ({"color_range": int(levels)} if marks or levels == ColorRange.JPEG else {})
    source = make_film(tmp_path / "in.mp4", count=4, marks=marks, matrix=matrix, levels=levels)
    run(source, tmp_path / "out.mp4", crf=1)
    for before, after in zip(planes(source), planes(tmp_path / "out.mp4"), strict=True):
        difference = np.abs(before.astype(int) - after)
        assert difference.max() <= 6
        assert difference.mean() < 1
    with av.open(str(source)) as old, av.open(str(tmp_path / "out.mp4")) as new:
        for name in ("colorspace", "color_primaries", "color_trc", "color_range"):
            before, after = (getattr(c.streams.video[0].codec_context, name) for c in (old, new))
            assert int(before) == int(after), name
    with seglib.open_source(source) as frames:
        assert np.abs(next(frames).astype(int) - smooth(0)).mean() < 2.5, "and the colours are the right ones"


def test_of_vp8_the_file_knows_the_colours(tmp_path: Path) -> None:
    """VP8 has no word for them, FFmpeg's decoder takes BT.601, but what browsers record is BT.709 and full."""
    marks = BT709 | {"color_range": int(ColorRange.JPEG)}
    source = make_film(
        tmp_path / "in.webm", 3, codec="libvpx", marks=marks, matrix=Colorspace.ITU709, levels=ColorRange.JPEG
    )
    with seglib.open_source(source) as frames:
        assert np.abs(next(frames).astype(int) - smooth(0)).mean() < 3
    run(source, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (int(context.colorspace), int(context.color_range)) == (1, int(ColorRange.JPEG))


def test_a_title_in_an_old_encoding_is_no_reason_to_refuse_a_film(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "plain.avi"), "w") as container:
        container.metadata["title"] = "Kaese"
        stream = container.add_stream("mpeg4", rate=30)
        stream.width, stream.height = 128, 96
        container.mux(stream.encode(av.VideoFrame.from_ndarray(smooth(0), format="rgb24")))
        container.mux(stream.encode())
    data = (tmp_path / "plain.avi").read_bytes()
    assert b"Kaese" in data
    (tmp_path / "in.avi").write_bytes(data.replace(b"Kaese", "K\xe4\xdfe ".encode("latin-1")))
    assert run(tmp_path / "in.avi", tmp_path / "out.mp4").frames == 1


def test_an_unmarked_hd_video_is_read_as_players_do(tmp_path: Path) -> None:
    def big(number: int) -> Picture:
        return smooth(number, 720, 160)

    source = make_film(tmp_path / "in.mp4", 2, draw=big, matrix=Colorspace.ITU709)
    with seglib.open_source(source) as frames:
        assert np.abs(next(frames).astype(int) - big(0)).mean() < 2.5
    run(source, tmp_path / "out.mp4", crf=1)
    for before, after in zip(planes(source), planes(tmp_path / "out.mp4"), strict=True):
        assert np.abs(before.astype(int) - after).max() <= 6


@pytest.mark.parametrize(
    ("codec", "pixels", "name"),
    [
        ("libx264", "yuv420p10le", "in.mp4"),
        ("libx264", "yuv444p", "in.mp4"),
        ("ffv1", "bgr0", "in.mkv"),
        ("mjpeg", "yuvj420p", "in.avi"),
        ("mpeg2video", "yuv420p", "in.mpg"),
        ("png", "rgba", "in.mov"),
    ],
)
def test_unusual_pixels_become_what_plays_everywhere(tmp_path: Path, codec: str, pixels: str, name: str) -> None:
    full = ColorRange.JPEG if pixels == "yuvj420p" else ColorRange.MPEG
    source = make_film(tmp_path / name, 5, codec=codec, pixels=pixels, levels=full)
    run(source, tmp_path / "out.mp4")
    with seglib.open_source(source) as old, seglib.open_source(tmp_path / "out.mp4") as new:
        for before, after in zip(old, new, strict=True):
            assert np.abs(before.astype(int) - after).mean() < 2.5
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].codec_context.pix_fmt in ("yuv420p", "yuvj420p")


@pytest.mark.parametrize("transfer", [16, 18], ids=["PQ", "HLG"])
def test_hdr_is_refused_with_the_way_out(tmp_path: Path, transfer: int) -> None:
    marks = {"colorspace": 9, "color_primaries": 9, "color_trc": transfer}
    source = make_film(tmp_path / "in.mp4", 3, pixels="yuv420p10le", marks=marks, matrix=Colorspace.BT2020)
    with pytest.raises(SourceError, match="HDR.*ffmpeg.*tonemap"):
        run(source, tmp_path / "out.mp4")
    only(tmp_path, "in.mp4")


@pytest.mark.parametrize(("angle", "width", "height"), [(0, 128, 96), (90, 96, 128), (180, 128, 96), (270, 96, 128)])
def test_a_phones_video_stands_upright_for_good(tmp_path: Path, angle: int, width: int, height: int) -> None:
    source = make_film(tmp_path / "in.mp4", 3, shape=Fraction(4, 3))
    turned = tmp_path / "turned.mp4"
    with av.open(str(source)) as container, av.open(str(turned), "w") as output:
        stream = output.add_stream_from_template(container.streams.video[0])
        stream.set_display_rotation(angle)
        for packet in container.demux(video=0):
            if packet.size:
                packet.stream = stream
                output.mux(packet)
    run(turned, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (width, height)
        assert next(container.decode(video=0)).rotation == 0
        assert stream.sample_aspect_ratio == (Fraction(3, 4) if angle in (90, 270) else Fraction(4, 3))
    with seglib.open_source(turned) as old, seglib.open_source(tmp_path / "out.mp4") as new:
        for before, after in zip(old, new, strict=True):
            assert before.shape == (height, width, 3)
            assert np.abs(before.astype(int) - after).mean() < 2.5


def moving_bar(number: int) -> Picture:
    """A bright bar that goes to the right: even rows are of one moment, odd rows of the next. The rest stands still."""
    picture = smooth(0)
    picture[:, 112:] = noisy(0)[:, 112:, :1]  # grey, and fine: rows that are drawn anew show
    for first_row, moment in ((0, number), (1, number + 0.5)):
        left = round(8 + 6 * moment)
        picture[first_row::2, left : left + 12] = 250
    return picture


def combs(path: Path) -> float:
    """How much rows differ from both of their neighbours on the left, in levels, as only combs do there."""
    found = []
    with seglib.open_source(path) as frames:
        for frame in frames:
            rows = frame[:, :112, 1].astype(int)
            middle, above, below = rows[1:-1], rows[:-2], rows[2:]
            found.append(np.maximum(0, np.minimum(np.abs(middle - above), np.abs(middle - below)) - 10).mean())
    return float(np.mean(found))


@pytest.mark.parametrize(("name", "codec"), [("in.mpg", "mpeg2video"), ("in.mp4", "libx264"), ("in.avi", "mpeg2video")])
def test_an_interlaced_film_loses_its_combs_and_nothing_else(tmp_path: Path, name: str, codec: str) -> None:
    flags = {"flags": "+ildct+ilme"}
    source = make_film(tmp_path / name, 15, 25, moving_bar, codec=codec, codec_options=flags, tones=[Tone("mp2")])
    with av.open(str(source)) as container:
        assert next(container.decode(video=0)).interlaced_frame
    run(source, tmp_path / "out.mp4")
    before, after = times(source), times(tmp_path / "out.mp4")
    assert len(after) == len(before)
    assert np.allclose(np.subtract(after, after[0]), np.subtract(before, before[0]), atol=0.001)
    assert combs(tmp_path / "out.mp4") < combs(source) / 3
    with seglib.open_source(source) as old, seglib.open_source(tmp_path / "out.mp4") as new:
        changes = []
        for one, other in zip(old, new, strict=True):
            changes.append(np.abs(one[:, 114:].astype(int) - other[:, 114:]).mean())
            left, right = (np.flatnonzero((frame[48:50, :112] > 200).all(axis=(0, 2))) for frame in (one, other))
            assert abs(left.mean() - right.mean()) < 4, "the bar is where it was"
    assert np.median(changes) < 6, "what stands still keeps all its rows; with every other one it were 36"


def test_a_broken_interlaced_film_keeps_what_is_before_the_break(tmp_path: Path) -> None:
    flags = {"flags": "+ildct+ilme"}
    source = make_film(tmp_path / "in.mkv", 40, 25, noisy, codec="libx264", codec_options=flags)
    count = 0
    with seglib.open_source(cut(source, 0.6)) as frames, pytest.raises(SourceError):
        for _ in frames:
            count += 1
    report = run(source, tmp_path / "out.mp4", keep_broken=True)
    assert (report.frames, report.complete) == (count, False)


def test_an_odd_size_loses_its_last_pixel(tmp_path: Path) -> None:
    source = make_film(tmp_path / "in.mkv", 3, draw=lambda n: smooth(n, 95, 127), codec="ffv1", pixels="bgr0")
    shapes = set()

    def effect(frame: Frame, mask: Mask) -> Frame:
        shapes.add(frame.shape)
        return frame

    run(source, tmp_path / "out.mp4", effect)
    assert shapes == {(95, 127, 3)}
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (126, 94)


def test_one_converter_for_a_film_changes_no_pixel(tmp_path: Path) -> None:
    """Whatever it has converted before, and while the pictures that it made are still in use."""
    pictures, shared, back = [], VideoReformatter(), VideoReformatter()
    for name, options in {
        "a.mp4": {},
        "b.mp4": {"pixels": "yuv420p10le", "levels": ColorRange.MPEG},
        "c.avi": {"codec": "mjpeg", "pixels": "yuvj420p", "levels": ColorRange.JPEG},
        "d.mp4": {"draw": lambda number: smooth(number, 64, 160), "marks": BT709, "matrix": Colorspace.ITU709},
    }.items():
        with av.open(str(make_film(tmp_path / name, 3, **options))) as container:
            pictures += list(container.decode(video=0))
    made = []
    for picture in pictures[::2] + pictures[1::2]:
        frame, coding = to_rgb(picture), PixelFormat.of(picture)
        np.testing.assert_array_equal(to_rgb(picture, shared), frame)
        made.append((from_rgb(frame, coding, back), from_rgb(frame, coding)))
    for one, other in made:
        np.testing.assert_array_equal(one.to_ndarray(), other.to_ndarray())
        assert (one.color_range, one.colorspace) == (other.color_range, other.colorspace)


def test_crf_is_a_choice_between_size_and_quality(tmp_path: Path) -> None:
    source = make_film(tmp_path / "in.mp4", 5, draw=noisy)
    for ending in ("mp4", "webm"):
        sizes = [run(source, tmp_path / f"{crf}.{ending}", crf=crf).path.stat().st_size for crf in (10, 40)]
        assert sizes[0] > 1.5 * sizes[1]


# ---- the walk ----------------------------------------------------------------------------------------------


def test_with_portrait_and_blur_as_in_the_readme(tmp_path: Path) -> None:
    def person(number: int) -> Picture:
        return np.roll(seglib.sample_frame()[::2, ::2], number, axis=1)

    source = make_film(tmp_path / "in.mp4", 4, draw=person)
    report = process_video(source, tmp_path / "out.mp4", seglib.Blur(), progress=False)
    assert report.frames == 4
    with seglib.open_source(source) as old, seglib.open_source(report.path) as new:
        before, after = next(old).astype(int), next(new).astype(int)
    face = seglib.sample_mask()[::2, ::2] > 0.99
    assert np.abs(before - after)[face].mean() < 6 < np.abs(before - after)[~face].mean()


def test_the_mask_is_cleaned_and_steadied_unless_switched_off(film: Path, tmp_path: Path) -> None:
    class Nervous(LeftHalf):
        def masks(self, frames: list[Frame], keep: object, size: object = None) -> np.ndarray:
            masks = super().masks(frames, keep)
            masks[:, 40:44, 100:104] = 1  # a speck
            return masks * (1 - 0.4 * (len(self.batches) % 2))

    def still(number: int) -> Picture:
        return smooth(0)

    source = make_film(tmp_path / "still.mp4", draw=still)
    kept: dict[str, list[Mask]] = {}
    for name, options in {"plain": {}, "clean": {"clean": True}, "steady": {"steady": True}}.items():
        masks = kept.setdefault(name, [])
        run(
            source,
            tmp_path / f"{name}.mp4",
            lambda frame, mask, masks=masks: masks.append(mask) or frame,
            model=Nervous(),
            **options,
        )
    assert seglib.flicker(kept["steady"]) < 0.5 * seglib.flicker(kept["plain"])
    assert kept["plain"][1][42, 102] == 1
    assert kept["clean"][1][42, 102] == 0


def test_the_kept_classes_reach_the_model(film: Path, tmp_path: Path) -> None:
    asked = []

    class Asked(LeftHalf):
        def masks(self, frames: list[Frame], keep: object, size: object = None) -> np.ndarray:
            asked.append(keep)
            return super().masks(frames, keep)

    run(film, tmp_path / "out.mp4", model=Asked(), keep=("person", "cat"))
    assert asked == [[15, 8]] * 15


@pytest.mark.parametrize(("batch", "expected"), [(1, [1] * 20), (8, [8, 8, 4]), (50, [20])])
def test_a_model_gets_as_many_frames_at_once_as_it_likes(tmp_path: Path, batch: int, expected: list[int]) -> None:
    model = LeftHalf(batch)
    report = run(make_film(tmp_path / "in.mp4", 20), tmp_path / "out.mp4", model=model)
    assert model.batches == expected
    assert report.frames == 20


@pytest.mark.parametrize("batch", [1, 4, 8])
def test_of_a_broken_source_every_frame_before_the_break_is_kept(tmp_path: Path, batch: int) -> None:
    """Also those that wait for others to be predicted with."""
    broken = cut(make_film(tmp_path / "in.mkv", 40, draw=noisy), 0.6)
    there = 0
    with seglib.open_source(broken) as frames, pytest.raises(SourceError):
        for _ in frames:
            there += 1
    assert there % 4 != 0, "a film that breaks off between two batches would prove nothing"
    assert run(broken, tmp_path / "out.mp4", model=LeftHalf(batch), keep_broken=True).frames == there


def test_opencv_takes_half_of_the_cores_meanwhile(film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them again at the end, after an error too, and after the last one of several."""
    monkeypatch.setattr(cv2, "getNumberOfCPUs", lambda: 6)
    usual, seen = cv2.getNumThreads(), set()
    cv2.setNumThreads(4)
    try:
        run(film, tmp_path / "a.mp4", lambda frame, mask: seen.add(cv2.getNumThreads()) or frame)
        assert (seen, cv2.getNumThreads()) == ({3}, 4)
        with pytest.raises(ZeroDivisionError):
            run(film, tmp_path / "b.mp4", lambda frame, mask: frame / (1 // 0))
        assert cv2.getNumThreads() == 4
        first, second = shared_cores(), shared_cores()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert cv2.getNumThreads() == 3
        second.__exit__(None, None, None)
        assert cv2.getNumThreads() == 4
        cv2.setNumThreads(1)
        with shared_cores():
            assert cv2.getNumThreads() == 1, "not more than before"
        monkeypatch.setattr(cv2, "getNumberOfCPUs", lambda: 1)
        with shared_cores():
            assert cv2.getNumThreads() == 1
    finally:
        cv2.setNumThreads(usual)


def test_progress_is_shown_on_request(film: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run(film, tmp_path / "a.mp4", progress=True)
    printed = capfd.readouterr()
    assert "15/15" in printed.err
    assert "frames/s" in printed.err
    assert printed.out == ""
    run(film, tmp_path / "b.mp4", progress=False)
    assert capfd.readouterr() == ("", "")


def test_two_runs_give_the_same_file(film: Path, tmp_path: Path) -> None:
    first, second = run(film, tmp_path / "a.mp4"), run(film, tmp_path / "b.mp4")
    assert planes(first.path)[-1].tobytes() == planes(second.path)[-1].tobytes()


# ---- where it goes -----------------------------------------------------------------------------------------


def test_the_source_is_never_touched(film: Path, tmp_path: Path) -> None:
    before, stat = film.read_bytes(), film.stat()
    for overwrite in (False, True):
        with pytest.raises(ValueError, match="is the source itself"):
            run(film, film, overwrite=overwrite)
    for name, link in {"soft.mp4": os.symlink, "hard.mp4": os.link}.items():
        link(film, tmp_path / name)
        with pytest.raises(ValueError, match="is the source itself"):
            run(film, tmp_path / name, overwrite=True)
    run(film, tmp_path / "out.mp4")
    assert film.read_bytes() == before
    assert film.stat().st_mtime_ns == stat.st_mtime_ns


def test_an_older_file_is_replaced_on_request_only(film: Path, tmp_path: Path) -> None:
    (tmp_path / "out.mp4").write_bytes(b"an older film")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        run(film, tmp_path / "out.mp4")
    assert (tmp_path / "out.mp4").read_bytes() == b"an older film"
    assert run(film, tmp_path / "out.mp4", overwrite=True).frames == len(planes(tmp_path / "out.mp4")) == 15


def test_folders_are_made_and_names_may_hold_anything(film: Path, tmp_path: Path) -> None:
    path = tmp_path / "new" / "Käse & Crème" / "l'été, nº 1 100%.mp4"
    assert len(planes(run(film, str(path)).path)) == 15
    only(path.parent, path.name)


@pytest.mark.parametrize(
    ("name", "options", "error", "words"),
    [
        ("out.avi", {}, ValueError, r"must end in one of \.mp4"),
        ("out", {}, ValueError, r"must end in one of \.mp4"),
        ("out.webm", {"codec": "h264"}, ValueError, r"\.webm holds vp9"),
        ("out.mp4", {"codec": "hevc"}, ValueError, r"codec is 'hevc'"),
        ("out.mp4", {"crf": 52}, ValueError, "crf is 52"),
        ("out.mp4", {"crf": -1}, ValueError, "crf is -1"),
        ("out.mp4", {"keep": ("persn",)}, ValueError, "unknown class 'persn'"),
        ("out.mp4", {"model": "portait"}, ValueError, "unknown model 'portait'"),
        ("folder", {}, IsADirectoryError, "is a folder"),
        ("in.mp4/out.mp4", {}, OSError, "in.mp4"),
    ],
)
def test_wrong_arguments_are_told_before_the_work_starts(
    film: Path, tmp_path: Path, name: str, options: dict[str, object], error: type[Exception], words: str
) -> None:
    (tmp_path / "folder").mkdir()
    calls: list[int] = []
    with pytest.raises(error, match=words):
        run(film, tmp_path / name, lambda frame, mask: calls.append(1) or frame, **options)
    assert calls == []
    only(tmp_path, "in.mp4", "folder")


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a folder in which not even root may write")
def test_a_folder_in_which_nobody_may_write_is_an_os_error(film: Path) -> None:
    with pytest.raises(OSError, match="/proc/self"):
        run(film, Path("/proc/self/out.mp4"))


@pytest.mark.parametrize("limit", [3_000, 60_000], ids=["at once", "later"])
def test_a_full_disk_is_an_os_error_and_leaves_nothing(tmp_path: Path, limit: int) -> None:
    """A limit on the size of files is the full disk that a test may cause."""
    resource = pytest.importorskip("resource", reason="POSIX only")
    source = make_film(tmp_path / "in.mp4", 90, draw=noisy)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(OSError, match=r"too large: '.*/out\.mp4'$"):
            run(source, tmp_path / "out.mp4")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    only(tmp_path, "in.mp4")


# ---- what goes wrong on the way ----------------------------------------------------------------------------


@pytest.fixture
def long_film(tmp_path: Path) -> Path:
    return make_film(tmp_path / "in.mp4", 80, tones=[Tone(seconds=3)])


def at_frame_50(action: Callable[[Frame], object]) -> Callable[[Frame, Mask], object]:
    count = iter(range(1000))
    return lambda frame, mask: action(frame) if next(count) == 50 else frame


def failing(error: BaseException) -> Callable[[Frame], object]:
    def fail(frame: Frame) -> object:
        raise error

    return fail


def test_an_effect_that_raises_ends_it_with_its_own_error(long_film: Path, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        run(long_film, tmp_path / "out.mp4", at_frame_50(failing(ZeroDivisionError("mine"))))
    assert caught.value.__notes__ == ["(raised by the effect at frame 50 of the video)"]
    only(tmp_path, "in.mp4")


@pytest.mark.parametrize(
    ("action", "error", "words"),
    [
        (lambda frame: None, TypeError, r"effect returned NoneType for frame 50"),
        (
            lambda frame: frame[..., 0],
            ValueError,
            r"effect returned \(96, 128\) uint8 for frame 50, not \(96, 128, 3\)",
        ),
        (lambda frame: frame[:48], ValueError, r"effect returned \(48, 128, 3\)"),
        (lambda frame: frame / 255, ValueError, "float64"),
    ],
    ids=["None", "grey", "half", "float"],
)
def test_an_effect_that_returns_no_frame_is_told(
    long_film: Path, tmp_path: Path, action: Callable[[Frame], object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        run(long_film, tmp_path / "out.mp4", at_frame_50(action))
    only(tmp_path, "in.mp4")


def test_an_older_file_survives_an_error(long_film: Path, tmp_path: Path) -> None:
    (tmp_path / "out.mp4").write_bytes(b"an older film")
    with pytest.raises(ZeroDivisionError):
        run(long_film, tmp_path / "out.mp4", at_frame_50(failing(ZeroDivisionError())), overwrite=True)
    assert (tmp_path / "out.mp4").read_bytes() == b"an older film"


def test_an_interrupt_leaves_a_file_that_plays_with_what_is_done(long_film: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt, match=r"out\.mp4 holds the first 50 frames, 1\.7 s"):
        run(long_film, tmp_path / "out.mp4", at_frame_50(failing(KeyboardInterrupt())))
    only(tmp_path, "in.mp4", "out.mp4")
    assert times(tmp_path / "out.mp4") == times(long_film)[:50]
    assert heard(tmp_path / "out.mp4")[1] == pytest.approx(50 / 30, abs=0.1)
    data = (tmp_path / "out.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_an_interrupt_before_the_first_frame_leaves_nothing(long_film: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt, match="before the first frame"):
        run(long_film, tmp_path / "out.mp4", lambda frame, mask: failing(KeyboardInterrupt())(frame))
    only(tmp_path, "in.mp4")


INTERRUPTED = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin without it
from test_process_video import LeftHalf, process_video
def slow(frame, mask):
    time.sleep(0.02)
    return frame
process_video(sys.argv[1], sys.argv[2], slow, model=LeftHalf(), clean=False, steady=False)
"""


@pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGINT to send")
def test_ctrl_c_in_a_terminal_ends_it_cleanly(tmp_path: Path) -> None:
    source = make_film(tmp_path / "in.mp4", 900, tones=[Tone(seconds=30)])
    command = [sys.executable, "-c", INTERRUPTED, str(source), str(tmp_path / "out.mp4")]
    with subprocess.Popen(command, cwd=Path(__file__).parent, stderr=subprocess.PIPE, text=True) as process:
        seen = ""
        while not re.search(r"[1-9][0-9]*/900", seen):
            seen += process.stderr.read(1)
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
@pytest.mark.parametrize("rate", [30, NTSC])
@pytest.mark.parametrize(("name", "codec", "target"), [("in.mp4", "aac", "out.mp4"), ("in.mkv", "mp2", "out.webm")])
def test_picture_and_sound_are_in_step_to_one_frame_over_ten_minutes(
    tmp_path: Path, rate: Fraction | int, name: str, codec: str, target: str
) -> None:
    """Every minute a white frame and a beep begin together; they still do in the new file, copied or encoded anew."""
    count = 600 * 30
    first = {round(60 * minute * rate) for minute in range(10)}
    dark, white = np.full((48, 64, 3), 40, np.uint8), np.full((48, 64, 3), 235, np.uint8)
    tones = [Tone(codec, seconds=599, beep=60)]
    source = make_film(tmp_path / name, count, rate, lambda n: white if n in first else dark, tones=tones)
    made = run(source, tmp_path / target, crf=30).path
    for path in (source, made):
        flashes = [time for time, picture in zip(times(path), planes(path), strict=True) if picture[:48].mean() > 150]
        assert len(flashes) == len(beeps(path)) == 10
        assert np.abs(np.subtract(flashes, beeps(path))).max() < float(1 / Fraction(rate))
    assert times(made) == pytest.approx(times(source), abs=0.001)
    assert beeps(made) == pytest.approx(beeps(source), abs=0.005)


MEMORY = """
import resource, sys
from pathlib import Path
from films import make_film, smooth
from test_process_video import LeftHalf, process_video
source = Path(sys.argv[1])
picture = smooth(0, 720, 1280)
make_film(source, int(sys.argv[2]), draw=lambda number: picture, codec_options={"crf": "30"})
process_video(source, source.with_name("out.mp4"), lambda frame, mask: frame, model=LeftHalf(), clean=False,
    steady=False, progress=False, overwrite=True)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
def test_memory_is_flat(tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="POSIX only")

    def peak(frames: int) -> int:
        command = [sys.executable, "-c", MEMORY, str(tmp_path / "in.mp4"), str(frames)]
        return int(subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, check=True).stdout)

    assert peak(600 * 30) - peak(10 * 30) < 50, "MB"


def cut(path: Path, share: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


@pytest.mark.parametrize("name", ["in.mp4", "in.mkv"])
@pytest.mark.parametrize("share", [0.5, 0.9])
@pytest.mark.parametrize("tones", [[], [Tone(seconds=3)]], ids=["silent", "with sound"])
def test_a_truncated_source_leaves_nothing_or_what_was_before_the_break(
    tmp_path: Path, name: str, share: float, tones: list[Tone]
) -> None:
    options = FASTSTART if name.endswith("mp4") else {}
    source = cut(make_film(tmp_path / name, 90, draw=noisy, tones=tones, options=options), share)
    with pytest.raises(SourceError, match=name):
        run(source, tmp_path / "out.mp4")
    only(tmp_path, name)
    report = run(source, tmp_path / "out.mp4", keep_broken=True)
    assert not report.complete
    assert 90 * share * 0.75 < report.frames < 90
    assert len(planes(tmp_path / "out.mp4")) == report.frames
    if tones:
        assert heard(tmp_path / "out.mp4")[1] == pytest.approx(report.seconds, abs=0.15)


@pytest.mark.parametrize("keep_broken", [False, True])
def test_what_is_no_video_is_refused(tmp_path: Path, keep_broken: bool) -> None:
    Image.fromarray(smooth(0)).save(tmp_path / "picture.mp4", "PNG")
    Image.fromarray(smooth(0)).save(tmp_path / "photo.mp4", "JPEG")
    (tmp_path / "text.mp4").write_text("hello, world\n" * 300)
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "folder.mp4").mkdir()
    with av.open(str(tmp_path / "song.mp4"), "w") as container:
        sound = container.add_stream("aac", rate=48000, layout="mono")
        container.mux(sound.encode(None))
    (tmp_path / "song.mp4").write_bytes(make_song(tmp_path / "s.m4a").read_bytes())
    expected = {
        "picture.mp4": "is a picture, not a video",
        "photo.mp4": "is a picture, not a video",
        "text.mp4": "neither a picture nor a video",
        "empty.mp4": "is empty",
        "folder.mp4": "is a folder",
        "song.mp4": "holds no video stream",
        "absent.mp4": "does not exist",
    }
    before = sorted(os.listdir(tmp_path))
    for name, words in expected.items():
        with pytest.raises(SourceError, match=words):
            run(tmp_path / name, tmp_path / "out.mp4", keep_broken=keep_broken)
    only(tmp_path, *before)


def test_a_codec_that_nobody_knows_is_told(tmp_path: Path) -> None:
    source = make_film(tmp_path / "in.mp4", 3)
    source.write_bytes(source.read_bytes().replace(b"avc1", b"xyz1"))
    with pytest.raises(SourceError, match=r"in\.mp4 holds a video in a codec that FFmpeg does not know"):
        run(source, tmp_path / "out.mp4")
    only(tmp_path, "in.mp4")


def make_song(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=48000, layout="mono")
        block = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), format="fltp", layout="mono")
        block.sample_rate = 48000
        container.mux(sound.encode(block))
        container.mux(sound.encode())
    return path


@pytest.mark.parametrize("keep_broken", [False, True])
def test_a_video_without_a_frame_is_refused(tmp_path: Path, keep_broken: bool) -> None:
    make_film(tmp_path / "in.mkv", count=0, tones=[Tone()])
    with pytest.raises(SourceError, match="no frame"):
        run(tmp_path / "in.mkv", tmp_path / "out.mp4", keep_broken=keep_broken)
    only(tmp_path, "in.mkv")


def test_a_change_of_size_on_the_way_is_told(tmp_path: Path) -> None:
    first = make_film(tmp_path / "a.ts", 40, codec="mpeg2video")
    second = make_film(tmp_path / "b.ts", 40, draw=lambda n: smooth(n, 64, 64), codec="mpeg2video")
    (tmp_path / "in.ts").write_bytes(first.read_bytes() + second.read_bytes())
    first.unlink()
    second.unlink()
    with pytest.raises(SourceError, match=r"changes its size at frame \d+, from 128 × 96 to 64 × 64"):
        run(tmp_path / "in.ts", tmp_path / "out.mp4")
    only(tmp_path, "in.ts")


def slow_after(count: int, total: int) -> list[object]:
    """Seeds: some for every run, the rest for `make test-slow`."""
    return [*range(count), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(count, total))]


@pytest.mark.parametrize("seed", slow_after(50, 1050))
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
