"""The exercises of ``04_blur.ipynb``: no halo, an unrecognisable person, a blur that grows with the frame."""

from typing import Any

import cv2
import numpy as np

from seglib.arrays import Frame, Mask
from seglib.composite import blend
from seglib.exercises.checks import CheckFailed, Submission, exercise
from seglib.exercises.outputs import Array, as_image
from seglib.metrics import halo
from seglib.samples import sample_frame, sample_mask


def background_mean(frame: Frame, mask: Mask, sigma: float) -> Array:
    """Return the Gaussian-weighted mean of the background pixels near each pixel, (H, W, 3) float64.

    It is computed without OpenCV, along columns, then rows. The frame is mirrored beyond its border.
    """
    radius = int(4 * sigma) + 1
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    weight = (mask == 0).astype(np.float64)[..., np.newaxis]
    total, total_weight = (_convolve(planes, kernel) for planes in (frame * weight, weight))
    return total / np.maximum(total_weight, 1e-12)


def _convolve(planes: Array, kernel: Array) -> Array:
    radius = len(kernel) // 2
    for axis in (0, 1):
        width = [(radius, radius) if number == axis else (0, 0) for number in range(planes.ndim)]
        padded = np.moveaxis(np.pad(planes, width, mode="reflect"), axis, -1)
        windows = np.lib.stride_tricks.sliding_window_view(padded, len(kernel), axis=-1)
        planes = np.moveaxis(windows @ kernel, -1, axis)
    return planes


@exercise("no_halo", "04_blur")
def check_no_halo(no_halo: Submission) -> str:
    """``no_halo(frame, mask, sigma)`` blurs the background, and none of the person's colour leaks into it."""
    rows, columns = np.mgrid[:72, :96]
    wall = np.stack([60 + 2 * rows, 90 + columns, 180 - rows - columns / 2], axis=-1).astype(np.uint8)
    wall[::8, ::8] = 255  # spots, so that a blur changes it
    disc = (np.hypot(rows - 36, columns - 48) <= 18).astype(np.float32)
    half = (columns < 40).astype(np.float32)
    for mask, sigma, colour in ((disc, 4.0, (220, 30, 30)), (half, 6.0, (0, 0, 0)), (disc * 0, 3.0, (9, 9, 9))):
        frame = blend(np.full_like(wall, colour), mask, wall)
        layer = as_image(no_halo(frame, mask, sigma), frame.shape, "no_halo")
        _require_no_leak(layer, frame, mask, sigma)
    return "a bright person, a dark one and an empty room: nothing leaks, and the blur is as strong as asked"


def _require_no_leak(layer: Frame, frame: Frame, mask: Mask, sigma: float) -> None:
    outside = mask == 0
    expected = background_mean(frame, mask, sigma)
    error = np.abs(layer - expected)[outside]
    if error.mean() < 1.5 and error.max() < 12:
        return
    if np.abs(layer.astype(float) - frame)[outside].mean() < 0.01:
        raise CheckFailed("outside the mask nothing is blurred", "Blur the background with the sigma that is given.")
    if not mask.any():
        raise CheckFailed(
            f"the frame is all background, and the blur is wrong by {error.mean():.0f} levels",
            "With a weight of 1 everywhere this should be a plain Gaussian blur. Is sigma used unchanged?",
        )
    leak = halo(layer, np.rint(expected).clip(0, 255).astype(np.uint8), mask)
    _explain_leak(layer, frame, mask, sigma, f"beside the mask, the wall is wrong by {leak:.0f} levels of 255")


def _explain_leak(layer: Frame, frame: Frame, mask: Mask, sigma: float, observed: str) -> None:
    distance = cv2.distanceTransform((mask == 0).astype(np.uint8), cv2.DIST_L2, 5)
    beside = (distance > 0) & (distance <= sigma)

    def equals(wrong: Array) -> bool:
        return bool(np.abs(layer - wrong)[beside].mean() < 2)

    plain = cv2.GaussianBlur(frame.astype(np.float64), (0, 0), sigma)
    weight = (1 - mask.astype(np.float64))[..., np.newaxis]
    not_normalised = cv2.GaussianBlur(frame * weight, (0, 0), sigma)
    if equals(plain) or equals(blend(frame, mask, np.rint(plain).astype(np.uint8))):
        raise CheckFailed(
            f"{observed}: it contains the person's colour", "Which pixels enter this mean, and which should?"
        )
    if equals(not_normalised):
        raise CheckFailed(
            f"{observed}: a dark halo",
            "The person's pixels are 0 now, but still counted. By what should the sum be divided?",
        )
    if equals(background_mean(frame, 1 - mask, sigma)):
        raise CheckFailed(f"{observed}: it is a mean of the person", "A weight of 1 lets a pixel enter the mean.")
    if np.ptp(layer[mask == 0].astype(int), axis=0).max() > 250 and np.abs(layer - plain)[mask == 0].mean() > 40:
        raise CheckFailed(
            f"{observed}, with jumps from black to white",
            "Values above 255 and NaN look like that. What is divided by 0, and what needs clipping?",
        )
    raise CheckFailed(
        observed, "Print the results of the two blurs beside the mask. What is their quotient? Is sigma used unchanged?"
    )


@exercise("blur_person", "04_blur")
def check_blur_person(blur_person: Submission) -> str:
    """``blur_person(frame, mask)`` blurs the person and leaves the background as it is."""
    for name in ("astronaut", "hopper"):
        frame, mask = sample_frame(name)[::2, ::2], sample_mask(name)[::2, ::2]
        output = as_image(blur_person(frame, mask), frame.shape, "blur_person")
        inside = cv2.erode(mask, np.ones((9, 9), np.uint8)) == 1
        changed = np.abs(output.astype(float) - frame)[mask == 0].mean()
        detail = _detail(output, inside) / _detail(frame, inside)
        _require_blurred_person(float(changed), detail, float(output[inside].std()))
        if np.abs(output[inside].mean(axis=0) - frame[inside].mean(axis=0)).max() >= 25:
            raise CheckFailed("where the person was are other colours", "The person should be blurred, not replaced.")
    return "two people whom nobody would recognise, each before a sharp background"


def _require_blurred_person(changed: float, detail: float, spread: float) -> None:
    """Judge how much the background changed, and how much detail and contrast the person has left."""
    if changed < 0.5 and detail < 0.12 and spread > 3:
        return
    if changed >= 0.5 and detail > 0.9:
        raise CheckFailed(
            "the background is blurred, and the person is sharp",
            "A mask of 1 means keep sharp. What should stay sharp in this exercise?",
        )
    if changed >= 0.5:
        raise CheckFailed(
            f"the background has changed, too, by {changed:.0f} levels on average",
            "The output may differ from the frame only where the mask is above 0.",
        )
    if spread <= 3:
        raise CheckFailed("the person has become one plain colour", "That hides them, but a blur keeps some structure.")
    raise CheckFailed(
        f"the person has {detail:.0%} of their detail left",
        "Everybody would recognise them. Are they blurred, and strongly enough?",
    )


def _detail(image: Frame, where: Array) -> float:
    """How much an image changes from pixel to pixel, which a blur reduces."""
    laplacian: Any = cv2.Laplacian(image, cv2.CV_32F)
    return float(np.abs(laplacian)[where].mean())


@exercise("blur_more", "04_blur")
def check_blur_more(blur_more: Submission) -> str:
    """``blur_more(frame)`` blurs a whole frame twice as strongly as the article, at every size alike."""
    sigmas = {}
    for height, width in ((480, 640), (240, 320), (1080, 300)):
        frame = np.full((height, width, 3), 40, np.uint8)
        frame[:, width // 2 :] = 210  # one straight edge
        output = as_image(blur_more(frame), frame.shape, "blur_more")
        sigmas[height] = measured_sigma(output)
    _require_sigmas(sigmas)
    return f"measured at an edge: sigma {', '.join(f'{s:.0f} px at {h} rows' for h, s in sigmas.items())}"


def measured_sigma(output: Frame) -> float:
    """Return the sigma of the Gaussian that has blurred a vertical edge, in pixels.

    The blurred edge is the Gaussian's integral, so its steps are distributed like the Gaussian.
    """
    steps = np.abs(np.diff(output[output.shape[0] // 2, :, 0].astype(np.float64)))
    if not steps.any():
        return 0.0
    position = np.arange(len(steps))
    return float(np.sqrt(np.average((position - np.average(position, weights=steps)) ** 2, weights=steps)))


def _require_sigmas(sigmas: dict[int, float]) -> None:
    def is_near(height: int, expected: float) -> bool:
        return abs(sigmas[height] - expected) <= 0.12 * expected

    if all(is_near(height, height / 30) for height in sigmas):
        return
    observed = "measured at an edge: " + ", ".join(f"sigma {s:.1f} px at {rows} rows" for rows, s in sigmas.items())
    if max(sigmas.values()) < 0.5:
        raise CheckFailed("the edge is as sharp as before, at every size", "Do you return the blurred image?")
    if all(is_near(height, height / 60) for height in sigmas):
        raise CheckFailed(observed, "It grows with the frame, as it should, but it is only as strong as the article's.")
    if is_near(480, 8):
        raise CheckFailed(observed, "At 480 rows this is the article's own blur. It should be twice that.")
    if is_near(480, 16) and is_near(240, 8):
        raise CheckFailed(
            observed, "Two of three are right. The third frame is upright: which side of a frame do you use?"
        )
    if is_near(480, 16):
        raise CheckFailed(observed, "Right at 480 rows. A larger frame needs a larger sigma: what should it depend on?")
    raise CheckFailed(observed, "How large should sigma be at 480 rows, and how large at 960?")
