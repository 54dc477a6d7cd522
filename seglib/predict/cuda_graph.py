"""Calculations on an NVIDIA GPU that are recorded once and then played again, as CUDA graphs.

Python tells a GPU each step of a network by itself, some microseconds a step; for networks of several hundred steps
that takes longer than the steps. A recording is started with one call.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from threading import Lock
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seglib.arrays import Frame

Work = Callable[[Tensor], Tensor]  # (N, H, W, 3) uint8 on the device to an answer there

Play = Callable[[Sequence[Frame]], Any]  # frames to an array

_MOST = 8  # recordings kept: a size of frames, a number of them, and a question


class Recorder:
    """Does the same work for frames again and again. The second time it is recorded, from then on played.

    What is asked once only, for a single picture, costs no recording. What cannot be recorded, for lack of memory say,
    is done step by step each time. All recordings use the same memory, one at a time.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._pool = torch.cuda.graph_pool_handle()
        self._kept: OrderedDict[Hashable, Play | None] = OrderedDict()
        self._lock = Lock()

    def __call__(self, frames: Sequence[Frame], work: Work, question: Hashable) -> Any:
        """``work`` of these frames as an array, (N, ...). question: what is asked; another one is recorded anew."""
        key = (question, len(frames), frames[0].shape)
        with self._lock, torch.inference_mode(), torch.cuda.device(self.device), _exact():
            if key not in self._kept:
                play, kept = self._step_by_step(work), None
            else:
                play = kept = self._kept[key] or self._record(frames, work)
            self._kept[key] = kept
            self._kept.move_to_end(key)
            if len(self._kept) > _MOST:
                self._kept.popitem(last=False)
            return play(frames)

    def _step_by_step(self, work: Work) -> Play:
        return lambda frames: work(torch.from_numpy(np.stack(frames)).to(self.device)).cpu().numpy()

    def _record(self, frames: Sequence[Frame], work: Work) -> Play:
        try:
            return Recording(work, (len(frames), *frames[0].shape), self.device, self._pool)
        except RuntimeError:  # PyTorch's for too little memory is one, too
            return self._step_by_step(work)


class Recording:
    """One calculation, of frames of one size. The frames lie in memory that the GPU reads by itself ("pinned")."""

    def __init__(self, work: Work, shape: tuple[int, ...], device: torch.device, pool: Any) -> None:
        self._frames = torch.empty(shape, dtype=torch.uint8, pin_memory=True)
        self._there = torch.zeros(shape, dtype=torch.uint8, device=device)
        stream = torch.cuda.Stream(device)
        stream.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(stream):
            work(self._there)  # cuDNN tries what is fastest for these sizes, which cannot be recorded
        stream.synchronize()
        self._graph = torch.cuda.CUDAGraph()
        # Other threads may go on with their own work on the GPU meanwhile.
        with torch.cuda.graph(self._graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
            self._there.copy_(self._frames, non_blocking=True)
            self._answer = work(self._there)

    def __call__(self, frames: Sequence[Frame]) -> Any:
        for mine, frame in zip(self._frames.numpy(), frames, strict=True):
            mine[:] = frame
        self._graph.replay()
        answer = torch.empty(self._answer.shape, dtype=self._answer.dtype, pin_memory=True)
        answer.copy_(self._answer, non_blocking=True)
        torch.cuda.current_stream().synchronize()
        return answer.numpy()


def _exact() -> Any:
    """32 bits are 32 bits, not the 19 of TF32, and cuDNN looks for the fastest way."""
    return torch.backends.cudnn.flags(enabled=True, benchmark=True, deterministic=False, allow_tf32=False)
