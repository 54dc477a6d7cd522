"""Masks of the two teachers; each runs in an environment of its own (README.md).

MediaPipe's selfie segmentation (general model) is also the peer that the report compares with. The first generation of
``portrait`` is that of the seglib which is imported.

    peer/bin/python training/teacher.py peer FOLDER MASKS
    PYTHONPATH=OLD python training/teacher.py first FOLDER MASKS
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

GENERAL = 0  # 1 is the landscape model, made for 144 × 256 pixels


def peer() -> Callable[[Any], Any]:
    """MediaPipe's model: a frame, (H, W, 3) uint8 RGB, to its mask, (H, W) in [0, 1]."""
    import mediapipe

    model = mediapipe.solutions.selfie_segmentation.SelfieSegmentation(model_selection=GENERAL)
    return lambda frame: model.process(frame).segmentation_mask


def first() -> Callable[[Any], Any]:
    """The first generation of ``portrait``, in the same form."""
    import seglib

    return seglib.load_model("portrait").mask


def main() -> None:
    """Write a grey PNG, 255 = person, to MASKS for every JPEG and PNG in FOLDER."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("teacher", choices=("peer", "first"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("masks", type=Path)
    args = parser.parse_args()
    args.masks.mkdir(parents=True, exist_ok=True)
    find = peer() if args.teacher == "peer" else first()
    for path in sorted(p for p in args.folder.iterdir() if p.suffix in (".jpg", ".png")):
        frame = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        cv2.imwrite(str(args.masks / f"{path.stem}.png"), np.round(255 * find(frame)).astype(np.uint8))


if __name__ == "__main__":
    main()
