"""A new background: an image, a colour or a gradient, fitted to the frame without distortion.

The article resizes the image to the frame's width and height, which turns circles into ovals, and repeats that for
every frame. Here the image is cropped to the frame's proportions, once per frame size.
"""

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from seglib.arrays import Frame, Mask, check_frame, check_mask
from seglib.composite import blend, blend_checked
from seglib.errors import SourceError
from seglib.images import existing_file, is_image, parse_colour, read_image
from seglib.samples import BACKGROUNDS, sample_background

Fit: TypeAlias = Literal["cover", "contain", "stretch"]
Colour: TypeAlias = str | tuple[int, int, int]  # a CSS name, "#rrggbb", or (red, green, blue)
# An image as array or path, the name of a sample, a colour, or two colours for a gradient.
Background: TypeAlias = NDArray[Any] | Path | Colour | tuple[Colour, Colour]


def fit_image(image: Frame, shape: tuple[int, ...], fit: Fit = "cover") -> Frame:
    """Scale an image to the shape of a frame.

    Parameters
    ----------
    image
        (h, w, 3) uint8, RGB.
    shape
        The shape of the result: ``frame.shape``, or (H, W).
    fit
        "cover" fills the frame and crops the rest evenly, "contain" shows the whole image between black bars,
        "stretch" changes its proportions, as the article does.

    Returns
    -------
    Frame
        A new (H, W, 3) uint8 array.

    Raises
    ------
    ValueError
        If ``fit`` is unknown or ``shape`` is not positive.

    Examples
    --------
    >>> beach = seglib.sample_background("beach")
    >>> beach.shape, seglib.fit_image(beach, (480, 480)).shape
    ((960, 1280, 3), (480, 480, 3))
    """
    image = check_frame(image, "image")
    height, width = _check_shape(shape)
    _check_fit(fit)
    if fit == "stretch":
        return _resize(image, height, width)
    y_scale, x_scale = height / image.shape[0], width / image.shape[1]
    if fit == "cover":
        scale = max(y_scale, x_scale)
        # Crop twice: most of the excess before scaling, to save work, and the rest, less than two pixels, after it.
        part = _centre(image, _enough(image.shape[0], height / scale), _enough(image.shape[1], width / scale))
        scaled = _resize(part, round(part.shape[0] * scale), round(part.shape[1] * scale))
        return _centre(scaled, height, width).copy()
    scale = min(y_scale, x_scale)
    scaled = _resize(image, max(1, round(image.shape[0] * scale)), max(1, round(image.shape[1] * scale)))
    output = np.zeros((height, width, 3), np.uint8)
    _centre(output, *scaled.shape[:2])[:] = scaled
    return output


def replace_background(frame: Frame, mask: Mask, background: Background, fit: Fit = "cover") -> Frame:
    """Show another background where the mask is 0.

    For many frames use :class:`Replace`, which prepares the background once.

    Parameters
    ----------
    frame
        Image, (H, W, 3) uint8, RGB.
    mask
        Alpha matte, (H, W) float in [0, 1] or bool; 1 keeps a pixel.
    background
        An image: an array (grey, RGB or RGBA; uint8, or float in [0, 1]), a path, or the name of a sample ("room",
        "beach", "mountains"). Or a colour: a CSS name, "#rrggbb" or (red, green, blue). Or a gradient from top to
        bottom: two colours, such as ("navy", "white").
    fit
        How an image is brought to the frame's size, see :func:`fit_image`.

    Returns
    -------
    Frame
        A new (H, W, 3) uint8 array.

    Raises
    ------
    ValueError
        If the shapes differ, or the background is neither a file nor a known colour.
    SourceError
        If a file cannot be read.

    Notes
    -----
    A string is looked up as the name of a sample, then as a file, then as a colour; a :class:`~pathlib.Path` is always
    a file. Taught in ``05_substitute.ipynb``.

    Examples
    --------
    >>> output = seglib.replace_background(frame, mask, "navy")
    >>> output[0, 0].tolist()
    [0, 0, 128]
    """
    return Replace(background, fit)(frame, mask)


class Replace:
    """The new background as an effect, ``effect(frame, mask) -> output``, for videos and live pictures.

    The background is read at once and fitted once per frame size. The effect can be pickled.

    Parameters
    ----------
    background
        See :func:`replace_background`.
    fit
        See :func:`fit_image`.

    Raises
    ------
    ValueError
        If ``fit`` or the colour is unknown.
    SourceError
        If a file cannot be read.

    Examples
    --------
    >>> effect = seglib.Replace("beach")
    >>> effect(frame, mask).shape
    (480, 640, 3)
    """

    def __init__(self, background: Background, fit: Fit = "cover") -> None:
        _check_fit(fit)
        self._image, is_fill = _as_image(background)
        self.fit: Fit = "stretch" if is_fill else fit
        self._fitted: Frame | None = None  # for the last frame size

    def __call__(self, frame: Frame, mask: Mask) -> Frame:
        """Replace the background of a frame, as :func:`replace_background` does."""
        frame = check_frame(frame)
        mask = check_mask(mask, frame)
        fitted = self._fitted  # another thread may replace it by one for frames of its own
        if fitted is None or fitted.shape != frame.shape:
            fitted = self._fitted = fit_image(self._image, frame.shape, self.fit)
        return blend_checked(frame, mask, fitted)


def _as_image(background: Background) -> tuple[Frame, bool]:
    """Turn a background into (h, w, 3) uint8, and tell whether it is a plain fill, which may be stretched."""
    if isinstance(background, np.ndarray):
        return _as_rgb(background), False
    if isinstance(background, Path):
        return _read(background), False
    if isinstance(background, str):
        if background in BACKGROUNDS:
            return sample_background(background), False
        if Path(background).suffix or Path(background).is_file():  # so that a file without a suffix can be used, too
            return _read(background), False
        return _gradient([_as_colour(background)]), True
    if isinstance(background, tuple | list) and len(background) == 2:
        return _gradient([_as_colour(colour) for colour in background]), True
    if isinstance(background, tuple | list) and len(background) == 3:
        return _gradient([_as_colour(background)]), True
    raise TypeError(
        f"background is {type(background).__name__}, but must be an image (array or path), a colour, "
        "or two colours for a gradient"
    )


def _read(path: str | Path) -> Frame:
    path = existing_file(path)
    try:
        return read_image(path)
    except SourceError as error:
        if is_image(path):  # a damaged one
            raise
        hint = f'if it is a video, ReplaceWithVideo("{path}") plays it behind the person'
        raise SourceError(f"{error}; {hint}") from error


def _gradient(colours: Sequence[tuple[int, int, int]]) -> Frame:
    """A column of 256 pixels from the first colour to the last, (256, 1, 3)."""
    return np.rint(np.linspace(colours[0], colours[-1], num=256)).astype(np.uint8)[:, np.newaxis]


def _as_colour(colour: Colour) -> tuple[int, int, int]:
    if isinstance(colour, str):
        return parse_colour(colour)
    values = np.asarray(colour)
    if values.shape != (3,) or values.dtype.kind not in "iu" or values.min() < 0 or values.max() > 255:
        raise ValueError(f"background is {colour}, but a colour is a name or three integers from 0 to 255")
    red, green, blue = values.tolist()
    return red, green, blue


def _as_rgb(image: NDArray[Any]) -> Frame:
    """Convert a grey, RGBA or float image, as matplotlib and scikit-image read them, to a new (h, w, 3) uint8 array."""
    if np.issubdtype(image.dtype, np.floating):
        if image.size and not (image.min() >= 0 and image.max() <= 1):
            raise ValueError("background is float and must lie in [0, 1]; for 0 to 255 use background.astype(np.uint8)")
        image = np.rint(image * 255).astype(np.uint8)
    if image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 1):
        image = np.repeat(image.reshape(*image.shape[:2], 1), 3, axis=2)
    if image.ndim == 3 and image.shape[2] == 4:  # transparent parts over white, as read_image does
        alpha = image[..., 3].astype(np.float32) / np.float32(255)
        image = blend(image[..., :3], alpha, np.full_like(image[..., :3], 255))
    return check_frame(image, "background").copy()


def _resize(image: Frame, height: int, width: int) -> Frame:
    """Average over areas when shrinking, so that fine lines do not alias; interpolate when enlarging."""
    shrinks = height * width < image.shape[0] * image.shape[1]
    resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return resized.astype(np.uint8, copy=False)


def _enough(side: int, needed: float) -> int:
    """The fewest pixels that hold what is needed and can lie exactly in the middle of a side."""
    pixels = min(side, ceil(needed - 1e-9))
    return pixels + (side - pixels) % 2


def _centre(image: Frame, height: int, width: int) -> Frame:
    """The part in the middle of an image, as a view."""
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def _check_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    height, width = int(shape[0]), int(shape[1])
    if height < 1 or width < 1:
        raise ValueError(f"shape is {tuple(shape)}, but height and width must be at least 1")
    return height, width


def _check_fit(fit: str) -> None:
    if fit not in get_args(Fit):
        raise ValueError(f"fit is {fit!r}, but must be one of {', '.join(get_args(Fit))}")
