"""The numbers that the notebooks quote: how good a mask is, how calm, how clean its edge, and where time goes."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from seglib.arrays import Frame, Mask, check_frame, check_mask, check_positive


def iou(mask: Mask, truth: Mask, threshold: float = 0.5) -> float:
    """Intersection over union of two masks, in [0, 1]: shared area / covered area. 1 is a perfect match.

    mask, truth: (H, W) float in [0, 1] or bool; from ``threshold`` on a pixel counts as inside. Two empty masks
    agree, so they score 1. Raises ValueError if the shapes differ. Also called the Jaccard index (1901).
    """
    a, b = _inside(mask, truth, threshold)
    union = int(np.count_nonzero(a | b))
    return int(np.count_nonzero(a & b)) / union if union else 1.0


def boundary_f_score(mask: Mask, truth: Mask, tolerance: float = 2.0, threshold: float = 0.5) -> float:
    """How well two outlines match, in [0, 1]: IoU hardly notices a ragged edge, this does.

    Precision is the share of the mask's outline that lies within ``tolerance`` pixels of the true outline, recall the
    same the other way round; the score is their harmonic mean. Two masks without an outline score 1.
    Source: Csurka, Larlus, Perronnin, "What is a good evaluation measure for semantic segmentation?", BMVC 2013.
    """
    check_positive(tolerance, "tolerance")
    a, b = (_outline(inside) for inside in _inside(mask, truth, threshold))
    if not a.any() or not b.any():
        return float(a.any() == b.any())
    precision, recall = _share_near(a, b, tolerance), _share_near(b, a, tolerance)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def flicker(masks: Iterable[Mask], truths: Iterable[Mask] | None = None) -> float:
    """How much a mask changes from frame to frame where it should not: mean absolute change, in [0, 1].

    masks: the masks of consecutive frames. truths: their true masks; if given, only pixels whose truth did not
    change count, so that true movement is no flicker. Raises ValueError for fewer than two masks, or if there are
    not as many truths.
    """
    total, count = 0.0, 0
    for before, now, still in _pairs(masks, truths):
        total += float(np.abs(now - before)[still].sum(dtype=np.float64))
        count += int(np.count_nonzero(still))
    if count == 0:
        raise ValueError("flicker needs at least two masks, and pixels whose truth stands still")
    return total / count


def halo(output: Frame, truth: Frame, mask: Mask, width: int = 8) -> float:
    """How far colours leak out of the kept part: mean error in levels of 255, in a ring just outside it.

    output: (H, W, 3) uint8, the picture to judge.
    truth: (H, W, 3) uint8, what the background would look like if nobody stood before it.
    mask: 1 = kept. width: of the ring in pixels. Raises ValueError if shapes differ or there is no outside.
    """
    error = np.abs(check_frame(output).astype(np.float32) - check_frame(truth, "truth"))  # (H, W, 3)
    covered = (check_mask(mask, output) > 0).astype(np.uint8)
    distance = cv2.distanceTransform(1 - covered, cv2.DIST_L2, 5)
    ring = (distance > 0) & (distance <= check_positive(width, "width")) & bool(covered.any())
    if not ring.any():
        raise ValueError("there is no ring around the mask: it is empty or covers the whole frame")
    return float(error[ring].mean())


class Stopwatch:
    """Times the stages of a loop: ``with watch("predict"): ...`` Ask :meth:`milliseconds` at the end.

    seconds: stage -> list of durations in seconds.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add(stage, time.perf_counter() - start)

    def add(self, stage: str, seconds: float) -> None:
        """Note a duration that was measured elsewhere."""
        self.seconds.setdefault(stage, []).append(seconds)

    def milliseconds(self) -> dict[str, float]:
        """The median of every stage in milliseconds: one slow frame, the first one usually, does not spoil it."""
        return {stage: 1000 * median(values) for stage, values in self.seconds.items()}


def _inside(mask: Mask, truth: Mask, threshold: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    truth = check_mask(truth, name="truth")
    return check_mask(mask, truth) >= threshold, truth >= threshold


def _outline(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels inside that touch the outside. The frame's own border is no outline."""
    shrunk = cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1)
    return inside & (shrunk == 0)


def _share_near(outline: NDArray[np.bool_], other: NDArray[np.bool_], tolerance: float) -> float:
    distance = cv2.distanceTransform((~other).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return float((distance[outline] <= tolerance).mean())


def _pairs(masks: Iterable[Mask], truths: Iterable[Mask] | None) -> Iterator[tuple[Mask, Mask, NDArray[np.bool_]]]:
    """Each mask with the one before it, and where the truth stands still between the two."""
    before: tuple[Mask, Mask] | None = None
    both = ((mask, mask * 0) for mask in masks) if truths is None else zip(masks, truths, strict=True)
    for mask, truth in both:
        now = check_mask(mask), check_mask(truth, mask, "truth")
        if before is not None:
            check_mask(before[0], now[0])
            yield before[0], now[0], before[1] == now[1]
        before = now
