"""Computations on an NVIDIA GPU that are captured once and then replayed, as CUDA graphs.

Python starts each kernel of a network by itself, which takes some microseconds; for networks of several hundred kernels
that is longer than the kernels run. A graph is started with one call.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seglib.arrays import Frame

Work: TypeAlias = Callable[[Tensor], Tensor]  # (N, H, W, 3) uint8 on the device to a result there
Run: TypeAlias = Callable[[Sequence[Frame]], NDArray[Any]]  # frames to an array

MOST_GRAPHS = 8  # one for each size of frames, number of frames and kind of result


@dataclass
class _Entry:
    """How one computation is run: kernel by kernel the first time, then as a graph if it can be captured."""

    run: Run
    was_captured: bool = False  # or could not be


class CUDAGraphs:
    """Runs the same computations again and again. The second time each is captured, from then on replayed.

    What is computed only once, for a single picture, costs no capture. What cannot be captured, for lack of memory say,
    runs kernel by kernel each time. All graphs share their memory; one runs at a time.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._pool = torch.cuda.graph_pool_handle()
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()  # least recently used first
        self._lock = Lock()

    def run(self, frames: Sequence[Frame], work: Work, key: Hashable) -> NDArray[Any]:
        """Return ``work`` of these frames, (N, …).

        Parameters
        ----------
        frames
            Images of one size.
        work
            The computation.
        key
            Names the computation: another key is captured anew, as is another size or number of frames.
        """
        key = (key, len(frames), frames[0].shape)
        with self._lock, torch.inference_mode(), torch.cuda.device(self.device), _exact_float32():
            entry = self._entries.pop(key, None)
            if entry is None:
                entry = _Entry(self._kernel_by_kernel(work))
            elif not entry.was_captured:
                entry = _Entry(self._capture(frames, work), was_captured=True)
            result = entry.run(frames)
            self._entries[key] = entry
            if len(self._entries) > MOST_GRAPHS:
                self._entries.popitem(last=False)
            return result

    def _kernel_by_kernel(self, work: Work) -> Run:
        return lambda frames: work(torch.from_numpy(np.stack(frames)).to(self.device)).cpu().numpy()

    def _capture(self, frames: Sequence[Frame], work: Work) -> Run:
        try:
            return Graph(work, (len(frames), *frames[0].shape), self.device, self._pool)
        except RuntimeError:  # PyTorch's out-of-memory error is one, too
            return self._kernel_by_kernel(work)


class Graph:
    """One computation, of frames of one size. They are copied to pinned memory, which the GPU reads by itself."""

    def __init__(self, work: Work, shape: tuple[int, ...], device: torch.device, pool: Any) -> None:
        self._pinned = torch.empty(shape, dtype=torch.uint8, pin_memory=True)
        self._frames = torch.zeros(shape, dtype=torch.uint8, device=device)
        stream: Any = torch.cuda.Stream(device)
        stream.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(stream):
            work(self._frames)  # cuDNN tries its algorithms for these sizes, which cannot be captured
        stream.synchronize()
        self._graph = torch.cuda.CUDAGraph()
        # Other threads may go on with their own work on the GPU meanwhile.
        with torch.cuda.graph(self._graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
            self._frames.copy_(self._pinned, non_blocking=True)
            self._result = work(self._frames)

    def __call__(self, frames: Sequence[Frame]) -> NDArray[Any]:
        for pinned, frame in zip(self._pinned.numpy(), frames, strict=True):
            pinned[:] = frame
        self._graph.replay()
        result = torch.empty(self._result.shape, dtype=self._result.dtype, pin_memory=True)
        result.copy_(self._result, non_blocking=True)
        torch.cuda.current_stream().synchronize()
        return result.numpy()


def _exact_float32() -> AbstractContextManager[None]:
    """Compute float32 in 32 bits, not in TF32's 19, and let cuDNN search for its fastest algorithm."""
    return torch.backends.cudnn.flags(enabled=True, benchmark=True, deterministic=False, allow_tf32=False)
