"""The same network in fewer steps: batch normalisation becomes part of the convolution before it, and on CUDA so do
the addition and the ReLU that follow.

A trained batch normalisation only scales and moves what comes out of a convolution, so other weights do that too. What
is saved is not arithmetic but walks through memory: a step of its own reads and writes the whole picture.
"""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.resnet import Bottleneck

_NOTHING = (nn.Identity, nn.Dropout)  # in eval mode


def fused(network: nn.Module, cuda: bool) -> nn.Module:
    """Change a network in eval mode, and return it. cuda: use the joined steps, which only cuDNN has, in 16 bits.

    What belongs together is recognised by its place: a normalisation stands right after its convolution, as in every
    network here.
    """
    for module in list(network.modules()):
        for (name, layer), (after, norm) in pairwise(list(module.named_children())):
            if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, name, fuse_conv_bn_eval(layer, norm))
                setattr(module, after, nn.Identity())
    if cuda:
        _join(network)
    return network


def _join(network: nn.Module) -> None:
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, Bottleneck):
                setattr(module, name, _JoinedBottleneck(child))
        if isinstance(module, nn.Sequential | IntermediateLayerGetter):  # whose children run one after the other
            steps = [(name, child) for name, child in module.named_children() if not isinstance(child, _NOTHING)]
            for (name, layer), (after, relu) in pairwise(steps):
                # cuDNN is slow where each channel is by itself.
                if isinstance(layer, nn.Conv2d) and layer.groups == 1 and isinstance(relu, nn.ReLU):
                    setattr(module, name, _ConvReLU(layer))
                    setattr(module, after, nn.Identity())


class _ConvReLU(nn.Module):
    """A convolution and what follows it in one step of cuDNN."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor, add: Tensor | None = None) -> Tensor:
        """relu(conv(x) + add)."""
        conv: Any = self.conv
        how = (conv.bias, conv.stride, conv.padding, conv.dilation, conv.groups)
        if add is None:
            return torch.cudnn_convolution_relu(x, conv.weight, *how)
        return torch.cudnn_convolution_add_relu(x, conv.weight, add, 1.0, *how)


class _JoinedBottleneck(nn.Module):
    """torchvision's ResNet block: three convolutions, and the input is added before the last ReLU."""

    def __init__(self, block: Bottleneck) -> None:
        super().__init__()
        self.first, self.second, self.third = map(_ConvReLU, (block.conv1, block.conv2, block.conv3))
        self.shortcut = block.downsample or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, h, w) to (N, C', h', w')."""
        joined: Tensor = self.third(self.second(self.first(x)), self.shortcut(x))
        return joined
