"""A video file as frames with their times, and what a copy of it must keep."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.video.reformatter import VideoReformatter

from seglib.arrays import Frame
from seglib.capture.deinterlace import deinterlaced
from seglib.capture.pixel_format import PixelFormat, to_rgb
from seglib.capture.sources import VideoSource
from seglib.errors import SourceError
from seglib.images import existing_file, is_image

_FINEST = 1_000_000  # ticks a second; what MP4 and the encoders take without trouble


@dataclass(frozen=True)
class TimedFrame:
    """A frame and when it is shown. time, duration: in ticks of the film's time_base."""

    frame: Frame
    time: int
    duration: int


class VideoReader:
    """A video file to be processed: ``with VideoReader(path) as film: for shot in film: …``.

    path: the file. time_base: seconds per tick of its times. rate: its mean frame rate.
    length: about how many frames, None if the file does not say. start: seconds to take off all times, also of the
    sound: some formats count from the switching on of a transmitter, some files from below 0; known after the first
    frame.
    coding, pixel_shape: of its colours, and the width of a pixel divided by its height; known after the first frame.
    Raises SourceError for what is no video, is damaged, is HDR, or changes its size on the way.
    """

    coding: PixelFormat
    pixel_shape: Fraction

    def __init__(self, path: str | Path) -> None:
        self.path = existing_file(path)
        if is_image(self.path):
            raise SourceError(f"{self.path} is a picture, not a video, whatever its name says")
        self._source = VideoSource(self.path)
        self._converter = VideoReformatter()
        stream = self._source.stream
        self.time_base = max(stream.time_base or Fraction(0), Fraction(1, _FINEST))
        self.rate = _plausible_rate(stream)
        self.length = _plausible_length(stream, self.rate)
        self.start = _start(stream.container)
        self._check_hdr(PixelFormat(2, 0, 2, stream.codec_context.color_trc, 0))

    def __iter__(self) -> Iterator[TimedFrame]:
        clock: Clock | None = None
        first: Frame | None = None
        for number, (whole, picture) in enumerate(deinterlaced(iter(self._source.read_image, None))):
            frame = self._convert(whole)
            if first is None:
                self._keep_looks(picture)
                first = frame
            elif frame.shape != first.shape:
                raise SourceError(
                    f"{self.path} changes its size at frame {number}, from {_size(first)} to {_size(frame)}; "
                    "cut it there, or scale it to one size first: ffmpeg -i IN -vf scale=WIDTH:HEIGHT OUT"
                )
            scale = (self._source.stream.time_base or self.time_base) / self.time_base
            time = picture.pts if picture.pts is not None else picture.dts  # AVI knows only the second
            ticks = None if time is None else round(time * scale)
            if clock is None:
                self.start = min(self.start, (ticks or 0) * self.time_base)  # before 0 nothing would be shown
                clock = Clock(round(1 / self.rate / self.time_base), self.start / self.time_base, self.time_base)
            yield TimedFrame(frame, *clock(ticks, round((picture.duration or 0) * scale)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._source.close()

    def _convert(self, picture: av.VideoFrame) -> Frame:
        try:
            return to_rgb(picture, self._converter)
        except SourceError as error:
            raise SourceError(f"{self.path}: {error}") from None

    def _keep_looks(self, picture: av.VideoFrame) -> None:
        self.coding = PixelFormat.of(picture)
        self._check_hdr(self.coding)
        shape = self._source.stream.sample_aspect_ratio or Fraction(1)
        self.pixel_shape = 1 / shape if picture.rotation % 180 else shape

    def _check_hdr(self, coding: PixelFormat) -> None:
        if coding.hdr:
            self._source.close()
            raise SourceError(
                f"{self.path} is an HDR video, {coding.hdr}, and would come out pale; make an ordinary one first: "
                'ffmpeg -i IN -vf "zscale=t=linear:npl=100,tonemap=hable,zscale=p=bt709:t=bt709:m=bt709:r=tv,'
                'format=yuv420p" -c:a copy OUT (on a phone, switch HDR off in the camera settings)'
            )


class Clock:
    """Times that always go forward: the file's own where they do, mended where they are missing or go back.

    step: ticks from a frame to the next where nothing else is known. start: ticks to take off.
    base: seconds per tick. Two times are at least a millisecond apart, since the new file's ticks may be as coarse.
    A frame without a time follows when the one before it has been shown.
    """

    def __init__(self, step: int, start: Fraction, base: Fraction) -> None:
        self._gap = max(1, ceil(Fraction(1, 1000) / base))
        self._step = max(step, self._gap)
        self._shift = -round(start)
        self._last: int | None = None
        self._length = self._step

    def __call__(self, time: int | None, duration: int) -> tuple[int, int]:
        """The time and duration to use for a frame that the file shows at ``time`` (None if it does not say)."""
        if self._last is None:
            self._last = self._shift + time if time is not None else 0
        elif time is None:
            self._last += self._length
        else:
            if self._shift + time <= self._last - 25 * self._step:  # the count starts anew: two recordings in one file
                self._shift = self._last + self._step - time
            self._last = max(self._shift + time, self._last + self._gap)
        self._length = duration if duration > 0 else self._step
        return self._last, self._length


def _plausible_rate(stream: av.VideoStream) -> Fraction:
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate and Fraction(1, 1000) <= rate <= 1000:
            return Fraction(rate)
    return Fraction(25)


def _plausible_length(stream: av.VideoStream, rate: Fraction) -> int | None:
    """For the progress bar only: headers lie."""
    if 0 < stream.frames < 10**8:
        return int(stream.frames)
    container: Any = stream.container
    whole = (container.duration or 0) / av.time_base
    seconds = float((stream.duration or 0) * (stream.time_base or 0)) or whole
    return round(seconds * rate) if 0 < seconds < 10**6 else None


def _start(container: Any) -> Fraction:
    """What to take off all times. Where a file's clock starts at 0, a late start is meant and kept."""
    counts_from_anywhere = container.format.flags & 0x0200  # AVFMT_TS_DISCONT: MPEG transport and program streams
    return Fraction(container.start_time or 0, av.time_base) if counts_from_anywhere else Fraction(0)


def _size(frame: Frame) -> str:
    return f"{frame.shape[1]} × {frame.shape[0]}"
