"""The same network in fewer kernels: batch normalisation, addition and ReLU become part of the convolution before.

A trained batch normalisation scales and shifts the output of a convolution, which other weights of that convolution do
as well. This saves no arithmetic but passes through memory: each kernel reads and writes the whole feature map.
"""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.resnet import Bottleneck

_NO_OPS = (nn.Identity, nn.Dropout)  # in eval mode


def fuse_convolutions(network: nn.Module, with_relu: bool) -> nn.Module:
    """Change a network in eval mode, and return it.

    Parameters
    ----------
    network
        Each of its batch normalisations that stands right after a convolution is applied right after it.
    with_relu
        Use cuDNN's kernels that add and apply ReLU, too. They need CUDA and 16 bits.
    """
    for module in list(network.modules()):
        for (name, layer), (next_name, norm) in pairwise(list(module.named_children())):
            if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, name, fuse_conv_bn_eval(layer, norm))
                setattr(module, next_name, nn.Identity())
    if with_relu:
        _fuse_relu(network)
    return network


def _fuse_relu(network: nn.Module) -> None:
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, Bottleneck):
                setattr(module, name, _FusedBottleneck(child))
        if isinstance(module, nn.Sequential | IntermediateLayerGetter):  # whose children run one after the other
            layers = [(name, child) for name, child in module.named_children() if not isinstance(child, _NO_OPS)]
            for (name, layer), (next_name, relu) in pairwise(layers):
                # cuDNN is slow for depthwise convolutions.
                if isinstance(layer, nn.Conv2d) and layer.groups == 1 and isinstance(relu, nn.ReLU):
                    setattr(module, name, _ConvReLU(layer))
                    setattr(module, next_name, nn.Identity())


class _ConvReLU(nn.Module):
    """relu(conv(x)), or relu(conv(x) + add), in one kernel of cuDNN."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor, add: Tensor | None = None) -> Tensor:
        conv: Any = self.conv
        options = (conv.bias, conv.stride, conv.padding, conv.dilation, conv.groups)
        if add is None:
            return torch.cudnn_convolution_relu(x, conv.weight, *options)
        return torch.cudnn_convolution_add_relu(x, conv.weight, add, 1.0, *options)


class _FusedBottleneck(nn.Module):
    """torchvision's ResNet block: three convolutions; the input is added before the last ReLU."""

    def __init__(self, block: Bottleneck) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3 = map(_ConvReLU, (block.conv1, block.conv2, block.conv3))
        self.downsample = block.downsample or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.conv3(self.conv2(self.conv1(x)), self.downsample(x))
        return output
