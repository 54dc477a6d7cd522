"""The classes that labels number, and how to find one by its name."""

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

import numpy as np

# The 21 classes of PASCAL VOC in the order of their numbers (Everingham et al., "The PASCAL Visual Object
# Classes Challenge", 2010). torchvision's weights call two of them "__background__" and "tvmonitor".
VOC_CLASSES = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus"),
    *("car", "cat", "chair", "cow", "diningtable", "dog", "horse"),
    *("motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tv"),
)

ClassName = str | int


def class_numbers(keep: ClassName | Iterable[ClassName]) -> list[int]:
    """The VOC numbers of class names: ``("person", "cat")`` gives ``[15, 8]``. Numbers from 0 to 20 pass through.

    Raises ValueError for an unknown class, listing the known ones, nearest first, and for an empty choice.
    """
    names = [keep] if isinstance(keep, str | int | np.integer) else list(keep)
    if not names:
        raise ValueError("keep is empty; name at least one class, for instance keep=('person',)")
    return [_class_number(name) for name in names]


def nearest_first(word: str, known: Sequence[str]) -> list[str]:
    """The known names, those first that hold ``word`` or look like it: for messages about a name that is not known."""
    word = word.lower()
    return sorted(known, key=lambda name: (word in name, SequenceMatcher(None, word, name).ratio()), reverse=True)


def _class_number(name: ClassName) -> int:
    if isinstance(name, int | np.integer) and not isinstance(name, bool):
        if 0 <= name < len(VOC_CLASSES):
            return int(name)
        raise ValueError(f"there is no class {name}; VOC numbers run from 0 to {len(VOC_CLASSES) - 1}")
    if name in VOC_CLASSES:
        return VOC_CLASSES.index(str(name))
    raise ValueError(f"unknown class {name!r}; known are {', '.join(nearest_first(str(name), VOC_CLASSES))}")
