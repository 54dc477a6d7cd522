"""PyTorch as a runtime: only the network on a CPU, the whole walk on a GPU."""

from typing import Any

import numpy as np
import torch
from torch import nn

from seglib.predict.cpu_runner import CPURunner
from seglib.predict.gpu_runner import GPURunner
from seglib.predict.model import Floats


def eval_mode(network: nn.Module, device: str = "cpu") -> nn.Module:
    """The network as it is used: not training, no gradients, on its device."""
    return network.eval().requires_grad_(False).to(device)


class TorchNetwork:
    """A PyTorch module on the CPU as a plain function: (N, 3, h, w) float32 array in, (N, C, h, w) scores out."""

    def __init__(self, network: nn.Module, half: bool = False) -> None:
        self.network = eval_mode(network)
        self.half = half

    @torch.inference_mode()
    def __call__(self, inputs: Floats) -> Floats:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            scores = self.network(torch.from_numpy(inputs))["out"]
        return np.asarray(scores.float().numpy())


def run_with_torch(
    network: nn.Module, preprocess: Any, device: str = "cpu", half: bool = False
) -> CPURunner | GPURunner:
    """PyTorch as the runner of a model. preprocess: its ``prepare(frame)`` is used on a CPU, itself on a GPU."""
    if device != "cpu":
        return GPURunner(preprocess, eval_mode(network, device), device, half)
    return CPURunner(preprocess.prepare, TorchNetwork(network, half), "torch", "bfloat16" if half else "float32")
