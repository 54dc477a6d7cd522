"""The classes that labels number, and how to find one by its name."""

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from typing import TypeAlias

import numpy as np

# The 21 classes of PASCAL VOC in the order of their numbers (Everingham et al., "The PASCAL Visual Object
# Classes Challenge", 2010). torchvision's weights call two of them "__background__" and "tvmonitor".
VOC_CLASSES = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus"),
    *("car", "cat", "chair", "cow", "diningtable", "dog", "horse"),
    *("motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tv"),
)

# The classes of the embedded model deeplabv3_clothing.
CLOTHING_CLASSES = ("background", "hair", "skin", "top", "bottom", "dress", "shoes", "bag", "accessory")

ClassName: TypeAlias = str | int


def class_numbers(keep: ClassName | Iterable[ClassName], class_names: Sequence[str] = VOC_CLASSES) -> list[int]:
    """Return the label numbers of classes: ``("person", "cat")`` gives ``[15, 8]``.

    Parameters
    ----------
    keep
        One or more names; numbers pass through.
    class_names
        The names of all classes in the order of their numbers.

    Raises
    ------
    ValueError
        For an empty choice, and for an unknown class; the message lists the known ones, nearest first.
    """
    names = [keep] if isinstance(keep, str | int | np.integer) else list(keep)
    if not names:
        raise ValueError(f"keep is empty; name at least one class, for instance keep=({class_names[-1]!r},)")
    return [_class_number(name, class_names) for name in names]


def nearest_first(word: str, known: Iterable[str]) -> list[str]:
    """Sort the known names, those first that contain ``word`` or resemble it: for messages about an unknown name."""
    word = word.lower()
    return sorted(known, key=lambda name: (word in name, SequenceMatcher(None, word, name).ratio()), reverse=True)


def _class_number(name: ClassName, class_names: Sequence[str]) -> int:
    if isinstance(name, int | np.integer) and not isinstance(name, bool):
        if 0 <= name < len(class_names):
            return int(name)
        raise ValueError(f"there is no class {name}; the numbers run from 0 to {len(class_names) - 1}")
    if name in class_names:
        return list(class_names).index(str(name))
    known = ", ".join(nearest_first(str(name), class_names))
    raise ValueError(f"unknown class {name!r}; known, nearest first: {known}")
