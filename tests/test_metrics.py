"""seglib.metrics: against sets, brute force, scikit-image and sequences whose answer is known."""

from __future__ import annotations

import math
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
import scipy.ndimage as ndi
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.metrics import hausdorff_distance
from torchvision.ops import box_iou

import seglib
from seglib import Stopwatch, boundary_f_score, flicker, halo, iou

QUICK = settings(max_examples=80, deadline=None)
SIZES = st.tuples(st.integers(1, 9), st.integers(1, 9))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Two hard masks of one size."""
    size = draw(SIZES)
    return draw(hnp.arrays(bool, size)), draw(hnp.arrays(bool, size))


def square(top: int, left: int, side: int = 30, size: tuple[int, int] = (80, 100)) -> np.ndarray:
    mask = np.zeros(size, np.float32)
    mask[top : top + side, left : left + side] = 1
    return mask


# ---- IoU ---------------------------------------------------------------------------------------------------


@QUICK
@given(pairs())
def test_iou_is_what_sets_of_pixels_say(pair: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = (set(zip(*np.nonzero(mask), strict=True)) for mask in pair)
    assert iou(*pair) == (len(a & b) / len(a | b) if a | b else 1.0)


@QUICK
@given(pairs())
def test_iou_is_symmetric_within_bounds_and_one_for_equals(pair: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = pair
    assert iou(a, b) == iou(b, a)
    assert 0 <= iou(a, b) <= 1
    assert iou(a, a) == 1
    assert (iou(a, b) == 1) == bool((a == b).all())


def test_iou_of_rectangles_is_torchvisions_box_iou() -> None:
    rng = np.random.default_rng(0)
    boxes = np.sort(rng.integers(0, 40, (12, 2, 2)), axis=1)  # (12, corners, x and y)
    boxes[:, 1] += 1
    masks = np.zeros((12, 42, 42), bool)
    for mask, ((left, top), (right, bottom)) in zip(masks, boxes, strict=True):
        mask[top:bottom, left:right] = True
    expected = box_iou(*[torch.from_numpy(boxes.reshape(12, 4))] * 2).numpy()
    assert 0.1 < expected.mean() < 0.9
    np.testing.assert_allclose([[iou(a, b) for a in masks] for b in masks], expected, atol=1e-6)


def test_iou_cuts_soft_masks_at_the_threshold() -> None:
    soft, truth = np.array([[0.2, 0.5, 0.6, 0.9]]), np.array([[0.0, 1.0, 1.0, 1.0]])
    assert iou(soft, truth) == 1
    assert iou(soft, truth, threshold=0.6) == pytest.approx(2 / 3)


@pytest.mark.parametrize("score", [iou, boundary_f_score])
def test_masks_of_two_sizes_cannot_be_compared(score: object) -> None:
    with pytest.raises(ValueError, match=r"\(4, 6\).*\(5, 6\)"):
        score(np.zeros((4, 6)), np.zeros((5, 6)))
    with pytest.raises(ValueError, match="truth"):
        score(np.zeros((4, 6)), np.full((4, 6), 2.0))


# ---- boundary F-score --------------------------------------------------------------------------------------


def outline_by_hand(mask: np.ndarray) -> list[tuple[int, int]]:
    """Pixels inside with one of their eight neighbours outside; beyond the frame there is nothing."""
    height, width = mask.shape
    found = []
    for y, x in zip(*np.nonzero(mask), strict=True):
        around = mask[max(0, y - 1) : min(height, y + 2), max(0, x - 1) : min(width, x + 2)]
        if not around.all():
            found.append((y, x))
    return found


def f_score_by_hand(a: np.ndarray, b: np.ndarray, tolerance: float) -> float:
    first, second = outline_by_hand(a), outline_by_hand(b)
    if not first or not second:
        return float(bool(first) == bool(second))

    def near(points: list[tuple[int, int]], others: list[tuple[int, int]]) -> float:
        return np.mean([min(math.dist(p, o) for o in others) <= tolerance for p in points])

    precision, recall = near(first, second), near(second, first)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@QUICK
@given(pairs(), st.sampled_from([0.5, 1.0, 1.5, 2.1, 3.5]))
def test_boundary_f_score_is_what_brute_force_says(pair: tuple[np.ndarray, np.ndarray], tolerance: float) -> None:
    assert boundary_f_score(*pair, tolerance) == pytest.approx(f_score_by_hand(*pair, tolerance), abs=1e-6)


def test_a_shift_within_the_tolerance_is_forgiven_and_a_larger_one_is_not() -> None:
    truth = square(20, 30)
    assert boundary_f_score(square(20, 31), truth, tolerance=2) == 1
    assert boundary_f_score(square(25, 35), truth, tolerance=2) < 0.35
    assert boundary_f_score(square(25, 35), truth, tolerance=8) == 1


def test_the_tolerance_at_which_everything_matches_is_scikit_images_hausdorff_distance() -> None:
    a, b = square(20, 30, 24), square(23, 34, 31)
    a_outline, b_outline = (mask - ndi.binary_erosion(mask, np.ones((3, 3))) > 0 for mask in (a, b))
    distance = hausdorff_distance(a_outline, b_outline)
    assert distance > 3
    assert boundary_f_score(a, b, tolerance=distance + 0.01) == 1
    assert boundary_f_score(a, b, tolerance=distance - 0.01) < 1


def test_a_ragged_edge_costs_boundary_score_but_hardly_any_iou() -> None:
    truth = square(10, 10, 60)
    ragged = truth.copy()
    ragged[10:70, 64:70:1][::6] = 0  # bites of 1 by 6 pixels
    assert iou(ragged, truth) > 0.98
    assert boundary_f_score(ragged, truth, tolerance=1) < 0.95


def test_the_frames_border_is_no_outline() -> None:
    full, half = np.ones((20, 20)), np.ones((20, 20))
    half[:, 10:] = 0
    assert boundary_f_score(full, full) == 1
    assert boundary_f_score(half, full) == 0
    assert boundary_f_score(np.zeros((20, 20)), half) == 0


@pytest.mark.parametrize("tolerance", [0, -1, math.nan])
def test_the_tolerance_must_be_positive(tolerance: float) -> None:
    with pytest.raises(ValueError, match="tolerance"):
        boundary_f_score(np.ones((4, 4)), np.ones((4, 4)), tolerance)


# ---- flicker -----------------------------------------------------------------------------------------------


def test_flicker_of_known_sequences() -> None:
    black, white = np.zeros((4, 6), np.float32), np.ones((4, 6), np.float32)
    assert flicker([black] * 5) == 0
    assert flicker([black, white] * 3) == 1
    assert flicker([black, white, white]) == 0.5
    one_pixel = black.copy()
    one_pixel[0, 0] = 0.25
    assert flicker([black, one_pixel]) == pytest.approx(0.25 / 24)


@QUICK
@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(2, 5), st.integers(1, 5), st.integers(1, 5)),
        elements=st.floats(0, 1, width=32),
    )
)
def test_flicker_is_numpys_mean_difference_and_has_no_direction(masks: np.ndarray) -> None:
    expected = np.abs(np.diff(masks.astype(np.float64), axis=0)).mean()
    assert flicker(masks) == pytest.approx(expected, abs=1e-6)
    assert flicker(masks[::-1]) == pytest.approx(expected, abs=1e-6)


def test_true_movement_is_no_flicker_and_false_movement_is() -> None:
    truths = [square(20, 10 + 7 * number) for number in range(6)]
    assert flicker(truths) > 0.01
    assert flicker(truths, truths) == 0
    shaking = [np.roll(truth, number % 2, axis=0) for number, truth in enumerate(truths)]
    assert flicker(shaking, truths) > 0


def test_flicker_reads_one_mask_at_a_time() -> None:
    def stream() -> Iterator[np.ndarray]:
        yield from (square(20, 10 + number) for number in range(4))

    assert flicker(stream(), stream()) == 0
    assert flicker(stream()) == pytest.approx(2 * 30 / 8000)


@pytest.mark.parametrize("count", [0, 1])
def test_flicker_needs_two_masks(count: int) -> None:
    with pytest.raises(ValueError, match="at least two masks"):
        flicker([np.zeros((4, 6))] * count)


def test_flicker_refuses_masks_that_do_not_belong_together() -> None:
    mask = np.zeros((4, 6))
    with pytest.raises(ValueError, match="argument"):
        flicker([mask] * 3, [mask] * 2)
    with pytest.raises(ValueError, match=r"\(4, 6\).*\(5, 6\)"):
        flicker([mask, np.zeros((5, 6))])
    with pytest.raises(ValueError, match="truth"):
        flicker([mask] * 2, [np.zeros((5, 6))] * 2)


# ---- halo --------------------------------------------------------------------------------------------------


def red_disc_on_grey() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frame, mask, and what stands behind the disc."""
    mask = np.zeros((240, 320), np.float32)
    cv2.circle(mask, (160, 120), 60, 1.0, -1)
    grey = np.full((240, 320, 3), 128, np.uint8)
    return np.where(mask[..., None] > 0, np.uint8([255, 0, 0]), grey).astype(np.uint8), mask, grey


def test_the_articles_blur_leaks_and_ours_does_not() -> None:
    frame, mask, grey = red_disc_on_grey()
    naive = np.where(mask[..., None] > 0, frame, cv2.GaussianBlur(frame, (51, 51), 0))
    assert halo(naive, grey, mask) > 10
    assert halo(seglib.blur_background(frame, mask, kernel=51), grey, mask) < 1


def test_halo_is_the_mean_error_in_the_ring_and_nowhere_else() -> None:
    _, mask, grey = red_disc_on_grey()
    distance = ndi.distance_transform_edt(mask == 0)
    ring = (distance > 0) & (distance <= 8)
    output = grey.copy()
    output[ring] += 20
    assert halo(output, grey, mask) == pytest.approx(20, abs=0.7)
    output = grey.copy()
    output[~ndi.binary_dilation(ring, iterations=2)] += 50
    assert halo(output, grey, mask) == 0
    output = grey.copy()
    output[mask > 0] = 0
    assert halo(output, grey, mask) == 0


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_mask_without_an_edge_has_no_halo_to_measure(value: float) -> None:
    picture = np.zeros((20, 20, 3), np.uint8)
    with pytest.raises(ValueError, match="no ring"):
        halo(picture, picture, np.full((20, 20), value))


def test_halo_refuses_pictures_that_do_not_fit() -> None:
    picture, mask = np.zeros((20, 20, 3), np.uint8), square(5, 5, 5, (20, 20))
    for arguments in ((picture, picture[:10], mask), (picture, picture, mask[:10]), (picture / 2, picture, mask)):
        with pytest.raises(ValueError, match=r"\(10, 20|float64|could not be broadcast"):
            halo(*arguments)
    with pytest.raises(ValueError, match="width"):
        halo(picture, picture, mask, width=0)


# ---- time --------------------------------------------------------------------------------------------------


def test_the_stopwatch_keeps_every_duration_of_every_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([0.0, 0.010, 1.0, 1.030, 2.0, 2.900, 3.0, 3.004])
    monkeypatch.setattr("time.perf_counter", lambda: next(ticks))
    watch = Stopwatch()
    for _ in range(3):
        with watch("predict"):
            pass
    with watch("blur"):
        pass
    assert watch.seconds == {"predict": pytest.approx([0.010, 0.030, 0.900]), "blur": pytest.approx([0.004])}
    assert watch.milliseconds() == {"predict": pytest.approx(30), "blur": pytest.approx(4)}


def test_the_stopwatch_counts_a_stage_that_fails_and_lets_the_error_through() -> None:
    watch = Stopwatch()
    with pytest.raises(ZeroDivisionError), watch("predict"):
        _ = 1 / 0
    assert len(watch.seconds["predict"]) == 1


def test_stages_may_stand_inside_one_another() -> None:
    watch = Stopwatch()
    with watch("all"), watch("part"):
        pass
    assert watch.seconds["all"][0] >= watch.seconds["part"][0] >= 0
    assert Stopwatch().milliseconds() == {}
