"""The embedded networks: shapes, size, and the export that OpenVINO runs."""

import numpy as np
import pytest
import torch

from seglib import portrait
from seglib.predict import deeplabv3_clothing as clothing
from seglib.predict.compiled import Compiled, put_in_weights
from seglib.predict.drawings import draw, weight_arrays
from seglib.weights import embedded_weights, read_state_dict

BUILD = {"portrait": portrait.build, "clothing": clothing.build}
CHANNELS = {"portrait": 1, "clothing": len(clothing.CLASS_NAMES)}


@pytest.fixture(scope="module", params=BUILD)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def network(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    network = BUILD[name]().eval()
    for layer in network.modules():  # statistics that are not those of an untrained network
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 2)
    return network.requires_grad_(False)


@pytest.mark.parametrize("shape", [(192, 256), (160, 288), (256, 192), (32, 64)])
def test_the_answer_has_the_size_of_the_input(name: str, network: torch.nn.Module, shape: tuple[int, int]) -> None:
    assert network(torch.randn(2, 3, *shape))["out"].shape == (2, CHANNELS[name], *shape)


def test_openvino_gives_the_same_logits(network: torch.nn.Module) -> None:
    exported = put_in_weights(draw(network), weight_arrays(network))
    for shape in ((192, 256), (160, 288)):
        images = torch.randn(1, 3, *shape)
        expected = network(images)["out"].numpy()
        np.testing.assert_allclose(Compiled(lambda: exported)(images.numpy()), expected, rtol=1e-3, atol=1e-3)


def test_the_weights_fit_name_by_name() -> None:
    names = {name for name in portrait.build().state_dict() if not name.endswith("num_batches_tracked")}
    assert set(read_state_dict(embedded_weights())) == names


def test_they_are_small_enough_to_ship(name: str, network: torch.nn.Module) -> None:
    limit = {"portrait": 3_000_000, "clothing": 5_000_000}[name]
    assert 2 * sum(value.numel() for value in network.state_dict().values()) < limit


SHAPES = {(360, 640): (160, 288), (480, 640): (192, 256), (640, 427): (256, 192), (9, 640): (32, 448)}


@pytest.mark.parametrize(("frame", "expected"), SHAPES.items())
def test_the_shape_of_the_input_is_near_the_frames(frame: tuple[int, int], expected: tuple[int, int]) -> None:
    assert portrait.Preprocess()(torch.zeros(1, 3, *frame, dtype=torch.uint8)).shape[-2:] == expected
