"""Masks of the two teachers; each runs in an environment of its own (README.md).

``peer`` is MediaPipe's selfie segmentation (general model), with which the report compares, too. ``first`` is
``portrait`` of the seglib that is imported: a checkout of its first generation.

    peer/bin/python training/teacher.py peer FOLDER MASKS
    PYTHONPATH=OLD python training/teacher.py first FOLDER MASKS
"""

import sys
from pathlib import Path

import cv2
import numpy as np


def main(teacher: str, folder: Path, masks: Path) -> None:
    """Write a grey PNG, 255 = person, to ``masks`` for every JPEG and PNG in ``folder``."""
    if teacher == "peer":
        import mediapipe  # type: ignore[import-not-found]

        model = mediapipe.solutions.selfie_segmentation.SelfieSegmentation(model_selection=0)  # 0 is the general one
    else:
        from seglib.predict import load_model

        model = load_model("portrait")
    masks.mkdir(parents=True, exist_ok=True)
    for path in sorted(p for p in folder.iterdir() if p.suffix in (".jpg", ".png")):
        frame = np.ascontiguousarray(np.asarray(cv2.imread(str(path)))[..., ::-1])
        mask = model.process(frame).segmentation_mask if teacher == "peer" else model.mask(frame)  # (H, W) in [0, 1]
        cv2.imwrite(str(masks / f"{path.stem}.png"), np.round(255 * mask).astype(np.uint8))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
