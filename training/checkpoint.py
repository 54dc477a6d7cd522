"""Stop at any moment, go on later: everything that a run consists of, in one file that is never half written."""

import os
import signal
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from network import half_precision
from safetensors.torch import save_file
from torch import Tensor, nn

CARD = {
    "input": "RGB, ImageNet mean and std, 256 * 256 pixels in the shape of the frame, sides multiples of 16",
    "output": "logit of person",
    "architecture": "seglib/portrait_network.py: PortraitNet",
}


class Average:
    """The exponential moving average of the weights over the last ``1 / (1 - decay)`` steps: calmer than the last."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.state = {k: v.detach().clone() for k, v in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move towards the network's weights; faster in the first steps, when the past is worth little."""
        share = 1 - min(self.decay, (1 + step) / (10 + step))
        theirs = network.state_dict()
        numbers = [name for name, mine in self.state.items() if mine.is_floating_point()]
        torch._foreach_lerp_([self.state[name] for name in numbers], [theirs[name] for name in numbers], share)
        for name in self.state.keys() - set(numbers):  # counters of batches
            self.state[name].copy_(theirs[name])


def save(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint under another name, then rename it: a crash leaves the old one or the new one."""
    part = path.with_suffix(".part")
    with open(part, "wb") as file:
        torch.save(content, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def load(path: Path, device: torch.device) -> dict[str, Any]:
    """Read a checkpoint; tensors and plain values only, no code."""
    return torch.load(path, map_location=device, weights_only=True)


def export(path: Path, state: dict[str, Tensor], step: int) -> None:
    """Write the weights as 16-bit safetensors, again under another name first."""
    part = path.with_suffix(".part")
    save_file(half_precision(state), part, metadata={**CARD, "step": str(step)})
    os.replace(part, path)


class Stop:
    """Turns Ctrl-C and SIGTERM into a wish that the loop fulfils after the step it is in."""

    def __init__(self) -> None:
        self.wanted = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.wanted = True
