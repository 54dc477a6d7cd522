"""The exercises of 04_blur.ipynb: no halo, a person who is not to be recognised, a blur that grows with the frame."""

import cv2
import numpy as np

from seglib.arrays import Frame, Mask
from seglib.composite import blend
from seglib.exercises.marking import Answer, NotYet, exercise
from seglib.exercises.results import Array, as_picture
from seglib.metrics import halo
from seglib.samples import sample_frame, sample_mask


def background_mean(frame: Frame, mask: Mask, sigma: float) -> Array:
    """The mean of the background pixels near each pixel, weighted by a Gaussian: (H, W, 3) float64.

    Worked out with a kernel of our own along rows, then columns. The frame goes on beyond its border as a mirror image.
    """
    reach = int(4 * sigma) + 1
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weight = (mask == 0).astype(np.float64)[..., np.newaxis]
    total, voices = (_along_both(plane, kernel) for plane in (frame * weight, weight))
    return total / np.maximum(voices, 1e-12)


def _along_both(planes: Array, kernel: Array) -> Array:
    reach = len(kernel) // 2
    for axis in (0, 1):
        width = [(reach, reach) if number == axis else (0, 0) for number in range(planes.ndim)]
        padded = np.moveaxis(np.pad(planes, width, mode="reflect"), axis, -1)
        windows = np.lib.stride_tricks.sliding_window_view(padded, len(kernel), axis=-1)
        planes = np.moveaxis(windows @ kernel, -1, axis)
    return planes


@exercise("no_halo", "04_blur")
def check_no_halo(no_halo: Answer) -> str:
    """``no_halo(frame, mask, sigma)`` blurs the background so that outside the mask no colour of the person is left."""
    rows, columns = np.mgrid[:72, :96]
    wall = np.stack([60 + 2 * rows, 90 + columns, 180 - rows - columns / 2], axis=-1).astype(np.uint8)
    wall[::8, ::8] = 255  # spots, so that a blur can be told from none
    disc = (np.hypot(rows - 36, columns - 48) <= 18).astype(np.float32)
    half = (columns < 40).astype(np.float32)
    for mask, sigma, colour in ((disc, 4.0, (220, 30, 30)), (half, 6.0, (0, 0, 0)), (disc * 0, 3.0, (9, 9, 9))):
        frame = blend(np.full_like(wall, colour), mask, wall)
        layer = as_picture(no_halo(frame, mask, sigma), frame.shape, "no_halo")
        _need_no_leak(layer, frame, mask, sigma)
    return "a bright person, a dark one and an empty room: nothing leaks, and the room is blurred as asked"


def _need_no_leak(layer: Frame, frame: Frame, mask: Mask, sigma: float) -> None:
    outside = mask == 0
    true = background_mean(frame, mask, sigma)
    gap = np.abs(layer - true)[outside]
    if gap.mean() < 1.5 and gap.max() < 12:
        return
    far = np.abs(layer.astype(float) - frame)[outside].mean()
    if far < 0.01:
        raise NotYet("outside the mask nothing is blurred", "The room should be blurred, with the sigma that is given.")
    if not mask.any():
        raise NotYet(
            f"nobody is in the frame, and the blur is {gap.mean():.0f} levels off",
            "With a weight of 1 everywhere it should be a plain Gaussian blur. Is sigma used as it is given?",
        )
    leak = halo(layer, np.rint(true).clip(0, 255).astype(np.uint8), mask)
    _explain_leak(layer, frame, mask, sigma, f"beside the mask, the wall is off by {leak:.0f} levels of 255")


def _explain_leak(layer: Frame, frame: Frame, mask: Mask, sigma: float, seen: str) -> None:
    distance = cv2.distanceTransform((mask == 0).astype(np.uint8), cv2.DIST_L2, 5)
    beside = (distance > 0) & (distance <= sigma)

    def is_like(wrong: Array) -> bool:
        return bool(np.abs(layer - wrong)[beside].mean() < 2)

    plain = cv2.GaussianBlur(frame.astype(np.float64), (0, 0), sigma)
    weight = (1 - mask.astype(np.float64))[..., np.newaxis]
    silenced = cv2.GaussianBlur(frame * weight, (0, 0), sigma)
    if is_like(plain) or is_like(blend(frame, mask, np.rint(plain).astype(np.uint8))):
        raise NotYet(f"{seen}: the person's colour is in it", "Who has a voice in this mean, and who should have one?")
    if is_like(silenced):
        raise NotYet(f"{seen}: a dark halo", "The person is silent now, but still counted. How many really spoke?")
    if is_like(background_mean(frame, 1 - mask, sigma)):
        raise NotYet(f"{seen}: it is the person who speaks", "The weight is 1 where a pixel may speak. Who is that?")
    if np.ptp(layer[mask == 0].astype(int), axis=0).max() > 250 and np.abs(layer - plain)[mask == 0].mean() > 40:
        raise NotYet(
            f"{seen}, with jumps from black to white",
            "Numbers beyond 255 or no numbers at all end up like that. What is divided by 0, and what is clipped?",
        )
    raise NotYet(
        seen,
        "Print what the two blurs give beside the mask. What is their quotient? Is sigma used as it is?",
    )


@exercise("blur_person", "04_blur")
def check_blur_person(blur_person: Answer) -> str:
    """``blur_person(frame, mask)`` blurs the person and leaves the room as it is."""
    for name in ("astronaut", "hopper"):
        frame, mask = sample_frame(name)[::2, ::2], sample_mask(name)[::2, ::2]
        output = as_picture(blur_person(frame, mask), frame.shape, "blur_person")
        room, inside = mask == 0, cv2.erode(mask, np.ones((9, 9), np.uint8)) == 1
        changed = np.abs(output.astype(float) - frame)[room].mean()
        sharpness = _detail(output, inside) / _detail(frame, inside)
        _need_blurred_person(changed, sharpness, float(output[inside].std()))
        if not _wears(output, frame, inside):
            raise NotYet("where the person was, other colours stand", "Blurred, but still in her own colours.")
    return "an astronaut and an admiral nobody would know again, each in a sharp room"


def _need_blurred_person(changed: float, sharpness: float, spread: float) -> None:
    if changed < 0.5 and sharpness < 0.5 and spread > 3:
        return
    if changed >= 0.5 and sharpness > 0.9:
        raise NotYet("the room is blurred, and the person is sharp", "1 means keep sharp. What is to be kept here?")
    if changed >= 0.5:
        raise NotYet(
            f"the room has changed, too, by {changed:.0f} levels on average", "Only where the mask is 1 may it change."
        )
    if spread <= 3:
        raise NotYet("the person is one plain colour", "That hides her, but it is no blur. The equation needs a layer.")
    raise NotYet(
        f"the person has {sharpness:.0%} of her details left", "Everybody would know her. Is she blurred at all?"
    )


def _detail(picture: Frame, where: Array) -> float:
    """How much a picture changes from pixel to pixel: what a blur takes away."""
    return float(np.abs(cv2.Laplacian(picture, cv2.CV_32F))[where].mean())


def _wears(output: Frame, frame: Frame, where: Array) -> bool:
    """Whether the person's mean colour is still her own."""
    return bool(np.abs(output[where].mean(axis=0) - frame[where].mean(axis=0)).max() < 25)


@exercise("blur_more", "04_blur")
def check_blur_more(blur_more: Answer) -> str:
    """``blur_more(frame)`` blurs a whole frame twice as strongly as the article, on every size alike."""
    sigmas = {}
    for height, width in ((480, 640), (240, 320), (1080, 300)):
        frame = np.full((height, width, 3), 40, np.uint8)
        frame[:, width // 2 :] = 210  # one straight edge
        output = as_picture(blur_more(frame), frame.shape, "blur_more")
        sigmas[height] = _measured_sigma(output)
    _need_sigmas(sigmas)
    return f"measured at an edge: sigma {', '.join(f'{s:.0f} px at {h} rows' for h, s in sigmas.items())}"


def _measured_sigma(output: Frame) -> float:
    """The width of an edge after a Gaussian blur: the standard deviation of where its steps lie, in pixels."""
    steps = np.abs(np.diff(output[output.shape[0] // 2, :, 0].astype(np.float64)))
    place = np.arange(len(steps))
    middle = np.average(place, weights=steps) if steps.any() else 0.0
    return float(np.sqrt(np.average((place - middle) ** 2, weights=steps))) if steps.any() else 0.0


def _need_sigmas(sigmas: dict[int, float]) -> None:
    def near(height: int, wanted: float) -> bool:
        return abs(sigmas[height] - wanted) <= 0.12 * wanted

    if all(near(height, height / 30) for height in sigmas):
        return
    seen = "measured at an edge: " + ", ".join(f"sigma {sigma:.1f} px at {rows} rows" for rows, sigma in sigmas.items())
    if max(sigmas.values()) < 0.5:
        raise NotYet("the edge is as sharp as before, at every size", "Is the blurred picture the one you return?")
    if all(near(height, height / 60) for height in sigmas):
        raise NotYet(
            seen, "It grows with the frame, well done. But this is the article's strength. Twice is asked for."
        )
    if near(480, 8):
        raise NotYet(seen, "At 480 rows that is the article's own blur. Twice as strong is asked for, on all sizes.")
    if near(480, 16) and near(240, 8):
        raise NotYet(seen, "Right for two of the three. The third is upright: which side of a frame do you take?")
    if near(480, 16):
        raise NotYet(seen, "Right at 480 rows. A larger frame needs a larger sigma: what does yours depend on?")
    raise NotYet(seen, "How large should sigma be at 480 rows, and how at 960?")
