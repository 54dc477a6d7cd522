"""Find a model by its name, load its network, and put it together with the best way to run it on this machine."""

from dataclasses import dataclass
from typing import Any, Protocol

from seglib.classes import CLOTHING_CLASSES, VOC_CLASSES, nearest_first
from seglib.errors import WeightsUnavailable
from seglib.predict import deeplabv3_clothing as clothing
from seglib.predict import portrait
from seglib.predict.embedded import EmbeddedModel
from seglib.predict.execution import Execution, Precision, Runtime, choose_execution
from seglib.predict.model import Model
from seglib.predict.openvino_runtime import openvino_runner
from seglib.predict.runner import Network, Preprocessing, Runner

# PyTorch takes a second to import, so functions here import it, and the modules that need it, when they are called.


class ModelSpec(Protocol):
    """What the registry knows of a model before it is loaded.

    Attributes
    ----------
    name
        For :func:`load_model`.
    class_names
        Of all labels, by number.
    classes
        Label number of each channel of the network.
    default_device
        Where it runs unless asked otherwise; None is the first of CUDA, MPS and CPU.
    is_light
        Whether it is small, see :class:`OpenVINOForward`.
    """

    @property
    def name(self) -> str: ...
    @property
    def class_names(self) -> tuple[str, ...]: ...
    @property
    def classes(self) -> tuple[int, ...]: ...
    @property
    def default_device(self) -> str | None: ...
    @property
    def is_light(self) -> bool: ...

    def preprocess(self, size: int | None) -> Preprocessing:
        """Make the preprocessing for an input size; None is the usual one."""

    def load(self, download: bool, progress: bool) -> Network:
        """Load the trained network. Raises WeightsUnavailable."""

    def summary(self) -> dict[str, Any]:
        """Return the row in :func:`model_table`."""


@dataclass(frozen=True)
class TorchvisionModel:
    """One of torchvision's six; a :class:`ModelSpec`. All were trained on COCO's pictures that show VOC's classes."""

    name: str

    class_names = VOC_CLASSES
    classes = tuple(range(21))
    default_device = None
    is_light = False

    def preprocess(self, size: int | None) -> Preprocessing:
        """See :class:`ModelSpec`."""
        from seglib.predict.torchvision_models import Preprocess

        return Preprocess(self.name, size)

    def load(self, download: bool, progress: bool) -> Network:
        """See :class:`ModelSpec`."""
        from seglib.predict.torchvision_models import load_network

        return load_network(self.name, download, progress)

    def summary(self) -> dict[str, Any]:
        """See :class:`ModelSpec`."""
        from seglib.predict.torchvision_models import summary

        return summary(self.name)


# torchvision's names, those of the article first.
TORCHVISION_MODELS = (
    "deeplabv3_resnet101",
    "deeplabv3_resnet50",
    "deeplabv3_mobilenet_v3_large",
    "fcn_resnet101",
    "fcn_resnet50",
    "lraspp_mobilenet_v3_large",
)

SPECS: tuple[ModelSpec, ...] = (
    EmbeddedModel("portrait", VOC_CLASSES, (0, 15), portrait.build, portrait.SIZE, portrait.STEP),
    EmbeddedModel(
        "deeplabv3_clothing", CLOTHING_CLASSES, tuple(range(9)), clothing.build, clothing.SIZE, clothing.STEP
    ),
    *map(TorchvisionModel, TORCHVISION_MODELS),
)
MODELS: dict[str, ModelSpec] = {spec.name: spec for spec in SPECS}


def load_model(
    name: str = "portrait",
    *,
    device: str | None = None,
    size: int | None = None,
    runtime: Runtime = "auto",
    precision: Precision | None = None,
    fallback: str | None = None,
    download: bool = True,
    progress: bool = True,
) -> Model:
    """Load a model with its trained weights, ready to predict.

    Parameters
    ----------
    name
        An embedded model, "portrait", which finds people, or "deeplabv3_clothing", which finds hair, skin and clothes;
        or one of torchvision's six, whose weights are looked for on this machine and else downloaded.
        :func:`model_table` lists all.
    device
        "cpu", "cuda", "mps". By default the first of CUDA, MPS and CPU that is there; an embedded model runs on the
        CPU, which it was made for, and where it starts without loading PyTorch.
    size
        Input size of the network in pixels: for an embedded model the side of a square with as many pixels as the
        input, for torchvision's models the shorter side. The default is the size that it was trained or published for;
        a smaller one is faster and coarser.
    runtime
        What runs the network on a CPU: "openvino", "torch", or "auto", which is OpenVINO, several times as fast there,
        and PyTorch if OpenVINO is missing, with one line that says so. On other devices it is PyTorch.
    precision
        The type to compute in, as ``Model.precision`` reports it: "float32", "bfloat16" or "float16"; or "half", which
        is the 16-bit type of this device, if it has one: faster and a little less exact. By default "half" on CUDA and
        "float32" elsewhere, so that all CPUs give the same mask.
    fallback
        Name of a model to load instead if the weights are not available; one line says so.
    download
        False takes only weights that are on this machine already.
    progress
        Show a progress bar while downloading.

    Returns
    -------
    Model
        In eval mode, on its device.

    Raises
    ------
    ValueError
        For an unknown name, with the known ones; for a device, runtime or precision that this machine does not have.
    WeightsUnavailable
        If the weights are not available, nor those of the fallback.

    See Also
    --------
    wrap_model : a network of your own.

    Examples
    --------
    >>> model = seglib.load_model()
    >>> model.mask(frame).shape
    (480, 640)
    """
    wanted, *others = dict.fromkeys(find_spec(each) for each in (name, fallback) if each is not None)
    execution = choose_execution(device or wanted.default_device, runtime, precision)
    try:
        return _assemble(wanted, wanted.load(download, progress), size, execution)
    except WeightsUnavailable as error:
        if not others:
            raise
        print(f"{str(error).splitlines()[0]} Going on with {fallback!r}.")
    [spec] = others
    execution = choose_execution(device or spec.default_device, runtime, precision)
    return _assemble(spec, spec.load(download, progress), None, execution)


def untrained_model(
    name: str,
    *,
    device: str | None = None,
    size: int | None = None,
    runtime: Runtime = "auto",
    precision: Precision | None = None,
) -> Model:
    """Make one of torchvision's models with random weights: to measure speed, which is that of a trained one.

    The parameters are those of :func:`load_model`.
    """
    from seglib.predict.torchvision_models import untrained_network

    execution = choose_execution(device, runtime, precision)
    return _assemble(find_spec(name), untrained_network(name), size, execution)


def model_table() -> list[dict[str, Any]]:
    """List the models that :func:`load_model` knows.

    Returns
    -------
    list of dict
        One for each model: ``name``; ``parameters``, their number; ``megabytes`` of the weights file; ``classes``, how
        many it tells apart; ``miou``, in percent, which torchvision publishes for its weights on COCO val2017 with
        VOC's classes, None for embedded models, which are evaluated on other pictures; ``source``, "embedded" or an
        address.

    Examples
    --------
    >>> seglib.model_table()[0]["name"]
    'portrait'
    """
    return [spec.summary() for spec in MODELS.values()]


def find_spec(name: str) -> ModelSpec:
    """Find a model by its name. Raises ValueError for an unknown one; the message lists the known ones."""
    try:
        return MODELS[name]
    except (KeyError, TypeError):  # TypeError: not even hashable
        known = ", ".join(nearest_first(str(name), MODELS))
        raise ValueError(f"unknown model {name!r}; known, nearest first: {known}") from None


def _assemble(spec: ModelSpec, network: Network, size: int | None, execution: Execution) -> Model:
    preprocess = spec.preprocess(size)
    runner = _make_runner(network, preprocess, execution, spec.is_light)
    return Model(
        spec.name,
        runner,
        class_names=spec.class_names,
        classes=spec.classes,
        preprocess=preprocess,
        network=network.module,
        device=execution.device,
    )


def _make_runner(network: Network, preprocess: Preprocessing, execution: Execution, is_light: bool) -> Runner:
    if execution.runtime == "openvino":
        return openvino_runner(preprocess.prepare, network.exported, execution.precision, is_light)
    from seglib.predict.torch_runtime import torch_runner

    return torch_runner(preprocess, network.module(), execution.device, execution.precision, fuse=True)
