"""The text subtitles of a video, in the form that the new container holds."""

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import av
from av.container import OutputContainer

from seglib.video.audio import Packet, Track

_ENCODER = {"mp4": "mov_text", "mov": "mov_text", "webm": "webvtt"}
# Drones write where they are into subtitles: "GPS (11.5755, 48.1374, 19)", "[latitude: 48.1374]".
_PLACE = re.compile(rb"(gps|latitude|longitude)[^\d\n]{0,5}\d+\.\d{3}", re.IGNORECASE)


class SubtitleTrack(Track):
    """One stream of text subtitles, which is decoded and encoded again, with italics and the like."""

    def __init__(self, stream: Any, output: OutputContainer, start: Fraction) -> None:
        target: Any = output.add_stream(_ENCODER[output.format.name])
        super().__init__(stream, target, output, start, Fraction(1))
        self._decoder = stream.codec_context
        self._decoder.open(strict=False)
        target.codec_context.subtitle_header = self._decoder.subtitle_header or b""
        target.codec_context.time_base = self._time_base

    def decode(self, packet: Packet) -> Sequence[tuple[Packet, Any]]:
        try:
            subtitle = self._decoder.decode2(packet)
        except av.FFmpegError:
            self.left_out = ["damaged subtitles"]
            return []
        if subtitle is not None and any(_PLACE.search(getattr(rect, "ass", b"")) for rect in subtitle):
            self.left_out = ["subtitles with the place of recording"]
            return []
        return [(packet, subtitle)] if subtitle else []

    def write(self, items: Sequence[tuple[Packet, Any]]) -> None:
        for packet, subtitle in items:
            encoded = self.target.codec_context.encode_subtitle(subtitle)
            time, _ = self._timestamps.correct(packet.pts, packet.duration or 0)
            encoded.pts = encoded.dts = time
            encoded.duration, encoded.time_base, encoded.stream = packet.duration, self._time_base, self.target
            self._output.mux(encoded)


def is_text(stream: Any) -> bool:
    """Whether a stream holds subtitles as text; others are pictures of text, or captions of television."""
    context = stream.codec_context if stream.type == "subtitle" else None
    return context is not None and context.codec.text_sub and context.name != "eia_608"
