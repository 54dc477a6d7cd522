"""seglib.mask and seglib.guided_filter: against scikit-image, scipy and the definition of the guided filter."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest
import scipy.ndimage as ndi
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage import morphology

import seglib
from seglib import (
    Steady,
    class_mask,
    clean_mask,
    feather,
    keep_largest,
    refine_edges,
    remove_small_holes,
    remove_small_objects,
    threshold_mask,
)
from seglib.guided_filter import guided_filter

QUICK = settings(max_examples=60, deadline=None)
HARD = hnp.arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12)))
FRACTIONS = st.sampled_from([0.01, 0.02, 0.05, 0.1, 0.3, 1.0])
CONNECTED = np.ones((3, 3))  # over edges and corners, for scipy

Function = Callable[[np.ndarray, np.ndarray], np.ndarray]
EVERY: dict[str, Function] = {
    "threshold_mask": lambda mask, frame: threshold_mask(mask),
    "threshold_mask, soft": lambda mask, frame: threshold_mask(mask, 0.6, softness=0.4),
    "remove_small_objects": lambda mask, frame: remove_small_objects(mask, 0.05),
    "remove_small_holes": lambda mask, frame: remove_small_holes(mask, 0.05),
    "keep_largest": lambda mask, frame: keep_largest(mask),
    "feather": lambda mask, frame: feather(mask, 3),
    "refine_edges": refine_edges,
    "refine_edges, wide": lambda mask, frame: refine_edges(mask, frame, radius=9),
    "clean_mask": clean_mask,
    "Steady, first frame": lambda mask, frame: Steady()(mask, frame),
    "Steady, second frame": lambda mask, frame: [(steady := Steady())(mask, frame), steady(mask, frame)][1],
}
every = pytest.mark.parametrize("function", EVERY.values(), ids=EVERY)


def disc(height: int, width: int, x: float, y: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    return ((columns - x) ** 2 + (rows - y) ** 2 <= radius**2).astype(np.float32)


def in_colour(truth: np.ndarray) -> np.ndarray:
    return np.where(truth[..., None] > 0, np.uint8([200, 60, 40]), np.uint8([40, 70, 160])).astype(np.uint8)


# ---- every function ----------------------------------------------------------------------------------------


@every
@settings(max_examples=20, deadline=None)
@given(data=st.data(), size=st.tuples(st.integers(1, 20), st.integers(1, 20)))
def test_a_new_mask_comes_out_and_the_inputs_do_not_change(
    function: Function, data: st.DataObject, size: tuple[int, int]
) -> None:
    dtype = data.draw(st.sampled_from([np.float32, np.float64, np.float16, bool]))
    elements = st.booleans() if dtype is bool else st.sampled_from([0, 0.25, 0.499, 0.5, 0.75, 1])
    mask, frame = data.draw(hnp.arrays(dtype, size, elements=elements)), data.draw(hnp.arrays(np.uint8, (*size, 3)))
    before = mask.copy(), frame.copy()
    result = function(mask, frame)
    assert (result.shape, result.dtype) == (mask.shape, np.float32)
    assert 0 <= result.min() <= result.max() <= 1
    assert not np.shares_memory(result, mask)
    np.testing.assert_array_equal(mask, before[0])
    np.testing.assert_array_equal(frame, before[1])


@every
@pytest.mark.parametrize("size", [(1, 1), (1, 17), (17, 1), (30, 40)], ids=str)
def test_empty_stays_empty_and_full_stays_full(function: Function, size: tuple[int, int]) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    for value in (0, 1):
        np.testing.assert_allclose(function(np.full(size, value, np.float32), frame), value, atol=2e-3)


@every
def test_wrong_masks_are_refused(function: Function) -> None:
    frame = np.zeros((4, 6, 3), np.uint8)
    for wrong in (np.full((4, 6), 1.5), np.full((4, 6), np.nan), np.full((4, 6), 255, np.uint8), np.zeros((4, 6, 1))):
        with pytest.raises(ValueError, match="mask"):
            function(wrong, frame)


@pytest.mark.parametrize("function", [refine_edges, clean_mask, Steady()])
def test_a_mask_of_another_size_is_refused_with_both_sizes(function: Function) -> None:
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(4, 6\)"):
        function(np.zeros((2, 3)), np.zeros((4, 6, 3), np.uint8))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        *((lambda mask, v=v: threshold_mask(mask, v), "threshold") for v in (0, 1.1, math.nan)),
        *((lambda mask, v=v: threshold_mask(mask, 0.5, v), "softness") for v in (-0.1, 2)),
        *((lambda mask, v=v: remove_small_objects(mask, v), "min_fraction") for v in (0, 1.1, math.nan)),
        *((lambda mask, v=v: remove_small_holes(mask, v), "min_fraction") for v in (0, 1.1, math.nan)),
        *((lambda mask, v=v: feather(mask, v), "radius") for v in (0, -1, math.nan, math.inf)),
        *((lambda mask, v=v: refine_edges(mask, np.zeros((2, 2, 3), np.uint8), v), "radius") for v in (0, math.nan)),
        (lambda mask: refine_edges(mask, np.zeros((2, 2, 3), np.uint8), epsilon=-1), "epsilon"),
    ],
)
def test_settings_out_of_range_are_refused(call: Callable[[np.ndarray], np.ndarray], name: str) -> None:
    for value in (0, 1):
        with pytest.raises(ValueError, match=f"{name} is"):
            call(np.full((2, 2), value, np.float32))


# ---- classes and threshold ---------------------------------------------------------------------------------


@QUICK
@given(hnp.arrays(st.sampled_from([np.uint8, np.int64, np.int32]), (5, 7), elements=st.integers(0, 255)))
def test_class_mask_is_a_comparison(labels: np.ndarray) -> None:
    np.testing.assert_array_equal(class_mask(labels), labels == 15)
    np.testing.assert_array_equal(class_mask(labels, "cat"), labels == 8)
    np.testing.assert_array_equal(class_mask(labels, ["person", 8, "tv"]), np.isin(labels, [15, 8, 20]))
    np.testing.assert_array_equal(class_mask(labels, "hair", class_names=("background", "hair")), labels == 1)


@QUICK
@given(st.floats(0.05, 0.95), st.floats(0.05, 1))
def test_the_threshold_becomes_a_half_and_the_ramp_is_as_wide_as_asked(threshold: float, softness: float) -> None:
    width = min(softness, 2 * threshold, 2 * (1 - threshold))
    points = np.array([[threshold, threshold - 0.49 * width, threshold + 0.49 * width, threshold - width / 4, 0, 1]])
    result = threshold_mask(points.clip(0, 1), threshold, softness)
    np.testing.assert_allclose(result, [[0.5, 0.01, 0.99, 0.25, 0, 1]], atol=1e-3)


def test_a_hard_mask_keeps_what_equals_the_threshold() -> None:
    mask = np.array([[0, 0.49, 0.5, 0.51, 1]])
    np.testing.assert_array_equal(threshold_mask(mask), [[0, 0, 1, 1, 1]])
    np.testing.assert_array_equal(threshold_mask(mask, 1.0, softness=0.5), [[0, 0, 0, 0, 1]])


# ---- regions -----------------------------------------------------------------------------------------------


@QUICK
@given(HARD, FRACTIONS)
def test_small_objects_and_holes_are_scikit_images(mask: np.ndarray, fraction: float) -> None:
    largest = math.ceil(fraction * mask.size) - 1
    objects = morphology.remove_small_objects(mask, max_size=largest, connectivity=2)
    np.testing.assert_array_equal(remove_small_objects(mask, fraction), objects)
    padded = np.pad(mask, 20)  # gaps at the border become part of something too large to fill
    holes = morphology.remove_small_holes(padded, max_size=largest, connectivity=2)
    np.testing.assert_array_equal(remove_small_holes(mask, fraction), holes[20:-20, 20:-20])


@QUICK
@given(HARD)
def test_holes_of_any_size_and_the_largest_region_are_scipys(mask: np.ndarray) -> None:
    np.testing.assert_array_equal(remove_small_holes(mask, 1), ndi.binary_fill_holes(mask, structure=CONNECTED))
    regions, count = ndi.label(mask, structure=CONNECTED)
    kept = keep_largest(mask)
    assert (kept <= mask).all()
    assert kept.sum() == np.bincount(regions.ravel(), minlength=2)[1:].max()
    assert len(np.unique(regions[kept > 0])) == min(1, count)


def test_the_soft_fringe_of_a_region_or_a_hole_goes_with_it() -> None:
    soft = feather(np.maximum(disc(60, 80, 25, 30, 15), disc(60, 80, 65, 30, 4)), 3)
    for cleaned in (remove_small_objects(soft, 0.02), keep_largest(soft)):
        np.testing.assert_array_equal(cleaned[:, :50], soft[:, :50])
        assert (cleaned[:, 50:] == 0).all()
    soft = feather(disc(60, 80, 40, 30, 25) - disc(60, 80, 40, 30, 4), 3)
    filled = remove_small_holes(soft, 0.02)
    near, far = disc(60, 80, 40, 30, 12) > 0, disc(60, 80, 40, 30, 18) == 0
    assert (filled[near] == 1).all()
    np.testing.assert_array_equal(filled[far], soft[far])


@pytest.mark.parametrize("function", [remove_small_objects, remove_small_holes, keep_largest])
def test_a_mask_without_anything_to_remove_stays_as_it_is(function: Callable[[np.ndarray], np.ndarray]) -> None:
    half = disc(20, 20, 10, 10, 5) / 2  # 0.5 belongs to the region
    for mask in (feather(disc(60, 80, 40, 30, 20), 6), np.full((6, 8), 0.7, np.float32), half, np.eye(10)):
        np.testing.assert_array_equal(function(mask), mask.astype(np.float32))


@pytest.mark.parametrize("radius", [1, 3, 8.5])
def test_feather_is_scipys_gaussian(radius: float) -> None:
    mask = disc(80, 100, 50, 40, 22)
    theirs = ndi.gaussian_filter(mask.astype(np.float64), radius / 2, mode="mirror", truncate=5)
    np.testing.assert_allclose(feather(mask, radius), theirs, atol=2e-3)


# ---- the guided filter -------------------------------------------------------------------------------------


def guided_filter_by_definition(p: np.ndarray, frame: np.ndarray, r: int, epsilon: float) -> np.ndarray:
    """One least-squares problem for each window; NaN where a window would leave the frame."""
    guide = frame.astype(np.float64) / 255
    total, count = np.zeros(p.shape), np.zeros(p.shape)
    for y in range(r, p.shape[0] - r):
        for x in range(r, p.shape[1] - r):
            window = np.s_[y - r : y + r + 1, x - r : x + r + 1]
            colours = guide[window].reshape(-1, 3)
            ridge = np.sqrt(epsilon * len(colours)) * np.eye(3, 4)
            system = np.vstack([np.hstack([colours, np.ones((len(colours), 1))]), ridge])
            a1, a2, a3, b = np.linalg.lstsq(system, np.append(p[window].ravel(), [0, 0, 0]), rcond=None)[0]
            total[window] += guide[window] @ [a1, a2, a3] + b
            count[window] += 1
    return np.where(count == (2 * r + 1) ** 2, total / np.maximum(count, 1), np.nan)


@pytest.mark.parametrize(("radius", "epsilon"), [(1, 1e-2), (2, 1e-3), (3, 1e-1)])
def test_the_guided_filter_is_that_of_its_definition(radius: int, epsilon: float) -> None:
    rng = np.random.default_rng(radius)
    frame = cv2.GaussianBlur(rng.integers(0, 256, (17, 20, 3), dtype=np.uint8), (0, 0), 1)
    mask = cv2.GaussianBlur(rng.random((17, 20), np.float32), (0, 0), 1)
    expected = guided_filter_by_definition(mask, frame, radius, epsilon).clip(0, 1)
    inside = np.isfinite(expected)
    assert inside.sum() >= 40
    result = guided_filter(mask, frame, radius, epsilon, subsampling=1)
    np.testing.assert_allclose(result[inside], expected[inside], atol=1e-3)


def test_subsampling_changes_little() -> None:
    frame, mask = seglib.sample_frame(), feather(seglib.sample_mask(), 12)
    fast, full = (guided_filter(mask, frame, 12, 1e-3, subsampling) for subsampling in (None, 1))
    assert np.abs(fast - full).mean() < 0.005


def test_refine_edges_moves_a_blurry_edge_to_the_edge_in_the_frame() -> None:
    truth = disc(120, 160, 80, 60, 35)
    blurry = feather(np.roll(truth, 2, axis=1), 8)
    refined = refine_edges(blurry, in_colour(truth), radius=8)
    assert seglib.boundary_f_score(blurry, truth, tolerance=1) < 0.7
    assert seglib.boundary_f_score(refined, truth, tolerance=1) > 0.95
    assert np.abs(refined - truth).mean() < np.abs(blurry - truth).mean()


def test_the_default_radius_grows_with_the_frame() -> None:
    frame, mask = seglib.sample_frame(), feather(seglib.sample_mask(), 16)
    large = refine_edges(cv2.resize(mask, None, fx=2, fy=2), cv2.resize(frame, None, fx=2, fy=2))
    reduced = cv2.resize(large, mask.shape[::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(reduced - refine_edges(mask, frame)).mean() < 0.005


# ---- the whole clean-up ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["astronaut", "hopper"])
def test_clean_mask_improves_the_embedded_models_mask(name: str) -> None:
    frame, truth = seglib.sample_frame(name), seglib.sample_mask(name)
    raw = seglib.load_model(device="cpu").mask(frame)
    cleaned = clean_mask(raw, frame)
    assert seglib.iou(cleaned, truth) >= max(0.95, seglib.iou(raw, truth))
    assert seglib.boundary_f_score(cleaned, truth) > seglib.boundary_f_score(raw, truth)


def test_clean_mask_removes_what_is_smaller_than_min_fraction() -> None:
    truth = disc(120, 160, 80, 60, 35)
    raw = np.maximum(truth - disc(120, 160, 80, 60, 6), disc(120, 160, 20, 20, 6))
    assert np.abs(clean_mask(raw, in_colour(truth), min_fraction=0.02) - truth).max() < 0.1
    kept = clean_mask(raw, in_colour(truth), min_fraction=0.001)
    assert kept[20, 20] > 0.2
    assert kept[60, 80] < 0.8


def test_on_a_small_frame_clean_mask_is_its_steps() -> None:
    frame, raw = seglib.sample_frame()[:320, :400], feather(seglib.sample_mask()[:320, :400], 8)
    steps = remove_small_holes(remove_small_objects(threshold_mask(raw, 0.5, softness=0.4)))
    expected = threshold_mask(refine_edges(steps, frame), softness=0.3)
    np.testing.assert_allclose(clean_mask(raw, frame), expected, atol=1e-5)
