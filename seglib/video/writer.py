"""Frames to a video file: H.264 in MP4 or MOV, VP9 in WebM, through PyAV (FFmpeg). Nothing else writes video."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.video.reformatter import VideoReformatter

from seglib._internal.atomic_files import AtomicFile
from seglib._internal.cpu_cores import half_of_the_cores
from seglib.arrays import Frame, check_frame, check_positive
from seglib.capture.container import file_url
from seglib.capture.pixel_format import PixelFormat, from_rgb
from seglib.errors import SourceError
from seglib.images import expand_home
from seglib.video.audio import Handling
from seglib.video.other_streams import OtherStreams
from seglib.video.reader import VideoReader

# Container and codec for each file extension.
VIDEO_FORMATS = {".mp4": ("mp4", "h264"), ".m4v": ("mp4", "h264"), ".mov": ("mov", "h264"), ".webm": ("webm", "vp9")}
_ENCODER = {"h264": "libx264", "vp9": "libvpx-vp9"}
_DEFAULT_CRF = {"h264": 20, "vp9": 32}
_MAX_CRF = {"h264": 51, "vp9": 63}
_PRESETS = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow", "placebo"),
)
_TIME_BASE = Fraction(1, 90_000)  # a multiple of all usual frame rates
_BT709 = PixelFormat(matrix=1, range=1, primaries=1, transfer=1, rows=0)  # limited range, as players expect


@dataclass(frozen=True)
class Encoding:
    """How a video is encoded.

    Parameters
    ----------
    codec
        "h264" for .mp4, .m4v and .mov, "vp9" for .webm. None takes the codec of the file extension.
    crf
        Constant rate factor, the quality: 0 to 51 for H.264 (default 20), 0 to 63 for VP9 (default 32). Lower is
        better and larger.
    preset
        x264's preset, such as "slow" for smaller files. The default is fast enough to keep pace with the frames.

    Examples
    --------
    >>> seglib.video.Encoding(crf=28)
    Encoding(codec=None, crf=28, preset=None)
    """

    codec: str | None = None
    crf: int | None = None
    preset: str | None = None

    def for_file(self, path: Path, transparent: bool = False) -> "Encoding":
        """The encoding with its defaults filled in. Raises ValueError for what the file cannot hold."""
        suffix = path.suffix.lower()
        if transparent and not suffix:
            if self != Encoding():
                raise ValueError(f"codec and crf are for video files, and {path} will be a folder of PNG images")
            return self
        if transparent and suffix != ".webm":
            raise ValueError(
                f"{path} cannot hold transparency; write to a .webm file (VP9 with alpha), "
                f"or to a folder of PNG images, a name without an extension: {path.with_suffix('')}"
            )
        if suffix not in VIDEO_FORMATS:
            raise ValueError(f"{path} must end in one of {', '.join(VIDEO_FORMATS)}: the extension decides the format")
        codec = VIDEO_FORMATS[suffix][1]
        if self.codec not in (None, codec):
            raise ValueError(f"codec is {self.codec!r}, but {suffix} holds {codec}; h264 goes to .mp4, vp9 to .webm")
        if self.preset is not None and codec != "h264":
            raise ValueError(f"preset is {self.preset!r}, but {codec} has no presets; they are x264's")
        if self.preset not in (None, *_PRESETS):
            raise ValueError(f"preset is {self.preset!r}, but must be one of {', '.join(_PRESETS)}")
        crf = _DEFAULT_CRF[codec] if self.crf is None else self.crf
        if not 0 <= crf <= _MAX_CRF[codec]:
            raise ValueError(f"crf is {crf}, but must lie in 0 to {_MAX_CRF[codec]} for {codec}")
        return replace(self, codec=codec, crf=crf)


class VideoWriter:
    """Write frames to a video file that browsers and phones play.

    The file gets its name at the end of the ``with`` block. After an exception, or without a frame, there is no file,
    and an older file of that name stays as it was. An odd width or height loses its last pixel, since the colours of
    H.264 and VP9 are stored for pairs of pixels.

    Parameters
    ----------
    path
        The new file, .mp4, .m4v, .mov or .webm; its folder is made, and an existing file is replaced.
    fps
        Frames per second, from 0.001 to 100,000; 29.97 stays 29.97.
    encoding
        Codec and quality.
    transparent
        Take (H, W, 4) RGBA frames, and store the alpha channel; for .webm only.
    like
        A video whose time base and colour coding are used for the new one.
    streams
        Audio and subtitles to write with the frames.

    Attributes
    ----------
    frames : int
        How many are written.
    seconds : Fraction
        When the last one ends.

    Raises
    ------
    ValueError
        If ``fps`` or ``encoding`` do not fit.
    OSError
        At once, if the path cannot be written.

    Examples
    --------
    >>> with seglib.video.VideoWriter("still.mp4", fps=30) as video:
    ...     for _ in range(15):
    ...         video.write(frame)
    """

    _closed = True  # until there is something to close

    def __init__(
        self,
        path: str | Path,
        fps: float | Fraction,
        encoding: Encoding | None = None,
        *,
        transparent: bool = False,
        like: VideoReader | None = None,
        streams: OtherStreams | None = None,
    ) -> None:
        self.path = expand_home(path)
        self._frame_rate = _frame_rate(fps)
        self._encoding = (encoding or Encoding()).for_file(self.path, transparent)
        if self.path.is_dir():
            raise IsADirectoryError(f"{self.path} is a folder, not a file")
        self._time_base = like.time_base if like else Fraction(0)  # 0: not decided
        self._pixel_format = like.pixel_format if like else _BT709
        self._transparent, self._streams = transparent, streams
        self._converter = VideoReformatter()
        self._shape: tuple[int, ...] | None = None
        self._last_pts = -1
        self._delay: int | None = None  # from decoding to presentation, in units of the time base
        self.frames, self.seconds = 0, Fraction(0)
        self._file = AtomicFile(self.path)
        self._container: Any = None
        self._closed = False

    @property
    def audio(self) -> Handling:
        """What happens to the audio: "copied", "re-encoded", or "none" if there is none."""
        return self._streams.audio if self._streams else "none"

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels; (0, 0) before the first frame."""
        return (0, 0) if self._container is None else (self._stream.width, self._stream.height)

    @property
    def left_out(self) -> list[str]:
        """What of the source of the streams the file does not hold, in words."""
        return self._streams.left_out if self._streams else []

    def write(
        self, frame: Frame, time: float | Fraction | None = None, duration: float | Fraction | None = None
    ) -> None:
        """Append a frame.

        Parameters
        ----------
        frame
            (H, W, 3) uint8 RGB, or RGBA if the video is transparent; all of one size.
        time
            When it is shown, in seconds from the start and later than the frame before. None means one frame after
            another at ``fps``. Give it for all frames of a video, or for none.
        duration
            For how long, in seconds; 1 / ``fps`` by default.

        Raises
        ------
        ValueError
            If it is no frame, if its size differs from the first one's, or if the video is finished.
        OSError
            If the disk is full.
        """
        if self._closed:
            raise ValueError(f"{self.path} is finished; nothing can be added to it")
        check_frame(frame, alpha=self._transparent)
        if self._container is None:
            self._open(frame.shape, timed=time is not None)
        if frame.shape != self._shape:
            raise ValueError(f"frame {self.frames} is {frame.shape} but the video is {self._shape}; resize it")
        start = self.frames / self._frame_rate if time is None else Fraction(time)
        length = 1 / self._frame_rate if duration is None else Fraction(duration)
        picture = from_rgb(frame[: self._stream.height, : self._stream.width], self._pixel_format, self._converter)
        picture.time_base = self._time_base
        picture.pts = self._last_pts = max(self._last_pts + 1, round(start / self._time_base))
        picture.duration = round(length / self._time_base)
        with self._explained_errors():
            if self._streams is not None:
                self._streams.write_until(start)
            self._mux(self._stream.encode(picture))
        self.frames += 1
        self.seconds = start + length

    def close(self, *, cut_audio: bool = False) -> None:
        """Finish the file and give it its name; without a frame, leave nothing. A second call does nothing.

        Parameters
        ----------
        cut_audio
            End audio and subtitles with the last frame, instead of writing all that is left of them.
        """
        if self._closed:
            return
        if self._container is None:
            return self.discard()
        with self._explained_errors():
            self._mux(self._stream.encode(), last=True)
            if self._streams is not None:
                self._streams.write_until(self.seconds if cut_audio else None)
                self._streams.finish()
                self._streams.close()
            self._container.close()
        self._file.commit()
        self._closed = True

    def discard(self) -> None:
        """Stop and leave no file; an older file of that name stays as it was. After ``close`` this does nothing."""
        if self._closed:
            return
        self._closed = True
        if self._streams is not None:
            self._streams.close()
        if self._container is not None:
            with suppress(av.FFmpegError):  # on a full disk closing fails, too
                self._container.close()
        self._file.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.close()
        finally:  # also after a full disk, or an interrupt
            self.discard()

    def __del__(self) -> None:
        self.discard()

    def _open(self, shape: tuple[int, ...], timed: bool) -> None:
        if min(shape[:2]) < 2:
            raise ValueError(f"frame is {shape}, but a video needs at least 2 × 2 pixels")
        self._time_base = self._time_base or (_TIME_BASE if timed else 1 / self._frame_rate)
        container, codec = VIDEO_FORMATS[self.path.suffix.lower()]
        options = {} if container == "webm" else {"movflags": "+faststart"}
        with self._explained_errors():
            self._container = av.open(file_url(self._file.part), "w", format=container, options=options)
        self._stream: Any = self._container.add_stream(
            _ENCODER[codec], rate=self._frame_rate, options=_encoder_options(self._encoding)
        )
        # Even sizes: the colours are stored for pairs of pixels.
        self._stream.height, self._stream.width = shape[0] // 2 * 2, shape[1] // 2 * 2
        self._stream.pix_fmt = "yuva420p" if self._transparent else "yuv420p"
        context = self._stream.codec_context
        context.time_base = self._time_base
        context.flags |= 1 << 8  # AV_CODEC_FLAG_FRAME_DURATION: the last frame may be shown for long
        self._pixel_format.mark(context)
        if self._streams is not None:
            self._streams.add_to(self._container)
        self._shape = shape

    def _mux(self, packets: Sequence[Any], last: bool = False) -> None:
        if packets and self._delay is None:
            self._delay = packets[0].pts - packets[0].dts
        if packets and last:
            # The frame that is shown last is often encoded before others, but the last packet ends the video. It keeps
            # its own duration at least: at uneven times the video would end before its last frame is shown.
            end = round(self.seconds / self._time_base)
            packets[-1].duration = max(1, packets[-1].duration or 0, end - packets[-1].dts - self._delay)
        self._container.mux(packets)

    @contextmanager
    def _explained_errors(self) -> Iterator[None]:
        """Name the final file in an error of the disk, and the source of the audio where a copied packet is invalid."""
        try:
            yield
        except OSError as error:
            raise OSError(error.errno, error.strerror or str(error), str(self.path)) from error
        except (av.InvalidDataError, av.ArgumentError) as error:
            if self._streams is None or self._streams.audio == "none":
                raise
            reason = f"its audio is damaged and cannot be copied ({error.strerror})"
            raise SourceError(f"{self._streams.path}: {reason}") from error


def _frame_rate(fps: float | Fraction) -> Fraction:
    rate = fps if isinstance(fps, Fraction) else Fraction(check_positive(fps, "fps")).limit_denominator(1001)
    if not Fraction(1, 1001) <= rate <= 100_000:
        raise ValueError(f"fps is {fps}, but must lie between 0.001 and 100,000")
    return rate


def _encoder_options(encoding: Encoding) -> dict[str, str]:
    options = {"crf": str(encoding.crf)}
    if encoding.codec == "vp9":
        return options | {"b": "0", "deadline": "realtime", "cpu-used": "7", "row-mt": "1"}
    options["threads"] = str(half_of_the_cores())
    if encoding.preset is not None:
        return options | {"preset": encoding.preset}
    # Superfast without a look-ahead spends bits badly. With a short one, a video with a blurred background is as small
    # and as good as with veryfast, and another one an eighth larger, in three fifths of the time.
    return options | {"preset": "superfast", "mbtree": "1", "rc-lookahead": "10"}
