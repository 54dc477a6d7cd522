"""open_source on files, whole and broken in many ways."""

import contextlib
import gzip
import io
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from films import Tone, make_film
from numpy.typing import NDArray
from PIL import Image, ImageCms

import seglib
from seglib import SourceError, open_source

NTSC = Fraction(30000, 1001)
FASTSTART = {"movflags": "+faststart"}
Frames = list[NDArray[np.uint8]]


def scene(number: int, height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """A frame whose four corners differ; one of them counts the frames."""
    frame = np.zeros((height, width, 3), np.uint8)
    frame[: height // 2, : width // 2] = (220, 30, 30)
    frame[: height // 2, width // 2 :] = (30, 200, 40)
    frame[height // 2 :, : width // 2] = (20, 40, 210)
    frame[height // 2 :, width // 2 :] = 40 + 5 * (number % 40)
    return frame


def swapped_profile() -> bytes:
    """An ICC profile in which red and green have changed places: sRGB's, with two tags renamed."""
    content = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    content = content.replace(b"rXYZ", b"xXYZ").replace(b"gXYZ", b"rXYZ").replace(b"xXYZ", b"gXYZ")
    return content.replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))


def noisy(number: int) -> NDArray[np.uint8]:
    """A frame that does not compress, so that every part of the file matters."""
    return np.random.default_rng(number).integers(0, 256, (48, 64, 3), dtype=np.uint8)


def make(path: Path, count: int = 30, **options: object) -> Path:
    if path.suffix == ".webm":
        options = {"codec": "libvpx", "codec_options": {"deadline": "realtime", "cpu-used": "8"}} | options
    return make_film(path, count, **({"draw": scene} | options))


def read_all(path: Path | str) -> Frames:
    with open_source(path) as frames:
        return list(frames)


def read_until_it_breaks(path: Path) -> tuple[Frames, str]:
    """The frames before the break, and the message of the SourceError that must follow."""
    kept: Frames = []
    with pytest.raises(SourceError) as caught, open_source(path) as frames:
        for frame in frames:
            kept.append(frame)
    assert str(path) in str(caught.value)
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
    """Truncate a file."""
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    return path


# ---- whole files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["faststart.mp4", "index at the end.mp4", "open.mkv", "old.avi", "web.webm", "a.mov"])
def test_every_frame_comes_in_order_as_opencv_reads_it(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name, rate=NTSC, options=FASTSTART if name.startswith("fast") else None)
    with open_source(path) as frames:
        assert frames.name == name
        assert Fraction(frames.fps).limit_denominator(1001) == NTSC
        read = list(frames)
    expected = by_opencv(path)
    assert len(read) == len(expected) == 30
    for number, (ours, theirs) in enumerate(zip(read, expected, strict=True)):
        assert ours.dtype == np.uint8
        assert ours.flags.c_contiguous
        assert np.abs(ours - theirs).max() <= 3
        assert np.abs(ours.astype(int) - scene(number))[[5, 5, 40, 40], [5, 55, 5, 55]].max() <= 12


def test_odd_sizes_come_whole(tmp_path: Path) -> None:
    read = read_all(make(tmp_path / "v.mkv", 3, draw=lambda n: scene(n, 47, 63), codec="ffv1", pixels="bgr0"))
    np.testing.assert_array_equal(read[2], scene(2, 47, 63))


def test_black_frames_of_the_clip_are_frames_like_any_other() -> None:
    with open_source("clip") as frames:
        brightest = [int(frame.max()) for frame in frames]
    assert len(brightest) == 180
    assert sum(level < 30 for level in brightest) == 15


@pytest.mark.parametrize(
    ("name", "seconds"), [("a.mp4", 0.5), ("a.mkv", 0.5), ("a.flv", 1.0), ("a.mp4", 3.0), ("a.mkv", 3.0)]
)
def test_sound_of_any_length_does_not_matter(tmp_path: Path, name: str, seconds: float) -> None:
    assert len(read_all(make(tmp_path / name, tones=[Tone(seconds=seconds)]))) == 30


@pytest.mark.parametrize("name", ["slides.mp4", "slides.mkv"])
@pytest.mark.parametrize("sound", [0, 12])
def test_a_last_frame_that_is_shown_for_long_is_no_break(tmp_path: Path, name: str, sound: float) -> None:
    """As screen recorders and slide shows write it."""
    tones = [Tone(seconds=sound)] if sound else []
    path = make(tmp_path / name, 30, times=[*range(29), 330], base=Fraction(1, 30), tones=tones)
    assert len(read_all(path)) == 30


NAMES = [
    "l'été, nº 1.mp4",
    "12:30 talk.mp4",
    "data:x.mp4",
    "pipe:1",
    "concat:a|b",
    "-x.mp4",
    "new\nline.mp4",
    "🙂.mp4",
    "a%03d",
]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows allows none of these characters in names")
@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_any_spelling_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    make(tmp_path / "v.mp4", 5).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for spelling in (name, Path(name), tmp_path / name):
        assert len(read_all(spelling)) == 5


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "v.mp4", 5)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    assert len(read_all("~/v.mp4")) == 5


def test_content_decides_not_the_name(tmp_path: Path) -> None:
    make(tmp_path / "v.mp4", 5).rename(tmp_path / "holiday.jpg")
    assert len(read_all(tmp_path / "holiday.jpg")) == 5
    Image.fromarray(scene(0)).save(tmp_path / "talk.mp4", "PNG")
    [frame] = read_all(tmp_path / "talk.mp4")
    np.testing.assert_array_equal(frame, scene(0))


@pytest.mark.parametrize("name", ["p.png", "p.gif", "p.webp", "p.tif", "p.bmp"])
def test_a_picture_is_a_source_of_one_frame(tmp_path: Path, name: str) -> None:
    Image.fromarray(scene(0)).save(tmp_path / name, lossless=True)
    with open_source(tmp_path / name) as frames:
        assert frames.name == name
        [frame] = list(frames)
    np.testing.assert_array_equal(frame, scene(0))
    assert frame.flags.writeable


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
def test_an_animation_plays(tmp_path: Path, kind: str) -> None:
    colours = ["red", "lime", "blue", "white"]
    images = [Image.new("RGB", (16, 12), colour) for colour in colours]
    images[0].save(tmp_path / "moving", kind, save_all=True, append_images=images[1:], duration=100)
    with open_source(tmp_path / "moving") as frames:
        assert frames.fps == pytest.approx(10, rel=0.35)  # FFmpeg counts three steps for four frames
        read = list(frames)
    corners = np.array([frame[6, 8] for frame in read], int)
    assert np.abs(corners - [image.getpixel((0, 0)) for image in images]).max() <= 4


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_animation_is_turned_and_mirrored_as_a_picture_is(tmp_path: Path, kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    images = [Image.fromarray(scene(number)) for number in (0, 20)]
    images[0].save(tmp_path / "still.png", exif=exif)
    images[0].save(tmp_path / "moving", kind, save_all=True, append_images=images[1:], exif=exif, lossless=True)
    np.testing.assert_array_equal(read_all(tmp_path / "moving")[0], read_all(tmp_path / "still.png")[0])


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF"])
def test_the_icc_profile_of_an_animation_is_applied(tmp_path: Path, kind: str) -> None:
    images = [Image.fromarray(scene(number)) for number in (0, 20)]
    options = {"icc_profile": swapped_profile(), "lossless": True, "quality": 95, "duration": 100}
    images[0].save(tmp_path / "moving", kind, save_all=True, append_images=images[1:], **options)
    for frame, image in zip(read_all(tmp_path / "moving"), images, strict=True):
        assert np.abs(frame - np.asarray(image)[..., [1, 0, 2]].astype(int)).mean() < 5
    if kind != "WEBP":
        with pytest.raises(SourceError, match="MP4"):
            seglib.process_video(tmp_path / "moving", tmp_path / "out.mp4", seglib.Blur())


def test_profiles_within_a_video_do_no_harm(tmp_path: Path) -> None:
    """PyAV crashes at the end of the program where the side data of such a picture were read."""
    file = io.BytesIO()
    Image.fromarray(scene(0)).save(file, "PNG", icc_profile=swapped_profile())
    with av.open(str(tmp_path / "screen.mov"), "w") as container:
        stream: Any = container.add_stream("png", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "rgb24"
        for number in range(3):
            packet = av.Packet(file.getvalue())
            packet.pts = packet.dts = number
            packet.time_base, packet.stream = Fraction(1, 30), stream
            container.mux(packet)
    code = "import sys, gc, seglib; print(len(list(seglib.open_source(sys.argv[1])))); gc.collect()"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "screen.mov")], capture_output=True, timeout=120)
    assert (done.returncode, done.stdout.strip()) == (0, b"3")


@pytest.mark.parametrize("name", ["camera.mjpeg", "camera.jpg", "100%.jpg"])
def test_jpegs_one_after_the_other_are_a_video(tmp_path: Path, name: str) -> None:
    content = b""
    for number in range(4):
        file = io.BytesIO()
        Image.fromarray(scene(10 * number)).save(file, "JPEG", quality=95)
        content += file.getvalue()
    (tmp_path / name).write_bytes(content)
    frames = read_all(tmp_path / name)
    assert [int(frame[40, 50, 0]) // 10 for frame in frames] == [4, 9, 14, 19]


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
@pytest.mark.filterwarnings("ignore:.*transparent parts")
def test_transparent_parts_of_an_animation_are_laid_over_white(tmp_path: Path, kind: str) -> None:
    images = [Image.new("RGBA", (64, 48), (number, 0, 0, 255)) for number in (10, 60, 110)]
    for image in images:
        image.paste((200, 0, 0, 0), (32, 0, 64, 48))
    images[0].save(
        tmp_path / "moving", kind, save_all=True, append_images=images[1:], disposal=2, duration=100, lossless=True
    )
    read = np.array(read_all(tmp_path / "moving"), int)
    assert len(read) == 3
    assert np.abs(read[:, 24, 8] - [[10, 0, 0], [60, 0, 0], [110, 0, 0]]).max() <= 8
    assert read[:, 24, 56].min() >= 250
    if kind == "AVIF":  # FFmpeg gives the colours that the transparency hides
        with pytest.raises(SourceError, match="AVIF"):
            seglib.process_video(tmp_path / "moving", tmp_path / "out.mp4", seglib.Blur())


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_truncated_animation_gives_its_first_frames_and_no_other_error(
    tmp_path: Path, kind: str, share: float
) -> None:
    path = tmp_path / "moving"
    images = [Image.fromarray(noisy(number)) for number in range(6)]
    images[0].save(path, kind, save_all=True, append_images=images[1:], duration=100)
    whole = read_all(path)
    assert len(whole) == 6
    kept: Frames = []
    with contextlib.suppress(SourceError), open_source(cut(path, share)) as frames:
        for frame in frames:
            kept.append(frame)
    assert len(kept) <= 6
    if kind == "GIF":
        assert len(kept) > 6 * share - 2
    for ours, intact in zip(kept[:-1], whole, strict=False):
        np.testing.assert_array_equal(ours, intact)


@pytest.mark.parametrize(("kind", "told"), [("TIFF", 1), ("MPO", 0)])
def test_of_pages_the_first_shows_and_the_others_are_told(
    tmp_path: Path, kind: str, told: int, recwarn: pytest.WarningsRecorder
) -> None:
    """Scanners write many pages; a phone's MPO holds previews."""
    images = [Image.new("RGB", (16, 12), colour) for colour in ("red", "blue")]
    images[0].save(tmp_path / "p", kind, save_all=True, append_images=images[1:])
    [frame] = read_all(tmp_path / "p")
    assert np.abs(frame.astype(int) - (255, 0, 0)).max() <= 4
    assert ["2 pictures" in str(warning.message) for warning in recwarn] == [True] * told


# ---- ends and closing --------------------------------------------------------------------------------------


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return make(tmp_path / "v.mp4", 10)


def test_after_the_end_or_close_there_are_no_more_frames(video: Path) -> None:
    with open_source(video) as frames:
        assert len(list(frames)) == 10
        assert list(frames) == []
    source = open_source(video)
    next(source)
    source.close()
    source.close()  # again: nothing happens
    with pytest.raises(StopIteration):
        next(source)


def test_frames_stay_as_they_are_while_later_ones_are_read(video: Path) -> None:
    with open_source(video) as frames:
        first = next(frames)
        before = first.copy()
        others = list(frames)  # a loop goes on where the last one stopped
    assert len(others) == 9
    assert not any(np.shares_memory(first, other) for other in others)
    np.testing.assert_array_equal(first, before)
    first[:] = 0  # and they may be written to


@pytest.mark.parametrize("name", ["v.mp4", "moving.webp"])
@pytest.mark.parametrize("how", ["read to the end", "one frame", "exception", "dropped", "broken"])
def test_the_file_is_closed_whatever_happens(video: Path, name: str, how: str) -> None:
    path = video.with_name(name)
    if path != video:
        images = [Image.fromarray(noisy(number)) for number in range(3)]
        images[0].save(path, save_all=True, append_images=images[1:])
    if how == "broken":
        cut(path, 0.5)

    def use() -> None:
        if how == "dropped":
            next(open_source(path))
            return
        with contextlib.suppress(ZeroDivisionError, SourceError), open_source(path) as frames:
            next(frames)
            if how == "exception":
                raise ZeroDivisionError
            if how != "one frame":
                list(frames)

    use()  # the first time, libraries open what they keep
    before = open_files()
    for _ in range(5):
        use()
    assert open_files() <= before
    path.write_bytes(b"something else")  # Windows refuses to while the file is open
    path.unlink()


def test_at_the_end_of_its_frames_a_source_closes_by_itself(video: Path) -> None:
    before = open_files()
    frames = open_source(video)  # no with block
    assert len(list(frames)) == 10
    assert open_files() == before


def open_files() -> int:
    """How many files this process holds open; counted on Linux only."""
    return len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0


# ---- broken files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.3, 0.9])
@pytest.mark.parametrize(("name", "sound"), [("v.mp4", 0), ("v.mp4", 3), ("v.mkv", 3), ("v.webm", 0)])
def test_of_a_truncated_file_the_frames_before_the_break_are_kept(
    tmp_path: Path, name: str, sound: float, share: float
) -> None:
    path = make(tmp_path / name, 90, draw=noisy, options=FASTSTART, tones=[Tone(seconds=sound)] if sound else [])
    whole = read_all(path)
    assert len(whole) == 90
    kept, message = read_until_it_breaks(cut(path, share))
    assert 90 * share * 0.75 < len(kept) < 90
    assert len(kept) >= len(by_opencv(path))
    assert f"after {len(kept)} frames" in message
    for ours, intact in zip(kept[:-1], whole, strict=False):  # of the last one a part may be missing
        np.testing.assert_array_equal(ours, intact)


def test_a_video_of_which_only_the_header_is_left_is_no_video_of_zero_frames(tmp_path: Path) -> None:
    path = make(tmp_path / "v.ts", 10)
    path.write_bytes(path.read_bytes()[: 3 * 188])  # the first packets of a transport stream
    kept, message = read_until_it_breaks(path)
    assert kept == []
    assert "no frame" in message


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_an_mp4_whose_index_was_never_written_is_refused(tmp_path: Path, share: float) -> None:
    """As a phone leaves it whose battery ran out."""
    path = cut(make(tmp_path / "v.mp4", 60, draw=noisy), share)
    assert b"moov" not in path.read_bytes()
    with pytest.raises(SourceError, match=r"v\.mp4"):
        open_source(path)


@pytest.mark.parametrize("place", [0.3, 0.6])
def test_damage_in_the_middle_is_told_or_survived_but_never_silent_loss(tmp_path: Path, place: float) -> None:
    path = make(tmp_path / "v.mp4", 60, draw=noisy, options=FASTSTART)
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
        assert f"after {count} frames" in str(error)
        assert count > 60 * place * 0.7
    else:
        assert count >= 58


def encoded(codec: str) -> bytes:
    """A picture of linear light, by FFmpeg."""
    encoder: Any = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 64, 48, "gbrpf32le", Fraction(1)
    picture = av.VideoFrame.from_ndarray(scene(0), format="rgb24").reformat(format="gbrpf32le")
    return b"".join(bytes(packet) for packet in [*encoder.encode(picture), *encoder.encode()])


def pdf_with_a_photo() -> bytes:
    """A PDF in which FFmpeg finds a JPEG picture."""
    file = io.BytesIO()
    Image.fromarray(scene(0)).save(file, "PDF")
    return file.getvalue()


CONTENTS = {
    "text": b"hello, world\n" * 300,
    "html": b"<html><body>404 Not Found</body></html>",
    "zeros": bytes(5000),
    "only a header": b"\x00\x00\x00\x18ftypmp42",
    "JPEG XR": b"II\xbc\1" + bytes(200),  # which FFmpeg takes for karaoke graphics
    "random": np.random.default_rng(0).bytes(20_000),
}
KINDS = {
    "SVG": b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>',
    "JPEG XL": bytes.fromhex("0000000c4a584c200d0a870a") + bytes(300),
    "Photoshop": b"8BPS\0\1" + bytes(300),
    "PDF": b"%PDF-1.4\n" + bytes(300),
    "PDF ": pdf_with_a_photo(),
    "(EPS)": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\nshowpage\n",
    "OpenEXR": encoded("exr"),
    "Radiance HDR": encoded("hdr"),
}


@pytest.mark.parametrize("name", ["talk.mp4", "talk.mkv", "talk", "talk.txt", "talk.nfo"])
@pytest.mark.parametrize(("kind", "content"), (CONTENTS | KINDS).items(), ids=str)
def test_what_is_no_video_is_refused_whatever_its_name(tmp_path: Path, kind: str, content: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    _, message = read_until_it_breaks(path)
    if kind in KINDS:
        assert kind in message
        assert "PNG" in message, "the way out"


def test_where_nothing_moves_a_file_may_hold_empty_packets(tmp_path: Path) -> None:
    """As Theora's screen recordings do, also at their end: the picture before them stays."""
    with av.open(str(make(tmp_path / "v.mp4", 5))) as source, av.open(str(tmp_path / "still.nut"), "w") as copy:
        stream = copy.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux(video=0) if packet.size]
        for number in range(25):
            packet = packets[number // 5] if number % 5 == 0 else av.Packet(b"")
            packet.pts = packet.dts = number
            packet.duration, packet.time_base, packet.stream = 1, Fraction(1, 25), stream
            copy.mux(packet)
    assert len(read_all(tmp_path / "still.nut")) == 5


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes with names")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "live.mp4")
    with pytest.raises(SourceError, match="pipe"):
        open_source(tmp_path / "live.mp4")


@pytest.mark.parametrize("default", [0, 1])
def test_of_two_videos_in_a_file_the_one_that_players_show(tmp_path: Path, default: int) -> None:
    with av.open(str(tmp_path / "two.mkv"), "w") as container:
        streams: list[Any] = [container.add_stream("libx264", rate=30) for _ in range(2)]
        for number, stream in enumerate(streams):
            stream.width, stream.height, stream.pix_fmt = 64 + 32 * number, 48, "yuv420p"
            stream.disposition = av.stream.Disposition.default if number == default else 0
        for stream in streams:
            picture = av.VideoFrame.from_ndarray(scene(0, width=stream.width), format="rgb24")
            container.mux([*stream.encode(picture), *stream.encode()])
    assert read_all(tmp_path / "two.mkv")[0].shape == (48, 64 + 32 * default, 3)
    report = seglib.process_video(tmp_path / "two.mkv", tmp_path / "out.mp4", seglib.Blur(), progress=False)
    assert report.left_out == ("a video stream",)


def test_a_compressed_drawing_is_called_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "logo.svgz"
    path.write_bytes(gzip.compress(KINDS["SVG"]))
    _, message = read_until_it_breaks(path)
    assert "picture" in message
    assert "PNG" in message


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
    with pytest.raises(SourceError, match=rf"{name}.*no video"):
        open_source(tmp_path / name)


def test_the_cover_of_a_song_is_no_video(tmp_path: Path) -> None:
    path = make(tmp_path / "song.mp4", 1, codec="mjpeg", pixels="yuvj420p", tones=[Tone()])
    covered = tmp_path / "covered.mp4"
    with av.open(str(path)) as container, av.open(str(covered), "w") as output:
        streams = {stream.index: output.add_stream_from_template(stream) for stream in container.streams}
        for stream in streams.values():
            if stream.type == "video":
                stream.disposition = av.stream.Disposition.attached_pic
        for packet in container.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                output.mux(packet)
    with pytest.raises(SourceError, match="no video"):
        open_source(covered)


@pytest.mark.parametrize("name", ["v.mp4", "v.mkv", "v.avi"])
def test_a_video_without_a_single_frame_is_refused(tmp_path: Path, name: str) -> None:
    with av.open(str(tmp_path / name), "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        container.start_encoding()
    assert read_until_it_breaks(tmp_path / name)[0] == []


def test_an_address_is_told_from_a_file() -> None:
    with pytest.raises(SourceError, match="address"):
        open_source("http://localhost/talk.mp4")
