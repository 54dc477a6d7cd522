"""A HEIC photo made of tiles, as phones write it; no Python library writes one. Boxes of ISO 14496-12 and 23008-12."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def box(kind: bytes, *parts: bytes, flags: int | None = None) -> bytes:
    """flags: version and flags, of a full box."""
    body = b"".join(parts) if flags is None else struct.pack(">I", flags) + b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def write_tiled(path: Path, picture: NDArray[np.uint8], size: int, heif: Any) -> Path:
    """Write a picture as square tiles. heif: the module pillow_heif, whose encoder makes the tiles."""
    height, width = picture.shape[:2]
    rows, columns = -(-height // size), -(-width // size)
    padded = np.pad(picture, ((0, rows * size - height), (0, columns * size - width), (0, 0)), mode="edge")
    tiles = []
    for top, left in np.ndindex(rows, columns):
        part = padded[top * size : top * size + size, left * size : left * size + size]
        file = io.BytesIO()
        heif.from_pillow(Image.fromarray(part)).save(file, quality=90)
        tiles.append(file.getvalue())
    configuration = _find(tiles[0], b"hvcC")
    data = [_find(tile, b"mdat")[8:] for tile in tiles]
    numbers, grid = range(1, len(tiles) + 1), len(tiles) + 1
    hidden = [box(b"infe", struct.pack(">HH5s", number, 0, b"hvc1\0"), flags=0x2000001) for number in numbers]
    items = [*hidden, box(b"infe", struct.pack(">HH5s", grid, 0, b"grid\0"), flags=0x2000000)]
    properties = [
        configuration,
        *(box(b"ispe", struct.pack(">II", *s), flags=0) for s in ((size, size), (width, height))),
    ]
    used = [struct.pack(">HBBB", number, 2, 0x81, 2) for number in numbers]
    boxes = [
        box(b"hdlr", struct.pack(">I4s13s", 0, b"pict", b""), flags=0),
        box(b"pitm", struct.pack(">H", grid), flags=0),
        box(b"iinf", struct.pack(">H", grid), *items, flags=0),
        box(b"iref", box(b"dimg", struct.pack(f">HH{len(tiles)}H", grid, len(tiles), *numbers)), flags=0),
        box(
            b"iprp",
            box(b"ipco", *properties),
            box(b"ipma", struct.pack(">I", grid), *used, struct.pack(">HBB", grid, 1, 3), flags=0),
        ),
        box(b"idat", struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height)),
    ]
    start = box(b"ftyp", b"heic", struct.pack(">I", 0), b"mif1heic")
    at = len(start) + len(box(b"meta", *boxes, _locations(data, 0), flags=0)) + 8
    path.write_bytes(start + box(b"meta", *boxes, _locations(data, at), flags=0) + box(b"mdat", *data))
    return path


def _find(file: bytes, kind: bytes) -> bytes:
    at = file.index(kind) - 4
    return file[at : at + int.from_bytes(file[at : at + 4])]


def _locations(data: list[bytes], at: int) -> bytes:
    entries = []
    for number, part in enumerate(data, 1):
        entries.append(struct.pack(">HHHHII", number, 0, 0, 1, at, len(part)))
        at += len(part)
    entries.append(struct.pack(">HHHHII", len(data) + 1, 1, 0, 1, 0, 8))  # the grid stands in idat
    return box(b"iloc", struct.pack(">BBH", 0x44, 0, len(entries)), *entries, flags=0x1000000)
