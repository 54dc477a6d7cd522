"""The exercises of ``03_mask.ipynb``: two classes in one mask, the region in the middle, a soft outer edge."""

from typing import Any

import cv2
import numpy as np

from seglib.arrays import Labels, Mask
from seglib.classes import VOC_CLASSES
from seglib.exercises.checks import CheckFailed, Submission, exercise
from seglib.exercises.outputs import Array, Mistake, as_array, as_mask, reject_mistakes, require_shape
from seglib.samples import sample_labels, sample_mask


@exercise("keep_two", "03_mask")
def check_keep_two(keep_two: Submission) -> str:
    """``keep_two(labels)`` returns the mask of persons (15) and cats (8)."""
    for labels in (_stripes(), sample_labels(), np.zeros((4, 6), np.uint8)):
        mask = keep_two(labels)
        _require_kept(mask, labels, np.isin(labels, (8, 15)))
        as_mask(mask, labels.shape, "keep_two")
    return "three images: one also contains a dog and a chair, one is all background"


def _stripes() -> Labels:
    """A bottle, a dog, a chair, a person, a cat and a tv, each in its own stripe."""
    return np.repeat(np.array([0, 5, 12, 9, 15, 8, 20, 0], np.uint8), 6)[np.newaxis].repeat(20, axis=0)


def _require_kept(mask: Any, labels: Labels, expected: Array) -> None:
    array = as_array(mask, "keep_two", "(H, W)")
    if array.ndim == 3:
        as_mask(array, labels.shape, "keep_two")
    require_shape(array, labels.shape, "keep_two")
    if np.array_equal(array, expected):
        return
    person, cat = labels == 15, labels == 8
    reject_mistakes(
        array.astype(np.float64),
        [
            Mistake(person, "it keeps the person, but no cat", "Make two comparisons. (By the way, 15 | 8 is 15.)"),
            Mistake(cat, "it keeps the cat, but no person", "Make two comparisons, and combine both results."),
            Mistake(
                person & cat,
                "it keeps nothing",
                "No pixel is a person and a cat at once: which operator fits? Or are the numbers not 8 and 15?",
            ),
            Mistake(
                labels != 0,
                "it keeps everything but the background, a dog and a chair, too",
                "That is how the article blurs. Compare with the numbers of the two classes.",
            ),
            Mistake(labels >= 8, "it keeps a dog, a chair and a tv, too", "The order of class numbers has no meaning."),
            Mistake(~expected, "it keeps everything but the two", "1 means keep. Are your 0 and 1 swapped?"),
            Mistake(np.where(expected, labels, 0), "the right pixels are 8 and 15", "In a mask, keep is 1."),
            Mistake(expected * 255, "the right pixels have the value 255", "In a mask, keep is 1."),
        ],
        1e-6,
    )
    wrong = array.astype(np.float64) != expected
    raise CheckFailed(
        f"{np.count_nonzero(wrong)} pixels are wrong, the first of them is {VOC_CLASSES[int(labels[wrong][0])]}",
        "Print np.unique of your mask.",
    )


@exercise("keep_middle", "03_mask")
def check_keep_middle(keep_middle: Submission) -> str:
    """``keep_middle(mask)`` keeps only the region whose centroid is nearest to the middle of the frame."""
    for chosen in ((2, 1, 0), (1, 0), (1, 2), (0,), ()):
        mask, expected = _regions(chosen)
        kept = as_mask(keep_middle(mask), mask.shape, "keep_middle")
        if not np.array_equal(kept, expected):
            _explain_regions(kept, mask, expected)
    return "three, two and one people, the one in the middle never the largest, and an empty frame"


# Top, bottom, left, right of a large region at one side, a small one in the middle, the largest at the other side.
_BOXES = ((20, 95, 0, 40), (30, 55, 70, 92), (10, 95, 118, 158))


def _regions(chosen: tuple[int, ...]) -> tuple[Mask, Mask]:
    """A mask of some of the boxes, and a mask of the one that is nearest to the middle."""
    mask, expected = (np.zeros((100, 160), np.float32) for _ in range(2))
    for number in chosen:
        top, bottom, left, right = _BOXES[number]
        mask[top:bottom, left:right] = 1
    if chosen:
        top, bottom, left, right = _BOXES[1 if 1 in chosen else chosen[0]]
        expected[top:bottom, left:right] = 1
    return mask, expected


def _explain_regions(kept: Mask, mask: Mask, expected: Mask) -> None:
    _, numbers, stats, centroids = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if not mask.any():
        raise CheckFailed("the frame is empty, and yet something is kept", "Without a region, the mask stays empty.")
    if np.array_equal(kept, mask) and not np.array_equal(mask, expected):
        raise CheckFailed(
            "all regions are still there", "Which region number do you want, and where in numbers does it occur?"
        )
    if np.array_equal(kept > 0, numbers == 0) or np.array_equal(kept, 1 - mask):
        raise CheckFailed(
            "it keeps the outside", "Number 0 is the outside, and its centroid is near the middle. Exclude it."
        )
    if not kept.any():
        raise CheckFailed("nothing is kept", "One region should be. Is number 0, the outside, among your candidates?")
    number = int(numbers[kept > 0][0])
    if np.array_equal(kept > 0, numbers == number):
        if stats[number, cv2.CC_STAT_AREA] == stats[1:, cv2.CC_STAT_AREA].max():
            raise CheckFailed(
                "it keeps the largest region", "That is keep_largest. Here the distance from the middle decides."
            )
        x, y = centroids[number]
        raise CheckFailed(
            f"it keeps the region with its centroid at column {x:.0f}, row {y:.0f}; the middle is column 80, row 50",
            "Centroids are (x, y), columns first. Is your middle in the same order?",
        )
    raise CheckFailed("what it keeps is none of the regions", "Keep the pixels that have the number of your region.")


@exercise("soft_edge", "03_mask")
def check_soft_edge(soft_edge: Submission) -> str:
    """``soft_edge(mask, radius)`` softens the edge outwards only: where the mask was 1, it stays 1."""
    disc = (np.hypot(*np.mgrid[-60:60, -80:80]) <= 35).astype(np.float32)
    person = (sample_mask()[::2, ::2] >= 0.5).astype(np.float32)
    reach = {}
    for mask, radius in ((disc, 4), (disc, 12), (person, 8)):
        soft = as_mask(soft_edge(mask, radius), mask.shape, "soft_edge")
        distance = np.asarray(cv2.distanceTransform((mask == 0).astype(np.uint8), cv2.DIST_L2, 5))
        _require_inside(soft, mask)
        _require_ramp(soft, distance, radius)
        reach[radius] = float(distance[soft > 0.05].max(initial=0))
    if reach[12] > 2 * 12:
        observed = f"with radius 12 the edge reaches {reach[12]:.0f} pixels"
        raise CheckFailed(observed, "The radius says how far, at least roughly. Which number widens the edge so much?")
    if reach[12] < 1.5 * reach[4]:
        observed = f"with radius 4 the edge reaches {reach[4]:.0f} pixels, with radius 12 it reaches {reach[12]:.0f}"
        raise CheckFailed(observed, "The second argument should determine that distance. Is it used?")
    return "a disc and a person, with three radii: the inside is unchanged, and outside the mask fades"


def _require_inside(soft: Mask, mask: Mask) -> None:
    lost = (soft < 0.999) & (mask == 1)
    if not lost.any():
        return
    observed = f"{np.count_nonzero(lost)} pixels that were 1 are less now, down to {soft[mask == 1].min():.2f}"
    if soft[mask == 0].max(initial=0) < 1e-3:
        raise CheckFailed(
            f"{observed}, and outside nothing is soft", "It softens inwards only. Which of two masks is the larger?"
        )
    raise CheckFailed(observed, "feather softens in both directions. Which of two masks should count at each pixel?")


def _require_ramp(soft: Mask, distance: Array, radius: float) -> None:
    """Judge the edge; ``distance`` is the distance of each pixel from the mask, 0 inside it."""
    ring = (distance > 0) & (distance <= radius)
    if soft[ring].max() < 0.02:
        raise CheckFailed("the edge is as hard as before", "The inside is right. Outside, it should fade to 0.")
    if not ((soft > 0.02) & (soft < 0.98) & ring).any():
        raise CheckFailed("the mask has grown, but its edge is hard", "There should be values between 1 and 0.")
    far = soft[distance > 3 * radius + 3].max(initial=0)
    if far > 0.05:
        observed = f"more than {3 * radius} pixels from the edge, the mask is still {far:.2f}"
        raise CheckFailed(observed, "Far from the person it should be 0.")
    near, further = (soft[(distance > least) & (distance <= least + 1.5)].mean() for least in (0, radius))
    if near <= further:
        raise CheckFailed("the mask increases away from the person", "It should fade with the distance.")
