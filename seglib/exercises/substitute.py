"""The exercises of ``05_substitute.ipynb``: cover, a logo with an alpha channel, a background that changes."""

from typing import Any

import cv2
import numpy as np

from seglib.arrays import Frame
from seglib.exercises.checks import CheckFailed, Submission, exercise
from seglib.exercises.outputs import Array, as_image
from seglib.samples import sample_frame, sample_mask


def covered(image: Frame, height: int, width: int) -> Array:
    """Return an image that covers (height, width), interpolated pixel by pixel, (height, width, 3) float64."""
    scale = max(height / image.shape[0], width / image.shape[1])
    return _resampled(image, height, width, scale, scale)


def _resampled(image: Frame, height: int, width: int, y_scale: float, x_scale: float) -> Array:
    """Interpolate between the four pixels around the place that each new pixel has in the old image."""
    rows = (np.arange(height) + 0.5 - height / 2) / y_scale + image.shape[0] / 2 - 0.5
    columns = (np.arange(width) + 0.5 - width / 2) / x_scale + image.shape[1] / 2 - 0.5
    x, y = np.meshgrid(columns.astype(np.float32), rows.astype(np.float32))
    resampled = cv2.remap(image.astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return resampled.astype(np.float64)


def gradient_with_ball(height: int, width: int) -> Frame:
    """Return a smooth image in which every place has its own colour, with a soft ball in the middle."""
    rows, columns = np.mgrid[:height, :width]
    ball = np.exp(-((np.hypot(rows - height / 2 + 0.5, columns - width / 2 + 0.5) / (height / 5)) ** 4))
    planes = [60 + 120 * rows / height, 60 + 120 * columns / width, 60 + 180 * ball]
    return np.stack(planes, axis=-1).astype(np.uint8)


@exercise("cover", "05_substitute")
def check_cover(cover: Submission) -> str:
    """``cover(picture, shape)`` fills (H, W) with a picture in its own proportions, and crops the rest."""
    wide, upright = (120, 160), (160, 120)
    for size, shape in (((90, 160), wide), ((150, 150), wide), ((200, 90), (96, 128)), ((90, 160), upright)):
        image = gradient_with_ball(*size)
        output = as_image(cover(image, shape), (*shape, 3), "cover")
        if np.abs(output - covered(image, *shape)).mean() > 4:
            _explain_fit(output, image, *shape)
    return "four images, wide, square, tall, and one behind an upright frame: all circles stay round"


def _explain_fit(output: Frame, image: Frame, height: int, width: int) -> None:
    y_scale, x_scale = height / image.shape[0], width / image.shape[1]
    observed = f"an image of {image.shape[1]} × {image.shape[0]}, fitted to {width} × {height},"
    black = float((output.max(axis=2) < 20).mean())
    if np.abs(output - _resampled(image, height, width, y_scale, x_scale)).mean() < 4:
        raise CheckFailed(
            f"{observed} is stretched", "You use one scale for each direction. Which single scale fills both?"
        )
    if np.abs(output - _resampled(image, height, width, 1, 1)).mean() < 4 or _is_crop(output, image):
        raise CheckFailed(
            f"{observed} is cropped, but not scaled", "Most of the image is lost. Scale first, then crop."
        )
    if black > 0.02 and output[height // 2, width // 2].max() > 0:
        raise CheckFailed(
            f"{observed} has bars: {black:.0%} of it is black", "Is it the larger or the smaller of the two scales?"
        )
    scale = max(y_scale, x_scale)
    large = cv2.resize(image, (round(image.shape[1] * scale), round(image.shape[0] * scale)))
    large = np.pad(large, ((0, 1), (0, 1), (0, 0)), mode="edge")
    if np.abs(output[:, ::-1] - covered(image, height, width)).mean() < 4:
        raise CheckFailed(f"{observed} is mirrored", "Which [::-1] turns left and right round?")
    for corner in (large[:height, :width], large[-1 - height : -1, -1 - width : -1]):
        if corner.shape == output.shape and np.abs(output - corner.astype(float)).mean() < 4:
            raise CheckFailed(f"{observed} is not centred", "Crop as much on one side as on the other.")
    raise CheckFailed(
        f"{observed} is not the expected part", "Show it beside the image. Is the ball round, and in the middle?"
    )


def _is_crop(output: Frame, image: Frame) -> bool:
    rows, columns = (min(a, b) for a, b in zip(output.shape[:2], image.shape[:2], strict=True))
    return bool(np.abs(output[:rows, :columns].astype(float) - image[:rows, :columns]).mean() < 2)


@exercise("add_logo", "05_substitute")
def check_add_logo(add_logo: Submission) -> str:
    """``add_logo(frame, logo)`` composites an (H, W, 4) uint8 logo over a frame by its alpha channel."""
    for name in ("astronaut", "hopper"):
        frame = sample_frame(name)[::4, ::4]
        logo = _logo(*frame.shape[:2])
        output = as_image(add_logo(frame, logo), frame.shape, "add_logo")
        if np.abs(output - _mix(logo, frame)).max() > 2:
            _explain_logo(output, frame, logo)
    return "two frames, with logos that fade out softly"


def _logo(height: int, width: int) -> Array:
    """A blue ball that fades out from its middle; where it is transparent, its colour is white."""
    rows, columns = np.mgrid[:height, :width]
    alpha = 255 * np.exp(-((np.hypot(rows - height / 3, columns - width / 3) / (height / 6)) ** 2))
    logo = np.full((height, width, 4), 255, np.uint8)
    logo[..., :2], logo[..., 3] = np.where(alpha > 20, 60, 255)[..., np.newaxis], alpha
    return logo


def _mix(logo: Array, frame: Frame, swapped: bool = False) -> Array:
    """The logo over the frame; swapped: with their alphas exchanged."""
    alpha = logo[..., 3:].astype(np.float64) / 255
    return np.abs(swapped - alpha) * logo[..., :3] + np.abs(1 - swapped - alpha) * frame


def _explain_logo(output: Frame, frame: Frame, logo: Array) -> None:
    colours, alpha = logo[..., :3].astype(np.float64), logo[..., 3:] / 255
    if np.abs(output.astype(float) - frame).max() <= 1:
        raise CheckFailed("the frame is unchanged", "Where alpha is 255, the logo should be visible.")
    if np.abs(output - colours).max() <= 1:
        raise CheckFailed("only the logo is visible, nothing of the frame", "Its fourth channel says how opaque it is.")
    if np.abs(output - _mix(logo, frame, swapped=True)).max() <= 2:
        raise CheckFailed("frame and logo are exchanged", "Which of the two should show where alpha is 255?")
    for new, observed, hint in (
        (colours * alpha, "around the logo the frame has vanished", "There the background is the frame, not black."),
        (frame * (1 - alpha), "the frame is darker, and no logo is there", "Add the logo's part: alpha · logo."),
        ((frame + colours) / 2, "frame and logo count half each, everywhere", "Its fourth channel says how much."),
        (np.minimum(frame + colours, 255), "frame and logo are added", "Both have to be weighted first."),
        (_mix(logo[..., [2, 1, 0, 3]], frame), "red and blue of the logo are swapped", "It is RGB already."),
    ):
        if np.abs(output - new).max() <= 2:
            raise CheckFailed(observed, hint)
    hard = (np.where(alpha > level, colours, frame) for level in (0, 0.25, 0.499, 0.5, 0.99))
    if any(np.abs(output - wrong).max() <= 1 for wrong in hard):
        raise CheckFailed("the logo has a hard edge", "A pixel with half the full alpha should show half of each.")
    raise CheckFailed(
        f"the output is wrong by up to {np.abs(output - _mix(logo, frame)).max():.0f} levels",
        "Alpha ranges from 0 to 255. What is the range of a mask? (Where alpha is 0, the frame shows.)",
    )


@exercise("Moving", "05_substitute")
def check_moving(Moving: Submission) -> str:
    """``Moving(backgrounds)`` is an effect: each call shows the next background, after the last the first again."""
    sizes, colours = ((90, 160), (150, 150), (64, 48)), ((200, 40, 40), (40, 160, 40), (40, 60, 200))
    backgrounds = [np.full((*size, 3), colour, np.uint8) for size, colour in zip(sizes, colours, strict=True)]
    for name in ("astronaut", "hopper"):
        frame, mask = sample_frame(name)[::4, ::4], sample_mask(name)[::4, ::4]
        effect = _make_effect(Moving, backgrounds)
        _require_order([_shown_background(effect, number, frame, mask, colours) for number in range(7)])
    _require_own_counter(Moving, backgrounds)
    return (
        "seven calls on frames of two sizes: it starts again after the last one, and every effect has its own counter"
    )


def _make_effect(Moving: Submission, backgrounds: list[Frame]) -> Submission:
    effect = Moving(list(backgrounds))
    if not callable(effect):
        raise CheckFailed(
            "Moving(backgrounds) cannot be called", "An effect is called as effect(frame, mask). Is there a __call__?"
        )
    return Submission(effect, "Moving")


def _shown_background(effect: Submission, number: int, frame: Frame, mask: Array, colours: tuple[Any, ...]) -> int:
    """The number of the background that the output of a call shows."""
    try:
        output = effect(frame, mask)
    except CheckFailed as failure:
        if number >= 3:
            hint = "After the last background comes the first one again. What is the remainder of a division?"
            raise CheckFailed(f"call {number + 1}: {failure.observed}", hint) from None
        raise
    output = as_image(output, frame.shape, "Moving")
    if np.abs(output.astype(float) - frame)[mask == 1].mean() > 1:
        raise CheckFailed("the person is not visible", "Where the mask is 1, the output is the frame.")
    errors = [np.abs(output[mask == 0].astype(float) - colour).mean() for colour in colours]
    if min(errors) > 2:
        raise CheckFailed(f"call {number + 1} shows none of the backgrounds where the mask is 0", "Show the output.")
    return int(np.argmin(errors))


def _require_order(shown: list[int]) -> None:
    if shown == [0, 1, 2, 0, 1, 2, 0]:
        return
    observed = f"seven calls show the backgrounds {', '.join(str(number) for number in shown)}"
    if len(set(shown)) == 1:
        raise CheckFailed(observed, "Always the same one. What must be remembered from one call to the next?")
    if shown[0] != 0:
        raise CheckFailed(observed, "The first call should show number 0. When do you increase your counter?")
    if shown[3:] == [2] * 4:
        raise CheckFailed(observed, "It stays at the last one. After it, the first one should come again.")
    raise CheckFailed(observed, "It should show 0, 1, 2, and then start again from 0.")


def _require_own_counter(Moving: Submission, backgrounds: list[Frame]) -> None:
    frame, mask = np.zeros((24, 32, 3), np.uint8), np.zeros((24, 32), np.float32)
    first, second = _make_effect(Moving, backgrounds), _make_effect(Moving, backgrounds)
    first(frame, mask)
    if not np.array_equal(second(frame, mask)[0, 0], backgrounds[0][0, 0]):
        raise CheckFailed(
            "a second effect continues where the first one stopped",
            "Each effect needs its own counter. Where do you keep it?",
        )
