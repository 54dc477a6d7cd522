"""Masks of MediaPipe's selfie segmentation (general model), the teacher and the peer that the report compares with.

It asks for an older numpy, so it has an environment of its own (README.md):

    peer/bin/python training/teacher.py FOLDER MASKS
"""

import argparse
from pathlib import Path

import cv2
import mediapipe
import numpy as np

GENERAL = 0  # 1 is the landscape model, made for 144 × 256 pixels


def main() -> None:
    """Write a grey PNG, 255 = person, to MASKS for every JPEG and PNG in FOLDER."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("masks", type=Path)
    args = parser.parse_args()
    args.masks.mkdir(parents=True, exist_ok=True)
    with mediapipe.solutions.selfie_segmentation.SelfieSegmentation(model_selection=GENERAL) as model:
        for path in sorted(p for p in args.folder.iterdir() if p.suffix in (".jpg", ".png")):
            frame = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
            mask = model.process(frame).segmentation_mask  # (H, W) float32 in [0, 1]
            cv2.imwrite(str(args.masks / f"{path.stem}.png"), np.round(255 * mask).astype(np.uint8))


if __name__ == "__main__":
    main()
