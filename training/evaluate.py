"""Scores on the sets of the protocol."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from training.data import (
    DISAGREE,
    Bytes,
    Photo,
    close,
    disagreement,
    read_grey,
    read_rgb,
    street,
    webcam_validation,
)
from training.package import CLASS_NAMES, NETWORKS

MARGIN = 0.05  # of the diagonal: errors further than this from the outline are far
Find = Callable[[Bytes], Bytes]  # (H, W, 3) to a mask, (H, W), 255 = person


@dataclass(frozen=True)
class Judged:
    """A set of photos with their masks, in order."""

    photos: tuple[Photo, ...]
    left_out: int = 0  # photos of the set that have no truth that can be trusted

    def limited(self, count: int) -> "Judged":
        """At most so many photos, spread evenly."""
        return replace(self, photos=self.photos[:: max(1, len(self.photos) // count)][:count])

    def mean_iou(self, network: nn.Module) -> float:
        """Of a network, in [0, 1]."""
        find = finder(network)
        return float(np.mean([iou(find(photo.image), photo.target) for photo in self.photos]))


def finder(network: nn.Module) -> Find:
    """The network of ``portrait`` as a function from a photo to its mask."""
    package = NETWORKS["portrait"]
    return lambda image: np.round(255 / (1 + np.exp(-package.logits(network, image)[0]))).astype(np.uint8)


@cache
def portrait_sets(data: Path) -> dict[str, Judged]:
    """The validation sets of ``portrait``."""
    labelled = [_photo(data, path, data / "masks") for path in street(data, validation=True)]
    return {
        "street": Judged(tuple(labelled)),
        "close": _believed(close(data, validation=True), data),
        "webcam": Judged(tuple(_photo(data, path, data / "webcam/masks") for path in webcam_validation(data))),
    }


def test_sets(data: Path) -> dict[str, Judged]:
    """The test sets of ``portrait``: to be looked at once for each released card."""
    names = {"dev": sorted(data.glob("dev/images/*.jpg")), "recorded": sorted(data.glob("recorded/images/*.png"))}
    return {name: Judged(tuple(_photo(data, p, data / name / "masks") for p in ps)) for name, ps in names.items()}


def _photo(data: Path, path: Path, masks: Path) -> Photo:
    mask = read_grey(masks / f"{path.stem}.png")
    image = read_rgb(path)
    if mask.shape != image.shape[:2]:
        mask = np.asarray(cv2.resize(mask, image.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
    return Photo(str(path.relative_to(data).with_suffix("")), image, mask, np.full_like(mask, 255))


def _believed(paths: list[Path], data: Path) -> Judged:
    """The photos that have a mask with which the peer's agrees."""
    masks = data / "close/masks"
    photos = [_photo(data, path, masks) for path in paths if (masks / f"{path.stem}.png").exists()]
    theirs = (read_grey(data / "peer" / f"{photo.name}.png") for photo in photos)
    agreed = [photo for photo, mask in zip(photos, theirs, strict=True) if disagreement(photo.target, mask) < DISAGREE]
    return Judged(tuple(agreed), len(paths) - len(agreed))


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


@dataclass(frozen=True)
class Confusion:
    """Counts of pixels, (classes, classes): row = truth, column = prediction."""

    counts: NDArray[np.int64]

    def __add__(self, other: "Confusion") -> "Confusion":
        return Confusion(self.counts + other.counts)

    @property
    def iou(self) -> NDArray[np.float64]:
        """Intersection over union of each class; NaN for one that is nowhere."""
        hit = np.diag(self.counts)
        union = self.counts.sum(axis=0) + self.counts.sum(axis=1) - hit
        return np.where(union > 0, hit / np.maximum(union, 1), np.nan)


def clothing_scores(network: nn.Module, photos: list[Photo]) -> Confusion:
    """Every pixel of every photo, truth against prediction."""
    package, classes = NETWORKS["clothing"], len(CLASS_NAMES)
    counts = np.zeros((classes, classes), np.int64)
    for photo in photos:
        predicted = package.logits(network, photo.image).argmax(axis=0)
        both = classes * photo.target.astype(np.int64) + predicted
        counts += np.bincount(both.ravel(), minlength=classes**2).reshape(classes, classes)
    return Confusion(counts)


def load(name: str, weights: Path) -> nn.Module:
    """The network with weights from a safetensors file, in eval mode."""
    from safetensors.torch import load_file

    network = NETWORKS[name].build()
    state = {key: value.to(torch.float32) for key, value in load_file(weights).items()}
    missing, unexpected = network.load_state_dict(state, strict=False)
    if unexpected or any(not key.endswith("num_batches_tracked") for key in missing):
        raise ValueError(f"{weights} holds other weights than those of {name}: {unexpected[:3]} {missing[:3]}")
    return network.eval()
