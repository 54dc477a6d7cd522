"""Measure how far masks lie beside the people: python training/align.py DATA --weights WEIGHTS.safetensors

A network that learned from mirrored photos has no side that it likes better, so what its outlines have on average to
be moved by to lie on the labels is the labels' fault. Prints that for the labels and for the teacher's masks, in pixels
of a photo whose long side is 416, as data.py needs it. Up and down the network may have learned a fault of the labels;
of that side, only the difference between labels and teacher can be relied on.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from data import is_validation, moved
from evaluate import load_network, package_model, read
from numpy.typing import NDArray
from seglib.measure import iou
from tqdm import tqdm

from seglib.predict import Model

Floats = NDArray[np.float32]

STEPS = np.arange(-2, 2.01, 0.2)  # pixels that a mask is moved by, to see where it fits
ARMS = (0.6, 0.8, 1.0, 1.2)  # pixels from where it fits best at which both sides fit equally badly


def both_ways(model: Model, photo: NDArray[np.uint8]) -> Floats:
    """The mean of the mask and that of the mirrored photo."""
    mirrored = model.mask(np.ascontiguousarray(photo[:, ::-1]))
    return (model.mask(photo) + mirrored[:, ::-1]) / 2


def lies(mask: Floats, truth: Floats) -> tuple[float, float]:
    """How far (right, down) the truth lies from the mask, in pixels."""
    right, down = 0.0, 0.0
    for _ in range(2):  # what is wrong across hides what is wrong along
        right += middle(moved(mask, (right, down)), truth, (1, 0))
        down += middle(moved(mask, (right, down)), truth, (0, 1))
    return right, down


def middle(mask: Floats, truth: Floats, direction: tuple[int, int]) -> float:
    """How far a mask has to be moved in a direction: the middle between two places that fit equally badly."""
    fits = [iou(moved(mask, (step * direction[0], step * direction[1])), truth) for step in STEPS]
    middles = np.arange(-0.9, 0.9, 0.01)
    sides = [np.interp(middles + arm, STEPS, fits) - np.interp(middles - arm, STEPS, fits) for arm in ARMS]
    return float(np.mean([middles[np.abs(side).argmin()] for side in sides]))


def pairs(data: Path, folder: str, every: int) -> Iterator[tuple[NDArray[np.uint8], Floats]]:
    """Photos and their masks of one kind, as they lie; none of the validation split."""
    labelled = {path.stem for path in data.glob("masks/*.png")}
    masks = sorted(data.glob(f"{folder}/*.*"))
    for path in [path for path in masks if not is_validation(int(path.stem), path.stem in labelled)][::every]:
        photo, mask = read(data / "images" / f"{path.stem}.jpg", path)
        yield photo, cv2.resize(mask, photo.shape[1::-1])


def main() -> None:
    """Print a line for labels and teacher."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--every", type=int, default=7, help="look at every so many-th mask")
    args = parser.parse_args()
    model = package_model(load_network(args.weights), torch.device("cpu"))
    for folder in ("masks", "teacher"):
        found = []
        for photo, truth in tqdm(pairs(args.data, folder, args.every), desc=folder, unit="photo", leave=False):
            found.append(lies(both_ways(model, photo), truth))
        (right, down), spread = np.mean(found, axis=0), np.std(found, axis=0)
        told = f"{right:+.2f} right (± {spread[0]:.2f}), {down:+.2f} down (± {spread[1]:.2f})"
        print(f"{folder}: {len(found)} photos, {told}")


if __name__ == "__main__":
    main()
