"""Whether a video file is as long as its header says, on files that FFmpeg wrote."""

import struct
from pathlib import Path

import pytest
from films import make_film, noisy

from seglib import SourceError, open_source
from seglib.capture.container import declared_size

CODECS = {"webm": "libvpx", "avi": "mpeg4", "wmv": "wmv2", "gif": "gif"}


@pytest.fixture(params=["mp4", "mov", "mkv", "webm", "avi", "wmv", "gif", "fragmented.mp4"])
def whole(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    name = request.param
    options = {"movflags": "frag_keyframe+empty_moov"} if name.startswith("fragmented") else {"movflags": "faststart"}
    fast = {"deadline": "realtime", "cpu-used": "8"} if name == "webm" else {}
    codec = CODECS.get(name, "libx264")
    pixels = "rgb8" if name == "gif" else "yuv420p"
    film = tmp_path / f"in.{name}"
    return make_film(film, 12, draw=noisy, codec=codec, pixels=pixels, codec_options=fast, options=options)


def count(path: Path) -> int:
    with open_source(path) as frames:
        return sum(1 for _ in frames)


def test_a_whole_file_declares_its_own_length(whole: Path) -> None:
    assert declared_size(whole) == whole.stat().st_size
    assert count(whole) == 12


@pytest.mark.parametrize("missing", [1, 1000])
def test_a_byte_that_is_missing_is_told(whole: Path, missing: int) -> None:
    """Even where FFmpeg notices nothing, since all frames but the last bytes of an index are there."""
    whole.write_bytes(whole.read_bytes()[:-missing])
    assert declared_size(whole) > whole.stat().st_size
    with pytest.raises(SourceError, match=r"truncated|damaged"):
        count(whole)


def test_what_follows_the_last_box_does_not_count(whole: Path) -> None:
    whole.write_bytes(whole.read_bytes() + b"\xff" * 64)
    assert declared_size(whole) == whole.stat().st_size - 64


@pytest.mark.parametrize("name", ["in.ts", "in.flv", "in.mpg"])
def test_other_kinds_do_not_say(tmp_path: Path, name: str) -> None:
    codec = {"in.mpg": "mpeg2video", "in.flv": "flv"}.get(name, "libx264")
    assert declared_size(make_film(tmp_path / name, 5, codec=codec)) == 0


@pytest.mark.parametrize(
    "data",
    [b"", b"RIFF", b"RIFF\0\0\0\0AVI ", b"\x1a\x45\xdf\xa3", b"\x1a\x45\xdf\xa3\x18\x53\x80\x67\x01" + b"\xff" * 7],
)
def test_a_header_alone_says_nothing(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a").write_bytes(data)
    assert declared_size(tmp_path / "a") == 0


@pytest.mark.parametrize("name", ["in.avi", "in.mkv"])
def test_a_header_that_lies_about_time_loses_no_frame(tmp_path: Path, name: str) -> None:
    """Silent films: with a sound, the length of the file need not be that of its pictures."""
    source = make_film(tmp_path / name, 12, draw=noisy, codec="mpeg4" if name == "in.avi" else "libx264")
    data = bytearray(source.read_bytes())
    if name == "in.avi":
        struct.pack_into("<I", data, data.index(b"strh") + 8 + 32, 9000)  # dwLength
    else:
        struct.pack_into(">d", data, data.index(b"\x44\x89\x88") + 3, 300_000)  # Duration
        data = data.replace(b"00:00:00.4", b"00:05:00.4")
    source.write_bytes(data)
    assert count(source) == 12
    source.write_bytes(data[: len(data) * 3 // 4])
    with pytest.raises(SourceError, match="truncated"):
        count(source)
