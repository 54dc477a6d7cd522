"""What a learner's function gave back, looked at step by step: is it an array, of which shape, of which numbers?"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seglib.exercises.marking import NotYet, describe

Array = NDArray[Any]


class Mistake(NamedTuple):
    """A wrong result that is made often. result: what it would be. seen, hint: what to say about it."""

    result: Any
    seen: str
    hint: str


def as_array(value: Any, name: str, shape: str) -> Array:
    """The value as a numpy array; a PyTorch tensor is one, too. shape: how the exercise names it, for the hint."""
    if value is None:
        raise NotYet(f"{name} gave back None", "Does it end in a return, on every way through it?")
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        value = value.detach().cpu().numpy()
    if not isinstance(value, np.ndarray):
        raise NotYet(f"{name} gave back {describe(value)}", f"An array {shape} is asked for.")
    return value


def as_picture(value: Any, shape: Sequence[int], name: str) -> Array:
    """The value as an (H, W, 3) uint8 array of this shape; otherwise raise NotYet."""
    array = as_array(value, name, "(H, W, 3) uint8")
    if array.ndim == 2:
        raise NotYet(f"{name} gave back {describe(array)}", "A frame has three colours, also when all are grey.")
    if array.ndim == 3 and array.shape[2] == 4:
        raise NotYet(f"{name} gave back {describe(array)}", "Four channels: the opacity has no place in an output.")
    need_shape(array, shape, name)
    if array.dtype != np.uint8:
        raise NotYet(
            f"{name} gave back {array.dtype} numbers", "The size is right. An output is uint8: round, then astype."
        )
    return array


def as_mask(value: Any, shape: Sequence[int], name: str) -> Array:
    """The value as an (H, W) float32 array in [0, 1] of this shape; otherwise raise NotYet."""
    array = as_array(value, name, "(H, W)")
    if array.ndim == 3 and array.shape[:2] == tuple(shape):
        raise NotYet(f"{name} gave back {describe(array)}", "A mask has one number for each pixel, no colours.")
    need_shape(array, shape, name)
    if array.dtype == bool:
        raise NotYet(
            f"{name} gave back bool, True and False", "Nearly: a mask is float32 here. Which method changes the type?"
        )
    if not np.isfinite(array.astype(np.float64)).all():
        raise NotYet(f"{name} gave back values that are not numbers (NaN or infinite)", "Was something divided by 0?")
    if array.min() < 0 or array.max() > 1:
        raise NotYet(
            f"the mask of {name} runs from {array.min():g} to {array.max():g}",
            "A mask lies between 0 and 1, and 1 means keep.",
        )
    if array.dtype != np.float32:
        raise NotYet(f"the mask of {name} is {array.dtype}", "The numbers may be right, but a mask is float32 here.")
    return array


def need_shape(array: Array, shape: Sequence[int], name: str) -> None:
    """Raise NotYet with what fits the difference, unless the array has this shape."""
    wanted, got = tuple(shape), array.shape
    if got == wanted:
        return
    seen = f"{name} gave back {got} where {wanted} is asked for"
    if got[:2] == wanted[1::-1] and wanted[0] != wanted[1]:
        raise NotYet(seen, "Rows and columns have changed places. Who of the two counts rows first here?")
    raise NotYet(seen, "Compare the two shapes, number by number. Where does the other one come from?")


def need_not(result: Array, mistakes: Sequence[Mistake], tolerance: float) -> None:
    """Raise NotYet with the words of a mistake if the result is what that mistake gives."""
    for wrong, seen, hint in mistakes:
        wrong = np.asarray(wrong)
        if wrong.shape == result.shape and difference(result, wrong) <= tolerance:
            raise NotYet(seen, hint)


def difference(one: Array, other: Array) -> float:
    """The largest difference of two arrays of one shape, infinite where one of them is no number."""
    if one.size == 0:
        return 0.0
    gap = float(np.abs(one.astype(np.float64) - other.astype(np.float64)).max())
    return gap if np.isfinite(gap) else float("inf")
