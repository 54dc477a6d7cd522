"""Pictures between files and arrays. The one place that uses Pillow.

Whatever a picture file holds (grey, palette, transparency, 16 bits, turned by its EXIF tag), a frame comes out.
"""

import io
import os
import uuid
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor, ImageOps, UnidentifiedImageError

from seglib.arrays import Frame, check_frame
from seglib.errors import SourceError

_WHITE = (255, 255, 255, 255)


def read_image(path: str | Path) -> Frame:
    """Read a picture file as a frame.

    Transparent parts are laid over white. EXIF orientation is followed, so that phone photos stand upright.
    Of an animation, the first picture is taken.
    Returns (H, W, 3) uint8 RGB.
    Raises SourceError, naming the path, if the file is missing, empty, truncated or no picture.
    """
    path = existing_file(path)
    try:
        with Image.open(path) as image:
            return _as_frame(ImageOps.exif_transpose(image))
    except UnidentifiedImageError as error:
        raise SourceError(f"{path} is not a picture that Pillow knows") from error
    except Exception as error:  # a damaged file makes Pillow stumble in a dozen ways
        raise SourceError(f"{path} is a damaged or truncated picture: {error}") from error


def write_image(path: str | Path, frame: Frame, quality: int = 92) -> Path:
    """Write a frame as the kind of picture that the name ends in (.png, .jpg); make the folder if need be.

    frame: (H, W, 3) uint8 RGB; for .png also (H, W, 4), RGBA with straight alpha.
    quality: 1 to 95, for JPEG. Returns the path. Raises ValueError for an unknown ending, OSError if the disk refuses.
    """
    path = Path(path)
    kind = Image.registered_extensions().get(path.suffix.lower())
    if kind is None:
        raise ValueError(f"{path} has an unknown file extension; use .png or .jpg")
    is_rgba = kind == "PNG" and isinstance(frame, np.ndarray) and frame.ndim == 3 and frame.shape[2] == 4
    check_frame(frame[..., :3] if is_rgba else frame)
    encoded = io.BytesIO()  # in memory first: Pillow may not notice that a disk fills up while it writes
    # PNG's level 3 takes a third of the time of the usual 6, for a tenth more bytes.
    Image.fromarray(frame).save(encoded, kind, quality=quality, compress_level=3)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".part-{uuid.uuid4().hex}{path.suffix}")  # a full disk must not cost an older picture
    try:
        part.write_bytes(encoded.getbuffer())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def is_image(path: Path) -> bool:
    """Whether the file's content (not its name) is a still picture, and not an animation or a video.

    Several pictures in one file, as in a phone's MPO or a scanner's TIFF, do not make it a video.
    """
    try:
        with Image.open(path) as image:
            moves = image.format in ("GIF", "PNG") and getattr(image, "n_frames", 1) > 1
            return not moves and image.format != "MPEG"  # which Pillow knows, but cannot read
    except Exception:  # as in read_image
        return False


def read_gray(path: Path) -> np.ndarray:
    """Read a grey or palette PNG as it is stored, (H, W) uint8: for masks and label numbers."""
    with Image.open(path) as image:
        return np.asarray(image)


def parse_colour(colour: str) -> tuple[int, int, int]:
    """A CSS colour name, ``#rrggbb`` or ``rgb(…)`` as (red, green, blue), 0 to 255. Raises ValueError if unknown."""
    try:
        red, green, blue = ImageColor.getrgb(colour)[:3]
    except ValueError:
        near = get_close_matches(colour.lower(), ImageColor.colormap)
        hint = f"did you mean {' or '.join(near)}?" if near else "use a CSS name such as navy, or #rrggbb"
        raise ValueError(f"{colour!r} is neither a colour nor a file in {Path.cwd()}; {hint}") from None
    return red, green, blue


def existing_file(path: str | Path) -> Path:
    """Return the path if a non-empty file is there; otherwise raise SourceError that says what is."""
    path = Path(path)
    with suppress(RuntimeError):  # "~draft.mp4" is the name of a file, not of somebody's home
        path = path.expanduser()
    if path.is_dir():
        raise SourceError(f"{path} is a folder, not a file")
    if not path.exists():
        raise SourceError(f"{path} does not exist (looked from {Path.cwd()})")
    if path.is_file() and path.stat().st_size == 0:
        raise SourceError(f"{path} is empty: it holds 0 bytes")
    return path


def _as_frame(image: Image.Image) -> Frame:
    if image.mode.startswith("I") or image.mode == "F":  # 16 or 32 bits a pixel: Pillow's own convert would clip
        values = np.asarray(image, dtype=np.float64)
        top = 65535 if values.max() > 255 else 1 if image.mode == "F" and values.max() <= 1 else 255
        image = Image.fromarray(np.rint(values.clip(0, top) * (255 / top)).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, _WHITE), image)
    return np.array(image.convert("RGB"))  # a copy: Pillow's own buffer is read-only
