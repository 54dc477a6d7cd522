"""Weights that a run starts from: ImageNet's MobileNetV2, made narrower; the encoder of ``portrait``."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from training.package import BLOCKS, PortraitNet

# The block of MobileNetV2 that each block of the network starts from. The others, which add to what they are given, are
# left out.
_FROM = (1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 14, 15)
_STATISTICS = ("weight", "bias", "running_mean", "running_var")
State = dict[str, Tensor]


def start_portrait(network: nn.Module, data: Path) -> list[nn.Parameter]:
    """Fill the encoder from MobileNetV2; of the channels inside a block, those that contribute most (Li et al., 2017).

    Returns the parameters that were filled.
    """
    assert isinstance(network, PortraitNet)
    theirs: State = torch.load(data / "start" / "mobilenet_v2.pt", map_location="cpu", weights_only=True)
    for place, number in enumerate(_FROM):
        first = 0 if number == 1 else 3
        depthwise, project = (_part(theirs, f"features.{number}.conv", first + step) for step in (0, 3))
        kept = _strongest(depthwise, project, BLOCKS[place][0])
        if number == 1:  # its channels are those of the stem
            _fill(network.stem, _part(theirs, "features.0", 0), kept)
        else:
            _fill(network.get_submodule(f"blocks.{place}.expand"), _part(theirs, f"features.{number}.conv", 0), kept)
        _fill(network.get_submodule(f"blocks.{place}.depthwise"), depthwise, kept)
        project["0.weight"] = project["0.weight"][:, kept]
        _fill(network.get_submodule(f"blocks.{place}.project"), project)
    return [*network.stem.parameters(), *network.blocks.parameters()]


def start_clothing(network: nn.Module, data: Path) -> list[nn.Parameter]:
    """Fill the backbone from that of the first ``portrait``, which has torchvision's names."""
    theirs = load_file(data / "start" / "portrait_v1.safetensors")
    backbone = network.get_submodule("backbone")
    mine = backbone.state_dict()
    prefix = "backbone."
    backbone.load_state_dict({k: theirs.get(prefix + k, v) for k, v in mine.items()})
    return list(backbone.parameters())


def _part(state: State, prefix: str, place: int) -> State:
    """A convolution and its batch normalisation, by the names that they have in a Sequential of ours."""
    norm = {f"1.{name}": state[f"{prefix}.{place + 1}.{name}"] for name in _STATISTICS}
    return {"0.weight": state[f"{prefix}.{place}.weight"], **norm}


def _strongest(depthwise: State, project: State, count: int) -> Tensor:
    """The numbers of the channels that vary most before the projection and weigh most in it, ascending."""
    strength = depthwise["1.weight"].abs() * project["0.weight"].flatten(1).norm(dim=0)
    return torch.sort(strength.topk(count).indices).values


def _fill(module: nn.Module, tensors: State, kept: Tensor | None = None) -> None:
    """Copy tensors by name; of their first axis only what is kept."""
    chosen = {name: tensor if kept is None else tensor[kept] for name, tensor in tensors.items()}
    missing, unexpected = module.load_state_dict(chosen, strict=False)
    faults = [*unexpected, *(name for name in missing if not name.endswith("num_batches_tracked"))]
    if faults:
        raise ValueError(f"these weights do not fit: {', '.join(faults)}")
