"""The walk of a frame on a GPU: between the uint8 frames and the finished masks everything stays there.

On NVIDIA's, where a large network has several hundred small steps, they are done in fewer (``fused``), and recorded to
be started at once (``recorded``): otherwise the GPU would wait for Python.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import interpolate

from seglib.arrays import Frame
from seglib.predict.conv_fusion import fused
from seglib.predict.cuda_graph import Recorder
from seglib.predict.model import Floats, Size


class GPURunner:
    """Walks frames through a network in batches, on a device that PyTorch knows. See CPURunner for the channels.

    preprocess: (N, 3, H, W) uint8 to the network's input, (N, 3, h, w) float32, all on the device. network: on the
    device, in eval mode; it gets a copy. half: compute in 16 bits. May be used from several threads at once; on CUDA
    one of them computes while the others wait.
    """

    runtime, batch = "torch", 8

    def __init__(self, preprocess: Callable[[Tensor], Tensor], network: nn.Module, device: str, half: bool) -> None:
        self._device = torch.device(device)
        self._preprocess = preprocess
        self._dtype = _half_type(self._device) if half else torch.float32
        self.precision = str(self._dtype).removeprefix("torch.")
        cuda = self._device.type == "cuda"
        network = fused(deepcopy(network), cuda and half).to(self._dtype)
        self._network: nn.Module = network.to(memory_format=torch.channels_last)
        self._recorder = Recorder(self._device) if cuda else None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_recorder": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self._device.type == "cuda":
            self._recorder = Recorder(self._device)

    def mask_probabilities(self, frames: Sequence[Frame], channels: Sequence[int], size: Size) -> Floats:
        """How likely each pixel is of one of these channels, (N, height, width), in [0, 1]. size: (width, height)."""
        return self._answer(frames, _shares, tuple(channels), size)

    def argmax(self, frame: Frame) -> NDArray[np.uint8]:
        """The most likely channel of each pixel, (H, W)."""
        return np.asarray(self._answer([frame], _winners, frame.shape[1::-1])[0])

    def probabilities(self, frame: Frame) -> Floats:
        """How likely each pixel is of each channel, (C, H, W), summing to 1 over the channels."""
        return np.asarray(self._answer([frame], _chances, frame.shape[1::-1])[0])

    def _answer(self, frames: Sequence[Frame], decide: Callable[..., Tensor], *options: Any) -> Any:
        """``decide(scores, *options)`` of these frames, as an array."""
        work = partial(self._walk, decide, options)
        if self._recorder is None:
            return work(torch.from_numpy(np.stack(frames)).to(self._device)).cpu().numpy()
        return self._recorder(frames, work, (decide.__name__, *options))

    @torch.inference_mode()
    def _walk(self, decide: Callable[..., Tensor], options: tuple[Any, ...], frames: Tensor) -> Tensor:
        """frames: (N, H, W, 3) uint8 on the device; so is the answer."""
        inputs = self._preprocess(frames.permute(0, 3, 1, 2))  # (N, 3, h, w)
        inputs = inputs.to(self._dtype).contiguous(memory_format=torch.channels_last)
        return decide(self._network(inputs)["out"].float(), *options)


def _shares(scores: Tensor, channels: tuple[int, ...], size: Size) -> Tensor:
    count = max(2, scores.shape[1])
    if len(channels) in (0, count):
        return torch.full((len(scores), *size[::-1]), float(bool(channels)), device=scores.device)
    if scores.shape[1] == 1:
        margin = scores if channels[0] == 1 else -scores
    else:
        rest = [channel for channel in range(count) if channel not in channels]
        margin = _together(scores, channels) - _together(scores, rest)
    if size[0] * size[1] < margin[0].numel():  # several pixels become one: their mask_probabilities are averaged
        return _resize(torch.sigmoid(margin), size)[:, 0]
    return torch.sigmoid(_resize(margin, size))[:, 0]


def _together(scores: Tensor, channels: Sequence[int]) -> Tensor:
    """The logarithm of the summed exponentials of these channels, (N, 1, h, w).

    Neighbouring channels are taken as one slice: a list of numbers would have to go to the device, each time.
    """
    edges = [c for c in range(scores.shape[1] + 1) if (c in channels) != (c - 1 in channels)]
    slices = [scores[:, first:last] for first, last in zip(edges[::2], edges[1::2], strict=True)]
    sums = [part.logsumexp(1, keepdim=True) for part in slices]
    return torch.cat(sums, 1).logsumexp(1, keepdim=True) if len(sums) > 1 else sums[0]


def _winners(scores: Tensor, size: Size) -> Tensor:
    scores = _resize(scores, size)
    best = scores[:, 0] > 0 if scores.shape[1] == 1 else scores.argmax(dim=1)
    return best.to(torch.uint8)


def _chances(scores: Tensor, size: Size) -> Tensor:
    scores = _resize(scores, size)
    if scores.shape[1] == 1:
        person = torch.sigmoid(scores)
        return torch.cat([1 - person, person], 1)
    return torch.softmax(scores, dim=1)


def _half_type(device: torch.device) -> torch.dtype:
    """bfloat16 has float32's range, so nothing overflows; older GPUs only have float16."""
    if device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    return torch.float16


def _resize(scores: Tensor, size: Size) -> Tensor:
    shrinks = size[0] < scores.shape[-1]  # skipping pixels would leave a ragged edge
    return interpolate(scores, size[::-1], mode="bilinear", align_corners=False, antialias=shrinks)
