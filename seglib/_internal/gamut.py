"""Colours of a gamut that is wider than that of ordinary screens, as BT.709, whose primaries are sRGB's, too."""

from functools import lru_cache
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from seglib._internal.row_blocks import row_blocks
from seglib.arrays import Frame

BT2020, DCI_P3, DISPLAY_P3, ADOBE_RGB = 9, 11, 12, -1  # primaries of ITU-T H.273, which has no number for the last
SRGB, GAMMA_22 = 13, 4  # transfer characteristics of ITU-T H.273
Curve: TypeAlias = Literal["srgb", "bt1886"]  # of the display
_CODES = 1 << 16  # of linear light: with 12 bits the darkest shades would be lost
# Linear light of these primaries to that of BT.709: from the chromaticities in ITU-R BT.2087 and the standards' own.
TO_BT709 = {
    BT2020: np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32),
    DISPLAY_P3: np.array([[1.2249, -0.2247, 0], [-0.0420, 1.0419, 0], [-0.0196, -0.0786, 1.0979]], np.float32),
    ADOBE_RGB: np.array([[1.3984, -0.3984, 0], [0, 1, 0], [0, -0.0429, 1.0429]], np.float32),
}
TO_BT709[DCI_P3] = TO_BT709[DISPLAY_P3]  # they differ in the white point only, and white is to stay white


def to_bt709(rgb: NDArray[np.uint8], primaries: int, transfer: int) -> Frame:
    """Convert to the BT.709 gamut; what lies outside of it is clipped.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8, full range.
    primaries
        One of TO_BT709.
    transfer
        SRGB and GAMMA_22 give sRGB, everything else the gamma of video displays (BT.1886).

    Returns
    -------
    Frame
        (H, W, 3) uint8.
    """
    import cv2  # imported here: images.py takes this module along, and most pictures need no OpenCV

    output = np.empty(rgb.shape, np.uint8)
    linear = _linear(transfer)
    curve: Curve = "srgb" if transfer in (SRGB, GAMMA_22) else "bt1886"
    for rows in row_blocks(len(rgb)):
        encode_light(cv2.transform(cv2.LUT(rgb[rows], linear), TO_BT709[primaries]), curve, output[rows])
    return output


def encode_light(light: NDArray[Any], curve: Curve, output: Frame) -> None:
    """Write linear light in [0, 1] as codes into ``output``; ``light`` is overwritten."""
    np.clip(light, 0, 1, out=light)
    light *= _CODES - 1
    light += 0.5
    _codes(curve).take(light.astype(np.uint16), out=output, mode="clip")  # the default mode would buffer


@lru_cache(maxsize=2)
def _codes(curve: Curve) -> NDArray[np.uint8]:
    """The code, 0 to 255, of each linear value."""
    light = np.linspace(0, 1, _CODES)
    if curve == "bt1886":
        return np.rint(255 * light ** (1 / 2.4)).astype(np.uint8)
    return np.rint(255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)).astype(
        np.uint8
    )


@lru_cache(maxsize=3)
def _linear(transfer: int) -> NDArray[np.float32]:
    coded = np.linspace(0, 1, 256)
    if transfer == SRGB:
        light = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    else:
        light = coded ** (2.2 if transfer == GAMMA_22 else 2.4)
    return light.astype(np.float32)
