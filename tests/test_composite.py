"""seglib.composite: the equation, against numpy's arithmetic and Pillow's composite."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from seglib import blend


@settings(max_examples=60, deadline=None)
@given(st.data(), st.tuples(st.integers(1, 6), st.integers(1, 6)), st.sampled_from([bool, np.float16, np.float64]))
def test_the_equation_holds_to_half_a_level(data: st.DataObject, size: tuple[int, int], dtype: type) -> None:
    frame, background = (data.draw(hnp.arrays(np.uint8, (*size, 3))) for _ in range(2))
    elements = st.booleans() if dtype is bool else st.sampled_from([0, 0.125, 0.5, 0.75, 1])
    mask = data.draw(hnp.arrays(dtype, size, elements=elements))
    inputs = frame.copy(), mask.copy(), background.copy()
    output = blend(frame, mask, background)
    alpha = mask.astype(np.float64)[..., None]
    assert np.abs(output - (alpha * frame + (1 - alpha) * background)).max() <= 0.5 + 1e-4
    assert output.dtype == np.uint8
    for array, before in zip((frame, mask, background), inputs, strict=True):
        np.testing.assert_array_equal(array, before)
        assert not np.shares_memory(output, array)


@pytest.mark.parametrize("soft", [0.1, 1.0], ids=["few soft pixels", "all soft"])
def test_it_agrees_with_pillows_composite(soft: float) -> None:
    rng = np.random.default_rng(0)
    frame, background = rng.integers(0, 256, (2, 64, 256, 3), dtype=np.uint8)
    levels = np.where(rng.random((64, 256)) < soft, np.arange(256), 255).astype(np.uint8)
    theirs = Image.composite(*(Image.fromarray(image) for image in (frame, background, levels)))
    assert np.abs(blend(frame, levels / 255, background) - np.asarray(theirs, int)).max() <= 1


def test_read_only_and_strided_arrays_are_accepted() -> None:
    rng = np.random.default_rng(0)
    frame, background = rng.integers(0, 256, (2, 41, 50, 3), dtype=np.uint8)
    mask = rng.random((41, 50), np.float32)
    for array in (frame, background, mask):
        array.flags.writeable = False
    strided = blend(frame[::-1, ::2], mask[::-1, ::2], background[::-1, ::2])
    np.testing.assert_array_equal(strided, blend(frame, mask, background)[::-1, ::2])
    masked = blend(np.ma.array(frame), np.ma.array(mask), background)
    np.testing.assert_array_equal(masked, blend(frame, mask, background))


FRAME, MASK = np.zeros((4, 6, 3), np.uint8), np.zeros((4, 6), np.float32)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((FRAME, MASK, np.zeros((5, 6, 3), np.uint8)), r"background is \(5, 6, 3\).*\(4, 6, 3\).*fit_image"),
        ((FRAME, np.zeros((5, 6)), FRAME), r"mask is \(5, 6\).*\(4, 6\)"),
        ((FRAME, MASK - 0.1, FRAME), r"\[0, 1\]"),
        ((FRAME, MASK * np.nan, FRAME), "NaN"),
        ((FRAME, MASK, FRAME / 255), "background is float64"),
        ((FRAME[..., 0], MASK, FRAME), r"frame is \(4, 6\)"),
    ],
)
def test_wrong_inputs_are_named(arguments: tuple[np.ndarray, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        blend(*arguments)
