"""seglib.Model: what it makes of a runner's answers, and the embedded portrait as the model that most people use."""

import pickle
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import torch
from networks import noise
from torch import nn

import seglib
from seglib import Model, load_model
from seglib.predict.preprocessing import ShorterSide

CUPS = ("background", "cup", "plate", "hand")


@pytest.fixture(scope="module")
def portrait() -> Model:
    return load_model(device="cpu")


class FakeRunner:
    """Every pixel: channel 0 with 0.1, channel 1 with 0.6, channel 2 with 0.3."""

    runtime, precision, batch = "fake", "float32", 4
    shares = np.array([0.1, 0.6, 0.3], np.float32)

    def mask_probabilities(
        self, frames: Sequence[np.ndarray], channels: Sequence[int], size: tuple[int, int]
    ) -> np.ndarray:
        assert 0 < len(channels) < 3
        return np.full((len(frames), *size[::-1]), self.shares[list(channels)].sum(), np.float32)

    def probabilities(self, frame: np.ndarray) -> np.ndarray:
        return np.broadcast_to(self.shares[:, None, None], (3, *frame.shape[:2])).copy()

    def argmax(self, frame: np.ndarray) -> np.ndarray:
        return np.full(frame.shape[:2], 1, np.uint8)


@pytest.fixture
def cups() -> Model:
    """A model of four classes whose network knows three: background, hand and cup, in this order."""
    network = nn.Conv2d(3, 3, 1)
    return Model(
        "cups", FakeRunner(), class_names=CUPS, classes=(0, 3, 1), preprocess=ShorterSide(None), network=lambda: network
    )


# ---- class names -------------------------------------------------------------------------------------------


def test_channels_are_put_at_their_labels_numbers(cups: Model) -> None:
    frame = noise(4, 6)
    assert (cups.labels(frame) == CUPS.index("hand")).all()
    np.testing.assert_allclose(cups.probabilities(frame)[:, 0, 0], [0.1, 0.3, 0, 0.6])
    for keep, expected in (("hand", 0.6), (("cup", 0), 0.4), (range(4), 1), ((3, "hand"), 0.6)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.testing.assert_allclose(cups.mask(frame, keep), expected, rtol=1e-6)


def test_keep_takes_the_models_own_names(cups: Model) -> None:
    assert cups.class_numbers(("hand", 1)) == [3, 1]
    for call in (lambda: cups.class_numbers("hnd"), lambda: cups.mask(noise(4, 6), "hnd")):
        with pytest.raises(ValueError, match="'hnd'; known, nearest first: hand, "):
            call()
    with pytest.raises(ValueError, match="'person'"):
        cups.mask(noise(4, 6))


def test_a_class_that_the_network_does_not_know_warns_and_is_not_found(cups: Model) -> None:
    with pytest.warns(UserWarning, match="cups knows only background, hand, cup; .* no plate") as caught:
        mask = cups.mask(noise(4, 6), "plate")
    assert len(caught) == 1
    assert caught[0].filename == __file__, "points at the line that asked"
    assert mask.shape == (4, 6)
    assert not mask.any()
    with pytest.warns(UserWarning, match="plate"):
        assert cups.masks([noise(4, 6)], ("plate", "hand"), (3, 2)).shape == (1, 2, 3)


def test_what_a_model_says_of_itself(cups: Model, portrait: Model) -> None:
    assert (cups.name, cups.class_names, cups.classes) == ("cups", CUPS, (0, 3, 1))
    assert (cups.runtime, cups.precision, cups.batch, cups.device) == ("fake", "float32", 4, "cpu")
    assert repr(cups) == "Model('cups', device='cpu', runtime='fake')"
    assert cups.network is cups.network
    assert (portrait.class_names, portrait.classes) == (seglib.VOC_CLASSES, (0, 15))


# ---- portrait ----------------------------------------------------------------------------------------------


def test_portrait_speaks_voc(portrait: Model) -> None:
    frame = seglib.sample_frame()
    labels, mask, probabilities = portrait.labels(frame), portrait.mask(frame), portrait.probabilities(frame)
    assert (labels.shape, labels.dtype) == ((480, 640), np.uint8)
    assert (mask.shape, mask.dtype) == ((480, 640), np.float32)
    assert (probabilities.shape, probabilities.dtype) == ((21, 480, 640), np.float32)
    assert set(np.unique(labels)) == {0, 15}
    np.testing.assert_allclose(probabilities.sum(axis=0), 1, atol=1e-5)
    np.testing.assert_array_equal(labels, probabilities.argmax(axis=0))
    np.testing.assert_array_equal(probabilities[15], mask)
    assert not np.delete(probabilities, (0, 15), axis=0).any()
    np.testing.assert_allclose(portrait.mask(frame, "background"), 1 - mask, atol=1e-6)


@pytest.mark.parametrize("name", ["astronaut", "hopper"])
def test_portrait_finds_the_person(portrait: Model, name: str) -> None:
    assert seglib.iou(portrait.mask(seglib.sample_frame(name)), seglib.sample_mask(name)) > 0.7


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (1, 50), (50, 1), (33, 47), (640, 360), (30, 2000)], ids=str)
def test_frames_of_any_size(portrait: Model, shape: tuple[int, int]) -> None:
    mask = portrait.mask(noise(*shape))
    assert portrait.labels(noise(*shape)).shape == mask.shape == shape
    assert 0 <= mask.min() <= mask.max() <= 1
    assert np.isfinite(portrait.mask(np.zeros((*shape, 3), np.uint8))).all()


def test_views_and_read_only_frames_are_not_changed(portrait: Model) -> None:
    mirrored = noise(48, 64)[:, ::-1]
    mirrored.flags.writeable = False
    before = mirrored.copy()
    np.testing.assert_array_equal(portrait.mask(mirrored), portrait.mask(before))
    np.testing.assert_array_equal(mirrored, before)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (np.zeros((4, 6), np.uint8), r"\(4, 6\) uint8"),
        (np.zeros((4, 6, 3)), "float64"),
        (np.zeros((0, 6, 3), np.uint8), "empty"),
        (None, "None"),
    ],
)
def test_what_is_no_frame_is_refused_by_every_method(cups: Model, frame: object, words: str) -> None:
    for method in (cups.labels, cups.mask, cups.probabilities, lambda frame: cups.masks([frame])):
        with pytest.raises((ValueError, TypeError), match=words):
            method(frame)


def test_predictions_repeat_belong_to_the_caller_and_teach_nothing(portrait: Model) -> None:
    frame = noise(48, 64)
    before = {key: value.clone() for key, value in portrait.network.state_dict().items()}
    for predict in (portrait.mask, portrait.labels, portrait.probabilities):
        first, copy = predict(frame), predict(frame).copy()
        np.testing.assert_array_equal(first, copy)
        first[:] = 1
        np.testing.assert_array_equal(predict(frame), copy)
    assert all(torch.equal(value, before[key]) for key, value in portrait.network.state_dict().items())
    assert not any(part.training for part in portrait.network.modules())
    assert not any(weight.requires_grad for weight in portrait.network.parameters())


# ---- sizes and batches -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(320, 240), (64, 48), (900, 100), (1, 1)])
def test_a_mask_of_another_size_is_the_mask_resized(portrait: Model, size: tuple[int, int]) -> None:
    frame = seglib.sample_frame()
    mask = portrait.mask(frame, size=size)
    assert (mask.shape, mask.dtype) == (size[::-1], np.float32)
    assert 0 <= mask.min() <= mask.max() <= 1
    expected = cv2.resize(portrait.mask(frame), size, interpolation=cv2.INTER_AREA)
    assert np.abs(mask - expected).mean() < 0.02
    np.testing.assert_allclose(portrait.masks([frame, frame], size=size)[1], mask, atol=1e-5)


@pytest.mark.parametrize("size", [(0, 10), (10, -1)])
def test_a_mask_has_at_least_a_pixel(cups: Model, size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        cups.mask(noise(4, 6), "cup", size)


def test_a_batch_gives_the_masks_of_its_frames(portrait: Model) -> None:
    frames = [np.ascontiguousarray(np.roll(seglib.sample_frame()[::4, ::4], 30 * turn, axis=1)) for turn in range(5)]
    masks = portrait.masks(frames)
    assert (masks.shape, masks.dtype) == ((5, 120, 160), np.float32)
    singles = [portrait.mask(frame) for frame in frames]
    assert np.ptp(singles, axis=0).max() > 1e-3, "equal masks would hide a mixed-up order"
    np.testing.assert_allclose(masks, singles, atol=1e-5)
    for as_given in (np.stack(frames), iter(frames)):
        np.testing.assert_array_equal(portrait.masks(as_given), masks)


def test_a_batch_needs_frames_of_one_size(cups: Model) -> None:
    with pytest.raises(ValueError, match="no frames"):
        cups.masks([])
    with pytest.raises(ValueError, match=r"frame 2 is \(4, 7, 3\) but frame 0 is \(4, 6, 3\)"):
        cups.masks([noise(4, 6), noise(4, 6), noise(4, 7)])


# ---- threads and processes ---------------------------------------------------------------------------------


def test_threads_may_share_a_model(portrait: Model) -> None:
    frames = [np.roll(seglib.sample_frame(), 40 * n, axis=1) for n in range(6)]
    expected = [portrait.mask(frame) for frame in frames]
    with ThreadPoolExecutor(max_workers=4) as pool:
        for mask, single in zip(pool.map(portrait.mask, 2 * frames), 2 * expected, strict=True):
            np.testing.assert_allclose(mask, single, atol=1e-5)


def test_a_pickled_model_is_small_and_predicts_the_same(portrait: Model) -> None:
    frame = seglib.sample_frame()
    assert portrait.network is not None
    pickled = pickle.dumps(portrait)
    assert len(pickled) < 5000, "the weights are in the package"
    np.testing.assert_array_equal(pickle.loads(pickled).mask(frame), portrait.mask(frame))
