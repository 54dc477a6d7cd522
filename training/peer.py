"""Run MediaPipe's selfie segmentation (general): the peer that evaluate.py compares with, and the teacher.

It needs an environment of its own, because it asks for an older numpy:
    python -m venv peer && peer/bin/python -m pip install mediapipe==0.10.21
    peer/bin/python training/peer.py FOLDER MASKS
Every JPEG and PNG below FOLDER gives a mask at the same place below MASKS, a grey PNG, 255 = person. With --closer it
looks at enlarged pieces instead of the whole, and so finds people far behind, whom it does not see in the whole.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import mediapipe
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

GENERAL = 0  # 1 is the landscape model, made for 144 × 256 pixels
ENDINGS = (".jpg", ".png")
PIECES = (0.5, 0.29)  # sides of the square pieces, in shares of the picture's long side
APART = 0.6  # how far apart neighbouring pieces may begin, in shares of their side
INPUT = 256  # pixels: the side of what the model sees


def closest(frame: Bytes, find: Callable[[Bytes], Floats]) -> Floats:
    """The most that any piece of the frame, enlarged, is taken for a person, (H, W) in [0, 1]."""
    height, width = frame.shape[:2]
    best = np.zeros((height, width), np.float32)
    for share in PIECES:
        side = round(share * max(height, width))
        for top in starts(height, side):
            for left in starts(width, side):
                part = (slice(top, top + side), slice(left, left + side))
                piece = cv2.resize(frame[part], (INPUT, INPUT), interpolation=cv2.INTER_LINEAR)
                mask = cv2.resize(find(piece), best[part].shape[::-1], interpolation=cv2.INTER_AREA)
                best[part] = np.maximum(best[part], mask)
    return best


def starts(length: int, side: int) -> Iterator[int]:
    """Where pieces of this side begin so that they cover the length."""
    count = int(np.ceil(max(0, length - side) / (APART * side))) + 1
    return (round(start) for start in np.linspace(0, max(0, length - side), count))


def main() -> None:
    """Read the pictures, write the masks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("masks", type=Path)
    parser.add_argument("--closer", action="store_true", help="look at enlarged pieces, not at the whole")
    args = parser.parse_args()
    with mediapipe.solutions.selfie_segmentation.SelfieSegmentation(model_selection=GENERAL) as model:

        def find(frame: Bytes) -> Floats:
            return np.asarray(model.process(frame).segmentation_mask)  # (H, W) float32 in [0, 1]

        for path in sorted(p for p in args.folder.rglob("*") if p.suffix in ENDINGS):
            frame = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
            mask = closest(frame, find) if args.closer else find(frame)
            out = (args.masks / path.relative_to(args.folder)).with_suffix(".png")
            out.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(out), np.round(mask * 255).astype(np.uint8))


if __name__ == "__main__":
    main()
