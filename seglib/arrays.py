"""The arrays of seglib: their types, and the checks that every public function applies to its inputs.

Frames, labels and masks are plain numpy arrays, told apart by shape, dtype and range. A failed check says what came
in and how to fix it.

One convention for sizes: a *shape* is (height, width, …), as in numpy; a *size* is (width, height), as in OpenCV and
Pillow.
"""

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Frame: TypeAlias = NDArray[np.uint8]  # (H, W, 3) RGB
Labels: TypeAlias = NDArray[np.uint8]  # (H, W) class numbers
Mask: TypeAlias = NDArray[np.float32]  # (H, W) in [0, 1]; 1 keeps a pixel

_TOLERANCE = 1e-5  # by how much float32 arithmetic may carry a mask out of [0, 1]


def check_frame(frame: object, name: str = "frame", alpha: bool = False) -> Frame:
    """Return the frame if it is an (H, W, 3) uint8 array with H, W > 0.

    Parameters
    ----------
    frame
        What a caller passed.
    name
        What error messages call it.
    alpha
        Accept (H, W, 4), RGBA, too.

    Raises
    ------
    TypeError
        If it is not an array.
    ValueError
        If its shape or dtype is wrong; the message holds the code that corrects it.
    """
    if not isinstance(frame, np.ndarray):
        raise TypeError(f"{name} must be a numpy array (H, W, 3) uint8, not {_type_name(frame)}")
    if frame.size == 0:
        raise ValueError(f"{name} is empty: its shape is {frame.shape}")
    if frame.ndim != 3 or frame.shape[2] not in ((3, 4) if alpha else (3,)):
        raise ValueError(f"{name} is {frame.shape} {frame.dtype}, not (H, W, 3) uint8; {_shape_fix(frame, name)}")
    if frame.dtype != np.uint8:
        raise ValueError(f"{name} is {frame.dtype}, not uint8; {_dtype_fix(frame, name)}")
    return np.asarray(frame)  # no subclass: OpenCV does not compute with numpy's masked arrays


def check_frames(frames: Iterable[object]) -> list[Frame]:
    """Return the frames of a batch, checked. Raises ValueError if there are none, or their sizes differ."""
    checked = [check_frame(frame) for frame in frames]
    if not checked:
        raise ValueError("there are no frames to predict; give at least one")
    for number, frame in enumerate(checked):
        if frame.shape != checked[0].shape:
            raise ValueError(
                f"frame {number} is {frame.shape} but frame 0 is {checked[0].shape}; a batch is of one size"
            )
    return checked


def check_mask(mask: object, frame: NDArray[np.generic] | None = None, name: str = "mask") -> Mask:
    """Return the mask as (H, W) float32 in [0, 1], converted from bool or another float type.

    Parameters
    ----------
    mask
        What a caller passed. Values that leave [0, 1] only by rounding, as after a resize or a blur, are clipped.
    frame
        If given, any array whose first two axes the mask must match.
    name
        What error messages call it.

    Raises
    ------
    TypeError
        If it is not an array.
    ValueError
        If its shape, dtype or range is wrong, or if it contains NaN.
    """
    if not isinstance(mask, np.ndarray):
        raise TypeError(f"{name} must be a numpy array (H, W), not {_type_name(mask)}")
    if frame is not None and mask.shape != frame.shape[:2]:
        raise ValueError(_mismatch(mask, frame, name))
    mask = np.asarray(mask)  # as in check_frame
    if mask.ndim != 2 or mask.size == 0:
        raise ValueError(f"{name} is {mask.shape}, not (H, W) with H, W > 0")
    if mask.dtype == bool:
        return mask.astype(np.float32)
    if not np.issubdtype(mask.dtype, np.floating):
        raise ValueError(
            f"{name} is {mask.dtype}, not float or bool; for labels use class_mask(labels), for 0 to 255 use mask / 255"
        )
    low, high = float(mask.min()), float(mask.max())
    if not (low >= -_TOLERANCE and high <= 1 + _TOLERANCE):  # written so that NaN fails, too
        problem = "contains NaN" if np.isnan(mask).any() else f"ranges from {low:.4g} to {high:.4g}"
        raise ValueError(f"{name} {problem}, but must lie in [0, 1]; use np.clip or np.nan_to_num")
    if low < 0 or high > 1:
        mask = mask.clip(0, 1)
    return mask.astype(np.float32, copy=False)


def check_labels(labels: object, name: str = "labels") -> Labels:
    """Return the labels as (H, W) uint8 if they are integers from 0 to 255.

    Parameters
    ----------
    labels
        What a caller passed.
    name
        What error messages call it.

    Raises
    ------
    TypeError
        If it is not an array.
    ValueError
        If its shape, dtype or range is wrong.
    """
    if not isinstance(labels, np.ndarray):
        raise TypeError(f"{name} must be a numpy array (H, W) of class numbers, not {_type_name(labels)}")
    if labels.ndim != 2 or labels.size == 0:
        raise ValueError(f"{name} is {labels.shape}, not (H, W); take the argmax over the classes first")
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"{name} is {labels.dtype}, not an integer type; a soft mask is not labels")
    if labels.dtype != np.uint8 and (labels.min() < 0 or labels.max() > 255):
        raise ValueError(f"{name} ranges from {labels.min()} to {labels.max()}, not from 0 to 255")
    return labels.astype(np.uint8, copy=False)


def check_positive(value: float, name: str) -> float:
    """Return the value as a float; raise ValueError unless it is finite and above 0."""
    number = float(value)
    if not (np.isfinite(number) and number > 0):
        raise ValueError(f"{name} is {value}, but must be above 0")
    return number


def check_fraction(value: float, name: str) -> float:
    """Return the value; raise ValueError unless it lies in (0, 1]."""
    if not 0 < value <= 1:
        raise ValueError(f"{name} is {value}, but must lie in (0, 1]")
    return value


def _type_name(value: object) -> str:
    """The type of a value, with a hint for the most common mistakes."""
    if value is None:
        return "None (cap.read() gives None when there is no frame)"
    module = type(value).__module__
    if module.startswith("torch"):
        return "a torch tensor; use tensor.cpu().numpy()"
    if module.startswith("PIL"):
        return "a Pillow image; use np.asarray(image.convert('RGB'))"
    return type(value).__name__


def _shape_fix(frame: NDArray[np.generic], name: str) -> str:
    if frame.ndim == 2:
        return f"a grey image needs three channels: np.stack([{name}] * 3, axis=-1)"
    if frame.ndim == 4:
        return f"take one frame of the batch: {name}[0]"
    if frame.ndim == 3 and frame.shape[0] == 3:
        return f"channels come last here: {name}.transpose(1, 2, 0)"
    if frame.ndim == 3 and frame.shape[2] == 4:
        return f"drop the alpha channel: {name}[..., :3]"
    if frame.ndim == 3 and frame.shape[2] == 1:
        return f"a grey image needs three channels: np.repeat({name}, 3, axis=-1)"
    return "its last axis must hold red, green and blue"


def _dtype_fix(frame: NDArray[np.generic], name: str) -> str:
    if np.issubdtype(frame.dtype, np.floating):
        return f"if it lies in [0, 1]: ({name} * 255).round().astype(np.uint8)"
    return f"if it lies in 0 to 255: {name}.astype(np.uint8)"


def _mismatch(mask: NDArray[np.generic], frame: NDArray[np.generic], name: str) -> str:
    height, width = frame.shape[:2]
    problem = f"{name} is {mask.shape} but the frame is ({height}, {width})"
    if mask.shape == (width, height):
        return f"{problem}: rows and columns are swapped; use {name}.T"
    if mask.ndim == 3:
        return f"{problem}: a mask has no channels; use {name}[..., 0]"
    return f"{problem}; resize it with cv2.resize({name}, ({width}, {height}))"
