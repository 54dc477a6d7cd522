"""HDR to SDR, compared with FFmpeg: zscale=t=linear:npl=100, tonemap=hable, zscale=p=bt709:t=bt709, version 5.1."""

import numpy as np
import pytest

from seglib._internal.tone_mapping import HLG, PQ, tone_map

GREYS = [0, 0.3, 0.5, 0.58, 0.7, 0.75]  # coded values
COLOURS = [[0.6, 0.4, 0.3], [0.45, 0.35, 0.3], [0.7, 0.6, 0.5], [0.3, 0.5, 0.3], [0.2, 0.3, 0.6], [0.75, 0.5, 0.2]]
GREYS_BY_FFMPEG = {PQ: [0, 66, 153, 192, 241, 255], HLG: [0, 77, 124, 144, 178, 193]}
COLOURS_BY_FFMPEG = {
    PQ: [[244, 44, 35], [150, 72, 58], [255, 175, 150], [0, 160, 29], [0, 51, 211], [255, 112, 110]],
    HLG: [[173, 86, 66], [127, 84, 73], [198, 134, 108], [0, 129, 67], [0, 73, 155], [229, 89, 0]],
}


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_colours_are_those_of_ffmpeg(transfer: int) -> None:
    coded = np.array([[[grey] * 3 for grey in GREYS] + COLOURS] * 40)  # more rows than are worked on at a time
    mapped = tone_map(np.rint(coded * 65535).astype(np.uint16), transfer)
    expected = [[grey] * 3 for grey in GREYS_BY_FFMPEG[transfer]] + COLOURS_BY_FFMPEG[transfer]
    assert mapped.dtype == np.uint8
    assert np.abs(mapped.astype(int) - expected).max() <= 1  # PQ 0, HLG 0.14 on average


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_brighter_stays_brighter(transfer: int) -> None:
    ramp = np.repeat(np.linspace(0, 65535, 500).astype(np.uint16)[None, :, None], 3, axis=2)
    grey = tone_map(ramp, transfer)[0].astype(int)
    assert np.abs(grey - grey[:, :1]).max() <= 1
    assert (np.diff(grey[:, 0]) >= 0).all()
    assert grey[0, 0] == 0
    assert grey[-1, 0] >= 254
