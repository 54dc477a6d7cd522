"""Which photos there are, on which side of the split they are, and what is believed of their masks."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

HELD_OUT_MAN = ("eat_", "night_", "sister_")  # the clips of the webcam set that show the man of the validation set
SITTER = ("bird_", "milk_", "please_", "sorry_")  # clips with somebody half seen at the right, whom the masks leave out
SIDE = 416  # pixels: photos are kept at this long side
LABELS_LIE = (0.27, 0.0)  # pixels (right, down) by which the labels lie beside the people, measured at 416
PEER_LIES = (0.35, 0.23)  # the same of the peer's masks on those photos
DISAGREE = 0.1  # of their union: two masks that differ by more than this share are not believed
SURE = 0.8  # the teacher is believed where its probability is above this, or below one minus this


@dataclass(frozen=True)
class Photo:
    """A photo with its truth."""

    name: str  # with its folder
    image: Bytes  # (H, W, 3), RGB
    target: Bytes  # (H, W): opacity of the people, 255 = person, or class numbers
    trust: Bytes  # (H, W): how far the target is believed, 255 = wholly, 0 = not at all


def read_rgb(path: Path, mode: int = cv2.IMREAD_COLOR, order: int = cv2.COLOR_BGR2RGB) -> Bytes:
    """A picture file as (H, W, 3) uint8 RGB."""
    image = cv2.imread(str(path), mode)
    if image is None:
        raise ValueError(f"{path} is missing or no picture")
    return np.asarray(cv2.cvtColor(image, order), np.uint8)


def read_rgba(path: Path) -> Bytes:
    """A picture file with opacity as (H, W, 4) uint8 RGBA."""
    return read_rgb(path, cv2.IMREAD_UNCHANGED, cv2.COLOR_BGRA2RGBA)


def read_grey(path: Path) -> Bytes:
    """A picture file as (H, W) uint8."""
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise ValueError(f"{path} is missing or no picture")
    return np.asarray(image, np.uint8)


def street(data: Path, validation: bool) -> list[Path]:
    """The labelled street photos of one side of the split: a number that ends in 1 is held out."""
    labelled = sorted((data / "masks").glob("*.png"))
    return [data / "images" / f"{path.stem}.jpg" for path in labelled if path.stem.endswith("1") == validation]


def close(data: Path, validation: bool) -> list[Path]:
    """The portraits of one side of the split: every tenth, from the first, is held out."""
    paths = sorted((data / "close").glob("*.jpg"))
    return paths[::10] if validation else [path for number, path in enumerate(paths) if number % 10]


def webcam(data: Path, validation: bool) -> list[Path]:
    """The webcam frames of one side of the split, clip by clip, in order."""
    paths = sorted((data / "webcam").glob("*.jpg"))
    return [path for path in paths if path.stem.startswith(HELD_OUT_MAN) == validation]


def disagreement(a: Bytes, b: Bytes) -> float:
    """The share of the union of two masks, at half opacity, that only one of them covers."""
    first, second = a > 127, b > 127
    return float((first ^ second).sum() / max(1, (first | second).sum()))


def aligned(mask: Bytes, lies: tuple[float, float]) -> Bytes:
    """A mask moved back by how far it lies beside the people, in pixels (right, down)."""
    move = np.array([[1, 0, -lies[0]], [0, 1, -lies[1]]], np.float32)
    size = (mask.shape[1], mask.shape[0])
    return np.asarray(cv2.warpAffine(mask, move, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def portrait_training(data: Path) -> list[Photo]:
    """Every photo that ``portrait`` learns from.

    Street photos with labels; street photos with the two teachers' mean; portraits and webcam frames with the mean
    of the masks that agree.
    """
    photos = []
    for path in street(data, validation=False):
        target = aligned(read_grey(data / "masks" / f"{path.stem}.png"), LABELS_LIE)
        photos.append(Photo(f"street/{path.stem}", read_rgb(path), target, np.full_like(target, 255)))
    labelled = {path.stem for validation in (False, True) for path in street(data, validation)}
    for path in sorted((data / "images").glob("*.jpg")):
        if path.stem not in labelled:
            photos += _taught(path, data, PEER_LIES)
    for path in (*close(data, validation=False), *webcam(data, validation=False)):
        photos += _taught(path, data)
    return photos


def _taught(path: Path, data: Path, lies: tuple[float, float] = (0.0, 0.0)) -> list[Photo]:
    """A photo without labels: the mean of the two or three masks that agree; none if the first agrees with no other."""
    image = read_rgb(path)
    folder = path.parent.name
    masks = [aligned(read_grey(data / "peer" / folder / f"{path.stem}.png"), lies)]
    masks.append(read_grey(data / "first" / folder / f"{path.stem}.png"))
    soft = path.parent / "masks" / f"{path.stem}.png"
    if soft.exists():
        masks.insert(0, read_grey(soft))
    agreeing = [mask for mask in masks[1:] if disagreement(masks[0], mask) < DISAGREE]
    if not agreeing:
        return []
    believed = [masks[0], *agreeing] if len(masks) < 3 else [masks[0], masks[0], *agreeing]  # the finest counts twice
    target = np.mean(believed, axis=0).astype(np.uint8)
    unsure = (target > 255 * (1 - SURE)) & (target < 255 * SURE)
    spread = np.ptp(np.stack(believed).astype(np.int16), axis=0) > 128  # one says person, the other does not
    trust = np.where(unsure & spread, 0, 255 if len(masks) == 3 else 160).astype(np.uint8)
    if path.stem.startswith(SITTER):
        trust[:, 3 * trust.shape[1] // 4 :] = 0
    scale = min(1.0, SIDE / max(target.shape))
    resized = (cv2.resize(p, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) for p in (image, target, trust))
    return [Photo(f"{folder}/{path.stem}", *(np.asarray(part, np.uint8) for part in resized))]


def clothing_photos(data: Path, validation: bool = False) -> list[Photo]:
    """The labelled street photos of one side of the split with class numbers."""
    photos = []
    for path in street(data, validation):
        parts = read_grey(data / "parts" / f"{path.stem}.png")
        photos.append(Photo(f"street/{path.stem}", read_rgb(path), parts, np.full_like(parts, 255)))
    return photos


def masked_portraits(data: Path) -> list[Photo]:
    """The training portraits that have a soft mask, which is their target."""
    photos = []
    for path in close(data, validation=False):
        soft = data / "close" / "masks" / f"{path.stem}.png"
        if soft.exists():
            mask = read_grey(soft)
            photos.append(Photo(f"close/{path.stem}", read_rgb(path), mask, np.full_like(mask, 255)))
    return photos
