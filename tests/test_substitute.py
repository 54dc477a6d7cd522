"""seglib.substitute: what may be a background, and that it is fitted without stretching, once per frame size."""

from __future__ import annotations

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageColor

import seglib
from seglib import Replace, SourceError, fit_image, replace_background, substitute

SHAPES = [(240, 320), (320, 240), (180, 320), (200, 200), (270, 640)]  # of frames and of pictures


def shown(background: object, height: int = 40, width: int = 60, **options: str) -> NDArray[np.uint8]:
    """The background as it is seen in a frame of this size in which nobody stands."""
    frame, nobody = np.full((height, width, 3), 77, np.uint8), np.zeros((height, width), np.float32)
    return replace_background(frame, nobody, background, **options)


def circle_picture(height: int, width: int) -> NDArray[np.uint8]:
    """A white circle on black in the middle, antialiased."""
    y, x = np.mgrid[:height, :width]
    distance = np.hypot(y - (height - 1) / 2, x - (width - 1) / 2)
    coverage = np.clip(0.2 * min(height, width) + 0.5 - distance, 0, 1)
    return np.rint(255 * np.stack([coverage] * 3, axis=-1)).astype(np.uint8)


def stretching(picture: NDArray[np.uint8]) -> float:
    """How much wider than high the bright blob is, from its second moments: 1 for a circle."""
    moments = cv2.moments(picture[..., 0])
    return float(np.sqrt(moments["mu20"] / moments["mu02"]))


# ---- fitting -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fit", ["cover", "contain"])
@pytest.mark.parametrize("frame_shape", SHAPES)
@pytest.mark.parametrize("picture_shape", SHAPES)
def test_a_circle_stays_round_within_one_percent(
    picture_shape: tuple[int, int], frame_shape: tuple[int, int], fit: str
) -> None:
    picture = circle_picture(*picture_shape)
    assert stretching(picture) == pytest.approx(1, abs=1e-3)
    fitted = fit_image(picture, frame_shape, fit)
    assert fitted.shape == (*frame_shape, 3)
    assert fitted.dtype == np.uint8
    scale = {"cover": max, "contain": min}[fit](f / p for f, p in zip(frame_shape, picture_shape, strict=True))
    assert stretching(fitted) == pytest.approx(1, abs=0.01)
    moments = cv2.moments(fitted[..., 0])
    diameter = np.sqrt(moments["m00"] / 255 / np.pi) * 2
    assert diameter == pytest.approx(0.4 * min(picture_shape) * scale, rel=0.01)
    middle = moments["m01"] / moments["m00"], moments["m10"] / moments["m00"]
    assert np.abs(np.subtract(middle, np.subtract(frame_shape, 1) / 2)).max() < 0.6, "it stays in the middle"


def test_stretching_makes_it_oval_as_the_article_did() -> None:
    oval = fit_image(circle_picture(1080, 1080), (480, 640), "stretch")
    assert stretching(oval) == pytest.approx(640 / 480, rel=0.01)
    expected = cv2.resize(circle_picture(1080, 1080), (640, 480), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(oval, expected)


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers(1, 90)] * 4), st.sampled_from(["cover", "contain", "stretch"]))
def test_every_size_is_filled_and_bars_stand_only_beside_contained_pictures(
    sizes: tuple[int, int, int, int], fit: str
) -> None:
    height, width, rows, columns = sizes
    fitted = fit_image(np.full((rows, columns, 3), 200, np.uint8), (height, width), fit)
    assert fitted.shape == (height, width, 3)
    bars = (fitted == 0).all(axis=2)
    assert (fitted[~bars] == 200).all()
    if fit == "contain":
        scale = min(height / rows, width / columns)
        expected = max(1, round(rows * scale)) * max(1, round(columns * scale))
        assert (~bars).sum() == expected
        assert (~bars).any(axis=1).all() or (~bars).any(axis=0).all(), "it touches two sides"
    else:
        assert not bars.any()


def test_cover_cuts_off_the_same_on_both_sides() -> None:
    picture = np.zeros((100, 300, 3), np.uint8)
    picture[:] = np.arange(300)[:, None] // 2
    covered = fit_image(picture, (100, 100))
    np.testing.assert_array_equal(covered, picture[:, 100:200])
    tall = picture.transpose(1, 0, 2)
    np.testing.assert_array_equal(fit_image(tall, (100, 100)), tall[100:200])


def test_contain_shows_the_whole_picture_between_equal_bars() -> None:
    picture = np.random.default_rng(0).integers(1, 256, (50, 100, 3), dtype=np.uint8)
    contained = fit_image(picture, (100, 100), "contain")
    np.testing.assert_array_equal(contained[25:75], picture)
    assert not contained[:25].any()
    assert not contained[75:].any()


def test_shrinking_averages_fine_lines_instead_of_dropping_them() -> None:
    lines = np.zeros((400, 400, 3), np.uint8)
    lines[:, ::4] = 255
    fitted = fit_image(lines, (100, 100))
    assert np.abs(fitted.astype(int) - 64).max() <= 1


def test_a_frames_whole_shape_will_do_and_the_picture_is_never_changed() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    before = picture.copy()
    for fit in ("cover", "contain", "stretch"):
        for shape in ((40, 60, 3), (40, 60), (20, 30)):
            fitted = fit_image(picture, shape, fit)
            assert not np.shares_memory(fitted, picture), "a new array, even where nothing has to be done"
            fitted[:] = 0
    np.testing.assert_array_equal(picture, before)


@pytest.mark.parametrize("shape", [(0, 10), (10, 0), (-1, 10)])
def test_a_frame_without_pixels_is_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        fit_image(circle_picture(20, 20), shape)


def test_an_unknown_fit_is_refused_at_once_with_the_known_ones() -> None:
    for use in (lambda: fit_image(circle_picture(20, 20), (9, 9), "crop"), lambda: Replace("navy", "crop")):
        with pytest.raises(ValueError, match="'crop'.*cover, contain, stretch"):
            use()


# ---- colours and gradients ---------------------------------------------------------------------------------


@pytest.mark.parametrize("colour", ["navy", "RebeccaPurple", "#abc", "#12ab34", "rgb(1, 2, 3)", "hsl(120, 50%, 25%)"])
def test_a_colour_by_any_name_is_what_pillow_says(colour: str) -> None:
    assert (shown(colour) == ImageColor.getrgb(colour)).all()


@pytest.mark.parametrize("colour", [(1, 2, 3), [255, 0, 128], (np.uint8(7), np.int64(8), 9)])
def test_three_whole_numbers_are_a_colour(colour: object) -> None:
    assert (shown(colour) == np.array(colour)).all()


@pytest.mark.parametrize("wrong", [(256, 0, 0), (-1, 0, 0), (0.5, 0.5, 0.5), (True, False, True)])
def test_three_other_numbers_are_none(wrong: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="three whole numbers from 0 to 255"):
        Replace(wrong)


@pytest.mark.parametrize(("wrong", "nearest"), [("nawy", "navy"), ("wihte", "white"), ("gren", "green")])
def test_a_misspelled_colour_is_told_the_nearest_name(wrong: str, nearest: str) -> None:
    for background in (wrong, (wrong, "black"), ("black", wrong)):
        with pytest.raises(ValueError, match=f"'{wrong}'.*did you mean.*{nearest}"):
            Replace(background)


@pytest.mark.parametrize("shape", [(480, 640), (1080, 1920), (100, 30), (64, 64)])
@pytest.mark.parametrize("fit", ["cover", "contain", "stretch"])
def test_a_gradient_runs_evenly_from_top_to_bottom(shape: tuple[int, int], fit: str) -> None:
    picture = shown(("navy", "white"), *shape, fit=fit).astype(int)
    assert (picture == picture[:, :1]).all(), "no row changes from left to right"
    step = 255 / shape[0] + 1
    assert np.abs(picture[0, 0] - (0, 0, 128)).max() <= step
    assert np.abs(picture[-1, 0] - (255, 255, 255)).max() <= step
    straight = np.linspace(0, 255, shape[0])
    assert np.abs(picture[:, 0, 0] - straight).max() <= step
    assert (np.diff(picture[:, 0, 0]) >= 0).all()


# ---- pictures ----------------------------------------------------------------------------------------------


@pytest.fixture
def photo() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


def test_arrays_of_any_usual_kind_are_converted(photo: NDArray[np.uint8]) -> None:
    grey = photo[..., 0]
    three = np.stack([grey] * 3, axis=-1)
    alpha = np.random.default_rng(1).integers(0, 256, (40, 60, 1), dtype=np.uint8)
    over_white = Image.alpha_composite(
        Image.new("RGBA", (60, 40), "white"), Image.fromarray(np.concatenate([photo, alpha], axis=2))
    )
    for array, expected in (
        (photo, photo),
        (grey, three),
        (grey[..., None], three),
        (np.concatenate([photo, alpha], axis=2), np.asarray(over_white.convert("RGB"))),
        (photo / 255, photo),
        ((photo / 255).astype(np.float32), photo),
        (grey / 255, three),
        (np.concatenate([photo, alpha], axis=2) / 255, np.asarray(over_white.convert("RGB"))),
        (photo[::-1, ::-1], photo[::-1, ::-1]),
    ):
        before = array.copy()
        assert np.abs(shown(array).astype(int) - expected).max() <= 1, (array.shape, array.dtype)
        np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float_pictures_are_rounded_not_cut_off(photo: NDArray[np.uint8], dtype: type) -> None:
    np.testing.assert_array_equal(shown((photo / 255).astype(dtype)), photo)


@pytest.mark.parametrize(
    "wrong",
    [
        np.full((4, 4, 3), 2.0),
        np.full((4, 4, 3), np.nan),
        np.full((4, 4, 3), -0.1),
        np.zeros((4, 4, 3), np.uint16),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros(3, np.uint8),
    ],
    ids=["float to 255", "NaN", "negative", "uint16", "two channels", "empty", "flat"],
)
def test_arrays_that_are_no_pictures_are_refused_as_background(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="^background is"):
        Replace(wrong)


def test_picture_files_of_every_kind_are_read(photo: NDArray[np.uint8], tmp_path: Path) -> None:
    image = Image.fromarray(photo)
    for name, saved in (
        ("grey.png", image.convert("L")),
        ("palette.gif", image.convert("P", palette=Image.Palette.ADAPTIVE)),
        ("rgb.png", image),
        ("opaque.png", image.convert("RGBA")),
        ("cmyk.tif", image.convert("CMYK")),
        ("grüße an alle.bmp", image),
    ):
        path = tmp_path / name
        saved.save(path)
        for spelling in (path, str(path)):
            np.testing.assert_array_equal(shown(spelling), np.asarray(saved.convert("RGB")), name)


def test_a_sixteen_bit_picture_keeps_its_range(tmp_path: Path) -> None:
    grey = np.linspace(0, 65535, 2400).round().astype(np.uint16).reshape(40, 60)
    assert cv2.imwrite(str(tmp_path / "deep.png"), grey)
    assert np.abs(shown(tmp_path / "deep.png")[..., 0] - grey / 257).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_phones_picture_stands_upright(photo: NDArray[np.uint8], tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    smooth = cv2.resize(photo[:4, :6], (60, 40))
    Image.fromarray(smooth).save(tmp_path / "phone.jpg", exif=exif, quality=95)
    upright = cv2.imread(str(tmp_path / "phone.jpg"))[..., ::-1]
    assert np.abs(shown(tmp_path / "phone.jpg", *upright.shape[:2]).astype(int) - upright).max() <= 4


def test_a_file_wins_over_a_colour_only_if_it_is_there(
    photo: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert (shown("navy") == (0, 0, 128)).all()
    Image.fromarray(photo).save("navy", "PNG")
    np.testing.assert_array_equal(shown("navy"), photo)


def test_files_that_cannot_be_read_raise_before_the_first_frame(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("not a picture")
    for name in ("absent.jpg", "empty.jpg", "text.jpg"):
        for spelling in (tmp_path / name, str(tmp_path / name)):
            with pytest.raises(SourceError, match=name):
                Replace(spelling)
    with pytest.raises(SourceError, match="absent"):
        Replace(tmp_path / "absent")  # a Path is never a colour


@pytest.mark.parametrize("wrong", [None, 7, b"navy", Image.new("RGB", (4, 4)), {"navy"}])
def test_other_things_are_refused_with_what_a_background_may_be(wrong: object) -> None:
    with pytest.raises(TypeError, match="must be a picture"):
        Replace(wrong)


# ---- laying the frame over it ------------------------------------------------------------------------------


def test_the_person_stays_and_the_background_shows_where_the_mask_is_zero() -> None:
    frame, mask, beach = seglib.sample_frame(), seglib.sample_mask(), seglib.sample_background("beach")
    before = [array.copy() for array in (frame, mask, beach)]
    output = replace_background(frame, mask, beach)
    image = Image.fromarray(beach).resize((640, 480), Image.Resampling.BOX)
    np.testing.assert_array_equal(output[mask == 1], frame[mask == 1])
    assert np.abs(output.astype(int) - np.asarray(image))[mask == 0].max() <= 1
    soft = (mask > 0.3) & (mask < 0.7)
    low, high = np.minimum(frame, image)[soft].astype(int), np.maximum(frame, image)[soft].astype(int)
    assert soft.sum() > 100
    assert (output[soft] >= low - 1).all()
    assert (output[soft] <= high + 1).all()
    for array, old in zip((frame, mask, beach), before, strict=True):
        np.testing.assert_array_equal(array, old)


def test_masks_may_be_bool_or_float64(photo: NDArray[np.uint8]) -> None:
    mask = np.arange(60) < 30
    mask = np.broadcast_to(mask, (40, 60))
    expected = np.where(mask[..., None], photo, np.uint8([0, 0, 128]))
    for dtype in (bool, np.float32, np.float64):
        np.testing.assert_array_equal(replace_background(photo, mask.astype(dtype), "navy"), expected)


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (np.full((40, 60), np.nan), "NaN"),
        (np.full((40, 60), 255.0), "255"),
        (np.zeros((20, 30)), r"\(20, 30\).*\(40, 60\)"),
        (np.full((40, 60), 15), "class_mask"),
    ],
    ids=["NaN", "0 to 255", "another size", "labels"],
)
def test_masks_that_are_none_are_refused(photo: NDArray[np.uint8], mask: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace_background(photo, mask, "navy")


def test_frames_that_are_none_are_refused(photo: NDArray[np.uint8]) -> None:
    for wrong in (photo[..., 0], photo / 255, np.zeros((0, 60, 3), np.uint8)):
        with pytest.raises(ValueError, match="^frame is"):
            replace_background(wrong, np.zeros(wrong.shape[:2], np.float32), "navy")


# ---- the effect --------------------------------------------------------------------------------------------


def test_the_background_is_fitted_once_for_each_frame_size(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, ...]] = []

    def counting(picture: NDArray[np.uint8], shape: tuple[int, ...], fit: str = "cover") -> NDArray[np.uint8]:
        calls.append(tuple(shape[:2]))
        return fit_image(picture, shape, fit)

    monkeypatch.setattr(substitute, "fit_image", counting)
    effect = Replace(seglib.sample_background("mountains"))
    frames = {shape: np.zeros((*shape, 3), np.uint8) for shape in ((48, 64), (64, 48))}
    for shape in [(48, 64)] * 5 + [(64, 48)] * 5:
        output = effect(frames[shape], np.zeros(shape, np.float32))
        assert output.shape == (*shape, 3)
    assert calls == [(48, 64), (64, 48)]


def test_the_file_is_read_once_and_may_be_gone_afterwards(photo: NDArray[np.uint8], tmp_path: Path) -> None:
    path = seglib.write_image(tmp_path / "p.png", photo)
    effect = Replace(path)
    path.unlink()
    frame, nobody = np.zeros((40, 60, 3), np.uint8), np.zeros((40, 60), np.float32)
    for _ in range(3):
        np.testing.assert_array_equal(effect(frame, nobody), photo)


def test_changing_the_array_or_an_output_later_does_not_change_the_effect(photo: NDArray[np.uint8]) -> None:
    given, frame, nobody = photo.copy(), np.zeros((40, 60, 3), np.uint8), np.zeros((40, 60), np.float32)
    effect = Replace(given)
    given[:] = 0
    effect(frame, nobody)[:] = 0
    np.testing.assert_array_equal(effect(frame, nobody), photo)


@pytest.mark.parametrize("background", ["navy", ("navy", "white"), (1, 2, 3), "array", "path"])
def test_the_effect_survives_pickling_before_and_after_use(
    background: object, photo: NDArray[np.uint8], tmp_path: Path
) -> None:
    if background == "array":
        background = photo
    elif background == "path":
        background = seglib.write_image(tmp_path / "p.png", photo)
    frame, mask = photo[::-1], np.tile(np.linspace(0, 1, 60), (40, 1))
    fresh = Replace(background, "contain")
    copy = pickle.loads(pickle.dumps(fresh))
    used = fresh(frame, mask)
    copy_of_used = pickle.loads(pickle.dumps(fresh))
    for effect in (copy, copy_of_used):
        np.testing.assert_array_equal(effect(frame, mask), used)
        np.testing.assert_array_equal(effect(frame[:20], mask[:20]), fresh(frame[:20], mask[:20]))


def test_the_function_is_the_effect(photo: NDArray[np.uint8]) -> None:
    mask = np.tile(np.linspace(0, 1, 60), (40, 1))
    picture = seglib.sample_background("mountains")
    outputs = {fit: replace_background(photo, mask, picture, fit) for fit in ("cover", "contain", "stretch")}
    for fit, output in outputs.items():
        np.testing.assert_array_equal(Replace(picture, fit)(photo, mask), output)
    assert len({output.tobytes() for output in outputs.values()}) == 3
