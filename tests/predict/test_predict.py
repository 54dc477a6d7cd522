"""seglib.predict against torchvision's own networks, tables and preprocessing, run by hand."""

from __future__ import annotations

import gc
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from safetensors.torch import load_file
from torch.nn import functional as F
from torchvision.models import segmentation
from torchvision.models._api import WeightsEnum

import seglib
from seglib import WeightsUnavailable, load_model, model_table, predict
from seglib.classes import VOC_CLASSES
from seglib.predict import registry as loading
from seglib.predict import torchvision_models as loader
from seglib.predict.cpu_runner import CPURunner

WEIGHTS = {
    "deeplabv3_resnet101": segmentation.DeepLabV3_ResNet101_Weights,
    "deeplabv3_resnet50": segmentation.DeepLabV3_ResNet50_Weights,
    "deeplabv3_mobilenet_v3_large": segmentation.DeepLabV3_MobileNet_V3_Large_Weights,
    "fcn_resnet101": segmentation.FCN_ResNet101_Weights,
    "fcn_resnet50": segmentation.FCN_ResNet50_Weights,
    "lraspp_mobilenet_v3_large": segmentation.LRASPP_MobileNet_V3_Large_Weights,
}
SMALLEST = "lraspp_mobilenet_v3_large"
LARGE = ("deeplabv3_resnet101", "fcn_resnet101", "fcn_resnet50")  # like the others, but for their size
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])  # ImageNet's, in every textbook

SHAPES = [(1, 1), (2, 3), (1, 50), (50, 1), (33, 47), (481, 641), (640, 360), (30, 2000)]


def published(name: str) -> WeightsEnum:
    return WEIGHTS[name].COCO_WITH_VOC_LABELS_V1


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A frame of coloured blotches, so that a network's output differs from place to place."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (-(-height // 16), -(-width // 16), 3), dtype=np.uint8)
    return small.repeat(16, axis=0).repeat(16, axis=1)[:height, :width]


@pytest.fixture(scope="module")
def portrait() -> predict.Model:
    return load_model(device="cpu")


@dataclass
class Pair:
    """One of torchvision's models twice, with the same random weights: as torchvision builds it, and as we load it."""

    name: str
    theirs: torch.nn.Module
    ours: predict.Model
    small: predict.Model  # at 64 rows instead of 520: the same code in a fraction of the time
    asked: list[tuple[str, dict[str, object]]]  # what load_model asked of weights_file


def as_published(name: str) -> torch.nn.Module:
    """The network that torchvision builds for its published weights, with random ones in their place."""
    torch.manual_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WeightsEnum, "get_state_dict", lambda self, **options: {})
        patch.setattr(torch.nn.Module, "load_state_dict", lambda self, state, **options: None)
        network = torchvision.models.get_model(name, weights=published(name)).eval()
    spread_out(network)
    return network


def spread_out(network: torch.nn.Module) -> None:
    """Let no class win everywhere, and none by so much that rounding errors show: scores of mean 0 and deviation 2."""
    head = network.classifier
    last = [head[-1]] if isinstance(head, torch.nn.Sequential) else [head.low_classifier, head.high_classifier]
    frame = torch.from_numpy(noise(96, 128)).permute(2, 0, 1)
    with torch.no_grad():
        for part in last:
            torch.nn.init.zeros_(part.bias)
        scores = network(published(SMALLEST).transforms(resize_size=64)(frame)[None])["out"]
        deviation, mean = torch.std_mean(scores, dim=(0, 2, 3))  # (21,) each
        for part in last:
            part.weight.mul_(2 / deviation.view(-1, 1, 1, 1))
        last[0].bias.copy_(-2 * mean / deviation)


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=pytest.mark.slow if name in LARGE else ()) for name in WEIGHTS]
)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    name = request.param
    theirs = as_published(name)
    path = tmp_path_factory.mktemp("weights") / f"{name}.pth"
    torch.save(theirs.state_dict(), path)
    asked = []

    def file(url: str, **options: object) -> Path:
        asked.append((url, options))
        return path

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loader, "weights_file", file)
        ours, small = (load_model(name, device="cpu", runtime="torch", size=size) for size in (None, 64))
    path.unlink()
    yield Pair(name, theirs, ours, small, asked)
    del theirs, ours, small
    gc.collect()


# ---- torchvision's six -------------------------------------------------------------------------------------


def test_the_names_are_all_of_torchvisions_segmentation_models() -> None:
    assert set(predict.TORCHVISION_MODELS) == set(torchvision.models.list_models(segmentation)) == set(WEIGHTS)


@pytest.mark.parametrize("name", WEIGHTS)
def test_addresses_come_from_torchvisions_table_and_carry_a_hash(name: str) -> None:
    assert loader.weights_url(name) == published(name).url
    assert re.search(r"-[0-9a-f]{8}\.pth$", loader.weights_url(name))


def test_the_published_file_is_asked_for_with_its_size(pair: Pair) -> None:
    url, options = pair.asked[0]
    assert url == published(pair.name).url
    assert options["megabytes"] == pytest.approx(published(pair.name).meta["_file_size"] * 1.048576)  # not 2**20 bytes
    assert options["progress"] is True


def test_every_weight_of_the_published_network_has_its_place(pair: Pair) -> None:
    ours, theirs = pair.ours.network.state_dict(), pair.theirs.state_dict()
    used = {key for key in theirs if not key.startswith("aux_")}  # the second head was for training only
    assert (used < theirs.keys()) == (pair.name != SMALLEST)
    assert ours.keys() == used
    assert all(torch.equal(ours[key], theirs[key]) for key in used)


def test_the_preprocessing_is_the_weights_own_to_the_last_bit(pair: Pair) -> None:
    for shape in ((480, 640), (360, 203)):
        image = torch.from_numpy(noise(*shape)).permute(2, 0, 1)
        expected = published(pair.name).transforms()(image)
        assert torch.equal(pair.ours.preprocess(image[None])[0], expected)
        np.testing.assert_array_equal(pair.ours.preprocess.prepare(noise(*shape))[0], expected.numpy())
        assert min(expected.shape[-2:]) == 520


def test_the_preprocessing_is_what_the_article_meant_to_do(pair: Pair) -> None:
    """Pillow's path, as in the article, with the standard deviation set right; Pillow resizes a little differently."""
    frame = seglib.sample_frame()
    image = Image.fromarray(frame).resize((round(640 * 520 / 480), 520), Image.Resampling.BILINEAR)
    by_hand = ((np.asarray(image) / 255 - MEAN) / STD).transpose(2, 0, 1)
    ours = pair.ours.preprocess(torch.from_numpy(frame).permute(2, 0, 1)[None])[0].numpy()
    assert ours.shape == by_hand.shape
    assert np.abs(ours - by_hand).max() < 0.05
    articles = ((np.asarray(image) / 255 - MEAN) / MEAN).transpose(2, 0, 1)
    assert np.abs(ours - articles).max() > 1, "the mean taken for the standard deviation gives another tensor"
    ratio = np.median(ours / articles, axis=(1, 2))
    np.testing.assert_allclose(ratio, MEAN / STD, rtol=0.02)


def scores_by_hand(pair: Pair, frame: np.ndarray) -> torch.Tensor:
    """What torchvision's own network and preprocessing, at 64 rows, say: (21, h, w)."""
    image = torch.from_numpy(frame).permute(2, 0, 1)
    with torch.no_grad():
        return pair.theirs(published(pair.name).transforms(resize_size=64)(image)[None])["out"][0]


def test_labels_and_probabilities_are_torchvisions(pair: Pair) -> None:
    frame = noise(96, 128)
    scores = F.interpolate(scores_by_hand(pair, frame)[None], (96, 128), mode="bilinear")[0]
    expected = scores.softmax(dim=0).numpy()
    got = pair.small.probabilities(frame)
    assert got.shape == (21, 96, 128)
    np.testing.assert_allclose(got, expected, atol=1e-4)
    np.testing.assert_allclose(got.sum(axis=0), 1, atol=1e-4)
    labels = pair.small.labels(frame)
    assert labels.dtype == np.uint8
    assert len(np.unique(labels)) > 1, "a picture of one class would agree with anything"
    top = np.sort(expected, axis=0)
    sure = top[-1] - top[-2] > 1e-3
    np.testing.assert_array_equal(labels[sure], expected.argmax(axis=0)[sure])


def test_the_mask_is_the_softmax_share_of_the_kept_classes(pair: Pair) -> None:
    same, twice = noise(64, 96), noise(128, 192)
    mask_probabilities, small_shares = (scores_by_hand(pair, frame).softmax(dim=0) for frame in (same, twice))
    for keep in (("cat", "dog"), ("person",), range(1, 21)):
        numbers = [VOC_CLASSES.index(k) if isinstance(k, str) else k for k in keep]
        # At the network's own size nothing is enlarged; else it is the odds of kept against rest.
        np.testing.assert_allclose(pair.small.mask(same, keep), mask_probabilities[numbers].sum(dim=0), atol=1e-4)
        odds = torch.logit(small_shares[numbers].sum(dim=0).double())
        expected = torch.sigmoid(F.interpolate(odds[None, None], (128, 192), mode="bilinear"))[0, 0]
        np.testing.assert_allclose(pair.small.mask(twice, keep), expected, atol=1e-3)
    np.testing.assert_array_equal(pair.small.mask(same, range(21)), 1)


def test_size_is_the_shorter_side_for_torchvisions_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save(as_published(SMALLEST).state_dict(), tmp_path / "x.pth")
    monkeypatch.setattr(loader, "weights_file", lambda url, **options: tmp_path / "x.pth")
    model = load_model(SMALLEST, device="cpu", size=130, runtime="torch")
    assert model.preprocess(torch.zeros(1, 3, 480, 640, dtype=torch.uint8)).shape == (1, 3, 130, 173)
    assert load_model(SMALLEST, device="cpu", progress=False, runtime="torch").name == SMALLEST
    with pytest.raises(ValueError, match="size is 0"):
        load_model(SMALLEST, device="cpu", size=0)


# ---- checkpoints that do not fit ---------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["lacks", "extra", "shape", "other network", "damaged"])
def test_a_checkpoint_that_does_not_fit_is_refused(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = as_published(SMALLEST).state_dict()
    if fault == "lacks":
        del state["classifier.cbr.0.weight"]
    elif fault == "extra":
        state["classifier.another"] = torch.zeros(3)
    elif fault == "shape":
        state["classifier.low_classifier.weight"] = torch.zeros(2, 40, 1, 1)
    elif fault == "other network":
        state = {"conv.weight": torch.zeros(1)}
    path = tmp_path / "weights-01234567.pth"
    torch.save(state, path)
    if fault == "damaged":
        path.write_bytes(path.read_bytes()[:5000])
    monkeypatch.setattr(loader, "weights_file", lambda url, **options: path)
    with pytest.raises(WeightsUnavailable, match=r"weights-01234567\.pth") as caught:
        load_model(SMALLEST, device="cpu")
    words = {"lacks": "classifier.cbr.0.weight", "extra": "classifier.another", "shape": "low_classifier"}
    assert words.get(fault, "") in str(caught.value)


def test_the_counters_of_batches_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = as_published(SMALLEST).state_dict()
    for key in [key for key in state if key.endswith("num_batches_tracked")]:
        del state[key]  # from the table itself: a copy would lose torch's version number, and torch would mend it
    torch.save(state, tmp_path / "x.pth")
    monkeypatch.setattr(loader, "weights_file", lambda url, **options: tmp_path / "x.pth")
    assert load_model(SMALLEST, device="cpu", runtime="torch").labels(noise(20, 30)).shape == (20, 30)


# ---- the embedded model ------------------------------------------------------------------------------------


def portrait_by_hand() -> torch.nn.Module:
    network = seglib.predict.portrait.build().eval()  # tests/test_portrait_network.py compares it with torchvision's
    network.load_state_dict(load_file(Path(seglib.__file__).parent / "data" / "portrait.safetensors"), strict=False)
    return network


def prepared_by_hand(frame: np.ndarray, seen: tuple[int, int]) -> np.ndarray:
    """The frame made smaller without ever rounding, halved first where it can be, then normalised: (1, 3, h, w)."""
    small = frame.astype(np.float64)
    if np.all(2 * np.array(seen) <= frame.shape[:2]):
        small = small.reshape(frame.shape[0] // 2, 2, frame.shape[1] // 2, 2, 3).mean(axis=(1, 3))
    small = cv2.resize(small, seen[::-1], interpolation=cv2.INTER_AREA)
    return ((small / 255 - MEAN) / STD).transpose(2, 0, 1)[None].astype(np.float32)


FITS = [((480, 640), (224, 288)), ((640, 360), (336, 192)), ((9, 500), (16, 512)), ((720, 1280), (192, 336))]


@pytest.mark.parametrize(("shape", "seen"), FITS)
def test_portrait_is_its_network_run_by_hand(
    portrait: predict.Model, shape: tuple[int, int], seen: tuple[int, int]
) -> None:
    frame = cv2.resize(seglib.sample_frame(), shape[::-1], interpolation=cv2.INTER_AREA)
    with torch.no_grad():
        scores = portrait_by_hand()(torch.from_numpy(prepared_by_hand(frame, seen)))["out"]
        expected = torch.sigmoid(F.interpolate(scores, shape, mode="bilinear"))[0, 0].numpy()
    mask = portrait.mask(frame)
    assert np.abs(mask - expected).mean() < 2e-3, "the small picture is rounded to whole levels, so not quite equal"
    assert seglib.iou(mask, expected) > 0.995
    assert portrait.preprocess(torch.zeros(1, 3, *shape, dtype=torch.uint8)).shape == (1, 3, *seen)


@pytest.mark.parametrize(("shape", "seen"), [fit for fit in FITS if fit[0][0] > fit[1][0]])
def test_portraits_preprocessing_is_exact_but_for_rounding(
    portrait: predict.Model, shape: tuple[int, int], seen: tuple[int, int]
) -> None:
    frame = cv2.resize(seglib.sample_frame(), shape[::-1], interpolation=cv2.INTER_AREA)
    # Half a level each for halving and for the rest of the way.
    expected, one_level = prepared_by_hand(frame, seen), 1.01 / 255 / STD.min()
    prepared = portrait.preprocess.prepare(frame)
    assert (prepared.shape, prepared.dtype) == ((1, 3, *seen), np.float32)
    assert prepared.flags.c_contiguous
    assert np.abs(prepared - expected).max() < one_level
    on_a_gpu = portrait.preprocess(torch.from_numpy(frame).permute(2, 0, 1)[None]).numpy()
    assert np.abs(on_a_gpu - expected).max() < 1e-4


@pytest.mark.parametrize("shape", [(9, 500), (40, 60), (100, 130), (256, 256), (300, 200)])
def test_what_a_gpu_prepares_of_small_frames_is_the_same(portrait: predict.Model, shape: tuple[int, int]) -> None:
    frame = cv2.resize(seglib.sample_frame(), shape[::-1], interpolation=cv2.INTER_AREA)
    prepared = portrait.preprocess.prepare(frame)
    on_a_gpu = portrait.preprocess(torch.from_numpy(frame).permute(2, 0, 1)[None]).numpy()
    assert np.abs(prepared - on_a_gpu).max() < 1.01 / 255 / STD.min()


def test_portrait_speaks_voc(portrait: predict.Model) -> None:
    frame = seglib.sample_frame()
    labels, mask, probabilities = portrait.labels(frame), portrait.mask(frame), portrait.probabilities(frame)
    assert (labels.shape, labels.dtype) == ((480, 640), np.uint8)
    assert (mask.shape, mask.dtype) == ((480, 640), np.float32)
    assert (probabilities.shape, probabilities.dtype) == ((21, 480, 640), np.float32)
    assert set(np.unique(labels)) == {0, 15}
    np.testing.assert_allclose(probabilities.sum(axis=0), 1, atol=1e-5)
    assert probabilities.min() >= 0
    np.testing.assert_array_equal(labels, probabilities.argmax(axis=0))
    np.testing.assert_array_equal(labels == 15, seglib.class_mask(labels) == 1)
    np.testing.assert_array_equal(probabilities[15], mask)
    assert not probabilities[[n for n in range(21) if n not in (0, 15)]].any()


@pytest.mark.parametrize("name", ["astronaut", "hopper"])
def test_portrait_finds_the_person(portrait: predict.Model, name: str) -> None:
    assert seglib.iou(portrait.mask(seglib.sample_frame(name)), seglib.sample_mask(name)) > 0.7


def test_classes_that_portrait_knows_may_be_combined(portrait: predict.Model) -> None:
    frame = noise(40, 60)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(portrait.mask(frame, "background"), 1 - portrait.mask(frame, 15), atol=1e-6)
        np.testing.assert_allclose(portrait.mask(frame, (0, "person")), 1, atol=1e-6)
        np.testing.assert_array_equal(portrait.mask(frame, ("person", 15)), portrait.mask(frame))


def test_a_class_that_portrait_never_learned_warns_once_and_is_not_found(portrait: predict.Model) -> None:
    frame = noise(40, 60)
    with pytest.warns(UserWarning, match="portrait knows only background, person; it will find no cat") as caught:
        mask = portrait.mask(frame, ("cat",))
    assert len(caught) == 1
    assert caught[0].filename == __file__, "points at the line that asked"
    assert mask.shape == (40, 60)
    assert not mask.any()
    with pytest.warns(UserWarning, match="no cat, dog"):
        np.testing.assert_array_equal(portrait.mask(frame, ("cat", "person", "dog")), portrait.mask(frame))


def test_a_class_that_voc_does_not_have_is_refused(portrait: predict.Model) -> None:
    with pytest.raises(ValueError, match="unknown class 'persn'; known are person, "):
        portrait.mask(noise(40, 60), "persn")


def test_size_is_the_side_of_a_square_for_portrait() -> None:
    model = load_model(size=128, device="cpu")
    assert model.preprocess(torch.zeros(1, 3, 480, 640, dtype=torch.uint8)).shape == (1, 3, 112, 144)
    assert model.mask(noise(48, 64)).shape == (48, 64)
    assert model.preprocess.prepare(noise(480, 640)).shape == (1, 3, 112, 144)
    for size in (0, 10, -5):
        with pytest.raises(ValueError, match=f"size is {size}"):
            load_model(size=size, device="cpu")


# ---- frames of every kind ----------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_frames_of_any_size(portrait: predict.Model, shape: tuple[int, int]) -> None:
    frame = noise(*shape)
    mask = portrait.mask(frame)
    assert portrait.labels(frame).shape == mask.shape == shape
    assert 0 <= mask.min() <= mask.max() <= 1


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (33, 47), (16, 200)], ids=str)
def test_torchvisions_models_take_frames_of_any_size_too(
    shape: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(as_published(SMALLEST).state_dict(), tmp_path / "x.pth")
    monkeypatch.setattr(loader, "weights_file", lambda url, **options: tmp_path / "x.pth")
    model = load_model(SMALLEST, device="cpu", size=64, runtime="torch")
    assert model.labels(noise(*shape)).shape == shape
    np.testing.assert_allclose(model.probabilities(noise(*shape)).sum(axis=0), 1, atol=1e-5)


def test_a_black_frame_is_a_frame_like_any_other(portrait: predict.Model) -> None:
    black = np.zeros((48, 64, 3), np.uint8)
    assert np.isfinite(portrait.mask(black)).all()
    assert portrait.labels(black).shape == (48, 64)


def test_views_and_read_only_frames_are_fine_and_nothing_is_changed(portrait: predict.Model) -> None:
    frame = noise(48, 64)
    mirrored = frame[:, ::-1]
    mirrored.flags.writeable = False
    before = mirrored.copy()
    np.testing.assert_array_equal(portrait.mask(mirrored), portrait.mask(before))
    np.testing.assert_array_equal(mirrored, before)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (np.zeros((4, 6), np.uint8), r"\(4, 6\) uint8, not \(H, W, 3\)"),
        (np.zeros((4, 6, 4), np.uint8), "alpha"),
        (np.zeros((4, 6, 3)), "float64, not uint8"),
        (np.zeros((0, 6, 3), np.uint8), "empty"),
        (None, "None"),
    ],
)
def test_what_is_no_frame_is_refused_by_every_method(portrait: predict.Model, frame: object, words: str) -> None:
    for method in (portrait.labels, portrait.mask, portrait.probabilities, lambda frame: portrait.masks([frame])):
        with pytest.raises((ValueError, TypeError), match=words):
            method(frame)


def test_the_same_frame_gives_the_same_answer(portrait: predict.Model) -> None:
    frame = seglib.sample_frame()
    before = {key: value.clone() for key, value in portrait.network.state_dict().items()}
    np.testing.assert_array_equal(portrait.mask(frame), portrait.mask(frame))
    np.testing.assert_array_equal(portrait.mask(frame), load_model(device="cpu").mask(frame))
    after = portrait.network.state_dict()
    assert all(torch.equal(after[key], value) for key, value in before.items()), "predicting teaches it nothing"


def test_results_belong_to_the_caller(portrait: predict.Model) -> None:
    frame = noise(48, 64)
    for predicted in (portrait.mask, portrait.labels, portrait.probabilities):
        first, copy = predicted(frame), predicted(frame).copy()
        first[:] = 1
        np.testing.assert_array_equal(predicted(frame), copy)


def test_the_network_is_in_eval_mode_without_gradients(portrait: predict.Model) -> None:
    assert not any(part.training for part in portrait.network.modules())
    assert not any(weight.requires_grad for weight in portrait.network.parameters())


# ---- batches -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(320, 240), (64, 48), (900, 100), (1, 1)])
def test_a_mask_of_another_size_is_the_mask_resized(portrait: predict.Model, size: tuple[int, int]) -> None:
    frame = seglib.sample_frame()
    mask = portrait.mask(frame, size=size)
    assert (mask.shape, mask.dtype) == (size[::-1], np.float32)
    assert 0 <= mask.min() <= mask.max() <= 1
    expected = cv2.resize(portrait.mask(frame), size, interpolation=cv2.INTER_AREA)
    assert np.abs(mask - expected).mean() < 0.02
    np.testing.assert_allclose(portrait.masks([frame, frame], size=size)[1], mask, atol=1e-5)
    with pytest.warns(UserWarning, match="no cat"):
        assert not portrait.mask(frame, "cat", size).any()


@pytest.mark.parametrize("size", [(0, 10), (10, -1)])
def test_a_mask_has_at_least_a_pixel(portrait: predict.Model, size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        portrait.mask(seglib.sample_frame(), size=size)


def test_a_batch_gives_the_masks_of_its_frames(portrait: predict.Model) -> None:
    frames = [np.ascontiguousarray(np.roll(seglib.sample_frame()[::4, ::4], 30 * turn, axis=1)) for turn in range(4)]
    masks = portrait.masks(frames)
    assert masks.shape == (4, 120, 160)
    assert masks.dtype == np.float32
    singles = [portrait.mask(frame) for frame in frames]
    assert np.ptp(singles, axis=0).max() > 1e-3, "four equal masks would hide a mixed-up order"
    np.testing.assert_allclose(masks, singles, atol=1e-5)
    for as_given in (np.stack(frames), tuple(frames), iter(frames)):
        np.testing.assert_array_equal(portrait.masks(as_given), masks)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 9])
def test_a_network_gets_one_frame_or_a_whole_batch(count: int) -> None:
    """Nothing else, since it would be compiled anew for every other number."""
    seen = []

    def network(inputs: np.ndarray) -> np.ndarray:
        seen.append(len(inputs))
        return inputs[:, :1] - 100

    def prepare(frame: np.ndarray) -> np.ndarray:
        return frame.astype(np.float32).transpose(2, 0, 1)[None]

    frames = [np.full((2, 3, 3), 97 + number, np.uint8) for number in range(count)]
    mask_probabilities = CPURunner(prepare, network, "none", "float32", batch=4).mask_probabilities(frames, [1], (3, 2))
    expected = 1 / (1 + np.exp(3.0 - np.arange(count)))
    np.testing.assert_allclose(
        mask_probabilities, np.broadcast_to(expected[:, None, None], mask_probabilities.shape), rtol=1e-5
    )
    assert seen == [4] * (count // 4) + {0: [], 1: [1], 2: [4], 3: [4]}[count % 4]


def test_a_batch_needs_frames_of_one_size(portrait: predict.Model) -> None:
    with pytest.raises(ValueError, match="no frames"):
        portrait.masks([])
    with pytest.raises(ValueError, match=r"frame 2 is \(4, 7, 3\) but frame 0 is \(4, 6, 3\)"):
        portrait.masks([noise(4, 6), noise(4, 6), noise(4, 7)])


# ---- names, devices, fallback ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("portait", "portrait"),
        ("deeplabv3_resnet_101", "deeplabv3_resnet101"),
        ("lraspp_mobilenet_v3", "lraspp_mobilenet_v3_large"),
    ],
)
def test_an_unknown_model_lists_all_of_them_nearest_first(name: str, nearest: str) -> None:
    for arguments in ({"name": name}, {"name": "portrait", "fallback": name}):
        with pytest.raises(ValueError, match=f"unknown model '{name}'; known are {nearest}, ") as caught:
            load_model(**arguments)
        assert all(known in str(caught.value) for known in ("portrait", *WEIGHTS))


def test_the_cpu_is_always_there_and_cuda_is_taken_when_it_is() -> None:
    assert load_model(device="cpu").device == load_model().device == "cpu", "portrait was made for the CPU"
    assert torch.device(load_model().device) == torch.device("cpu")
    assert load_model().device.type == "cpu"
    first = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert loading._choose_device(None) == first
    assert repr(load_model(runtime="torch")) == "Model('portrait', device='cpu', runtime='torch')"


@pytest.mark.parametrize("device", ["cuda", "mps", "tpu", "cuda:99"])
def test_a_device_that_is_not_there_is_refused_in_words(device: str) -> None:
    if (device == "cuda" and torch.cuda.is_available()) or (device == "mps" and torch.backends.mps.is_available()):
        pytest.skip(f"this machine has {device}")
    with pytest.raises(ValueError, match=f"device '{device}' is not on this machine.*'cpu'"):
        load_model(device=device)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_gives_the_masks_of_the_cpu(portrait: predict.Model) -> None:
    frame = seglib.sample_frame()
    for precision, error in (("single", 0.002), ("half", 0.03)):
        model = load_model(device="cuda", precision=precision)
        mask = model.mask(frame)
        assert isinstance(mask, np.ndarray)
        assert np.abs(mask - portrait.mask(frame)).mean() < error
        assert seglib.iou(mask, portrait.mask(frame)) > 0.99
        np.testing.assert_allclose(model.masks([frame, frame])[1], mask, atol=0.01)
        assert (model.labels(frame) == portrait.labels(frame)).mean() > 0.99
        assert model.probabilities(frame).shape == (21, 480, 640)


def test_without_weights_the_fallback_says_so_in_one_line_and_goes_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGLIB_OFFLINE", "1")
    model = load_model("deeplabv3_resnet101", fallback="portrait", device="cpu")
    out, err = capsys.readouterr()
    assert model.name == "portrait"
    assert len(out.splitlines()) == 1
    assert re.match(r"deeplabv3_resnet101_coco-586e9e4e\.pth \(\d+ MB\) is not available: ", out)
    assert out.endswith("Going on with 'portrait'.\n")
    assert err == ""


@pytest.mark.parametrize("fallback", [None, "deeplabv3_resnet101"])
def test_without_weights_and_fallback_the_error_helps_on(fallback: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGLIB_OFFLINE", "1")
    with pytest.raises(WeightsUnavailable, match='The model "portrait" needs no download'):
        load_model("deeplabv3_resnet101", fallback=fallback)


def test_a_fallback_that_is_not_needed_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    assert load_model(fallback="lraspp_mobilenet_v3_large", device="cpu").name == "portrait"
    assert capsys.readouterr() == ("", "")


# ---- the table ---------------------------------------------------------------------------------------------


def test_the_table_of_models_has_torchvisions_numbers() -> None:
    rows = {row["name"]: row for row in model_table()}
    assert list(rows) == ["portrait", *WEIGHTS]
    for name in WEIGHTS:
        meta = published(name).meta
        assert rows[name]["parameters"] == meta["num_params"]
        assert rows[name]["classes"] == len(VOC_CLASSES)
        assert rows[name]["miou"] == meta["_metrics"]["COCO-val2017-VOC-labels"]["miou"]
        assert rows[name]["source"] == published(name).url
        assert rows[name]["megabytes"] > meta["_file_size"], "millions of bytes, not 2**20"


def test_the_row_of_portrait_is_counted_on_its_file() -> None:
    path = Path(seglib.__file__).parent / "data" / "portrait.safetensors"
    learned = {k: v for k, v in load_file(path).items() if "running_" not in k and "num_batches" not in k}
    row = model_table()[0]
    assert row["parameters"] == sum(tensor.numel() for tensor in learned.values())
    assert row["megabytes"] == pytest.approx(path.stat().st_size / 1e6)
    assert (row["classes"], row["miou"], row["source"]) == (2, None, "embedded")
