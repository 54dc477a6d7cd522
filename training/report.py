"""Write the tables of a model card: python -m training.report portrait DATA

They replace what stands between the two markers of the card, and are about the weights that the package holds.
``--weights FILE`` prints them instead for the weights of a run. ``pictures`` writes the package's frames and a part of
its clip to DATA/recorded, and windows of validation photos to DATA/partial, so that the peer can be run on them.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import nn

from training.data import Bytes, Photo, close, clothing_photos, read_grey
from training.evaluate import class_iou, clothing_counts, far_errors, find, interval, iou, portrait_sets, test_sets
from training.losses import UPPER_CLASSES
from training.package import CLASS_NAMES, NETWORKS, recorded, shipped_mask

BEGIN, END = "<!-- training.report: begin -->", "<!-- training.report: end -->"
Masks = list[Bytes]


def portrait_report(find: Callable[[Bytes], Bytes], data: Path, shipped: bool) -> Iterator[str]:
    """The tables of a ``portrait``, a function from a photo to its mask, line by line.

    One that is shipped is judged on the test sets, too; another is compared with the first generation.
    """
    sets = portrait_sets(data) | (test_sets(data) if shipped else {})
    others = {"peer": "peer"} | ({} if shipped else {"first": "first generation"})
    yield "| set | photos | model | mean IoU (95 % interval) | median | far false positives | deep false negatives |"
    yield "|---|---:|---|---:|---:|---:|---:|"
    ours: dict[str, Masks] = {}
    for name, judged in sets.items():
        ours[name] = [find(photo.image) for photo in judged]
        kind = "validation" if name in portrait_sets(data) else "test"
        yield from _rows(f"{name} ({kind})", judged, {"**portrait**": ours[name]} | _others(judged, data, others))
    left = len(close(data, validation=True)) - len(sets["close"])
    yield f"\n{left} files of `close` have no mask that can be trusted and are left out."
    yield "\n| flicker on `webcam`: mean change of the mask where the truth stands still | |\n|---|---:|"
    for model, masks in ({"**portrait**": ours["webcam"]} | _others(sets["webcam"], data, others)).items():
        yield f"| {model} | {flicker(sets['webcam'], masks):.4f} |"
    yield "\n| photos | of | mean IoU of portrait (95 % interval) |\n|---|---|---:|"
    pairs = {name: list(zip(sets[name], ours[name], strict=True)) for name in portrait_sets(data)}
    both = [pair for part in pairs.values() for pair in part]
    yield from _by(both, "validation", "person's share of the picture", _share, (0.1, 0.3))
    yield from _by(both, "validation", "mean lightness, 0 to 100", _lightness, (40, 60))
    yield from _by(pairs["close"], "`close`", "individual typology angle of the skin, degrees", _typology, (10, 41))


def _others(judged: list[Photo], data: Path, folders: dict[str, str]) -> dict[str, Masks]:
    """The masks of other models, by their names, where there are all of them."""
    found = {}
    for folder, name in folders.items():
        paths = [data / folder / f"{photo.name.replace('/images/', '/')}.png" for photo in judged]
        if all(path.exists() for path in paths):
            found[name] = [read_grey(path) for path in paths]
    return found


def _rows(title: str, judged: list[Photo], models: dict[str, Masks]) -> Iterator[str]:
    for model, masks in models.items():
        pairs = [(mask, photo.target) for mask, photo in zip(masks, judged, strict=True)]
        scores = [iou(*pair) for pair in pairs]
        far, deep = np.mean([far_errors(*pair) for pair in pairs], axis=0)
        low, high = interval(scores)
        count = f"{np.mean(scores):.3f} ({low:.3f}–{high:.3f}) | {np.median(scores):.3f} | {far:.4f} | {deep:.4f}"
        yield f"| {title} | {len(pairs)} | {model} | {count} |"


def flicker(photos: list[Photo], masks: Masks) -> float:
    """The mean change of the masks from frame to frame of a clip, in [0, 1], where the truth stands still."""
    changes = []
    for number, (before, now) in enumerate(pairwise(photos)):
        if before.name.rsplit("_", 1)[0] == now.name.rsplit("_", 1)[0]:  # of one clip
            still = cv2.absdiff(before.target, now.target) < 5
            changes.append(cv2.absdiff(masks[number], masks[number + 1])[still].mean() / 255)
    return float(np.mean(changes))


def _by(
    pairs: list[tuple[Photo, Bytes]], of: str, what: str, measure: Callable[[Photo], float], limits: tuple[float, float]
) -> Iterator[str]:
    """A row for the photos below the first limit, between the two, and above the second."""
    scores: dict[int, list[float]] = {0: [], 1: [], 2: []}
    for photo, mask in pairs:
        scores[int(np.searchsorted(limits, measure(photo)))].append(iou(mask, photo.target))
    low, high = limits
    for group, name in enumerate((f"below {low}", f"{low} to {high}", f"above {high}")):
        if scores[group]:
            bounds = interval(scores[group])
            figure = f"{np.mean(scores[group]):.3f} ({bounds[0]:.3f}–{bounds[1]:.3f})"
            yield f"| {len(scores[group])} | {of}: {what} {name} | {figure} |"


def _share(photo: Photo) -> float:
    return float((photo.target > 127).mean())


def _lab(image: Bytes) -> NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB))


def _lightness(photo: Photo) -> float:
    return float(_lab(photo.image)[..., 0].mean())


def _typology(photo: Photo) -> float:
    """The individual typology angle of the middle of the face, in degrees (Chardon et al., 1991)."""
    inside = photo.target > 127
    top, bottom = np.flatnonzero(inside.any(axis=1))[[0, -1]]
    row = int(top + 0.3 * (bottom - top))
    column = int(np.flatnonzero(inside[row]).mean())
    reach = max(4, (bottom - top) // 20)
    patch = _lab(photo.image)[row - reach : row + reach, column - reach : column + reach]
    lightness, _, blue = np.median(patch, axis=(0, 1))
    return float(np.degrees(np.arctan2(lightness - 50, blue)))


def clothing_report(network: nn.Module, data: Path) -> Iterator[str]:
    """The tables of ``deeplabv3_clothing``, line by line."""
    each = np.stack([clothing_counts(network, photo) for photo in clothing_photos(data, validation=True)])
    counts, rng = each.sum(axis=0), np.random.default_rng(0)
    again = np.stack([class_iou(each[rng.integers(len(each), size=len(each))].sum(axis=0)) for _ in range(500)])
    low, high = np.nanpercentile(np.column_stack([again, np.nanmean(again, axis=1)]), (2.5, 97.5), axis=0)
    scores, shares = class_iou(counts), counts.sum(axis=1) / counts.sum()
    yield f"IoU over all pixels of the {len(each)} validation photos, intervals by bootstrap over the photos:\n"
    yield "| class | IoU | 95 % interval | share of the pixels |\n|---|---:|---:|---:|"
    for number, name in enumerate(CLASS_NAMES):
        yield f"| {name} | {scores[number]:.3f} | {low[number]:.3f}–{high[number]:.3f} | {shares[number]:.3f} |"
    yield f"| **mean** | **{np.nanmean(scores):.3f}** | {low[-1]:.3f}–{high[-1]:.3f} | |\n"
    yield "Confusion matrix, percent of each true class (row) that was predicted as each class (column):\n"
    yield "| | " + " | ".join(CLASS_NAMES) + " |\n|---" + "|---:" * len(CLASS_NAMES) + "|"
    for name, row in zip(CLASS_NAMES, 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), strict=True):
        yield f"| {name} | " + " | ".join(f"{value:.0f}" for value in row) + " |"
    portraits = portrait_sets(data)["close"]
    labels = [NETWORKS["clothing"].logits(network, photo.image).argmax(axis=0) for photo in portraits]
    people = [iou(np.where(found, 255, 0), photo.target) for found, photo in zip(labels, portraits, strict=True)]
    upper = [np.isin(found[photo.target > 127], UPPER_CLASSES) for found, photo in zip(labels, portraits, strict=True)]
    low, high = interval(people)
    score = f"{np.mean(people):.3f} ({low:.3f}–{high:.3f}) with the person"
    yield f"\nOn {len(people)} validation portraits of `close`, all classes but background have a mean IoU of {score};"
    yield f"{np.concatenate(upper).mean():.1%} of the person's pixels are called hair, skin, top or accessory."


def write_pictures(data: Path) -> None:
    """The recorded frames, and windows of validation photos, with their masks."""
    frames = [
        (f"recorded/images/{name}", frame, np.round(255 * mask).astype(np.uint8)) for name, frame, mask in recorded()
    ]
    parts = [(photo.name, photo.image, photo.target) for photo in portrait_sets(data)["partial"]]
    for name, image, mask in (*frames, *parts):
        for part, picture in (("images", image[..., ::-1]), ("masks", mask)):
            path = data / f"{name.replace('/images/', f'/{part}/')}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), picture)


def main() -> None:
    """Write the tables into the card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("portrait", "clothing", "pictures"))
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", type=Path, help="of a run; the test sets are left out")
    args = parser.parse_args()
    if args.what == "pictures":
        write_pictures(args.data)
        return
    package = NETWORKS[args.what]
    if args.weights:
        package = replace(package, weights=args.weights)
    if args.what == "clothing":
        lines = "\n".join(clothing_report(package.load(), args.data))
    else:
        judged = partial(find, package.load()) if args.weights else shipped_mask
        lines = "\n".join(portrait_report(judged, args.data, args.weights is None))
    if args.weights:
        print(lines)
        return
    card = package.card.read_text(encoding="utf-8")
    before, after = card[: card.index(BEGIN)], card[card.index(END) :]
    package.card.write_text(f"{before}{BEGIN}\n\n{lines}\n\n{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
