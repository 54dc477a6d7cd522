"""From labels or a model's raw output to a mask that is good enough for compositing.

Every function takes a mask, (H, W) float in [0, 1] or bool, and returns a new (H, W) float32 mask. A soft mask stays
soft. Taught in ``03_mask.ipynb``.
"""

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from seglib._internal.resizing import resize, small_view
from seglib.arrays import Frame, Labels, Mask, check_fraction, check_frame, check_labels, check_mask, check_positive
from seglib.classes import VOC_CLASSES, ClassName, class_numbers
from seglib.guided_filter import guided_filter

_MIN_FRINGE = 12  # pixels around a region that may be its soft fringe, however small the mask is
_EPSILON = 1e-3  # of the guided filter: colours with a smaller variance, in [0, 1] units, count as flat


def class_mask(
    labels: Labels,
    keep: ClassName | Iterable[ClassName] = ("person",),
    class_names: Sequence[str] = VOC_CLASSES,
) -> Mask:
    """Return the hard mask of some classes: 1 where the label is one of them, else 0.

    Parameters
    ----------
    labels
        Class numbers, (H, W) integers.
    keep
        Names or numbers of the classes to keep. The default is the article's ``labels == 15``.
    class_names
        The names of the classes in the order of their numbers, such as ``model.class_names``.

    Returns
    -------
    Mask
        (H, W) float32.

    Raises
    ------
    ValueError
        If a class is unknown.

    Examples
    --------
    >>> labels = seglib.sample_labels()
    >>> float(seglib.class_mask(labels, keep=("person", "cat")).max())
    1.0
    """
    return np.isin(check_labels(labels), class_numbers(keep, class_names)).astype(np.float32)


def threshold_mask(mask: Mask, threshold: float = 0.5, softness: float = 0.0) -> Mask:
    """Decide each pixel: 1 above the threshold, 0 below it, with a linear ramp between.

    Parameters
    ----------
    mask
        (H, W) float in [0, 1] or bool.
    threshold
        In (0, 1]. A hard result keeps the pixels that are equal to it.
    softness
        Width of the ramp in mask values, in [0, 1], centred on the threshold; 0 gives a hard mask. The ramp is
        narrowed where it would leave [0, 1], so 0 stays 0 and 1 stays 1.

    Returns
    -------
    Mask
        (H, W) float32 in [0, 1].

    Raises
    ------
    ValueError
        If ``threshold`` or ``softness`` is out of range.

    Examples
    --------
    >>> probabilities = np.array([[0.2, 0.45, 0.6]])
    >>> seglib.threshold_mask(probabilities)
    array([[0., 0., 1.]], dtype=float32)
    >>> seglib.threshold_mask(probabilities, softness=0.4)
    array([[0.   , 0.375, 0.75 ]], dtype=float32)
    """
    mask = check_mask(mask)
    check_fraction(threshold, "threshold")
    if not 0 <= softness <= 1:
        raise ValueError(f"softness is {softness}, but must lie in [0, 1]")
    half = min(softness / 2, threshold, 1 - threshold)
    if half < 1e-6:  # below float32's resolution
        return (mask >= threshold).astype(np.float32)
    ramp = _ramp(mask, threshold, 2 * half)
    return np.clip(ramp, 0, 1, out=ramp)


def remove_small_objects(mask: Mask, min_fraction: float = 0.01) -> Mask:
    """Remove small regions together with their soft fringe.

    Parameters
    ----------
    mask
        (H, W) float in [0, 1] or bool. A region is where it is 0.5 or more, connected over edges and corners.
    min_fraction
        Smallest area that stays, as a fraction of the frame, in (0, 1].

    Returns
    -------
    Mask
        (H, W) float32 in [0, 1].

    Raises
    ------
    ValueError
        If ``min_fraction`` is out of range.

    Examples
    --------
    >>> speck = np.zeros((100, 100), np.float32)
    >>> speck[10:15, 10:15] = 1  # 25 of 10,000 pixels
    >>> float(seglib.remove_small_objects(speck).max())
    0.0
    """
    mask = check_mask(mask)
    numbers, areas = _regions(mask >= 0.5)
    small = areas < check_fraction(min_fraction, "min_fraction") * mask.size
    return _overwrite(mask, numbers, small, 0)


def remove_small_holes(mask: Mask, min_fraction: float = 0.01) -> Mask:
    """Fill small holes together with their soft fringe.

    Parameters
    ----------
    mask
        (H, W) float in [0, 1] or bool. A hole is where it is below 0.5, connected over edges and corners; what touches
        the border of the frame is not a hole.
    min_fraction
        Smallest area that stays a hole, as a fraction of the frame, in (0, 1].

    Returns
    -------
    Mask
        (H, W) float32 in [0, 1].

    Raises
    ------
    ValueError
        If ``min_fraction`` is out of range.

    Examples
    --------
    >>> hole = np.ones((100, 100), np.float32)
    >>> hole[10:15, 10:15] = 0
    >>> float(seglib.remove_small_holes(hole).min())
    1.0
    """
    mask = check_mask(mask)
    numbers, areas = _regions(mask < 0.5)
    for border in (numbers[0], numbers[-1], numbers[:, 0], numbers[:, -1]):
        areas[border] = mask.size + 1  # larger than any hole
    small = areas < check_fraction(min_fraction, "min_fraction") * mask.size
    return _overwrite(mask, numbers, small, 1)


def keep_largest(mask: Mask) -> Mask:
    """Keep only the largest region: the person in front, not the passer-by.

    Parameters
    ----------
    mask
        (H, W) float in [0, 1] or bool. A region is where it is 0.5 or more, connected over edges and corners.

    Returns
    -------
    Mask
        (H, W) float32 in [0, 1]. An empty mask stays empty.

    Examples
    --------
    >>> two = np.zeros((4, 6), np.float32)
    >>> two[:, :2] = two[0, 4] = 1
    >>> float(seglib.keep_largest(two).sum())
    8.0
    """
    mask = check_mask(mask).copy()
    numbers, areas = _regions(mask >= 0.5)
    if len(areas) > 2:  # 0 is the outside: there are at least two regions
        areas[0] = 0
        is_other = np.arange(len(areas)) != areas.argmax()
        is_other[0] = False
        of_others, _ = _nearest(is_other[numbers], numbers == 0)
        mask[of_others] = 0
    return mask


def feather(mask: Mask, radius: float) -> Mask:
    """Soften the edge with a Gaussian whose standard deviation is half the radius.

    Parameters
    ----------
    mask
        (H, W) float in [0, 1] or bool.
    radius
        About how far the soft edge reaches on either side, in pixels, > 0.

    Returns
    -------
    Mask
        (H, W) float32 in [0, 1].

    Raises
    ------
    ValueError
        If ``radius`` is not positive.

    Examples
    --------
    >>> edge = np.array([[0, 0, 0, 1, 1, 1]], np.float32)
    >>> seglib.feather(edge, radius=2).round(1)
    array([[0. , 0.1, 0.3, 0.7, 0.9, 1. ]], dtype=float32)
    """
    mask = check_mask(mask)
    sigma = min(check_positive(radius, "radius") / 2, 2 * max(mask.shape))  # a wider one gives the mean everywhere, too
    return np.clip(np.asarray(cv2.GaussianBlur(mask, (0, 0), sigma), np.float32), 0, 1)


def refine_edges(mask: Mask, frame: Frame, radius: int | None = None, epsilon: float = _EPSILON) -> Mask:
    """Move the edge of a mask to the nearest edge in the frame, with the guided filter.

    Parameters
    ----------
    mask
        (H, W) float in [0, 1] or bool.
    frame
        The guide, (H, W, 3) uint8, RGB.
    radius
        How far to look for an edge, in pixels, > 0. The default is H / 40.
    epsilon
        Variance of the colour, in squared units of [0, 1], below which the frame counts as flat, > 0. A smaller value
        follows fainter edges.

    Returns
    -------
    Mask
        (H, W) float32 in [0, 1].

    Raises
    ------
    ValueError
        If the sizes differ, or ``radius`` or ``epsilon`` is not positive.

    Notes
    -----
    The filter is that of [1]_, with the colour frame as its guide.

    References
    ----------
    .. [1] He, Sun & Tang, "Guided Image Filtering", ECCV 2010.

    Examples
    --------
    >>> blurry = seglib.feather(mask, 8)
    >>> seglib.iou(seglib.refine_edges(blurry, frame), mask) > 0.9
    True
    """
    frame = check_frame(frame)
    mask = check_mask(mask, frame)
    radius = _default_radius(frame) if radius is None else max(1, round(check_positive(radius, "radius")))
    return guided_filter(mask, frame, radius, check_positive(epsilon, "epsilon"))


def clean_mask(mask: Mask, frame: Frame, threshold: float = 0.5, min_fraction: float = 0.01) -> Mask:
    """Apply the steps of ``03_mask.ipynb``: threshold softly, remove small objects and holes, refine the edges.

    Parameters
    ----------
    mask
        (H, W) float in [0, 1] or bool.
    frame
        The frame it belongs to, (H, W, 3) uint8, RGB.
    threshold
        Probability from which a pixel is kept, in (0, 1]; see :func:`threshold_mask`.
    min_fraction
        See :func:`remove_small_objects` and :func:`remove_small_holes`.

    Returns
    -------
    Mask
        (H, W) float32 in [0, 1].

    Raises
    ------
    ValueError
        If the sizes differ, or ``threshold`` or ``min_fraction`` is out of range.

    Notes
    -----
    The steps run on a view of at most 360 rows (or columns, if those are fewer): a half, a third … of a larger frame.

    Examples
    --------
    >>> raw = seglib.feather(mask, 12)
    >>> seglib.iou(seglib.clean_mask(raw, frame), mask) > 0.95
    True
    """
    frame = check_frame(frame)
    mask = check_mask(mask, frame)
    view = small_view(frame)
    rough = threshold_mask(small_view(mask), threshold, softness=0.4)
    rough = remove_small_holes(remove_small_objects(rough, min_fraction), min_fraction)
    refined = guided_filter(rough, view, _default_radius(view), _EPSILON)
    # threshold_mask(softness=0.3), where enlarging comes before clipping: the ramp is cheaper on the small view.
    ramp = np.asarray(resize(_ramp(refined, 0.5, 0.3), mask.shape[::-1]), np.float32)
    return np.clip(ramp, 0, 1, out=ramp)


def _ramp(mask: Mask, threshold: float, width: float) -> Mask:
    """Map the threshold to 0.5, linearly, so that the values from 0 to 1 take this width of mask values."""
    ramp = mask * np.float32(1 / width)
    ramp += np.float32(0.5 - threshold / width)
    return ramp


def _regions(inside: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Label the connected regions: the region number of each pixel, (H, W), and the area of each region in pixels.

    Number 0 is the outside; its area counts as larger than the frame.
    """
    count, numbers = cv2.connectedComponents(inside.view(np.uint8))
    areas = np.array([inside.size + 1, np.count_nonzero(inside)])[:count]
    if count > 2:
        areas = np.bincount(numbers.ravel(), minlength=count)
        areas[0] = inside.size + 1
    return np.asarray(numbers, np.int32), areas


def _overwrite(mask: Mask, numbers: NDArray[np.int32], is_chosen: NDArray[np.bool_], value: float) -> Mask:
    """Return a copy of the mask in which the chosen regions, and their soft fringe, have this value."""
    mask = mask.copy()
    is_chosen[0] = False
    if is_chosen.any():  # false in most frames
        fringe = max(_MIN_FRINGE, round(mask.shape[0] / 20))
        chosen = is_chosen[numbers]
        x, y, width, height = cv2.boundingRect(chosen.view(np.uint8))
        margin = 2 * fringe  # includes every other region that may be nearer to a pixel of the fringe
        window = slice(max(0, y - margin), y + height + margin), slice(max(0, x - margin), x + width + margin)
        is_nearest, distance = _nearest(chosen[window], numbers[window] == 0)
        mask[window][is_nearest & (distance <= fringe)] = value
    return mask


def _nearest(chosen: NDArray[np.bool_], outside: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Tell which pixels are nearer to a chosen region than to any other, and how far each is from its nearest region.

    chosen: the pixels of the chosen regions, (h, w). outside: the pixels that belong to no region, (h, w).
    """
    distance, nearest = cv2.distanceTransformWithLabels(
        outside.view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_CCOMP
    )
    is_chosen = np.zeros(outside.size + 1, bool)  # OpenCV numbers the regions anew
    is_chosen[nearest[chosen]] = True
    return is_chosen[nearest], np.asarray(distance, np.float32)


def _default_radius(frame: Frame) -> int:
    """How far refine_edges looks, in pixels: the edge of a mask is rarely further from the true one."""
    return max(1, round(len(frame) / 40))
