"""Scores on the sets of the protocol."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import nn

from training import data as photos_of
from training.data import DISAGREE, Bytes, Photo, disagreement, read_grey, read_rgb
from training.package import CLASS_NAMES, NETWORKS

SMALLEST = 0.03  # of a window: the person's share in it
MARGIN = 0.05  # of the diagonal: errors further than this from the outline are far
Counts = NDArray[np.int64]  # of pixels, (classes, classes): row = truth, column = prediction


def find(network: nn.Module, image: Bytes) -> Bytes:
    """The mask, (H, W), 255 = person, that the network of ``portrait`` gives a photo, (H, W, 3)."""
    logits = NETWORKS["portrait"].logits(network, image)[0]
    return np.round(255 / (1 + np.exp(-logits))).astype(np.uint8)


@cache
def portrait_sets(data: Path) -> dict[str, list[Photo]]:
    """The validation sets of ``portrait``. Of ``close``, the photos with a mask with which the peer's agrees."""
    masks = {"street": data / "masks", "close": data / "close/masks", "webcam": data / "webcam/masks"}
    paths = {"street": photos_of.street(data, True), "webcam": photos_of.webcam(data, True)}
    paths["close"] = [path for path in photos_of.close(data, True) if (masks["close"] / f"{path.stem}.png").exists()]
    sets = {name: [_photo(data, path, masks[name]) for path in paths[name]] for name in masks}
    peer = data / "peer"
    agreed = [p for p in sets["close"] if disagreement(p.target, read_grey(peer / f"{p.name}.png")) < DISAGREE]
    return sets | {"close": agreed, "partial": [*_windows([*sets["street"], *agreed])]}


def _windows(photos: list[Photo]) -> Iterator[Photo]:
    """Two windows of each photo, 4:3, near a random pixel of the person: a face, a body without its head, legs."""
    for photo in photos:
        rng = np.random.default_rng(list(photo.name.encode()))
        height, width = photo.target.shape
        inside = np.argwhere(photo.target > 127)
        for number in range(2):
            across = int(rng.uniform(0.4, 0.9) * width)
            size = np.array([min(height, across * 3 // 4), across])
            corner = inside[rng.integers(len(inside))] - size // 2 + rng.uniform(-0.4, 0.4, 2) * size
            top, left = np.clip(corner, 0, np.array([height, width]) - size).astype(int)
            part = np.s_[top : top + size[0], left : left + across]
            if (photo.target[part] > 127).mean() > SMALLEST:
                name = f"partial/images/{photo.name.replace('/', '_')}_{number}"
                yield Photo(name, photo.image[part], photo.target[part], photo.trust[part])


def test_sets(data: Path) -> dict[str, list[Photo]]:
    """The test sets of ``portrait``: to be looked at once for each released card."""
    paths = {"dev": sorted(data.glob("dev/images/*.jpg")), "recorded": sorted(data.glob("recorded/images/*.png"))}
    return {name: [_photo(data, path, data / name / "masks") for path in paths[name]] for name in paths}


def _photo(data: Path, path: Path, masks: Path) -> Photo:
    mask = read_grey(masks / f"{path.stem}.png")
    image = read_rgb(path)
    if mask.shape != image.shape[:2]:
        mask = np.asarray(cv2.resize(mask, image.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
    return Photo(str(path.relative_to(data).with_suffix("")), image, mask, np.full_like(mask, 255))


def iou(mask: Bytes, truth: Bytes) -> float:
    """Intersection over union at half opacity; 1 if both are empty."""
    found, person = mask >= 128, truth >= 128
    union = int((found | person).sum())
    return int((found & person).sum()) / union if union else 1.0


def far_errors(mask: Bytes, truth: Bytes) -> tuple[float, float]:
    """False positives far from the person, and false negatives deep inside, in shares of the person's area."""
    found, person = mask >= 128, truth >= 128
    margin = MARGIN * float(np.hypot(*truth.shape))
    outside, inside = (cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, 5) for part in (~person, person))
    area = max(1, int(person.sum()))
    return int((found & (outside > margin)).sum()) / area, int((~found & (inside > margin)).sum()) / area


def interval(values: list[float], rounds: int = 2000) -> tuple[float, float]:
    """The 95 % interval of the mean, by bootstrap over the photos (Efron, 1979)."""
    rng = np.random.default_rng(0)
    means = rng.choice(values, (rounds, len(values))).mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)


def clothing_counts(network: nn.Module, photo: Photo) -> Counts:
    """Every pixel of a photo, truth against prediction."""
    classes = len(CLASS_NAMES)
    predicted = NETWORKS["clothing"].logits(network, photo.image).argmax(axis=0)
    both = classes * photo.target.astype(np.int64) + predicted
    return np.bincount(both.ravel(), minlength=classes**2).reshape(classes, classes)


def class_iou(counts: Counts) -> NDArray[np.float64]:
    """Intersection over union of each class; NaN for one that is nowhere."""
    hit = np.diag(counts)
    union = counts.sum(axis=0) + counts.sum(axis=1) - hit
    return np.where(union > 0, hit / np.maximum(union, 1), np.nan)
