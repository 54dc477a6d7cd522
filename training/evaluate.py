"""Judge a model as the package runs it: python training/evaluate.py DATA --weights FILE [FILE …] [--masks FOLDER …]

Pictures are scaled by seglib.portrait.Preprocess: 256 * 256 pixels in the picture's shape, each side rounded to a
multiple of 16, averaging over areas; the answer is scaled back to the picture. Nothing is cleaned up afterwards.
--frames FOLDER writes the pictures as PNG, for another model to be run on (training/peer.py); --masks FOLDER
judges the masks that came of that. In the table, iou + near + missed + extra = 1: where the wrong pixels are tells what
to practise, the outline, or what is a person and what is not.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from data import validation_photos
from network import PortraitNet, load_weights
from numpy.typing import NDArray
from seglib.measure import boundary_f_score, flicker, iou
from seglib.portrait import Preprocess
from torch import nn
from torchvision.models.segmentation import lraspp_mobilenet_v3_large
from tqdm import tqdm

import seglib
from seglib.predict import Model

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Predict = Callable[[str, Bytes], Floats]  # name of a picture and the picture to its mask

PERSON = (0, 15)
BLACK = range(144, 159)  # frames of the clip in which nothing can be seen
LEAVING = range(76, 96)  # frames in which the person is leaving it, or coming back: at last a shoulder is left
HUES = range(0, 180, 30)  # turns of the person's colours in them, in units of two degrees, as OpenCV counts hues
LONG_SIDE = 256  # of a picture when outlines are compared
NEAR = 6  # pixels of such a picture: what is wrong no further from the true outline is a fault of the edge
PICTURES = ("validation", "dev", "samples", "leaving")


def read(image: Path, mask: Path) -> tuple[Bytes, Floats]:
    """A picture, (H, W, 3) uint8 RGB, and its mask, (H, W) float32 in [0, 1]."""
    picture = cv2.cvtColor(cv2.imread(str(image)), cv2.COLOR_BGR2RGB)
    return picture, read_mask(mask)


def read_mask(path: Path) -> Floats:
    """A grey picture as a mask."""
    return cv2.imread(str(path), cv2.IMREAD_GRAYSCALE).astype(np.float32) / 255


def pictures(data: Path, part: str) -> Iterator[tuple[str, Bytes, Floats]]:
    """Name, picture and true mask of everything in a part: validation, dev, samples, leaving or clip.

    leaving: frames of the clip in which little is left of the person, in six colours, for one may be found by chance.
    """
    if part == "samples":
        for name in ("astronaut", "hopper"):
            yield name, seglib.sample_frame(name), seglib.sample_mask(name)
    elif part == "clip":
        with seglib.open_source("clip") as frames:
            for number, (frame, mask) in enumerate(zip(frames, seglib.samples.sample_clip_masks(), strict=True)):
                if number not in BLACK:
                    yield f"{number:03d}", frame, mask
    elif part == "leaving":
        for name, frame, mask in pictures(data, "clip"):
            if int(name) in LEAVING:
                yield from ((f"{name}-{2 * turn}", recoloured(frame, mask, turn), mask) for turn in HUES)
    else:
        dev = [(p, data / "dev" / "masks" / f"{p.stem}.png") for p in sorted(data.glob("dev/images/*.jpg"))]
        for image, mask in validation_photos(data) if part == "validation" else dev:
            yield image.stem, *read(image, mask)


def recoloured(frame: Bytes, mask: Floats, turn: int) -> Bytes:
    """The frame with the hues of what the mask covers turned, in units of two degrees."""
    turned = cv2.cvtColor(frame, cv2.COLOR_RGB2HSV)
    turned[..., 0] = (turned[..., 0].astype(int) + turn) % 180
    person = cv2.cvtColor(turned, cv2.COLOR_HSV2RGB).astype(np.float32)
    return np.asarray((frame + mask[..., None] * (person - frame)).round().astype(np.uint8))


def package_model(network: nn.Module, device: torch.device) -> Model:
    """The network inside the package's own Model: its preprocessing, its scaling back."""
    return Model("portrait", network, Preprocess(), PERSON, device)


def mean_iou(network: nn.Module, photos: list[tuple[Path, Path]], device: torch.device) -> float:
    """Mean IoU at 0.5 on some photos, for the log of a training run. Leaves the network in eval mode."""
    model = package_model(network, device)
    pairs = (read(image, mask) for image, mask in photos)
    return float(np.mean([iou(model.mask(image), mask) for image, mask in pairs]))


def load_network(weights: Path) -> nn.Module:
    """The network that a safetensors file belongs to: this folder's, or the plain LR-ASPP of the first checkpoint."""
    network: nn.Module = PortraitNet()
    if load_weights(network, weights):
        network = lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=1)
        missing = load_weights(network, weights)
        if missing:
            raise ValueError(f"{weights} fits no network; {missing[0]} and {len(missing) - 1} others are missing")
    return network


def outline_score(mask: Floats, truth: Floats) -> float:
    """Boundary F-score at 2 pixels when the picture's long side is 256."""
    scale = LONG_SIDE / max(truth.shape)
    size = (round(truth.shape[1] * scale), round(truth.shape[0] * scale))
    small = (cv2.resize(np.asarray(m, np.float32), size, interpolation=cv2.INTER_AREA) for m in (mask, truth))
    return boundary_f_score(*(np.clip(m, 0, 1) for m in small))


def error(mask: Floats, truth: Floats) -> float:
    """The mean difference of opacity: also what IoU does not see, a mask that is too soft."""
    return float(np.abs(mask - truth).mean())


def faults(mask: Floats, truth: Floats) -> dict[str, float]:
    """The wrong pixels as shares of the union, which IoU is a share of, too.

    near the outline, beyond that missed, beyond that extra: what was taken for a person and is none.
    """
    found, person = mask >= 0.5, truth >= 0.5
    if not (found | person).any():
        return dict.fromkeys(("near", "missed", "extra"), 0.0)
    reach = NEAR * max(truth.shape) / LONG_SIDE
    inside, outside = (cv2.distanceTransform(part.view(np.uint8), cv2.DIST_L2, 5) for part in (person, ~person))
    wrong, far = found != person, np.maximum(inside, outside) > reach
    parts = {"near": wrong & ~far, "missed": wrong & far & person, "extra": wrong & far & found}
    return {name: np.count_nonzero(part) / np.count_nonzero(found | person) for name, part in parts.items()}


def judge(predict: Predict, data: Path) -> dict[str, float]:
    """Every figure for one model; without those of ``dev`` if that folder is not there."""
    figures: dict[str, float] = {}
    for part in PICTURES:
        scores, outlines, wrong, errors = [], [], [], []
        there = list(pictures(data, part))
        if not there:
            continue
        for name, picture, truth in tqdm(there, desc=part, leave=False):
            mask = predict(f"{part}/{name}", picture)
            scores.append(iou(mask, truth))
            outlines.append(outline_score(mask, truth))
            wrong.append(faults(mask, truth))
            errors.append(error(mask, truth))
            if part == "samples":
                figures[f"{name} iou"] = scores[-1]
        figures |= {f"{part} iou": float(np.mean(scores)), f"{part} median": float(np.median(scores))}
        figures[f"{part} outline"] = float(np.mean(outlines))
        figures[f"{part} error"] = float(np.mean(errors))
        figures |= {f"{part} {name}": float(np.mean([row[name] for row in wrong])) for name in wrong[0]}
    return figures | judge_clip(predict, data)


def judge_clip(predict: Predict, data: Path) -> dict[str, float]:
    """Mean IoU on the recorded clip, and how much the mask changes where the true one stands still."""
    frames = list(pictures(data, "clip"))
    masks = [predict(f"clip/{name}", picture) for name, picture, _ in tqdm(frames, desc="clip", leave=False)]
    truths = [truth for _, _, truth in frames]
    scores = [iou(mask, truth) for mask, truth in zip(masks, truths, strict=True)]
    before = BLACK.start  # the frames on either side of the black ones are no neighbours
    calm = [flicker(masks[part], truths[part]) for part in (slice(0, before), slice(before, None))]
    lengths = np.array([before - 1, len(masks) - before - 1])
    errors = [error(mask, truth) for mask, truth in zip(masks, truths, strict=True)]
    figures = {"clip iou": scores, "clip error": errors}
    means = {name: float(np.mean(values)) for name, values in figures.items()}
    return means | {"clip flicker": float(np.average(calm, weights=lengths))}


def write_frames(data: Path, folder: Path) -> None:
    """Write every picture as PNG, folder/part/name.png."""
    for part in (*PICTURES, "clip"):
        (folder / part).mkdir(parents=True, exist_ok=True)
        for name, picture, _ in pictures(data, part):
            cv2.imwrite(str(folder / part / f"{name}.png"), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))


def main() -> None:
    """Judge what the command line names and print a table; a column for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", type=Path, nargs="*", default=[], help="safetensors to judge")
    parser.add_argument("--masks", type=Path, nargs="*", default=[], help="folders of another model's masks to judge")
    parser.add_argument("--frames", type=Path, help="write the pictures here and do nothing else")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    args = parser.parse_args()
    if args.frames:
        return write_frames(args.data, args.frames)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    columns: dict[str, dict[str, float]] = {}
    for path in args.weights:
        model = package_model(load_network(path), device)
        columns[path.stem] = judge(lambda name, picture, model=model: model.mask(picture), args.data)  # type: ignore[misc]
    for path in args.masks:
        columns[path.name] = judge(lambda name, picture, path=path: read_mask(path / f"{name}.png"), args.data)  # type: ignore[misc]
    if args.json:
        args.json.write_text(json.dumps(columns, indent=1))
    print("| |", " | ".join(columns), "|\n|---|" + "---:|" * len(columns))
    for row in next(iter(columns.values()), {}):
        print(f"| {row} |", " | ".join(f"{figures[row]:.4f}" for figures in columns.values()), "|")


if __name__ == "__main__":
    main()
