"""Where frames come from: a camera, a video file, a picture or the recorded clip. Out come RGB frames.

    with open_source("clip") as frames:
        for frame in frames:
            ...

Every source is an iterator of frames and a context manager, and lets go of its camera or file at the end of the
``with`` block, at the end of its frames, and when anything goes wrong. BGR, OpenCV's order of the colour
channels, does not leave this module. Taught in 01_capture.ipynb.
"""

import os
import re
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

from seglib.arrays import Frame
from seglib.capture.base import Source
from seglib.capture.camera import on_a_hub, start_camera
from seglib.capture.container import declared_size
from seglib.capture.pixel_format import UNTOLD, to_rgb
from seglib.errors import CameraUnavailable, SourceError
from seglib.images import existing_file, is_image, read_image
from seglib.samples import sample_clip

_TEXT = ("tty", "bin", "xbin", "adf", "idf")  # FFmpeg plays text files as old terminals showed them


def open_source(source: int | str | Path = "auto") -> Source:
    """Open a source of frames.

    source: "clip" for the recorded clip; 0, 1, … for a camera; the path of a video or picture file (its content
        decides which); "browser" for the camera of the browser that shows the notebook, which is for a kernel on
        another machine and is read from a thread, see browser_camera.py; or "auto": camera 0 if there is one, else
        the clip, and it prints which.
    If the environment variable SEGLIB_SOURCE is set, it stands in for "auto" and for every camera.
    Returns an iterator of (H, W, 3) uint8 RGB frames, to be used in a ``with`` block.
    Raises CameraUnavailable within 2 seconds (5 on Windows) if there is no camera, SourceError for a file that is
    missing, empty, damaged or neither video nor picture, ValueError for a camera number below 0. The browser camera
    raises CameraUnavailable while it is read: refused, missing, busy, or nobody presses its button.
    """
    if source in ("auto", "browser") or _is_camera_number(source):
        source = _from_environment(source)
    if source == "auto":
        return _camera_or_clip()
    if _is_camera_number(source):
        return CameraSource(int(str(source)))
    if source == "browser":
        from seglib.capture.browser_camera import BrowserSource  # widgets, which only this source needs

        return BrowserSource()
    if source == "clip":
        return VideoSource(sample_clip())
    if not isinstance(source, str | Path):
        raise TypeError(f"source is {source!r}, but must be a camera number, a path, 'clip', 'browser' or 'auto'")
    path = existing_file(source)
    return ImageSource(path) if is_image(path) else VideoSource(path)


class CameraSource(Source):
    """A camera of the machine that runs Python, through OpenCV. It never ends by itself."""

    def __init__(self, number: int) -> None:
        self.name = f"camera {number}"
        self._camera, self._first = start_camera(number)
        self.fps = float(self._camera.get(cv2.CAP_PROP_FPS))

    def read(self) -> Frame:
        # The first frame was read to see whether the camera works; it is not lost.
        ok, bgr = (True, self._first) if self._first is not None else self._camera.read()
        self._first = None
        if not ok or bgr is None:
            raise CameraUnavailable(f"{self.name} stopped giving frames; is it still plugged in?")
        return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)

    def release(self) -> None:
        if hasattr(self, "_camera"):
            self._camera.release()


class VideoSource(Source):
    """A video file, through PyAV (FFmpeg). Frames come upright, as the file's rotation mark asks."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._path = path
        try:
            self._container = av.open(str(path), metadata_errors="replace")  # an old title may be in any encoding
        except (av.FFmpegError, ValueError) as error:
            raise SourceError(
                f"{path} is neither a picture nor a video that FFmpeg can open ({_reason(error)})"
            ) from error
        if self._container.format.name in _TEXT:
            self.close()
            raise SourceError(f"{path} is neither a picture nor a video, but text, which FFmpeg would draw")
        self.stream = stream = self._video_stream()
        self.fps = float(stream.average_rate or 0)
        self._promised = _promised_seconds(self._container, stream)
        self._count, self._seconds = 0, 0.0  # frames read, and the time at which the last of them ends
        self._bytes = path.stat().st_size, declared_size(path)
        self._colours = _told_colours(stream)
        self._pictures = self._container.decode(stream)
        self._converter = VideoReformatter()

    def read(self) -> Frame | None:
        picture = self.read_image()
        return None if picture is None else to_rgb(picture, self._converter)

    def read_image(self) -> av.VideoFrame | None:
        """The next picture as it was decoded, with its time and its colours as coded, or None at the end."""
        try:
            picture = next(self._pictures)
        except StopIteration:
            self._check_end()
            return None
        except av.FFmpegError as error:
            raise SourceError(f"{self._path} is damaged after {self._count} frames ({_reason(error)})") from error
        for name, number in self._colours.items():
            setattr(picture, name, number)
        self._count += 1
        self._seconds = (picture.time or 0.0) + _seconds_shown(picture, self.fps)
        return picture

    def release(self) -> None:
        if hasattr(self, "_container"):
            self._container.close()

    def _video_stream(self) -> av.VideoStream:
        """The first stream of moving pictures; the cover of a song is a still one."""
        fault = "holds no video stream"
        for stream in self._container.streams.video:
            if stream.codec_context is None:
                fault = "holds a video in a codec that FFmpeg does not know; have the program that made it export H.264"
            elif not stream.disposition & av.stream.Disposition.attached_pic:
                return stream
        self.close()
        raise SourceError(f"{self._path} {fault}")

    def _check_end(self) -> None:
        """Some formats just stop where a download broke off, so compare with what the header promised."""
        if self._count == 0:
            raise SourceError(f"{self._path} holds no frame that can be decoded")
        there, promised = self._bytes
        if there < promised:
            raise SourceError(
                f"{self._path} breaks off after {self._count} frames: it is truncated, {there} bytes of {promised}"
            )
        if self._seconds < 0.99 * self._promised - 0.1 and not (promised and self._is_read_through()):
            raise SourceError(
                f"{self._path} breaks off after {self._count} frames: its header promises {self._promised:.1f} s, "
                f"the pictures end at {self._seconds:.1f} s; the file is truncated, or its header is wrong"
            )

    def _is_read_through(self) -> bool:
        """Whether all bytes of a whole file could be read. Then nothing is missing, and its header lies about time."""
        with av.open(str(self._path)) as container:
            return sum(packet.size for packet in container.demux()) > 0.9 * self._bytes[0]


class ImageSource(Source):
    """A picture file as a source of one frame."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._frame: Frame | None = read_image(path)

    def read(self) -> Frame | None:
        frame, self._frame = self._frame, None
        return frame


def _is_camera_number(source: object) -> bool:
    return isinstance(source, int | np.integer) and not isinstance(source, bool)


def _from_environment(source: int | str | Path) -> int | str | Path:
    chosen = os.environ.get("SEGLIB_SOURCE", "")
    if not chosen:
        return source
    return int(chosen) if chosen.isdecimal() else chosen


def _camera_or_clip() -> Source:
    try:
        camera = CameraSource(0)
    except CameraUnavailable as error:
        other = " Your browser's camera: open_source('browser')." if on_a_hub() else ""
        print(f"Playing the recorded clip, since {str(error).splitlines()[0]}{other}")
        return VideoSource(sample_clip())
    print("Using camera 0.")
    return camera


def _promised_seconds(container: "av.container.InputContainer", stream: av.VideoStream) -> float:
    """When the header says that the pictures end, in seconds; 0 if it does not say."""
    start = float((stream.start_time or 0) * (stream.time_base or 0))
    if stream.duration and stream.time_base:
        return max(0.0, start + float(stream.duration * stream.time_base))
    tag = re.fullmatch(r"(\d+):(\d+):([\d.]+)", stream.metadata.get("DURATION", ""))  # Matroska's
    if tag:
        return 3600 * int(tag[1]) + 60 * int(tag[2]) + float(tag[3])
    # Only the whole file has a length, and its sound may well go on after its pictures.
    others = len(container.streams) > 1
    return 0.0 if others or not container.duration else max(0.0, container.duration / av.time_base)


def _told_colours(stream: av.VideoStream) -> dict[str, int]:
    """What the file says of its colours, where that counts more than what FFmpeg's decoder says.

    VP8 has no word for them and the decoder takes BT.601; what browsers record is BT.709, and the file tells so.
    """
    if stream.codec_context.name != "vp8" or stream.codec_context.colorspace == UNTOLD:
        return {}
    names = ("colorspace", "color_range", "color_primaries", "color_trc")
    return {name: int(getattr(stream.codec_context, name)) for name in names}


def _seconds_shown(picture: av.VideoFrame, fps: float) -> float:
    """How long a picture stands; the last one of a screen recording may stand for long."""
    if picture.duration and picture.time_base:
        return float(picture.duration * picture.time_base)
    return 1 / fps if fps else 0.0


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
