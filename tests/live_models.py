"""A stand-in for a model, for the tests of the live picture."""

from __future__ import annotations

from typing import Any

import numpy as np


class FakeModel:
    """Keeps the left half. classes: background and person, as portrait."""

    name = "fake"
    classes: tuple[int, ...] = (0, 15)

    def mask(self, frame: np.ndarray, keep: Any = None, size: Any = None) -> np.ndarray:
        width, height = frame.shape[1::-1] if size is None else size
        mask = np.zeros((height, width), np.float32)
        mask[:, : width // 2] = 1
        return mask

    def labels(self, frame: np.ndarray) -> np.ndarray:
        return np.where(self.mask(frame) > 0, 15, 0).astype(np.uint8)
