"""seglib.substitute: what may be a background, and that it is fitted without distortion, once per frame size."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageColor

import seglib
from seglib import Replace, SourceError, fit_image, replace_background

SHAPES = [(240, 320), (320, 240), (200, 200), (270, 640)]  # of frames and of images
FITS = ("cover", "contain", "stretch")
RNG = np.random.default_rng(0)
PHOTO = RNG.integers(0, 256, (40, 60, 3), dtype=np.uint8)
FRAME, EMPTY = np.full((40, 60, 3), 77, np.uint8), np.zeros((40, 60), np.float32)


def shown(background: object, height: int = 40, width: int = 60, **options: str) -> np.ndarray:
    """The background of a frame of this size without a foreground."""
    return replace_background(
        np.full((height, width, 3), 77, np.uint8), np.zeros((height, width), np.float32), background, **options
    )


# ---- fit_image ---------------------------------------------------------------------------------------------


def circle(height: int, width: int) -> np.ndarray:
    """A white circle in the middle, antialiased."""
    y, x = np.mgrid[:height, :width]
    distance = np.hypot(y - (height - 1) / 2, x - (width - 1) / 2)
    coverage = np.clip(0.2 * min(height, width) + 0.5 - distance, 0, 1)
    return np.rint(255 * np.stack([coverage] * 3, axis=-1)).astype(np.uint8)


def stretching(image: np.ndarray) -> float:
    """How much wider than high a bright blob is, from its second moments."""
    moments = cv2.moments(image[..., 0])
    return float(np.sqrt(moments["mu20"] / moments["mu02"]))


@pytest.mark.parametrize(("fit", "scale"), [("cover", max), ("contain", min)])
@pytest.mark.parametrize("frame_shape", SHAPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_circle_stays_round_and_in_the_middle(
    shape: tuple[int, int], frame_shape: tuple[int, int], fit: str, scale: Callable[..., float]
) -> None:
    fitted = fit_image(circle(*shape), frame_shape, fit)
    assert (fitted.shape, fitted.dtype) == ((*frame_shape, 3), np.uint8)
    assert stretching(fitted) == pytest.approx(1, abs=0.01)
    moments = cv2.moments(fitted[..., 0])
    diameter = np.sqrt(moments["m00"] / 255 / np.pi) * 2
    assert diameter == pytest.approx(0.4 * min(shape) * scale(np.divide(frame_shape, shape)), rel=0.01)
    middle = moments["m01"] / moments["m00"], moments["m10"] / moments["m00"]
    assert np.abs(np.subtract(middle, np.subtract(frame_shape, 1) / 2)).max() < 0.6


def test_stretch_makes_it_oval() -> None:
    oval = fit_image(circle(1080, 1080), (480, 640), "stretch")
    assert stretching(oval) == pytest.approx(640 / 480, rel=0.01)
    np.testing.assert_array_equal(oval, cv2.resize(circle(1080, 1080), (640, 480), interpolation=cv2.INTER_AREA))


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers(1, 90)] * 4), st.sampled_from(FITS))
def test_every_size_is_filled_but_for_the_bars_of_contain(sizes: tuple[int, int, int, int], fit: str) -> None:
    height, width, rows, columns = sizes
    fitted = fit_image(np.full((rows, columns, 3), 200, np.uint8), (height, width), fit)
    assert fitted.shape == (height, width, 3)
    bars = (fitted == 0).all(axis=2)
    assert (fitted[~bars] == 200).all()
    scale = min(height / rows, width / columns)
    image = max(1, round(rows * scale)) * max(1, round(columns * scale))
    assert (~bars).sum() == (image if fit == "contain" else height * width)


def test_cover_crops_and_contain_pads_evenly() -> None:
    wide = np.zeros((100, 300, 3), np.uint8)
    wide[:] = np.arange(300)[:, None] // 2 + 1
    tall = wide.transpose(1, 0, 2)
    np.testing.assert_array_equal(fit_image(wide, (100, 100)), wide[:, 100:200])
    np.testing.assert_array_equal(fit_image(tall, (100, 100)), tall[100:200])
    contained = fit_image(wide, (500, 300, 3), "contain")  # a frame's whole shape is accepted
    np.testing.assert_array_equal(contained[200:300], wide)
    assert not contained[:200].any()
    assert not contained[300:].any()


def test_shrinking_averages_fine_lines() -> None:
    lines = np.zeros((400, 400, 3), np.uint8)
    lines[:, ::4] = 255
    assert np.abs(fit_image(lines, (100, 100)).astype(int) - 64).max() <= 1


@pytest.mark.parametrize("fit", FITS)
def test_the_result_is_a_new_array_even_where_nothing_needs_to_be_done(fit: str) -> None:
    assert not np.shares_memory(fit_image(PHOTO, PHOTO.shape, fit), PHOTO)


def test_wrong_shapes_and_fits_are_refused() -> None:
    for shape in ((0, 10), (-1, 10)):
        with pytest.raises(ValueError, match="at least 1"):
            fit_image(PHOTO, shape)
    for call in (lambda: fit_image(PHOTO, (9, 9), "crop"), lambda: Replace("navy", "crop")):
        with pytest.raises(ValueError, match="'crop'.*cover, contain, stretch"):
            call()


# ---- what may be a background ------------------------------------------------------------------------------


@pytest.mark.parametrize("colour", ["navy", "RebeccaPurple", "#abc", "#12ab34", "rgb(1, 2, 3)", "hsl(120, 50%, 25%)"])
def test_a_colour_is_what_pillow_says(colour: str) -> None:
    assert (shown(colour) == ImageColor.getrgb(colour)).all()


@pytest.mark.parametrize("colour", [(1, 2, 3), [255, 0, 128], (np.uint8(7), np.int64(8), 9)])
def test_three_integers_are_a_colour(colour: object) -> None:
    assert (shown(colour) == np.array(colour)).all()


@pytest.mark.parametrize("shape", [(480, 640), (100, 30)])
@pytest.mark.parametrize("fit", FITS)
def test_a_gradient_runs_evenly_from_top_to_bottom(shape: tuple[int, int], fit: str) -> None:
    image = shown(("navy", "white"), *shape, fit=fit)
    expected = np.linspace((0, 0, 128), (255, 255, 255), shape[0])[:, None]
    assert np.abs(image - expected).max() <= 255 / shape[0] + 1
    assert (np.diff(image.astype(int), axis=0) >= 0).all()


@pytest.mark.parametrize("name", ["room", "beach", "mountains"])
def test_the_name_of_a_sample_is_that_sample_even_beside_a_file_of_that_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(PHOTO).save(name, "PNG")
    np.testing.assert_array_equal(shown(name), shown(seglib.sample_background(name)))
    np.testing.assert_array_equal(shown(Path(name)), PHOTO)


def test_a_file_wins_over_a_colour_only_if_it_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert (shown("navy") == (0, 0, 128)).all()
    Image.fromarray(PHOTO).save("navy", "PNG")
    np.testing.assert_array_equal(shown("navy"), PHOTO)


ALPHA = np.random.default_rng(1).integers(0, 256, (40, 60, 1), dtype=np.uint8)
RGBA = np.concatenate([PHOTO, ALPHA], axis=2)
OVER_WHITE = np.asarray(Image.alpha_composite(Image.new("RGBA", (60, 40), "white"), Image.fromarray(RGBA)))[..., :3]
GREY = np.stack([PHOTO[..., 0]] * 3, axis=-1)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (PHOTO, PHOTO),
        (PHOTO[::-1, ::-1], PHOTO[::-1, ::-1]),
        (PHOTO / 255, PHOTO),
        ((PHOTO / 255).astype(np.float32), PHOTO),
        (PHOTO[..., 0], GREY),
        (PHOTO[..., :1], GREY),
        (RGBA, OVER_WHITE),
        (RGBA / 255, OVER_WHITE),
    ],
    ids=["RGB", "strided", "float64", "float32", "grey", "one channel", "RGBA", "float RGBA"],
)
def test_arrays_are_converted_and_copied(image: np.ndarray, expected: np.ndarray) -> None:
    given, before = image.copy(), image.copy()
    effect = Replace(given)
    output = effect(FRAME, EMPTY)
    np.testing.assert_array_equal(given, before)
    assert np.abs(output.astype(int) - expected).max() <= (image.shape[-1] == 4)
    given[:], output[:] = 0, 0
    assert np.abs(effect(FRAME, EMPTY).astype(int) - expected).max() <= (image.shape[-1] == 4)


@pytest.mark.parametrize(("mode", "name"), [("L", "a.png"), ("P", "a.gif"), ("RGBA", "a.png"), ("CMYK", "ü a.tif")])
def test_image_files_are_read_once(mode: str, name: str, tmp_path: Path) -> None:
    """How files are decoded is tested in test_images."""
    saved = Image.fromarray(PHOTO).convert(mode)
    saved.save(tmp_path / name)
    effects = [Replace(path) for path in (tmp_path / name, str(tmp_path / name))]
    (tmp_path / name).unlink()
    for effect in effects:
        np.testing.assert_array_equal(effect(FRAME, EMPTY), np.asarray(saved.convert("RGB")))


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        *(((256, 0, 0), ValueError, "0 to 255"), ((-1, 0, 0), ValueError, "0 to 255")),
        *(((0.5, 0.5, 0.5), ValueError, "0 to 255"), ((True, False, True), ValueError, "0 to 255")),
        *(("nawy", ValueError, "'nawy'.*navy"), (("gren", "black"), ValueError, "green")),
        *(
            (np.full((4, 4, 3), 2.0), ValueError, "^background"),
            (np.full((4, 4, 3), np.nan), ValueError, "^background"),
        ),
        (np.zeros((4, 4, 3), np.uint16), ValueError, "uint16"),
        *((np.zeros((4, 4, 2), np.uint8), ValueError, "2"), (np.zeros((0, 4, 3), np.uint8), ValueError, "empty")),
        *((None, TypeError, "NoneType"), (7, TypeError, "int"), (b"navy", TypeError, "bytes"), ({1}, TypeError, "set")),
        (Image.new("RGB", (4, 4)), TypeError, "Image"),
        *(("absent.jpg", SourceError, "absent.jpg"), (Path("absent"), SourceError, "absent")),
    ],
)
def test_anything_else_is_refused_before_the_first_frame(wrong: object, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        Replace(wrong)


def test_files_that_are_not_images_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("not an image")
    seglib.write_image(tmp_path / "cut.png", PHOTO)
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:-50])
    for name in ("empty.jpg", "text.jpg", "cut.png"):
        with pytest.raises(SourceError, match=name):
            Replace(tmp_path / name)
    with pytest.raises(SourceError, match="ReplaceWithVideo"):
        Replace(seglib.sample_clip())


# ---- compositing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [bool, np.float32, np.float64])
def test_the_background_shows_where_the_mask_is_zero(dtype: type) -> None:
    mask = np.broadcast_to(np.arange(60) < 30, (40, 60)).astype(dtype)
    expected = np.where(mask[..., None] == 1, PHOTO, np.uint8([0, 0, 128]))
    np.testing.assert_array_equal(replace_background(PHOTO, mask, "navy"), expected)


def test_on_the_sample_a_soft_edge_mixes_frame_and_background() -> None:
    frame, mask, beach = seglib.sample_frame(), seglib.sample_mask(), seglib.sample_background("beach")
    image = np.asarray(Image.fromarray(beach).resize((640, 480), Image.Resampling.BOX), np.float64)
    expected = mask[..., None] * frame + (1 - mask[..., None]) * image
    assert np.abs(replace_background(frame, mask, beach) - expected).max() <= 1.5


@pytest.mark.parametrize(
    ("frame", "mask", "words"),
    [
        (FRAME, EMPTY * np.nan, "NaN"),
        (FRAME, EMPTY + 255, "255"),
        (FRAME, np.zeros((20, 30)), r"\(20, 30\).*\(40, 60\)"),
        (FRAME, np.full((40, 60), 15), "class_mask"),
        (FRAME[..., 0], EMPTY, "^frame is"),
        (FRAME / 255, EMPTY, "^frame is"),
    ],
)
def test_wrong_frames_and_masks_are_refused(frame: np.ndarray, mask: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace_background(frame, mask, "navy")


def test_the_background_is_fitted_once_per_frame_size(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes: list[tuple[int, ...]] = []

    def counted(image: np.ndarray, shape: tuple[int, ...], fit: str) -> np.ndarray:
        shapes.append(shape)
        return fit_image(image, shape, fit)

    monkeypatch.setattr("seglib.substitute.fit_image", counted)
    effect = Replace("mountains")
    for shape in [(48, 64, 3)] * 3 + [(64, 48, 3)] * 3:
        effect(np.zeros(shape, np.uint8), np.zeros(shape[:2], np.float32))
    assert shapes == [(48, 64, 3), (64, 48, 3)]


@pytest.mark.parametrize("background", ["navy", ("navy", "white"), (1, 2, 3), "room", PHOTO], ids=str)
@pytest.mark.parametrize("fit", FITS)
def test_the_effect_is_the_function_and_can_be_pickled_before_and_after_use(background: object, fit: str) -> None:
    frame, mask = PHOTO[::-1], np.tile(np.linspace(0, 1, 60), (40, 1))
    effect = Replace(background, fit)
    unused = pickle.loads(pickle.dumps(effect))
    expected = replace_background(frame, mask, background, fit)
    np.testing.assert_array_equal(effect(frame, mask), expected)
    for copy in (unused, pickle.loads(pickle.dumps(effect))):
        np.testing.assert_array_equal(copy(frame, mask), expected)
        np.testing.assert_array_equal(copy(frame[:20], mask[:20]), effect(frame[:20], mask[:20]))
