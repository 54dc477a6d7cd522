"""Checks of what a learner's function returned: its type, its shape, its range, and known mistakes."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seglib.exercises.checks import CheckFailed, describe

Array = NDArray[Any]


class Mistake(NamedTuple):
    """The result of a common mistake, and what to say about it."""

    result: Any
    observed: str
    hint: str


def as_array(value: Any, name: str, shape: str) -> Array:
    """Return the value as a numpy array; PyTorch tensors are converted.

    Parameters
    ----------
    value
        What the learner's function returned.
    name
        Of that function.
    shape
        The expected shape and dtype in words, for the hint.
    """
    if value is None:
        raise CheckFailed(f"{name} returned None", "Does every path through it end in a return?")
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        value = value.detach().cpu().numpy()
    if not isinstance(value, np.ndarray):
        raise CheckFailed(f"{name} returned {describe(value)}", f"Return an array {shape}.")
    return value


def as_image(value: Any, shape: Sequence[int], name: str) -> Array:
    """Return the value if it is an (H, W, 3) uint8 array of this shape."""
    array = as_array(value, name, "(H, W, 3) uint8")
    if array.ndim == 2:
        raise CheckFailed(f"{name} returned {describe(array)}", "A frame has three channels, even if all are equal.")
    if array.ndim == 3 and array.shape[2] == 4:
        raise CheckFailed(f"{name} returned {describe(array)}", "Four channels: an output has no alpha channel.")
    require_shape(array, shape, name)
    if array.dtype != np.uint8:
        raise CheckFailed(
            f"{name} returned {array.dtype} numbers", "The shape is right. An output is uint8: round, then astype."
        )
    return array


def as_mask(value: Any, shape: Sequence[int], name: str) -> Array:
    """Return the value if it is an (H, W) float32 array in [0, 1] of this shape."""
    array = as_array(value, name, "(H, W)")
    if array.ndim == 3 and array.shape[:2] == tuple(shape):
        raise CheckFailed(f"{name} returned {describe(array)}", "A mask has one number for each pixel, no channels.")
    require_shape(array, shape, name)
    if array.dtype == bool:
        raise CheckFailed(
            f"{name} returned bool, True and False", "Nearly: a mask is float32 here. Which method converts it?"
        )
    if not np.isfinite(array.astype(np.float64)).all():
        raise CheckFailed(f"{name} returned NaN or infinite values", "Was something divided by 0?")
    if array.min() < 0 or array.max() > 1:
        raise CheckFailed(
            f"the mask of {name} ranges from {array.min():g} to {array.max():g}",
            "A mask lies between 0 and 1, and 1 means keep.",
        )
    if array.dtype != np.float32:
        raise CheckFailed(f"the mask of {name} is {array.dtype}", "A mask is float32 here.")
    return array


def require_shape(array: Array, shape: Sequence[int], name: str) -> None:
    """Raise CheckFailed unless the array has this shape."""
    expected, actual = tuple(shape), array.shape
    if actual == expected:
        return
    observed = f"{name} returned shape {actual}, not {expected}"
    if actual[:2] == expected[1::-1] and expected[0] != expected[1]:
        raise CheckFailed(observed, "Rows and columns are swapped. numpy and OpenCV name them in different orders.")
    raise CheckFailed(observed, "Compare the two shapes, number by number. Where does the other number come from?")


def reject_mistakes(result: Array, mistakes: Sequence[Mistake], tolerance: float) -> None:
    """Raise CheckFailed with the words of a mistake if the result is what that mistake gives."""
    for wrong, observed, hint in mistakes:
        wrong = np.asarray(wrong)
        if wrong.shape == result.shape and difference(result, wrong) <= tolerance:
            raise CheckFailed(observed, hint)


def difference(one: Array, other: Array) -> float:
    """Return the largest difference of two arrays of one shape; infinite if it is NaN."""
    if one.size == 0:
        return 0.0
    largest = float(np.abs(one.astype(np.float64) - other.astype(np.float64)).max())
    return largest if np.isfinite(largest) else float("inf")
