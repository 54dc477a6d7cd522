"""Titles, chapters and text subtitles come along; the place of recording does not; the rest is told."""

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from fake_models import FakeModel
from films import Tone, make_film

from seglib import process_video
from seglib.arrays import Frame, Mask
from seglib.video import VideoReport

pytestmark = pytest.mark.usefixtures("nothing_is_left_running")

LINES = [(100, 200, "Hello <i>world</i>"), (350, 100, "Grüße & more\ntwo lines")]  # milliseconds
PLAIN = [(0.1, 0.2, "Hello world"), (0.35, 0.1, "Grüße & more\ntwo lines")]
CODED = {
    "srt": [text for _, _, text in LINES],
    "webvtt": [text for _, _, text in LINES],
    "ass": [
        rf"0,0,Default,,0,0,0,,{text}" for text in (r"Hello {\i1}world{\i0}", r"Grüße & more\Ntwo lines")
    ],
}  # fmt: skip
ASS_HEADER = b"""[Script Info]
ScriptType: v4.00+
[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour
Style: Default,Arial,16,&Hffffff
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""
CHAPTERS = [(0.0, 0.3, "Einführung"), (0.3, 0.5, "Main part")]
TITLES = {"title": "My talk", "artist": "Ada", "comment": "a note", "date": "2024-05-01"}
PLACES = {
    "location": "+48.1374+011.5755/",
    "LOCATION-eng": "+48.1374+011.5755/",
    "com.apple.quicktime.location.ISO6709": "+48.1374+011.5755+520.000/",
    "GPSCoordinates": "48.1374 11.5755",
}


def make_rich(path: Path, codec: str = "srt", texts: list[str] | None = None, **tags: str) -> Path:
    """Half a second of film with audio, subtitles, chapters and tags, in Matroska or WebM."""
    is_webm = path.suffix == ".webm"
    tone = Tone(codec="libopus" if is_webm else "aac", seconds=0.5)
    plain = make_film(path.with_name("plain.mkv"), codec="libvpx" if is_webm else "libx264", tones=[tone])
    options = {} if is_webm else {"movflags": "use_metadata_tags"}
    with av.open(str(plain)) as film, av.open(str(path), "w", options=options) as output:
        streams = {stream.index: output.add_stream_from_template(stream) for stream in film.streams}
        subtitles: Any = output.add_stream(codec)
        subtitles.codec_context.subtitle_header = ASS_HEADER if codec == "ass" else b""
        subtitles.metadata["language"] = "deu"
        subtitles.disposition = av.stream.Disposition.forced
        output.metadata.update(tags)
        millisecond = Fraction(1, 1000)
        output.set_chapters(
            [
                {
                    "id": number,
                    "start": round(1000 * start),
                    "end": round(1000 * end),
                    "time_base": millisecond,
                    "metadata": {"title": title},
                }
                for number, (start, end, title) in enumerate(CHAPTERS)
            ]
        )
        for packet in film.demux():
            if packet.size:
                packet.stream = streams[packet.stream.index]
                output.mux(packet)
        for (start, duration, _), text in zip(LINES, texts or CODED[codec], strict=True):
            packet = av.Packet(text.encode())
            packet.pts = packet.dts = start
            packet.duration, packet.time_base, packet.stream = duration, millisecond, subtitles
            output.mux(packet)
    plain.unlink()
    return path


def identity(frame: Frame, mask: Mask) -> Frame:
    return frame


def run(source: Path, target: Path) -> VideoReport:
    return process_video(source, target, identity, model=FakeModel(), clean=False, steady=False, progress=False)


def tags_of(path: Path) -> dict[str, str]:
    """By ffprobe where there is one."""
    if shutil.which("ffprobe"):
        command = ["ffprobe", "-v", "error", "-show_entries", "format_tags", "-of", "json", str(path)]
        found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["format"]["tags"]
    else:
        with av.open(str(path)) as container:
            found = container.metadata
    return {key.lower(): value for key, value in found.items()}


def chapters_of(path: Path) -> list[tuple[float, float, str]]:
    with av.open(str(path)) as container:
        return [
            (float(c["start"] * c["time_base"]), float(c["end"] * c["time_base"]), c["metadata"]["title"])
            for c in container.chapters()
        ]


def subtitles_of(path: Path) -> list[tuple[float, float, str]]:
    """(start, duration, text) of each, without italics."""
    found = []
    with av.open(str(path)) as container:
        [stream] = container.streams.subtitles
        assert stream.language in ("deu", "ger")  # both are German
        if path.suffix != ".mov":  # which cannot say so
            assert stream.disposition & av.stream.Disposition.forced
        for packet in container.demux(stream):
            for rect in stream.codec_context.decode2(packet) or () if packet.size else ():
                assert rect.ass.count(rb"{\i1}") == rect.ass.count(b"Hello"), "italics stay"
                text = rect.ass.decode().split(",", 8)[8].replace(r"{\i1}", "").replace(r"{\i0}", "")
                base = packet.time_base
                found.append((float(packet.pts * base), float(packet.duration * base), text.replace(r"\N", "\n")))
    return found


@pytest.mark.parametrize(
    ("name", "codec", "ending"),
    [
        *(("in.mkv", "srt", ending) for ending in ("mp4", "mov", "webm")),
        ("in.mkv", "ass", "mp4"),
        *(("in.webm", "webvtt", ending) for ending in ("mov", "webm")),
    ],
)
def test_subtitles_chapters_and_titles_come_along(tmp_path: Path, name: str, codec: str, ending: str) -> None:
    source = make_rich(tmp_path / name, codec, **TITLES, description="about it")
    report = run(source, tmp_path / f"out.{ending}")
    assert report.left_out == (("the tags DESCRIPTION",) if ending == "mov" else ())  # which MOV does not hold
    assert tags_of(report.path).get("description") == (None if ending == "mov" else "about it")
    for found, expected in zip(subtitles_of(report.path), PLAIN, strict=True):
        assert found[:2] == pytest.approx(expected[:2], abs=0.03)  # WebM's audio starts a few milliseconds late
        assert found[2] == expected[2]
    for found, expected in zip(chapters_of(report.path), CHAPTERS, strict=True):
        assert found[:2] == pytest.approx(expected[:2], abs=0.001)
        assert found[2] == expected[2]
    assert tags_of(report.path).items() >= TITLES.items()
    if ending == "webm":
        return
    again = run(report.path, tmp_path / "again.mov")  # from what was just made: MP4's and MOV's own forms
    assert [text for _, _, text in subtitles_of(again.path)] == [text for _, _, text in PLAIN]
    assert [title for _, _, title in chapters_of(again.path)] == [title for _, _, title in CHAPTERS]
    assert tags_of(again.path).items() >= TITLES.items()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("name", "codec"), [("in.mkv", "srt"), ("in.mov", "mov_text")])
def test_the_place_of_recording_is_dropped_and_told(tmp_path: Path, place: str, name: str, codec: str) -> None:
    texts = [f"\0{chr(len(text))}{text}" if codec == "mov_text" else text for text in ("one", "two")]
    source = make_rich(tmp_path / name, codec, texts, title="My talk", **{place: PLACES[place]})
    assert b"48.1374" in source.read_bytes()
    report = run(source, tmp_path / "out.mp4")
    assert report.left_out == ("the place of recording",)
    assert b"48.1374" not in report.path.read_bytes()
    assert tags_of(report.path)["title"] == "My talk"


@pytest.mark.parametrize(
    "text", ["F/2.8, GPS (11.5755, 48.1374, 19), D 3 m", "[latitude: 48.1374] [longitude: 11.5755]"]
)
def test_subtitles_with_which_a_drone_tells_its_place_are_dropped(tmp_path: Path, text: str) -> None:
    report = run(make_rich(tmp_path / "in.mkv", texts=[text, "Hello"]), tmp_path / "out.mp4")
    assert any("place of recording" in name for name in report.left_out)
    assert b"48.1374" not in report.path.read_bytes()


def test_what_the_new_file_cannot_hold_is_told(tmp_path: Path) -> None:
    source = make_rich(tmp_path / "in.mkv", "srt", **TITLES, shutter="1/50")
    source.write_bytes(source.read_bytes().replace(b"S_TEXT/UTF8", b"S_HDMV/PGS\0"))  # pictures of text
    with av.open(str(source), "r") as container:
        assert [stream.codec_context.name for stream in container.streams.subtitles] == ["pgssub"]
    report = run(source, tmp_path / "out.mp4")
    subtitles, tags = report.left_out
    assert "subtitles" in subtitles
    assert "deu" in subtitles
    assert "shutter" in tags.lower()
    assert report.audio == "copied"


def test_a_folder_of_images_holds_no_audio_which_is_told(tmp_path: Path) -> None:
    class Transparent:
        transparent = True

        def __call__(self, frame: Frame, mask: Mask) -> Frame:
            import numpy as np

            return np.dstack([frame, np.full(frame.shape[:2], 255, np.uint8)])

    source = make_rich(tmp_path / "in.mkv")
    report = process_video(source, tmp_path / "out", Transparent(), model=FakeModel(), clean=False, progress=False)
    assert [name.split()[0] for name in report.left_out] == ["audio", "subtitles"]


def test_damaged_subtitles_cost_no_frame(tmp_path: Path) -> None:
    source = make_rich(tmp_path / "in.mkv", "ass", [CODED["ass"][0], "no ASS at all"])
    report = run(source, tmp_path / "out.mp4")
    assert report.frames == 15
    assert report.audio == "copied"
    assert subtitles_of(report.path)[0][2] == "Hello world"


def test_the_report_says_how_large_the_file_is(film: Path, tmp_path: Path) -> None:
    report = run(film, tmp_path / "out.mp4")
    assert report.size == (128, 96)
    assert report.bytes == (tmp_path / "out.mp4").stat().st_size
    assert report.bit_rate == pytest.approx(8 * report.bytes / 0.5)
    assert report.source_bit_rate == pytest.approx(8 * film.stat().st_size / 0.5, rel=0.1)
