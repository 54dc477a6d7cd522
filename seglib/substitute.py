"""A new background: a picture, a colour or a gradient, fitted to the frame without stretching it.

The article resizes the picture to the frame's width and height, which makes circles oval, and does so anew for
every frame. Here the picture is cropped to the frame's shape and prepared once per frame size.
"""

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import cv2
import numpy as np

from seglib.arrays import Frame, Mask, check_frame, check_mask
from seglib.composite import blend, lay_over
from seglib.errors import SourceError
from seglib.images import existing_file, is_image, parse_colour, read_image

Fit: TypeAlias = Literal["cover", "contain", "stretch"]
Colour: TypeAlias = str | tuple[int, int, int]  # a CSS name, "#rrggbb", or red, green, blue
# What a background may be: a picture as an array or a path, a colour, or two colours for a gradient.
Background: TypeAlias = np.ndarray | Path | Colour | tuple[Colour, Colour]


def fit_image(picture: Frame, shape: tuple[int, ...], fit: Fit = "cover") -> Frame:
    """Scale a picture to a frame's shape.

    picture: (h, w, 3) uint8 RGB.
    shape: ``frame.shape``, or (H, W).
    fit: "cover" fills the frame and crops what hangs over, in the middle; "contain" shows the whole picture
        between black bars; "stretch" changes its proportions, as the article did.
    Returns a new (H, W, 3) uint8 array. Raises ValueError for an unknown fit or a shape that is not positive.
    """
    picture = check_frame(picture, "picture")
    height, width = _check_size(shape)
    _check_fit(fit)
    y_scale, x_scale = height / picture.shape[0], width / picture.shape[1]
    if fit == "stretch":
        return _resize(picture, height, width)
    if fit == "cover":
        scale = max(y_scale, x_scale)
        # Crop twice: most of what hangs over before scaling, to save work, and the last fraction of a pixel after.
        part = _middle(picture, _enough(picture.shape[0], height / scale), _enough(picture.shape[1], width / scale))
        large = _resize(part, round(part.shape[0] * scale), round(part.shape[1] * scale))
        return _middle(large, height, width).copy()
    scale = min(y_scale, x_scale)
    small = _resize(picture, max(1, round(picture.shape[0] * scale)), max(1, round(picture.shape[1] * scale)))
    return _between_bars(small, height, width)


def replace_background(frame: Frame, mask: Mask, background: Background, fit: Fit = "cover") -> Frame:
    """Show another background where the mask is 0.

    frame: (H, W, 3) uint8 RGB. mask: (H, W) float in [0, 1] or bool, 1 = keep.
    background: a picture as an array (grey, RGB or RGBA; uint8, or float in [0, 1]) or as a path; a colour as a
        CSS name, "#rrggbb" or (red, green, blue); or two of them ("navy", "white") for a gradient, top to bottom.
    fit: how a picture is brought to the frame's size, see :func:`fit_image`.
    Returns a new (H, W, 3) uint8 array.
    Raises ValueError for shapes that differ or an unknown colour, SourceError for a file that cannot be read.
    For many frames use :class:`Replace`, which prepares the background once. Taught in 05_substitute.ipynb.
    """
    return Replace(background, fit)(frame, mask)


class Replace:
    """The new background as an effect: ``Replace("beach.jpg")(frame, mask) -> output``.

    background, fit: as in :func:`replace_background`. The picture is read here, so a wrong path raises SourceError
    before the first frame, and fitted once for each frame size that comes. Can be pickled.
    """

    def __init__(self, background: Background, fit: Fit = "cover") -> None:
        _check_fit(fit)
        self._picture, is_fill = _as_picture(background)
        self.fit: Fit = "stretch" if is_fill else fit
        self._fitted: Frame | None = None  # for the last frame size

    def __call__(self, frame: Frame, mask: Mask) -> Frame:
        frame = check_frame(frame)
        mask = check_mask(mask, frame)
        if self._fitted is None or self._fitted.shape != frame.shape:
            self._fitted = fit_image(self._picture, frame.shape, self.fit)
        return lay_over(frame, mask, self._fitted)


def _as_picture(background: Background) -> tuple[Frame, bool]:
    """Whatever stands for a background, as (h, w, 3) uint8, and whether it is a plain fill that may be stretched."""
    if isinstance(background, np.ndarray):
        return _three_channels(background), False
    if isinstance(background, Path):
        return _read(background), False
    if isinstance(background, str):
        # A name that could be both is a file only if it is there, or ends like one.
        if Path(background).suffix or Path(background).is_file():
            return _read(background), False
        return _fill([_colour(background)]), True
    if isinstance(background, tuple | list) and len(background) == 2:
        return _fill([_colour(colour) for colour in background]), True
    if isinstance(background, tuple | list) and len(background) == 3:
        return _fill([_colour(background)]), True
    raise TypeError(
        f"background is {type(background).__name__}, but must be a picture (array or path), a colour, "
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


def _fill(colours: Sequence[tuple[int, int, int]]) -> Frame:
    """A column of 256 pixels that runs evenly from the first colour to the last, (256, 1, 3)."""
    return np.rint(np.linspace(colours[0], colours[-1], num=256)).astype(np.uint8)[:, np.newaxis]


def _colour(colour: Colour) -> tuple[int, int, int]:
    if isinstance(colour, str):
        return parse_colour(colour)
    values = np.asarray(colour)
    if values.shape != (3,) or values.dtype.kind not in "iu" or values.min() < 0 or values.max() > 255:
        raise ValueError(f"background is {colour}, but a colour is a name or three whole numbers from 0 to 255")
    red, green, blue = values.tolist()
    return red, green, blue


def _three_channels(picture: np.ndarray) -> Frame:
    """Grey, RGBA and float pictures, as matplotlib's and scikit-image's readers give them, as (h, w, 3) uint8."""
    if np.issubdtype(picture.dtype, np.floating):
        if picture.size and not (picture.min() >= 0 and picture.max() <= 1):
            raise ValueError("background is float and must lie in [0, 1]; for 0 to 255 use background.astype(np.uint8)")
        picture = np.rint(picture * 255).astype(np.uint8)
    if picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] == 1):
        picture = np.repeat(picture.reshape(*picture.shape[:2], 1), 3, axis=2)
    if picture.ndim == 3 and picture.shape[2] == 4:  # transparent parts over white, as read_image does
        alpha = picture[..., 3].astype(np.float32) / np.float32(255)
        picture = blend(picture[..., :3], alpha, np.full_like(picture[..., :3], 255))
    return check_frame(picture, "background").copy()


def _resize(picture: Frame, height: int, width: int) -> Frame:
    """Area averaging when it shrinks, so that fine lines do not shimmer; bilinear when it grows."""
    shrinks = height * width < picture.shape[0] * picture.shape[1]
    resized = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return resized.astype(np.uint8, copy=False)


def _enough(side: int, needed: float) -> int:
    """The fewest whole pixels that hold what is needed and lie exactly in the middle of a side."""
    pixels = min(side, ceil(needed - 1e-9))
    return pixels + (side - pixels) % 2


def _middle(picture: Frame, height: int, width: int) -> Frame:
    top, left = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
    return picture[top : top + height, left : left + width]


def _between_bars(picture: Frame, height: int, width: int) -> Frame:
    canvas = np.zeros((height, width, 3), np.uint8)
    top, left = (height - picture.shape[0]) // 2, (width - picture.shape[1]) // 2
    canvas[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return canvas


def _check_size(shape: tuple[int, ...]) -> tuple[int, int]:
    height, width = int(shape[0]), int(shape[1])
    if height < 1 or width < 1:
        raise ValueError(f"shape is {tuple(shape)}, but height and width must be at least 1")
    return height, width


def _check_fit(fit: str) -> None:
    if fit not in get_args(Fit):
        raise ValueError(f"fit is {fit!r}, but must be one of {', '.join(get_args(Fit))}")
