"""seglib.classes: names to numbers."""

import numpy as np
import pytest

from seglib.classes import VOC_CLASSES, class_numbers, nearest_first

CUPS = ("background", "cup", "hand")


@pytest.mark.parametrize(
    ("keep", "numbers"),
    [
        ("person", [15]),
        (15, [15]),
        (np.uint8(15), [15]),
        (("person", "cat"), [15, 8]),
        (["cat", 0], [8, 0]),
        (iter(("tv",)), [20]),
        (range(21), list(range(21))),
    ],
)
def test_names_give_their_numbers_and_numbers_pass_through(keep: object, numbers: list[int]) -> None:
    assert class_numbers(keep) == numbers


def test_other_class_names_have_their_own_numbers() -> None:
    assert class_numbers(("hand", "cup"), CUPS) == [2, 1]
    with pytest.raises(ValueError, match="'person'.*nearest first: .*cup"):
        class_numbers("person", CUPS)
    with pytest.raises(ValueError, match="no class 3.*0 to 2"):
        class_numbers(3, CUPS)


@pytest.mark.parametrize("keep", ["persn", "", True, 21, -1, None, 1.5, ["person", "unicorn"]])
def test_an_unknown_class_is_refused(keep: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        class_numbers(keep)


def test_the_message_lists_all_names_nearest_first() -> None:
    with pytest.raises(ValueError, match="'persn'; known, nearest first: person, ") as caught:
        class_numbers("persn")
    assert all(name in str(caught.value) for name in VOC_CLASSES)


@pytest.mark.parametrize("keep", [(), [], ""])
def test_nothing_to_keep_is_refused(keep: object) -> None:
    with pytest.raises(ValueError, match="empty|''"):
        class_numbers(keep)


def test_a_name_that_holds_the_word_comes_first() -> None:
    assert nearest_first("TABLE", VOC_CLASSES)[0] == "diningtable"
    assert sorted(nearest_first("x", VOC_CLASSES)) == sorted(VOC_CLASSES)
