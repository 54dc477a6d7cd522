"""Draw docs/portrait_faults.jpg: where the masks of `portrait` are wrong on the package's own pictures.

python recipes/draw_faults.py
"""

from itertools import islice
from pathlib import Path

import cv2
import numpy as np

import seglib

MISSED, WRONG = np.array([230, 120, 20]), np.array([20, 110, 200])  # orange and blue
CLIP_FRAMES = (76, 130)
target = Path(__file__).resolve().parents[1] / "docs" / "portrait_faults.jpg"

model = seglib.load_model("portrait")
pictures = [(seglib.sample_frame(name), seglib.sample_mask(name)) for name in ("astronaut", "hopper")]
with seglib.open_source("clip") as frames:
    clip = list(islice(zip(frames, seglib.sample_clip_masks(), strict=False), max(CLIP_FRAMES) + 1))
pictures += [clip[number] for number in CLIP_FRAMES]
panels = []
for frame, truth in pictures:
    found, person = model.mask(frame) >= 0.5, truth >= 0.5
    pale = 127 + frame.mean(axis=2, keepdims=True).repeat(3, axis=2) / 2
    pale[person & ~found], pale[found & ~person] = MISSED, WRONG
    small = cv2.resize(
        pale.astype(np.uint8), None, fx=240 / len(frame), fy=240 / len(frame), interpolation=cv2.INTER_AREA
    )
    panels += [small, np.full((240, 8, 3), 255, np.uint8)]
seglib.write_image(target, np.hstack(panels[:-1]))
