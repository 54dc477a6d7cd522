"""Weights of ``portrait`` in and out of files. The network itself stands in ``seglib/portrait_network.py``."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from seglib.portrait_network import PortraitNet
from torch import Tensor, nn

__all__ = ["SCORES", "PortraitNet", "half_precision", "load_weights"]

SCORES = ("classifier.high_classifier.", "classifier.low_classifier.", "last.")  # the layers whose sum is the answer


def load_weights(network: nn.Module, path: Path) -> list[str]:
    """Take every tensor of a safetensors file that fits by name and shape; returns the names of those left alone."""
    mine = network.state_dict()
    fitting = {k: v.float() for k, v in load_file(path).items() if k in mine and mine[k].shape == v.shape}
    network.load_state_dict(fitting, strict=False)
    return [k for k in mine if k not in fitting and not k.endswith("num_batches_tracked")]


def half_precision(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What is exported: the weights as 16-bit floats, without the counters that only training needs."""
    return {k: v.detach().cpu().to(torch.float16).contiguous() for k, v in state.items() if "num_batches" not in k}
