"""How a video is to be shown, by its metadata: the one place where they are applied, for every way in.

Interlacing, colours and HDR, transparency, pixel aspect, rotation and mirroring, and a size that changes on the way.
"""

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import Type
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from seglib._internal.resizing import resize
from seglib.arrays import Frame
from seglib.capture.deinterlace import deinterlaced
from seglib.capture.pixel_format import PixelFormat, to_rgb
from seglib.errors import SourceError

_CRASHING = ("png", "apng")  # PyAV frees the name of their ICC profile twice, if their side data are read
# PyAV does not know all types of side data, such as EXIF, and without this a picture that has one gives none at all.
setattr(Type, "_missing_", classmethod(lambda cls, number: cls.VIDEO_HINT))  # noqa: B010 - mypy takes no assignment

_WIDEST_PIXEL = 10  # a pixel aspect beyond this is a damaged header


@dataclass(frozen=True)
class DecodedFrame:
    """A frame as it is to be shown, and what a copy of the video needs to know.

    Parameters
    ----------
    frame
        (H, W, 3) uint8, RGB: upright, with square pixels, of one size in the whole video.
    pts
        When it is shown, in ticks of the stream's ``time_base``; None if the file does not say.
    duration
        For how long, in the same ticks; 0 if the file does not say.
    pixel_format
        How a copy of it is to be coded.
    """

    frame: Frame
    pts: int | None
    duration: int
    pixel_format: PixelFormat


class Presentation:
    """Turn the decoded pictures of one video into frames as they are to be shown.

    Parameters
    ----------
    path
        Of the file, for messages.
    stream
        Of the video that is decoded; it knows the pixel aspect, which may change on the way.

    Warns
    -----
    UserWarning
        Once for each: HDR that is tone-mapped, transparency that is laid over white, a size that changes, an angle that
        is no multiple of 90°.
    """

    def __init__(self, path: Path, stream: av.VideoStream) -> None:
        self._path, self._stream = path, stream
        self._pixel_aspect = _plausible(stream.sample_aspect_ratio)
        self._coded_aspect: Fraction | None = None  # in the pictures; the container's counts more while it stays
        self._converter = VideoReformatter()
        self._size: tuple[int, int] | None = None
        self._matrix: NDArray[np.int32] | None = None  # of the first picture, and so of the video
        self._told: set[str] = set()

    def frames(self, pictures: Iterable[av.VideoFrame]) -> Iterator[DecodedFrame]:
        """Yield a frame for each picture. Raises SourceError for colours that cannot be converted."""
        for number, (picture, decoded) in enumerate(deinterlaced(pictures)):
            if number == 0:
                is_png = self._stream.codec_context.name in _CRASHING
                self._matrix = rotation_matrix(decoded.rotation) if is_png else display_matrix(decoded)
            coding = PixelFormat.of(picture)
            if coding.hdr:
                self._tell("HDR", f"is an HDR video, {coding.hdr}; its colours are tone-mapped to BT.709")
            frame = self._over_white(self._to_rgb(picture))
            frame = square_pixels(frame, self._current_aspect(number))
            frame = self._upright(frame)
            frame = self._to_first_size(frame, number)
            pts = decoded.pts if decoded.pts is not None else decoded.dts  # AVI has only the second
            yield DecodedFrame(frame, pts, decoded.duration or 0, coding.for_copy(len(frame)))

    def _to_rgb(self, picture: av.VideoFrame) -> NDArray[np.uint8]:
        try:
            return to_rgb(picture, self._converter)
        except SourceError as error:
            raise SourceError(f"{self._path}: {error}") from None

    def _current_aspect(self, number: int) -> Fraction:
        """The pixel aspect: television changes it between programmes, and the size of a picture stays."""
        coded = self._stream.codec_context.sample_aspect_ratio
        if number == 0:
            self._coded_aspect = coded
        elif coded and coded != self._coded_aspect:
            self._coded_aspect, self._pixel_aspect = coded, _plausible(coded)
        return self._pixel_aspect

    def _over_white(self, rgba: NDArray[np.uint8]) -> Frame:
        if rgba.shape[2] == 3:
            return rgba
        rgb, alpha = rgba[..., :3], rgba[..., 3:].astype(np.uint16)
        if alpha.min() == 255:
            return np.ascontiguousarray(rgb)
        self._tell("alpha", "has transparent parts; they are laid over white")
        return ((rgb * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)

    def _upright(self, frame: Frame) -> Frame:
        matrix = self._matrix
        if matrix is None:
            return frame
        if np.abs(matrix).min() > 0.02 * np.abs(matrix).max():
            self._tell("angle", "is to be rotated by an angle that is no multiple of 90°; the nearest one is used")
        return orient(frame, matrix)

    def _to_first_size(self, frame: Frame, number: int) -> Frame:
        height, width = frame.shape[:2]
        self._size = self._size or (width, height)
        if (width, height) == self._size:
            return frame
        first = f"{self._size[0]} × {self._size[1]}"
        self._tell("size", f"changes its size at frame {number}, from {first} to {width} × {height}; the first is kept")
        return letterbox(frame, self._size)

    def _tell(self, what: str, message: str) -> None:
        if what not in self._told:
            self._told.add(what)
            warnings.warn(f"{self._path} {message}", stacklevel=2)


def display_matrix(picture: av.VideoFrame) -> NDArray[np.int32] | None:
    """The linear part [[a, b], [c, d]] of a picture's display matrix, or None if it has none.

    The pixel at (x, y) is to be shown at (a·x + c·y, b·x + d·y), up to a shift. Reading it makes PyAV keep the picture
    until the garbage collector runs, so it is not read for each.
    """
    data: Any = picture.side_data.get("DISPLAYMATRIX")
    return None if data is None else np.frombuffer(bytes(data), np.int32).reshape(3, 3)[:2, :2]


def rotation_matrix(degrees: int) -> NDArray[np.int32]:
    """The linear part of the display matrix that turns by an angle, counterclockwise."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.rint(65536 * np.array([[cos, -sin], [sin, cos]])).astype(np.int32)


def orient(frame: Frame, matrix: NDArray[np.int32]) -> Frame:
    """Rotate by a multiple of 90° and mirror as the display matrix [[a, b], [c, d]] asks: all eight orientations."""
    (a, b), (c, d) = matrix.tolist()
    if abs(b) + abs(c) > abs(a) + abs(d):  # x and y change places
        frame, a, d = frame.transpose(1, 0, 2), c, b
    return np.ascontiguousarray(frame[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1])


def square_pixels(frame: Frame, pixel_aspect: Fraction) -> Frame:
    """Resize the width so that pixels are square; to an even number, as H.264 needs it."""
    if pixel_aspect == 1:
        return frame
    height, width = frame.shape[:2]
    return resize(frame, (max(2, 2 * round(width * pixel_aspect / 2)), height))


def letterbox(frame: Frame, size: tuple[int, int]) -> Frame:
    """Scale to (width, height), with black bars where the proportions differ."""
    height, width = frame.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    inner = max(1, round(scale * width)), max(1, round(scale * height))
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    output = np.zeros((size[1], size[0], 3), np.uint8)
    output[top : top + inner[1], left : left + inner[0]] = resize(frame, inner)
    return output


def _plausible(pixel_aspect: Fraction | None) -> Fraction:
    aspect = pixel_aspect or Fraction(1)
    return aspect if 1 / _WIDEST_PIXEL <= aspect <= _WIDEST_PIXEL else Fraction(1)
