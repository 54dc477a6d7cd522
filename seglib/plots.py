"""Pictures side by side, label legends and bar charts, for the notebooks.

Every function returns its result or draws one matplotlib figure; nothing here changes the arrays.
"""

from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglib.arrays import Frame, Labels, check_frame, check_labels
from seglib.classes import VOC_CLASSES


def _voc_colours() -> NDArray[np.uint8]:
    """VOC's own palette, (256, 3): the bits of the class number, spread over the channels, highest first."""
    numbers = np.arange(256)
    colours = np.zeros((256, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            colours[:, channel] |= ((numbers >> (3 * bit + channel) & 1) << (7 - bit)).astype(np.uint8)
    return colours


# Source: the VOC development kit (Everingham et al., 2010), so that our pictures look like everybody's.
VOC_COLOURS = _voc_colours()
VOID = 255  # VOC's number for "undecided", drawn in cream; its own pictures outline every object with it


def show(*images: NDArray[Any], titles: Sequence[str] | None = None, width: float = 12.0) -> None:
    """Show frames, masks and labels side by side, each with a title.

    images: (H, W, 3) uint8 frames, (H, W) float or bool masks, (H, W) integer labels; at least one.
    titles: one for each image; None names each by its kind and size. width: of the figure in inches.
    Raises ValueError for an array that is none of these, or for another number of titles.
    """
    import matplotlib.pyplot as plt

    if not images:
        raise ValueError("show needs at least one image")
    kinds = [_kind(image) for image in images]
    if titles is None:
        titles = [f"{kind}, {image.shape[1]} × {image.shape[0]}" for kind, image in zip(kinds, images, strict=True)]
    if len(titles) != len(images):
        raise ValueError(f"{len(titles)} titles for {len(images)} images")
    mask_probabilities = [image.shape[1] / image.shape[0] for image in images]
    figure, axes = plt.subplots(
        1,
        len(images),
        figsize=(width, width / sum(mask_probabilities) + 0.4),
        width_ratios=mask_probabilities,
        squeeze=False,
        layout="constrained",
    )
    for axis, image, kind, title in zip(axes[0], images, kinds, titles, strict=True):
        # Masks are always drawn from 0 to 1; left alone, matplotlib would stretch a faint mask to full white.
        axis.imshow(colour_labels(image) if kind == "labels" else image, cmap="grey", vmin=0, vmax=1)
        axis.set_title(title)
        axis.set_axis_off()
    _display(figure, ("Side by side: " if len(images) > 1 else "") + "; ".join(titles))


def show_labels(labels: Labels, frame: Frame | None = None, width: float = 12.0) -> None:
    """Show labels in VOC's colours with a legend of the classes that occur, beside the frame if it is given.

    Regions are outlined, since some of VOC's colours are hard to tell from black.
    """
    import matplotlib.pyplot as plt
    from matplotlib.patches import Patch

    labels = check_labels(labels)
    coloured = colour_labels(np.where(_borders(labels), VOID, labels))
    images = [coloured] if frame is None else [check_frame(frame), coloured]
    share = labels.shape[0] / labels.shape[1]
    figure, axes = plt.subplots(
        1, len(images), figsize=(width, width / len(images) * share), squeeze=False, layout="constrained"
    )
    for axis, image in zip(axes[0], images, strict=True):
        axis.imshow(image)
        axis.set_axis_off()
    patches = [Patch(facecolor=VOC_COLOURS[n] / 255, label=f"{n} {_class_name(n)}") for n in np.unique(labels)]
    axes[0][-1].legend(handles=patches, loc="upper right")
    _display(figure, "Labels in colour: " + ", ".join(str(patch.get_label()) for patch in patches))


def colour_labels(labels: Labels) -> Frame:
    """Labels as a picture in VOC's colours, (H, W, 3) uint8."""
    return VOC_COLOURS[check_labels(labels)]


def bars(values: Mapping[str, float], unit: str, title: str = "", width: float = 8.0) -> None:
    """A horizontal bar chart with the number at the end of each bar."""
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(width, 0.5 + 0.4 * len(values)), layout="constrained")
    drawn = axis.barh(list(values), list(values.values()), color="#0072b2")
    numbers = {name: _digits(value) for name, value in values.items()}
    axis.bar_label(drawn, list(numbers.values()), padding=4)
    axis.invert_yaxis()  # the first value on top, as it is read
    axis.set_xlabel(unit)
    axis.set_title(title)
    axis.spines[["top", "right"]].set_visible(False)
    axis.margins(x=0.12)
    _display(figure, f"Bar chart {title}: " + ", ".join(f"{name} {number} {unit}" for name, number in numbers.items()))


def curves(
    x: Sequence[float], values: Mapping[str, Sequence[float]], x_label: str, y_label: str = "", title: str = ""
) -> None:
    """A line chart: one line for each name in ``values``, all over the same ``x``; whole numbers get whole ticks."""
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
    _display(figure, f"Line chart {title}: " + ", ".join(values) + f" over {x_label}")


def contact_sheet(images: Sequence[NDArray[Any]], columns: int = 4, gap: int = 8) -> Frame:
    """Lay pictures of one size on one sheet, row by row, as a frame that can be written to a file.

    images: frames, masks or labels, at least one. gap: white pixels between them.
    """
    pictures = [_as_frame(image) for image in images]
    if not pictures or len({picture.shape for picture in pictures}) != 1:
        raise ValueError("a contact sheet needs at least one picture, and all of one size")
    height, width = pictures[0].shape[:2]
    rows = -(-len(pictures) // columns)  # rounded up
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for number, picture in enumerate(pictures):
        top, left = number // columns * (height + gap), number % columns * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    return sheet


def _display(figure: Any, alt: str) -> None:
    """Show a figure: in a notebook as a JPEG, a tenth of the size of a PNG, with a text for those who cannot see it."""
    import matplotlib
    import matplotlib.pyplot as plt

    if "inline" not in matplotlib.get_backend():
        plt.show()
        return
    from IPython.display import Image, display

    jpeg = BytesIO()
    figure.savefig(jpeg, format="jpeg", dpi=96, pil_kwargs={"quality": 88})
    plt.close(figure)
    display(Image(data=jpeg.getvalue(), format="jpeg", alt=alt))


def _as_frame(image: NDArray[Any]) -> Frame:
    kind = _kind(image)
    if kind == "frame":
        return check_frame(image)
    if kind == "labels":
        return colour_labels(image)
    grey = np.rint(image.astype(np.float32) * 255).astype(np.uint8)
    return np.stack([grey] * 3, axis=-1)


def _kind(image: NDArray[Any]) -> str:
    if getattr(image, "ndim", 0) == 3:
        check_frame(image, "image")
        return "frame"
    if getattr(image, "ndim", 0) != 2:
        raise ValueError(f"cannot show {type(image).__name__} of shape {getattr(image, 'shape', None)}")
    return "labels" if np.issubdtype(image.dtype, np.integer) else "mask"


def _borders(labels: Labels) -> NDArray[np.bool_]:
    """Where a pixel's class differs from its right or lower neighbour's."""
    border = np.zeros(labels.shape, bool)
    border[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    border[:-1] |= labels[:-1] != labels[1:]
    return border


def _digits(value: float) -> str:
    """Three digits, or all of those before the point: 0.846, 35.5, 1,670."""
    return f"{value:.3g}" if abs(value) < 999.5 else f"{value:,.0f}"


def _class_name(number: int) -> str:
    return VOC_CLASSES[number] if number < len(VOC_CLASSES) else "void"
