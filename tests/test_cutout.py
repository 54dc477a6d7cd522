"""CutOut: the person's colours and alpha, without a rim of the old background."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from films import noisy, smooth
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

import seglib
from seglib.arrays import Mask
from seglib.video import CutOut


def soft_edge() -> Mask:
    """1 on the left, 0 on the right, (96, 128)."""
    return np.tile(np.clip((55 - np.arange(128)) / 16, 0, 1).astype(np.float32), (96, 1))


def test_the_person_keeps_every_colour_and_alpha_is_the_mask() -> None:
    frame, mask = seglib.sample_frame(), seglib.sample_mask()
    before = frame.copy(), mask.copy()
    output = CutOut()(frame, mask)
    assert output.shape == (480, 640, 4)
    assert output.dtype == np.uint8
    np.testing.assert_array_equal(output[..., 3], np.rint(mask * 255))
    np.testing.assert_array_equal(output[mask == 1][:, :3], frame[mask == 1])
    np.testing.assert_array_equal(frame, before[0])
    np.testing.assert_array_equal(mask, before[1])


def disc(soft: float) -> Mask:
    y, x = np.mgrid[:360, :480]
    return np.clip((110 - np.hypot(y - 180, x - 240)) / soft + 0.5, 0, 1).astype(np.float32)


@pytest.mark.parametrize("soft", [3, 6, 12])
def test_no_rim_of_the_room_is_seen_on_a_new_background(soft: float) -> None:
    """A person and a room of known colours: what should be seen on blue is known, too."""
    mask = disc(soft)
    person = Image.fromarray((smooth(0, 360, 480) // 3 + np.uint8([140, 60, 0])).astype(np.uint8))
    room = Image.fromarray((smooth(9, 360, 480) // 3 + np.uint8([0, 140, 140])).astype(np.uint8))
    stencil = Image.fromarray(np.rint(mask * 255).astype(np.uint8))
    blue = Image.new("RGB", (480, 360), "blue")
    frame = np.asarray(Image.composite(person, room, stencil))
    expected = np.asarray(Image.composite(person, blue, stencil)).astype(int)

    def error(output: NDArray[np.uint8]) -> float:
        seen = Image.alpha_composite(blue.convert("RGBA"), Image.fromarray(output)).convert("RGB")
        return float(np.abs(np.asarray(seen) - expected)[(mask > 0) & (mask < 1)].mean())

    naive = np.dstack([frame, np.asarray(stencil)])
    assert error(naive) > 12
    assert error(CutOut()(frame, mask)) < 0.25 * error(naive)


def test_nothing_of_the_room_is_left_under_the_transparency() -> None:
    """Who ignores alpha, as some players do, still does not see the room."""
    mask = disc(4)
    first, second = noisy(0, 360, 480), noisy(1, 360, 480)
    second[mask > 0] = first[mask > 0]
    outputs = [CutOut()(frame, mask) for frame in (first, second)]
    np.testing.assert_array_equal(outputs[0][mask == 0], outputs[1][mask == 0])
    far = np.hypot(*(np.mgrid[:360, :480] - np.array([180, 240])[:, None, None])) > 140
    assert not outputs[0][far].any()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([bool, np.float32, np.float64]), st.integers(0, 3))
def test_every_size_and_kind_of_mask(height: int, width: int, dtype: type, seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    mask = [np.zeros, np.ones][seed]((height, width)) if seed < 2 else rng.random((height, width))
    mask = (mask > 0.5) if dtype is bool else mask.astype(dtype)
    output = CutOut()(frame, mask)
    np.testing.assert_array_equal(output[..., 3], np.rint(mask.astype(np.float32) * 255))
    np.testing.assert_array_equal(output[output[..., 3] == 255][:, :3], frame[output[..., 3] == 255])
    if seed == 0:
        assert not output.any()


def test_frames_and_masks_that_are_none_are_refused() -> None:
    frame = smooth(0)
    with pytest.raises(ValueError, match="^frame is"):
        CutOut()(frame / 255, soft_edge())
    with pytest.raises(ValueError, match=r"\(95, 128\).*\(96, 128"):
        CutOut()(frame, soft_edge()[:95])
    with pytest.raises(ValueError, match="NaN"):
        CutOut()(frame, soft_edge() * np.nan)


def test_it_can_be_pickled() -> None:
    copy = pickle.loads(pickle.dumps(CutOut()))
    assert copy.transparent
    np.testing.assert_array_equal(copy(smooth(0), soft_edge()), CutOut()(smooth(0), soft_edge()))
