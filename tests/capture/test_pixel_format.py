"""Colours of all codings come out as RGB, and back."""

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace

from seglib import SourceError
from seglib.capture.pixel_format import PixelFormat, from_rgb, to_rgb

COLOURS = np.array([[[220, 30, 30], [30, 200, 40], [20, 40, 210], [128, 128, 128]]], np.uint8)
CHART = COLOURS.repeat(32, axis=0).repeat(16, axis=1)


def picture(matrix: Colorspace, levels: ColorRange, pixels: str = "yuv444p") -> av.VideoFrame:
    coded = av.VideoFrame.from_ndarray(CHART, format="rgb24")
    return coded.reformat(format=pixels, dst_colorspace=matrix, dst_color_range=levels)


def error(rgb: np.ndarray, expected: np.ndarray = CHART) -> int:
    """The largest difference, away from the edges between colours."""
    return int(np.abs(rgb.astype(int) - expected)[:, 8::16].max())


@pytest.mark.parametrize(
    ("number", "matrix"),
    [(1, Colorspace.ITU709), (6, Colorspace.ITU601), (7, Colorspace.SMPTE240M), (2, None), (3, None)],
)
@pytest.mark.parametrize("levels", [ColorRange.MPEG, ColorRange.JPEG])
def test_matrix_and_levels_are_followed_and_an_unspecified_small_picture_is_bt601(
    number: int, matrix: Colorspace | None, levels: ColorRange
) -> None:
    coded = picture(matrix or Colorspace.ITU601, levels)
    coded.colorspace, coded.color_range = number, levels
    assert error(to_rgb(coded)) <= 3
    coding = PixelFormat.of(coded)
    back = from_rgb(np.ascontiguousarray(CHART), coding)
    back.colorspace, back.color_range = number, levels
    assert error(to_rgb(back)) <= 3


@pytest.mark.parametrize("pixels", ["rgb24", "bgr0", "gbrp", "gray", "yuvj420p", "yuv420p10le"])
def test_other_pixels_become_plain_rgb(pixels: str) -> None:
    levels = ColorRange.JPEG if pixels == "yuvj420p" else ColorRange.MPEG
    coded = picture(Colorspace.ITU601, levels, pixels)
    rgb = to_rgb(coded)
    assert rgb.shape == CHART.shape
    if pixels == "gray":
        assert (rgb == rgb[..., :1]).all()
    else:
        assert error(rgb) <= 3


@pytest.mark.parametrize("pixels", ["rgba", "yuva420p", "yuva444p10le"])
def test_alpha_is_kept(pixels: str) -> None:
    rgba = np.dstack([CHART, np.full(CHART.shape[:2], 77, np.uint8)])
    coded = av.VideoFrame.from_ndarray(rgba, format="rgba")
    if pixels != "rgba":
        coded = coded.reformat(format=pixels, dst_colorspace=Colorspace.ITU601, dst_color_range=ColorRange.MPEG)
    back = to_rgb(coded)
    assert back.shape == rgba.shape
    assert error(back, rgba) <= 3


@pytest.mark.parametrize(("primaries", "transfer"), [(9, 16), (9, 18), (12, 13)])
@pytest.mark.parametrize("pixels", ["yuva444p10le", "gbrap", "rgba64le"])
def test_alpha_is_kept_where_colours_are_converted(pixels: str, primaries: int, transfer: int) -> None:
    rgba = np.dstack([CHART, np.full(CHART.shape[:2], 77, np.uint8)])
    coded = av.VideoFrame.from_ndarray(rgba, format="rgba").reformat(format=pixels)
    coded.color_primaries, coded.color_trc = primaries, transfer
    back = to_rgb(coded)
    assert np.abs(back[..., 3].astype(int) - 77).max() <= 1
    assert error(back[..., :3], CHART) > 15
    assert np.ptp(back[:, 56:, :3].astype(int), axis=2).max() <= 3, "grey stays grey"


def test_a_matrix_that_cannot_be_computed_is_refused_by_its_number() -> None:
    coded = picture(Colorspace.ITU709, ColorRange.MPEG)
    coded.colorspace = 14
    with pytest.raises(SourceError, match=r"14"):
        to_rgb(coded)


def test_hdr_is_named_and_a_copy_of_it_is_bt709() -> None:
    assert "HLG" in PixelFormat(9, 1, 9, 18, 1080).hdr
    assert PixelFormat(9, 1, 9, 18, 1080).for_copy(1080) == PixelFormat(1, 1, 1, 1, 1080)
    assert PixelFormat(1, 1, 12, 13, 1080).for_copy(1080) == PixelFormat(1, 1, 1, 1, 1080), "a wide gamut, too"
    assert not PixelFormat(6, 2, 5, 6, 480).hdr


@pytest.mark.parametrize(
    ("matrix", "rows", "copy_rows", "expected"),
    [(2, 576, 576, 2), (2, 576, 1024, 6), (2, 1280, 640, 1), (6, 576, 1024, 6)],
)
def test_a_copy_is_decoded_as_the_source(matrix: int, rows: int, copy_rows: int, expected: int) -> None:
    source = PixelFormat(matrix, 2, 5, 6, rows)
    copy = source.for_copy(copy_rows)
    assert copy == PixelFormat(expected, 2, 5, 6, copy_rows)
    assert copy.colorspace == source.colorspace
