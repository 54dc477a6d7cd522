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
from numpy.typing import NDArray

import seglib
from seglib import Blur, blur_background, default_sigma, kernel_sigma
from seglib.blur import _background_weight

GREY, RED = (128, 128, 128), (255, 0, 0)


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def article(frame: NDArray[np.uint8], mask: NDArray[np.float32]) -> NDArray[np.float64]:
    """The naive way: blur everything with the article's kernel, paste what the mask keeps."""
    return mask[..., None] * frame + (1 - mask[..., None]) * cv2.GaussianBlur(frame, (51, 51), 0)


def looks_like(ours: NDArray[np.generic], exact: NDArray[np.generic]) -> None:
    """A wide blur is made of a small picture: no eye sees the difference. Usual JPEGs reach 40 dB."""
    difference = np.abs(np.asarray(ours, np.float64) - exact)
    assert 20 * np.log10(255 / np.sqrt(np.mean(difference**2))) > 55
    assert difference.max() < 3


# ---- the blur itself ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [0.5, 1, 3.7, 8, 40])
def test_without_a_person_it_is_scipys_gaussian(sigma: float) -> None:
    frame = noise(120, 161)
    options = {"sigma": (sigma, sigma, 0), "truncate": 4, "mode": "mirror"}
    expected = scipy.ndimage.gaussian_filter(frame.astype(np.float64), **options)
    # Half a level for rounding. A wide blur is made of a small picture, and noise is the hardest there is for that.
    limit = 0.75 if sigma < 4 else 2.5
    assert np.abs(blur_background(frame, np.zeros((120, 161), np.float32), sigma) - expected).max() < limit


@pytest.mark.parametrize("name", ["astronaut", "collage"])
def test_without_a_person_kernel_51_is_the_articles_blur(name: str) -> None:
    frame = seglib.sample_frame(name)
    empty = np.zeros(frame.shape[:2], np.float32)
    ours = blur_background(frame, empty, kernel=51).astype(int)
    looks_like(ours, cv2.GaussianBlur(frame.astype(np.float32), (51, 51), 0))
    np.testing.assert_array_equal(ours, blur_background(frame, empty), "at 480 rows it is the default")


@pytest.mark.parametrize("sigma", [5, 8, 12, 30])
def test_beside_a_person_the_small_picture_is_as_good(sigma: float) -> None:
    frame, mask = seglib.sample_frame(), seglib.sample_mask()
    weight = _background_weight(mask).astype(np.float64)
    total, share = (
        scipy.ndimage.gaussian_filter(x, (sigma, sigma, 0)[: x.ndim], mode="mirror")
        for x in (frame * weight[..., None], weight)
    )
    expected = mask[..., None] * frame + (1 - mask[..., None]) * total / share[..., None]
    difference = blur_background(frame, mask, sigma) - expected
    assert 20 * np.log10(255 / np.sqrt(np.mean(difference**2))) > 45


@pytest.mark.parametrize("kernel", [21, 51, 99, 151])  # up to 9, OpenCV has tables of its own
def test_kernel_and_sigma_are_converted_as_opencv_does(kernel: int) -> None:
    ours = cv2.getGaussianKernel(kernel, kernel_sigma(kernel))
    np.testing.assert_allclose(cv2.getGaussianKernel(kernel, -1), ours, rtol=1e-6)
    frame, mask = noise(90, 120), np.zeros((90, 120), np.float32)
    np.testing.assert_array_equal(
        blur_background(frame, mask, kernel=kernel), blur_background(frame, mask, kernel_sigma(kernel))
    )


def test_the_default_grows_with_the_frame() -> None:
    """720 rows are blurred as strongly, seen as a whole, as 240: with the article's kernel they are not."""
    assert default_sigma(480) == pytest.approx(kernel_sigma(51)) == pytest.approx(8)
    small = cv2.resize(seglib.sample_frame(), (320, 240), interpolation=cv2.INTER_AREA)
    large = cv2.resize(small, (960, 720), interpolation=cv2.INTER_CUBIC)
    views = []
    for frame in (small, large):
        empty = np.zeros(frame.shape[:2], np.float32)
        np.testing.assert_array_equal(blur_background(frame, empty), blur_background(frame, empty, len(frame) / 60))
        blurred = [blur_background(frame, empty), cv2.GaussianBlur(frame, (51, 51), 0)]
        views.append([cv2.resize(picture, (320, 240), interpolation=cv2.INTER_AREA).astype(int) for picture in blurred])
    (ours_small, naive_small), (ours_large, naive_large) = views
    assert np.abs(ours_small - ours_large).mean() < 0.5
    assert np.abs(naive_small - naive_large).mean() > 2


# ---- no halo -----------------------------------------------------------------------------------------------


def disc(radius: float, hard: bool = False) -> NDArray[np.float32]:
    """A disc in a frame of 240 x 320, its edge antialiased over one pixel unless it is hard."""
    y, x = np.mgrid[:240, :320]
    coverage = np.clip(radius + 0.5 - np.hypot(x - 160.3, y - 120.6), 0, 1).astype(np.float32)
    return (coverage >= 0.5).astype(np.float32) if hard else coverage


def red_on_grey(coverage: NDArray[np.float32]) -> NDArray[np.uint8]:
    alpha = coverage[..., None]
    return np.rint(alpha * np.float32(RED) + (1 - alpha) * np.float32(GREY)).astype(np.uint8)


MASKS = {
    "hard": lambda coverage: (coverage >= 0.5).astype(np.float32),
    "bool": lambda coverage: coverage >= 0.5,
    "float64": lambda coverage: coverage.astype(np.float64),
    "antialiased": lambda coverage: coverage,
    "feathered by 2": lambda coverage: seglib.feather((coverage >= 0.5).astype(np.float32), 2),
    "feathered by 8": lambda coverage: seglib.feather((coverage >= 0.5).astype(np.float32), 8),
    "4 pixels too large": lambda coverage: cv2.dilate(coverage, np.ones((9, 9), np.uint8)),
}


@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize("radius", [10, 60, 100])
def test_a_red_disc_on_grey_leaks_less_than_one_level(kind: str, radius: float) -> None:
    coverage = disc(radius)
    frame = red_on_grey(coverage)
    mask = MASKS[kind](coverage)
    output = blur_background(frame, mask).astype(np.float64)
    background = coverage == 0
    assert background.mean() > 0.4
    assert np.abs(output - GREY)[background].max() < 1
    # Also where the mask is soft: nothing but a mix of the frame and the grey wall.
    alpha = mask.astype(np.float64)[..., None]
    assert np.abs(output - (alpha * frame + (1 - alpha) * np.float64(GREY))).max() < 1.5


def test_a_mask_that_is_one_pixel_too_small_does_not_bring_the_halo_back() -> None:
    coverage = (disc(60) >= 0.5).astype(np.float32)
    frame, mask = red_on_grey(coverage), cv2.erode(coverage, np.ones((3, 3), np.uint8))
    assert 300 < (coverage != mask).sum() < 700
    assert np.abs(blur_background(frame, mask).astype(int) - GREY)[coverage == 0].max() < 1


@pytest.mark.parametrize("kind", ["hard", "antialiased", "feathered by 2"])
def test_the_naive_way_leaks_more_than_ten_levels(kind: str) -> None:
    coverage = disc(60)
    output = article(red_on_grey(coverage), MASKS[kind](coverage))
    assert np.abs(output - GREY)[coverage == 0].max() > 10


def test_on_real_pixels_the_background_does_not_depend_on_the_persons_colour() -> None:
    frame, mask = seglib.sample_frame(), seglib.sample_mask()
    people = [seglib.replace_background(frame, 1 - mask, colour) for colour in ("lime", "magenta")]
    background = mask == 0
    ours = [blur_background(picture, mask).astype(int)[background] for picture in people]
    naive = [article(picture, mask)[background] for picture in people]
    assert np.abs(ours[0] - ours[1]).max() <= 1
    assert np.abs(naive[0] - naive[1]).max() > 50


def test_every_background_pixel_is_a_mean_of_background_pixels() -> None:
    frame, mask = noise(60, 80) // 4 + np.uint8(100), np.zeros((60, 80), np.float32)  # 100 to 163
    frame[20:40, 30:50], mask[20:40, 30:50] = 0, 1
    output = blur_background(frame, mask, 3)
    assert output[mask == 0].min() >= 100
    assert output[mask == 0].max() <= 163


# ---- what the mask keeps, and what it is not sure of -------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64, bool])
def test_what_the_mask_keeps_is_the_frame_to_the_last_bit(dtype: type) -> None:
    frame = noise(60, 80)
    np.testing.assert_array_equal(blur_background(frame, np.ones((60, 80), dtype)), frame)
    half = np.zeros((60, 80), dtype)
    half[:, 40:] = 1
    output = blur_background(frame, half)
    np.testing.assert_array_equal(output[:, 40:], frame[:, 40:])
    assert np.abs(output[:, :40].astype(int) - frame[:, :40]).mean() > 20


@pytest.mark.parametrize("value", [0.3, 0.5, 0.9, 0.99, 0.999, 0.9999])
def test_an_uncertain_mask_mixes_and_does_not_darken(value: float) -> None:
    frame = seglib.sample_frame()
    mask = np.full(frame.shape[:2], value, np.float32)
    blurred = scipy.ndimage.gaussian_filter(frame.astype(np.float32), (8, 8, 0), mode="mirror")
    expected = value * frame + (1 - value) * blurred
    looks_like(blur_background(frame, mask), expected)


@pytest.mark.parametrize("width", [1, 2, 3, 5])
@pytest.mark.parametrize("value", [0.0, 0.5])
def test_a_narrow_gap_far_from_all_background_shows_the_frame_not_black(width: int, value: float) -> None:
    frame = np.full((120, 160, 3), 200, np.uint8)
    mask = np.ones((120, 160), np.float32)
    mask[60 : 60 + width, 40:120] = value
    assert blur_background(frame, mask, 2).min() >= 199


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(
        np.float32, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.sampled_from([0, 0.4, 0.99, 1])
    ),
    st.sampled_from([0.3, 1.0, 5.0, 50.0]),
    st.integers(0, 255),
)
def test_a_frame_of_one_colour_stays_as_it_is_whatever_the_mask(
    mask: NDArray[np.float32], sigma: float, level: int
) -> None:
    frame = np.full((*mask.shape, 3), level, np.uint8)
    before = mask.copy()
    output = blur_background(frame, mask, sigma)
    assert np.abs(output.astype(int) - level).max() <= 1
    assert output.shape == frame.shape
    assert output.dtype == np.uint8
    assert not np.shares_memory(output, frame)
    np.testing.assert_array_equal(mask, before)
    assert (frame == level).all()


@settings(max_examples=30, deadline=None)
@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3))))
def test_no_size_of_frame_is_too_small(frame: NDArray[np.uint8]) -> None:
    mask = np.zeros(frame.shape[:2], bool)
    output = blur_background(frame, mask)
    sigma = len(frame) / 60
    expected = scipy.ndimage.gaussian_filter(frame.astype(float), (sigma, sigma, 0), truncate=4, mode="mirror")
    assert np.abs(output - expected).max() <= 1.01


# ---- wrong input -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [0, -1, float("nan"), float("inf")])
def test_a_sigma_that_is_not_positive_is_refused(sigma: float) -> None:
    frame, mask = noise(12, 16), np.zeros((12, 16), np.float32)
    with pytest.raises(ValueError, match=f"sigma is {sigma}"):
        blur_background(frame, mask, sigma)
    with pytest.raises(ValueError, match=f"sigma is {sigma}"):
        Blur(sigma)


@pytest.mark.parametrize(("kernel", "near"), [(50, 51), (2, 3), (0, 1)])
def test_an_even_kernel_is_refused_and_told_the_next_odd_one(kernel: int, near: int) -> None:
    for use in (kernel_sigma, lambda kernel: Blur(kernel=kernel)):
        with pytest.raises(ValueError, match=f"kernel is {kernel}.*odd.*try {near}"):
            use(kernel)
    assert kernel_sigma(near) > 0


def test_negative_kernels_are_refused() -> None:
    with pytest.raises(ValueError, match="kernel is -3"):
        blur_background(noise(12, 16), np.zeros((12, 16), np.float32), kernel=-3)


def test_sigma_and_kernel_together_are_refused() -> None:
    with pytest.raises(ValueError, match="give one of them"):
        blur_background(noise(12, 16), np.zeros((12, 16), np.float32), 8, kernel=51)
    with pytest.raises(ValueError, match="give one of them"):
        Blur(8, 51)


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (np.full((12, 16), np.nan), "NaN"),
        (np.full((12, 16), 1.5), "1.5"),
        (np.full((12, 16), -0.5), "-0.5"),
        (np.zeros((16, 12)), r"\(16, 12\).*\(12, 16\)"),
        (np.zeros((12, 16, 3)), "channels"),
        (np.full((12, 16), 15, np.uint8), "uint8"),
    ],
    ids=["NaN", "too large", "negative", "turned", "three channels", "labels"],
)
def test_masks_that_are_none_are_refused(mask: np.ndarray, words: str) -> None:
    for blur in (blur_background, Blur()):
        with pytest.raises(ValueError, match=words):
            blur(noise(12, 16), mask)


@pytest.mark.parametrize(
    "frame",
    [noise(12, 16)[..., 0], noise(12, 16)[..., :2], noise(12, 16) / 255, np.zeros((0, 16, 3), np.uint8)],
    ids=["grey", "two channels", "float", "empty"],
)
def test_frames_that_are_none_are_refused(frame: np.ndarray) -> None:
    with pytest.raises(ValueError, match="frame is"):
        blur_background(frame, np.zeros(frame.shape[:2], np.float32))


# ---- the effect --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"sigma": 3.0}, {"kernel": 21}])
def test_the_effect_is_the_function_and_survives_pickling(options: dict[str, float]) -> None:
    frame, mask = noise(60, 80), np.zeros((60, 80), np.float32)
    mask[20:40, 30:50] = 1
    effect = Blur(**options)
    copy = pickle.loads(pickle.dumps(effect))
    assert copy == effect
    assert Blur(sigma=99) != effect
    expected = blur_background(frame, mask, **options)
    for blur in (effect, copy):
        np.testing.assert_array_equal(blur(frame, mask), expected)
