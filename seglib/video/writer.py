"""Frames to a video file that plays everywhere: H.264 in MP4, through PyAV (FFmpeg)."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from seglib.arrays import Frame, check_frame, check_positive

_TICKS = 90_000  # a second, where frames bring their own times: a multiple of all usual frame rates


class VideoWriter:
    """Write frames to an MP4 file that browsers and phones play.

        with VideoWriter("out/blurred.mp4", fps=30) as video:
            video.write(frame)

    path: where to; its folder is made if need be, and a file of that name is replaced.
    fps: frames per second, > 0; 29.97 stays 29.97. crf: x264's quality, 0 to 51, lower is better and larger.
    preset: x264's word for how long it may think, such as "veryfast" for live pictures; slower makes smaller files.
    Raises OSError at once if the path cannot be written.

    The file gets its name at the end of the ``with`` block. After an exception, or without a frame, there is
    nothing: never a broken file. An odd width or height loses its last pixel, since H.264's colour needs pairs.
    """

    _closed = True  # until there is something to close

    def __init__(self, path: str | Path, fps: float, crf: int = 20, preset: str = "medium") -> None:
        self.path = Path(path)
        self._rate = Fraction(check_positive(fps, "fps")).limit_denominator(1001)
        if not 0 <= crf <= 51:
            raise ValueError(f"crf is {crf}, but must lie in 0 to 51")
        if self.path.is_dir():
            raise IsADirectoryError(f"{self.path} is a folder, not a file")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # In the same folder, so that the last step is a rename; not shared with another process.
        self._part = self.path.with_name(f".{self.path.stem}.{uuid.uuid4().hex}.part.mp4")
        self._part.touch()  # a folder that cannot be written is told now, not after the first frames
        self._container = av.open(str(self._part), "w", format="mp4", options={"movflags": "+faststart"})
        self._closed = False
        self._stream = self._container.add_stream(
            "libx264", rate=self._rate, options={"crf": str(crf), "preset": preset}
        )
        self._shape: tuple[int, ...] | None = None
        self._count, self._last = 0, -1

    def write(self, frame: Frame, seconds: float | None = None) -> None:
        """Append a frame, (H, W, 3) uint8 RGB. Raises ValueError if its size differs from the first one's.

        seconds: when it is shown, counted from the film's start and later than the frame before; None means one
        frame after another at ``fps``. Say it for all frames of a film or for none.
        """
        check_frame(frame)
        if self._closed:
            raise ValueError(f"{self.path} is finished; nothing can be added to it")
        if self._shape is None:
            self._start(frame.shape, timed=seconds is not None)
        if frame.shape != self._shape:
            raise ValueError(f"frame {self._count} is {frame.shape} but the video is {self._shape}; resize it")
        even = np.ascontiguousarray(frame[: frame.shape[0] // 2 * 2, : frame.shape[1] // 2 * 2])
        picture = av.VideoFrame.from_ndarray(even, format="rgb24")
        picture = picture.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)
        if seconds is None:
            picture.pts, picture.time_base = self._count, 1 / self._rate
        else:
            self._last = max(self._last + 1, round(seconds * _TICKS))
            picture.pts, picture.time_base = self._last, Fraction(1, _TICKS)
        with told_as(self.path):
            self._container.mux(self._stream.encode(picture))
        self._count += 1

    def close(self) -> None:
        """Finish the file and give it its name; without a frame, leave nothing. A second call does nothing."""
        if self._closed:
            return
        if self._count == 0:
            return self.discard()
        with told_as(self.path):
            self._container.mux(self._stream.encode())  # what the encoder still holds
            self._container.close()
        os.replace(self._part, self.path)
        self._closed = True

    def discard(self) -> None:
        """Stop and leave no file behind; an older file of that name stays as it was. After close, do nothing."""
        if self._closed:
            return
        self._closed = True
        with suppress(av.FFmpegError):  # on a full disk closing fails, too
            self._container.close()
        self._part.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            return self.discard()
        try:
            self.close()
        except BaseException:  # a full disk, Ctrl-C
            self.discard()
            raise

    def __del__(self) -> None:
        self.discard()

    def _start(self, shape: tuple[int, ...], timed: bool) -> None:
        if min(shape[:2]) < 2:
            raise ValueError(f"frame is {shape}, but a video needs at least 2 × 2 pixels")
        self._shape = shape
        self._stream.height, self._stream.width = shape[0] // 2 * 2, shape[1] // 2 * 2
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        if timed:
            context.time_base = Fraction(1, _TICKS)
        # Say how the colours were coded (BT.709, 16 to 235), or every player guesses for itself.
        context.color_primaries = context.color_trc = context.colorspace = 1
        context.color_range = 1


@contextmanager
def told_as(path: Path) -> Iterator[None]:
    """Tell a full disk with the name that a file will have, not with that of its hidden part, which is gone by then."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
