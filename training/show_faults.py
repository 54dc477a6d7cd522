"""Draw where a model is wrong, on the package's own pictures: python training/show_faults.py docs/portrait_faults.jpg

Orange: people that were missed. Blue: what was taken for a person. --weights judges another file than the embedded.
"""

import argparse
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch
from evaluate import load_network, package_model
from numpy.typing import NDArray

import seglib

CLIP_FRAMES = (76, 130)  # hardly in the picture any more; sitting still with the lamp on
SIZE = (320, 240)
ORANGE, BLUE = (230, 120, 0), (0, 110, 220)


def faults(frame: NDArray[np.uint8], mask: NDArray[np.float32], truth: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The frame in pale grey, with what is wrong in colour, (H, W, 3) uint8."""
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)[..., None].repeat(3, axis=2)
    picture = (0.6 * grey + 80).astype(np.uint8)
    picture[(mask < 0.5) & (truth >= 0.5)] = ORANGE
    picture[(mask >= 0.5) & (truth < 0.5)] = BLUE
    return picture


def upright(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture at the sheet's size, with white beside it if it is narrower."""
    width = round(picture.shape[1] * SIZE[1] / picture.shape[0])
    small = cv2.resize(picture, (width, SIZE[1]), interpolation=cv2.INTER_AREA)
    left = (SIZE[0] - width) // 2
    return cv2.copyMakeBorder(small, 0, 0, left, SIZE[0] - width - left, cv2.BORDER_CONSTANT, value=(255, 255, 255))


def main() -> None:
    """Four pictures side by side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--weights", type=Path)
    args = parser.parse_args()
    model = seglib.load_model(device="cpu")
    if args.weights:
        model = package_model(load_network(args.weights), torch.device("cpu"))
    pairs = [(seglib.sample_frame(name), seglib.sample_mask(name)) for name in ("astronaut", "hopper")]
    with seglib.open_source("clip") as frames:
        clip = list(zip(islice(frames, max(CLIP_FRAMES) + 1), seglib.samples.sample_clip_masks(), strict=False))
    pairs += [clip[number] for number in CLIP_FRAMES]
    drawn = [faults(frame, model.mask(frame), truth) for frame, truth in pairs]
    for (frame, truth), name in zip(pairs, ("recorded frame", "second frame", *map(str, CLIP_FRAMES)), strict=True):
        print(f"{name}: IoU {seglib.iou(model.mask(frame), truth):.3f}")
    sheet = seglib.contact_sheet([upright(picture) for picture in drawn], columns=4)
    cv2.imwrite(str(args.out), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85])


if __name__ == "__main__":
    main()
