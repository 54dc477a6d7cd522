"""seglib.mask and seglib.guided_filter: against scikit-image, scipy, torchvision and literal arithmetic."""

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
from torchvision.models.segmentation import LRASPP_MobileNet_V3_Large_Weights

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
from seglib.classes import VOC_CLASSES, class_numbers
from seglib.guided_filter import guided_filter

TOUCHING = np.ones((3, 3))  # scipy's way to say: connected over edges and corners

HARD = hnp.arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12)))
SHARES = st.sampled_from([0.01, 0.02, 0.05, 0.1, 0.3, 1.0])
QUICK = settings(max_examples=100, deadline=None)

EVERY: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "sharpen": lambda mask, frame: threshold_mask(mask),
    "sharpen softly": lambda mask, frame: threshold_mask(mask, 0.6, softness=0.4),
    "remove_small_objects": lambda mask, frame: remove_small_objects(mask, 0.05),
    "remove_small_holes": lambda mask, frame: remove_small_holes(mask, 0.05),
    "keep_largest": lambda mask, frame: keep_largest(mask),
    "feather": lambda mask, frame: feather(mask, 3),
    "refine_edges": refine_edges,
    "refine_edges far": lambda mask, frame: refine_edges(mask, frame, radius=9),
    "clean_mask": clean_mask,
    "Steady": lambda mask, frame: Steady()(mask, frame),
    "Steady, second frame": lambda mask, frame: second(mask, frame),
}


def second(mask: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """What Steady gives for a frame that it has just seen."""
    steady = Steady()
    steady(mask, frame)
    return steady(mask, frame)


def disc(height: int, width: int, x: float, y: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    return ((columns - x) ** 2 + (rows - y) ** 2 <= radius**2).astype(np.float32)


def at_least(share: float, pixels: int) -> int:
    """The smallest whole number of pixels that is not smaller than this share of the frame."""
    return math.ceil(share * pixels)


# ---- every function ----------------------------------------------------------------------------------------


@st.composite
def masks_with_frames(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """A mask of any accepted dtype and a frame of its size, 1 pixel high and 1 pixel wide included."""
    size = draw(st.tuples(st.integers(1, 20), st.integers(1, 20)))
    dtype = draw(st.sampled_from([np.float32, np.float64, np.float16, bool]))
    elements = st.booleans() if dtype is bool else st.sampled_from([0.0, 0.25, 0.499, 0.5, 0.75, 1.0])
    return draw(hnp.arrays(dtype, size, elements=elements)), draw(hnp.arrays(np.uint8, (*size, 3)))


@pytest.mark.parametrize("function", EVERY.values(), ids=EVERY)
@settings(max_examples=25, deadline=None)
@given(case=masks_with_frames())
def test_shape_dtype_and_range_hold_and_inputs_stay_as_they_were(
    function: Callable[[np.ndarray, np.ndarray], np.ndarray], case: tuple[np.ndarray, np.ndarray]
) -> None:
    mask, frame = case
    mask_before, frame_before = mask.copy(), frame.copy()
    result = function(mask, frame)
    assert result.shape == mask.shape
    assert result.dtype == np.float32
    assert result.min() >= 0
    assert result.max() <= 1
    np.testing.assert_array_equal(mask, mask_before)
    np.testing.assert_array_equal(frame, frame_before)
    assert not np.shares_memory(result, mask), "a new array, so that a caller may change it"


@pytest.mark.parametrize("function", EVERY.values(), ids=EVERY)
@pytest.mark.parametrize("value", [0.0, 1.0], ids=["empty", "full"])
@pytest.mark.parametrize("size", [(1, 1), (1, 17), (17, 1), (2, 2), (30, 40)], ids=str)
def test_empty_stays_empty_and_full_stays_full(
    function: Callable[[np.ndarray, np.ndarray], np.ndarray], value: float, size: tuple[int, int]
) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    np.testing.assert_allclose(function(np.full(size, value, np.float32), frame), value, atol=2e-3)


@pytest.mark.parametrize("function", EVERY.values(), ids=EVERY)
def test_wrong_masks_are_refused(function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> None:
    frame = np.zeros((4, 6, 3), np.uint8)
    for wrong in (np.full((4, 6), 1.5), np.full((4, 6), np.nan), np.full((4, 6), 255, np.uint8), np.zeros((4, 6, 1))):
        with pytest.raises(ValueError, match="mask"):
            function(wrong, frame)


@pytest.mark.parametrize("function", [refine_edges, clean_mask, Steady()])
def test_a_mask_of_another_size_is_refused_with_both_sizes(
    function: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> None:
    with pytest.raises(ValueError, match=r"mask is \(2, 3\) but the frame is \(4, 6\)"):
        function(np.zeros((2, 3)), np.zeros((4, 6, 3), np.uint8))


# ---- classes -----------------------------------------------------------------------------------------------


def test_the_classes_are_torchvisions_but_for_two_names() -> None:
    published = LRASPP_MobileNet_V3_Large_Weights.COCO_WITH_VOC_LABELS_V1.meta["categories"]
    differing = {ours: theirs for ours, theirs in zip(VOC_CLASSES, published, strict=True) if ours != theirs}
    assert differing == {"background": "__background__", "tv": "tvmonitor"}


@QUICK
@given(hnp.arrays(st.sampled_from([np.uint8, np.int64, np.int32]), (5, 7), elements=st.integers(0, 255)))
def test_class_mask_is_the_articles_comparison(labels: np.ndarray) -> None:
    np.testing.assert_array_equal(class_mask(labels), labels == 15)
    np.testing.assert_array_equal(class_mask(labels, "cat"), labels == 8)
    np.testing.assert_array_equal(class_mask(labels, ["person", 8, "tv"]), np.isin(labels, [15, 8, 20]))
    assert class_mask(labels).dtype == np.float32


@pytest.mark.parametrize(
    ("keep", "numbers"),
    [("person", [15]), (15, [15]), (np.int64(8), [8]), (("person", "cat"), [15, 8]), ([0, "tv"], [0, 20])],
)
def test_classes_are_chosen_by_name_or_number(keep: object, numbers: list[int]) -> None:
    assert class_numbers(keep) == numbers


@pytest.mark.parametrize(("word", "meant"), [("persn", "person"), ("Person", "person"), ("sofas", "sofa")])
def test_an_unknown_class_lists_all_of_them_with_the_one_that_was_meant_first(word: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"unknown class '{word}'; known are {meant}, ") as caught:
        class_mask(np.zeros((2, 2), np.uint8), word)
    assert all(name in str(caught.value) for name in VOC_CLASSES)


@pytest.mark.parametrize("number", [-1, 21, 255])
def test_an_unknown_class_number_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match=f"no class {number}; VOC numbers run from 0 to 20"):
        class_mask(np.zeros((2, 2), np.uint8), number)


@pytest.mark.parametrize("keep", [(), [], True, None])
def test_a_choice_of_nothing_is_refused(keep: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        class_mask(np.zeros((2, 2), np.uint8), keep)


# ---- threshold_mask -----------------------------------------------------------------------------------------------


@QUICK
@given(st.floats(0.01, 1), st.floats(0, 1))
def test_sharpen_is_monotone_and_keeps_both_ends(threshold: float, softness: float) -> None:
    ramp = np.linspace(0, 1, 201, dtype=np.float32)[None]
    result = threshold_mask(ramp, threshold, softness)[0]
    assert (np.diff(result) >= 0).all()
    assert result[0] == pytest.approx(0, abs=1e-5)
    assert result[-1] == pytest.approx(1, abs=1e-5)


@QUICK
@given(st.floats(0.05, 0.95), st.floats(0.05, 1))
def test_the_threshold_becomes_a_half_and_the_ramp_is_as_wide_as_asked(threshold: float, softness: float) -> None:
    width = min(softness, 2 * threshold, 2 * (1 - threshold))
    points = np.clip([[threshold, threshold - 0.49 * width, threshold + 0.49 * width, threshold - width / 4]], 0, 1)
    np.testing.assert_allclose(threshold_mask(points, threshold, softness), [[0.5, 0.01, 0.99, 0.25]], atol=1e-3)


def test_without_softness_the_mask_is_hard_and_keeps_what_is_on_the_threshold() -> None:
    mask = np.array([[0, 0.49, 0.5, 0.51, 1]])
    np.testing.assert_array_equal(threshold_mask(mask), [[0, 0, 1, 1, 1]])
    np.testing.assert_array_equal(threshold_mask(mask, 1.0), [[0, 0, 0, 0, 1]])


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((0,), "threshold"),
        ((1.1,), "threshold"),
        ((math.nan,), "threshold"),
        ((0.5, -0.1), "softness"),
        ((0.5, 2), "soft"),
    ],
)
def test_sharpen_refuses_what_makes_no_sense(arguments: tuple[float, ...], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        threshold_mask(np.zeros((2, 2)), *arguments)


# ---- specks, holes, the main person ------------------------------------------------------------------------


@QUICK
@given(HARD, SHARES)
def test_drop_specks_agrees_with_scikit_image(mask: np.ndarray, share: float) -> None:
    expected = morphology.remove_small_objects(mask, max_size=at_least(share, mask.size) - 1, connectivity=2)
    np.testing.assert_array_equal(remove_small_objects(mask, share), expected)


@QUICK
@given(HARD, SHARES)
def test_fill_holes_agrees_with_scikit_image_but_for_gaps_at_the_border(mask: np.ndarray, share: float) -> None:
    wide = np.pad(mask, 20)  # now gaps at the border are part of something too large to fill
    filled = morphology.remove_small_holes(wide, max_size=at_least(share, mask.size) - 1, connectivity=2)
    np.testing.assert_array_equal(remove_small_holes(mask, share), filled[20:-20, 20:-20])


@QUICK
@given(HARD)
def test_fill_holes_of_any_size_agrees_with_scipy(mask: np.ndarray) -> None:
    np.testing.assert_array_equal(remove_small_holes(mask, 1), ndi.binary_fill_holes(mask, structure=TOUCHING))


@QUICK
@given(HARD)
def test_keep_main_is_the_largest_component_that_scipy_finds(mask: np.ndarray) -> None:
    regions, count = ndi.label(mask, structure=TOUCHING)
    areas = np.bincount(regions.ravel(), minlength=count + 1)[1:]
    kept = keep_largest(mask)
    assert (kept <= mask).all()
    assert kept.sum() == (areas.max() if count else 0)
    assert len(np.unique(regions[kept > 0])) == min(1, count), "one whole region, whichever of equal ones"


def test_a_soft_fringe_goes_with_its_region() -> None:
    hard = np.maximum(disc(60, 80, 25, 30, 15), disc(60, 80, 65, 30, 4))
    soft = feather(hard, 3)
    left = np.arange(80) < 50
    for cleaned in (remove_small_objects(soft, 0.02), keep_largest(soft)):
        np.testing.assert_array_equal(cleaned[:, left], soft[:, left])
        assert (cleaned[:, ~left] == 0).all(), "not a ring without its middle"


def test_a_filled_hole_leaves_no_grey_ring() -> None:
    soft = feather(disc(60, 80, 40, 30, 25) - disc(60, 80, 40, 30, 4), 3)
    filled = remove_small_holes(soft, 0.02)
    near, far = disc(60, 80, 40, 30, 12) > 0, disc(60, 80, 40, 30, 18) == 0
    assert (filled[near] == 1).all()
    np.testing.assert_array_equal(filled[far], soft[far])


@pytest.mark.parametrize("function", [remove_small_objects, remove_small_holes, keep_largest])
def test_where_there_is_nothing_to_do_a_soft_mask_stays_as_it_is(function: Callable[[np.ndarray], np.ndarray]) -> None:
    for mask in (feather(disc(60, 80, 40, 30, 20), 6), np.full((6, 8), 0.7, np.float32)):
        np.testing.assert_array_equal(function(mask), mask)


def test_a_pixel_of_exactly_one_half_belongs_to_its_region() -> None:
    half = disc(20, 20, 10, 10, 5) / 2
    np.testing.assert_array_equal(remove_small_objects(half, 0.1), half)
    np.testing.assert_array_equal(keep_largest(half), half)
    np.testing.assert_array_equal(remove_small_holes(1 - half, 1), 1 - half)


def test_regions_touch_over_corners() -> None:
    staircase = np.eye(10, dtype=bool)
    np.testing.assert_array_equal(remove_small_objects(staircase, 0.1), staircase)
    np.testing.assert_array_equal(keep_largest(staircase), staircase)


@pytest.mark.parametrize("function", [remove_small_objects, remove_small_holes])
@pytest.mark.parametrize("share", [0, -0.1, 1.1, math.nan])
def test_a_share_is_a_share(function: Callable[..., np.ndarray], share: float) -> None:
    for mask in (np.zeros((2, 2)), np.ones((2, 2))):
        with pytest.raises(ValueError, match=r"share is .*, but must lie in \(0, 1\]"):
            function(mask, share)


# ---- feather -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("radius", [1, 3, 8.5])
def test_feather_is_scipys_gaussian_of_half_the_radius(radius: float) -> None:
    mask = disc(80, 100, 50, 40, 22)
    expected = ndi.gaussian_filter(mask.astype(np.float64), radius / 2, mode="mirror", truncate=5)
    np.testing.assert_allclose(feather(mask, radius), expected, atol=2e-3)


@pytest.mark.parametrize("radius", [0, -1, math.nan, math.inf])
def test_feather_needs_a_radius(radius: float) -> None:
    with pytest.raises(ValueError, match="radius"):
        feather(np.zeros((2, 2)), radius)


# ---- the guided filter -------------------------------------------------------------------------------------


def literal_guided_filter(mask: np.ndarray, frame: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """The paper's definition, one least-squares problem a window; NaN where a window would leave the frame."""
    height, width = mask.shape
    colour = frame.astype(np.float64) / 255
    total, count = np.zeros(mask.shape), np.zeros(mask.shape)
    for y in range(radius, height - radius):
        for x in range(radius, width - radius):
            window = np.s_[y - radius : y + radius + 1, x - radius : x + radius + 1]
            inside, wanted = colour[window].reshape(-1, 3), mask[window].ravel()
            brake = np.sqrt(epsilon * len(inside)) * np.eye(3, 4)
            rows = np.vstack([np.hstack([inside, np.ones((len(inside), 1))]), brake])
            answer = np.linalg.lstsq(rows, np.concatenate([wanted, np.zeros(3)]), rcond=None)[0]
            total[window] += colour[window] @ answer[:3] + answer[3]
            count[window] += 1
    return np.where(count == (2 * radius + 1) ** 2, total / np.maximum(count, 1), np.nan)


@pytest.mark.parametrize(("radius", "epsilon"), [(1, 1e-2), (2, 1e-3), (3, 1e-1)])
def test_the_guided_filter_solves_the_papers_least_squares(radius: int, epsilon: float) -> None:
    rng = np.random.default_rng(radius)
    frame = cv2.GaussianBlur(rng.integers(0, 256, (17, 20, 3), dtype=np.uint8), (0, 0), 1)
    mask = cv2.GaussianBlur(rng.random((17, 20), np.float32), (0, 0), 1)
    expected = np.clip(literal_guided_filter(mask, frame, radius, epsilon), 0, 1)
    known = np.isfinite(expected)
    assert known.sum() >= 40
    result = guided_filter(mask, frame, radius, epsilon, shrink=1)
    np.testing.assert_allclose(result[known], expected[known], atol=1e-3)


def test_the_fast_guided_filter_is_close_to_the_full_one() -> None:
    frame, mask = seglib.sample_frame(), feather(seglib.sample_mask(), 12)
    fast, full = (guided_filter(mask, frame, 12, 1e-3, shrink=shrink) for shrink in (None, 1))
    assert np.abs(fast - full).mean() < 0.005
    assert seglib.iou(fast, full) > 0.99


def test_follow_edges_moves_a_blurry_mask_onto_the_pictures_edge() -> None:
    truth = disc(120, 160, 80, 60, 35)
    frame = np.where(truth[..., None] > 0, np.uint8([200, 60, 40]), np.uint8([40, 70, 160])).astype(np.uint8)
    blurry = feather(np.roll(truth, 2, axis=1), 8)
    followed = refine_edges(blurry, frame, radius=8)
    before, after = (seglib.boundary_f_score(mask, truth, tolerance=1) for mask in (blurry, followed))
    assert before < 0.7
    assert after > 0.95
    assert np.abs(followed - truth).mean() < np.abs(blurry - truth).mean(), "sharper, too"


def test_follow_edges_reaches_as_far_in_a_larger_picture() -> None:
    """The default radius grows with the frame, so a picture of twice the size gives twice the same mask."""
    frame, mask = seglib.sample_frame(), feather(seglib.sample_mask(), 16)
    twice = cv2.resize(frame, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    large = refine_edges(cv2.resize(mask, None, fx=2, fy=2), twice)
    small_again = cv2.resize(large, mask.shape[::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(small_again - refine_edges(mask, frame)).mean() < 0.005


@pytest.mark.parametrize("setting", ["radius", "strength"])
@pytest.mark.parametrize("value", [0, -1, math.nan])
def test_follow_edges_refuses_settings_that_make_no_sense(setting: str, value: float) -> None:
    with pytest.raises(ValueError, match=setting):
        refine_edges(np.zeros((4, 4)), np.zeros((4, 4, 3), np.uint8), **{setting: value})


# ---- the whole clean-up ------------------------------------------------------------------------------------


# There is little to gain but the outline.
@pytest.mark.parametrize("name", ["astronaut", "hopper"])
def test_the_cleaned_mask_of_the_embedded_model_is_good_and_its_outline_better(name: str) -> None:
    frame, truth = seglib.sample_frame(name), seglib.sample_mask(name)
    raw = seglib.load_model(device="cpu").mask(frame)
    cleaned = clean_mask(raw, frame)
    assert seglib.iou(cleaned, truth) >= 0.95
    assert seglib.iou(cleaned, truth) > seglib.iou(raw, truth)
    assert seglib.boundary_f_score(cleaned, truth) > seglib.boundary_f_score(raw, truth)


def test_clean_mask_drops_specks_and_fills_holes() -> None:
    truth = disc(120, 160, 80, 60, 35)
    frame = np.where(truth[..., None] > 0, np.uint8([200, 60, 40]), np.uint8([40, 70, 160])).astype(np.uint8)
    raw = np.maximum(truth - disc(120, 160, 80, 60, 6), disc(120, 160, 20, 20, 6))
    assert np.abs(clean_mask(raw, frame, share=0.02) - truth).max() < 0.1
    kept = clean_mask(raw, frame, share=0.001)
    assert kept[20, 20] > 0.2  # following the edges of a flat picture blurs it
    assert kept[60, 80] < 0.8


def test_clean_mask_is_its_steps_one_by_one() -> None:
    """On a frame that is small enough; a larger one is made smaller before."""
    frame, raw = seglib.sample_frame()[:320, :400], feather(seglib.sample_mask()[:320, :400], 8)
    steps = remove_small_holes(remove_small_objects(threshold_mask(raw, 0.5, softness=0.4)))
    np.testing.assert_allclose(
        clean_mask(raw, frame), threshold_mask(refine_edges(steps, frame), softness=0.3), atol=1e-5
    )


def test_clean_mask_hardly_touches_a_good_mask() -> None:
    truth = seglib.sample_mask()
    assert seglib.iou(clean_mask(truth, seglib.sample_frame()), truth) > 0.98


# ---- over time ---------------------------------------------------------------------------------------------


def still_sequence(count: int = 20) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """A disc that stands still before a camera with noise, and masks whose every pixel jitters."""
    rng = np.random.default_rng(0)
    truth = disc(60, 80, 40, 30, 18)
    clean = np.where(truth[..., None] > 0, 180.0, 60.0)
    frames = [np.clip(clean + rng.normal(0, 3, (60, 80, 3)), 0, 255).astype(np.uint8) for _ in range(count)]
    masks = [
        np.clip(feather(truth, 4) + rng.normal(0, 0.1, truth.shape), 0, 1).astype(np.float32) for _ in range(count)
    ]
    return truth, frames, masks


def test_where_nothing_moves_the_mask_gets_much_calmer_and_no_worse() -> None:
    truth, frames, masks = still_sequence()
    steady = Steady()
    calm = [steady(mask, frame) for mask, frame in zip(masks, frames, strict=True)]
    assert seglib.flicker(calm[5:]) < seglib.flicker(masks[5:]) / 3
    assert seglib.iou(calm[-1], truth) >= seglib.iou(masks[-1], truth) - 0.01


def test_memory_zero_changes_nothing() -> None:
    _, frames, masks = still_sequence(3)
    steady = Steady(smoothing=0)
    for mask, frame in zip(masks, frames, strict=True):
        np.testing.assert_array_equal(steady(mask, frame), mask)


@pytest.mark.parametrize("speed", [0.5, 1, 2, 5, 12])
def test_what_moves_does_not_trail(speed: float) -> None:
    """A person-sized disc over a camera's noise: the outline is never more than two pixels behind."""
    rng = np.random.default_rng(0)
    steady, radius, behind = Steady(), 60, []
    for number in range(12):
        truth = disc(200, 320, 90 + speed * number, 100, radius)
        noise = rng.normal(0, 3, (200, 320, 3))
        frame = np.clip(np.where(truth[..., None] > 0, 180, 60) + noise, 0, 255).astype(np.uint8)
        raw = feather(truth, 4)
        wrong = (np.count_nonzero((mask >= 0.5) != truth) for mask in (steady(raw, frame), raw))
        behind.append((next(wrong) - next(wrong)) / (4 * radius))  # a disc moved by d is wrong in 4 r d pixels
    assert max(behind) < 2
    assert speed < 5 or max(behind) < 0.5


def test_the_recorded_clip_gets_calmer_and_no_worse() -> None:
    """Masks with an edge that jitters by a pixel or two, on the clip's own movement, shake, noise and light."""
    rng = np.random.default_rng(0)
    steady, raws, calms, truths = Steady(), [], [], []
    with seglib.open_source("clip") as frames:
        for frame, truth, _ in zip(frames, seglib.sample_clip_masks(), range(24), strict=False):
            raws.append(np.roll(truth, rng.integers(-2, 3, 2), axis=(0, 1)))
            calms.append(steady(raws[-1], frame))
            truths.append(truth)
    before, after = (np.mean([seglib.iou(m, t) for m, t in zip(masks, truths, strict=True)]) for masks in (raws, calms))
    assert len(truths) == 24
    assert after > before - 0.01
    assert seglib.flicker(calms, truths) < seglib.flicker(raws, truths)


def test_at_a_cut_the_past_is_forgotten_even_where_the_picture_stays() -> None:
    """Two shots between the same black bars: what was under the bars before the cut does not come along."""
    steady, mask = Steady(), disc(40, 50, 25, 20, 10)
    dark, light = np.full((40, 50, 3), 20, np.uint8), np.full((40, 50, 3), 220, np.uint8)
    dark[:12], light[:12] = 0, 0
    steady(1 - mask, dark)
    np.testing.assert_array_equal(steady(mask, light), mask)


def test_reset_forgets_the_past() -> None:
    steady, mask, frame = Steady(), disc(40, 50, 25, 20, 10), np.zeros((40, 50, 3), np.uint8)
    steady(1 - mask, frame)
    assert np.abs(steady(mask, frame) - mask).max() > 0.5
    steady.reset()
    np.testing.assert_array_equal(steady(mask, frame), mask)


@pytest.mark.parametrize("size", [(50, 40), (80, 100), (1, 1)], ids=str)
def test_a_change_of_the_frame_size_starts_afresh(size: tuple[int, int]) -> None:
    steady = Steady()
    steady(np.ones((40, 50)), np.zeros((40, 50, 3), np.uint8))
    np.testing.assert_array_equal(steady(np.zeros(size), np.zeros((*size, 3), np.uint8)), np.zeros(size))


def test_what_the_caller_does_to_its_arrays_afterwards_changes_nothing() -> None:
    _, frames, masks = still_sequence(3)
    expected_steady, steady = Steady(), Steady()
    expected = [expected_steady(mask, frame) for mask, frame in zip(masks, frames, strict=True)]
    for mask, frame, wanted in zip(masks, frames, expected, strict=True):
        mask, frame = mask.copy(), frame.copy()
        output = steady(mask, frame)
        np.testing.assert_array_equal(output, wanted)
        output[:], mask[:], frame[:] = 0.3, 0.9, 77


@pytest.mark.parametrize(
    "settings", [{"memory": 1}, {"memory": -0.1}, {"memory": math.nan}, {"motion": 0}, {"cut": -1}], ids=str
)
def test_steady_refuses_settings_that_make_no_sense(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        Steady(**settings)
