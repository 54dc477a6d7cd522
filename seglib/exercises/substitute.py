"""The exercises of 05_substitute.ipynb: cover, a logo with its opacity, a background that moves."""

from typing import Any

import cv2
import numpy as np

from seglib.arrays import Frame
from seglib.exercises.marking import Answer, NotYet, exercise
from seglib.exercises.results import Array, as_picture
from seglib.samples import sample_frame, sample_mask


def covered(picture: Frame, height: int, width: int) -> Array:
    """The picture over the whole of (height, width), looked up pixel by pixel: (height, width, 3) float64."""
    return _looked_up(picture, height, width, *[max(height / picture.shape[0], width / picture.shape[1])] * 2)


def _looked_up(picture: Frame, height: int, width: int, y_scale: float, x_scale: float) -> Array:
    """Where each new pixel's middle lies in the old picture, and what is there, mixed of its four neighbours."""
    rows = (np.arange(height) + 0.5 - height / 2) / y_scale + picture.shape[0] / 2 - 0.5
    columns = (np.arange(width) + 0.5 - width / 2) / x_scale + picture.shape[1] / 2 - 0.5
    x, y = np.meshgrid(columns.astype(np.float32), rows.astype(np.float32))
    border = cv2.BORDER_REPLICATE
    return cv2.remap(picture.astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=border).astype(np.float64)


@exercise("cover", "05_substitute")
def check_cover(cover: Answer) -> str:
    """``cover(picture, shape)`` fills (H, W) with a picture, in its own proportions; what hangs over is cropped."""
    for size, shape in (
        ((90, 160), (120, 160)),
        ((150, 150), (120, 160)),
        ((200, 90), (96, 128)),
        ((90, 160), (160, 120)),
    ):
        picture = _card(*size)
        output = as_picture(cover(picture, shape), (*shape, 3), "cover")
        if np.abs(output - covered(picture, *shape)).mean() > 4:
            _explain_fit(output, picture, *shape)
    return "four pictures, wide, square, tall, and one behind an upright frame: all circles stay round"


def _card(height: int, width: int) -> Frame:
    """A smooth picture in which every place has its own colour, with a soft ball in the middle."""
    rows, columns = np.mgrid[:height, :width]
    ball = np.exp(-((np.hypot(rows - height / 2 + 0.5, columns - width / 2 + 0.5) / (height / 5)) ** 4))
    planes = [60 + 120 * rows / height, 60 + 120 * columns / width, 60 + 180 * ball]
    return np.stack(planes, axis=-1).astype(np.uint8)


def _explain_fit(output: Frame, picture: Frame, height: int, width: int) -> None:
    y_scale, x_scale = height / picture.shape[0], width / picture.shape[1]
    seen = f"a picture of {picture.shape[1]} × {picture.shape[0]}, brought to {width} × {height},"
    inside = output[height // 2, width // 2].max() > 0
    bars = (output.max(axis=2) < 20).mean()
    if np.abs(output - _looked_up(picture, height, width, y_scale, x_scale)).mean() < 4:
        raise NotYet(
            f"{seen} is stretched", "There are two scales in it, one for each direction. Which one fills both?"
        )
    part = _looked_up(picture, height, width, 1, 1)
    if np.abs(output - part).mean() < 4 or _is_cut_out(output, picture):
        raise NotYet(
            f"{seen} is cut out and not scaled", "Most of the picture is lost. First the scale, then the crop."
        )
    if bars > 0.02 and inside:
        raise NotYet(
            f"{seen} has bars: {bars:.0%} of it is black", "Not filled. Is it the larger or the smaller scale?"
        )
    scale = max(y_scale, x_scale)
    large = cv2.resize(picture, (round(picture.shape[1] * scale), round(picture.shape[0] * scale)))
    pad = np.pad(large, ((0, 1), (0, 1), (0, 0)), mode="edge")
    for corner in (pad[:height, :width], large[-height:, -width:]):
        if corner.shape == output.shape and np.abs(output - corner.astype(float)).mean() < 4:
            raise NotYet(f"{seen} is not from the middle", "As much should be cropped on one side as on the other.")
    raise NotYet(f"{seen} is not what fills it", "Show yours beside the picture. Is the ball round, and in the middle?")


def _is_cut_out(output: Frame, picture: Frame) -> bool:
    rows, columns = (min(a, b) for a, b in zip(output.shape[:2], picture.shape[:2], strict=True))
    return bool(np.abs(output[:rows, :columns].astype(float) - picture[:rows, :columns]).mean() < 2)


@exercise("add_logo", "05_substitute")
def check_add_logo(add_logo: Answer) -> str:
    """``add_logo(frame, logo)`` lays an (H, W, 4) uint8 logo over a frame; its fourth channel is the opacity."""
    for name in ("astronaut", "hopper"):
        frame = sample_frame(name)[::4, ::4]
        logo = _logo(*frame.shape[:2])
        output = as_picture(add_logo(frame, logo), frame.shape, "add_logo")
        share = logo[..., 3:].astype(np.float64) / 255
        if np.abs(output - (share * logo[..., :3] + (1 - share) * frame)).max() > 2:
            _explain_logo(output, frame, logo)
    return "two frames, with logos that fade out softly"


def _logo(height: int, width: int) -> Array:
    """A blue ball whose opacity fades from its middle; where it is transparent, it is white underneath."""
    rows, columns = np.mgrid[:height, :width]
    opacity = 255 * np.exp(-((np.hypot(rows - height / 3, columns - width / 3) / (height / 6)) ** 2))
    logo = np.full((height, width, 4), 255, np.uint8)
    logo[..., :2], logo[..., 3] = np.where(opacity > 20, 60, 255)[..., np.newaxis], opacity
    return logo


def _explain_logo(output: Frame, frame: Frame, logo: Array) -> None:
    share = logo[..., 3:].astype(np.float64) / 255
    colours = logo[..., :3].astype(np.float64)
    if np.abs(output.astype(float) - frame).max() <= 1:
        raise NotYet("the frame is as it was", "Where the opacity is 255 the logo should be seen, not the frame.")
    if np.abs(output - colours).max() <= 1:
        raise NotYet(
            "only the logo is left, and nothing of the frame", "Its fourth channel says how much of it counts."
        )
    if np.abs(output - ((1 - share) * colours + share * frame)).max() <= 2:
        raise NotYet("the frame shows where the logo should, and the other way round", "Where is the opacity a 1?")
    hard = [
        np.abs(output - np.where(share > level, colours, frame)).max() <= 1 for level in (0, 0.25, 0.499, 0.5, 0.99)
    ]
    if any(hard):
        raise NotYet("the logo has a hard edge", "Its opacity fades. A pixel that is half opaque shows half of each.")
    raise NotYet(
        f"the output is off by up to {np.abs(output - (share * colours + (1 - share) * frame)).max():.0f} levels",
        "The opacity runs from 0 to 255. Which range does a mask have?",
    )


@exercise("Moving", "05_substitute")
def check_moving(Moving: Answer) -> str:
    """``Moving(backgrounds)`` is an effect: each call shows the next background, and after the last the first again."""
    sizes, colours = ((90, 160), (150, 150), (64, 48)), ((200, 40, 40), (40, 160, 40), (40, 60, 200))
    backgrounds = [np.full((*size, 3), colour, np.uint8) for size, colour in zip(sizes, colours, strict=True)]
    for name in ("astronaut", "hopper"):
        frame, mask = sample_frame(name)[::4, ::4], sample_mask(name)[::4, ::4]
        effect = _made(Moving, backgrounds)
        shown = [_which(effect, number, frame, mask, colours) for number in range(7)]
        _need_turns(shown)
    _need_own_count(Moving, backgrounds)
    return "seven calls on frames of two sizes: it starts again after the last one, and every effect counts for itself"


def _made(Moving: Answer, backgrounds: list[Frame]) -> Answer:
    effect = Moving(list(backgrounds))
    if not callable(effect):
        raise NotYet(
            "Moving(backgrounds) cannot be called", "An effect is called as effect(frame, mask). Is there a __call__?"
        )
    return Answer(effect, "Moving")


def _which(effect: Answer, number: int, frame: Frame, mask: Array, colours: tuple[Any, ...]) -> int:
    """The number of the background that the output of a call shows."""
    try:
        output = effect(frame, mask)
    except NotYet as not_yet:
        if number >= 3:
            hint = "After the last background comes the first one again. What does the remainder of a division do?"
            raise NotYet(f"call {number + 1}: {not_yet.seen}", hint) from None
        raise
    output = as_picture(output, frame.shape, "Moving")
    room, person = output[mask == 0].astype(float), np.abs(output.astype(float) - frame)[mask == 1].mean()
    if person > 1:
        raise NotYet("the person is not to be seen", "The mask says where she is. It is the one equation again.")
    gaps = [np.abs(room - colour).mean() for colour in colours]
    if min(gaps) > 2:
        raise NotYet(
            f"call {number + 1} shows none of the backgrounds where the mask is 0", "Show the output. What is it?"
        )
    return int(np.argmin(gaps))


def _need_turns(shown: list[int]) -> None:
    if shown == [0, 1, 2, 0, 1, 2, 0]:
        return
    seen = f"seven calls show the backgrounds {', '.join(str(number) for number in shown)}"
    if len(set(shown)) == 1:
        raise NotYet(seen, "Always the same. What has to be remembered from one call to the next?")
    if shown[0] != 0:
        raise NotYet(seen, "The first call should show number 0. When does your counter go up?")
    if shown[3:] == [2] * 4:
        raise NotYet(seen, "It stops at the last one. After it comes the first one again.")
    raise NotYet(seen, "0, 1, 2 and then again from 0 is asked for.")


def _need_own_count(Moving: Answer, backgrounds: list[Frame]) -> None:
    frame = np.zeros((24, 32, 3), np.uint8)
    mask = np.zeros((24, 32), np.float32)
    first, second = _made(Moving, backgrounds), _made(Moving, backgrounds)
    first(frame, mask)
    if not np.array_equal(second(frame, mask)[0, 0], backgrounds[0][0, 0]):
        raise NotYet(
            "a second effect goes on where the first one stopped",
            "Each should count for itself. Where is your counter kept?",
        )
