"""One resize for everything, the smaller view on which masks are worked, and the way back."""

import numpy as np
import pytest
import skimage.transform

import seglib
from seglib._internal.resizing import VIEW, enlarge, resize, small_view


@pytest.mark.parametrize(("shape", "size"), [((480, 640), (320, 240)), ((720, 1280), (320, 180)), ((96, 64), (8, 12))])
def test_halving_takes_means_over_squares(shape: tuple[int, int], size: tuple[int, int]) -> None:
    image = np.random.default_rng(1).random(shape, np.float32)
    squares = (shape[0] // size[1], shape[1] // size[0])
    np.testing.assert_allclose(resize(image, size), skimage.transform.downscale_local_mean(image, squares), atol=1e-6)


def test_enlarging_runs_along_straight_lines() -> None:
    mask = np.random.default_rng(2).random((30, 40), np.float32)
    expected = skimage.transform.resize(mask, (120, 160), order=1, mode="edge", anti_aliasing=False)
    large = enlarge(mask, np.zeros((120, 160, 3), np.uint8))
    assert large.dtype == np.float32
    np.testing.assert_allclose(large, expected, atol=2e-3)  # OpenCV weighs in steps of 1/2048


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        *(((480, 640), (240, 320)), ((720, 1280), (360, 640)), ((1080, 1920), (360, 640)), ((1280, 720), (640, 360))),
        *(((360, 640), (360, 640)), ((361, 640), (180, 320)), ((1, 1), (1, 1)), ((2, 4000), (2, 4000))),
    ],
)
def test_a_view_is_a_whole_part_of_the_frame(shape: tuple[int, int], expected: tuple[int, int]) -> None:
    view = small_view(np.zeros((*shape, 3), np.uint8))
    assert view.shape == (*expected, 3)
    assert min(view.shape[:2]) <= VIEW


def test_a_view_that_is_the_frame_is_not_copied() -> None:
    frame = np.zeros((200, 300, 3), np.uint8)
    assert small_view(frame) is frame
    mask = np.zeros((200, 300), np.float32)
    assert enlarge(mask, frame) is mask


@pytest.mark.parametrize("seed", range(20))
def test_an_enlarged_mask_may_go_to_every_effect(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 900, 2)
    frame = rng.integers(0, 256, (height, width, 3), np.uint8)
    view = small_view(frame)
    mask = enlarge((rng.random(view.shape[:2]) > 0.5).astype(np.float32), frame)
    assert mask.shape == frame.shape[:2]
    assert seglib.blend(frame, mask, frame[::-1].copy()).shape == frame.shape


@pytest.mark.parametrize("size", [(640, 480), (1280, 720)])
def test_a_mask_found_on_the_view_is_as_good(size: tuple[int, int]) -> None:
    """As the walks of videos and of the live picture find it, and as its functions do on the whole frame."""
    frame, truth = resize(seglib.sample_frame(), size), resize(seglib.sample_mask(), size)
    model, view = seglib.load_model(), small_view(frame)
    whole = seglib.clean_mask(model.mask(frame), frame)
    found = enlarge(seglib.clean_mask(model.mask(frame, size=view.shape[1::-1]), view), frame)
    assert abs(seglib.iou(found, truth) - seglib.iou(whole, truth)) < 0.005
    assert np.abs(found - whole).mean() < 0.005
