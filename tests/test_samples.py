"""The sample data are what they are said to be, and can be made again."""

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import cv2
import numpy as np
import pytest
import scipy.ndimage
from numpy.typing import NDArray
from PIL import Image

import seglib
from seglib.samples import BACKGROUNDS, DATA, FRAMES

RECIPES = Path(__file__).resolve().parents[1] / "recipes"
README = (DATA / "README.md").read_text(encoding="utf-8")
HALF_A_SECOND = 15
BLACK = range(144, 159)
STILL = ((0, 31), (108, 139))


class Clip(NamedTuple):
    """The decoded clip in little memory: (180, 480, 640) each."""

    fps: float
    grey: NDArray[np.uint8]
    person: NDArray[np.bool_]


@pytest.fixture(scope="module")
def clip() -> Clip:
    with seglib.open_source("clip") as frames:
        grey = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames])
        return Clip(frames.fps, grey, np.stack([mask >= 0.5 for mask in seglib.sample_clip_masks()]))


@pytest.fixture(scope="module")
def recipe() -> Iterator[dict[str, ModuleType]]:
    """The modules that made the data, imported from the recipes folder."""
    names = ("make_frames", "make_clip")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(RECIPES))
        yield {name: importlib.import_module(name) for name in names}
    for name in (*names, "draw_masks", "draw_backgrounds"):
        sys.modules.pop(name, None)


# ---- frames, masks, labels, backgrounds --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shape"), [("astronaut", (480, 640, 3)), ("hopper", (640, 480, 3)), ("collage", (480, 640, 3))]
)
def test_recorded_frames_have_the_shapes_they_promise(name: str, shape: tuple[int, ...]) -> None:
    frame = seglib.sample_frame(name)
    assert frame.shape == shape
    assert frame.dtype == np.uint8
    assert frame.std() > 30, "a photo has contrast"


def test_the_astronaut_is_the_default() -> None:
    np.testing.assert_array_equal(seglib.sample_frame(), seglib.sample_frame("astronaut"))
    np.testing.assert_array_equal(seglib.sample_mask(), seglib.sample_mask("astronaut"))


@pytest.mark.parametrize("name", ["astronaut", "hopper"])
def test_masks_fit_their_frames_and_are_one_person_with_soft_edges(name: str) -> None:
    mask = seglib.sample_mask(name)
    assert mask.shape == seglib.sample_frame(name).shape[:2]
    assert mask.dtype == np.float32
    assert mask.min() == 0
    assert mask.max() == 1
    assert 0.2 < mask.mean() < 0.7
    soft = ((mask > 0) & (mask < 1)).mean()
    assert 0.001 < soft < 0.1, "soft at the edge only"
    regions, count = scipy.ndimage.label(mask >= 0.5)
    largest = np.bincount(regions.ravel())[1:].max()
    assert count >= 1
    assert largest > 0.99 * (mask >= 0.5).sum()


@pytest.mark.parametrize("name", ["astronaut", "hopper"])
def test_a_masks_outline_lies_on_edges_of_its_frame(name: str) -> None:
    grey = cv2.cvtColor(seglib.sample_frame(name), cv2.COLOR_RGB2GRAY)
    assert _best_shift(grey, seglib.sample_mask(name) >= 0.5) < 2


def test_labels_hold_a_person_and_a_cat_and_the_rest() -> None:
    labels = seglib.sample_labels()
    assert labels.shape == seglib.sample_frame("collage").shape[:2]
    assert labels.dtype == np.uint8
    assert set(np.unique(labels)) == {0, 8, 15}
    assert (labels == 8).mean() > 0.03
    assert (labels == 15).mean() > 0.1


def test_outside_the_cats_tile_the_collage_is_the_recorded_frame_with_its_mask() -> None:
    frame, collage, labels = seglib.sample_frame(), seglib.sample_frame("collage"), seglib.sample_labels()
    same = (frame == collage).all(axis=2)
    rows, columns = np.nonzero(~same)
    tile = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    outside = np.ones(same.shape, bool)
    outside[tile] = False
    assert 0.1 < (~outside).mean() < 0.4
    np.testing.assert_array_equal(labels[outside] == 15, (seglib.sample_mask() >= 0.5)[outside])
    assert set(np.unique(labels[tile])) == {0, 8}
    assert set(np.unique(labels[outside])) == {0, 15}


def test_backgrounds_are_as_large_as_documented_and_not_all_of_the_frames_proportions() -> None:
    shapes = {name: seglib.sample_background(name).shape for name in BACKGROUNDS}
    assert shapes == {"room": (720, 1280, 3), "beach": (960, 1280, 3), "mountains": (1080, 1080, 3)}


@pytest.mark.parametrize("sample", [seglib.sample_frame, seglib.sample_mask, seglib.sample_background])
def test_an_unknown_sample_is_refused_with_the_known_ones(sample) -> None:
    with pytest.raises(ValueError, match="nobody") as caught:
        sample("nobody")
    assert "astronaut" in str(caught.value) or "room" in str(caught.value)


def test_every_call_gives_an_array_of_its_own() -> None:
    for sample in (seglib.sample_frame, seglib.sample_mask, seglib.sample_background, lambda: seglib.sample_labels()):
        first = np.array(sample())
        sample()[:] = 0
        np.testing.assert_array_equal(sample(), first)


# ---- the clip ----------------------------------------------------------------------------------------------


def test_the_clip_lasts_six_seconds_and_every_frame_has_a_mask(clip: Clip) -> None:
    assert clip.fps == 30
    assert clip.grey.shape == clip.person.shape == (180, 480, 640)
    capture = cv2.VideoCapture(str(seglib.sample_clip()))
    assert int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) == 180
    capture.release()


def test_half_a_second_is_black_and_nothing_else(clip: Clip) -> None:
    black = [number for number, grey in enumerate(clip.grey) if grey.mean() < 3]
    assert black == list(BLACK)
    assert len(black) == HALF_A_SECOND


def test_the_mask_of_half_a_second_ago_is_a_bad_mask(clip: Clip) -> None:
    before, now = clip.person[:-HALF_A_SECOND], clip.person[HALF_A_SECOND:]
    scores = (before & now).sum((1, 2)) / (before | now).sum((1, 2))
    assert scores.mean() < 0.80
    assert scores.max() > 0.99, "where she sits still it is a good one"


def test_masks_and_clip_are_aligned_in_space_and_time(clip: Clip) -> None:
    """The outline lies on the picture's edges: neither another place nor another moment fits better."""
    for number in (3, 45, 55, 72, 95, 120, 165):
        assert _best_shift(clip.grey[number], clip.person[number]) < 2, number
    moving = [*range(38, 60, 2), *range(68, 80, 2), *range(92, 104, 2)]
    contrast = {
        lag: np.mean([_edge_contrast(clip.grey[n], clip.person[n + lag]) for n in moving]) for lag in (-2, 0, 2)
    }
    assert max(contrast, key=contrast.get) == 0, contrast


def test_where_she_sits_still_the_mask_does_not_change_but_the_light_and_the_noise_do(clip: Clip) -> None:
    for first, last in STILL:
        assert (clip.person[first:last] == clip.person[first]).all()
        noise = np.abs(np.diff(clip.grey[first:last].astype(int), axis=0)).mean(axis=(1, 2))
        assert (noise > 0.2).all()
    brightness = clip.grey[:, :100].mean(axis=(1, 2))
    visible = [number for number in range(180) if number not in BLACK]
    assert np.ptp(brightness[visible]) > 10
    assert brightness[127] > brightness[117] + 3, "the lamp comes on"


def test_she_leans_out_of_the_picture_and_comes_back(clip: Clip) -> None:
    area = clip.person.mean(axis=(1, 2))
    least = int(area[:110].argmin())
    assert 63 < least < 107
    assert area[least] < 0.3 * area[0]
    assert area[110] > 0.8 * area[0]


def test_the_background_moves_too(clip: Clip) -> None:
    """Swaying camera: pixels that show the wall before and after change far more than by noise."""

    def change(numbers: range) -> float:
        steps = []
        for number in numbers:
            wall = ~(clip.person[number] | clip.person[number + 1])
            steps.append(np.abs(clip.grey[number + 1].astype(int) - clip.grey[number])[wall].mean())
        return float(np.mean(steps))

    assert change(range(35, 60)) > 1.5 * change(range(2, 28))


# ---- the folder --------------------------------------------------------------------------------------------


def test_the_readme_lists_every_file_with_its_true_size() -> None:
    rows = dict(re.findall(r"^\| `([^`]+)` \| (.*)$", README, re.M))
    files = {path.name: path for path in DATA.iterdir() if path.name != "README.md" and path.is_file()}
    assert len(files) >= len(FRAMES) + len(BACKGROUNDS) + 6
    assert set(rows) == set(files)
    for name, path in files.items():
        said = int(re.search(r"\| ([\d,]+) \|", rows[name])[1].replace(",", ""))
        assert said == pytest.approx(path.stat().st_size / 1000, rel=0.01, abs=1), f"{name} in kB"
        if path.suffix in (".png", ".jpg"):
            with Image.open(path) as image:
                assert "{}×{}".format(*image.size) in rows[name]


def test_the_data_is_small() -> None:
    limits = {"clip.mp4": 2_000_000, "clip_masks.mkv": 1_000_000}
    sizes = {
        path.name: path.stat().st_size for path in DATA.iterdir() if path.suffix in (".png", ".jpg", ".mp4", ".mkv")
    }
    assert len(sizes) == len(FRAMES) + 3 + len(BACKGROUNDS) + 2
    for name, size in sizes.items():
        assert size < limits.get(name, 600_000), name


# ---- made again --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["astronaut", "hopper"])
def test_the_recipe_makes_the_committed_frame_and_mask(recipe: dict[str, ModuleType], name: str) -> None:
    make = recipe["make_frames"]
    rect = getattr(make, name.upper())
    size = seglib.sample_frame(name).shape[1::-1]
    frame = make.crop(make.photo(name), rect, *size).astype(int)
    mask = make.crop(make.hand_mask(name), rect, *size).astype(int)
    assert np.abs(frame - seglib.sample_frame(name)).max() <= 1
    assert np.abs(mask - seglib.sample_mask(name) * 255).max() <= 1.001


def test_the_recipe_makes_the_committed_collage(recipe: dict[str, ModuleType]) -> None:
    stored_mask = np.rint(seglib.sample_mask() * 255).astype(np.uint8)
    picture, labels = recipe["make_frames"].collage(seglib.sample_frame(), stored_mask)
    assert np.abs(picture.astype(int) - seglib.sample_frame("collage")).max() <= 1
    assert (labels != seglib.sample_labels()).sum() <= 5


def test_the_recipe_makes_the_committed_clip_masks(recipe: dict[str, ModuleType]) -> None:
    make, numbers = recipe["make_clip"], (0, 40, 75, 86, 120, 150, 170)
    soft, shakes = recipe["make_frames"].hand_mask("astronaut"), make.shakes()
    stored = list(seglib.sample_clip_masks())
    for number in numbers:
        where = make.person_map(make.ease(number, make.POSES), shakes[number])
        made = cv2.remap(soft, *where, cv2.INTER_LINEAR)
        assert np.abs(made - stored[number]).max() < 0.02, number


# ---- how the outline fits the picture ----------------------------------------------------------------------


def _steepness(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How strong an edge runs through each pixel."""
    blurred = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 1)
    return np.hypot(cv2.Sobel(blurred, cv2.CV_32F, 1, 0), cv2.Sobel(blurred, cv2.CV_32F, 0, 1))


def _outline(person: NDArray[np.bool_]) -> tuple[NDArray[np.intp], ...]:
    """The rows and columns of the mask's outline, ten pixels and more from the frame's border."""
    outline = person & ~scipy.ndimage.binary_erosion(person, border_value=1)
    rows, columns = np.nonzero(outline[10:-10, 10:-10])
    return rows + 10, columns + 10


def _edge_contrast(grey: NDArray[np.uint8], person: NDArray[np.bool_]) -> float:
    """How strong the picture's edges are along the mask's outline."""
    return float(_steepness(grey)[_outline(person)].mean())


def _best_shift(grey: NDArray[np.uint8], person: NDArray[np.bool_]) -> float:
    """How far, in pixels, the mask would have to move to lie on stronger edges."""
    steep, (rows, columns) = _steepness(grey), _outline(person)
    shifts = [(dy, dx) for dy in range(-6, 7) for dx in range(-6, 7)]
    contrast = [steep[rows + dy, columns + dx].mean() for dy, dx in shifts]
    return float(np.hypot(*shifts[int(np.argmax(contrast))]))
