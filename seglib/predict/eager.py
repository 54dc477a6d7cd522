"""PyTorch as a runtime: the whole walk on a GPU, or only the network on a CPU.

On a GPU everything between the uint8 frames and the finished masks stays there. This part was written without one at
hand: it is not measured, and tested only where PyTorch finds a GPU.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import interpolate

from seglib.arrays import Frame
from seglib.predict.cpu import OnCPU
from seglib.predict.model import Floats, Size


def settle(network: nn.Module, device: str = "cpu") -> nn.Module:
    """The network as it is used: not training, no gradients, on its device."""
    return network.eval().requires_grad_(False).to(device)


class EagerNetwork:
    """A PyTorch module on the CPU as a plain function: (N, 3, h, w) float32 array in, (N, C, h, w) scores out."""

    def __init__(self, network: nn.Module, half: bool = False) -> None:
        self.network = settle(network)
        self.half = half

    @torch.inference_mode()
    def __call__(self, inputs: Floats) -> Floats:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            scores = self.network(torch.from_numpy(inputs))["out"]
        return np.asarray(scores.float().numpy())


class OnGPU:
    """Walks frames through a network in batches, on a device that PyTorch knows. See OnCPU for the channels."""

    runtime, batch = "torch", 8

    def __init__(self, preprocess: Callable[[Tensor], Tensor], network: nn.Module, device: str, half: bool) -> None:
        self._device = torch.device(device)
        self._preprocess = preprocess
        self._network = settle(network, device).to(memory_format=torch.channels_last)
        self._dtype = _half_type(self._device) if half else torch.float32
        self.precision = str(self._dtype).removeprefix("torch.")

    def shares(self, frames: Sequence[Frame], channels: Sequence[int], size: Size) -> Floats:
        """How likely each pixel is of one of these channels, (N, height, width), in [0, 1]. size: (width, height)."""
        scores = self._scores(frames)
        count = max(2, scores.shape[1])
        if len(channels) in (0, count):
            return np.full((len(frames), *size[::-1]), float(bool(channels)), np.float32)
        if scores.shape[1] == 1:
            margin = scores if channels[0] == 1 else -scores
        else:
            rest = [channel for channel in range(count) if channel not in channels]
            margin = scores[:, list(channels)].logsumexp(1, keepdim=True) - scores[:, rest].logsumexp(1, keepdim=True)
        if size[0] * size[1] < margin[0].numel():  # several pixels become one: their shares are averaged
            return _to_array(_resize(torch.sigmoid(margin), size)[:, 0])
        return _to_array(torch.sigmoid(_resize(margin, size))[:, 0])

    def winners(self, frame: Frame) -> NDArray[np.uint8]:
        """The most likely channel of each pixel, (H, W)."""
        scores = _resize(self._scores([frame]), frame.shape[1::-1])[0]
        best = scores[0] > 0 if len(scores) == 1 else scores.argmax(dim=0)
        return _to_array(best.to(torch.uint8))

    def chances(self, frame: Frame) -> Floats:
        """How likely each pixel is of each channel, (C, H, W), summing to 1 over the channels."""
        scores = _resize(self._scores([frame]), frame.shape[1::-1])
        if scores.shape[1] == 1:
            person = torch.sigmoid(scores[0])
            return _to_array(torch.cat([1 - person, person]))
        return _to_array(torch.softmax(scores[0], dim=0))

    @torch.inference_mode()
    def _scores(self, frames: Sequence[Frame]) -> Tensor:
        """(N, C, h, w) float32, on the device."""
        batch = torch.from_numpy(np.stack(frames))  # (N, H, W, 3) uint8
        if self._device.type == "cuda":
            batch = batch.pin_memory()  # copied while the CPU goes on
        inputs = self._preprocess(batch.to(self._device, non_blocking=True).permute(0, 3, 1, 2))  # (N, 3, h, w)
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self._device.type, self._dtype, enabled=self._dtype != torch.float32):
            return self._network(inputs)["out"].float()


def run_eagerly(network: nn.Module, preprocess: Any, device: str = "cpu", half: bool = False) -> OnCPU | OnGPU:
    """PyTorch as the runner of a model. preprocess: its ``prepare(frame)`` is used on a CPU, itself on a GPU."""
    if device != "cpu":
        return OnGPU(preprocess, network, device, half)
    return OnCPU(preprocess.prepare, EagerNetwork(network, half), "torch", "bfloat16" if half else "float32")


def _half_type(device: torch.device) -> torch.dtype:
    """bfloat16 has float32's range, so nothing overflows; older GPUs only have float16."""
    return torch.bfloat16 if device.type != "cuda" or torch.cuda.is_bf16_supported() else torch.float16


@torch.inference_mode()
def _resize(scores: Tensor, size: Size) -> Tensor:
    shrinks = size[0] < scores.shape[-1]  # skipping pixels would leave a ragged edge
    return interpolate(scores, size[::-1], mode="bilinear", align_corners=False, antialias=shrinks)


def _to_array(tensor: Tensor) -> Any:
    return tensor.cpu().numpy()
