"""Make drawings of torchvision's networks, and keep them.

Making one takes PyTorch some seconds, so it is kept in the cache, beside the downloaded weights. A cache that cannot be
written or is damaged costs these seconds again and nothing else. SEGLIB_OFFLINE=1 allows no cache.
"""

import contextlib
import os
import shutil
import uuid
import warnings
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seglib.predict.openvino_runtime import FRAMES, load_openvino, put_in_weights, read_drawing
from seglib.predict.weights import cache_folder, is_offline

_FILE = "network.xml"


def compilable(name: str, network: nn.Module) -> Any:
    """The network as an openvino.Model, by way of a drawing from the cache or a new one."""
    return put_in_weights(_kept_drawing(name, network), weight_arrays(network))


def draw(network: nn.Module) -> Any:
    """Trace a PyTorch module whose answer is {"out": scores}: an openvino.Model with the weights as inputs.

    It takes frames of any size. The module is as before afterwards.
    """
    openvino = load_openvino()
    weights = {name: tensor for name, tensor in network.state_dict().items() if _is_weight(name)}
    example = (torch.zeros(1, 3, 64, 64), *weights.values())
    with warnings.catch_warnings(), _lent(network, weights) as bare:
        warnings.simplefilter("ignore")  # the tracer that OpenVINO uses will leave PyTorch: nothing a user can mend
        drawing = openvino.convert_model(bare, example_input=example)
    shapes = {FRAMES: (-1, 3, -1, -1)} | {name: tuple(tensor.shape) for name, tensor in weights.items()}
    for entry, (name, shape) in zip(drawing.inputs, shapes.items(), strict=True):
        entry.get_node().set_friendly_name(name)
        entry.get_node().set_partial_shape(openvino.PartialShape(list(shape)))
        entry.tensor.set_names({name})
    drawing.validate_nodes_and_infer_types()
    return _folded(drawing)


def save_drawing(drawing: Any, path: Path) -> None:
    """Write a drawing to path, an .xml file; the few numbers that belong to it go to a .bin file beside it."""
    load_openvino().save_model(drawing, path, compress_to_fp16=False)


def weight_arrays(network: nn.Module) -> dict[str, NDArray[Any]]:
    """The weights of a module by name, not copied."""
    return {name: tensor.numpy() for name, tensor in network.state_dict().items() if _is_weight(name)}


def _is_weight(name: str) -> bool:
    return not name.endswith("num_batches_tracked")  # counters that only training reads


class _Bare(nn.Module):
    """A network whose weights are arguments."""

    def __init__(self, network: nn.Module, names: list[str]) -> None:
        super().__init__()
        self._held, self._names = [network], names  # in a list, so that its weights are not taken for this module's

    def forward(self, frames: Tensor, *weights: Tensor) -> Tensor:
        _place(self._held[0], dict(zip(self._names, weights, strict=True)))
        return self._held[0](frames)["out"]


@contextlib.contextmanager
def _lent(network: nn.Module, weights: Mapping[str, Tensor]) -> Iterator[_Bare]:
    before = {**dict(network.named_buffers()), **dict(network.named_parameters())}
    try:
        yield _Bare(network, list(weights))
    finally:
        _place(network, before)


def _place(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Put tensors where a module has its weights, also what a module would not take as a parameter."""
    for name, tensor in weights.items():
        path, _, leaf = name.rpartition(".")
        part = network.get_submodule(path)
        table = part._parameters if leaf in part._parameters else part._buffers
        table[leaf] = tensor  # type: ignore[assignment]


def _folded(drawing: Any) -> Any:
    """The drawing, with all that can be worked out without weights worked out."""
    from openvino.passes import ConstantFolding, Manager

    manager = Manager()
    manager.register_pass(ConstantFolding())
    manager.run_passes(drawing)
    return drawing


def _kept_drawing(name: str, network: nn.Module) -> Any:
    """The drawing in the cache; if there is none, a new one, which is kept if it can be."""
    if is_offline():
        return draw(network)
    versions = "-".join(f"{package}{version(package)}" for package in ("openvino", "torch", "torchvision"))
    folder = cache_folder() / "drawings" / f"{name}-{versions}"
    with contextlib.suppress(RuntimeError):
        return read_drawing(folder / _FILE)
    shutil.rmtree(folder, ignore_errors=True)  # it is not there, or damaged
    drawing = draw(network)
    with contextlib.suppress(RuntimeError, OSError):  # no room, or no right to write
        _keep(drawing, folder)
    return drawing


def _keep(drawing: Any, folder: Path) -> None:
    """Under its final name the folder is whole or not there, also when another process makes the same one."""
    temporary = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}.part")
    try:
        temporary.mkdir(parents=True)
        save_drawing(drawing, temporary / _FILE)
        os.rename(temporary, folder)  # refused if another process was quicker
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
