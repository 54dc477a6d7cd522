"""seglib.plots: the right images with the right titles, and in a notebook a small JPEG with alternative text."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import matplotlib

matplotlib.use("Agg")  # before pyplot: no window

import IPython.display
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from seglib import VOC_COLOURS, bars, colour_labels, contact_sheet, curves, show, show_labels

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
    np.testing.assert_array_equal(colour_labels(LABELS), np.asarray(image.convert("RGB")))


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
    assert colours == VOC_COLOURS[[0, 8, 15, 255]].tolist()
    np.testing.assert_array_equal(frame_axis.get_images()[0].get_array(), FRAME)
    assert shown == [1]


def test_the_legend_takes_the_names_of_another_model() -> None:
    show_labels(LABELS // 8, class_names=("background", "hair"))
    assert texts(drawn().axes[0].get_legend().get_texts()) == ["0 background", "1 hair", "31 void"]


def test_regions_are_outlined_and_coloured_inside() -> None:
    show_labels(LABELS)
    image = drawn().axes[0].get_images()[0].get_array()
    inside, outline = [(14, 10), (14, 28)], [(14, 34), (9, 10)]
    assert [image[point].tolist() for point in inside] == VOC_COLOURS[[8, 15]].tolist()
    assert [image[point].tolist() for point in outline] == VOC_COLOURS[[255, 255]].tolist()


# ---- show --------------------------------------------------------------------------------------------------


def test_show_draws_each_image_with_its_title(shown: list[int]) -> None:
    show(FRAME, MASK, LABELS, titles=["one", "two", "three"])
    axes = drawn().axes
    assert [axis.get_title() for axis in axes] == ["one", "two", "three"]
    for axis, expected in zip(axes, (FRAME, MASK, VOC_COLOURS[LABELS]), strict=True):
        np.testing.assert_array_equal(axis.get_images()[0].get_array(), expected)
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
    np.testing.assert_array_equal(sheet, np.concatenate([FRAME, grey, hard, VOC_COLOURS[LABELS]], axis=1))


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


@pytest.mark.parametrize(
    ("draw", "text"),
    [
        (lambda: show(FRAME, MASK, titles=["the frame", "its mask"]), "the frame; its mask"),
        (lambda: show_labels(LABELS, FRAME), "8 cat, 15 person"),
        (lambda: bars({"a": 1.0, "b": 2.0}, "ms", "Time"), "a 1 ms"),
        (lambda: curves([1, 2], {"raw": [1, 2]}, "frame"), "raw"),
    ],
    ids=["show", "show_labels", "bars", "curves"],
)
def test_in_a_notebook_a_figure_is_one_small_jpeg_with_alternative_text(
    draw: Callable[[], None], text: str, shown: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    displayed: list[IPython.display.Image] = []
    monkeypatch.setattr(matplotlib, "get_backend", lambda: "inline")
    monkeypatch.setattr(IPython.display, "display", displayed.append)
    draw()
    assert (shown, plt.get_fignums()) == ([], [])  # or the notebook would show it twice
    (image,) = displayed
    assert text in image.alt
    assert Image.open(io.BytesIO(image.data)).width > 600
    assert len(image.data) < 150_000
