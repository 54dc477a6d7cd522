"""torchvision's six as seglib loads them, against torchvision's own networks, tables and preprocessing, run by hand."""

import pickle
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from networks import NAMES, SMALLEST, WEIGHTS, as_published, noise, published, use_weights
from PIL import Image
from torch.nn import functional as F
from torchvision.models import segmentation

import seglib
from seglib import VOC_CLASSES, Model, WeightsUnavailable, load_model
from seglib.predict import TORCHVISION_MODELS
from seglib.predict.torchvision_models import Preprocess, weights_url

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])  # ImageNet's, in every textbook


@dataclass
class Pair:
    """One of torchvision's models twice, with the same random weights: as torchvision builds it, and as we load it."""

    name: str
    theirs: torch.nn.Module
    ours: Model  # at 64 rows instead of 520: the same code in a fraction of the time


@pytest.fixture(scope="module", params=NAMES)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    name = request.param
    theirs = as_published(name)
    path = tmp_path_factory.mktemp("weights") / f"{name}.pth"
    torch.save(theirs.state_dict(), path)
    with pytest.MonkeyPatch.context() as patch:
        asked = use_weights(patch, path)
        ours = load_model(name, device="cpu", runtime="torch", size=64)
    path.unlink()
    [(url, options)] = asked
    assert url == published(name).url
    assert options["megabytes"] == pytest.approx(published(name).meta["_file_size"] * 1.048576)  # not 2**20 bytes
    return Pair(name, theirs, ours)


def logits_by_hand(pair: Pair, frame: np.ndarray) -> torch.Tensor:
    """What torchvision's own network and preprocessing say at 64 rows, (21, h, w)."""
    image = torch.from_numpy(frame).permute(2, 0, 1)
    with torch.no_grad():
        return pair.theirs(published(pair.name).transforms(resize_size=64)(image)[None])["out"][0]


def test_these_are_all_of_torchvisions_segmentation_models() -> None:
    assert set(TORCHVISION_MODELS) == set(torchvision.models.list_models(segmentation)) == set(WEIGHTS)
    assert all(re.search(r"-[0-9a-f]{8}\.pth$", weights_url(name)) for name in WEIGHTS)


def test_every_weight_of_the_published_network_has_its_place(pair: Pair) -> None:
    ours, theirs = pair.ours.network.state_dict(), pair.theirs.state_dict()
    used = {key for key in theirs if not key.startswith("aux_")}  # the second head was for training only
    assert (used < theirs.keys()) == (pair.name != SMALLEST)
    assert ours.keys() == used
    assert all(torch.equal(ours[key], theirs[key]) for key in used)


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("size", [None, 130])
def test_the_preprocessing_is_the_weights_own_to_the_last_bit(name: str, size: int | None) -> None:
    preprocess, options = Preprocess(name, size), {} if size is None else {"resize_size": size}
    for shape in ((480, 640), (360, 203)):
        image = torch.from_numpy(noise(*shape)).permute(2, 0, 1)
        expected = published(name).transforms(**options)(image)
        assert min(expected.shape[-2:]) == (size or 520)
        assert torch.equal(preprocess(image[None])[0], expected)
        np.testing.assert_array_equal(preprocess.prepare(noise(*shape))[0], expected.numpy())


def test_a_size_of_no_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="size is 0"):
        Preprocess(SMALLEST, 0)


def test_the_preprocessing_is_what_the_article_meant_to_do() -> None:
    """Pillow's way, as in the article, with the standard deviation set right; Pillow resizes a little differently."""
    frame = seglib.sample_frame()
    image = np.asarray(Image.fromarray(frame).resize((round(640 * 520 / 480), 520), Image.Resampling.BILINEAR))
    by_hand, articles = (((image / 255 - MEAN) / std).transpose(2, 0, 1) for std in (STD, MEAN))
    ours = Preprocess("deeplabv3_resnet101").prepare(frame)[0]
    assert np.abs(ours - by_hand).max() < 0.05
    assert np.abs(ours - articles).max() > 1, "the mean taken for the standard deviation gives another input"


def test_labels_and_probabilities_are_torchvisions(pair: Pair) -> None:
    frame = noise(96, 128)
    expected = F.interpolate(logits_by_hand(pair, frame)[None], (96, 128), mode="bilinear")[0].softmax(dim=0).numpy()
    np.testing.assert_allclose(pair.ours.probabilities(frame), expected, atol=1e-4)
    labels = pair.ours.labels(frame)
    assert labels.dtype == np.uint8
    assert len(np.unique(labels)) > 1, "a picture of one class would agree with anything"
    top = np.sort(expected, axis=0)
    sure = top[-1] - top[-2] > 1e-3
    np.testing.assert_array_equal(labels[sure], expected.argmax(axis=0)[sure])


@pytest.mark.parametrize("keep", [("cat", "dog"), ("person",), range(1, 21)], ids=str)
def test_the_mask_is_the_probability_of_the_kept_classes(pair: Pair, keep: tuple[str, ...]) -> None:
    numbers = [VOC_CLASSES.index(k) if isinstance(k, str) else k for k in keep]
    same, twice = noise(64, 96), noise(128, 192)
    kept, kept_small = (logits_by_hand(pair, frame).softmax(dim=0)[numbers].sum(dim=0) for frame in (same, twice))
    # At the network's own size nothing is enlarged; else it is the log odds.
    np.testing.assert_allclose(pair.ours.mask(same, keep), kept, atol=1e-4)
    odds = torch.logit(kept_small.double())[None, None]
    expected = torch.sigmoid(F.interpolate(odds, (128, 192), mode="bilinear"))[0, 0]
    np.testing.assert_allclose(pair.ours.mask(twice, keep), expected, atol=1e-3)


def test_it_runs_on_openvino_by_itself(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save(pair.theirs.state_dict(), tmp_path / "x.pth")
    use_weights(monkeypatch, tmp_path / "x.pth")
    monkeypatch.delenv("SEGLIB_OFFLINE")
    monkeypatch.setenv("SEGLIB_CACHE", str(tmp_path))  # so that the network is exported once
    model = load_model(pair.name, device="cpu", size=64)
    assert model.runtime == "openvino"
    for shape in ((96, 128), (2, 3), (200, 16)):
        frame = noise(*shape)
        np.testing.assert_allclose(model.probabilities(frame), pair.ours.probabilities(frame), atol=1e-4)
        np.testing.assert_allclose(model.mask(frame, ("cat", "tv")), pair.ours.mask(frame, ("cat", "tv")), atol=1e-4)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.labels(frame), model.labels(frame))


@pytest.mark.parametrize("fault", ["lacks", "extra", "shape", "other network", "damaged", "no counters"])
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
    elif fault == "no counters":  # from the dict itself: a copy would lose torch's version, and torch would add them
        for key in [key for key in state if key.endswith("num_batches_tracked")]:
            del state[key]
    path = tmp_path / "weights-01234567.pth"
    torch.save(state, path)
    if fault == "damaged":
        path.write_bytes(path.read_bytes()[:5000])
    use_weights(monkeypatch, path)
    if fault == "no counters":  # only training reads them
        assert load_model(SMALLEST, device="cpu", runtime="torch").name == SMALLEST
        return
    with pytest.raises(WeightsUnavailable, match=r"weights-01234567\.pth") as caught:
        load_model(SMALLEST, device="cpu")
    words = {"lacks": "classifier.cbr.0.weight", "extra": "classifier.another", "shape": "low_classifier"}
    assert words.get(fault, "") in str(caught.value)
