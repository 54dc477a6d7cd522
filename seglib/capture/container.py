"""Open a container (MP4, Matroska, AVI …), and tell whether the file is as long as its header says.

These containers consist of boxes, and each box begins with its size. In a truncated file the last box is shorter than
its size. Where all boxes are whole, nothing is missing, whatever the header says about time.
"""

import os
from pathlib import Path
from typing import BinaryIO

import av

# MP4's boxes of the outermost level. Boxes that some cameras append are not counted.
_MP4 = (b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"mfra", b"sidx", b"free", b"skip", b"wide", b"uuid", b"udta")
_GIF, _ASF = b"GIF8", b"\x30\x26\xb2\x75"
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")  # a GUID
# By their names, such as a.jpg and a%d.png, FFmpeg would take these for numbered pictures, and show the first.
_BY_CONTENT = {b"\xff\xd8": "mjpeg", b"\x89P": "apng"}
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


def open_container(path: str | Path) -> "av.container.InputContainer":
    """Open a file to read from. The path is always a file, never a protocol such as ``data:`` or ``concat:``."""
    with open(path, "rb") as file:
        kind = _BY_CONTENT.get(file.read(2))
    return av.open(file_url(path), format=kind, metadata_errors="replace")  # an old title may be in any encoding


def file_url(path: str | Path) -> str:
    """The path as FFmpeg takes it, whatever is in the name: a colon, a leading dash."""
    return f"file:{path}"


def declared_size(path: Path) -> int:
    """How many bytes a file has at least if nothing of it is missing, by its boxes; 0 if it does not say."""
    with path.open("rb") as file:
        start = file.read(4096)
        if start.startswith(_GIF):
            return _end_of_gif(file)
        if start.startswith(_ASF):
            at = start.find(_ASF_PROPERTIES) + 40  # after the GUID, the object's size and the file's identifier
            return int.from_bytes(start[at : at + 8], "little") if at >= 40 else 0
        if start.startswith(b"RIFF"):
            return _end_of_riffs(file)
        if start.startswith(_EBML):
            return _end_of_segment(start[:64])
        return _end_of_boxes(file) if start[4:8] in _MP4 else 0


def _end_of_gif(file: BinaryIO) -> int:
    """GIF: an empty block and a semicolon end it."""
    end = os.path.getsize(file.name)
    start = file.seek(max(0, end - 128))
    at = file.read().rfind(b"\0;")
    return start + at + 2 if at >= 0 else end + 1


def _end_of_riffs(file: BinaryIO) -> int:
    """AVI: one RIFF box, or several in a large file."""
    at, end = 0, os.path.getsize(file.name)
    while at < end:
        file.seek(at)
        box = file.read(8)
        size = int.from_bytes(box[4:], "little")
        if not box.startswith(b"RIFF") or len(box) < 8:
            break
        if size in (0, 0xFFFFFFFF):  # the recording was not finished
            return 0
        at += 8 + size
    return at


def _end_of_segment(start: bytes) -> int:
    """Matroska, WebM: a box with the version, then one box with everything else."""
    at = start.find(_SEGMENT) + 4
    if at < 4 or at + 8 > len(start) or start[at] == 0:
        return 0
    width = 9 - start[at].bit_length()  # the zeros at the front tell how many bytes the number has
    size = int.from_bytes(start[at : at + width]) & ((1 << 7 * width) - 1)
    unknown = (1 << 7 * width) - 1  # all ones: the recording was not finished
    return 0 if size == unknown else at + width + size


def _end_of_boxes(file: BinaryIO) -> int:
    """MP4, MOV: one box after the other."""
    at, end = 0, os.path.getsize(file.name)
    while at < end:
        file.seek(at)
        box = file.read(16)
        if box[4:8] not in _MP4:
            break
        size = int.from_bytes(box[:4])
        size = int.from_bytes(box[8:16]) if size == 1 else size
        if size < 8:  # 0: up to the end, wherever that is
            return 0
        at += size
    return at
