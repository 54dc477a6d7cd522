"""Several processes that learn one network: each learns from its share of every batch, then all take the mean step.

One process uses one core well; PyTorch's own threads lose a third of the second one on a network of layers this
small. The processes talk over a file of the run's folder and the loopback device.
"""

import os
import signal
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn

LONGEST_NAP = timedelta(days=1)  # a laptop may sleep in the middle of a step


def start(work: Callable[..., None], count: int, folder: Path, *args: Any) -> None:
    """Call ``work(*args)`` in each of ``count`` processes that know of each other; in this one if it is only one."""
    if count == 1:
        work(*args)
        return
    meeting = folder / f"meeting-{os.getpid()}"
    context = mp.spawn(_join, (work, count, meeting, args), nprocs=count, join=False)

    def pass_on(number: int, frame: FrameType | None) -> None:
        for process in context.processes:
            process.terminate()  # SIGTERM: they stop together after the step they are in

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, pass_on)
    try:
        while not context.join():
            pass
    finally:
        meeting.unlink(missing_ok=True)


def _join(rank: int, work: Callable[..., None], count: int, meeting: Path, args: tuple[Any, ...]) -> None:
    store = dist.FileStore(str(meeting), count)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=count, timeout=LONGEST_NAP)
    try:
        work(*args)
    finally:
        dist.destroy_process_group()


def share() -> tuple[int, int]:
    """Which of how many processes this is, (0, 1) when it is alone."""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def agree(parameters: Iterable[nn.Parameter], values: Tensor) -> Tensor:
    """Replace every gradient by its mean over the processes; returns the mean of ``values``, a few numbers, too."""
    count = share()[1]
    if count == 1:
        return values
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([values.flatten(), *(g.flatten() for g in gradients)])
    dist.all_reduce(flat)  # one message: hundreds of small ones would cost more than the numbers in them
    flat /= count
    parts = flat.split([values.numel(), *(g.numel() for g in gradients)])
    for gradient, part in zip(gradients, parts[1:], strict=True):
        gradient.copy_(part.view_as(gradient))
    return parts[0]
