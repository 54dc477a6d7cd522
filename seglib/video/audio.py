"""The audio streams of a video: copied packet by packet where the new container allows that, else re-encoded."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Literal, TypeAlias

import av
from av.container import OutputContainer

from seglib.video.timestamps import IncreasingTimestamps

Packet: TypeAlias = "av.Packet[Any]"
Handling: TypeAlias = Literal["copied", "re-encoded", "none"]

# The codecs that may be copied into a container, and the encoder for all others.
_COPIED = {
    "mp4": ("aac", "mp3", "mp3float", "ac3", "eac3", "alac", "opus", "flac"),
    "mov": ("aac", "mp3", "mp3float", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be"),
    "webm": ("opus", "vorbis"),
}
_ENCODER = {"mp4": "aac", "mov": "aac", "webm": "libopus"}
_BITS_PER_CHANNEL = {"aac": 96_000, "libopus": 64_000}
_MOV_LANGUAGES = {
    "deu": "ger",
    "nld": "dut",
    "zho": "chi",
    "isl": "ice",
    "ell": "gre",
}  # MOV knows the older codes only
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)


class Track(ABC):
    """One stream on its way from the source to the output.

    Parameters
    ----------
    stream
        Of the source.
    target
        Of the output.
    output
        The new file.
    start
        Seconds to subtract from all times.
    step
        Usual seconds between two packets.

    Attributes
    ----------
    left_out : list of str
        What of it the output does not hold, in words.
    """

    def __init__(self, stream: Any, target: Any, output: OutputContainer, start: Fraction, step: Fraction) -> None:
        self.target, self._output, self._start = target, output, start
        self.left_out: list[str] = []
        self._time_base = stream.time_base or Fraction(1, 1000)
        self._timestamps = IncreasingTimestamps(round(step / self._time_base), start / self._time_base, self._time_base)
        tags = {name: stream.metadata[name] for name in ("language", "title") if name in stream.metadata}
        if output.format.name == "mov" and "language" in tags:
            tags["language"] = _MOV_LANGUAGES.get(tags["language"], tags["language"])
        target.metadata.update(tags)
        target.disposition = stream.disposition  # default, forced, for the hard of hearing, …

    def time(self, packet: Packet) -> Fraction:
        """When a packet of the source is heard, in seconds of the new file."""
        timestamp = packet.dts if packet.dts is not None else packet.pts
        return Fraction(0) if timestamp is None else timestamp * self._time_base - self._start

    @abstractmethod
    def decode(self, packet: Packet) -> Sequence[Any]:
        """What to write for a packet."""

    @abstractmethod
    def write(self, items: Sequence[Any]) -> None:
        """Write what ``decode`` returned."""

    def finish(self) -> None:  # noqa: B027 - only an encoder holds something back
        """Write what is held back."""


class CopiedTrack(Track):
    """One audio stream whose packets are copied."""

    def __init__(self, stream: av.AudioStream, output: OutputContainer, start: Fraction) -> None:
        target = output.add_stream_from_template(stream)
        super().__init__(stream, target, output, start, Fraction(stream.codec_context.frame_size or 1024, stream.rate))
        self._last: int | None = None

    def decode(self, packet: Packet) -> Sequence[Packet]:
        return [packet]

    def write(self, items: Sequence[Packet]) -> None:
        for packet in items:
            timestamp = packet.dts if packet.dts is not None else packet.pts
            time, _ = self._timestamps.correct(timestamp, packet.duration or 0)
            if self._last is not None and not packet.duration:
                packet.duration = time - self._last  # without a duration the last packet would not be heard
            packet.pts = packet.dts = self._last = time  # none of the copied codecs reorders
            packet.stream = self.target
            self._output.mux(packet)


class EncodedTrack(Track):
    """One audio stream that is decoded and encoded again."""

    def __init__(self, stream: av.AudioStream, output: OutputContainer, start: Fraction) -> None:
        encoder = _ENCODER[output.format.name]
        rate = 48_000 if encoder == "libopus" or stream.rate not in _AAC_RATES else stream.rate
        target: Any = output.add_stream(encoder, rate=rate, layout=_layout(stream.layout))
        target.bit_rate = _BITS_PER_CHANNEL[encoder] * stream.layout.nb_channels
        super().__init__(stream, target, output, start, Fraction(1024, stream.rate))
        self._end: Fraction | None = None  # of what is written, in seconds

    def decode(self, packet: Packet) -> Sequence[Any]:
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


def audio_track(stream: av.AudioStream, output: OutputContainer, start: Fraction) -> Track:
    """Add an audio stream to a file: copied where its container allows that, else re-encoded."""
    is_copied = stream.codec_context.name in _COPIED[output.format.name]
    return (CopiedTrack if is_copied else EncodedTrack)(stream, output, start)


def is_usable(stream: av.AudioStream) -> bool:
    """False for a stream that a broken header announces and nothing is known of."""
    return stream.codec_context is not None and bool(stream.rate) and stream.codec_context.channels > 0


def _layout(layout: av.AudioLayout) -> str:
    """The channel layout. Some formats tell only the number of channels."""
    usual = {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
    return usual.get(layout.nb_channels, "stereo") if "channels" in layout.name else layout.name
