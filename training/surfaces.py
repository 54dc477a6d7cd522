"""Photographed surfaces and other pictures with nobody in them: python training/surfaces.py FOLDER DATA/surfaces

Takes every picture below FOLDER, also out of zip files, at a long side of at most 512 pixels. Leaves out what is no
picture of a surface: plain ones, other games' worlds, posters, and the maps that only tell a game how light falls.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from zipfile import ZipFile, is_zipfile

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

Bytes = NDArray[np.uint8]

LONG_SIDE = 512
SMALLEST = 128  # pixels of the short side
PLAIN = 12  # levels: the standard deviation of a picture that teaches nothing
ENDINGS = (".jpg", ".png")
NO_SURFACE = ("tex_pics", "alien", "tex_ufo", "tex_anim", "tex_common", "tex_lights")
NO_SURFACE += ("_nm.", "_gm.", "_sm.", "_norm.", "_spec.", "_glow.", "/abstract/", "/desktop/", "ubuntu")


class Pictures:
    """The pictures of a folder in one file, mapped into memory; there may be none. Opened anew in every worker.

    depth: 3 for RGB, 4 for RGB and opacity.
    """

    def __init__(self, file: Path, depth: int = 3) -> None:
        self.file, self.depth = file, depth
        self.index: NDArray[np.int64] = np.load(file.with_suffix(".npy"))  # (pictures, 3): start, height, width
        self._open()

    def _open(self) -> None:
        self._pixels = np.memmap(self.file, np.uint8, "r") if len(self.index) else np.empty(0, np.uint8)

    def __getstate__(self) -> dict[str, object]:
        return {"file": self.file, "depth": self.depth, "index": self.index}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._open()

    def __len__(self) -> int:
        return len(self.index)

    def pick(self, rng: np.random.Generator) -> Bytes:
        """A random one, (h, w, depth) uint8."""
        start, height, width = (int(v) for v in self.index[rng.integers(len(self))])
        return self._pixels[start : start + height * width * self.depth].reshape(height, width, self.depth)


def keep(paths: Iterable[Path], file: Path, depth: int = 3) -> None:
    """Decode pictures into the file that Pictures reads. Raises ValueError for one without opacity if depth is 4."""
    rows, start = [], 0
    with open(file, "wb") as pixels:
        for path in sorted(paths):
            image = cv2.imread(str(path), cv2.IMREAD_COLOR if depth == 3 else cv2.IMREAD_UNCHANGED)
            if image is None or image.shape[2:] != (depth,) or image.dtype != np.uint8:
                raise ValueError(f"{path} is no picture with {depth} channels of 8 bits")
            image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB if depth == 3 else cv2.COLOR_BGRA2RGBA)
            rows.append((start, *image.shape[:2]))
            pixels.write(image.tobytes())
            start += image.size
    np.save(file.with_suffix(".npy"), np.array(rows, np.int64).reshape(-1, 3))


def found(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of every picture below the folder, of those in zip files too."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if path.suffix.lower() in ENDINGS:
            yield str(path), path.read_bytes()
        elif is_zipfile(path):
            with ZipFile(path) as archive:
                yield from ((name, archive.read(name)) for name in archive.namelist() if name.lower().endswith(ENDINGS))


def main() -> None:
    """Write 0001.jpg, 0002.jpg and so on."""
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    number = 0
    for name, content in tqdm(found(folder), unit="picture"):
        if any(word in name.lower() for word in NO_SURFACE):
            continue
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        if image is None or min(image.shape[:2]) < SMALLEST or image.std() < PLAIN:
            continue
        scale = min(1.0, LONG_SIDE / max(image.shape[:2]))
        number += 1
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(out / f"{number:04d}.jpg"), small, [cv2.IMWRITE_JPEG_QUALITY, 92])


if __name__ == "__main__":
    main()
