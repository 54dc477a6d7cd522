"""Make pictures without people, and cut-out things to stand in them: python -m training.rooms PACKAGES DATA

PACKAGES holds the unpacked packages that README.md names. Writes DATA/rooms/*.jpg and DATA/things/*.png.
"""

import argparse
import base64
import io
import re
import warnings
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from zipfile import ZipFile, is_zipfile

import av
import cv2
import numpy as np

from training.data import SITTER, Bytes, read_grey, read_rgb, webcam

LONG_SIDE = 512  # pixels of a room's picture at most
SMALLEST = 120  # pixels of the shorter side at least
PLAIN = 12.0  # levels: the standard deviation of a picture that teaches nothing
VIEWS = 8  # directions in which a panorama is looked at
FIELD_OF_VIEW = 85.0  # degrees, across
PICTURES = (".jpg", ".png")
NO_ROOM = (
    *("tex_pics", "alien", "tex_ufo", "tex_anim", "tex_common", "tex_lights", "_nm.", "_gm.", "_sm.", "_norm."),
    *("_spec.", "_glow.", "/abstract/", "/desktop/", "ubuntu", "sweethome3d", "tuxpaint"),
)
PEOPLE = r"(wo)?man\b|girl|boy|(fe)?male|people|person|reallusion|doll|dress|jacket|mannequin|statue|texture"


def panoramas(folder: Path) -> Iterator[Bytes]:
    """Views of every panorama below the folder, (288, 384, 3) uint8 RGB, developed from linear light."""
    for path in sorted(folder.rglob("hdri/*.exr.js")):
        content = base64.b64decode(path.read_text().split("base64,")[1].split("'")[0])
        with av.open(io.BytesIO(content), "r", format="exr_pipe") as container:
            frame = next(container.decode(video=0))  # three planes, G, B, R, of 16-bit floats
        planes = [np.frombuffer(bytes(plane), np.float16).reshape(frame.height, -1) for plane in frame.planes]
        light = np.stack([planes[2], planes[0], planes[1]], axis=-1)[:, : frame.width].astype(np.float32)
        light = np.nan_to_num(light / (2.5 * np.nanmedian(light)), nan=1.0, posinf=1.0)
        developed = (255 * np.clip(light, 0, 1) ** (1 / 2.2)).astype(np.uint8)
        yield from (_view(developed, turn) for turn in np.arange(VIEWS) * 2 * np.pi / VIEWS)


def _view(panorama: Bytes, turn: float) -> Bytes:
    """What a camera sees that looks in this direction, in radians, and a little down."""
    high, wide = panorama.shape[:2]
    x, y = np.meshgrid(np.linspace(-1, 1, 384), np.linspace(-0.75, 0.75, 288))
    z = 1 / np.tan(np.radians(FIELD_OF_VIEW / 2))
    longitude = np.arctan2(x, z) + turn
    latitude = np.arctan2(y, np.hypot(x, z)) + 0.05
    columns = ((longitude / (2 * np.pi)) % 1 * wide).astype(np.float32)
    rows = ((latitude / np.pi + 0.5) * high).astype(np.float32)
    return np.asarray(cv2.remap(panorama, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP), np.uint8)


def surfaces(folder: Path) -> Iterator[Bytes]:
    """Photographed surfaces and landscapes, also out of zip files: walls, floors, doors, shelves, gardens."""
    for name, content in _pictures(folder):
        if any(word in name.lower() for word in NO_ROOM):
            continue
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        if image is not None and min(image.shape[:2]) >= SMALLEST and image.std() >= PLAIN:
            scale = min(1.0, LONG_SIDE / max(image.shape[:2]))
            small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            yield np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), np.uint8)


def _pictures(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if path.suffix.lower() in PICTURES:
            yield str(path), path.read_bytes()
        elif path.suffix == ".pk3" and is_zipfile(path):
            with ZipFile(path) as archive:
                names = [name for name in archive.namelist() if name.lower().endswith(PICTURES)]
                yield from ((name, archive.read(name)) for name in names)


def empty_rooms(data: Path) -> Iterator[Bytes]:
    """The rooms of the webcam training clips: the median, over a clip, of the pixels without people."""
    paths_of = [path for path in webcam(data, validation=False) if not path.stem.startswith(SITTER)]
    for _, clip in groupby(paths_of, lambda path: path.stem.rsplit("_", 1)[0]):
        paths = list(clip)
        frames = np.stack([read_rgb(path) for path in paths]).astype(np.float32)
        masks = np.stack([read_grey(data / "webcam/masks" / f"{path.stem}.png") for path in paths])
        reach = np.ones((31, 31), np.uint8)
        frames[np.stack([cv2.dilate(mask, reach) for mask in masks]) > 10] = np.nan
        with warnings.catch_warnings(category=RuntimeWarning, action="ignore"):  # someone in every frame
            plate = np.nanmedian(frames, axis=0)
        hidden = np.isnan(plate[..., 0]).astype(np.uint8)
        filled = cv2.inpaint(np.nan_to_num(plate).astype(np.uint8), hidden, 5, cv2.INPAINT_TELEA)
        yield np.asarray(filled, np.uint8)


def things(folder: Path) -> Iterator[Bytes]:
    """Furniture, lamps, screens, plants, cut out, (128, 128, 4) uint8 RGBA; no people and nothing worn by them."""
    for catalogue in sorted(folder.rglob("*.sh3f")):
        with ZipFile(catalogue) as archive:
            for name in archive.namelist():
                if name.lower().endswith(".png") and not re.search(PEOPLE, name.lower()):
                    image = cv2.imdecode(np.frombuffer(archive.read(name), np.uint8), cv2.IMREAD_UNCHANGED)
                    if image is not None and image.shape[2:] == (4,) and 0.05 < (image[..., 3] > 128).mean() < 0.95:
                        yield np.asarray(cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA), np.uint8)


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", type=Path)
    parser.add_argument("data", type=Path)
    args = parser.parse_args()
    for folder in (args.data / "rooms", args.data / "things"):
        folder.mkdir(exist_ok=True)
    rooms = {"panorama": panoramas(args.packages), "surface": surfaces(args.packages), "empty": empty_rooms(args.data)}
    for source, images in rooms.items():
        for number, image in enumerate(images):
            path = args.data / "rooms" / f"{source}_{number:04d}.jpg"
            cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92])
    for number, image in enumerate(things(args.packages)):
        cv2.imwrite(str(args.data / "things" / f"{number:04d}.png"), cv2.cvtColor(image, cv2.COLOR_RGBA2BGRA))


if __name__ == "__main__":
    main()
