"""How a video codes its colours, and the conversion from there to RGB and back.

A video stores brightness and colour apart (YUV). Which matrix leads to RGB (BT.601 for old and small pictures, BT.709
for HD), and whether levels run from 16 to 235 or from 0 to 255, is written in the file or has to be guessed. A copy
that is coded by another guess has other colours everywhere.
"""

from dataclasses import dataclass, replace
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

from seglib._internal import tone_mapping
from seglib._internal.gamut import TO_BT709, to_bt709
from seglib.arrays import Frame
from seglib.errors import SourceError

UNSPECIFIED = 2  # of matrix, primaries and transfer; an unspecified range is 0
_HD_ROWS = 720  # where files do not say, players take BT.709 from here on
_LIMITED, _FULL = 1, 2
# The matrices that can be computed, by their number in ITU-T H.273.
_MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
}


@dataclass(frozen=True)
class PixelFormat:
    """How the colours of a picture are coded: the numbers of ITU-T H.273, as the file gives them.

    Parameters
    ----------
    matrix, range, primaries, transfer
        FFmpeg's ``colorspace``, ``color_range``, ``color_primaries`` and ``color_trc``.
    rows
        Height of the picture, by which an unspecified matrix is guessed.
    """

    matrix: int
    range: int
    primaries: int
    transfer: int
    rows: int

    @classmethod
    def of(cls, picture: av.VideoFrame) -> "PixelFormat":
        """The coding of a decoded picture. A copy of an RGB picture is to be BT.709 with levels 16 to 235."""
        primaries, transfer = int(picture.color_primaries), int(picture.color_trc)
        if picture.format.is_rgb or picture.format.has_palette or picture.colorspace == 0:
            is_ordinary = primaries not in TO_BT709 and transfer not in tone_mapping.NAMES
            return cls(1, _LIMITED, *((1, 1) if is_ordinary else (primaries, transfer)), picture.height)
        full = picture.format.name.startswith("yuvj")  # deprecated, and still written
        levels = _FULL if full else int(picture.color_range)
        return cls(int(picture.colorspace), levels, primaries, transfer, picture.height)

    @property
    def colorspace(self) -> Colorspace:
        """The matrix to compute with. Raises SourceError for one that cannot be computed."""
        matrix = self.matrix
        if matrix in (UNSPECIFIED, 3):  # 3 is "reserved", which some cameras write
            matrix = 1 if self.rows >= _HD_ROWS else 6
        if matrix not in _MATRICES:
            raise SourceError(f"its colours are coded with matrix {self.matrix} of ITU-T H.273, which is not supported")
        return _MATRICES[matrix]

    @property
    def levels(self) -> ColorRange:
        """The range to compute with."""
        return ColorRange.JPEG if self.range == _FULL else ColorRange.MPEG

    @property
    def hdr(self) -> str:
        """The name of its HDR transfer, or "" if the picture is an ordinary one."""
        return tone_mapping.NAMES.get(self.transfer, "")

    def for_copy(self, rows: int) -> "PixelFormat":
        """The coding for a copy of ``rows`` rows, in which HDR and a wide gamut have become BT.709.

        An unspecified matrix is specified where a player would guess another one, since a turned copy has more rows.
        """
        if self.hdr or self.primaries in TO_BT709:
            return PixelFormat(1, _LIMITED, 1, 1, rows)
        is_hd = self.rows >= _HD_ROWS
        if self.matrix == UNSPECIFIED and is_hd != (rows >= _HD_ROWS):
            return replace(self, matrix=1 if is_hd else 6, rows=rows)
        return replace(self, rows=rows)

    def mark(self, context: Any) -> None:
        """Write the same numbers into an encoder's context; what is unspecified stays so."""
        context.colorspace, context.color_range = self.matrix, self.range
        context.color_primaries, context.color_trc = self.primaries, self.transfer


def to_rgb(picture: av.VideoFrame, converter: VideoReformatter | None = None) -> NDArray[np.uint8]:
    """Convert a decoded picture to RGB.

    Parameters
    ----------
    picture
        In any pixel format. HDR is tone-mapped, a wide gamut is converted to BT.709.
    converter
        One for all pictures of a video keeps its tables, which take as long to make as half a picture. Only one thread
        at a time may use it.

    Returns
    -------
    ndarray
        (H, W, 3) uint8; or (H, W, 4), RGBA with straight alpha, of a pixel format with alpha.

    Raises
    ------
    SourceError
        If the colours are coded with a matrix that is not supported.
    """
    coding, kind = PixelFormat.of(picture), picture.format
    has_alpha = kind.has_palette or any(component.is_alpha for component in kind.components)
    wanted = ("rgba64le" if has_alpha else "rgb48le") if coding.hdr else "rgba" if has_alpha else "rgb24"
    rgb: Any
    if kind.is_rgb or kind.has_palette or kind.name.startswith("gray"):
        rgb = picture.to_ndarray(format=wanted)
    else:
        converter = converter or VideoReformatter()
        rgb = converter.reformat(
            picture, format=wanted, src_colorspace=coding.colorspace, src_color_range=coding.levels
        ).to_ndarray()
    return _as_bt709(rgb, coding)


def _as_bt709(rgb: NDArray[Any], coding: PixelFormat) -> NDArray[np.uint8]:
    """Tone-map HDR, and convert a wide gamut; alpha stays."""
    if coding.hdr:
        converted = tone_mapping.tone_map(rgb[..., :3], coding.transfer, coding.primaries)
    elif coding.primaries in TO_BT709:
        converted = to_bt709(rgb[..., :3], coding.primaries, coding.transfer)
    else:
        return rgb
    alpha = (rgb[..., 3:] >> 8 * (rgb.itemsize - 1)).astype(np.uint8)
    return np.concatenate([converted, alpha], axis=2) if alpha.size else converted


def from_rgb(frame: Frame, coding: PixelFormat, converter: VideoReformatter | None = None) -> av.VideoFrame:
    """Convert (H, W, 3) uint8 RGB with even H and W to a yuv420p picture, or RGBA to a yuva420p one."""
    given, wanted = ("rgba", "yuva420p") if frame.shape[2] == 4 else ("rgb24", "yuv420p")
    if frame.strides[0] < 0 or frame.strides[1:] != (frame.shape[2], 1):
        frame = np.ascontiguousarray(frame)
    picture = av.VideoFrame.from_numpy_buffer(frame, format=given)  # no copy: it is read below, at once
    converter = converter or VideoReformatter()
    return converter.reformat(picture, format=wanted, dst_colorspace=coding.colorspace, dst_color_range=coding.levels)
