"""How a video codes its colours, and the way from there to RGB and back.

A video keeps brightness and colour apart. Which matrix leads to RGB (BT.601 for old and small pictures, BT.709 for
HD), and whether levels run from 16 to 235 or from 0 to 255, stands in the file or has to be guessed. Whoever guesses
differently on the way back changes every colour of the picture.
"""

from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from seglib.arrays import Frame
from seglib.errors import SourceError

UNTOLD = 2  # for matrix, primaries and transfer; an untold range is 0
HD_ROWS = 720  # where files do not say, players take BT.709 from here on
_LIMITED, _FULL = 1, 2
_HDR = {16: "PQ (HDR10, Dolby Vision)", 18: "HLG"}
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
    """How the colours of a picture are coded: the numbers of ITU-T H.273 as the file tells them.

    rows: the height of the picture, by which an untold matrix is guessed.
    """

    matrix: int
    range: int
    primaries: int
    transfer: int
    rows: int

    @classmethod
    def of(cls, picture: av.VideoFrame) -> "PixelFormat":
        """The coding of a decoded picture. What is RGB already will be coded as BT.709 with levels 16 to 235."""
        if picture.format.is_rgb or picture.format.has_palette or picture.colorspace == 0:
            return cls(1, _LIMITED, 1, 1, picture.height)
        full = picture.format.name.startswith("yuvj")  # an old way to say it
        levels = _FULL if full else int(picture.color_range)
        return cls(
            int(picture.colorspace), levels, int(picture.color_primaries), int(picture.color_trc), picture.height
        )

    @property
    def colorspace(self) -> Colorspace:
        """The matrix to compute with. Raises SourceError for one that cannot be computed."""
        matrix = self.matrix
        if matrix in (UNTOLD, 3):  # 3 is "reserved", which some cameras write
            matrix = 1 if self.rows >= HD_ROWS else 6
        if matrix not in _MATRICES:
            raise SourceError(f"its colours are coded with matrix {self.matrix} of ITU-T H.273, which is not supported")
        return _MATRICES[matrix]

    @property
    def levels(self) -> ColorRange:
        """The range to compute with."""
        return ColorRange.JPEG if self.range == _FULL else ColorRange.MPEG

    @property
    def hdr(self) -> str:
        """The name of its HDR transfer curve, or "" if the picture is an ordinary one."""
        return _HDR.get(self.transfer, "")

    def mark(self, context: Any) -> None:
        """Write the same words into an encoder; what the source left untold stays untold."""
        context.colorspace, context.color_range = self.matrix, self.range
        context.color_primaries, context.color_trc = self.primaries, self.transfer


def to_rgb(picture: av.VideoFrame, converter: VideoReformatter | None = None) -> Frame:
    """A decoded picture as (H, W, 3) uint8 RGB, turned upright as its rotation mark asks.

    converter: one for all pictures of a film keeps its tables, which take as long to make as half a picture. Only one
        thread at a time may use it. None makes a new one.
    """
    if picture.format.is_rgb or picture.format.has_palette or picture.format.name.startswith("gray"):
        rgb = picture.to_ndarray(format="rgb24")
    else:
        coding, converter = PixelFormat.of(picture), converter or VideoReformatter()
        rgb = converter.reformat(
            picture, format="rgb24", src_colorspace=coding.colorspace, src_color_range=coding.levels
        ).to_ndarray()
    return np.ascontiguousarray(np.rot90(rgb, picture.rotation // 90))  # both count counter-clockwise


def from_rgb(frame: Frame, coding: PixelFormat, converter: VideoReformatter | None = None) -> av.VideoFrame:
    """The other way: (H, W, 3) uint8 RGB with even H and W as a yuv420p picture, or RGBA as a yuva420p one."""
    given, wanted = ("rgba", "yuva420p") if frame.shape[2] == 4 else ("rgb24", "yuv420p")
    if frame.strides[0] < 0 or frame.strides[1:] != (frame.shape[2], 1):
        frame = np.ascontiguousarray(frame)
    picture = av.VideoFrame.from_numpy_buffer(frame, format=given)  # without a copy: it is read right below
    converter = converter or VideoReformatter()
    return converter.reformat(picture, format=wanted, dst_colorspace=coding.colorspace, dst_color_range=coding.levels)
