"""The GPU's runner: from the uint8 frames to the finished masks everything stays on the device.

On an NVIDIA GPU a large network has several hundred small kernels. They are fused into fewer (``conv_fusion``) and
started together as a CUDA graph (``cuda_graph``); otherwise the GPU would wait for Python.
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
from seglib.predict.conv_fusion import fuse_convolutions
from seglib.predict.cuda_graph import CUDAGraphs
from seglib.predict.probabilities import class_probabilities, mask_probabilities
from seglib.predict.runner import Floats, Preprocessing, Size


class GPURunner:
    """A :class:`Runner` for a device that PyTorch knows.

    Threads may share one; on CUDA they compute one after the other.

    Parameters
    ----------
    preprocess
        From frames to the input, on the device.
    network
        A module in eval mode that gives {"out": logits}. It is copied.
    device
        "cuda", "cuda:1", "mps" …
    precision
        "float32", "bfloat16" or "float16".
    fuse
        Whether the network's convolutions may be fused: only where each normalisation directly follows its convolution.
    """

    runtime, batch = "torch", 8

    def __init__(
        self, preprocess: Preprocessing, network: nn.Module, device: str, precision: str = "float32", fuse: bool = False
    ) -> None:
        self._device = torch.device(device)
        self._preprocess = preprocess
        self.precision = precision
        self._dtype: torch.dtype = getattr(torch, precision)
        cuda = self._device.type == "cuda"
        network = deepcopy(network)
        if fuse:
            network = fuse_convolutions(network, with_relu=cuda and self._dtype != torch.float32)
        network.to(self._device, self._dtype)
        self._network: nn.Module = network.to(memory_format=torch.channels_last)
        self._graphs = CUDAGraphs(self._device) if cuda else None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_graphs": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self._device.type == "cuda":
            self._graphs = CUDAGraphs(self._device)

    def mask_probabilities(self, frames: Sequence[Frame], channels: Sequence[int], size: Size) -> Floats:
        """See :class:`Runner`."""
        return np.asarray(self._run(frames, mask_probabilities, tuple(channels), size), np.float32)

    def probabilities(self, frame: Frame) -> Floats:
        """See :class:`Runner`."""
        return np.asarray(self._run([frame], class_probabilities, frame.shape[1::-1])[0], np.float32)

    def argmax(self, frame: Frame) -> NDArray[np.uint8]:
        """See :class:`Runner`."""
        return np.asarray(self._run([frame], _argmax, frame.shape[1::-1])[0], np.uint8)

    def _run(self, frames: Sequence[Frame], finish: Callable[..., Tensor], *options: Any) -> NDArray[Any]:
        """``finish(logits, *options, _resize, torch)`` of these frames, as an array."""
        work = partial(self._forward, finish, options)
        if self._graphs is not None:
            return self._graphs.run(frames, work, key=(finish.__name__, *options))
        return work(torch.from_numpy(np.stack(frames)).to(self._device)).cpu().numpy()

    @torch.inference_mode()
    def _forward(self, finish: Callable[..., Tensor], options: tuple[Any, ...], frames: Tensor) -> Tensor:
        inputs = self._preprocess(frames.permute(0, 3, 1, 2))  # (N, H, W, 3) to (N, 3, h, w)
        inputs = inputs.to(self._dtype).contiguous(memory_format=torch.channels_last)
        return finish(self._network(inputs)["out"].float(), *options, _resize, torch)


def _argmax(logits: Tensor, size: Size, resize: Callable[[Tensor, Size], Tensor], _: object) -> Tensor:
    logits = resize(logits, size)
    best = logits[:, 0] > 0 if logits.shape[1] == 1 else logits.argmax(dim=1)
    return best.to(torch.uint8)


def _resize(planes: Tensor, size: Size) -> Tensor:
    """(N, C, h, w) or (N, h, w), bilinear; where it shrinks with a filter, which avoids ragged edges."""
    if planes.ndim == 3:
        return _resize(planes[:, None], size)[:, 0]
    shrinks = size[0] < planes.shape[-1]
    return interpolate(planes, size[::-1], mode="bilinear", align_corners=False, antialias=shrinks)
