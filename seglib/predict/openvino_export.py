"""Export PyTorch networks for OpenVINO, and keep the exported models.

An export takes PyTorch some seconds, so it is kept in the cache, beside the downloaded weights. A cache that cannot be
written or is damaged costs these seconds again and nothing else. SEGLIB_OFFLINE=1 allows no cache.
"""

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seglib._internal.atomic_files import AtomicFolder
from seglib.predict.openvino_runtime import FRAMES, import_openvino, insert_weights, read_exported
from seglib.predict.weights import cache_folder, is_offline

_FILE = "network.xml"


def export_with_weights(name: str, network: nn.Module) -> Any:
    """Return the network as an openvino.Model, by way of an export from the cache or a new one."""
    return insert_weights(_cached_export(name, network), weight_arrays(network))


def export(network: nn.Module) -> Any:
    """Export a module that gives {"out": logits}: an openvino.Model of frames of any size, with the weights as inputs.

    The module is not changed.
    """
    openvino = import_openvino()
    weights = {name: tensor for name, tensor in network.state_dict().items() if _is_weight(name)}
    example = (torch.zeros(1, 3, 64, 64), *weights.values())
    with warnings.catch_warnings(), _weights_as_arguments(network, weights) as function:
        warnings.simplefilter("ignore")  # OpenVINO uses a tracer that PyTorch deprecates; users cannot change that
        exported = openvino.convert_model(function, example_input=example)
    shapes = {FRAMES: (-1, 3, -1, -1)} | {name: tuple(tensor.shape) for name, tensor in weights.items()}
    for entry, (name, shape) in zip(exported.inputs, shapes.items(), strict=True):
        entry.get_node().set_friendly_name(name)
        entry.get_node().set_partial_shape(openvino.PartialShape(list(shape)))
        entry.tensor.set_names({name})
    exported.validate_nodes_and_infer_types()
    return _fold_constants(exported)


def save_exported(exported: Any, path: Path) -> None:
    """Write an exported model to an .xml file, and the few numbers that belong to it to a .bin file beside it."""
    import_openvino().save_model(exported, path, compress_to_fp16=False)


def weight_arrays(network: nn.Module) -> dict[str, NDArray[Any]]:
    """Return the weights of a module by name, not copied."""
    return {name: tensor.numpy() for name, tensor in network.state_dict().items() if _is_weight(name)}


def _is_weight(name: str) -> bool:
    return not name.endswith("num_batches_tracked")  # counters that only training reads


class _Function(nn.Module):
    """A network whose weights are arguments."""

    def __init__(self, network: nn.Module, names: list[str]) -> None:
        super().__init__()
        self._held, self._names = [network], names  # in a list, so that it is no submodule with weights of its own

    def forward(self, frames: Tensor, *weights: Tensor) -> Tensor:
        _set_weights(self._held[0], dict(zip(self._names, weights, strict=True)))
        logits: Tensor = self._held[0](frames)["out"]
        return logits


@contextlib.contextmanager
def _weights_as_arguments(network: nn.Module, weights: Mapping[str, Tensor]) -> Iterator[_Function]:
    """The network as a function of its weights; afterwards it has its own again."""
    before = {**dict(network.named_buffers()), **dict(network.named_parameters())}
    try:
        yield _Function(network, list(weights))
    finally:
        _set_weights(network, before)


def _set_weights(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Put tensors where a module has its weights, even tensors that are no parameters."""
    for name, tensor in weights.items():
        path, _, leaf = name.rpartition(".")
        part = network.get_submodule(path)
        table: dict[str, Any] = part._parameters if leaf in part._parameters else part._buffers
        table[leaf] = tensor


def _fold_constants(exported: Any) -> Any:
    """Compute beforehand what depends neither on the weights nor on the frames."""
    from openvino.passes import ConstantFolding, Manager

    manager = Manager()
    manager.register_pass(ConstantFolding())
    manager.run_passes(exported)
    return exported


def _cached_export(name: str, network: nn.Module) -> Any:
    """The exported model in the cache; if there is none, a new one, which is kept if it can be."""
    if is_offline():
        return export(network)
    versions = "-".join(f"{package}{version(package)}" for package in ("openvino", "torch", "torchvision"))
    folder = cache_folder() / "openvino" / f"{name}-{versions}"
    with contextlib.suppress(RuntimeError):  # it is not there, or damaged
        return read_exported(folder / _FILE)
    exported = export(network)
    with contextlib.suppress(RuntimeError, OSError), AtomicFolder(folder) as target:  # no room, or no right to write
        save_exported(exported, target.part / _FILE)
    return exported
