"""Image files to frames and back. The one place that uses Pillow.

Every kind of image becomes a frame: grey, palette, transparent, 16 bits, with an ICC profile, turned by EXIF.
"""

import io
import os
import re
import warnings
from collections.abc import Generator
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, ImageColor, ImageOps, UnidentifiedImageError

from seglib._internal.atomic_files import AtomicFile
from seglib._internal.gamut import ADOBE_RGB, GAMMA_22, TO_BT709, to_bt709
from seglib._internal.tone_mapping import NAMES, tone_map
from seglib.arrays import Frame, check_frame
from seglib.errors import SourceError

_WHITE = (255, 255, 255, 255)
_ANIMATED = ("GIF", "PNG", "WEBP", "AVIF")
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")  # brands of ISO 23008-12
_DRAWINGS = ("EPS", "WMF", "EMF")
_NEW_SUBFILE_TYPE = 254  # a tag of TIFF; its lowest bit marks a reduced version of another image of the file
_BITS, _PLANAR = 258, 284  # tags of TIFF
_PHOTOMETRIC, _SAMPLE_FORMAT = 262, 339  # 0: zero is white; 1: unsigned
_TO_PNG = "export it as PNG or JPEG first"
# The first bytes of files that neither Pillow nor FFmpeg reads, or not in their colours.
_UNSUPPORTED = {
    b"\xff\x0a": f"a JPEG XL picture; {_TO_PNG}",
    b"\0\0\0\x0cJXL ": f"a JPEG XL picture; {_TO_PNG}",
    b"8BPS": f"a Photoshop document of a kind that cannot be read; {_TO_PNG}",
    b"\x76\x2f\x31\x01": f"an OpenEXR picture of linear light; {_TO_PNG}",
    b"#?RADIANCE": f"a Radiance HDR picture of linear light; {_TO_PNG}",
    b"II*\0": f"a raw photo or an unusual TIFF; {_TO_PNG}",
    b"MM\0*": f"a raw photo or an unusual TIFF; {_TO_PNG}",
    b"%PDF": f"a PDF document; {_TO_PNG}",
}


def read_image(path: str | Path) -> Frame:
    """Read an image file as a frame.

    Parameters
    ----------
    path
        An image of any kind that Pillow reads, or HEIC; ``~`` is the home folder.

    Returns
    -------
    Frame
        (H, W, 3) uint8, sRGB. Transparent parts are laid over white, EXIF orientation and ICC profile are applied, a
        wide gamut is converted, HDR is tone-mapped.

    Raises
    ------
    SourceError
        If the file is missing, empty, truncated, too large or no image; the message names it.

    Warns
    -----
    UserWarning
        If the file holds several images, of which the first is used, or is HDR.

    Examples
    --------
    >>> path = seglib.write_image("photo.png", frame)
    >>> bool((seglib.read_image(path) == frame).all())
    True
    """
    path = existing_file(path)
    try:
        with _open(path) as image:
            if image.format == "TIFF" and image.getexif().get(_NEW_SUBFILE_TYPE, 0) & 1:
                raise SourceError(f"{path} is a raw photo, of which only a small preview can be read; {_TO_PNG}")
            if image.format == "TIFF" and image.mode == "RGB" and _has_deep_planes(image):
                raise SourceError(f"{path} is a TIFF of 16 bits with a plane for each colour; {_TO_PNG}")
            if image.format in _DRAWINGS:  # Pillow would start another program for them, or cannot read them here
                raise SourceError(f"{path} is a drawing ({image.format}); {_TO_PNG}")
            primaries, transfer = _colour_code(path, image)
            frame = _to_frame(image, primaries, transfer)
            _warn_of_more(path, image)
        if hdr := NAMES.get(transfer):
            warnings.warn(f"{path} is an HDR picture, {hdr}; its colours are tone-mapped to BT.709", stacklevel=2)
        return frame
    except SourceError:
        raise
    except UnidentifiedImageError as error:
        kind = unsupported_kind(path) or "no picture of a kind that can be read"
        raise SourceError(f"{path} is {kind}") from error
    except Image.DecompressionBombError as error:
        pixels, limit = (int(number) for number in re.findall(r"\d+", str(error))[:2])
        raise SourceError(f"{path} has {pixels:,} pixels, more than the limit of {limit:,}; scale it down") from error
    except Exception as error:  # Pillow raises errors of many types for damaged files
        raise SourceError(f"{path} is a damaged or truncated picture: {error}") from error


def write_image(path: str | Path, frame: Frame, quality: int = 92) -> Path:
    """Write a frame as an image file.

    Parameters
    ----------
    path
        The suffix decides the kind: .png, .jpg and what else Pillow writes. The folder is made, an older file replaced;
        ``~`` is the home folder.
    frame
        (H, W, 3) uint8, RGB; for .png also (H, W, 4), RGBA with straight alpha.
    quality
        Of a JPEG, 1 to 100; above 95 files grow and images hardly change.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    ValueError
        If the suffix is unknown, ``frame`` is no frame, or ``quality`` is out of range.
    OSError
        If the file cannot be written; an older one is kept.

    Examples
    --------
    >>> seglib.write_image("out/photo.jpg", frame).name
    'photo.jpg'
    """
    path = expand_home(path)
    kind = Image.registered_extensions().get(path.suffix.lower())
    if kind is None:
        raise ValueError(f"{path} has an unknown file extension; use .png or .jpg")
    if not 1 <= quality <= 100:
        raise ValueError(f"quality is {quality}, but must lie in 1 to 100")
    check_frame(frame, alpha=kind == "PNG")
    encoded = io.BytesIO()  # in memory first: Pillow may not notice that a disk is full
    # PNG's level 3 takes a third of the time of the default 6, for a tenth more bytes.
    Image.fromarray(frame).save(encoded, kind, quality=quality, compress_level=3)
    with AtomicFile(path) as file:
        file.part.write_bytes(encoded.getbuffer())
    return path


def is_image(path: Path) -> bool:
    """Whether the file's content (not its name) is a still image, and not an animation or a video.

    Several images in one file, as in a phone's MPO or a scanner's TIFF, do not make it an animation.
    """
    try:
        with _open(path) as image:
            is_video = image.format == "MPEG" or (image.format == "JPEG" and _is_motion_jpeg(path))
            return not (_is_animated(image) or is_video)
    except (Image.DecompressionBombError, SourceError):
        return True  # read_image says why it cannot be read
    except Exception:  # as in read_image
        return False


def read_animation(path: Path) -> Generator[tuple[Frame, float]]:
    """Yield the frames of an animation that Pillow reads, each with its duration in seconds."""
    with Image.open(path) as image:
        coding = _colour_code(path, image)
        for number in range(getattr(image, "n_frames", 1)):
            try:
                image.seek(number)
                frame = _to_frame(image, *coding)
            except Exception as error:  # as in read_image
                raise SourceError(f"{path} is damaged after {number} frames: {error}") from error
            yield frame, image.info.get("duration", 0) / 1000


def needs_pillow(path: Path) -> bool:
    """Whether the file is an animation that FFmpeg does not decode, or not as it is to be shown, and Pillow does."""
    try:
        with Image.open(path) as image:
            has_more = image.format == "AVIF" and image.has_transparency_data  # than FFmpeg gives
            has_more |= image.format != "GIF" and bool(image.info.keys() & {"icc_profile", "exif"})
            return _is_animated(image) and (image.format == "WEBP" or has_more)
    except Exception:  # as in read_image
        return False


def unsupported_kind(path: Path) -> str:
    """Name the kind of a file that is no readable image or video, and the way out; "" if it is unknown."""
    with path.open("rb") as file:
        start = file.read(4096)
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<?xml", b"<svg", b"<!--", b"<!DOCTYPE")) and b"<svg" in start:
        return f"an SVG drawing; {_TO_PNG}"
    if needs_pillow(path):
        return "an animated PNG, WebP or AVIF of a kind that FFmpeg cannot decode; export it as GIF or MP4 first"
    return next((kind for magic, kind in _UNSUPPORTED.items() if start.startswith(magic)), "")


def read_gray(path: Path) -> NDArray[np.uint8]:
    """Read a grey or palette PNG as it is stored, (H, W) uint8: for masks and label numbers."""
    with Image.open(path) as image:
        return np.array(image)  # a copy, as in _to_frame


def parse_colour(colour: str) -> tuple[int, int, int]:
    """A CSS colour name, ``#rrggbb`` or ``rgb(…)`` as (red, green, blue), 0 to 255. Raises ValueError if unknown."""
    try:
        red, green, blue = ImageColor.getrgb(colour)[:3]
    except ValueError:
        near = get_close_matches(colour.lower(), ImageColor.colormap)
        hint = f"did you mean {' or '.join(near)}?" if near else "use a CSS name such as navy, or #rrggbb"
        raise ValueError(f"{colour!r} is neither a colour nor a file in {Path.cwd()}; {hint}") from None
    return red, green, blue


def expand_home(path: str | Path) -> Path:
    """Return the path with ~ expanded. pathlib's own expanduser raises an error for a file named "~draft.mp4"."""
    return Path(os.path.expanduser(path))


def existing_file(path: str | Path) -> Path:
    """Return the path if a non-empty file is there; otherwise raise SourceError that says what is."""
    given, path = str(path), expand_home(path)
    if os.path.isdir(path):  # Path.is_dir and Path.exists raise an error for a name that is too long
        raise SourceError(f"{path} is a folder, not a file")
    if not os.path.exists(path):
        if "://" in given:
            raise SourceError(f"{given} is an address, not a file; download it first")
        raise SourceError(f"{path} does not exist (looked from {Path.cwd()})")
    if not path.is_file():  # a pipe would have to be read twice, and opening it may wait for ever
        raise SourceError(f"{path} is a device or a pipe, not a file; a camera is opened by its number, such as 0")
    if path.stat().st_size == 0:
        raise SourceError(f"{path} is empty: it holds 0 bytes")
    return path


def _open(path: Path) -> Image.Image:
    with path.open("rb") as file:
        start = file.read(12)
    if start[4:8] == b"ftyp" and start[8:] in _HEIC:
        try:
            from pillow_heif import register_heif_opener
        except ImportError as error:
            raise SourceError(f"{path} is a HEIC picture; install pillow-heif, or {_TO_PNG}") from error
        register_heif_opener()
    with warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning):  # under the limit is large
        image = Image.open(path)
    image.filename = ""  # else Pillow maps an uncompressed TIFF into memory in its turned size, and garbles it
    return image


def _is_animated(image: Image.Image) -> bool:
    return image.format in _ANIMATED and getattr(image, "n_frames", 1) > 1


def _is_motion_jpeg(path: Path) -> bool:
    """Whether one JPEG follows right after the other: the recording of a simple camera."""
    with path.open("rb") as file:
        return b"\xff\xd9\xff\xd8\xff" in file.read(1 << 24)


def _warn_of_more(path: Path, image: Image.Image) -> None:
    with suppress(EOFError, OSError, SyntaxError, ValueError):  # the file is truncated after its first image
        count = getattr(image, "n_frames", 1)
        if count > 1 and image.format != "MPO":  # whose other images are previews
            warnings.warn(f"{path} holds {count} pictures; the first is used", stacklevel=3)


def _colour_code(path: Path, image: Image.Image) -> tuple[int, int]:
    """Primaries and transfer characteristics, numbers of ITU-T H.273; 2 is unspecified."""
    if image.format in ("AVIF", "HEIF", "PNG"):
        with path.open("rb") as file:
            start = file.read(1 << 16)
        for marker, offset, size in ((b"colrnclx", 8, 2), (b"cICP", 4, 1)):
            at = start.find(marker) + offset
            if at >= offset and b"tmap" not in start[:64]:  # the code may be that of a gain map, which is not applied
                return int.from_bytes(start[at : at + size]), int.from_bytes(start[at + size : at + 2 * size])
    elif image.format in ("JPEG", "MPO") and image.getexif().get_ifd(ExifTags.IFD.Interop).get(1) == "R03":
        return ADOBE_RGB, GAMMA_22  # what cameras write in place of a profile
    return 2, 2


def _to_frame(image: Image.Image, primaries: int = 2, transfer: int = 2) -> Frame:
    profile = image.info.get("icc_profile") if transfer not in NAMES else None
    upright = ImageOps.exif_transpose(image)  # which has no format
    if image.mode.startswith("I") or image.mode == "F":  # 16 or 32 bits a pixel: Pillow's own convert would clip
        upright = Image.fromarray(_to_8_bits(upright, image))
    alpha = upright.convert("RGBA").getchannel("A") if upright.has_transparency_data else None
    rgb = _to_srgb(upright, profile) if profile else upright.convert("RGB")
    if transfer in NAMES:
        rgb = Image.fromarray(tone_map(np.asarray(rgb, np.uint16) * np.uint16(257), transfer, primaries))
    elif primaries in TO_BT709 and not profile:
        rgb = Image.fromarray(to_bt709(np.asarray(rgb), primaries, transfer))
    if alpha is not None:
        rgb.putalpha(alpha)
        rgb = Image.alpha_composite(Image.new("RGBA", rgb.size, _WHITE), rgb).convert("RGB")
    return np.array(rgb)  # a copy: Pillow's own buffer is read-only


def _has_deep_planes(image: Image.Image) -> bool:
    """Whether each colour is stored apart with 16 bits, which Pillow reads as 8 bits."""
    tags = image.getexif()
    return tags.get(_PLANAR) == 2 and tags.get(_BITS, 8) not in (8, (8, 8, 8))


def _to_8_bits(upright: Image.Image, image: Image.Image) -> NDArray[np.uint8]:
    """A grey picture of 16 or 32 bits a pixel. Of 32 bits, the largest value tells which number is white."""
    tags = image.getexif() if image.format == "TIFF" else {_SAMPLE_FORMAT: 2}
    values = np.nan_to_num(np.asarray(upright, dtype=np.float64), posinf=np.inf)
    if image.mode == "I" and tags.get(_SAMPLE_FORMAT, 1) == 1:
        values %= 2**32  # Pillow takes unsigned numbers as signed
    finite = values[np.isfinite(values)]
    largest = finite.max()
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM"):
        top = 65535
    elif image.mode == "F":
        highlights = np.percentile(finite, 99)  # of a picture from 0 to 1 they may be a little brighter than white
        top = 1 if highlights <= 2 else 255 if largest <= 255 else 65535
    else:
        top = 255 if largest <= 255 else 65535 if largest <= 65535 else 2**32 - 1
    codes: NDArray[np.uint8] = np.rint(values.clip(0, top) * (255 / top)).astype(np.uint8)
    return 255 - codes if tags.get(_PHOTOMETRIC) == 0 else codes


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert from the image's ICC profile to sRGB; a profile that is damaged or does not fit is ignored."""
    if image.mode not in ("L", "RGB", "CMYK", "LAB"):
        image = image.convert("L" if image.mode in ("1", "LA") else "RGB")
    with suppress(ImageCms.PyCMSError, OSError):
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" not in ImageCms.getProfileDescription(source):
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if converted is not None:
                return converted
    return image.convert("RGB")
