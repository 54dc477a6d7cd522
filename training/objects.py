"""Photographed things, cut out, that are no people: python training/objects.py FOLDER DATA/objects

Takes every .png with opacity below FOLDER, at a long side of at most 320 pixels. Leaves out what is no photo, since
drawn things have few colours, and what is a person, looks like one or is worn by one.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
from framing import matrix, warp
from numpy.typing import NDArray
from surfaces import Pictures
from tqdm import tqdm

Bytes = NDArray[np.uint8]
LONG_SIDE = 320
SMALLEST = 64  # pixels of the short side
COLOURS = 250  # of 32 levels a channel; a drawing has fewer
NO_OBJECT = ("cartoon", "people", "symbols", "clothes", "faces", "monuments", "seasonal", "flags", "roadsigns")
NO_OBJECT += ("military", "apes", "astronaut", "gorilla", "chimpanzee", "pizza", "_mirror")


def place(
    rng: np.random.Generator,
    things: Pictures,
    image: NDArray[np.generic],
    centre: tuple[float, float],
    size: float,
    target: Bytes | None = None,
) -> None:
    """Put one of the things on the picture, (H, W, 3) RGB, in place, in part of its light.

    centre: (x, y) in pixels. size: its longer side, in pixels. target: (H, W), 255 = person; 0 where the thing is.
    """
    cut_out = things.pick(rng)
    rows, columns = cut_out.shape[:2]
    where = matrix(rng, (columns / 2, rows / 2), centre, size / max(rows, columns), 15)
    light = rng.uniform(0.5, 1.2) * np.exp(rng.normal(0, 0.1, 3)).astype(np.float32)
    x, y, wide, high = _around(where, columns, rows, image.shape[:2])
    if wide <= 0 or high <= 0:
        return
    where[:, 2] -= x, y
    moved = warp(cut_out, where, (high, wide), cv2.BORDER_CONSTANT).astype(np.float32)
    alpha, part = moved[..., 3:] / 255, (slice(y, y + high), slice(x, x + wide))
    image[part] = image[part] + alpha * (np.minimum(moved[..., :3] * light, 255) - image[part])
    if target is not None:
        np.minimum(target[part], (255 - 255 * alpha[..., 0]).astype(np.uint8), out=target[part])


def _around(where: NDArray[np.float32], columns: int, rows: int, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Left, top, width and height of what the moved picture covers of the shape; 0 or less where it is beside it."""
    corners = where @ np.array([[-1, columns, columns, -1], [-1, -1, rows, rows], [1, 1, 1, 1]])  # and what fades
    left, top = np.maximum(np.floor(corners.min(1)).astype(int), 0)
    right, bottom = np.minimum(np.ceil(corners.max(1)).astype(int) + 1, shape[::-1])
    return int(left), int(top), int(right - left), int(bottom - top)


def is_photo(image: Bytes) -> bool:
    """(h, w, 4) uint8, the last channel its opacity: whether it is cut out of a photo, and large enough."""
    solid = image[image[..., 3] > 200, :3] // 8
    colours = np.unique(solid.astype(int) @ (1, 32, 32 * 32))
    return min(image.shape[:2]) >= SMALLEST and 0.1 < (image[..., 3] > 128).mean() < 0.95 and len(colours) > COLOURS


def main() -> None:
    """Write 0001.png, 0002.png and so on."""
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    number = 0
    for path in tqdm(sorted(folder.rglob("*.png")), unit="picture"):
        if any(word in str(path.relative_to(folder)).lower() for word in NO_OBJECT):
            continue
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if image is None or image.dtype != np.uint8 or image.shape[2:] != (4,) or not is_photo(np.asarray(image)):
            continue
        scale = min(1.0, LONG_SIDE / max(image.shape[:2]))
        number += 1
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        # The edge holds colours of what was behind: narrower by about one, as people are, or that would give it away.
        small[..., 3] = np.clip(2 * cv2.GaussianBlur(small[..., 3], (0, 0), 0.8).astype(np.int16) - 255, 0, 255)
        cv2.imwrite(str(out / f"{number:04d}.png"), small)


if __name__ == "__main__":
    main()
