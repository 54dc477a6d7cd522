"""PyTorch as a runtime: on a CPU it runs the network only, on a GPU everything from the frame to the mask."""

import numpy as np
import torch
from torch import nn

from seglib.predict.cpu_runner import CPURunner
from seglib.predict.gpu_runner import GPURunner
from seglib.predict.runner import Floats, Preprocessing, Runner


def eval_mode(network: nn.Module) -> nn.Module:
    """Switch a network to eval mode and its gradients off, and return it."""
    return network.eval().requires_grad_(False)


def half_types(device: str) -> tuple[str, ...]:
    """The 16-bit types that PyTorch computes with on a device, the best first.

    bfloat16 has the range of float32, so nothing overflows; older GPUs have only float16.
    """
    if device == "cpu":
        return ("bfloat16",)
    if device.startswith("cuda") and not torch.cuda.is_bf16_supported(including_emulation=False):
        return ("float16",)
    return ("bfloat16", "float16")


class TorchForward:
    """A module on the CPU as a plain function: (N, 3, h, w) float32 array in, (N, C, h, w) logits out.

    Parameters
    ----------
    network
        A module in eval mode that gives {"out": logits}.
    precision
        "float32" or "bfloat16".
    """

    def __init__(self, network: nn.Module, precision: str = "float32") -> None:
        self.network, self.precision = network, precision

    @torch.inference_mode()
    def __call__(self, inputs: Floats) -> Floats:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.precision != "float32"):
            logits = self.network(torch.from_numpy(inputs))["out"]
        return np.asarray(logits.float().numpy())


def torch_runner(
    preprocess: Preprocessing, network: nn.Module, device: str, precision: str = "float32", fuse: bool = False
) -> Runner:
    """Make the runner for a device; the parameters are those of :class:`GPURunner`."""
    if device != "cpu":
        return GPURunner(preprocess, network, device, precision, fuse)
    return CPURunner(preprocess.prepare, TorchForward(network, precision), "torch", precision)
