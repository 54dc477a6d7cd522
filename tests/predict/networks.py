"""Frames and small networks for the tests of seglib.predict."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor, nn
from torchvision.models import segmentation
from torchvision.models._api import WeightsEnum

WEIGHTS = {
    "deeplabv3_resnet101": segmentation.DeepLabV3_ResNet101_Weights,
    "deeplabv3_resnet50": segmentation.DeepLabV3_ResNet50_Weights,
    "deeplabv3_mobilenet_v3_large": segmentation.DeepLabV3_MobileNet_V3_Large_Weights,
    "fcn_resnet101": segmentation.FCN_ResNet101_Weights,
    "fcn_resnet50": segmentation.FCN_ResNet50_Weights,
    "lraspp_mobilenet_v3_large": segmentation.LRASPP_MobileNet_V3_Large_Weights,
}
SMALLEST = "lraspp_mobilenet_v3_large"
LARGE = ("deeplabv3_resnet101", "fcn_resnet101", "fcn_resnet50", "deeplabv3_resnet50")  # as the others, but slow
NAMES = [pytest.param(name, marks=pytest.mark.slow if name in LARGE else ()) for name in WEIGHTS]


def published(name: str) -> WeightsEnum:
    return WEIGHTS[name].COCO_WITH_VOC_LABELS_V1


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A frame of coloured blocks, so that a network's output differs from place to place."""
    small = np.random.default_rng(seed).integers(0, 256, (-(-height // 16), -(-width // 16), 3), dtype=np.uint8)
    return small.repeat(16, axis=0).repeat(16, axis=1)[:height, :width]


def inputs(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def logits_of(network: nn.Module, array: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return network(torch.from_numpy(array))["out"].numpy()


def trained(network: nn.Module) -> nn.Module:
    """As if it had been trained: every normalisation has numbers of its own."""
    torch.manual_seed(3)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 2)
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, 0, 0.1)
    return network.eval().requires_grad_(False)


def as_published(name: str) -> nn.Module:
    """The network that torchvision builds for its published weights, with random ones in their place.

    Its logits have mean 0 and deviation 2, so that no class wins everywhere, and none by so much that rounding shows.
    """
    torch.manual_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WeightsEnum, "get_state_dict", lambda self, **options: {})
        patch.setattr(nn.Module, "load_state_dict", lambda self, state, **options: None)
        network = torchvision.models.get_model(name, weights=published(name)).eval().requires_grad_(False)
    head = network.classifier
    last = [head[-1]] if isinstance(head, nn.Sequential) else [head.low_classifier, head.high_classifier]
    for part in last:
        nn.init.zeros_(part.bias)
    frame = torch.from_numpy(noise(96, 128)).permute(2, 0, 1)
    logits = network(published(SMALLEST).transforms(resize_size=64)(frame)[None])["out"]
    deviation, mean = torch.std_mean(logits, dim=(0, 2, 3))  # (21,) each
    for part in last:
        part.weight.mul_(2 / deviation.view(-1, 1, 1, 1))
    last[0].bias.copy_(-2 * mean / deviation)
    return network


def use_weights(monkeypatch: pytest.MonkeyPatch, path: Path) -> list[tuple[str, dict[str, object]]]:
    """Let load_model find this file for any of torchvision's models; returns what it asks for."""
    asked: list[tuple[str, dict[str, object]]] = []
    monkeypatch.setattr(
        "seglib.predict.torchvision_models.weights_file",
        lambda url, **options: asked.append((url, options)) or path,
    )
    return asked


class TinyNetwork(nn.Module):
    """A network that is built and exported in no time, with what real ones have: a normalisation and an upsampling."""

    def __init__(self, channels: int = 2) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.Hardswish())
        self.last = nn.Conv2d(8, channels, 1)
        trained(self)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        logits = self.last(self.first(images))
        return {"out": nn.functional.interpolate(logits, images.shape[-2:], mode="bilinear")}
