"""Models that are part of the package: weights, and the network exported for OpenVINO, in ``seglib/data``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seglib.errors import WeightsUnavailable
from seglib.predict import weights
from seglib.predict.openvino_runtime import insert_weights, read_exported
from seglib.predict.preprocessing import SameArea
from seglib.predict.runner import Network, Preprocessing

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class EmbeddedModel:
    """What the registry knows of an embedded model: a :class:`ModelSpec`, and the :class:`Network` that it loads.

    Its files are ``NAME.safetensors``, and ``NAME.xml`` with ``NAME.bin``, made by ``recipes/export_openvino.py``.

    Attributes
    ----------
    name
        For :func:`load_model`.
    class_names
        Of all labels, by number.
    classes
        Label number of each channel.
    build
        Makes the network with random weights.
    size, step
        Input size that the network was trained for, and the number that its sides are multiples of, see
        :class:`SameArea`.
    """

    name: str
    class_names: tuple[str, ...]
    classes: tuple[int, ...]
    build: "Callable[[], nn.Module]"
    size: int
    step: int

    default_device = "cpu"  # it was made for that, and starts there without PyTorch
    is_light = True

    def preprocess(self, size: int | None) -> Preprocessing:
        """See :class:`ModelSpec`."""
        return SameArea(self.size if size is None else size, self.step)

    def load(self, download: bool, progress: bool) -> Network:
        """See :class:`ModelSpec`; there is nothing to download."""
        return self

    def module(self) -> "nn.Module":
        """See :class:`Network`. Raises WeightsUnavailable if its file is damaged."""
        from seglib.predict.torch_runtime import eval_mode  # imported here: PyTorch takes a second
        from seglib.predict.torchvision_models import fill

        state = weights.read_state_dict(weights.embedded_weights(self.name))
        return eval_mode(fill(self.build(), state, self.name))

    def exported(self) -> Any:
        """See :class:`Network`; needs no PyTorch. Raises WeightsUnavailable if a file is damaged."""
        from safetensors.numpy import load_file

        path = weights.DATA / f"{self.name}.xml"
        arrays = load_file(weights.embedded_weights(self.name))
        try:
            exported = read_exported(path)
        except RuntimeError as error:
            raise WeightsUnavailable(f"{path} is missing or damaged; reinstall seglib.") from error
        return insert_weights(exported, arrays)

    def summary(self) -> dict[str, Any]:
        """See :class:`ModelSpec`."""
        return {
            "name": self.name,
            "parameters": sum(parameter.numel() for parameter in self.build().parameters()),
            "megabytes": weights.embedded_weights(self.name).stat().st_size / 1e6,
            "classes": len(self.classes),
            "miou": None,
            "source": "embedded",
        }
