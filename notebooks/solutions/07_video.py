"""One answer to each exercise of 07_video.ipynb. Yours may look different and be as good."""

import cv2
import numpy as np

import seglib


def worst_error(times, fps):
    """Return by how many seconds the worst frame is off in a copy at a fixed rate."""
    copied = np.arange(len(times)) / fps
    return np.abs(copied - times).max()


def night(frame, mask):
    """Show the room at a quarter of its brightness, and the person as before."""
    return seglib.blend(frame, mask, frame // 4)


def black_and_white(source, target):
    """Make a grey copy of a video, with every frame's time and the sound."""

    def grey(frame, mask):
        return np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)] * 3, axis=-1)

    seglib.process_video(source, target, grey, progress=False, overwrite=True)
