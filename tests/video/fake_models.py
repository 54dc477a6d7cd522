"""Stand-ins for a model, which need no weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from seglib.arrays import Frame, Mask
from seglib.classes import class_numbers

MakeMask = Callable[[int, int, int], Mask]  # (number of the frame, height, width) -> mask


def left_half(number: int, height: int, width: int) -> Mask:
    """1 in the left half."""
    return np.tile((np.arange(width) < width // 2).astype(np.float32), (height, 1))


def soft_edge(number: int, height: int = 96, width: int = 128) -> Mask:
    """1 on the left, with a soft edge that moves to the right with the number of the frame."""
    return np.tile(np.clip((40 + 5 * number - np.arange(width)) / 16, 0, 1).astype(np.float32), (height, 1))


def nobody(number: int, height: int, width: int) -> Mask:
    """0 everywhere."""
    return np.zeros((height, width), np.float32)


class FakeModel:
    """Takes its masks from a function; remembers the sizes of its batches and the classes that were asked for."""

    classes: tuple[int, ...] = (0, 15)

    def __init__(self, make_mask: MakeMask = left_half, batch: int = 1) -> None:
        self.batch, self.make_mask = batch, make_mask
        self.batches: list[int] = []
        self.asked: list[Sequence[int]] = []

    def class_numbers(self, keep: Any) -> list[int]:
        return class_numbers(keep)

    def masks(self, frames: Sequence[Frame], keep: Sequence[int], size: tuple[int, int]) -> np.ndarray:
        done = sum(self.batches)
        self.batches.append(len(frames))
        self.asked.append(keep)
        return np.stack([self.make_mask(done + number, size[1], size[0]) for number in range(len(frames))])
