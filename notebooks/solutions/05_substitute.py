"""One answer to each exercise of 05_substitute.ipynb. Yours may look different and be as good."""

import cv2
import numpy as np

import seglib


def cover(picture, shape):
    """Fill (H, W) with a picture, in its own proportions; what hangs over is cropped."""
    height, width = shape
    scale = max(height / picture.shape[0], width / picture.shape[1])  # the larger one leaves no gap
    rows, columns = round(height / scale), round(width / scale)  # this much of the picture will be seen
    top, left = (picture.shape[0] - rows) // 2, (picture.shape[1] - columns) // 2
    cropped = picture[top : top + rows, left : left + columns]
    return cv2.resize(cropped, (width, height), interpolation=cv2.INTER_AREA)


def add_logo(frame, logo):
    """Lay an (H, W, 4) logo over a frame; its fourth channel is the opacity."""
    opacity = logo[..., 3] / np.float32(255)  # a mask: from 0 to 1
    return seglib.blend(logo[..., :3], opacity, frame)


class Moving:
    """An effect: each call shows the next background, and after the last one the first again."""

    def __init__(self, backgrounds):
        self.backgrounds = backgrounds
        self.number = 0

    def __call__(self, frame, mask):
        background = self.backgrounds[self.number % len(self.backgrounds)]
        self.number += 1
        return seglib.replace_background(frame, mask, background)
