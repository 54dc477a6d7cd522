"""wrap_model: a small network of one's own, used wherever a model can be."""

import pickle
from collections.abc import Callable

import numpy as np
import pytest
import torch
from networks import TinyNetwork, noise
from torch import Tensor, nn

import seglib
from seglib import Model, wrap_model

CUPS = ("background", "cup", "hand")


class Returns(nn.Module):
    """Returns what a function makes of the logits of a 1×1 convolution."""

    def __init__(self, channels: int, form: Callable[[Tensor], object] = lambda logits: logits) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.form = nn.Conv2d(3, channels, 1), form

    def forward(self, x: Tensor) -> object:
        return self.form(self.layer(x))


FORMS = {
    "tensor": lambda logits: logits,
    "dict": lambda logits: {"out": logits, "aux": None},
    "coarse": lambda logits: nn.functional.avg_pool2d(logits, 4),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_wrapped_network_is_itself_run_by_hand(form: str) -> None:
    network, frame = Returns(3, FORMS[form]), noise(64, 96)
    model = wrap_model(network, CUPS, size=32, mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2), device="cpu")
    inputs = (nn.functional.avg_pool2d(torch.from_numpy(frame).permute(2, 0, 1)[None] / 255.0, 2) - 0.5) / 0.2
    output = network(inputs)
    logits = nn.functional.interpolate(output["out"] if form == "dict" else output, (64, 96), mode="bilinear")
    expected = torch.softmax(logits, 1)[0].detach().numpy()
    np.testing.assert_allclose(model.probabilities(frame), expected, atol=0.01)
    assert (model.labels(frame) == expected.argmax(axis=0)).mean() > 0.99
    assert np.abs(model.mask(frame, ("cup", "hand")) - expected[1:].sum(axis=0)).mean() < 0.01
    assert model.masks([frame, frame], "cup", (24, 16)).shape == (2, 16, 24)


def test_it_says_what_it_is() -> None:
    network = Returns(3)
    model = wrap_model(network, CUPS, device="cpu")
    assert isinstance(model, Model)
    assert (model.name, model.class_names, model.classes) == ("Returns", CUPS, (0, 1, 2))
    assert (model.device, model.runtime, model.precision) == ("cpu", "torch", "float32")
    assert wrap_model(network, CUPS, name="cups").name == "cups"
    assert model.class_numbers("hand") == [2]


def test_a_single_channel_tells_two_classes_apart() -> None:
    network, frame = Returns(1), noise(20, 30)
    model = wrap_model(network, ("background", "cup"), device="cpu")
    probabilities = model.probabilities(frame)
    expected = torch.sigmoid(network(model.preprocess(torch.from_numpy(frame).permute(2, 0, 1)[None])))[0, 0]
    np.testing.assert_allclose(probabilities[1], expected.detach(), atol=1e-5)
    np.testing.assert_allclose(probabilities.sum(axis=0), 1, atol=1e-6)
    np.testing.assert_array_equal(model.mask(frame, "cup"), probabilities[1])
    np.testing.assert_array_equal(model.labels(frame), probabilities[1] > 0.5)


def test_training_goes_on_without_the_model() -> None:
    network, frame = TinyNetwork(2).train().requires_grad_(True), noise(32, 48)
    model = wrap_model(network, CUPS[:2], device="cpu")
    before = model.mask(frame, "cup")
    assert network.training
    assert all(weight.requires_grad for weight in network.parameters())
    assert not model.network.training
    nn.init.zeros_(network.last.weight)
    np.testing.assert_array_equal(model.mask(frame, "cup"), before)


def test_it_can_be_pickled() -> None:
    model, frame = wrap_model(TinyNetwork(2), CUPS[:2], size=32, device="cpu"), noise(32, 48)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.mask(frame, "cup"), model.mask(frame, "cup"))
    assert again.class_names == model.class_names


def test_it_drives_a_pipeline() -> None:
    model = wrap_model(TinyNetwork(3), CUPS, size=64, device="cpu")
    walk = seglib.Pipeline(model, keep=("cup", "hand"), effect=seglib.Blur(), labels=True)
    result = walk(seglib.sample_frame())
    assert result.output.shape == (480, 640, 3)
    assert set(np.unique(result.labels)) <= {0, 1, 2}
    with pytest.raises(ValueError, match="'person'.*cup"):
        seglib.Pipeline(model)


@pytest.mark.parametrize(
    ("channels", "names", "words"),
    [(3, 2, "2 class names.*3 channels"), (2, 3, "3 class names.*2 channels"), (1, 3, "3 class names.*1 channels")],
)
def test_names_and_channels_must_agree(channels: int, names: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        wrap_model(Returns(channels), CUPS[:names])


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (Returns(2).state_dict(), "OrderedDict.*load_state_dict"),
        (TinyNetwork, r"type.*\(\)"),
        ("network.pth", "str"),
        (Returns(2, lambda logits: {"logits": logits}), "'logits'.*'out'"),
        (Returns(2, lambda logits: [logits]), "list"),
    ],
)
def test_what_is_no_network_of_logits_is_refused(network: object, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        wrap_model(network, CUPS[:2])


@pytest.mark.parametrize("names", ["cup", (), ("cup",), ("cup", "cup"), (1, 2)], ids=str)
def test_class_names_are_different_names(names: object) -> None:
    with pytest.raises(ValueError, match="class_names"):
        wrap_model(Returns(2), names)


@pytest.mark.parametrize("wrong", [{"mean": (0, 0)}, {"std": (1, 1, 0)}], ids=str)
def test_mean_and_std_are_three_numbers(wrong: dict[str, tuple[float, ...]]) -> None:
    with pytest.raises(ValueError, match="three numbers, and std above 0"):
        wrap_model(Returns(2), CUPS[:2], **wrong)


def test_logits_have_four_axes() -> None:
    with pytest.raises(ValueError, match=r"\(1, 2\).*\(N, C, h, w\)"):
        wrap_model(Returns(2, lambda logits: logits.mean(dim=(2, 3))), CUPS[:2])
