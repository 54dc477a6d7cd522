"""seglib.plots: the right images with the right titles, and in a notebook a small WebP with alternative text."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree

import matplotlib

matplotlib.use("Agg")  # before pyplot: no window

import IPython.display
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from seglib import (
    CLASS_COLOURS,
    PLOT_STYLE,
    VOC_COLOURS,
    bars,
    colour_labels,
    contact_sheet,
    curves,
    show,
    show_figure,
    show_labels,
)

FRAME = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
MASK = np.linspace(0, 1, 1200, dtype=np.float32).reshape(30, 40)
LABELS = np.zeros((30, 40), np.uint8)
LABELS[10:20, 5:15], LABELS[5:25, 20:35], LABELS[0, 0] = 8, 15, 255


@pytest.fixture(autouse=True)
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Record the calls of plt.show, and close all figures at the end."""
    calls: list[int] = []
    monkeypatch.setattr(plt, "show", lambda: calls.append(1))
    yield calls
    plt.close("all")


def drawn() -> Figure:
    """The one figure that was drawn."""
    assert len(plt.get_fignums()) == 1
    figure = plt.gcf()
    figure.canvas.draw()  # raises what cannot be drawn
    return figure


def texts(artists: object) -> list[str]:
    return [text.get_text() for text in artists]


# ---- labels in colour --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "colour"),
    [
        (0, (0, 0, 0)),
        (1, (128, 0, 0)),
        (8, (64, 0, 0)),
        (15, (192, 128, 128)),
        (20, (0, 64, 128)),
        (255, (224, 224, 192)),
    ],
)
def test_the_palette_is_that_of_the_voc_development_kit(number: int, colour: tuple[int, int, int]) -> None:
    assert tuple(VOC_COLOURS[number]) == colour


def test_each_number_has_its_own_colour_as_in_a_palette_image() -> None:
    assert len(np.unique(VOC_COLOURS, axis=0)) == 256
    image = Image.fromarray(LABELS)
    image.putpalette(VOC_COLOURS.tobytes())
    np.testing.assert_array_equal(colour_labels(LABELS, VOC_COLOURS), np.asarray(image.convert("RGB")))


# What people with no cone of one kind see, in linear RGB (Machado, Oliveira & Fernandes 2009).
VISION = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


def linear(colours: np.ndarray) -> np.ndarray:
    """Linear light from 0 to 1 of sRGB colours from 0 to 255."""
    encoded = np.asarray(colours) / 255
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def contrast(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The contrast ratio of WCAG, 1 to 21."""
    ratio = np.divide(*(linear(colour) @ [0.2126, 0.7152, 0.0722] + 0.05 for colour in (one, other)))
    return np.maximum(ratio, 1 / ratio)


@pytest.mark.parametrize("vision", VISION)
def test_classes_can_be_told_apart_whatever_cones_one_has(vision: str) -> None:
    colours = np.concatenate([CLASS_COLOURS[:21], CLASS_COLOURS[255:]])
    seen = (linear(colours) @ np.transpose(VISION[vision])).clip(0, 1)
    encoded = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)
    lab = rgb2lab(encoded[np.newaxis])[0]
    differences = deltaE_ciede2000(lab[:, np.newaxis], lab[np.newaxis])[np.triu_indices(len(lab), 1)]
    assert differences.min() > 8  # 2.3 is just noticed; of VOC's colours the nearest two are 0.7 apart


def test_classes_stand_out_from_the_background() -> None:
    assert contrast(CLASS_COLOURS[1:21], CLASS_COLOURS[0]).min() > 2.9


@pytest.mark.parametrize("page", ["#ffffff", "#111111"], ids=["light theme", "dark theme"])
def test_text_and_lines_can_be_read_in_both_themes(page: str) -> None:
    with plt.rc_context(PLOT_STYLE):
        lines = [style["color"] for style in plt.rcParams["axes.prop_cycle"]]
        text = {plt.rcParams[f"{part}.color"] for part in ("text", "xtick", "ytick")}
    rgb = 255 * to_rgba_array([page, *text, *lines])[:, :3]
    assert contrast(rgb[1 : 1 + len(text)], rgb[0]).min() > 4.2
    assert contrast(rgb[1 + len(text) :], rgb[0]).min() > 3


@pytest.mark.parametrize("wrong", [MASK, FRAME, LABELS.astype(int) - 1])
def test_only_labels_can_be_coloured(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="labels"):
        colour_labels(wrong)


def test_the_legend_names_the_classes_that_occur_in_their_colours(shown: list[int]) -> None:
    show_labels(LABELS, FRAME)
    frame_axis, label_axis = drawn().axes
    legend = label_axis.get_legend()
    assert texts(legend.get_texts()) == ["0 background", "8 cat", "15 person", "255 void"]
    colours = [np.rint(np.array(patch.get_facecolor()[:3]) * 255).tolist() for patch in legend.get_patches()]
    assert colours == CLASS_COLOURS[[0, 8, 15, 255]].tolist()
    np.testing.assert_array_equal(frame_axis.get_images()[0].get_array(), FRAME)
    assert shown == [1]


def test_the_legend_takes_the_names_of_another_model() -> None:
    show_labels(LABELS // 8, class_names=("background", "hair"))
    assert texts(drawn().axes[0].get_legend().get_texts()) == ["0 background", "1 hair", "31 void"]


def test_regions_are_outlined_coloured_inside_and_numbered() -> None:
    show_labels(LABELS)
    (axis,) = drawn().axes
    image = axis.get_images()[0].get_array()
    inside, outline = [(14, 10), (14, 28)], [(14, 34), (9, 10)]
    assert [image[point].tolist() for point in inside] == CLASS_COLOURS[[8, 15]].tolist()
    assert [image[point].tolist() for point in outline] == [[255, 255, 255]] * 2
    for text in axis.texts:  # not for the single void pixel
        x, y = map(round, text.get_position())
        assert text.get_text() == str(LABELS[y, x])
    assert sorted(texts(axis.texts)) == ["0", "15", "8"]


# ---- show --------------------------------------------------------------------------------------------------


def test_show_draws_each_image_with_its_title(shown: list[int]) -> None:
    show(FRAME, MASK, LABELS, titles=["one", "two", "three"])
    axes = drawn().axes
    assert [axis.get_title() for axis in axes] == ["one", "two", "three"]
    *pictures, labels = (axis.get_images()[0].get_array() for axis in axes)
    for picture, expected in zip(pictures, (FRAME, MASK), strict=True):
        np.testing.assert_array_equal(picture, expected)
    same = np.all(labels == CLASS_COLOURS[LABELS], axis=2)
    assert same.mean() > 0.9
    assert (labels[~same] == 255).all()  # outlines
    assert shown == [1]


def test_the_default_titles_name_kind_and_size() -> None:
    show(FRAME, MASK > 0.5, LABELS)
    assert [axis.get_title() for axis in drawn().axes] == ["frame, 40 × 30", "mask, 40 × 30", "labels, 40 × 30"]


def test_a_faint_mask_looks_faint() -> None:
    show(MASK / 10)
    assert drawn().axes[0].get_images()[0].to_rgba(np.array([[0.1]]))[0, 0, 0] == pytest.approx(0.1, abs=0.01)


def test_a_wider_image_gets_more_room_at_the_same_height() -> None:
    show(FRAME, np.concatenate([FRAME, FRAME], axis=1))
    narrow, wide = (axis.get_window_extent() for axis in drawn().axes)
    assert wide.width / narrow.width == pytest.approx(2, rel=0.05)
    assert wide.height == pytest.approx(narrow.height, rel=0.05)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        *(([FRAME / 255], "float64"), ([FRAME[..., :2]], r"\(30, 40, 2\)"), ([np.zeros(5)], r"\(5,\)")),
        *(
            (["photo.jpg"], "str"),
            ([None], "NoneType"),
            ([FRAME, LABELS.astype(int) + 250], "255"),
            ([], "at least one"),
        ),
        ([FRAME] * 3, "2 titles for 3 images"),
    ],
)
def test_what_cannot_be_shown_is_refused(images: list[object], words: str, shown: list[int]) -> None:
    with pytest.raises(ValueError, match=words):
        show(*images, titles=["a", "b"] if len(images) == 3 else None)
    assert shown == []


# ---- charts and contact sheets -----------------------------------------------------------------------------


def test_bars_are_as_long_as_their_values_and_say_them() -> None:
    bars({"frame": 0.846, "model": 35.46, "all": 1670.4}, unit="ms", title="time")
    axis = drawn().axes[0]
    assert [bar.get_width() for bar in axis.patches] == [0.846, 35.46, 1670.4]
    assert texts(axis.get_yticklabels()) == ["frame", "model", "all"]
    assert set(texts(axis.texts)) == {"0.846", "35.5", "1,670"}
    assert (axis.get_xlabel(), axis.get_title()) == ("ms", "time")
    assert axis.yaxis_inverted()  # the first one is on top


def test_curves_are_the_given_points_with_a_legend() -> None:
    curves([1, 2, 3], {"raw": [3, 1, 2], "steady": [2, 2, 2]}, x_label="frame", y_label="IoU", title="over time")
    axis = drawn().axes[0]
    lines = {line.get_label(): line.get_xydata().tolist() for line in axis.get_lines()}
    assert lines == {"raw": [[1, 3], [2, 1], [3, 2]], "steady": [[1, 2], [2, 2], [3, 2]]}
    assert texts(axis.get_legend().get_texts()) == ["raw", "steady"]
    assert (axis.get_xlabel(), axis.get_ylabel(), axis.get_title()) == ("frame", "IoU", "over time")
    assert len({line.get_linestyle() for line in axis.get_lines()}) == 2  # told apart without colours


@pytest.mark.parametrize(("x", "whole"), [(range(3), True), ([0.0, 1.0, 2.0], False)])
def test_curves_over_integers_have_integer_ticks(x: list[float], whole: bool) -> None:
    curves(x, {"loss": [3, 1, 2]}, x_label="step")
    assert all(float(tick).is_integer() for tick in plt.gca().get_xticks()) == whole


def test_a_contact_sheet_lays_images_row_by_row_with_white_gaps() -> None:
    images = [np.full((3, 4, 3), 10 * number, np.uint8) for number in range(5)]
    expected = np.full((3 * 3 + 2, 2 * 4 + 1, 3), 255, np.uint8)
    for number, image in enumerate(images):
        top, left = number // 2 * 4, number % 2 * 5
        expected[top : top + 3, left : left + 4] = image
    np.testing.assert_array_equal(contact_sheet(images, columns=2, gap=1), expected)


def test_a_contact_sheet_takes_frames_masks_and_labels() -> None:
    sheet = contact_sheet([FRAME, MASK, MASK > 0.5, LABELS], gap=0)
    grey = np.rint(MASK * 255).astype(np.uint8)[..., None].repeat(3, axis=2)
    hard = (MASK > 0.5)[..., None].repeat(3, axis=2) * np.uint8(255)
    np.testing.assert_array_equal(sheet, np.concatenate([FRAME, grey, hard, CLASS_COLOURS[LABELS]], axis=1))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([],), "one size"),
        (([FRAME, FRAME[:10]],), "one size"),
        (([FRAME], 0), "columns is 0"),
        (([FRAME], 1, -1), "gap is -1"),
        (([MASK * 2],), "from 0 to 2"),
    ],
    ids=["none", "two sizes", "no column", "negative gap", "out of range"],
)
def test_a_contact_sheet_refuses_what_it_cannot_lay_out(arguments: tuple[Any, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        contact_sheet(*arguments)


# ---- in a notebook -----------------------------------------------------------------------------------------


def histogram() -> None:
    figure, axis = plt.subplots()
    axis.hist(FRAME.ravel())
    show_figure(figure, 'values of a "frame", < 256')


@pytest.mark.parametrize(
    ("draw", "text"),
    [
        (lambda: show(FRAME, MASK, titles=["the frame", "its mask"]), "the frame; its mask"),
        (lambda: show_labels(LABELS, FRAME), "8 cat, 15 person"),
        (lambda: bars({"a": 1.0, "b": 2.0}, "ms", "Time"), "a 1 ms"),
        (lambda: curves([1, 2], {"raw": [1, 2]}, "frame"), "raw from 1 to 2"),
        (histogram, 'values of a "frame", < 256'),
    ],
    ids=["show", "show_labels", "bars", "curves", "show_figure"],
)
def test_in_a_notebook_a_figure_is_a_small_transparent_picture_with_alternative_text(
    draw: Callable[[], None], text: str, shown: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    displayed: list[dict[str, str]] = []
    monkeypatch.setattr(matplotlib, "get_backend", lambda: "inline")
    monkeypatch.setattr(IPython.display, "display", lambda bundle, raw: displayed.append(bundle))
    draw()
    assert (shown, plt.get_fignums()) == ([], [])  # or the notebook would show it twice
    (bundle,) = displayed
    element = ElementTree.fromstring(bundle["text/html"].replace(">", "/>"))
    assert element.tag == "img"
    assert text in element.attrib["alt"]
    assert text in bundle["text/plain"]
    kind, _, data = element.attrib["src"].partition(",")
    assert kind == "data:image/webp;base64"
    picture = Image.open(io.BytesIO(base64.b64decode(data)))
    assert picture.width > 600
    assert picture.convert("RGBA").getpixel((0, 0))[3] == 0
    assert len(data) < 200_000


def test_the_style_is_left_to_figures_of_seglib() -> None:
    before = dict(plt.rcParams)
    bars({"a": 1.0}, "ms")
    assert dict(plt.rcParams) == before
