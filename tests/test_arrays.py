"""seglib.arrays: what the checks accept, and whether the code that their messages advise corrects the input."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from seglib.arrays import check_fraction, check_frame, check_labels, check_mask, check_positive

QUICK = settings(max_examples=40, deadline=None)
DTYPES = st.sampled_from([np.uint8, np.int8, np.uint16, np.int64, np.float16, np.float32, np.float64, bool])
SHAPES = st.one_of(
    st.lists(st.integers(0, 5), max_size=4).map(tuple), st.tuples(st.integers(1, 5), st.integers(1, 5), st.just(3))
)


def message(check: Callable[..., Any], *arguments: object, error: type[Exception] = ValueError) -> str:
    with pytest.raises(error) as caught:
        check(*arguments)
    return str(caught.value)


def corrected(advice: str, **names: object) -> np.ndarray:
    """Run the code at the end of a message."""
    code = re.search(r".*(?:: |use |with )(.+)$", advice)
    assert code, f"no code in {advice!r}"
    return eval(code[1], {"np": np, "cv2": cv2, **names})


@QUICK
@given(SHAPES, DTYPES)
def test_a_frame_is_height_by_width_by_three_uint8(shape: tuple[int, ...], dtype: type) -> None:
    array = np.zeros(shape, dtype)
    if dtype is np.uint8 and len(shape) == 3 and shape[2] == 3 and min(shape) > 0:
        assert check_frame(array) is array
    else:
        text = message(check_frame, array)
        assert str(array.shape) in text or str(array.dtype) in text


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 6), np.uint8),
        np.zeros((4, 6, 1), np.uint8),
        np.zeros((4, 6, 4), np.uint8),
        np.zeros((3, 4, 6), np.uint8),
        np.zeros((1, 4, 6, 3), np.uint8),
        np.full((4, 6, 3), 0.5, np.float32),
        np.full((4, 6, 3), 7, np.int64),
    ],
    ids=["grey", "one channel", "RGBA", "channels first", "batch", "float", "int64"],
)
@pytest.mark.parametrize("name", ["frame", "background"])
def test_the_advice_for_a_wrong_frame_corrects_it(wrong: np.ndarray, name: str) -> None:
    text = message(check_frame, wrong, name)
    assert text.startswith(name)
    assert check_frame(corrected(text, **{name: wrong})).shape == (4, 6, 3)


def test_two_channels_are_refused() -> None:
    assert "(4, 6, 2)" in message(check_frame, np.zeros((4, 6, 2), np.uint8))


@pytest.mark.parametrize("check", [check_frame, check_mask, check_labels])
@pytest.mark.parametrize(
    ("wrong", "word"),
    [(None, "cap.read()"), ([[1]], "list"), (torch.zeros(4, 6), ".numpy()"), (Image.new("L", (6, 4)), "np.asarray")],
    ids=["None", "list", "tensor", "Pillow"],
)
def test_what_is_not_an_array_is_named(check: Callable[..., Any], wrong: object, word: str) -> None:
    assert word in message(check, wrong, error=TypeError)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, bool])
@QUICK
@given(data=st.data())
def test_a_mask_of_any_float_type_or_bool_keeps_its_values(dtype: type, data: st.DataObject) -> None:
    elements = st.booleans() if dtype is bool else st.sampled_from([0, 0.25, 0.5, 1])
    array = data.draw(hnp.arrays(dtype, SHAPES, elements=elements))
    if array.ndim == 2 and array.size:
        mask = check_mask(array)
        assert mask.dtype == np.float32
        np.testing.assert_array_equal(mask, array)
    else:
        assert str(array.shape) in message(check_mask, array)


def test_values_beyond_the_range_by_rounding_are_clipped() -> None:
    np.testing.assert_array_equal(check_mask(np.array([[-1e-6, 1 + 1e-6]])), [[0, 1]])


@pytest.mark.parametrize("value", [-0.01, 1.01, 255, np.nan, np.inf, -np.inf])
def test_one_pixel_out_of_range_is_refused(value: float) -> None:
    mask = np.full((3, 4), 0.5)
    mask[1, 2] = value
    assert ("NaN" if np.isnan(value) else f"{value:.4g}") in message(check_mask, mask)


def test_integer_masks_are_told_apart_from_labels() -> None:
    wrong = np.full((3, 4), 255, np.uint8)
    text = message(check_mask, wrong)
    assert "class_mask(labels)" in text
    np.testing.assert_array_equal(check_mask(corrected(text, mask=wrong)), np.ones((3, 4)))


@pytest.mark.parametrize("shape", [(3, 5), (6, 4), (4, 6, 1), (4, 6, 3), (8, 12)])
def test_the_advice_for_a_mask_of_another_shape_fits_it_to_the_frame(shape: tuple[int, ...]) -> None:
    frame, mask = np.zeros((4, 6, 3), np.uint8), np.random.default_rng(0).random(shape)
    text = message(check_mask, mask, frame)
    assert str(shape) in text
    assert "(4, 6)" in text
    fitted = check_mask(corrected(text, mask=mask), frame)
    if shape == (6, 4):
        np.testing.assert_array_equal(fitted, mask.T.astype(np.float32))


@QUICK
@given(hnp.arrays(st.sampled_from([np.uint8, np.int16, np.int64, np.uint64]), (3, 4), elements=st.integers(0, 100)))
def test_labels_of_any_integer_type_keep_their_numbers(array: np.ndarray) -> None:
    labels = check_labels(array)
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, array)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (np.array([[-1, 15]]), "-1"),
        (np.array([[0, 256]]), "256"),
        (np.array([[0.0, 15.0]]), "float64"),
        (np.array([[True, False]]), "bool"),
        (np.zeros((21, 4, 6), np.int64), "argmax"),
        (np.zeros((0, 4), np.uint8), "(0, 4)"),
    ],
)
def test_other_arrays_are_not_labels(wrong: np.ndarray, word: str) -> None:
    assert word in message(check_labels, wrong)


def test_numbers_are_checked_by_their_names() -> None:
    assert check_positive(np.int64(3), "sigma") == 3.0
    assert check_fraction(1, "threshold") == 1
    for value in (0, -1, float("nan")):
        assert f"sigma is {value}" in message(check_positive, value, "sigma")
        assert f"threshold is {value}" in message(check_fraction, value, "threshold")
    assert "inf" in message(check_positive, float("inf"), "sigma")
    assert "1.1" in message(check_fraction, 1.1, "threshold")
