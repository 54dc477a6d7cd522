"""seglib.capture.sources on files: real ones, made here by FFmpeg's encoders, whole and broken in many ways.

Cameras are tested in test_camera.py.
"""

from __future__ import annotations

import contextlib
import os
import struct
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import seglib
from seglib import SourceError, open_source
from seglib.video import Encoding, VideoWriter

NTSC = Fraction(30000, 1001)
FAST = {"libx264": {"qp": "8", "preset": "ultrafast"}, "libvpx": {"deadline": "realtime", "cpu-used": "8"}}
FASTSTART = {"movflags": "+faststart"}
Frames = list[NDArray[np.uint8]]


def scene(number: int, height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """A frame whose four corners differ, so that turns and swapped channels show; one corner counts the frames."""
    frame = np.zeros((height, width, 3), np.uint8)
    frame[: height // 2, : width // 2] = (220, 30, 30)
    frame[: height // 2, width // 2 :] = (30, 200, 40)
    frame[height // 2 :, : width // 2] = (20, 40, 210)
    frame[height // 2 :, width // 2 :] = 40 + 5 * (number % 40)
    return frame


def noisy(number: int) -> NDArray[np.uint8]:
    """A frame that does not compress, so that every part of the file matters."""
    return np.random.default_rng(number).integers(0, 256, (48, 64, 3), dtype=np.uint8)


def make_video(
    path: Path,
    count: int = 30,
    rate: Fraction | int = 30,
    draw: Callable[[int], NDArray[np.uint8]] = scene,
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
    sound: float = 0,
    hold_last: float = 0,
) -> Path:
    """Write a video with PyAV. sound: its seconds of silence. hold_last: seconds for which the last frame stands."""
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=FAST.get(codec, {}))
        stream.height, stream.width = draw(0).shape[:2]
        stream.pix_fmt = pixels
        audio = container.add_stream("aac", rate=48000, layout="mono") if sound else None
        packets = []
        for number in range(count):
            picture = av.VideoFrame.from_ndarray(draw(number), format="rgb24").reformat(format=pixels)
            picture.pts, picture.time_base = number, 1 / Fraction(rate)
            packets += stream.encode(picture)
        packets += stream.encode()
        if hold_last:
            packets[-1].duration = round(hold_last / packets[-1].time_base)
        if audio:
            packets += silence(audio, sound)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    return path


def silence(audio: av.AudioStream, seconds: float) -> list[av.Packet]:
    packets = []
    for start in range(0, round(seconds * 48000), 1024):
        block = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        block.sample_rate, block.pts, block.time_base = 48000, start, Fraction(1, 48000)
        packets += audio.encode(block)
    return packets + audio.encode()


def read_all(path: Path | str) -> Frames:
    with open_source(path) as frames:
        return list(frames)


def read_until_it_breaks(path: Path) -> tuple[Frames, str]:
    """The frames before the break, and the message of the SourceError that must follow."""
    kept: Frames = []
    with pytest.raises(SourceError) as caught, open_source(path) as frames:
        for frame in frames:
            kept.append(frame)
    assert str(path) in str(caught.value), "the message names the path"
    return kept, str(caught.value)


def by_opencv(path: Path) -> Frames:
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    frames = []
    while True:
        ok, bgr = capture.read()
        if not ok:
            capture.release()
            return frames
        frames.append(bgr[..., ::-1].astype(int))


def cut(path: Path, share: float) -> Path:
    """Break a file off, as a download that stopped."""
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    return path


# ---- whole files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["faststart.mp4", "index at the end.mp4", "open.mkv", "old.avi", "web.webm", "a.mov"])
def test_every_frame_comes_in_order_as_opencv_reads_it(tmp_path: Path, kind: str) -> None:
    codec = "libvpx" if kind.endswith("webm") else "libx264"
    path = make_video(tmp_path / kind, rate=NTSC, codec=codec, options=FASTSTART if kind.startswith("fast") else None)
    with open_source(path) as frames:
        assert frames.name == kind
        assert Fraction(frames.fps).limit_denominator(1001) == NTSC
        read = list(frames)
    expected = by_opencv(path)
    assert len(read) == len(expected) == 30
    for number, (ours, theirs) in enumerate(zip(read, expected, strict=True)):
        assert ours.dtype == np.uint8
        assert ours.flags.c_contiguous
        assert np.abs(ours - theirs).max() <= 3
        assert np.abs(ours.astype(int) - scene(number))[[5, 5, 40, 40], [5, 55, 5, 55]].max() <= 12


@pytest.mark.parametrize("rate", [NTSC, Fraction(24000, 1001), Fraction(25), Fraction(15, 2), Fraction(60)])
def test_the_frame_rate_is_kept_to_the_fraction(tmp_path: Path, rate: Fraction) -> None:
    with open_source(make_video(tmp_path / "v.mp4", 10, rate)) as frames:
        assert Fraction(frames.fps).limit_denominator(1001) == rate


@pytest.mark.parametrize(
    ("codec", "pixels", "name", "tolerance"),
    [
        ("libx264", "yuv444p", "v.mp4", 6),
        ("libx264", "yuv420p10le", "v.mp4", 6),
        ("ffv1", "bgr0", "v.mkv", 0),
        ("png", "rgba", "v.mov", 0),
        ("mpeg2video", "yuv420p", "v.m2v", 12),
        ("mjpeg", "yuvj420p", "v.avi", 25),
    ],
)
def test_unusual_pixels_become_plain_rgb(tmp_path: Path, codec: str, pixels: str, name: str, tolerance: int) -> None:
    read = read_all(make_video(tmp_path / name, 5, codec=codec, pixels=pixels))
    assert len(read) == 5
    for number, frame in enumerate(read):
        assert frame.shape == (48, 64, 3)
        corners = np.abs(frame.astype(int) - scene(number))[[5, 5, 40, 40], [5, 55, 5, 55]]
        assert corners.max() <= tolerance


def test_a_grey_video_becomes_rgb_as_opencv_reads_it(tmp_path: Path) -> None:
    path = make_video(tmp_path / "v.mp4", 5, pixels="gray")
    read, expected = read_all(path), by_opencv(path)
    assert len(read) == len(expected) == 5
    assert np.abs(np.subtract(read, expected)).max() <= 3
    assert (read[0] == read[0][..., :1]).all()


def test_odd_sizes_come_whole(tmp_path: Path) -> None:
    read = read_all(make_video(tmp_path / "v.mkv", 3, draw=lambda n: scene(n, 47, 63), codec="ffv1", pixels="bgr0"))
    np.testing.assert_array_equal(read[2], scene(2, 47, 63))


def test_colours_follow_the_matrix_that_the_file_names(tmp_path: Path) -> None:
    """BT.709 and BT.601 differ by up to 30 levels: a reader that guesses one of them is wrong on the other."""
    with VideoWriter(tmp_path / "bt709.mp4", 30, Encoding(crf=1)) as video:
        for number in range(3):
            video.write(scene(number))
    for number, frame in enumerate(read_all(tmp_path / "bt709.mp4")):
        assert np.abs(frame.astype(int) - scene(number))[[5, 5, 40, 40], [5, 55, 5, 55]].max() <= 4


@pytest.mark.parametrize(
    ("angle", "matrix"), [(0, (1, 0, 0, 1)), (90, (0, 1, -1, 0)), (180, (-1, 0, 0, -1)), (270, (0, -1, 1, 0))]
)
def test_a_phones_video_stands_upright_as_opencv_turns_it(
    tmp_path: Path, angle: int, matrix: tuple[int, int, int, int]
) -> None:
    path = make_video(tmp_path / "phone.mp4", 3)
    content = bytearray(path.read_bytes())
    header = content.find(b"tkhd")  # ISO 14496-12: version 0 has its 3 x 3 matrix 44 bytes behind its name
    a, b, c, d = (number << 16 for number in matrix)
    assert struct.unpack_from(">9i", content, header + 44) == (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    struct.pack_into(">9i", content, header + 44, a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    for number, (ours, theirs) in enumerate(zip(read_all(path), by_opencv(path), strict=True)):
        assert ours.shape == theirs.shape == ((48, 64, 3) if angle in (0, 180) else (64, 48, 3))
        assert np.abs(ours - theirs).max() <= 3
        upright = np.rot90(scene(number), -angle // 90)  # the mark asks for a turn clockwise
        assert np.abs(ours.astype(int) - upright).mean() < 5
        assert ours.flags.c_contiguous


def test_black_frames_of_the_clip_are_frames_like_any_other() -> None:
    with open_source("clip") as frames:
        brightest = [int(frame.max()) for frame in frames]
    assert len(brightest) == 180
    assert sum(level < 30 for level in brightest) == 15


def test_an_all_black_video_ends_after_its_last_frame(tmp_path: Path) -> None:
    black = read_all(make_video(tmp_path / "v.mp4", 7, draw=lambda number: np.zeros((48, 64, 3), np.uint8)))
    assert len(black) == 7
    assert max(frame.max() for frame in black) <= 2


@pytest.mark.parametrize("name", ["talk.mp4", "talk.mkv", "talk.flv"])
@pytest.mark.parametrize("sound", [0.5, 1.0, 3.0])
def test_sound_of_any_length_does_not_matter(tmp_path: Path, name: str, sound: float) -> None:
    assert len(read_all(make_video(tmp_path / name, sound=sound))) == 30


@pytest.mark.parametrize("name", ["slides.mp4", "slides.mkv"])
@pytest.mark.parametrize("sound", [0, 12])
def test_a_last_frame_that_stands_for_long_is_no_break(tmp_path: Path, name: str, sound: float) -> None:
    """As screen recorders and slide shows write it."""
    assert len(read_all(make_video(tmp_path / name, hold_last=10, sound=sound))) == 30


def test_names_with_accents_spaces_and_a_tilde_are_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "Mes vidéos ü 日本"
    folder.mkdir()
    path = make_video(folder / "l'été, nº 1.mp4", 5)
    assert len(read_all(path)) == len(read_all(str(path))) == 5
    monkeypatch.chdir(folder)
    assert len(read_all("l'été, nº 1.mp4")) == 5
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(folder))
    assert len(read_all("~/l'été, nº 1.mp4")) == 5


def test_content_decides_not_the_name(tmp_path: Path) -> None:
    make_video(tmp_path / "v.mp4", 5).rename(tmp_path / "holiday.jpg")
    assert len(read_all(tmp_path / "holiday.jpg")) == 5
    picture = scene(0)
    Image.fromarray(picture).save(tmp_path / "talk.mp4", "PNG")
    [frame] = read_all(tmp_path / "talk.mp4")
    np.testing.assert_array_equal(frame, picture)


@pytest.mark.parametrize("name", ["p.png", "p.gif", "p.webp", "p.tif", "p.bmp"])
def test_a_picture_is_a_source_of_one_frame(tmp_path: Path, name: str) -> None:
    picture = Image.fromarray(scene(0))
    picture.save(tmp_path / name, lossless=True)
    with open_source(tmp_path / name) as frames:
        assert frames.name == name
        [frame] = list(frames)
    np.testing.assert_array_equal(frame, scene(0))
    assert frame.flags.writeable


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
def test_an_animation_plays(tmp_path: Path, kind: str) -> None:
    colours = ["red", "lime", "blue", "white"]
    images = [Image.new("RGB", (16, 12), colour) for colour in colours]
    images[0].save(tmp_path / "moving", kind, save_all=True, append_images=images[1:], duration=100)
    read = read_all(tmp_path / "moving")
    assert [tuple(frame[6, 8].tolist()) for frame in read] == [image.getpixel((0, 0)) for image in images]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_truncated_animation_gives_its_first_frames_and_no_other_error(tmp_path: Path, share: float) -> None:
    images = [Image.fromarray(noisy(number)) for number in range(6)]
    images[0].save(tmp_path / "moving.gif", save_all=True, append_images=images[1:], duration=100)
    whole = read_all(tmp_path / "moving.gif")
    assert len(whole) == 6
    kept: Frames = []
    with contextlib.suppress(SourceError), open_source(cut(tmp_path / "moving.gif", share)) as frames:
        for frame in frames:
            kept.append(frame)
    assert 6 * share - 2 < len(kept) <= 6
    for ours, intact in zip(kept[:-1], whole, strict=False):
        np.testing.assert_array_equal(ours, intact)


@pytest.mark.parametrize("kind", ["TIFF", "MPO", "WEBP"])
def test_several_pictures_in_one_file_are_no_error(tmp_path: Path, kind: str) -> None:
    """Phones write MPO, scanners many pages, messengers animated stickers: at least the first picture shows."""
    images = [Image.new("RGB", (16, 12), colour) for colour in ("red", "blue")]
    images[0].save(tmp_path / "p", kind, save_all=True, append_images=images[1:])
    read = read_all(tmp_path / "p")
    assert len(read) >= 1
    assert np.abs(read[0].astype(int) - (255, 0, 0)).max() <= 4


# ---- ends and closing --------------------------------------------------------------------------------------


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return make_video(tmp_path / "v.mp4", 10)


def test_the_end_of_the_file_ends_the_iterator_for_good(video: Path) -> None:
    with open_source(video) as frames:
        assert len(list(frames)) == 10
        assert list(frames) == []
        with pytest.raises(StopIteration):
            next(frames)


def test_after_close_there_are_no_more_frames(video: Path) -> None:
    with open_source(video) as frames:
        next(frames)
    assert list(frames) == []
    frames.close()  # again: nothing happens
    source = open_source(video)
    source.close()
    assert list(source) == []


def test_it_is_an_iterator_so_a_loop_goes_on_where_the_last_one_stopped(video: Path) -> None:
    with open_source(video) as frames:
        first = [frame for frame, _ in zip(frames, range(4), strict=False)]
        rest = list(frames)
    assert len(first) == 4
    assert len(rest) in (5, 6), "zip may take one more"


def test_frames_stay_as_they_are_while_later_ones_are_read(video: Path) -> None:
    with open_source(video) as frames:
        first = next(frames)
        before = first.copy()
        others = list(frames)
    assert not any(np.shares_memory(first, other) for other in others)
    np.testing.assert_array_equal(first, before)
    first[:] = 0  # and they may be written to


@pytest.mark.parametrize("how", ["read to the end", "one frame", "exception", "dropped", "broken"])
def test_the_file_is_let_go_whatever_happens(video: Path, how: str) -> None:
    def use() -> None:
        if how == "dropped":
            next(open_source(video))
            return
        if how == "broken":
            read_until_it_breaks(cut(video, 0.1))
            return
        with open_source(video) as frames:
            next(frames)
            if how == "exception":
                raise ZeroDivisionError
            if how == "read to the end":
                list(frames)

    for repeat in range(6):
        if repeat == 1:  # after the first time, in which libraries open what they keep
            before = open_files()
        try:
            use()
        except ZeroDivisionError:
            assert how == "exception"
    assert open_files() <= before
    video.write_bytes(b"something else")  # Windows refuses to while the file is open
    video.unlink()


def test_at_the_end_of_its_frames_a_source_lets_go_by_itself(video: Path) -> None:
    before = open_files()
    frames = open_source(video)
    assert len(list(frames)) == 10
    assert open_files() == before, "no with block, and still held by the name frames"


def open_files() -> int:
    """How many files this process holds open; counted on Linux only."""
    return len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0


# ---- broken files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.3, 0.7, 0.9])
@pytest.mark.parametrize(
    ("name", "sound"), [("v.mp4", 0), ("v.mp4", 3), ("v.mkv", 0), ("v.mkv", 3), ("v.webm", 0)], ids=str
)
def test_of_a_truncated_file_the_frames_before_the_break_are_kept(
    tmp_path: Path, name: str, sound: float, share: float
) -> None:
    codec = "libvpx" if name.endswith("webm") else "libx264"
    path = make_video(tmp_path / name, 90, draw=noisy, options=FASTSTART, codec=codec, sound=sound)
    whole = read_all(path)
    assert len(whole) == 90
    kept, message = read_until_it_breaks(cut(path, share))
    assert 90 * share * 0.75 < len(kept) < 90
    assert f"after {len(kept)} frames" in message
    for ours, intact in zip(kept[:-1], whole, strict=False):  # of the last one a part may be missing
        np.testing.assert_array_equal(ours, intact)


def test_what_opencv_still_reads_of_a_truncated_file_is_kept(tmp_path: Path) -> None:
    path = cut(make_video(tmp_path / "v.mp4", 60, draw=noisy, options=FASTSTART), 0.6)
    kept, _ = read_until_it_breaks(path)
    assert len(kept) >= len(by_opencv(path)) > 20


def test_a_video_of_which_only_the_header_is_left_is_no_video_of_zero_frames(tmp_path: Path) -> None:
    path = make_video(tmp_path / "v.ts", 10)
    path.write_bytes(path.read_bytes()[: 3 * 188])  # the first packets of a transport stream
    kept, message = read_until_it_breaks(path)
    assert kept == []
    assert "holds no frame that can be decoded" in message


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_an_mp4_whose_index_was_never_written_is_refused(tmp_path: Path, share: float) -> None:
    """As a phone leaves it whose battery ran out."""
    path = cut(make_video(tmp_path / "v.mp4", 60, draw=noisy), share)
    assert b"moov" not in path.read_bytes()
    with pytest.raises(SourceError, match=r"v\.mp4 is neither a picture nor a video"):
        open_source(path)


@pytest.mark.parametrize("place", [0.3, 0.6])
def test_damage_in_the_middle_is_told_or_survived_but_never_silent_loss(tmp_path: Path, place: float) -> None:
    path = make_video(tmp_path / "v.mp4", 60, draw=noisy, options=FASTSTART)
    content = bytearray(path.read_bytes())
    start = int(place * len(content))
    content[start : start + 3000] = bytes(3000)
    path.write_bytes(content)
    count = 0
    try:
        with open_source(path) as frames:
            for _ in frames:
                count += 1
    except SourceError as error:
        assert f"{path} is damaged after {count} frames" in str(error)
        assert count > 60 * place * 0.7
    else:
        assert count >= 58


@pytest.mark.parametrize(
    "content",
    [
        b"hello, world\n" * 300,
        b"<html><body>404 Not Found</body></html>",
        bytes(5000),
        b"\x00\x00\x00\x18ftypmp42",
        b"{}",
    ],
    ids=["text", "html", "zeros", "only a header", "json"],
)
@pytest.mark.parametrize("name", ["talk.mp4", "talk.mkv", "talk", "talk.txt", "talk.nfo"])
def test_what_is_no_video_is_refused_whatever_its_name(tmp_path: Path, content: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError, match=f"{name} is neither a picture nor a video"):
        read_all(path)


@pytest.mark.parametrize("seed", range(3))
def test_random_bytes_are_refused(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "talk.mp4"
    path.write_bytes(np.random.default_rng(seed).bytes(20_000))
    with pytest.raises(SourceError, match=r"talk\.mp4"):
        read_all(path)


@pytest.mark.parametrize(
    ("name", "codec", "samples"),
    [("song.wav", "pcm_s16le", "s16"), ("song.mp3", "libmp3lame", "s16p"), ("song.m4a", "aac", "fltp")],
)
def test_a_sound_without_pictures_is_refused(tmp_path: Path, name: str, codec: str, samples: str) -> None:
    with av.open(str(tmp_path / name), "w") as container:
        stream = container.add_stream(codec, rate=44100, layout="mono")
        kind = np.float32 if samples == "fltp" else np.int16
        block = av.AudioFrame.from_ndarray(np.zeros((1, 1024), kind), format=samples, layout="mono")
        block.sample_rate = 44100
        container.mux(stream.encode(block))
        container.mux(stream.encode())
    with pytest.raises(SourceError, match=rf"{name} holds no video stream"):
        open_source(tmp_path / name)


def test_the_cover_of_a_song_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    make_video(path, 1, codec="mjpeg", pixels="yuvj420p", sound=1)
    with av.open(str(path)) as container:
        covered = tmp_path / "covered.mp4"
        with av.open(str(covered), "w") as output:
            streams = {}
            for stream in container.streams:
                streams[stream.index] = output.add_stream_from_template(stream)
            next(
                iter(s for s in streams.values() if s.type == "video")
            ).disposition = av.stream.Disposition.attached_pic
            for packet in container.demux():
                if packet.dts is not None:
                    packet.stream = streams[packet.stream.index]
                    output.mux(packet)
    with pytest.raises(SourceError, match="holds no video stream"):
        open_source(covered)


@pytest.mark.parametrize("name", ["v.mp4", "v.mkv", "v.avi"])
def test_a_video_without_a_single_frame_is_refused(tmp_path: Path, name: str) -> None:
    with av.open(str(tmp_path / name), "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        container.start_encoding()
    with pytest.raises(SourceError, match=name):
        read_all(tmp_path / name)


def test_missing_empty_and_folder_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    for path, words in (
        (tmp_path / "absent.mp4", "does not exist"),
        (tmp_path / "empty.mp4", "is empty"),
        (tmp_path, "is a folder"),
    ):
        for spelling in (path, str(path)):
            with pytest.raises(SourceError) as caught:
                open_source(spelling)
            assert str(path) in str(caught.value)
            assert words in str(caught.value)


def test_a_truncated_picture_is_refused(tmp_path: Path) -> None:
    path = cut(seglib.write_image(tmp_path / "p.png", noisy(0)), 0.6)
    with pytest.raises(SourceError, match=r"p\.png"):
        read_all(path)
