"""The embedded network: its blocks against torchvision's, its shapes, and what the package ships."""

import pytest
import torch
from torch import nn
from torchvision.models import mobilenetv2

import seglib
from seglib.predict import portrait
from seglib.predict.portrait_network import InvertedResidual
from seglib.predict.weights import embedded_weights, read_state_dict


@pytest.mark.parametrize("shape", [(192, 256), (288, 160), (32, 256), (32, 32)])
def test_the_answer_has_the_size_of_the_input(shape) -> None:
    network = portrait.build().eval()
    with torch.inference_mode():
        assert network(torch.randn(2, 3, *shape))["out"].shape == (2, 1, *shape)


@pytest.mark.parametrize(
    ("inputs", "out", "stride", "times"), [(8, 8, 1, 4), (8, 12, 1, 3), (8, 8, 2, 4), (8, 6, 1, 1)]
)
def test_a_block_is_torchvisions(inputs: int, out: int, stride: int, times: int) -> None:
    torch.manual_seed(0)
    theirs = mobilenetv2.InvertedResidual(inputs, out, stride, times).eval()
    mine = InvertedResidual(inputs, inputs * times, out, stride).eval()
    for layer in theirs.modules():  # statistics that are not those of an untrained network
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 2)
    mine.load_state_dict(dict(zip(mine.state_dict(), theirs.state_dict().values(), strict=True)))
    images = torch.randn(2, inputs, 16, 24)
    torch.testing.assert_close(mine(images), theirs(images))


def test_the_embedded_weights_fit_name_by_name() -> None:
    names = {name for name in portrait.build().state_dict() if not name.endswith("num_batches_tracked")}
    assert set(read_state_dict(embedded_weights())) == names


def test_it_is_small_enough_to_ship() -> None:
    assert embedded_weights().stat().st_size <= 1_500_000
    assert seglib.model_table()[0]["parameters"] < 600_000


SHAPES = {(360, 640): (192, 352), (480, 640): (224, 288), (640, 427): (320, 224), (9, 640): (32, 512)}


@pytest.mark.parametrize(("frame", "expected"), SHAPES.items())
def test_the_shape_of_the_input_is_near_the_frames(frame, expected) -> None:
    assert seglib.load_model().preprocess(torch.zeros(1, 3, *frame, dtype=torch.uint8)).shape[-2:] == expected
