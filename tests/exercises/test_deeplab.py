"""The exercises of 08: solutions are right, stubs and the usual wrong answers are not, and each gets its own hint."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from seglib import exercises

SOLUTION = Path(__file__).resolve().parents[2] / "notebooks" / "solutions" / "08_inside_deeplabv3.py"
SOLVED = runpy.run_path(str(SOLUTION))
NAMES = ("atrous", "receptive_field", "make_atrous")


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[[str, Any], str]:
    def say(name: str, answer: Any) -> str:
        getattr(exercises, f"check_{name}")(answer)
        return capsys.readouterr().out

    return say


@pytest.mark.parametrize("name", NAMES)
def test_the_solution_is_right_and_a_stub_is_not(name: str, said: Callable[[str, Any], str]) -> None:
    def stub(*arguments: Any) -> Any: ...

    assert said(name, SOLVED[name]).startswith("correct: ")
    assert said(name, stub).startswith("not yet: ")


def by_pytorch(image: Any, kernel: Any, rate: int) -> Any:
    batch, weights = (torch.from_numpy(array)[None, None] for array in (image, kernel))
    return torch.nn.functional.conv2d(batch, weights, padding=rate * (len(kernel) // 2), dilation=rate)[0, 0]


def by_opencv(image: Any, kernel: Any, rate: int, border: int = cv2.BORDER_CONSTANT) -> Any:
    side = rate * (len(kernel) - 1) + 1
    holes = np.zeros((side, side))
    holes[::rate, ::rate] = kernel
    return cv2.filter2D(image, -1, holes, borderType=border)


def test_another_way_to_the_same_numbers_is_right(said: Callable[[str, Any], str]) -> None:
    assert said("atrous", by_pytorch).startswith("correct: ")
    assert said("atrous", by_opencv).startswith("correct: ")


def rolled(image: Any, kernel: Any, rate: int) -> Any:
    middle = len(kernel) // 2
    shifts = [(rate * (i - middle), rate * (j - middle)) for i, j in np.ndindex(kernel.shape)]
    moved = [np.roll(image, (-down, -right), (0, 1)) for down, right in shifts]
    return sum(weight * part for weight, part in zip(kernel.ravel(), moved, strict=True))


def field(layers: Any, start: int = 1, extra: int = 0, early: bool = False) -> int:
    jump, seen = 1, start
    for kernel, stride, rate in layers:
        jump *= stride if early else 1
        seen += (kernel - 1 + extra) * rate * jump
        jump *= 1 if early else stride
    return seen


def to_rates(layers: Any, most: int, own: bool = False, grow: bool = True) -> Any:
    result, total, rate = [], 1, 1
    for kernel, stride in layers:
        if total * stride <= most:
            total *= stride
            result.append((kernel, stride, rate))
        else:
            before, rate = rate, rate * stride if grow else stride
            result.append((kernel, 1, rate if own else before))
    return result


WRONG: dict[str, list[Callable[..., Any]]] = {
    "atrous": [
        lambda image, kernel, rate: SOLVED["atrous"](image, kernel, 1),
        lambda image, kernel, rate: SOLVED["atrous"](image, kernel, rate + 1),
        lambda image, kernel, rate: SOLVED["atrous"](image, kernel[::-1, ::-1], rate),
        lambda image, kernel, rate: SOLVED["atrous"](image, kernel.T, rate),
        lambda image, kernel, rate: SOLVED["atrous"](image, kernel, rate)[::rate, ::rate],
        lambda image, kernel, rate: SOLVED["atrous"](image, kernel, rate)[rate:-rate, rate:-rate],
        lambda image, kernel, rate: by_opencv(image, kernel, rate, cv2.BORDER_REPLICATE),
        lambda image, kernel, rate: image,
        rolled,
    ],
    "receptive_field": [
        lambda layers: field([(kernel, stride, 1) for kernel, stride, _ in layers]),
        lambda layers: field([(kernel, 1, rate) for kernel, _, rate in layers]),
        lambda layers: field(layers, start=0),
        lambda layers: field(layers, extra=1),
        lambda layers: field(layers, early=True),
        lambda layers: (field(layers), 1),
        lambda layers: np.prod([stride for _, stride, _ in layers]),
    ],
    "make_atrous": [
        lambda layers, most: layers,
        lambda layers, most: [(kernel, stride, 1) for kernel, stride in layers],
        lambda layers, most: [(kernel, stride, 1) for kernel, stride, _ in to_rates(layers, most)],
        lambda layers, most: to_rates(layers, most, own=True),
        lambda layers, most: to_rates(layers, most, grow=False),
        lambda layers, most: to_rates(layers, most)[:-1],
        lambda layers, most: [(kernel, 1, rate) for kernel, _, rate in to_rates(layers, most)],
        lambda layers, most: dict(enumerate(layers)),
    ],
}


@pytest.mark.parametrize("name", NAMES)
def test_each_wrong_answer_gets_a_hint_of_its_own(name: str, said: Callable[[str, Any], str]) -> None:
    hints = set()
    for answer in WRONG[name]:
        out = said(name, answer)
        assert out.startswith("not yet: ")
        hints.add(out.partition("hint: ")[2].splitlines()[0])
    assert len(hints) == len(WRONG[name])
