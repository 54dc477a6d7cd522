"""A video file as frames with their times, and what a copy of it needs to know."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av

from seglib.capture.presentation import DecodedFrame
from seglib.capture.sources import VideoSource
from seglib.errors import SourceError
from seglib.images import existing_file, is_image
from seglib.video.timestamps import IncreasingTimestamps, TimedFrame

_FINEST_TIME_BASE = Fraction(1, 1_000_000)  # what MP4 and the encoders take without trouble


class VideoReader:
    """Read a video file once, with the times of its frames: ``with VideoReader(path) as video: for timed in video: …``.

    Parameters
    ----------
    path
        The file. Its first frame is decoded at once.

    Attributes
    ----------
    frame_rate : Fraction
        Its mean, in frames per second.
    time_base : Fraction
        Unit of its times, in seconds.
    start : Fraction
        Seconds to subtract from all times, also of the audio: some formats start at any time, some files below 0.
    bit_rate : int
        Of the whole file, in bits per second; 0 if it does not say.
    length : int or None
        About how many frames; None if the file does not say.
    pixel_format : PixelFormat
        How the colours of a copy are to be coded.

    Raises
    ------
    SourceError
        For a file that is no video; while it is read, for one that is damaged or truncated.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = existing_file(path)
        if is_image(self.path):
            raise SourceError(f"{self.path} is a picture, not a video, whatever its name says")
        self._source = VideoSource(self.path)
        stream = self._source.stream
        self._stream_time_base = stream.time_base or Fraction(1, 1000)
        self.time_base = max(self._stream_time_base, _FINEST_TIME_BASE)
        self.frame_rate = _plausible_rate(stream)
        container: Any = stream.container
        self.bit_rate = int(container.bit_rate or 0)
        self.length = _plausible_length(stream, self.frame_rate)
        try:
            first = next(self._decoded())
        except BaseException:
            self._source.close()
            raise
        self._first = [first]
        self.pixel_format = first.pixel_format
        self.start = min(_start_time(stream.container), (self._timestamp(first) or 0) * self.time_base)

    def __iter__(self) -> Iterator[TimedFrame]:
        step = round(1 / self.frame_rate / self.time_base)
        timestamps = IncreasingTimestamps(step, self.start / self.time_base, self.time_base)
        first, self._first = self._first, []
        for decoded in chain(first, self._decoded()):
            duration = round(decoded.duration * self._stream_time_base / self.time_base)
            time, duration = timestamps.correct(self._timestamp(decoded), duration)
            yield TimedFrame(decoded.frame, time * self.time_base, duration * self.time_base)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._source.close()

    def _decoded(self) -> Iterator[DecodedFrame]:
        return iter(self._source.read_decoded, None)

    def _timestamp(self, decoded: DecodedFrame) -> int | None:
        return None if decoded.pts is None else round(decoded.pts * self._stream_time_base / self.time_base)


def _plausible_rate(stream: av.VideoStream) -> Fraction:
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate and Fraction(1, 1000) <= rate <= 1000:
            return Fraction(rate)
    return Fraction(25)


def _plausible_length(stream: av.VideoStream, rate: Fraction) -> int | None:
    """Only for the progress bar: a header may be wrong."""
    if 0 < stream.frames < 10**8:
        return int(stream.frames)
    container: Any = stream.container
    seconds = float((stream.duration or 0) * (stream.time_base or 0)) or (container.duration or 0) / av.time_base
    return round(seconds * rate) if 0 < seconds < 10**6 else None


def _start_time(container: Any) -> Fraction:
    """The time that becomes 0. In formats whose clock starts at 0, a late start is intended and kept."""
    starts_anywhere = container.format.flags & 0x0200  # AVFMT_TS_DISCONT: MPEG transport and program streams
    return Fraction(container.start_time or 0, av.time_base) if starts_anywhere else Fraction(0)
