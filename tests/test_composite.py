"""seglib.composite: the one equation, against Pillow's and numpy's own arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from seglib import blend

SIZES = st.tuples(st.integers(1, 6), st.integers(1, 6))


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A frame, a mask of any accepted dtype, a background."""
    size = draw(SIZES)
    frame, background = (draw(hnp.arrays(np.uint8, (*size, 3))) for _ in range(2))
    dtype = draw(st.sampled_from([np.float32, np.float64, np.float16, bool]))
    elements = st.booleans() if dtype is bool else st.sampled_from([0.0, 0.125, 0.5, 0.75, 1.0])
    return frame, draw(hnp.arrays(dtype, size, elements=elements)), background


@settings(max_examples=80, deadline=None)
@given(cases())
def test_the_equation_holds_to_half_a_level_for_every_mask_dtype(case: tuple[np.ndarray, ...]) -> None:
    frame, mask, background = case
    before = [array.copy() for array in case]
    output = blend(frame, mask, background)
    alpha = mask.astype(np.float64)[..., None]
    exact = alpha * frame + (1 - alpha) * background
    assert np.abs(output - exact).max() <= 0.5 + 1e-4
    assert output.dtype == np.uint8
    assert output.shape == frame.shape
    for array, old in zip(case, before, strict=True):
        np.testing.assert_array_equal(array, old)
        assert not np.shares_memory(output, array)


def test_it_agrees_with_pillows_composite_for_every_mask_value() -> None:
    rng = np.random.default_rng(0)
    frame, background = rng.integers(0, 256, (2, 64, 256, 3), dtype=np.uint8)
    levels = np.broadcast_to(np.arange(256, dtype=np.uint8), (64, 256))
    images = (Image.fromarray(picture) for picture in (frame, background, levels))
    expected = np.asarray(Image.composite(*images)).astype(int)
    assert np.abs(blend(frame, levels / 255, background) - expected).max() <= 1


def test_one_and_zero_give_frame_and_background_to_the_last_bit() -> None:
    rng = np.random.default_rng(0)
    frame, background = rng.integers(0, 256, (2, 40, 50, 3), dtype=np.uint8)
    np.testing.assert_array_equal(blend(frame, np.ones((40, 50), np.float32), background), frame)
    np.testing.assert_array_equal(blend(frame, np.zeros((40, 50), np.float32), background), background)
    half = np.arange(50) < 25
    mixed = blend(frame, np.broadcast_to(half, (40, 50)), background)
    np.testing.assert_array_equal(mixed, np.where(half[None, :, None], frame, background))


def test_read_only_and_sliced_arrays_are_fine() -> None:
    rng = np.random.default_rng(0)
    frame, background = rng.integers(0, 256, (2, 41, 50, 3), dtype=np.uint8)
    mask = rng.random((41, 50), np.float32)
    for array in (frame, background, mask):
        array.flags.writeable = False
    turned = blend(frame[::-1, ::2], mask[::-1, ::2], background[::-1, ::2])
    np.testing.assert_array_equal(turned, blend(frame, mask, background)[::-1, ::2])


def test_shapes_that_differ_are_both_named() -> None:
    frame, mask, background = np.zeros((4, 6, 3), np.uint8), np.zeros((4, 6)), np.zeros((5, 6, 3), np.uint8)
    with pytest.raises(ValueError, match=r"background is \(5, 6, 3\) but frame is \(4, 6, 3\).*fit_image"):
        blend(frame, mask, background)
    with pytest.raises(ValueError, match=r"mask is \(5, 6\) but the frame is \(4, 6\)"):
        blend(frame, np.zeros((5, 6)), background[:4])


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan])
def test_masks_out_of_range_are_refused(value: float) -> None:
    frame = np.zeros((4, 6, 3), np.uint8)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        blend(frame, np.full((4, 6), value, np.float32), frame)


def test_the_background_is_checked_like_the_frame_and_called_by_its_name() -> None:
    frame, mask = np.zeros((4, 6, 3), np.uint8), np.zeros((4, 6), np.float32)
    with pytest.raises(ValueError, match="background is float64, not uint8"):
        blend(frame, mask, frame / 255)
    with pytest.raises(ValueError, match=r"^frame is \(4, 6\)"):
        blend(frame[..., 0], mask, frame)
