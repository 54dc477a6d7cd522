"""A stand-in for a model, for the tests of the live picture."""

from __future__ import annotations

from typing import Any

import numpy as np


class FakeModel:
    """Keeps the left half. classes: background and person, as portrait."""

    name = "fake"
    classes: tuple[int, ...] = (0, 15)

    def mask(self, frame: np.ndarray, keep: Any = None, size: Any = None) -> np.ndarray:
        mask = np.zeros(frame.shape[:2], np.float32)
        mask[:, : frame.shape[1] // 2] = 1
        return mask

    def labels(self, frame: np.ndarray) -> np.ndarray:
        return np.where(self.mask(frame) > 0, 15, 0).astype(np.uint8)
