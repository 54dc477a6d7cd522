"""seglib.metrics: against torchvision, scikit-image, brute force, and sequences whose answer is known."""

from __future__ import annotations

import math
from collections.abc import Callable

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

QUICK = settings(max_examples=60, deadline=None)
PAIRS = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(lambda size: st.tuples(*[hnp.arrays(bool, size)] * 2))


def square(top: int, left: int, side: int = 30, size: tuple[int, int] = (80, 100)) -> np.ndarray:
    mask = np.zeros(size, np.float32)
    mask[top : top + side, left : left + side] = 1
    return mask


# ---- IoU ---------------------------------------------------------------------------------------------------


@QUICK
@given(PAIRS)
def test_iou_is_that_of_sets_of_pixels(pair: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = (set(zip(*np.nonzero(mask), strict=True)) for mask in pair)
    assert iou(*pair) == iou(*pair[::-1]) == (len(a & b) / len(a | b) if a | b else 1.0)


def test_iou_of_rectangles_is_torchvisions() -> None:
    rng = np.random.default_rng(0)
    boxes = np.sort(rng.integers(0, 40, (12, 2, 2)), axis=1)  # (12, corners, x and y)
    boxes[:, 1] += 1
    masks = [
        np.pad(np.ones((y1 - y0, x1 - x0)), ((y0, 42 - y1), (x0, 42 - x1))) for (x0, y0), (x1, y1) in boxes.tolist()
    ]
    theirs = box_iou(*[torch.from_numpy(boxes.reshape(12, 4))] * 2)
    np.testing.assert_allclose([[iou(a, b) for a in masks] for b in masks], theirs, atol=1e-6)


def test_iou_applies_the_threshold() -> None:
    soft, truth = np.array([[0.2, 0.5, 0.6, 0.9]]), np.array([[0.0, 1.0, 1.0, 1.0]])
    assert iou(soft, truth) == 1
    assert iou(soft, truth, threshold=0.6) == pytest.approx(2 / 3)


@pytest.mark.parametrize("score", [iou, boundary_f_score])
def test_masks_of_two_sizes_are_not_compared(score: Callable[..., float]) -> None:
    with pytest.raises(ValueError, match=r"\(4, 6\).*\(5, 6\)"):
        score(np.zeros((4, 6)), np.zeros((5, 6)))
    with pytest.raises(ValueError, match="truth"):
        score(np.zeros((4, 6)), np.full((4, 6), 2.0))


# ---- boundary F-score --------------------------------------------------------------------------------------


def outline_by_hand(mask: np.ndarray) -> list[tuple[int, int]]:
    """Pixels inside with one of their eight neighbours outside; beyond the frame there is nothing."""
    around = [
        (slice(max(0, y - 1), y + 2), slice(max(0, x - 1), x + 2)) for y, x in zip(*np.nonzero(mask), strict=True)
    ]
    return [point for point, window in zip(np.argwhere(mask).tolist(), around, strict=True) if not mask[window].all()]


def f_score_by_hand(a: np.ndarray, b: np.ndarray, tolerance: float) -> float:
    first, second = outline_by_hand(a), outline_by_hand(b)
    if not first or not second:
        return float(bool(first) == bool(second))
    distances = np.array([[math.dist(p, q) for q in second] for p in first])
    precision, recall = ((distances.min(axis) <= tolerance).mean() for axis in (1, 0))
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@QUICK
@given(PAIRS, st.sampled_from([0.5, 1.0, 1.5, 2.1, 3.5]))
def test_boundary_f_score_is_that_of_brute_force(pair: tuple[np.ndarray, np.ndarray], tolerance: float) -> None:
    assert boundary_f_score(*pair, tolerance) == pytest.approx(f_score_by_hand(*pair, tolerance), abs=1e-6)


def test_the_tolerance_at_which_everything_matches_is_the_hausdorff_distance() -> None:
    a, b = square(20, 30, 24), square(23, 34, 31)
    distance = hausdorff_distance(*(mask - ndi.binary_erosion(mask, np.ones((3, 3))) > 0 for mask in (a, b)))
    assert boundary_f_score(a, b, tolerance=distance + 0.01) == 1
    assert boundary_f_score(a, b, tolerance=distance - 0.01) < 1


def test_a_ragged_edge_lowers_the_boundary_score_but_hardly_the_iou() -> None:
    truth = square(10, 10, 60)
    ragged = truth.copy()
    ragged[10:70, 64:70][::6] = 0
    assert iou(ragged, truth) > 0.98
    assert boundary_f_score(ragged, truth, tolerance=1) < 0.95


@pytest.mark.parametrize("tolerance", [0, -1, math.nan])
def test_the_tolerance_must_be_positive(tolerance: float) -> None:
    with pytest.raises(ValueError, match="tolerance"):
        boundary_f_score(np.ones((4, 4)), np.ones((4, 4)), tolerance)


# ---- flicker -----------------------------------------------------------------------------------------------


@QUICK
@given(hnp.arrays(np.float32, st.tuples(*[st.integers(2, 5)] * 3), elements=st.floats(0, 1, width=32)))
def test_flicker_is_the_mean_difference_in_either_direction(masks: np.ndarray) -> None:
    expected = np.abs(np.diff(masks.astype(np.float64), axis=0)).mean()
    assert flicker(masks) == pytest.approx(expected, abs=1e-6)
    assert flicker(masks[::-1]) == pytest.approx(expected, abs=1e-6)
    assert flicker(masks > 0.5) == pytest.approx(np.abs(np.diff((masks > 0.5).astype(float), axis=0)).mean())


def test_true_movement_is_not_flicker() -> None:
    truths = [square(20, 10 + 7 * number) for number in range(6)]
    assert flicker(iter(truths)) > 0.01
    assert flicker(iter(truths), iter(truths)) == 0
    shaking = [np.roll(truth, number % 2, axis=0) for number, truth in enumerate(truths)]
    assert flicker(shaking, truths) > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([],), "two masks"),
        (([np.zeros((4, 6))],), "two masks"),
        (([np.zeros((4, 6))] * 3, [np.zeros((4, 6))] * 2), "shorter"),
        (([np.zeros((4, 6)), np.zeros((5, 6))],), r"\(4, 6\).*\(5, 6\)"),
        (([np.zeros((4, 6))] * 2, [np.zeros((5, 6))] * 2), "truth"),
    ],
)
def test_flicker_refuses_sequences_that_do_not_fit(arguments: tuple[list[np.ndarray], ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        flicker(*arguments)


# ---- halo --------------------------------------------------------------------------------------------------


def disc_before_a_wall() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mask = cv2.circle(np.zeros((240, 320), np.float32), (160, 120), 60, 1.0, -1)
    wall = np.full((240, 320, 3), 128, np.uint8)
    return np.where(mask[..., None] > 0, np.uint8([255, 0, 0]), wall).astype(np.uint8), mask, wall


def test_the_articles_blur_has_a_halo_and_ours_has_none() -> None:
    frame, mask, wall = disc_before_a_wall()
    naive = np.where(mask[..., None] > 0, frame, cv2.GaussianBlur(frame, (51, 51), 0))
    assert halo(naive, wall, mask) > 10
    assert halo(seglib.blur_background(frame, mask, kernel=51), wall, mask) < 1


def test_halo_is_the_mean_error_in_the_ring_and_nowhere_else() -> None:
    _, mask, wall = disc_before_a_wall()
    distance = ndi.distance_transform_edt(mask == 0)
    ring = (distance > 0) & (distance <= 8)
    outputs = [wall.copy() for _ in range(3)]
    outputs[0][ring] += 20
    outputs[1][~ndi.binary_dilation(ring, iterations=2)] += 50
    outputs[2][mask > 0] = 0
    assert [halo(output, wall, mask) for output in outputs] == [pytest.approx(20, abs=0.7), 0, 0]


IMAGE, MASK = np.zeros((20, 20, 3), np.uint8), square(5, 5, 5, (20, 20))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((IMAGE, IMAGE, MASK * 0), "no ring"),
        ((IMAGE, IMAGE, MASK * 0 + 1), "no ring"),
        ((IMAGE, IMAGE[:10], MASK), "broadcast"),
        ((IMAGE, IMAGE, MASK[:10]), r"\(10, 20\)"),
        ((IMAGE / 2, IMAGE, MASK), "output is float64"),
        ((IMAGE, IMAGE / 2, MASK), "clean_background is float64"),
        ((IMAGE, IMAGE, MASK, 0), "width"),
    ],
)
def test_halo_refuses_what_cannot_be_measured(arguments: tuple[np.ndarray, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        halo(*arguments)


# ---- time --------------------------------------------------------------------------------------------------


def test_the_stopwatch_keeps_every_duration_of_every_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 0.010, 1.0, 1.030, 2.0, 2.900, 3.0, 3.004])
    monkeypatch.setattr("time.perf_counter", lambda: next(times))
    watch = Stopwatch()
    for _ in range(3):
        with watch("predict"):
            pass
    with pytest.raises(ZeroDivisionError), watch("blur"):
        _ = 1 / 0
    watch.add("blur", 0.008)
    assert watch.seconds == {"predict": pytest.approx([0.010, 0.030, 0.900]), "blur": pytest.approx([0.004, 0.008])}
    assert watch.milliseconds() == {"predict": pytest.approx(30), "blur": pytest.approx(6)}
    assert Stopwatch().milliseconds() == {}
