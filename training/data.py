"""The photos: which may be trained on, what is believed of their masks, and a cache that is read without decoding.

A data folder holds ``images/0001.jpg …``, ``masks/0001.png …`` (255 = person) for those that were labelled, and
``teacher/0001.jpg …`` or ``.png`` (grey, any size: how sure another model is of a person) for those that were not.
``closer/0001.png …``, where there are any, tell where that model sees people when it looks closer: passers-by.
``surfaces/*.jpg``, if any, are pictures with nobody in them; ``objects/*.png``, if any, are things cut out of photos.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from surfaces import Pictures, keep
from tqdm import tqdm

Bytes = NDArray[np.uint8]

SURE = (51, 204)  # of 255: what lies between is where the teacher is unsure, and teaches nothing
DOUBTFUL = 0.2  # a photo with more unsure pixels than this share of its person is left out
SMALLEST = 0.02  # and so is one whose person covers less of it than this
# How far masks lie from their photos, (right, down) in pixels of a photo whose long side is LONG; align.py measures it.
# Half of the training pictures are mirrored, so the network would be taught that an edge lies in two places.
LABELS_LIE, TEACHER_LIES = (0.27, 0.0), (0.35, 0.23)
LONG = 416
VERSION = 10  # of the cache; raise it whenever build_cache writes something else


def is_validation(number: int, labelled: bool) -> bool:
    """Tell whether a photo is only for judging: the labelled ones whose number ends in 1."""
    return labelled and number % 10 == 1


def validation_photos(folder: Path) -> list[tuple[Path, Path]]:
    """The (image, mask) files of the validation split, in order."""
    masks = sorted(folder.glob("masks/*.png"))
    return [(folder / "images" / f"{m.stem}.jpg", m) for m in masks if is_validation(int(m.stem), True)]


@dataclass
class Photo:
    """A photo as it lies in the cache.

    image: (h, w, 3) uint8 RGB. planes: (h, w, 4) uint8: the target, 255 = person; whether it is believed, 255 = yes;
    the opacity with which the person is pasted elsewhere, a little narrower than the target; and whether somebody else
    may be there, 255 = yes.
    box: left, top, right, bottom of the person. head: the column of the middle of the head.
    """

    image: Bytes
    planes: Bytes
    box: tuple[int, int, int, int]
    head: float
    labelled: bool


class Photos:
    """All photos that may be trained on, in one file each for colours and planes, mapped into memory.

    Opened anew in every worker: only the path travels to it.
    """

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self.index: NDArray[Any] = np.load(cache / "index.npy")
        self.surfaces = Pictures(cache / "surfaces.bin")
        self.objects = Pictures(cache / "objects.bin", 4)
        self._open()

    def _open(self) -> None:
        self._images = np.memmap(self.cache / "images.bin", np.uint8, "r")
        self._planes = np.memmap(self.cache / "planes.bin", np.uint8, "r")

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_images": None, "_planes": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()

    def __len__(self) -> int:
        return len(self.index)

    def pick(self, rng: np.random.Generator) -> Photo:
        """A random photo."""
        return self[int(rng.integers(len(self)))]

    def __getitem__(self, number: int) -> Photo:
        row = self.index[number]
        height, width, start = int(row["height"]), int(row["width"]), int(row["start"])
        image, planes = (
            file[start * depth : (start + height * width) * depth].reshape(height, width, depth)
            for file, depth in ((self._images, 3), (self._planes, 4))
        )
        left, top, right, bottom = (int(v) for v in row["box"])
        return Photo(image, planes, (left, top, right, bottom), float(row["head"]), bool(row["labelled"]))


INDEX = np.dtype(
    [
        *(("number", "i4"), ("start", "i8"), ("height", "i4"), ("width", "i4")),
        *(("box", "i4", 4), ("head", "f4"), ("labelled", "?")),
    ]
)


def open_photos(folder: Path, cache: Path, aligned: bool = True) -> Photos:
    """The training photos of a data folder; decodes them into ``cache`` the first time, which takes a minute.

    aligned: move the masks to where the people are; otherwise they are left where they lie.
    """
    cache = cache if aligned else cache / "as_they_lie"
    stamp = cache / "ready"
    there = [len(list(folder.glob(f"{part}/*.*"))) for part in ("images", "surfaces", "objects")]
    wanted = f"{VERSION} {folder.resolve()} {there}"
    if not stamp.exists() or stamp.read_text() != wanted:
        build_cache(folder, cache, aligned)
        stamp.write_text(wanted)
    return Photos(cache)


def build_cache(folder: Path, cache: Path, aligned: bool) -> None:
    """Write images.bin, planes.bin, index.npy and the surfaces. Validation photos and doubtful ones are left out."""
    cache.mkdir(parents=True, exist_ok=True)
    rows, start = [], 0
    with open(cache / "images.bin", "wb") as images, open(cache / "planes.bin", "wb") as planes:
        for path in tqdm(sorted(folder.glob("images/*.jpg")), desc="decoding", unit="photo"):
            labelled = (folder / "masks" / f"{path.stem}.png").exists()
            if is_validation(int(path.stem), labelled):
                continue
            photo = read_photo(path, labelled, aligned)
            if photo is None:
                continue
            rows.append((int(path.stem), start, *photo.image.shape[:2], photo.box, photo.head, labelled))
            images.write(photo.image.tobytes())
            planes.write(photo.planes.tobytes())
            start += photo.image.shape[0] * photo.image.shape[1]
    np.save(cache / "index.npy", np.array(rows, INDEX))
    keep(folder.glob("surfaces/*.jpg"), cache / "surfaces.bin")
    keep(folder.glob("objects/*.png"), cache / "objects.bin", 4)


def read_photo(path: Path, labelled: bool, aligned: bool = True) -> Photo | None:
    """Read one photo with its mask, or with the teacher's if it has none; None if that cannot be relied on."""
    image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    teacher = _grey(path.parents[1] / "teacher" / path.stem, image, TEACHER_LIES if aligned else None)
    if labelled:
        mask = _grey(path.parents[1] / "masks" / path.stem, image, LABELS_LIE if aligned else None)
        if mask is None:
            return None
        planes = _labelled_planes(mask)
    elif teacher is None or not _reliable(teacher):
        return None
    else:
        planes = _taught_planes(teacher)
    planes[..., 1] &= ~_passers_by(planes, teacher)
    seen = _passers_by(planes, _grey(path.parents[1] / "closer" / path.stem, image))
    planes[..., 1] &= ~_cut_off(seen)
    others = seen | ~planes[..., 1]
    planes = np.dstack([planes, others])
    inside = planes[..., 2] > 127
    if inside.mean() < SMALLEST:
        return None
    return Photo(image, planes, _box(inside), _head(inside), labelled)


def _grey(path: Path, image: Bytes, lies: tuple[float, float] | None = None) -> Bytes | None:
    """A grey PNG or JPEG, whose path lacks the ending, at the image's size; None if there is none.

    lies: how far (right, down) from the image it lies, to be moved back.
    """
    for file in (path.with_suffix(".png"), path.with_suffix(".jpg")):
        if file.exists():
            grey = cv2.resize(cv2.imread(str(file), cv2.IMREAD_GRAYSCALE), image.shape[1::-1])
            return np.asarray(moved(grey, lies, -1) if lies else grey)
    return None


def moved(mask: NDArray[Any], by: tuple[float, float], times: float = 1) -> NDArray[Any]:
    """The mask moved by (right, down) pixels of a picture whose long side is LONG; its edge is repeated."""
    height, width = mask.shape
    x, y = np.float64(by) * times * max(mask.shape) / LONG
    where = np.array([[1, 0, x], [0, 1, y]])
    return cv2.warpAffine(mask, where, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _labelled_planes(mask: Bytes) -> Bytes:
    """The label is believed everywhere."""
    # Pixels on the edge hold colours of both sides, so the cut-out is narrower by about one.
    alpha = np.clip(2 * cv2.GaussianBlur(mask, (0, 0), 0.8).astype(np.int16) - 255, 0, 255)
    return np.dstack([mask, np.full_like(mask, 255), alpha.astype(np.uint8)])


def _passers_by(planes: Bytes, other: Bytes | None) -> Bytes:
    """255 where the target says background and another mask is sure of a person, well away from the target's edge.

    Labels leave passers-by out, and the teacher does not see small ones.
    """
    if other is None:
        return np.zeros_like(planes[..., 0])
    near = cv2.dilate(planes[..., 0], np.ones((9, 9), np.uint8))
    return np.where((near == 0) & (other > SURE[1]), 255, 0).astype(np.uint8)


def _cut_off(somebody: Bytes) -> Bytes:
    """Those parts, 255, that reach the left, the right or the lower side of the photo.

    Called background, they would teach that a shoulder at the side of a picture is no person.
    """
    numbers = cv2.connectedComponents(somebody)[1]
    at_side = np.concatenate([numbers[:, 0], numbers[:, -1], numbers[-1]])
    return np.where(np.isin(numbers, at_side[at_side > 0]), 255, 0).astype(np.uint8)


def _taught_planes(teacher: Bytes) -> Bytes:
    """The teacher is believed where it is sure; a cut-out follows its soft edge, sharpened."""
    trust = np.where((teacher < SURE[0]) | (teacher > SURE[1]), 255, 0).astype(np.uint8)
    target = np.where(teacher > 127, 255, 0).astype(np.uint8)
    alpha = np.clip((teacher.astype(np.float32) - 115) * (255 / 100), 0, 255).astype(np.uint8)
    return np.dstack([target, trust, alpha])


def _reliable(teacher: Bytes) -> bool:
    """Tell whether the teacher found a person and was sure of most of it."""
    person = np.count_nonzero(teacher > 127)
    unsure = np.count_nonzero((teacher >= SURE[0]) & (teacher <= SURE[1]))
    return person > 0 and unsure < DOUBTFUL * person


def _box(inside: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Around the middle 99 % of the person's pixels, so that specks do not count."""
    rows, columns = np.nonzero(inside)
    (left, right), (top, bottom) = np.percentile(columns, (0.5, 99.5)), np.percentile(rows, (0.25, 99.5))
    return int(left), int(top), int(right) + 1, int(bottom) + 1


def _head(inside: NDArray[np.bool_]) -> float:
    """The mean column of the upper tenth of the person."""
    _, top, _, bottom = _box(inside)
    columns = np.nonzero(inside[top : top + max(2, (bottom - top) // 10)])[1]
    return float(columns.mean()) if len(columns) else inside.shape[1] / 2
