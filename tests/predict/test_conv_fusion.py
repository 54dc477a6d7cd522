"""Fused networks against the same networks in plain layers."""

from copy import deepcopy
from typing import Any

import pytest
import torch
from networks import NAMES, trained
from torch import Tensor, nn
from torch.nn import functional as F

from seglib.predict.conv_fusion import fuse_convolutions
from seglib.predict.registry import MODELS
from seglib.predict.torchvision_models import build, without_aux

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.fixture(scope="module", params=("portrait", *NAMES))
def network(request: pytest.FixtureRequest) -> nn.Module:
    if request.param == "portrait":
        return MODELS["portrait"].load(download=False, progress=False).module()
    return trained(without_aux(build(request.param)))


@pytest.fixture
def cudnn(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cuDNN's fused kernels compute, in plain layers."""

    def conv_relu(x: Tensor, weight: Tensor, *options: Any) -> Tensor:
        return F.relu(F.conv2d(x, weight, *options))

    def conv_add_relu(x: Tensor, weight: Tensor, add: Tensor, alpha: float, *options: Any) -> Tensor:
        return F.relu(F.conv2d(x, weight, *options) + alpha * add)

    monkeypatch.setattr(torch, "cudnn_convolution_relu", conv_relu)
    monkeypatch.setattr(torch, "cudnn_convolution_add_relu", conv_add_relu)


@torch.inference_mode()
def logits(network: nn.Module, inputs: Tensor) -> Tensor:
    return network(inputs)["out"]


@pytest.mark.usefixtures("cudnn")
@pytest.mark.parametrize("with_relu", [False, True])
def test_a_fused_network_computes_the_same(network: nn.Module, with_relu: bool) -> None:
    inputs = torch.randn(2, 3, 64, 96)
    expected = logits(network, inputs)
    found = logits(fuse_convolutions(deepcopy(network), with_relu), inputs)
    assert (found - expected).abs().max() < 1e-4 * expected.abs().max()


@pytest.mark.usefixtures("cudnn")
def test_nothing_is_left_to_fuse_in_a_resnet() -> None:
    network = trained(without_aux(build("fcn_resnet50")))
    inputs = torch.randn(1, 3, 32, 32)
    expected = logits(network, inputs)
    network = fuse_convolutions(network, with_relu=True)
    assert not any(isinstance(layer, nn.BatchNorm2d | nn.ReLU) for layer in network.modules())
    assert (logits(network, inputs) - expected).abs().max() < 1e-4 * expected.abs().max()


@pytest.mark.usefixtures("cudnn")
def test_what_looks_like_a_pair_but_is_none_stays() -> None:
    network = trained(
        nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3, groups=4), nn.ReLU())
    )
    inputs = torch.randn(1, 3, 9, 9)
    expected = network(inputs)
    fused = fuse_convolutions(deepcopy(network), with_relu=True)
    torch.testing.assert_close(fused(inputs), expected)
    assert isinstance(fused[2], nn.BatchNorm2d), "it follows a ReLU"
    assert isinstance(fused[4], nn.ReLU), "it follows a depthwise convolution"
    assert isinstance(fused[1], nn.Identity)


@needs_cuda
def test_cudnns_kernels_compute_the_same(network: nn.Module) -> None:
    plain = deepcopy(network).cuda()
    inputs = torch.randn(1, 3, 256, 320, device="cuda")
    expected = logits(plain, inputs)
    half = fuse_convolutions(deepcopy(plain), True).to(torch.bfloat16, memory_format=torch.channels_last)
    found = logits(half, inputs.bfloat16().contiguous(memory_format=torch.channels_last)).float()
    assert (found - expected).norm() < 0.03 * expected.norm()
