"""Whatever a picture file holds, a frame comes out, or an error that names the file."""

import contextlib
import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Literal

import cv2
import matplotlib.colors
import numpy as np
import pytest
import tifffile
from heic import write_tiled
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import ExifTags, Image, ImageCms, ImageColor, TiffImagePlugin

from seglib import SourceError, read_image, write_image
from seglib._internal.gamut import ADOBE_RGB, GAMMA_22, to_bt709
from seglib.images import is_image, parse_colour, read_gray

FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
KINDS = ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"]


def colourful(height: int = 40, width: int = 60) -> np.ndarray:
    """A smooth picture, no two corners of one colour, so that every turn of it shows."""
    y, x = np.mgrid[:height, :width]
    return np.stack([255 * y / height, 255 * x / width, 255 - 200 * y / height], axis=-1).astype(np.uint8)


def file_bytes(picture: np.ndarray, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind, **options)
    return file.getvalue()


# ---- what comes out of a file ------------------------------------------------------------------------------


@FEW
@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
@pytest.mark.parametrize("ending", [".png", ".bmp", ".tif"])
def test_lossless_files_give_back_every_pixel(tmp_path: Path, ending: str, frame: np.ndarray) -> None:
    path = write_image(tmp_path / f"p{ending}", frame)
    read = read_image(path)
    np.testing.assert_array_equal(read, frame)
    assert read.dtype == np.uint8
    assert read.flags.writeable
    assert read.flags.c_contiguous


def test_jpeg_comes_close_and_closer_with_more_quality(tmp_path: Path) -> None:
    frame = colourful(120, 160)
    errors = []
    for quality in (20, 95):
        read = read_image(write_image(tmp_path / f"{quality}.jpg", frame, quality=quality)).astype(int)
        errors.append(np.abs(read - frame).mean())
    assert errors[1] < errors[0] < 8
    assert errors[1] < 1.5


@pytest.mark.parametrize("mode", ["L", "P", "1", "CMYK", "RGB"])
def test_modes_without_transparency_are_converted_as_pillow_does(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(colourful()).convert(mode)
    path = tmp_path / "p.tif"
    image.save(path)
    np.testing.assert_array_equal(read_image(path), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_parts_are_laid_over_white(tmp_path: Path, mode: str) -> None:
    opaque = Image.fromarray(colourful()).convert(mode[:-1])
    alpha = np.tile(np.linspace(0, 255, 60).round().astype(np.uint8), (40, 1))
    image = opaque.copy()
    image.putalpha(Image.fromarray(alpha))
    image.save(tmp_path / "p.png")
    share = alpha[..., None] / 255.0
    expected = share * np.asarray(opaque.convert("RGB")) + (1 - share) * 255
    assert np.abs(read_image(tmp_path / "p.png") - expected).max() <= 1


def test_a_transparent_palette_colour_becomes_white(tmp_path: Path) -> None:
    image = Image.new("P", (3, 1))
    image.putdata([0, 1, 2])
    image.putpalette([200, 0, 0, 0, 200, 0, 0, 0, 200])
    for name in ("p.png", "p.gif"):
        image.save(tmp_path / name, transparency=1)
        assert read_image(tmp_path / name).tolist() == [[[200, 0, 0], [255, 255, 255], [0, 0, 200]]]


@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_sixteen_bit_grey_keeps_its_whole_range(tmp_path: Path, ending: str) -> None:
    grey = np.linspace(0, 65535, 400).round().astype(np.uint16).reshape(20, 20)
    assert cv2.imwrite(str(tmp_path / f"p{ending}"), grey)
    expected = grey[..., None] / 257.0
    assert np.abs(read_image(tmp_path / f"p{ending}") - expected).max() <= 0.5 + 1e-6


def test_a_float_picture_between_zero_and_one_is_not_black(tmp_path: Path) -> None:
    values = np.linspace(0, 1, 400, dtype=np.float32).reshape(20, 20)
    Image.fromarray(values).save(tmp_path / "p.tif")
    assert np.abs(read_image(tmp_path / "p.tif")[..., 0] - values * 255).max() <= 0.5 + 1e-4


@pytest.mark.parametrize("ending", [".png", ".tif", ".pgm"])
def test_a_dark_picture_of_sixteen_bits_stays_dark(tmp_path: Path, ending: str) -> None:
    assert cv2.imwrite(str(tmp_path / f"p{ending}"), np.full((20, 20), 200, np.uint16))
    assert read_image(tmp_path / f"p{ending}").max() == 1  # 200 of 65535


@pytest.mark.parametrize(
    ("dtype", "photometric"),
    [(np.uint8, "miniswhite"), (np.uint16, "miniswhite"), (np.uint16, "minisblack"), (np.uint32, "minisblack")],
)
def test_scanned_grey_is_no_negative(tmp_path: Path, dtype: type, photometric: Literal["minisblack"]) -> None:
    grey = np.linspace(0, 255, 400).round().astype(np.uint8).reshape(20, 20)
    stored = grey.astype(dtype) * dtype(np.iinfo(dtype).max // 255)
    stored = ~stored if photometric == "miniswhite" else stored
    tifffile.imwrite(tmp_path / "p.tif", stored, photometric=photometric)
    assert np.array_equal(read_image(tmp_path / "p.tif")[..., 0], grey)


def test_a_float_picture_with_highlights_and_without_some_values_is_not_black(tmp_path: Path) -> None:
    values = np.linspace(0, 1, 400, dtype=np.float32).reshape(20, 20)
    values[0, :3] = np.nan, np.inf, 3
    Image.fromarray(values).save(tmp_path / "p.tif")
    output = read_image(tmp_path / "p.tif")[..., 0]
    assert output[0, :3].tolist() == [0, 255, 255]
    assert np.abs(output[1:] - values[1:] * 255).max() <= 0.5 + 1e-4


@pytest.mark.parametrize("mode", ["L", "I;16", "CMYK", "RGB"])
def test_an_uncompressed_tiff_is_turned_whole(tmp_path: Path, mode: str) -> None:
    grey = np.arange(96, dtype=np.uint16).reshape(8, 12) * 2
    image = Image.fromarray(grey * 257) if mode == "I;16" else Image.fromarray(grey.astype(np.uint8)).convert(mode)
    image.save(tmp_path / "p.tif", exif=exif_with(6))
    assert np.array_equal(read_image(tmp_path / "p.tif")[..., 0], np.rot90(grey, -1))


def test_deep_colour_planes_are_refused_by_name(tmp_path: Path) -> None:
    planes = np.zeros((3, 20, 30), np.uint16)
    tifffile.imwrite(tmp_path / "p.tif", planes, photometric="rgb", planarconfig="separate")
    with pytest.raises(SourceError, match="plane"):
        read_image(tmp_path / "p.tif")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_followed_as_opencv_follows_it(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "phone.jpg"
    path.write_bytes(file_bytes(colourful(), "JPEG", exif=exif, quality=95, subsampling=0))
    expected = cv2.imread(str(path))[..., ::-1].astype(int)
    upright = read_image(path)
    assert upright.shape == ((40, 60, 3) if orientation < 5 else (60, 40, 3))
    assert np.abs(upright - expected).max() <= 3, "two JPEG decoders differ by a level or two"


@pytest.mark.parametrize("kind", ["GIF", "PNG", "TIFF", "WEBP"])
def test_of_several_pictures_the_first_is_taken_and_the_others_are_told(tmp_path: Path, kind: str) -> None:
    first, second = (Image.new("RGB", (6, 4), colour) for colour in ("red", "blue"))
    first.save(tmp_path / "p", kind, save_all=True, append_images=[second], lossless=True)
    with pytest.warns(UserWarning, match="2 pictures"):
        assert read_image(tmp_path / "p").tolist() == [[[255, 0, 0]] * 6] * 4


def swapped_profile() -> bytes:
    """An ICC profile in which red and green have changed places: sRGB's, with two tags renamed."""
    content = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    content = content.replace(b"rXYZ", b"xXYZ").replace(b"gXYZ", b"rXYZ").replace(b"xXYZ", b"gXYZ")
    return content.replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))


@pytest.mark.parametrize("name", ["p.png", "p.jpg", "p.webp", "p.tif"])
def test_an_icc_profile_is_applied(tmp_path: Path, name: str) -> None:
    options = {"lossless": True} if name == "p.webp" else {"quality": 95}
    Image.fromarray(colourful()).save(tmp_path / name, icc_profile=swapped_profile(), **options)
    expected = colourful()[..., [1, 0, 2]].astype(int)
    assert np.abs(read_image(tmp_path / name) - expected).mean() < 3


def test_an_icc_profile_leaves_transparency_alone(tmp_path: Path) -> None:
    rgba = np.dstack([colourful(), np.full((40, 60), 51, np.uint8)])
    Image.fromarray(rgba).save(tmp_path / "p.png", icc_profile=swapped_profile())
    expected = 0.2 * colourful()[..., [1, 0, 2]] + 0.8 * 255
    assert np.abs(read_image(tmp_path / "p.png") - expected).max() <= 2


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "LA"])
@pytest.mark.parametrize("kind", ["sRGB", "of another mode", "damaged"])
def test_pictures_whose_profile_changes_nothing_are_read_as_they_are(tmp_path: Path, mode: str, kind: str) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = {"sRGB": srgb, "of another mode": srgb.replace(b"RGB XYZ ", b"CMYKXYZ "), "damaged": b"profile" * 30}[
        kind
    ]
    image = Image.fromarray(colourful()).convert(mode)
    image.save(tmp_path / "p.png", icc_profile=profile)
    np.testing.assert_array_equal(read_image(tmp_path / "p.png"), np.asarray(image.convert("RGB")))


def write_coded(path: Path, picture: np.ndarray, kind: str, primaries: int, transfer: int) -> Path:
    """Write a picture and the numbers of ITU-T H.273 for its colours."""
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    content = file_bytes(picture, kind, quality=95)
    if kind == "PNG":  # cICP: primaries, transfer, matrix, range; after the header
        chunk = b"cICP" + bytes([primaries, transfer, 0, 1])
        content = content[:33] + struct.pack(">I", 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) + content[33:]
    else:
        at = content.index(b"colrnclx") + 8
        content = content[:at] + struct.pack(">HH", primaries, transfer) + content[at + 4 :]
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("kind", ["PNG", "AVIF", "HEIF"])
@pytest.mark.parametrize(("transfer", "name", "grey"), [(16, "PQ", 153), (18, "HLG", 124)])
def test_hdr_is_tone_mapped_and_told(tmp_path: Path, kind: str, transfer: int, name: str, grey: int) -> None:
    ramp = np.repeat(np.arange(0, 256, 3, dtype=np.uint8)[:, None, None], 3, axis=2).repeat(64, axis=1)
    path = write_coded(tmp_path / "p", ramp, kind, 9, transfer)
    with pytest.warns(UserWarning, match=f"HDR.*{name}"):
        mapped = read_image(path)[:, 32].astype(int)
    assert np.ptp(mapped, axis=1).max() <= 5
    assert (np.diff(mapped[:, 1]) >= -2).all()
    assert mapped[42:44, 1].mean() == pytest.approx(grey, abs=5)  # half the code: see test_tone_mapping


@pytest.mark.parametrize("kind", ["PNG", "AVIF", "HEIF"])
def test_a_wide_gamut_without_a_profile_is_converted(tmp_path: Path, kind: str) -> None:
    path = write_coded(tmp_path / "p", colourful(), kind, 12, 13)
    assert np.abs(read_image(path) - to_bt709(colourful(), 12, 13).astype(int)).mean() < 4
    assert np.abs(read_image(path) - colourful().astype(int)).mean() > 8


def test_adobe_rgb_as_cameras_mark_it_is_converted(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.IFD.Interop] = {1: "R03"}
    Image.fromarray(colourful()).save(tmp_path / "p.jpg", exif=exif, quality=95)
    expected = to_bt709(colourful(), ADOBE_RGB, GAMMA_22).astype(int)
    assert np.abs(read_image(tmp_path / "p.jpg") - expected).mean() < 3


def test_a_heic_photo_of_tiles_comes_whole(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    path = write_tiled(tmp_path / "grid.heic", colourful(150, 200), 64, pytest.importorskip("pillow_heif"))
    assert is_image(path)
    assert np.abs(read_image(path) - colourful(150, 200).astype(int)).mean() < 3
    assert not recwarn.list


def exif_with(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


# ---- files that cannot be read -----------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "words"), [("absent.png", "not exist"), ("empty.png", "empty"), (".", "folder")])
def test_missing_empty_and_folder_are_told_apart(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "empty.png").touch()
    for path in (tmp_path / name, str(tmp_path / name)):
        with pytest.raises(SourceError, match=words) as caught:
            read_image(path)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.95])
def test_a_truncated_picture_is_refused_and_named(tmp_path: Path, kind: str, share: float) -> None:
    whole = file_bytes(np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8), kind)
    path = tmp_path / f"holiday.{kind.lower()}"
    path.write_bytes(whole)
    assert read_image(path).shape == (40, 60, 3)
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(SourceError, match=r"holiday\."):
        read_image(path)


@pytest.mark.filterwarnings("ignore::UserWarning")  # what Pillow skips, and that there are more pictures
@settings(FEW, max_examples=100)
@given(
    st.sampled_from([*KINDS, "moving GIF", "AVIF"]),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8),
)
@example("AVIF", [(0.136, 200)])  # where Pillow raises a RuntimeError
def test_damaged_bytes_give_a_frame_or_a_source_error_and_nothing_else(
    tmp_path: Path, kind: str, changes: list[tuple[float, int]]
) -> None:
    picture = colourful(12, 16)
    more = {"append_images": [Image.fromarray(picture[::-1])], "save_all": True} if kind == "moving GIF" else {}
    damaged = bytearray(file_bytes(picture, kind.split()[-1], **more))
    for place, value in changes:
        damaged[int(place * len(damaged))] = value
    path = tmp_path / "p"
    path.write_bytes(damaged)
    try:
        frame = read_image(path)
    except SourceError as error:
        assert str(path) in str(error)
    else:
        assert frame.dtype == np.uint8
        assert frame.shape[2] == 3
    assert is_image(path) in (True, False)


@pytest.mark.filterwarnings("ignore:.*2 pictures")
@pytest.mark.parametrize("share", [0.505, 0.51, 0.7, 0.95])
def test_a_truncated_animation_still_shows_its_first_picture_or_is_refused(tmp_path: Path, share: float) -> None:
    whole = file_bytes(colourful(), "GIF", append_images=[Image.fromarray(colourful()[::-1])], save_all=True)
    (tmp_path / "p").write_bytes(whole[: int(len(whole) * share)])
    with contextlib.nullcontext() if share > 0.6 else contextlib.suppress(SourceError):
        np.testing.assert_array_equal(read_image(tmp_path / "p"), Image.open(io.BytesIO(whole)).convert("RGB"))


@pytest.mark.parametrize("content", [b"not a picture\n" * 50, b"\x00" * 500, b"<html></html>", b"\x89PNG\r\n\x1a\n"])
def test_something_else_under_a_pictures_name_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "holiday.png"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"holiday\.png"):
        read_image(path)
    assert not is_image(path)


def test_the_small_preview_of_a_raw_photo_is_not_taken_for_the_photo(tmp_path: Path) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[254] = 1  # NewSubfileType: a reduced version
    Image.fromarray(colourful()).save(tmp_path / "p.dng", "TIFF", tiffinfo=tags)
    with pytest.raises(SourceError, match="raw photo"):
        read_image(tmp_path / "p.dng")


def test_a_picture_far_too_large_for_memory_is_told_its_size_and_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_image(tmp_path / "huge.png", colourful())
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # Pillow takes twice as many
    with pytest.raises(SourceError, match=r"huge\.png.*2,400.*2,000"):
        read_image(path)
    assert is_image(path)


def test_content_not_name_decides_what_is_a_still_picture(tmp_path: Path) -> None:
    for kind in KINDS:
        (tmp_path / "clip.mp4").write_bytes(file_bytes(colourful(), kind))
        assert is_image(tmp_path / "clip.mp4"), kind
    frames = [Image.new("RGB", (6, 4), colour) for colour in ("red", "blue")]
    still = {"GIF": False, "PNG": False, "WEBP": False, "AVIF": False, "TIFF": True, "MPO": True}
    for kind, expected in still.items():
        frames[0].save(tmp_path / "several", kind, save_all=True, append_images=frames[1:])
        assert is_image(tmp_path / "several") is expected, kind
    (tmp_path / "raw.m2v").write_bytes(bytes.fromhex("000001b3 040030 13 ffffe018 00000100") + bytes(100))
    assert not is_image(tmp_path / "raw.m2v"), "Pillow takes the head of an MPEG video for a picture"
    assert not is_image(tmp_path / "absent.png")


def test_a_tilde_is_the_home_folder_or_part_of_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    for name, path in (("~/é ü.png", "home/é ü.png"), ("~draft.png", "~draft.png")):
        assert write_image(name, colourful()).samefile(path)
        np.testing.assert_array_equal(read_image(name), colourful())
    with pytest.raises(SourceError, match="~absent"):
        read_image("~absent/p.png")


def test_stored_numbers_of_grey_and_palette_files_stay_as_they_are(tmp_path: Path) -> None:
    numbers = np.array([[0, 8, 15], [20, 255, 128]], np.uint8)
    grey = Image.fromarray(numbers)
    palette = Image.new("P", (3, 2))
    palette.putdata(numbers.ravel().tolist())
    palette.putpalette(np.random.default_rng(0).integers(0, 256, 768, dtype=np.uint8).tolist())
    for image in (grey, palette):
        image.save(tmp_path / "labels.png")
        np.testing.assert_array_equal(read_gray(tmp_path / "labels.png"), numbers)


# ---- writing -----------------------------------------------------------------------------------------------


def test_writing_makes_the_folder_and_returns_the_path(tmp_path: Path) -> None:
    target = tmp_path / "out" / "déjà vu" / "p.png"
    assert write_image(str(target), colourful()) == target
    np.testing.assert_array_equal(read_image(target), colourful())
    assert [path.name for path in target.parent.iterdir()] == ["p.png"]


@pytest.mark.parametrize(
    ("name", "quality", "words"), [("p.xyz", 92, "extension"), ("p", 92, "extension"), ("p.jpg", 101, "quality is 101")]
)
def test_what_cannot_be_written_is_refused_and_leaves_nothing(
    tmp_path: Path, name: str, quality: int, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        write_image(tmp_path / name, colourful(), quality)
    assert list(tmp_path.iterdir()) == []


def test_only_frames_are_written(tmp_path: Path) -> None:
    for wrong in (colourful()[..., 0], colourful() / 255, np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(ValueError, match="frame is"):
            write_image(tmp_path / "p.png", wrong)
    assert list(tmp_path.iterdir()) == []


def test_a_place_where_nothing_can_be_written_raises_oserror(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(OSError, match="file"):  # root may write everywhere, but not below a file
        write_image(tmp_path / "file" / "p.png", colourful())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot limit the size of a file")
@pytest.mark.parametrize("name", ["p.png", "new.png"])
def test_a_full_disk_costs_no_older_picture_and_leaves_no_broken_one(tmp_path: Path, name: str) -> None:
    write_image(tmp_path / "p.png", colourful())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    code = (
        "import resource, sys, numpy as np, seglib\n"
        "frame = np.random.default_rng(0).integers(0, 256, (100, 100, 3), dtype=np.uint8)\n"
        "seglib.read_image(sys.argv[2])\n"  # everything is imported before the limit falls
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))\n"
        "try: seglib.write_image(sys.argv[1], frame)\n"
        "except OSError as error: print('OSError', error)\n"
    )
    arguments = [sys.executable, "-B", "-c", code, str(tmp_path / name), str(tmp_path / "p.png")]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("OSError"), done.stderr
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


# ---- colours -----------------------------------------------------------------------------------------------


def test_every_css_name_means_what_matplotlib_says() -> None:
    names = matplotlib.colors.CSS4_COLORS
    assert len(names) > 140
    for name in names:
        expected = tuple(round(255 * share) for share in matplotlib.colors.to_rgb(name))
        assert parse_colour(name) == parse_colour(name.upper()) == expected, name


@FEW
@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_numbers_for_colours_mean_what_they_say(colour: tuple[int, int, int]) -> None:
    red, green, blue = colour
    assert parse_colour(f"#{red:02x}{green:02x}{blue:02x}") == colour
    assert parse_colour(f"#{red:02X}{green:02X}{blue:02X}80") == colour
    assert parse_colour(f"rgb({red}, {green}, {blue})") == colour
    percent = f"hsl({red}, 50%, 25%)"
    assert parse_colour(percent) == ImageColor.getrgb(percent)


@pytest.mark.parametrize(("wrong", "nearest"), [("nawy", "navy"), ("Lightblu", "lightblue"), ("wihte", "white")])
def test_a_misspelled_colour_is_told_the_nearest_name(wrong: str, nearest: str) -> None:
    with pytest.raises(ValueError, match=rf"'{wrong}' is neither a colour nor a file.*did you mean.*\b{nearest}\b"):
        parse_colour(wrong)


@pytest.mark.parametrize("wrong", ["#12345", "", "qqqqqq", "12, 13, 14"])
def test_what_is_no_colour_is_told_what_is_one(wrong: str) -> None:
    with pytest.raises(ValueError, match="#rrggbb"):
        parse_colour(wrong)
