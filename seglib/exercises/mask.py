"""The exercises of 03_mask.ipynb: two classes in one mask, the piece in the middle, an edge that softens outwards."""

from typing import Any

import cv2
import numpy as np

from seglib.arrays import Labels, Mask
from seglib.exercises.marking import Answer, NotYet, exercise
from seglib.exercises.results import Array, Mistake, as_array, as_mask, need_not, need_shape
from seglib.samples import sample_labels, sample_mask


@exercise("keep_two", "03_mask")
def check_keep_two(keep_two: Answer) -> str:
    """``keep_two(labels)`` gives the mask of persons (15) and cats (8)."""
    for labels in (_crowd(), sample_labels(), np.zeros((4, 6), np.uint8)):
        true = np.isin(labels, (8, 15))
        mask = keep_two(labels)
        _need_kept(mask, labels, true)
        as_mask(mask, labels.shape, "keep_two")
    return "three pictures, one with a dog and a chair in it, and one with nobody"


def _crowd() -> Labels:
    """A bottle, a dog, a chair, a person, a cat and a television, each in its own stripe."""
    return np.repeat(np.array([0, 5, 12, 9, 15, 8, 20, 0], np.uint8), 6)[np.newaxis].repeat(20, axis=0)


def _need_kept(mask: Any, labels: Labels, true: Array) -> None:
    array = as_array(mask, "keep_two", "(H, W)")
    if array.ndim == 3:
        as_mask(array, labels.shape, "keep_two")
    need_shape(array, labels.shape, "keep_two")
    if np.array_equal(array, true):
        return
    person, cat = labels == 15, labels == 8
    mistakes = [
        Mistake(
            person, "it keeps the person, but no cat", "Two questions are to be asked. (15 | 8 is 15, by the way.)"
        ),
        Mistake(cat, "it keeps the cat, but no person", "Two questions are to be asked, and both answers count."),
        Mistake(
            person & cat, "it keeps nothing", "Which pixel is a person and a cat at once? Which word did you mean?"
        ),
        Mistake(
            labels != 0,
            "it keeps whatever has a name, a dog and a chair, too",
            "That is how the article blurs. Ask for the two classes by their numbers.",
        ),
        Mistake(labels >= 8, "it keeps a dog, a chair and a tv, too", "Larger and smaller mean nothing for classes."),
        Mistake(~true, "it keeps all but the two", "1 means keep. Are your 0 and 1 the right way round?"),
        Mistake(np.where(true, labels, 0), "the right pixels, but with values 8 and 15", "In a mask, keep is 1."),
        Mistake(true * 255, "the right pixels, but with the value 255", "In a mask, keep is 1."),
    ]
    need_not(array.astype(np.float64), mistakes, 1e-6)
    wrong = array.astype(np.float64) != true
    name = {0: "background", 5: "bottle", 8: "cat", 9: "chair", 12: "dog", 15: "person", 20: "tv"}[
        int(labels[wrong][0])
    ]
    raise NotYet(
        f"{np.count_nonzero(wrong)} pixels are wrong, the first of them is {name}", "Print np.unique of your mask."
    )


@exercise("keep_middle", "03_mask")
def check_keep_middle(keep_middle: Answer) -> str:
    """``keep_middle(mask)`` keeps only the piece whose centre is nearest to the middle of the frame."""
    for boxes in ((2, 1, 0), (1, 0), (1, 2), (0,), ()):
        mask, true = _pieces(boxes)
        kept = as_mask(keep_middle(mask), mask.shape, "keep_middle")
        if np.array_equal(kept, true):
            continue
        _explain_pieces(kept, mask, true)
    return "one, two and three people, the one in the middle never the largest, and an empty room"


# top, bottom, left, right of a large piece at one side, a small one in the middle, the largest at the other side
_BOXES = ((20, 95, 0, 40), (30, 55, 70, 92), (10, 95, 118, 158))


def _pieces(boxes: tuple[int, ...]) -> tuple[Mask, Mask]:
    """A mask with some of the pieces, and the one that is nearest to the middle alone."""
    mask, true = (np.zeros((100, 160), np.float32) for _ in range(2))
    for number in boxes:
        top, bottom, left, right = _BOXES[number]
        mask[top:bottom, left:right] = 1
    if boxes:
        top, bottom, left, right = _BOXES[1 if 1 in boxes else boxes[0]]
        true[top:bottom, left:right] = 1
    return mask, true


def _explain_pieces(kept: Mask, mask: Mask, true: Mask) -> None:
    _, numbers, stats, centres = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if not mask.any():
        raise NotYet("nobody is in the frame, and yet something is kept", "Without a piece, the mask stays empty.")
    if np.array_equal(kept, mask) and not np.array_equal(mask, true):
        raise NotYet(
            "all pieces are still there", "Which of the numbered pieces do you want, and where is numbers == it?"
        )
    if np.array_equal(kept > 0, numbers == 0) or np.array_equal(kept, 1 - mask):
        raise NotYet(
            "it keeps the outside", "Number 0 is all that is no piece, and its centre is near the middle. Leave it out."
        )
    if not kept.any():
        raise NotYet("nothing is kept", "One of the pieces should be. Is number 0, the outside, among your candidates?")
    piece = int(numbers[kept > 0][0])
    if np.array_equal(kept > 0, numbers == piece):
        areas = stats[1:, cv2.CC_STAT_AREA]
        if stats[piece, cv2.CC_STAT_AREA] == areas.max():
            raise NotYet(
                "it keeps the largest piece", "That is keep_largest. Here the distance from the middle decides."
            )
        x, y = centres[piece]
        raise NotYet(
            f"it keeps the piece with its centre at column {x:.0f}, row {y:.0f}; the middle is at column 80, row 50",
            "Centres are (x, y), columns first. Is your middle in the same order?",
        )
    raise NotYet("what it keeps is none of the pieces", "Keep the pixels where numbers is the number of your piece.")


@exercise("soft_edge", "03_mask")
def check_soft_edge(soft_edge: Answer) -> str:
    """``soft_edge(mask, radius)`` softens the edge outwards only: where the mask was 1, it stays 1."""
    disc = (np.hypot(*np.mgrid[-60:60, -80:80]) <= 35).astype(np.float32)
    person = (sample_mask()[::2, ::2] >= 0.5).astype(np.float32)
    reach = {}
    for mask, radius in ((disc, 4), (disc, 12), (person, 8)):
        soft = as_mask(soft_edge(mask, radius), mask.shape, "soft_edge")
        outside = cv2.distanceTransform((mask == 0).astype(np.uint8), cv2.DIST_L2, 5)
        _need_inside(soft, mask)
        _need_ramp(soft, outside, radius)
        reach[radius] = float(outside[soft > 0.05].max(initial=0))
    if reach[12] < 1.5 * reach[4]:
        seen = f"with radius 4 and with radius 12, the edge reaches {reach[4]:.0f} and {reach[12]:.0f} pixels far"
        raise NotYet(seen, "The second argument should decide how far. Is it used?")
    return "a disc and a person, with three radii: the inside is untouched, and outside it fades"


def _need_inside(soft: Mask, mask: Mask) -> None:
    lost = (soft < 0.999) & (mask == 1)
    if not lost.any():
        return
    seen = f"{np.count_nonzero(lost)} pixels that were 1 are less now, down to {soft[mask == 1].min():.2f}"
    if soft[mask == 0].max(initial=0) < 1e-3:
        raise NotYet(
            f"{seen}, and outside nothing is soft", "It softens inwards only. Which of two masks is the larger?"
        )
    raise NotYet(seen, "A feather works both ways. Which of two masks should win at each pixel?")


def _need_ramp(soft: Mask, outside: Array, radius: float) -> None:
    ring = (outside > 0) & (outside <= radius)
    between = (soft > 0.02) & (soft < 0.98) & ring
    if soft[ring].max() < 0.02:
        raise NotYet("the edge is as hard as before", "The inside is right. Outside, it should fade over some pixels.")
    if not between.any():
        raise NotYet("the mask has grown, but its edge is hard", "Between 1 and 0 there should be values in between.")
    far = soft[outside > 3 * radius + 3]
    if far.max(initial=0) > 0.05:
        seen = f"far away from the edge, more than {3 * radius} pixels, the mask is still {far.max():.2f}"
        raise NotYet(seen, "Far from the person it should be 0.")
    near, later = (
        soft[(outside > 0) & (outside <= 1.5)].mean(),
        soft[(outside > radius) & (outside <= radius + 1.5)].mean(),
    )
    if near <= later:
        raise NotYet("the mask gets larger away from the person", "It should fade: most beside her, then less.")
