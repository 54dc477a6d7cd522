"""The audio of a video: copied packet by packet into the new file where its container allows that, else re-encoded."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

import av
from av.container import InputContainer, OutputContainer

from seglib.capture.container import open_container
from seglib.errors import SourceError
from seglib.video.timestamps import IncreasingTimestamps

T = TypeVar("T")
_Packet: TypeAlias = "av.Packet[av.AudioStream]"
Handling: TypeAlias = Literal["copied", "re-encoded", "none"]

# The codecs that may be copied into a container, and the encoder for all others.
_COPIED = {
    "mp4": ("aac", "mp3", "mp3float", "ac3", "eac3", "alac", "opus", "flac"),
    "mov": ("aac", "mp3", "mp3float", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be"),
    "webm": ("opus", "vorbis"),
}
_ENCODER = {"mp4": "aac", "mov": "aac", "webm": "libopus"}
_BITS_PER_CHANNEL = {"aac": 96_000, "libopus": 64_000}
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)


class AudioStreams:
    """All audio streams of a file, on their way into a new one.

    The file is opened a second time, so that audio and video need not wait for each other.

    Parameters
    ----------
    path
        The file with the audio.
    start
        Seconds to subtract from all times.
    keep_broken
        Let damaged audio end where it breaks, instead of raising SourceError.

    Attributes
    ----------
    handling : str
        "copied"; "re-encoded" if that is necessary for one of the streams; or "none" if there are none.
    """

    def __init__(self, path: Path, start: Fraction, keep_broken: bool = False) -> None:
        self.path = path
        self.handling: Handling = "none"
        self._start, self._keep_broken = start, keep_broken
        self._source: InputContainer | None = None
        self._packets: Iterator[Any] = iter(())
        self._tracks: dict[int, _Track] = {}
        self._next: _Packet | None = None

    def add_to(self, output: OutputContainer) -> None:
        """Add the streams to a container, before its first packet."""
        self._source = open_container(self.path)
        streams = [stream for stream in self._source.streams.audio if _is_usable(stream)]
        self._tracks = {stream.index: _add_track(stream, output, self._start) for stream in streams}
        if streams:
            copied = all(isinstance(track, _CopiedTrack) for track in self._tracks.values())
            self.handling = "copied" if copied else "re-encoded"
            self._packets = self._source.demux(streams)
        self._advance()

    def write_until(self, time: Fraction | None) -> None:
        """Write what is heard before a time of the new file, in seconds; None means everything that is left."""
        while self._next is not None:
            track = self._tracks[self._next.stream_index]
            if time is not None and track.time(self._next) >= time:
                return
            track.write(self._guard(track.decode, self._next, default=[]))
            self._advance()

    def finish(self) -> None:
        """Write what the encoders still hold."""
        for track in self._tracks.values():
            track.finish()

    def close(self) -> None:
        """Close the source file."""
        self._tracks.clear()
        if self._source is not None:
            self._source.close()

    def _advance(self) -> None:
        self._next = None
        self._next = self._guard(next, (packet for packet in self._packets if packet.size > 0), None, default=None)

    def _guard(self, function: Callable[..., T], *arguments: object, default: T) -> T:
        """Call what reads from the source; its errors are the source's, and not those of the new file."""
        try:
            return function(*arguments)
        except av.FFmpegError as error:
            if not self._keep_broken:
                raise SourceError(f"{self.path}: its audio is damaged ({error.strerror or error})") from error
            self._packets = iter(())
            return default


class _Track(ABC):
    """One audio stream on its way from the source to the output."""

    def __init__(self, stream: Any, target: Any, output: OutputContainer, start: Fraction, packet_samples: int) -> None:
        self.target, self._output, self._start = target, output, start
        self._time_base = stream.time_base or Fraction(1, 1000)
        step = round(Fraction(packet_samples, stream.rate) / self._time_base)
        self._timestamps = IncreasingTimestamps(step, start / self._time_base, self._time_base)

    def time(self, packet: _Packet) -> Fraction:
        """When a packet of the source is heard, in seconds of the new file."""
        timestamp = packet.dts if packet.dts is not None else packet.pts
        return Fraction(0) if timestamp is None else timestamp * self._time_base - self._start

    @abstractmethod
    def decode(self, packet: _Packet) -> Sequence[Any]:
        """What to write for a packet."""

    @abstractmethod
    def write(self, items: Sequence[Any]) -> None:
        """Write what ``decode`` returned."""

    def finish(self) -> None:  # noqa: B027 - only an encoder holds something back
        """Write what is held back."""


class _CopiedTrack(_Track):
    """One audio stream whose packets are copied."""

    def __init__(self, stream: av.AudioStream, output: OutputContainer, start: Fraction) -> None:
        target = output.add_stream_from_template(stream)
        super().__init__(stream, target, output, start, stream.codec_context.frame_size or 1024)
        self._last: int | None = None

    def decode(self, packet: _Packet) -> Sequence[_Packet]:
        return [packet]

    def write(self, items: Sequence[_Packet]) -> None:
        for packet in items:
            timestamp = packet.dts if packet.dts is not None else packet.pts
            time, _ = self._timestamps.correct(timestamp, packet.duration or 0)
            if self._last is not None and not packet.duration:
                packet.duration = time - self._last  # without a duration the last packet would not be heard
            packet.pts = packet.dts = self._last = time  # none of the copied codecs reorders
            packet.stream = self.target
            self._output.mux(packet)


class _EncodedTrack(_Track):
    """One audio stream that is decoded and encoded again."""

    def __init__(self, stream: av.AudioStream, output: OutputContainer, start: Fraction) -> None:
        encoder = _ENCODER[output.format.name]
        rate = 48_000 if encoder == "libopus" or stream.rate not in _AAC_RATES else stream.rate
        target: Any = output.add_stream(encoder, rate=rate, layout=_layout(stream.layout))
        target.bit_rate = _BITS_PER_CHANNEL[encoder] * stream.layout.nb_channels
        super().__init__(stream, target, output, start, 1024)
        self._end: Fraction | None = None  # of what is written, in seconds

    def decode(self, packet: _Packet) -> Sequence[Any]:
        return packet.decode()

    def write(self, items: Sequence[Any]) -> None:
        for samples in items:
            base, rate = self._time_base, samples.sample_rate
            duration = Fraction(samples.samples, rate)
            timestamp = None if samples.pts is None else round(samples.pts * (samples.time_base or base) / base)
            time = self._timestamps.correct(timestamp, round(duration / base))[0] * base
            time = time if self._end is None else max(time, self._end)  # an encoder counts samples: no overlap
            samples.pts, samples.time_base = round(time * rate), Fraction(1, rate)
            self._end = time + duration
            self._output.mux(self.target.encode(samples))

    def finish(self) -> None:
        self._output.mux(self.target.encode())


def _add_track(stream: av.AudioStream, output: OutputContainer, start: Fraction) -> _Track:
    is_copied = stream.codec_context.name in _COPIED[output.format.name]
    track = (_CopiedTrack if is_copied else _EncodedTrack)(stream, output, start)
    for name in ("language", "title"):
        if name in stream.metadata:
            track.target.metadata[name] = stream.metadata[name]
    return track


def _is_usable(stream: av.AudioStream) -> bool:
    """False for a stream that a broken header announces and nothing is known of."""
    return stream.codec_context is not None and bool(stream.rate) and stream.codec_context.channels > 0


def _layout(layout: av.AudioLayout) -> str:
    """The channel layout. Some formats tell only the number of channels."""
    usual = {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
    return usual.get(layout.nb_channels, "stereo") if "channels" in layout.name else layout.name
