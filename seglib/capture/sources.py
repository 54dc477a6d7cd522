"""Sources of frames: a camera, a video file, a picture, the recorded clip. All give RGB frames.

Every source is an iterator of frames and a context manager. It closes its camera or file at the end of the ``with``
block, at the end of its frames, and after any error. BGR, OpenCV's order of the color channels, stays inside this
module. Taught in 01_capture.ipynb.
"""

import os
from pathlib import Path

import cv2
import numpy as np

from seglib.arrays import Frame
from seglib.capture.base import Source
from seglib.capture.camera import SIZE, on_a_hub, start_camera
from seglib.capture.presentation import DecodedFrame, Presentation
from seglib.capture.video_decoder import VideoDecoder
from seglib.errors import CameraUnavailable
from seglib.images import existing_file, is_image, needs_pillow, read_animation, read_image
from seglib.samples import sample_clip

# By the number of channels: infrared cameras give grey, some drivers YUV as the sensor has it.
_TO_RGB = {1: cv2.COLOR_GRAY2RGB, 2: cv2.COLOR_YUV2RGB_YUY2, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGB}


def open_source(source: int | str | Path = "auto", *, camera_size: tuple[int, int] | None = SIZE) -> Source:
    """Open a source of frames, to be used in a ``with`` block.

    Parameters
    ----------
    source
        "clip" for the recorded clip; 0, 1, … for a camera; the path of a video or picture file, whose content decides
        which; "browser" for the camera of the browser that shows the notebook, which is to be read from a thread; or
        "auto": camera 0 if there is one, else the clip, and it prints which.
    camera_size
        (width, height) to ask a camera for, which gives the nearest that it has; None for its driver's default.

    Returns
    -------
    Source
        An iterator of (H, W, 3) uint8 RGB frames, upright, with square pixels, of one size.

    Raises
    ------
    CameraUnavailable
        Within 2 seconds (5 on Windows) if there is no camera. The browser camera raises it while it is read: refused,
        missing, busy, or nobody presses its button.
    SourceError
        For a file that is missing, empty, damaged or neither video nor picture.
    ValueError
        For a camera number below 0, or a camera size that is none.

    Notes
    -----
    If the environment variable SEGLIB_SOURCE is set, it replaces "auto" and every camera. Taught in 01_capture.ipynb.

    ``Live(lambda: seglib.open_source(0, camera_size=(640, 480)))`` shows a camera at a size of your own.

    Examples
    --------
    >>> with seglib.open_source("clip") as frames:
    ...     print(next(frames).shape)
    (480, 640, 3)
    """
    if source in ("auto", "browser") or _is_camera_number(source):
        source = _from_environment(source)
    if source == "auto":
        return _camera_or_clip(camera_size)
    if _is_camera_number(source):
        return CameraSource(int(str(source)), camera_size)
    if source == "browser":
        from seglib.capture.browser_camera import BrowserSource  # widgets, which only this source needs

        return BrowserSource()
    if source == "clip":
        return VideoSource(sample_clip())
    if not isinstance(source, str | Path):
        raise TypeError(f"source is {source!r}, but must be a camera number, a path, 'clip', 'browser' or 'auto'")
    path = existing_file(source)
    if needs_pillow(path):
        return AnimationSource(path)
    return ImageSource(path) if is_image(path) else VideoSource(path)


class CameraSource(Source):
    """A camera of the machine that runs Python, through OpenCV. It never ends by itself.

    Parameters
    ----------
    number
        Of the camera, from 0.
    size
        (width, height) to ask for, or None.

    Raises
    ------
    CameraUnavailable
        If it cannot be opened, or, while it is read, gives no more frames.
    """

    def __init__(self, number: int, size: tuple[int, int] | None = SIZE) -> None:
        self.name = f"camera {number}"
        self._camera, self._first = start_camera(number, size)
        self.fps = float(self._camera.get(cv2.CAP_PROP_FPS))

    def read(self) -> Frame:
        """The next frame."""
        # start_camera has read the first frame, to see whether the camera works.
        ok, bgr = (True, self._first) if self._first is not None else self._camera.read()
        self._first = None
        if not ok or bgr is None:
            raise CameraUnavailable(f"{self.name} stopped giving frames; is it still plugged in?")
        channels = 1 if bgr.ndim == 2 else bgr.shape[2]
        return np.asarray(cv2.cvtColor(bgr, _TO_RGB[channels]), np.uint8)

    def release(self) -> None:
        """Close the camera."""
        if hasattr(self, "_camera"):
            self._camera.release()


class VideoSource(Source):
    """A video file, through PyAV (FFmpeg). Frames come as the file's metadata ask, see :class:`Presentation`.

    Parameters
    ----------
    path
        The file.

    Attributes
    ----------
    name : str
        The file's name.
    fps : float
        Mean frame rate, 0 if unknown.
    stream : av.VideoStream
        What FFmpeg says of the video stream.
    skip_black : bool
        Whether ``read`` leaves out frames that are all black; False at first.

    Raises
    ------
    SourceError
        For a file that is no video; while it is read, for one that is damaged or truncated.
    """

    skip_black = False

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._decoder = VideoDecoder(path)
        self.stream = self._decoder.stream
        self.fps = self._decoder.fps
        presentation = Presentation(path, self.stream)
        self._frames = presentation.frames(self._decoder.pictures())

    def read(self) -> Frame | None:
        """The next frame, or None at the end."""
        decoded = self.read_decoded()
        while self.skip_black and decoded is not None and not decoded.frame.any():
            decoded = self.read_decoded()
        return None if decoded is None else decoded.frame

    def read_decoded(self) -> DecodedFrame | None:
        """The next frame with its time and its pixel format, or None at the end."""
        return next(self._frames, None)

    def release(self) -> None:
        """Close the file."""
        if hasattr(self, "_decoder"):
            self._decoder.close()


class ImageSource(Source):
    """A picture file as a source of one frame; see :func:`read_image` for its errors."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._frame: Frame | None = read_image(path)

    def read(self) -> Frame | None:
        """The frame, then None."""
        frame, self._frame = self._frame, None
        return frame


class AnimationSource(Source):
    """An animated picture that FFmpeg does not decode, or not as it is to be shown, through Pillow."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._frames = read_animation(path)
        first, duration = next(self._frames)
        self._first: Frame | None = first
        self.fps = 1 / duration if duration else 0.0

    def read(self) -> Frame | None:
        """The next frame, or None at the end."""
        frame, self._first = self._first, None
        return next((frame for frame, _ in self._frames), None) if frame is None else frame

    def release(self) -> None:
        """Close the file."""
        if hasattr(self, "_frames"):
            self._frames.close()


def _is_camera_number(source: object) -> bool:
    return isinstance(source, int | np.integer) and not isinstance(source, bool)


def _from_environment(source: int | str | Path) -> int | str | Path:
    chosen = os.environ.get("SEGLIB_SOURCE", "")
    if not chosen:
        return source
    return int(chosen) if chosen.isdecimal() else chosen


def _camera_or_clip(size: tuple[int, int] | None) -> Source:
    try:
        camera = CameraSource(0, size)
    except CameraUnavailable as error:
        other = " Your browser's camera: open_source('browser')." if on_a_hub() else ""
        print(f"Playing the recorded clip, since {str(error).splitlines()[0]}{other}")
        return VideoSource(sample_clip())
    print("Using camera 0.")
    return camera
