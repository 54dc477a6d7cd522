"""seglib.blur: the Gaussian against scipy's and OpenCV's, and the halo that must not be there."""

from __future__ import annotations

import pickle

import cv2
import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import seglib
from seglib import Blur, blur_background, default_sigma, kernel_sigma

GREY, RED = (128, 128, 128), (255, 0, 0)


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def empty(frame: np.ndarray) -> np.ndarray:
    return np.zeros(frame.shape[:2], np.float32)


def scipys(image: np.ndarray, sigma: float) -> np.ndarray:
    sigmas = (sigma, sigma, 0)[: image.ndim]
    return scipy.ndimage.gaussian_filter(image.astype(np.float64), sigmas, truncate=4, mode="mirror")


def naive(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The article's way: blur everything, paste what the mask keeps."""
    return mask[..., None] * frame + (1 - mask[..., None]) * cv2.GaussianBlur(frame, (51, 51), 0)


def psnr(image: np.ndarray, expected: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB; usual JPEGs reach 40."""
    return float(20 * np.log10(255 / np.sqrt(np.mean((image - expected) ** 2))))


# ---- the blur itself ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [0.5, 1, 3.7, 8, 40])
def test_without_a_person_it_is_scipys_gaussian(sigma: float) -> None:
    frame = noise(120, 161)
    # Half a level for rounding. A wide blur is computed on a smaller image, and noise is the hardest case for that.
    limit = 0.75 if sigma < 4 else 2.5
    assert np.abs(blur_background(frame, empty(frame), sigma) - scipys(frame, sigma)).max() < limit


@pytest.mark.parametrize("name", ["astronaut", "collage"])
def test_at_480_rows_the_default_is_the_articles_blur(name: str) -> None:
    frame = seglib.sample_frame(name)
    output = blur_background(frame, empty(frame))
    expected = cv2.GaussianBlur(frame.astype(np.float32), (51, 51), 0)
    assert psnr(output, expected) > 55
    assert np.abs(output - expected).max() < 3
    np.testing.assert_array_equal(output, blur_background(frame, empty(frame), kernel=51))


def test_an_endless_blur_gives_the_mean_colour() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    mean = scipy.ndimage.gaussian_filter(frame.astype(float), (200, 200, 0), mode="mirror")
    assert np.abs(blur_background(frame, empty(frame), 1e9) - mean).max() < 2.5


@pytest.mark.parametrize("sigma", [5, 8, 12, 30])
def test_beside_a_person_it_is_scipys_normalised_convolution(sigma: float) -> None:
    """The weights are powers of the dilated mask; the choice shows only at the edge."""
    frame, mask = seglib.sample_frame(), seglib.sample_mask()
    weight = np.maximum(1 - cv2.dilate(mask, np.ones((3, 3))), 1e-3).astype(np.float64) ** 8
    mean = scipys(frame * weight[..., None], sigma) / scipys(weight, sigma)[..., None]
    expected = mask[..., None] * frame + (1 - mask[..., None]) * mean
    assert psnr(blur_background(frame, mask, sigma), expected) > 45


@pytest.mark.parametrize("kernel", [21, 51, 151])  # up to 9, OpenCV has tables of its own
def test_kernel_sigma_is_opencvs(kernel: int) -> None:
    ours = cv2.getGaussianKernel(kernel, kernel_sigma(kernel))
    np.testing.assert_allclose(cv2.getGaussianKernel(kernel, -1), ours, rtol=1e-6)


def test_the_default_grows_with_the_frame() -> None:
    """Seen as a whole, 720 rows are blurred as strongly as 240."""
    assert default_sigma(480) == pytest.approx(kernel_sigma(51))
    small = cv2.resize(seglib.sample_frame(), (320, 240), interpolation=cv2.INTER_AREA)
    large = cv2.resize(small, (960, 720), interpolation=cv2.INTER_CUBIC)
    reduced = cv2.resize(blur_background(large, empty(large)), (320, 240), interpolation=cv2.INTER_AREA)
    assert np.abs(reduced.astype(int) - blur_background(small, empty(small))).mean() < 0.5


# ---- no halo -----------------------------------------------------------------------------------------------


def disc(radius: float) -> np.ndarray:
    """A disc in (240, 320), its edge antialiased over one pixel."""
    y, x = np.mgrid[:240, :320]
    return np.clip(radius + 0.5 - np.hypot(x - 160.3, y - 120.6), 0, 1).astype(np.float32)


def hard(coverage: np.ndarray) -> np.ndarray:
    return (coverage >= 0.5).astype(np.float32)


def red_on_grey(coverage: np.ndarray) -> np.ndarray:
    alpha = coverage[..., None]
    return np.rint(alpha * np.float32(RED) + (1 - alpha) * np.float32(GREY)).astype(np.uint8)


MASKS = {
    "hard": hard,
    "bool": lambda coverage: coverage >= 0.5,
    "antialiased": lambda coverage: coverage,
    "feathered": lambda coverage: seglib.feather(hard(coverage), 8),
    "4 pixels too large": lambda coverage: cv2.dilate(coverage, np.ones((9, 9), np.uint8)),
}


@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize("radius", [10, 60, 100])
def test_a_red_disc_on_grey_leaks_less_than_one_level(kind: str, radius: float) -> None:
    coverage = disc(radius)
    frame, mask = red_on_grey(coverage), MASKS[kind](coverage)
    output = blur_background(frame, mask).astype(np.float64)
    assert np.abs(output - GREY)[coverage == 0].max() < 1
    alpha = mask.astype(np.float64)[..., None]  # where the mask is soft: a mix of the frame and the wall
    assert np.abs(output - (alpha * frame + (1 - alpha) * np.float64(GREY))).max() < 1.5
    if radius == 60:
        assert np.abs(naive(frame, mask) - GREY)[coverage == 0].max() > 10


def test_a_mask_that_is_one_pixel_too_small_does_not_bring_the_halo_back() -> None:
    coverage = hard(disc(60))
    mask = cv2.erode(coverage, np.ones((3, 3), np.uint8))
    output = blur_background(red_on_grey(coverage), mask)
    assert np.abs(output.astype(int) - GREY)[coverage == 0].max() < 1


def test_the_background_does_not_depend_on_the_persons_colour() -> None:
    frame, mask = seglib.sample_frame(), seglib.sample_mask()
    people = [seglib.replace_background(frame, 1 - mask, colour) for colour in ("lime", "magenta")]
    ours, theirs = ([blur(person, mask)[mask == 0].astype(int) for person in people] for blur in (Blur(), naive))
    assert np.abs(ours[0] - ours[1]).max() <= 1
    assert np.abs(theirs[0] - theirs[1]).max() > 50


# ---- where the mask is 1, or uncertain ---------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64, bool])
def test_what_the_mask_keeps_is_the_frame(dtype: type) -> None:
    frame = noise(60, 80)
    for first in (0, 40):
        mask = np.zeros((60, 80), dtype)
        mask[:, first:] = 1
        output = blur_background(frame, mask)
        np.testing.assert_array_equal(output[:, first:], frame[:, first:])
        assert not np.array_equal(output[:, :first], frame[:, :first]) or first == 0


@pytest.mark.parametrize("value", [0.3, 0.9, 0.999, 0.9999])
def test_an_uncertain_mask_mixes_and_does_not_darken(value: float) -> None:
    frame = seglib.sample_frame()
    output = blur_background(frame, np.full(frame.shape[:2], value, np.float32))
    assert psnr(output, value * frame + (1 - value) * scipys(frame, 8)) > 55


@pytest.mark.parametrize("width", [1, 2, 5])
@pytest.mark.parametrize("value", [0.0, 0.5])
def test_a_narrow_gap_far_from_all_background_is_not_black(width: int, value: float) -> None:
    frame, mask = np.full((120, 160, 3), 200, np.uint8), np.ones((120, 160), np.float32)
    mask[60 : 60 + width, 40:120] = value
    assert blur_background(frame, mask, 2).min() >= 199


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(np.float32, st.tuples(*[st.integers(1, 12)] * 2), elements=st.sampled_from([0, 0.4, 0.99, 1])),
    st.sampled_from([0.3, 1.0, 5.0, 50.0]),
    st.integers(0, 255),
)
def test_a_frame_of_one_colour_stays_as_it_is(mask: np.ndarray, sigma: float, level: int) -> None:
    frame, before = np.full((*mask.shape, 3), level, np.uint8), mask.copy()
    output = blur_background(frame, mask, sigma)
    assert np.abs(output.astype(int) - level).max() <= 1
    assert (output.shape, output.dtype) == (frame.shape, np.uint8)
    assert not np.shares_memory(output, frame)
    np.testing.assert_array_equal(mask, before)
    assert (frame == level).all()


@settings(max_examples=30, deadline=None)
@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3))))
def test_no_frame_is_too_small(frame: np.ndarray) -> None:
    assert np.abs(blur_background(frame, empty(frame)) - scipys(frame, len(frame) / 60)).max() <= 1.01


# ---- wrong input, and the effect ---------------------------------------------------------------------------

SMALL = noise(12, 16)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        *(({"sigma": value}, f"sigma is {value}") for value in (0, -1, float("nan"), float("inf"))),
        ({"kernel": 50}, "kernel is 50.*51"),
        ({"kernel": 0}, "kernel is 0.*1"),
        ({"kernel": -3}, "kernel is -3"),
        ({"sigma": 8, "kernel": 51}, "one of them"),
    ],
)
def test_a_wrong_strength_is_refused_before_the_first_frame(options: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        blur_background(SMALL, empty(SMALL), **options)
    with pytest.raises(ValueError, match=words):
        Blur(**options)


@pytest.mark.parametrize(
    ("frame", "mask", "words"),
    [
        (SMALL, empty(SMALL) * np.nan, "NaN"),
        (SMALL, empty(SMALL) + 1.5, "1.5"),
        (SMALL, np.zeros((16, 12)), r"\(16, 12\).*\(12, 16\)"),
        (SMALL, np.full((12, 16), 15, np.uint8), "uint8"),
        (SMALL[..., 0], empty(SMALL), r"frame is \(12, 16\)"),
        (SMALL / 255, empty(SMALL), "frame is float64"),
    ],
)
def test_wrong_frames_and_masks_are_refused(frame: np.ndarray, mask: np.ndarray, words: str) -> None:
    for blur in (blur_background, Blur()):
        with pytest.raises(ValueError, match=words):
            blur(frame, mask)


@pytest.mark.parametrize("options", [{}, {"sigma": 3.0}, {"kernel": 21}])
def test_the_effect_is_the_function_and_can_be_pickled(options: dict[str, float]) -> None:
    frame, mask = noise(60, 80), np.zeros((60, 80), np.float32)
    mask[20:40, 30:50] = 1
    effect = Blur(**options)
    copy = pickle.loads(pickle.dumps(effect))
    assert copy == effect != Blur(sigma=99)
    for blur in (effect, copy):
        np.testing.assert_array_equal(blur(frame, mask), blur_background(frame, mask, **options))
