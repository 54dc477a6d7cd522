"""From labels or raw network output to a mask worth compositing with.

Every function takes a mask, (H, W) float in [0, 1] or bool, and returns a new (H, W) float32 mask; the input is
never changed. All of them keep a soft mask soft. Taught in 03_mask.ipynb.
"""

from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from seglib._internal.resizing import resize, small_view
from seglib.arrays import Frame, Labels, Mask, bands, check_frame, check_labels, check_mask, check_positive
from seglib.classes import ClassName, class_numbers
from seglib.guided_filter import guided_filter

_LEAST_FRINGE = 12  # pixels around a region that may be its soft fringe, however small the mask is
_FLAT = 1e-3  # the variance of colour, in [0, 1] units, below which a picture counts as flat


def class_mask(labels: Labels, keep: ClassName | Iterable[ClassName] = ("person",)) -> Mask:
    """The hard mask of some classes: 1.0 where the label is one of them, else 0.0.

    labels: (H, W) integers, VOC numbers. keep: class names or numbers.
    ``class_mask(labels)`` is the article's ``labels == 15``.
    Raises ValueError for an unknown class.
    """
    return np.isin(check_labels(labels), class_numbers(keep)).astype(np.float32)


def threshold_mask(mask: Mask, threshold: float = 0.5, softness: float = 0.0) -> Mask:
    """Decide: 1 above ``threshold``, 0 below it, with a linear ramp of width ``softness`` between.

    threshold: in (0, 1]; a hard mask keeps what is exactly on it.
    softness: in [0, 1], the width of the ramp in mask values, centred on the threshold; 0 gives a hard mask. The
        ramp is narrowed where it would leave [0, 1], so 0 stays 0 and 1 stays 1.
    """
    mask = check_mask(mask)
    _check_share(threshold, "threshold")
    if not 0 <= softness <= 1:
        raise ValueError(f"softness is {softness}, but must lie in [0, 1]")
    half = min(softness / 2, threshold, 1 - threshold)
    if half < 1e-6:  # narrower than float32 can tell
        return (mask >= threshold).astype(np.float32)
    slope = 1 / (2 * half)
    ramp = np.empty_like(mask)
    for rows in bands(len(mask)):
        np.multiply(mask[rows], np.float32(slope), out=ramp[rows])
        ramp[rows] += np.float32(0.5 - threshold * slope)
        np.clip(ramp[rows], 0, 1, out=ramp[rows])
    return ramp


def remove_small_objects(mask: Mask, share: float = 0.01) -> Mask:
    """Remove regions smaller than ``share`` of the frame, with the soft fringe around them.

    share: in (0, 1]. A region is where the mask is 0.5 or more, connected over edges and corners.
    """
    mask = check_mask(mask)
    numbers, areas = _regions(mask >= 0.5)
    return _overwrite(mask, numbers, areas < _check_share(share, "share") * mask.size, 0)


def remove_small_holes(mask: Mask, share: float = 0.01) -> Mask:
    """Fill holes smaller than ``share`` of the frame. Gaps that reach the frame's border are no holes.

    share: in (0, 1]. A hole is where the mask is below 0.5, connected over edges and corners.
    """
    mask = check_mask(mask)
    numbers, areas = _regions(mask < 0.5)
    for line in (numbers[0], numbers[-1], numbers[:, 0], numbers[:, -1]):
        areas[line] = mask.size + 1  # what reaches the border is larger than any hole
    return _overwrite(mask, numbers, areas < _check_share(share, "share") * mask.size, 1)


def keep_largest(mask: Mask) -> Mask:
    """Keep only the largest region: the person in front, not the passer-by. An empty mask stays empty."""
    mask = check_mask(mask)
    numbers, areas = _regions(mask >= 0.5)
    areas[0] = 0
    return _overwrite(mask, numbers, np.arange(len(areas)) != areas.argmax(), 0, far=True)


def feather(mask: Mask, radius: float) -> Mask:
    """Soften the edge: a Gaussian whose standard deviation is half the radius.

    radius: in pixels, > 0; about how far the edge reaches on either side.
    """
    sigma = check_positive(radius, "radius") / 2
    return np.clip(np.asarray(cv2.GaussianBlur(check_mask(mask), (0, 0), sigma), np.float32), 0, 1)


def refine_edges(mask: Mask, frame: Frame, radius: int | None = None, strength: float = _FLAT) -> Mask:
    """Move a blurry edge of the mask onto the nearest edge in the picture.

    radius: how far to look, in pixels; None means H / 40. strength: the variance of colour, in [0, 1] units, below
    which the picture counts as flat; smaller follows fainter edges.
    Source: He, Sun, Tang, "Guided Image Filtering", 2010, with the colour frame as the guide.
    """
    frame = check_frame(frame)
    mask = check_mask(mask, frame)
    radius = _near(frame) if radius is None else max(1, round(check_positive(radius, "radius")))
    return guided_filter(mask, frame, radius, check_positive(strength, "strength"))


def clean_mask(mask: Mask, frame: Frame, threshold: float = 0.5, share: float = 0.01) -> Mask:
    """The whole clean-up: drop specks, fill holes, follow the picture's edges, decide with a soft ramp.

    The steps of 03_mask.ipynb in one call, as the demo uses them. They work on a half, a third … of the frame if it has
    more than 360 rows (or columns, if those are fewer), and the mask grows again before the last decision.
    threshold: what counts as a person, see :func:`threshold_mask`.
    share: see :func:`remove_small_objects` and :func:`remove_small_holes`.
    """
    frame = check_frame(frame)
    mask = check_mask(mask, frame)
    small = threshold_mask(small_view(mask), threshold, softness=0.4)
    small = remove_small_holes(remove_small_objects(small, share), share)
    view = small_view(frame)
    followed = guided_filter(small, view, _near(view), _FLAT)
    # threshold_mask(enlarged, softness=0.3): its ramp is straight, so it is applied before enlarging and clipped after.
    ramp = resize((followed - np.float32(0.5)) / np.float32(0.3) + np.float32(0.5), mask.shape[::-1])
    return np.asarray(np.clip(ramp, 0, 1, out=ramp), np.float32)


def _regions(inside: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The connected regions of ``inside``: the number of each pixel's, (H, W), and the size in pixels of each number.

    Number 0 is what lies outside, and counts as larger than the frame.
    """
    count, numbers = cv2.connectedComponents(inside.view(np.uint8))
    areas = np.array([inside.size + 1, np.count_nonzero(inside)])[:count]
    if count > 2:
        areas = np.bincount(numbers.ravel(), minlength=count)
        areas[0] = inside.size + 1
    return np.asarray(numbers, np.int32), areas


def _overwrite(
    mask: Mask, numbers: NDArray[np.int32], chosen: NDArray[np.bool_], value: float, far: bool = False
) -> Mask:
    """A copy of the mask with the chosen regions overwritten, and their soft fringe: what is nearest to them, and near.

    far: also what is not near. It takes longer, since the whole mask must be looked at.
    """
    mask = mask.copy()
    chosen[0] = False
    if chosen.any():  # in most frames nothing is
        reach = max(mask.shape) if far else max(_LEAST_FRINGE, _reach(mask))
        hit = chosen[numbers].view(np.uint8)
        x, y, width, height = cv2.boundingRect(hit)
        wide = 2 * reach  # so that the rivals of whatever is within reach are in sight, too
        part = slice(max(0, y - wide), y + height + wide), slice(max(0, x - wide), x + width + wide)
        outside = (numbers[part] == 0).view(np.uint8)
        distance, nearest = cv2.distanceTransformWithLabels(outside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_CCOMP)
        near = np.zeros(outside.size + 1, bool)  # that function numbers the regions by itself
        near[nearest[hit[part].view(bool)]] = True
        mask[part][near[nearest] & (distance <= reach)] = value
    return mask


def _reach(image: NDArray[Any]) -> int:
    """How far a soft fringe extends, in pixels of the mask."""
    return max(1, round(image.shape[0] / 20))


def _near(image: NDArray[Any]) -> int:
    """How far refine_edges looks, in pixels of the frame: masks are hardly further from the edge than this."""
    return max(1, round(image.shape[0] / 40))


def _check_share(value: float, name: str) -> float:
    if not 0 < value <= 1:
        raise ValueError(f"{name} is {value}, but must lie in (0, 1]")
    return value
