"""seglib.predict.preprocessing, against the same computed by hand and by torchvision."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch
import torchvision.transforms.v2.functional as F
from networks import noise

import seglib
from seglib.predict.preprocessing import IMAGENET_MEAN, IMAGENET_STD, ResizeAndNormalize, SameArea, ShorterSide

MEAN, STD = np.array(IMAGENET_MEAN), np.array(IMAGENET_STD)
ONE_LEVEL = 1.01 / 255 / STD.min()  # half a level each for halving and for the rest of the way

FITS = [((480, 640), (224, 288)), ((640, 360), (336, 192)), ((720, 1280), (192, 336)), ((640, 427), (320, 208))]
SMALL = [(9, 500), (40, 60), (100, 130), (256, 256), (300, 200)]


def photo(shape: tuple[int, int]) -> np.ndarray:
    return cv2.resize(seglib.sample_frame(), shape[::-1], interpolation=cv2.INTER_AREA)


def batch(frame: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(frame).permute(2, 0, 1)[None]


def by_hand(frame: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The frame made smaller without rounding, halved first where it can be, then normalised: (1, 3, h, w)."""
    small = frame.astype(np.float64)
    if np.all(2 * np.array(shape) <= frame.shape[:2]) and not any(side % 2 for side in frame.shape[:2]):
        small = small.reshape(frame.shape[0] // 2, 2, frame.shape[1] // 2, 2, 3).mean(axis=(1, 3))
    small = cv2.resize(small, shape[::-1], interpolation=cv2.INTER_AREA)
    return ((small / 255 - MEAN) / STD).transpose(2, 0, 1)[None].astype(np.float32)


@pytest.mark.parametrize(("shape", "expected"), FITS)
def test_the_same_area_is_exact_but_for_rounding(shape: tuple[int, int], expected: tuple[int, int]) -> None:
    frame, preprocess = photo(shape), SameArea(256, 16)
    prepared = preprocess.prepare(frame)
    assert (prepared.shape, prepared.dtype) == ((1, 3, *expected), np.float32)
    assert prepared.flags.c_contiguous
    assert np.abs(prepared - by_hand(frame, expected)).max() < ONE_LEVEL
    assert np.abs(preprocess(batch(frame)).numpy() - by_hand(frame, expected)).max() < 1e-4


@pytest.mark.parametrize("shape", SMALL)
@pytest.mark.parametrize(
    "preprocess", [SameArea(256, 16), ShorterSide(64), ShorterSide(None)], ids=["area", "side", "none"]
)
def test_a_gpu_prepares_the_same_as_a_cpu(preprocess: ResizeAndNormalize, shape: tuple[int, int]) -> None:
    frame = photo(shape)
    assert np.abs(preprocess.prepare(frame) - preprocess(batch(frame)).numpy()).max() < ONE_LEVEL


def test_the_same_area_is_that_of_a_square() -> None:
    assert SameArea(128, 16).prepare(noise(480, 640)).shape == (1, 3, 112, 144)
    assert SameArea(256, 16).prepare(noise(9, 640)).shape == (1, 3, 16, 512), "at most two of its sides long"


@pytest.mark.parametrize("shape", [(480, 640), (641, 360), (50, 50)])
@pytest.mark.parametrize("size", [64, 33])
def test_the_shorter_side_is_torchvisions_resize(shape: tuple[int, int], size: int) -> None:
    frame = photo(shape)
    prepared = ShorterSide(size, mean=(0, 0, 0), std=(1, 1, 1)).prepare(frame)
    expected = F.resize(batch(frame), [size]).numpy() / 255
    assert prepared.shape == expected.shape
    assert np.abs(prepared - expected).mean() < 0.02, "its triangle filter is wider than an area"


def test_without_a_size_the_frame_keeps_its_own() -> None:
    frame = photo((30, 50))
    prepared = ShorterSide(None, mean=MEAN, std=STD).prepare(frame)
    np.testing.assert_allclose(prepared, by_hand(frame, (30, 50)), atol=1e-6)


@pytest.mark.parametrize("kind", [lambda size: SameArea(size, 16), ShorterSide], ids=["area", "side"])
@pytest.mark.parametrize("size", [0, -5])
def test_a_size_too_small_is_refused(kind: Callable[[int], ResizeAndNormalize], size: int) -> None:
    with pytest.raises(ValueError, match=f"size is {size}"):
        kind(size)
