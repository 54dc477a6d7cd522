"""Images side by side, labels with a legend, and charts, for the notebooks.

Each function returns its result or draws one matplotlib figure. In a notebook a figure has no background of its own
and comes with alternative text, as HTML: no viewer reads the text that belongs to an image/jpeg or image/png output.
"""

import html
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from io import BytesIO
from itertools import cycle
from typing import Any, ParamSpec

import numpy as np
from numpy.typing import NDArray

from seglib.arrays import Frame, Labels, check_frame, check_labels, check_mask
from seglib.classes import VOC_CLASSES
from seglib.palettes import CLASS_COLOURS, colour_labels, mask_to_frame, outlines

# Text and axes are of a grey that can be read on a white page and on a black one.
_GREY = "#7a7a7a"
PLOT_STYLE: dict[Any, Any] = {
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _GREY),
    "axes.prop_cycle": "cycler('color', ['#0072b2', '#d55e00', '#009e73', '#cc79a7'])",
}

_Parameters = ParamSpec("_Parameters")


def _in_plot_style(draw: Callable[_Parameters, None]) -> Callable[_Parameters, None]:
    """Let a function draw in PLOT_STYLE, without changing the style of the caller's own figures."""

    @wraps(draw)
    def styled(*arguments: _Parameters.args, **options: _Parameters.kwargs) -> None:
        import matplotlib.pyplot as plt

        with plt.rc_context(PLOT_STYLE):
            draw(*arguments, **options)

    return styled


@_in_plot_style
def show(*images: NDArray[Any], titles: Sequence[str] | None = None, width: float = 12.0) -> None:
    """Show frames, masks and labels side by side, each with a title.

    Parameters
    ----------
    *images
        (H, W, 3) uint8 frames, (H, W) float or bool masks, (H, W) integer labels; at least one.
    titles
        One for each image. By default each is named by its kind and size.
    width
        Of the figure in inches.

    Raises
    ------
    ValueError
        If an array is none of these, or the number of titles differs.

    Examples
    --------
    >>> seglib.show(frame, mask, titles=["input", "ground truth"])
    """
    if not images:
        raise ValueError("show needs at least one image")
    kinds = [_kind(image) for image in images]
    if titles is None:
        titles = [f"{kind}, {image.shape[1]} × {image.shape[0]}" for kind, image in zip(kinds, images, strict=True)]
    if len(titles) != len(images):
        raise ValueError(f"{len(titles)} titles for {len(images)} images")
    figure, axes = _image_row(images, width, title_height=0.4)
    for axis, title in zip(axes, titles, strict=True):
        axis.set_title(title)
    show_figure(figure, ("Side by side: " if len(images) > 1 else "") + "; ".join(titles))


@_in_plot_style
def show_labels(
    labels: Labels, frame: Frame | None = None, class_names: Sequence[str] = VOC_CLASSES, width: float = 12.0
) -> None:
    """Show labels in colour, with a legend of the classes that occur.

    Regions are outlined and carry their numbers, so that nobody depends on colours.

    Parameters
    ----------
    labels
        Class numbers, (H, W) integers.
    frame
        Shown beside the labels, (H, W, 3) uint8, RGB.
    class_names
        The names of the classes in the order of their numbers, such as ``model.class_names``.
    width
        Of the figure in inches.

    Raises
    ------
    ValueError
        If an array has another shape or dtype.

    Examples
    --------
    >>> seglib.show_labels(seglib.sample_labels(), frame)
    """
    from matplotlib.patches import Patch

    labels = check_labels(labels)
    figure, axes = _image_row([labels] if frame is None else [check_frame(frame), labels], width)
    present = {number: class_names[number] if number < len(class_names) else "void" for number in np.unique(labels)}
    patches = [
        Patch(facecolor=CLASS_COLOURS[n] / 255, edgecolor=_GREY, label=f"{n} {name}") for n, name in present.items()
    ]
    figure.set_figwidth(width + 1.6)  # the legend stands beside the images and hides nothing
    axes[-1].legend(handles=patches, loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    show_figure(figure, "Labels in colour: " + ", ".join(f"{n} {name}" for n, name in present.items()))


@_in_plot_style
def bars(values: Mapping[str, float], unit: str, title: str = "", width: float = 8.0) -> None:
    """Draw a horizontal bar chart with the value at the end of each bar.

    Parameters
    ----------
    values
        Name to value, drawn from top to bottom.
    unit
        Label of the horizontal axis.
    title
        Of the chart.
    width
        Of the figure in inches.

    Examples
    --------
    >>> seglib.bars({"predict": 20.5, "blur": 1.6}, unit="ms", title="Time per frame")
    """
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(width, 0.5 + 0.4 * len(values)), layout="constrained")
    drawn = axis.barh(list(values), list(values.values()), color="#0072b2")
    numbers = {name: _three_digits(value) for name, value in values.items()}
    axis.bar_label(drawn, list(numbers.values()), padding=4)
    axis.invert_yaxis()  # the first value on top
    axis.set(xlabel=unit, title=title)
    axis.spines[["top", "right"]].set_visible(False)
    axis.margins(x=0.12)
    show_figure(
        figure, f"Bar chart {title}: " + ", ".join(f"{name} {number} {unit}" for name, number in numbers.items())
    )


@_in_plot_style
def curves(
    x: Sequence[float], values: Mapping[str, Sequence[float]], x_label: str, y_label: str = "", title: str = ""
) -> None:
    """Draw a line chart with a legend.

    Parameters
    ----------
    x
        Where the values were measured. Integers get integer ticks.
    values
        Name of a line to its values, one for each ``x``.
    x_label, y_label, title
        Labels of the axes, title of the chart.

    Examples
    --------
    >>> seglib.curves(range(3), {"training": [0.9, 0.4, 0.3]}, x_label="epoch", y_label="loss")
    """
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MaxNLocator

    figure, axis = plt.subplots(figsize=(7, 2.6), layout="constrained")
    for (name, y), style in zip(values.items(), cycle(("-", "--", "-.", ":")), strict=False):
        axis.plot(x, y, style, label=name, linewidth=2)
    axis.set(xlabel=x_label, ylabel=y_label, title=title)
    if np.issubdtype(np.asarray(x).dtype, np.integer):
        axis.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False)
    ranges = (f"{name} from {_three_digits(y[0])} to {_three_digits(y[-1])}" for name, y in values.items())
    show_figure(figure, f"Line chart {title}, over {x_label}: " + ", ".join(ranges))


def contact_sheet(images: Sequence[NDArray[Any]], columns: int = 4, gap: int = 8) -> Frame:
    """Lay images of one size on a single image, row by row.

    Parameters
    ----------
    images
        Frames, masks or labels, at least one.
    columns
        How many images stand in a row.
    gap
        White pixels between them.

    Returns
    -------
    Frame
        (H, W, 3) uint8.

    Raises
    ------
    ValueError
        If there is no image, if their sizes differ, or if ``columns`` or ``gap`` is out of range.

    Examples
    --------
    >>> seglib.contact_sheet([frame, mask, frame], columns=2, gap=0).shape
    (960, 1280, 3)
    """
    if columns < 1 or gap < 0:
        raise ValueError(f"columns is {columns} and gap is {gap}, but must be at least 1 and 0")
    frames = [_as_frame(image) for image in images]
    if not frames or len({frame.shape for frame in frames}) != 1:
        raise ValueError("a contact sheet needs at least one image, and all of one size")
    height, width = frames[0].shape[:2]
    rows = -(-len(frames) // columns)  # rounded up
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for number, frame in enumerate(frames):
        top, left = number // columns * (height + gap), number % columns * (width + gap)
        sheet[top : top + height, left : left + width] = frame
    return sheet


def _image_row(images: Sequence[NDArray[Any]], width: float, title_height: float = 0.0) -> tuple[Any, Any]:
    """Draw images beside each other at one height, and return the figure and the axes."""
    import matplotlib.pyplot as plt

    aspect_ratios = [image.shape[1] / image.shape[0] for image in images]
    figure, axes = plt.subplots(
        1,
        len(images),
        figsize=(width, width / sum(aspect_ratios) + title_height),
        width_ratios=aspect_ratios,
        squeeze=False,
        layout="constrained",
    )
    for axis, image in zip(axes[0], images, strict=True):
        if _kind(image) == "labels":
            # The outlines are white, so that they are seen beside every colour.
            axis.imshow(np.where(outlines(image)[..., np.newaxis], np.uint8(255), colour_labels(image)))
            _write_numbers(axis, image)
        else:
            # A mask is drawn from 0 to 1; by default matplotlib would stretch a faint mask to full white.
            axis.imshow(image, cmap="grey", vmin=0, vmax=1)
        axis.set(xticks=[], yticks=[])
    return figure, axes[0]


def _write_numbers(axis: Any, labels: Labels) -> None:
    """Write each class number into the largest region of its class, where that is widest."""
    import cv2
    from matplotlib.patheffects import withStroke

    for number in np.unique(labels):
        _, regions, statistics, _ = cv2.connectedComponentsWithStats(
            (labels == number).astype(np.uint8), connectivity=4
        )
        largest = 1 + statistics[1:, cv2.CC_STAT_AREA].argmax()
        inside = cv2.copyMakeBorder((regions == largest).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
        _, depth, _, (x, y) = cv2.minMaxLoc(cv2.distanceTransform(inside, cv2.DIST_L2, 5))
        if depth > max(3, labels.shape[0] / 60):  # else the number would be larger than the region
            stroke = [withStroke(linewidth=3, foreground="black")]
            axis.text(x - 1, y - 1, number, size=12, color="white", ha="center", va="center", path_effects=stroke)


def show_figure(figure: Any, alt: str) -> None:
    """Show a figure of your own as seglib shows its own: with alternative text, on any page, light or dark.

    Begin with ``plt.rcParams.update(seglib.PLOT_STYLE)``, so that its text can be read on both.

    Parameters
    ----------
    figure
        A matplotlib figure. It is closed, or the notebook would show it twice.
    alt
        What it shows, for those who cannot see it.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> figure, axis = plt.subplots()
    >>> axis.hist(frame.ravel())  # doctest: +SKIP
    >>> seglib.show_figure(figure, "Histogram of the frame's values: most are bright")
    """
    import matplotlib
    import matplotlib.pyplot as plt

    if "inline" not in matplotlib.get_backend():
        plt.show()
        return
    from IPython.display import display

    bundle = {"text/html": picture_html(figure, alt), "text/plain": f"<picture: {alt}>"}
    plt.close(figure)
    display(bundle, raw=True)


def picture_html(picture: Any, alt: str) -> str:
    """Return an ``<img>`` element that holds an image, (H, W, 3) uint8, or a figure without its background."""
    from PIL import Image

    webp = BytesIO()  # a tenth of the size of a PNG, and unlike JPEG it can be transparent
    if hasattr(picture, "savefig"):
        picture.savefig(webp, format="webp", dpi=96, transparent=True, pil_kwargs={"quality": 86})
    else:
        Image.fromarray(picture).save(webp, "webp", quality=86)
    data = b64encode(webp.getvalue()).decode()
    return f'<img alt="{html.escape(alt)}" src="data:image/webp;base64,{data}">'


def _as_frame(image: NDArray[Any]) -> Frame:
    kind = _kind(image)
    if kind == "frame":
        return check_frame(image)
    if kind == "labels":
        return colour_labels(image)
    return mask_to_frame(check_mask(image))


def _kind(image: NDArray[Any]) -> str:
    if getattr(image, "ndim", 0) == 3:
        check_frame(image, "image")
        return "frame"
    if getattr(image, "ndim", 0) != 2:
        raise ValueError(f"cannot show {type(image).__name__} of shape {getattr(image, 'shape', None)}")
    return "labels" if np.issubdtype(image.dtype, np.integer) else "mask"


def _three_digits(value: float) -> str:
    """Format with three significant digits, or all of those before the point: 0.846, 35.5, 1,670."""
    return f"{value:.3g}" if abs(value) < 999.5 else f"{value:,.0f}"
