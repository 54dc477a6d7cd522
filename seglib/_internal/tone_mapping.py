"""Tone mapping: HDR pictures (PQ, HLG) as ordinary ones, BT.709 with white at 100 cd/m².

The same steps and figures as FFmpeg's usual recipe, ``zscale=t=linear:npl=100,tonemap=hable,zscale=p=bt709:t=bt709``.
FFmpeg as it comes with PyAV has no zscale.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglib._internal.gamut import BT2020, TO_BT709, encode_light
from seglib._internal.row_blocks import row_blocks
from seglib.arrays import Frame

PQ, HLG = 16, 18  # transfer characteristics of ITU-T H.273
NAMES = {PQ: "PQ (HDR10, Dolby Vision)", HLG: "HLG"}

_BITS = 12  # of the lookup tables
_PEAK = 10.0  # the brightest that is told apart, in units of 100 cd/m²
_SATURATED = 2.0  # brighter colours lose saturation
_LUMA = np.array([[0.2627, 0.6780, 0.0593]], np.float32)  # BT.2020


def tone_map(rgb: NDArray[np.uint16], transfer: int, primaries: int = BT2020) -> Frame:
    """Map an HDR picture to an ordinary one.

    Parameters
    ----------
    rgb
        (H, W, 3) uint16, full range, coded with ``transfer``.
    transfer
        PQ or HLG.
    primaries
        As in ITU-T H.273; those that are not wider than BT.709's are taken as BT.2020, to which HDR belongs.

    Returns
    -------
    Frame
        (H, W, 3) uint8.
    """
    import cv2  # imported here: images.py takes this module along, and most pictures need no OpenCV

    output = np.empty(rgb.shape, np.uint8)
    linear, matrix = _linear(transfer), TO_BT709.get(primaries, TO_BT709[BT2020])
    for rows in row_blocks(len(rgb)):
        light = _compressed(linear.take(rgb[rows] >> (16 - _BITS)))
        encode_light(cv2.transform(light, matrix), "bt1886", output[rows])
    return output


def _compressed(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Linear light of any brightness to [0, 1]."""
    import cv2

    luma = cv2.transform(light, _LUMA)[..., np.newaxis]
    if luma.max() > _SATURATED:
        desaturation = np.maximum(luma - _SATURATED, 0) / np.maximum(luma, 1e-6)
        light = light + desaturation * (luma - light)
    red, green, blue = cv2.split(light)
    brightest = np.maximum(np.maximum(red, green), np.maximum(blue, 1e-6))  # ten times as fast as light.max(axis=2)
    brightest = brightest[..., np.newaxis]
    compressed: NDArray[np.float32] = light * (_hable(brightest) / (_hable(_PEAK) * brightest))
    return compressed


def _hable(x: Any) -> Any:
    """John Hable's filmic curve (Uncharted 2)."""
    a, b, c, d, e, f = 0.15, 0.50, 0.10, 0.20, 0.02, 0.30
    return (x * (a * x + b * c) + d * e) / (x * (a * x + b) + d * f) - e / f


@lru_cache(maxsize=2)
def _linear(transfer: int) -> NDArray[np.float32]:
    """Light of each coded value, in units of 100 cd/m²."""
    coded = np.linspace(0, 1, 1 << _BITS)
    if transfer == PQ:  # SMPTE ST 2084
        power = coded ** (32 / 2523)
        light = 100 * (np.maximum(power - 3424 / 4096, 0) / (2413 / 128 - 2392 / 128 * power)) ** (16384 / 2610)
    else:  # ARIB STD-B67
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        scene = np.where(coded <= 0.5, coded**2 / 3, (np.exp((coded - c) / a) + b) / 12)
        light = 10 * scene**1.2  # a display of 1000 cd/m²; the gamma for each channel alone, as zscale has it
    return light.astype(np.float32)
