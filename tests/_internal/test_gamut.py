"""Wide gamuts to BT.709, compared with matrices that are computed from the standards' chromaticities."""

import numpy as np
import pytest
from numpy.typing import NDArray

from seglib._internal.gamut import ADOBE_RGB, BT2020, DCI_P3, DISPLAY_P3, GAMMA_22, SRGB, to_bt709

BT709_XY = [(0.64, 0.33), (0.30, 0.60), (0.15, 0.06)]
CHROMATICITIES = {
    BT2020: [(0.708, 0.292), (0.170, 0.797), (0.131, 0.046)],
    DISPLAY_P3: [(0.680, 0.320), (0.265, 0.690), (0.150, 0.060)],
    ADOBE_RGB: [(0.64, 0.33), (0.21, 0.71), (0.15, 0.06)],
}
CURVES = {  # coded to light, and light to coded
    SRGB: (
        lambda v: np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4),
        lambda v: np.where(v <= 0.0031308, 12.92 * v, 1.055 * v ** (1 / 2.4) - 0.055),
    ),
    1: (lambda v: v**2.4, lambda v: v ** (1 / 2.4)),
}
CURVES[GAMMA_22] = (lambda v: v**2.2, CURVES[SRGB][1])


def to_xyz(primaries: list[tuple[float, float]]) -> NDArray[np.float64]:
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    white = np.array([0.3127 / 0.3290, 1, 0.3583 / 0.3290])
    return columns * np.linalg.solve(columns, white)


@pytest.mark.parametrize("primaries", CHROMATICITIES)
@pytest.mark.parametrize("transfer", CURVES)
def test_colours_are_those_of_the_chromaticities(primaries: int, transfer: int) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (70, 50, 3), dtype=np.uint8)  # more rows than one block
    decode, encode = CURVES[transfer]
    matrix = np.linalg.solve(to_xyz(BT709_XY), to_xyz(CHROMATICITIES[primaries]))
    expected = 255 * encode((decode(rgb / 255) @ matrix.T).clip(0, 1))
    difference = np.abs(to_bt709(rgb, primaries, transfer) - expected)
    assert difference.mean() < 0.3
    assert np.quantile(difference, 0.99) < 1.5


@pytest.mark.parametrize("primaries", [*CHROMATICITIES, DCI_P3])
@pytest.mark.parametrize("transfer", [SRGB, 1])
def test_greys_stay_as_they_are(primaries: int, transfer: int) -> None:
    grey = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert np.abs(to_bt709(grey, primaries, transfer).astype(int) - grey).max() <= 1
