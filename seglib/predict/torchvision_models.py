"""torchvision's six segmentation models: their weights, their networks, their preprocessing."""

from dataclasses import dataclass
from typing import Any

import torch
import torchvision
from torch import Tensor, nn
from torchvision.transforms.functional import convert_image_dtype, resize

from seglib.arrays import Frame
from seglib.errors import WeightsUnavailable
from seglib.predict.preprocessing import normalize
from seglib.predict.runner import Floats
from seglib.predict.torch_runtime import eval_mode
from seglib.predict.weights import read_state_dict, weights_file


class Preprocess:
    """The published preprocessing of a model, ``weights.transforms()``, to the last bit.

    Parameters
    ----------
    name
        Of the model.
    size
        Shorter side of the input in pixels; None is what the weights were published for, 520.
    """

    def __init__(self, name: str, size: int | None = None) -> None:
        if size is not None and size < 1:
            raise ValueError(f"size is {size}, but must be at least 1")
        weights = _weights(name)
        self._transforms = weights.transforms() if size is None else weights.transforms(resize_size=size)

    def __call__(self, frames: Tensor) -> Tensor:
        """(N, 3, H, W) uint8 RGB to (N, 3, h, w) float32, on the tensor's device."""
        how = self._transforms
        small = resize(frames, how.resize_size, interpolation=how.interpolation, antialias=how.antialias)
        return normalize(convert_image_dtype(small), how.mean, how.std)

    @torch.inference_mode()
    def prepare(self, frame: Frame) -> Floats:
        """(H, W, 3) uint8 RGB to (1, 3, h, w)."""
        inputs: Floats = self(torch.tensor(frame).permute(2, 0, 1)[None]).contiguous().numpy()
        return inputs


@dataclass(frozen=True, eq=False)
class TorchvisionNetwork:
    """One of these networks, for each runtime: a :class:`Network`."""

    name: str
    network: nn.Module

    def module(self) -> nn.Module:
        """See :class:`Network`."""
        return self.network

    def exported(self) -> Any:
        """See :class:`Network`."""
        from seglib.predict.openvino_export import export_with_weights  # imported here: not all have OpenVINO

        return export_with_weights(self.name, self.network)


def load_network(name: str, download: bool, progress: bool) -> TorchvisionNetwork:
    """Load a network with its published weights. Raises WeightsUnavailable if they cannot be had."""
    megabytes = _megabytes(_weights(name))
    path = weights_file(weights_url(name), download=download, progress=progress, megabytes=megabytes)
    network = fill(build(name), read_state_dict(path), path.name)
    return TorchvisionNetwork(name, eval_mode(without_aux(network)))


def untrained_network(name: str) -> TorchvisionNetwork:
    """Make a network with random weights."""
    return TorchvisionNetwork(name, eval_mode(without_aux(build(name))))


def build(name: str) -> nn.Module:
    """Make the published network with random weights: (N, 3, h, w) in, {"out": (N, 21, h, w) logits} out."""
    # The published weights of all but LR-ASPP hold a second head, "aux", that was used in training only.
    options: dict[str, Any] = {} if name.startswith("lraspp") else {"aux_loss": True}
    network: nn.Module = torchvision.models.get_model(
        name, weights=None, weights_backbone=None, num_classes=21, **options
    )
    return network


def without_aux(network: nn.Module) -> nn.Module:
    """Remove the second head: nobody reads its logits, so they need not be computed."""
    if hasattr(network, "aux_classifier"):
        network.register_module("aux_classifier", None)
    return network


def fill(network: nn.Module, state: dict[str, Tensor], name: str) -> nn.Module:
    """Put trained weights into a network and return it. Counters of batches, only read in training, may be missing."""
    try:
        missing, unexpected = network.load_state_dict(state, strict=False)
    except RuntimeError as error:  # tensors of other shapes
        raise WeightsUnavailable(f"{name} does not fit its network: {error}") from error
    missing = [key for key in missing if not key.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise WeightsUnavailable(f"{name} does not fit its network: lacks {missing[:3]}, has extra {unexpected[:3]}")
    return network


def weights_url(name: str) -> str:
    """Return where torchvision publishes the weights of a model."""
    return str(_weights(name).url)


def summary(name: str) -> dict[str, Any]:
    """Return the row of a model in :func:`model_table`."""
    meta = _weights(name).meta
    return {
        "name": name,
        "parameters": meta["num_params"],
        "megabytes": _megabytes(_weights(name)),
        "classes": len(meta["categories"]),
        "miou": meta["_metrics"]["COCO-val2017-VOC-labels"]["miou"],
        "source": weights_url(name),
    }


def _weights(name: str) -> Any:
    return torchvision.models.get_model_weights(name)["COCO_WITH_VOC_LABELS_V1"]


def _megabytes(weights: Any) -> float:
    """The size of the file; torchvision's table counts in units of 2**20 bytes."""
    return float(weights.meta["_file_size"] * 2**20 / 1e6)
