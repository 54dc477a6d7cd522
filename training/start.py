"""Weights that a run starts from: ImageNet's MobileNetV2, made narrower; the encoder of ``portrait``."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from training.package import PortraitNet

# The block of MobileNetV2 that each block of the network starts from. The others, which add to what they are given, are
# left out.
_FROM = (1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 14, 15)
_STATISTICS = ("weight", "bias", "running_mean", "running_var")
State = dict[str, Tensor]


def start_portrait(network: nn.Module, data: Path) -> list[nn.Parameter]:
    """Fill the encoder from MobileNetV2. Of the channels inside a block, those stay that contribute most (Li et al., 2017).

    Returns the parameters that were filled.
    """
    assert isinstance(network, PortraitNet)
    theirs: State = torch.load(data / "start" / "mobilenet_v2.pt", map_location="cpu", weights_only=True)
    source = _Block(theirs, "features.1.conv", has_expansion=False)
    kept = source.strongest(network.stem[0].out_channels)
    _fill(network.stem, {"0.weight": theirs["features.0.0.weight"], **_norm(theirs, "features.0.1", "1")}, kept)
    for block, number in zip(network.blocks, _FROM, strict=True):
        source = _Block(theirs, f"features.{number}.conv", has_expansion=number > 1)
        kept = source.strongest(block.depthwise[0].out_channels)
        if number > 1:
            _fill(block.expand, source.expand, kept)
        _fill(block.depthwise, source.depthwise, kept)
        _fill(block.project, {**source.project, "0.weight": source.project["0.weight"][:, kept]})
    return [*network.stem.parameters(), *network.blocks.parameters()]


def start_clothing(network: nn.Module, data: Path) -> list[nn.Parameter]:
    """Fill the backbone from that of the first ``portrait``, which has torchvision's names."""
    theirs = load_file(data / "start" / "portrait_v1.safetensors")
    backbone = network.get_submodule("backbone")
    mine = backbone.state_dict()
    prefix = "backbone."
    backbone.load_state_dict({k: theirs.get(prefix + k, v) for k, v in mine.items()})
    return list(backbone.parameters())


class _Block:
    """The tensors of one inverted residual block of MobileNetV2, by the names of the parts of ours."""

    def __init__(self, state: State, prefix: str, has_expansion: bool) -> None:
        first = 3 if has_expansion else 0
        self.expand = self._part(state, prefix, 0) if has_expansion else {}
        self.depthwise = self._part(state, prefix, first)
        self.project = self._part(state, prefix, first + 3)

    @staticmethod
    def _part(state: State, prefix: str, place: int) -> State:
        convolution = {"0.weight": state[f"{prefix}.{place}.weight"]}
        return convolution | _norm(state, f"{prefix}.{place + 1}", "1")

    def strongest(self, count: int) -> Tensor:
        """The numbers of the channels that are spread most before the projection and weigh most in it, ascending."""
        strength = self.depthwise["1.weight"].abs() * self.project["0.weight"].flatten(1).norm(dim=0)
        return strength.topk(count).indices.sort().values


def _norm(state: State, source: str, target: str) -> State:
    return {f"{target}.{name}": state[f"{source}.{name}"] for name in _STATISTICS}


def _fill(module: nn.Module, tensors: State, kept: Tensor | None = None) -> None:
    """Copy tensors by name; of their first axis only what is kept."""
    chosen = {name: tensor if kept is None else tensor[kept] for name, tensor in tensors.items()}
    missing, unexpected = module.load_state_dict(chosen, strict=False)
    assert not unexpected and all(name.endswith("num_batches_tracked") for name in missing), (missing, unexpected)
