"""The numbers that the notebooks quote: the quality of a mask, its flicker, its halo, and where the time goes."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from seglib.arrays import Frame, Mask, check_frame, check_mask, check_positive


def iou(mask: Mask, truth: Mask, threshold: float = 0.5) -> float:
    """Return the intersection over union of two masks, also called the Jaccard index.

    Parameters
    ----------
    mask
        The prediction, (H, W) float in [0, 1] or bool.
    truth
        The ground truth, of the same shape.
    threshold
        A pixel from this value on counts as inside.

    Returns
    -------
    float
        In [0, 1]; 1 is a perfect match. Two empty masks score 1.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> mask, truth = np.array([[1, 1, 0, 0]], bool), np.array([[0, 1, 1, 1]], bool)
    >>> seglib.iou(mask, truth)
    0.25
    """
    a, b = _inside(mask, truth, threshold)
    union = int(np.count_nonzero(a | b))
    return int(np.count_nonzero(a & b)) / union if union else 1.0


def boundary_f_score(mask: Mask, truth: Mask, tolerance: float = 2.0, threshold: float = 0.5) -> float:
    """Return how well the outlines of two masks match; it notices a ragged edge that hardly changes the IoU.

    Parameters
    ----------
    mask
        The prediction, (H, W) float in [0, 1] or bool.
    truth
        The ground truth, of the same shape.
    tolerance
        Distance in pixels, > 0, up to which an outline pixel counts as matched.
    threshold
        A pixel from this value on counts as inside.

    Returns
    -------
    float
        In [0, 1]; 1 is a perfect match. Two masks without an outline score 1.

    Raises
    ------
    ValueError
        If the shapes differ or ``tolerance`` is not positive.

    Notes
    -----
    Precision is the fraction of the mask's outline within ``tolerance`` of the true outline, recall the reverse. The
    score is their harmonic mean [1]_. The border of the frame is not part of an outline.

    References
    ----------
    .. [1] Csurka, Larlus & Perronnin, "What is a good evaluation measure for semantic segmentation?", BMVC 2013.

    Examples
    --------
    >>> seglib.boundary_f_score(np.roll(mask, 1, axis=1), mask)
    1.0
    """
    check_positive(tolerance, "tolerance")
    a, b = (_outline(inside) for inside in _inside(mask, truth, threshold))
    if not a.any() or not b.any():
        return float(a.any() == b.any())
    precision, recall = _fraction_near(a, b, tolerance), _fraction_near(b, a, tolerance)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def flicker(masks: Iterable[Mask], truths: Iterable[Mask] | None = None) -> float:
    """Return how much a mask changes from frame to frame where it should not.

    Parameters
    ----------
    masks
        The masks of consecutive frames, at least two.
    truths
        Their ground truth. If given, only pixels whose ground truth does not change count, so that true motion is not
        flicker.

    Returns
    -------
    float
        The mean absolute change, in [0, 1].

    Raises
    ------
    ValueError
        If there are fewer than two masks, or another number of ground truths.

    Examples
    --------
    >>> dark, bright = np.zeros((4, 6)), np.ones((4, 6))
    >>> seglib.flicker([dark, bright, bright])
    0.5
    """
    total, count = 0.0, 0
    for previous, current, is_still in _pairs(masks, truths):
        total += float(np.abs(current - previous)[is_still].sum(dtype=np.float64))
        count += int(np.count_nonzero(is_still))
    if count == 0:
        raise ValueError("flicker needs at least two masks, and pixels whose truth does not change")
    return total / count


def halo(output: Frame, clean_background: Frame, mask: Mask, width: int = 8) -> float:
    """Return how far foreground colours leak into the background around them.

    Parameters
    ----------
    output
        The image to judge, (H, W, 3) uint8.
    clean_background
        What the background would look like without anybody in front of it, (H, W, 3) uint8.
    mask
        (H, W) float in [0, 1] or bool; above 0 is foreground.
    width
        Of the ring around the foreground in which colours are compared, in pixels, > 0.

    Returns
    -------
    float
        The mean absolute error in the ring, in levels of 255.

    Raises
    ------
    ValueError
        If the shapes differ, ``width`` is not positive, or there is no ring.

    Examples
    --------
    >>> wall = np.full_like(frame, 128)
    >>> seglib.halo(seglib.blend(frame, mask, wall), wall, mask)
    0.0
    """
    clean_background = check_frame(clean_background, "clean_background")
    error = np.abs(check_frame(output, "output").astype(np.float32) - clean_background)  # (H, W, 3)
    covered = (check_mask(mask, output) > 0).astype(np.uint8)
    distance = cv2.distanceTransform(1 - covered, cv2.DIST_L2, 5)
    ring = (distance > 0) & (distance <= check_positive(width, "width")) & bool(covered.any())
    if not ring.any():
        raise ValueError("there is no ring around the mask: it is empty or covers the whole frame")
    return float(error[ring].mean())


class Stopwatch:
    """Measure the stages of a loop.

    Attributes
    ----------
    seconds
        The durations of each stage, by its name.

    Examples
    --------
    >>> watch = seglib.Stopwatch()
    >>> for _ in range(3):
    ...     with watch("blur"):
    ...         output = seglib.blur_background(frame, mask)
    >>> list(watch.milliseconds())
    ['blur']
    """

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Measure a ``with`` block, even one that raises.

        Parameters
        ----------
        stage
            Name of the stage.
        """
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add(stage, time.perf_counter() - start)

    def add(self, stage: str, seconds: float) -> None:
        """Add a duration that was measured elsewhere.

        Parameters
        ----------
        stage
            Name of the stage.
        seconds
            The duration.
        """
        self.seconds.setdefault(stage, []).append(seconds)

    def milliseconds(self) -> dict[str, float]:
        """Return the median of each stage, which a slow first frame does not distort.

        Returns
        -------
        dict
            Stage to milliseconds.
        """
        return {stage: 1000 * median(values) for stage, values in self.seconds.items()}


def _inside(mask: Mask, truth: Mask, threshold: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    truth = check_mask(truth, name="truth")
    return check_mask(mask, truth) >= threshold, truth >= threshold


def _outline(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels inside that touch the outside; the border of the frame does not count as outside."""
    eroded = cv2.erode(inside.view(np.uint8), np.ones((3, 3), np.uint8), borderValue=1)
    return np.asarray(inside & (eroded == 0))


def _fraction_near(outline: NDArray[np.bool_], other: NDArray[np.bool_], tolerance: float) -> float:
    distance = cv2.distanceTransform((~other).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return float((distance[outline] <= tolerance).mean())


def _pairs(masks: Iterable[Mask], truths: Iterable[Mask] | None) -> Iterator[tuple[Mask, Mask, NDArray[np.bool_]]]:
    """Yield each mask with the previous one, and where the ground truth is the same in both."""
    previous: tuple[Mask, Mask] | None = None
    still = ((mask, np.zeros(np.shape(mask), bool)) for mask in masks)  # without a ground truth, every pixel counts
    for mask, truth in still if truths is None else zip(masks, truths, strict=True):
        current = check_mask(mask), check_mask(truth, mask, "truth")
        if previous is not None:
            check_mask(previous[0], current[0])
            yield previous[0], current[0], previous[1] == current[1]
        previous = current
