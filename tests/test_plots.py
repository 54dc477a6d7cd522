"""seglib.plots: the right pictures with the right titles, and in a notebook a small JPEG with a text."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator

import matplotlib

matplotlib.use("Agg")  # before pyplot: no window

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure
from nbclient import NotebookClient
from PIL import Image

import seglib
from seglib import VOC_COLOURS, bars, colour_labels, contact_sheet, curves, show, show_labels

RNG = np.random.default_rng(0)
FRAME = RNG.integers(0, 256, (30, 40, 3), dtype=np.uint8)
MASK = np.linspace(0, 1, 1200, dtype=np.float32).reshape(30, 40)
LABELS = np.zeros((30, 40), np.uint8)
LABELS[10:20, 5:15], LABELS[5:25, 20:35], LABELS[0, 0] = 8, 15, 255


@pytest.fixture(autouse=True)
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Counts the calls of plt.show, and leaves no figure behind."""
    calls: list[int] = []
    monkeypatch.setattr(plt, "show", lambda: calls.append(1))
    yield calls
    plt.close("all")


def drawn() -> Figure:
    """The one figure that was drawn."""
    assert len(plt.get_fignums()) == 1
    figure = plt.gcf()
    figure.canvas.draw()  # what cannot be drawn fails here
    return figure


# ---- VOC's colours -----------------------------------------------------------------------------------------


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
def test_the_colours_are_those_of_the_voc_development_kit(number: int, colour: tuple[int, int, int]) -> None:
    assert tuple(VOC_COLOURS[number]) == colour
    assert tuple(colour_labels(np.full((2, 3), number, np.uint8))[1, 2]) == colour


def test_every_number_has_a_colour_of_its_own() -> None:
    assert VOC_COLOURS.shape == (256, 3)
    assert VOC_COLOURS.dtype == np.uint8
    assert len(np.unique(VOC_COLOURS, axis=0)) == 256


def test_the_colours_are_those_that_pillow_reads_from_a_palette_picture() -> None:
    picture = Image.fromarray(LABELS)
    picture.putpalette(VOC_COLOURS.tobytes())
    np.testing.assert_array_equal(colour_labels(LABELS), np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("wrong", [MASK, FRAME, LABELS.astype(int) - 1])
def test_only_labels_can_be_coloured(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="labels"):
        colour_labels(wrong)


# ---- show --------------------------------------------------------------------------------------------------


def test_show_draws_every_image_with_its_title(shown: list[int]) -> None:
    show(FRAME, MASK, LABELS, titles=["one", "two", "three"])
    figure = drawn()
    assert [axis.get_title() for axis in figure.axes] == ["one", "two", "three"]
    pictures = [axis.get_images()[0].get_array() for axis in figure.axes]
    np.testing.assert_array_equal(pictures[0], FRAME)
    np.testing.assert_array_equal(pictures[1], MASK)
    np.testing.assert_array_equal(pictures[2], VOC_COLOURS[LABELS])
    assert shown == [1]


def test_without_titles_each_image_is_named_by_kind_and_size() -> None:
    show(FRAME, MASK > 0.5, LABELS)
    titles = [axis.get_title() for axis in drawn().axes]
    assert titles == ["frame, 40 × 30", "mask, 40 × 30", "labels, 40 × 30"]


def test_a_faint_mask_looks_faint() -> None:
    show(MASK / 10)
    image = drawn().axes[0].get_images()[0]
    assert image.get_clim() == (0, 1)
    assert image.to_rgba(np.array([[0.1]]))[0, 0, 0] == pytest.approx(0.1, abs=0.01), "grey, dark for low values"


def test_a_wider_image_gets_more_room() -> None:
    show(FRAME, np.concatenate([FRAME, FRAME], axis=1))
    narrow, wide = (axis.get_window_extent() for axis in drawn().axes)
    assert wide.width / narrow.width == pytest.approx(2, rel=0.05)
    assert wide.height == pytest.approx(narrow.height, rel=0.05)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (FRAME / 255, "float64"),
        (FRAME[..., :2], r"\(30, 40, 2\)"),
        (FRAME[None], r"\(1, 30, 40, 3\)"),
        (np.zeros(5), r"\(5,\)"),
        (np.zeros((0, 4, 3), np.uint8), "empty"),
        ("photo.jpg", "str"),
        (None, "NoneType"),
        (LABELS.astype(int) + 250, "255"),
    ],
)
def test_what_is_no_image_is_refused_in_words(image: object, words: str, shown: list[int]) -> None:
    with pytest.raises((ValueError, TypeError), match=words):
        show(FRAME, image)
    assert shown == []


def test_there_must_be_an_image_and_as_many_titles_as_images() -> None:
    with pytest.raises(ValueError, match="at least one"):
        show()
    with pytest.raises(ValueError, match="2 titles for 1 images"):
        show(FRAME, titles=["a", "b"])


def test_nothing_that_is_shown_is_changed() -> None:
    frame, mask, labels = FRAME.copy(), MASK.copy(), LABELS.copy()
    show(frame, mask, labels)
    plt.close("all")
    show_labels(labels, frame)
    for now, before in ((frame, FRAME), (mask, MASK), (labels, LABELS)):
        np.testing.assert_array_equal(now, before)


# ---- labels with a legend ----------------------------------------------------------------------------------


def test_the_legend_names_the_classes_that_occur_in_their_colours(shown: list[int]) -> None:
    show_labels(LABELS, FRAME)
    frame_axis, label_axis = drawn().axes
    legend = label_axis.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["0 background", "8 cat", "15 person", "255 void"]
    colours = [np.rint(np.array(patch.get_facecolor()[:3]) * 255).tolist() for patch in legend.get_patches()]
    assert colours == [VOC_COLOURS[n].tolist() for n in (0, 8, 15, 255)]
    np.testing.assert_array_equal(frame_axis.get_images()[0].get_array(), FRAME)
    assert shown == [1]


def test_regions_are_outlined_and_coloured_inside() -> None:
    show_labels(LABELS)
    picture = drawn().axes[0].get_images()[0].get_array()
    np.testing.assert_array_equal(picture[14, 10], VOC_COLOURS[8])
    np.testing.assert_array_equal(picture[14, 28], VOC_COLOURS[15])
    np.testing.assert_array_equal(picture[14, 34], VOC_COLOURS[255])
    np.testing.assert_array_equal(picture[9, 10], VOC_COLOURS[255])


# ---- charts ------------------------------------------------------------------------------------------------


def test_bars_are_as_long_as_their_values_and_say_them() -> None:
    bars({"frame": 0.846, "model": 35.46, "all": 1670.4}, unit="ms", title="time")
    axis = drawn().axes[0]
    assert [bar.get_width() for bar in axis.patches] == [0.846, 35.46, 1670.4]
    assert [text.get_text() for text in axis.get_yticklabels()] == ["frame", "model", "all"]
    assert {text.get_text() for text in axis.texts} == {"0.846", "35.5", "1,670"}
    assert (axis.get_xlabel(), axis.get_title()) == ("ms", "time")
    assert axis.yaxis_inverted(), "the first one is on top"


def test_curves_over_whole_numbers_have_whole_ticks() -> None:
    curves(range(3), {"loss": [3, 1, 2]}, x_label="step")
    assert all(float(tick).is_integer() for tick in plt.gca().get_xticks())
    curves([0.0, 1.0, 2.0], {"loss": [3, 1, 2]}, x_label="seconds")
    assert not all(float(tick).is_integer() for tick in plt.gca().get_xticks())


def test_curves_are_the_given_points_with_a_legend() -> None:
    curves([1, 2, 3], {"raw": [3, 1, 2], "steady": [2, 2, 2]}, x_label="frame", y_label="IoU", title="over time")
    axis = drawn().axes[0]
    lines = {line.get_label(): line.get_xydata().tolist() for line in axis.get_lines()}
    assert lines == {"raw": [[1, 3], [2, 1], [3, 2]], "steady": [[1, 2], [2, 2], [3, 2]]}
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["raw", "steady"]
    assert (axis.get_xlabel(), axis.get_ylabel(), axis.get_title()) == ("frame", "IoU", "over time")
    assert len({line.get_linestyle() for line in axis.get_lines()}) == 2, "readable without colours"


# ---- contact sheets ----------------------------------------------------------------------------------------


def test_a_contact_sheet_lays_pictures_row_by_row_between_white_gaps() -> None:
    images = [np.full((3, 4, 3), 10 * number, np.uint8) for number in range(5)]
    sheet = contact_sheet(images, columns=2, gap=1)
    assert sheet.shape == (3 * 3 + 2, 2 * 4 + 1, 3)
    assert sheet.dtype == np.uint8
    for number in range(5):
        top, left = number // 2 * 4, number % 2 * 5
        np.testing.assert_array_equal(sheet[top : top + 3, left : left + 4], images[number])
    assert (sheet[3] == 255).all()
    assert (sheet[:, 4] == 255).all()
    assert (sheet[8:, 5:] == 255).all(), "the free place"


def test_a_contact_sheet_takes_frames_masks_and_labels() -> None:
    sheet = contact_sheet([FRAME, MASK, MASK > 0.5, LABELS], gap=0)
    grey = np.rint(MASK * 255).astype(np.uint8)[..., None].repeat(3, axis=2)
    hard = (MASK > 0.5)[..., None].repeat(3, axis=2) * np.uint8(255)
    np.testing.assert_array_equal(sheet, np.concatenate([FRAME, grey, hard, VOC_COLOURS[LABELS]], axis=1))


@pytest.mark.parametrize("images", [[], [FRAME, FRAME[:10]]], ids=["none", "two sizes"])
def test_a_contact_sheet_needs_pictures_of_one_size(images: list[np.ndarray]) -> None:
    with pytest.raises(ValueError, match="at least one picture, and all of one size"):
        contact_sheet(images)


# ---- in a notebook -----------------------------------------------------------------------------------------


def test_in_a_notebook_every_figure_is_one_small_jpeg_with_a_text() -> None:
    calls = [
        "seglib.show(frame, mask, titles=['the frame', 'its mask'])",
        "seglib.show_labels(seglib.sample_labels(), frame)",
        "seglib.bars({'a': 1.0, 'b': 2.0}, 'ms', 'Time')",
        "seglib.curves([1, 2], {'raw': [1, 2]}, 'frame')",
    ]
    first = "import seglib\nframe, mask = seglib.sample_frame(), seglib.sample_mask()"
    cells = [nbformat.v4.new_code_cell(source) for source in (first, *calls)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, kernel_name="python3", timeout=120).execute()
    texts = []
    for cell in notebook.cells[1:]:
        assert len(cell.outputs) == 1, "no second picture, no repr"
        (output,) = cell.outputs
        assert set(output.data) == {"image/jpeg", "text/plain"}
        texts.append(output.metadata["image/jpeg"]["alt"])
        jpeg = base64.b64decode(output.data["image/jpeg"])
        picture = Image.open(io.BytesIO(jpeg))
        assert picture.format == "JPEG"
        assert picture.width > 600
        assert len(jpeg) < 150_000
    assert texts[0] == "Side by side: the frame; its mask"
    assert "8 cat" in texts[1]
    assert "15 person" in texts[1]
    assert "a 1 ms" in texts[2]
    assert "raw" in texts[3]


def test_outside_a_notebook_the_figure_is_left_to_matplotlib(shown: list[int]) -> None:
    bars({"a": 1}, "ms")
    curves([1, 2], {"raw": [1, 2]}, "frame")
    assert shown == [1, 1]
    assert seglib.show is show
