"""The sound of a video, taken along while the pictures are made: copied bit by bit where that is possible."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av

from seglib.errors import SourceError
from seglib.video.reader import Clock

Handling = Literal["copied", "re-encoded", "none"]

# What may be copied into which container, and what everything else becomes.
_KEPT = {
    "mp4": ("aac", "mp3", "mp3float", "ac3", "eac3", "alac", "opus", "flac"),
    "mov": ("aac", "mp3", "mp3float", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be"),
    "webm": ("opus", "vorbis"),
}
_ENCODER = {"mp4": "aac", "mov": "aac", "webm": "libopus"}
_BITS_A_CHANNEL = {"aac": 96_000, "libopus": 64_000}


class Sound:
    """All audio streams of a file on their way into another one.

    path: the file with the sound; it is opened a second time, so that sound and pictures need not wait for each other.
    output: an open container, before its first packet. start: seconds to take off all times.
    keep_broken: a damaged sound ends where it breaks; otherwise it raises SourceError.
    handling: "copied", "re-encoded" if that had to happen to one of the streams, or "none" if there are none.
    """

    def __init__(
        self, path: Path, output: "av.container.OutputContainer", start: Fraction, keep_broken: bool = False
    ) -> None:
        self._path, self._keep_broken = path, keep_broken
        self._source = av.open(str(path), metadata_errors="replace")
        self._tracks = {
            stream.index: _track(stream, output, start) for stream in self._source.streams.audio if _is_usable(stream)
        }
        copied = not any(isinstance(track, _Encode) for track in self._tracks.values())
        self.handling: Handling = "none" if not self._tracks else "copied" if copied else "re-encoded"
        streams = [self._source.streams[index] for index in self._tracks]
        self._packets = self._source.demux(streams) if streams else iter(())
        self._next: av.Packet | None = None
        self._advance()

    def play_until(self, seconds: Fraction | None) -> None:
        """Pass on what is heard before a time of the output; None means everything that is left."""
        while self._next is not None:
            track = self._tracks[self._next.stream_index]
            if seconds is not None and track.time(self._next) >= seconds:
                return
            track.write(self._guard(track.decode, self._next) or [])
            self._advance()

    def finish(self) -> None:
        """Write what the encoders still hold."""
        for track in self._tracks.values():
            track.finish()

    def close(self) -> None:
        """Let go of the file."""
        self._tracks.clear()
        self._source.close()

    def _advance(self) -> None:
        self._next = None
        self._next = self._guard(next, (packet for packet in self._packets if packet.size > 0), None)

    def _guard(self, function: Callable[..., Any], *arguments: object) -> Any:
        """Read from the source: what goes wrong here is its fault, and not that of the new file."""
        try:
            return function(*arguments)
        except av.FFmpegError as error:
            if not self._keep_broken:
                raise SourceError(f"{self._path}: its sound is damaged ({error.strerror or error})") from error
            self._packets = iter(())
            return None


class _Copy:
    """One audio stream, its packets passed on as they are."""

    def __init__(self, stream: av.AudioStream, output: "av.container.OutputContainer", start: Fraction) -> None:
        self._output = output
        self._stream: Any = output.add_stream_from_template(stream)
        self._base = stream.time_base or Fraction(1, 1000)
        frame = Fraction(stream.codec_context.frame_size or 1024, stream.rate or 48_000)
        self._clock = Clock(round(frame / self._base), start / self._base, self._base)
        self._start = start
        self._last: int | None = None

    def time(self, packet: av.Packet) -> Fraction:
        stamp = packet.dts if packet.dts is not None else packet.pts
        return Fraction(0) if stamp is None else stamp * self._base - self._start

    def decode(self, packet: av.Packet) -> Sequence[Any]:
        """What to write for a packet: here the packet itself."""
        return [packet]

    def write(self, packets: Sequence[Any]) -> None:
        """Pass packets on, in order and at times that go forward."""
        for packet in packets:
            self._pass_on(packet)

    def finish(self) -> None:
        """Write what is held back: here nothing."""

    def _pass_on(self, packet: av.Packet) -> None:
        stamp = packet.dts if packet.dts is not None else packet.pts
        time, _ = self._clock(stamp, packet.duration or 0)
        if self._last is not None and not packet.duration:
            packet.duration = time - self._last  # or the last one would get none, and not be heard
        packet.pts = packet.dts = self._last = time  # no codec of the list reorders
        packet.stream = self._stream
        self._output.mux(packet)


class _Encode(_Copy):
    """One audio stream, decoded and encoded anew."""

    def __init__(self, stream: av.AudioStream, output: "av.container.OutputContainer", start: Fraction) -> None:
        self._output = output
        name = _ENCODER[output.format.name]
        rate = 48_000 if name == "libopus" else _aac_rate(stream.rate)
        self._stream = output.add_stream(name, rate=rate, layout=_layout(stream.layout))
        self._stream.bit_rate = _BITS_A_CHANNEL[name] * stream.layout.nb_channels
        self._base, self._start = stream.time_base or Fraction(1, rate), start
        self._clock = Clock(round(Fraction(1024, rate) / self._base), start / self._base, self._base)
        self._end: Fraction | None = None  # of what was written, in seconds

    def decode(self, packet: av.Packet) -> Sequence[Any]:
        return packet.decode()

    def write(self, blocks: Sequence[Any]) -> None:
        for block in blocks:
            length = Fraction(block.samples, block.sample_rate)
            stamp = None if block.pts is None else round(block.pts * (block.time_base or self._base) / self._base)
            time = self._clock(stamp, round(length / self._base))[0] * self._base
            time = time if self._end is None else max(time, self._end)  # or an encoder loses its count
            block.pts, block.time_base = round(time * block.sample_rate), Fraction(1, block.sample_rate)
            self._end = time + length
            self._output.mux(self._stream.encode(block))

    def finish(self) -> None:
        self._output.mux(self._stream.encode())


def _track(stream: av.AudioStream, output: "av.container.OutputContainer", start: Fraction) -> _Copy:
    kept = stream.codec_context.name in _KEPT[output.format.name]
    track = (_Copy if kept else _Encode)(stream, output, start)
    for name in ("language", "title"):
        if name in stream.metadata:
            track._stream.metadata[name] = stream.metadata[name]
    return track


def _is_usable(stream: av.AudioStream) -> bool:
    """Broken headers announce streams that nothing is known of."""
    return stream.codec_context is not None and bool(stream.rate) and stream.codec_context.channels > 0


def _aac_rate(rate: int) -> int:
    """AAC knows some sampling rates only."""
    known = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
    return rate if rate in known else 48_000


def _layout(layout: av.AudioLayout) -> str:
    """Where its channels are heard. Some formats only count them."""
    usual = {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
    return usual.get(layout.nb_channels, "stereo") if "channels" in layout.name else layout.name
