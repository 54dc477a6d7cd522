"""One answer to each exercise of 03_mask.ipynb. Yours may look different and be as good."""

import cv2
import numpy as np

import seglib


def keep_two(labels):
    """Give the mask of persons (15) and cats (8)."""
    return ((labels == 15) | (labels == 8)).astype(np.float32)  # | asks pixel by pixel, `or` would not


def soft_edge(mask, radius):
    """Soften the edge outwards only: where the mask was 1, it stays 1."""
    return np.maximum(mask, seglib.feather(mask, radius))


def keep_middle(mask):
    """Keep only the piece whose centre is nearest to the middle of the frame."""
    count, numbers, _, centres = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count == 1:  # only number 0, the outside
        return np.zeros_like(mask)
    middle = np.array([mask.shape[1], mask.shape[0]]) / 2  # x, y, as the centres are
    distances = np.hypot(*(centres[1:] - middle).T)
    return (numbers == 1 + distances.argmin()).astype(np.float32)
