"""The audio of a processed video: copied bit by bit or re-encoded, at its time."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
from fake_models import FakeModel
from films import Tone, heard, make_film, sounds

from seglib import SourceError, process_video
from seglib.video import VideoReport

pytestmark = pytest.mark.usefixtures("nothing_is_left_running")

COPIED = [
    *[("mp4", codec) for codec in ("aac", "libmp3lame", "ac3", "eac3", "alac", "libopus", "flac")],
    *[("mov", codec) for codec in ("aac", "alac", "pcm_s16le")],
    ("webm", "libopus"),
]


def run(source: Path, target: Path, keep_broken: bool = False) -> VideoReport:
    quick = {"model": FakeModel(), "clean": False, "steady": False, "progress": False}
    return process_video(source, target, lambda frame, mask: frame, keep_broken=keep_broken, **quick)


@pytest.mark.parametrize(("ending", "codec"), COPIED)
def test_audio_is_copied_bit_by_bit(tmp_path: Path, ending: str, codec: str) -> None:
    source = make_film(tmp_path / "in.mkv", 5, tones=[Tone(codec)])
    report = run(source, tmp_path / f"out.{ending}")
    assert report.audio == "copied"
    assert len(sounds(source)[0]) > 9
    assert sounds(report.path) == sounds(source)
    start, end, pitch = heard(report.path)
    # Up to what a container trims from a codec's padding.
    assert (start, end) == pytest.approx(heard(source)[:2], abs=0.03)
    assert pitch == pytest.approx(440, abs=3)


def test_the_audio_of_a_transport_stream_is_copied(tmp_path: Path) -> None:
    """There every packet has a header of its own (ADTS), which MP4 does without."""
    source = make_film(tmp_path / "in.ts", 5, tones=[Tone()])
    report = run(source, tmp_path / "out.mp4")
    assert report.audio == "copied"
    assert [len(packet) for packet in sounds(report.path)[0]] == [len(packet) - 7 for packet in sounds(source)[0]]
    assert heard(report.path)[2] == pytest.approx(440, abs=3)


@pytest.mark.parametrize(
    ("ending", "codec", "rate"),
    [
        ("mp4", "mp2", 48000),
        ("mp4", "pcm_s16le", 44100),
        ("mp4", "pcm_s16le", 37800),  # which AAC does not know
        ("mov", "libopus", 48000),
        ("webm", "aac", 44100),
    ],
)
def test_other_audio_is_encoded_anew(tmp_path: Path, ending: str, codec: str, rate: int) -> None:
    source = make_film(tmp_path / "in.mkv", 5, tones=[Tone(codec, rate=rate, layout="stereo", start=0.25)])
    report = run(source, tmp_path / f"out.{ending}")
    assert report.audio == "re-encoded"
    start, end, pitch = heard(report.path)
    assert (start, end) == pytest.approx(heard(source)[:2], abs=0.05)
    assert pitch == pytest.approx(440, abs=3)


def test_channels_without_places_get_the_usual_ones(tmp_path: Path) -> None:
    """A format such as AU tells only how many channels there are."""
    tone = make_film(tmp_path / "tone.mkv", 2, tones=[Tone("pcm_s16le", layout="stereo")])
    with av.open(str(tone)) as container:
        samples = b"".join(bytes(packet) for packet in container.demux(audio=0) if packet.size)
    with av.open(str(tmp_path / "in.nut"), "w") as output:
        video = output.add_stream("mpeg4", rate=30)
        video.width, video.height = 128, 96
        audio = output.add_stream("pcm_s16le", rate=48000, layout="2 channels")
        output.mux(video.encode(av.VideoFrame(128, 96, "yuv420p")))
        output.mux(video.encode())
        packet = av.Packet(samples[: 4 * 48000])
        packet.stream, packet.pts, packet.dts = audio, 0, 0
        output.mux(packet)
    report = run(tmp_path / "in.nut", tmp_path / "out.mp4")
    assert report.audio == "re-encoded"
    assert heard(report.path)[2] == pytest.approx(440, abs=3)


def test_every_audio_stream_comes_along_with_its_language(tmp_path: Path) -> None:
    deu = Tone("libmp3lame", hertz=880, language="deu", layout="stereo")
    source = make_film(tmp_path / "in.mkv", 5, tones=[Tone(), deu, Tone("mp2")])
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
def test_audio_that_starts_later_or_lasts_longer_stays_as_it_is(tmp_path: Path, start: float, seconds: float) -> None:
    source = make_film(tmp_path / "in.mp4", tones=[Tone(start=start, seconds=seconds)])
    report = run(source, tmp_path / "out.mp4")
    assert sounds(report.path) == sounds(source)
    assert heard(report.path)[:2] == pytest.approx(heard(source)[:2], abs=0.001)


@pytest.mark.parametrize("first", [0, 20], ids=["from its start", "later"])
def test_damaged_audio_is_told_or_ends_where_it_breaks(tmp_path: Path, first: int) -> None:
    source = make_film(tmp_path / "in.mkv", 30, tones=[Tone()])
    data = source.read_bytes()
    for packet in sounds(source)[0][first:]:
        data = data.replace(packet, b"\xff" * len(packet))
    source.write_bytes(data)
    with pytest.raises(SourceError, match=r"in\.mkv: its audio is damaged"):
        run(source, tmp_path / "out.webm")
    report = run(source, tmp_path / "out.webm", keep_broken=True)
    assert (report.frames, report.complete) == (30, True)
    if first:
        assert heard(report.path)[1] == pytest.approx(first * 1024 / 48000, abs=0.05)


def test_no_audio_stays_no_audio(tmp_path: Path) -> None:
    report = run(make_film(tmp_path / "in.mp4", 5), tmp_path / "out.mp4")
    assert report.audio == "none"
    assert sounds(report.path) == []
