"""Make the README's picture, docs/walk.jpg: frame, mask, blurred, substituted, with the embedded model.

Run: python recipes/readme_picture.py
"""

from pathlib import Path

import cv2

import seglib

frame = seglib.sample_frame()
mask = seglib.keep_largest(seglib.clean_mask(seglib.load_model().mask(frame), frame))
blurred = seglib.blur_background(frame, mask)
replaced = seglib.replace_background(frame, mask, seglib.sample_background("beach"))
sheet = seglib.contact_sheet([frame, mask, blurred, replaced], columns=4)
small = cv2.resize(sheet, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
print(seglib.write_image(Path(__file__).resolve().parents[1] / "docs" / "walk.jpg", small, quality=88))
