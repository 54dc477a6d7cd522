"""Find a model by name, its weights, and the best way to run it on this machine."""

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Literal

from seglib.classes import nearest_first
from seglib.errors import WeightsUnavailable
from seglib.predict import portrait
from seglib.predict.model import Model
from seglib.predict.openvino_runtime import load_openvino, put_in_weights, read_drawing, run_with_openvino
from seglib.predict.weights import embedded_weights, read_state_dict

if TYPE_CHECKING:
    from torch import nn

# torchvision's names, those of the article first. All were trained on the COCO pictures that show VOC's classes.
TORCHVISION_MODELS = (
    "deeplabv3_resnet101",
    "deeplabv3_resnet50",
    "deeplabv3_mobilenet_v3_large",
    "fcn_resnet101",
    "fcn_resnet50",
    "lraspp_mobilenet_v3_large",
)
MODELS = ("portrait", *TORCHVISION_MODELS)

Runtime = Literal["auto", "openvino", "torch"]
Precision = Literal["single", "half"]


@dataclass(frozen=True)
class _How:
    """How a model is run: where, by whom, and whether in 16 bits."""

    device: str
    runtime: str
    half: bool


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

    name: "portrait", which is embedded and finds people only, or one of torchvision's six, whose weights are
        looked for on this machine and else downloaded: see :mod:`seglib.predict.weights`.
    device: "cpu", "cuda", "mps"; None takes the first of CUDA, MPS, CPU that is there, but for portrait the CPU: it
        was made for that, and starts there without loading PyTorch.
    size: what the network sees, in pixels. For portrait the side of a square (256): it sees as many pixels as that has,
        in the frame's own shape; for the others the shorter side (520). Smaller is faster and coarser.
    runtime: who runs the network. On a CPU "auto" takes OpenVINO, which is several times as fast as PyTorch there, and
        PyTorch if it is missing, with one line that says so. On other devices it is PyTorch.
    precision: "single" computes in 32 bits. "half" computes in 16, where the device can: faster, a little less exact.
        None is "half" on CUDA, else "single", so that all CPUs give the same mask.
    fallback: the name of a model to take instead when the weights cannot be had; it prints one line and goes on.
    download: False takes only weights that are on this machine already. progress: show a bar while downloading.
    Raises ValueError for an unknown name, listing the known ones, and for a device or runtime that is not there;
    WeightsUnavailable if the weights cannot be had.
    """
    _check_name(name)
    if fallback is not None:
        _check_name(fallback)
    how = _choose(name, device, runtime, precision)
    try:
        if name == "portrait":
            return _load_portrait(size, how)
        from seglib.predict.torchvision_models import load_network  # only now: PyTorch takes a while

        return _published(name, load_network(name, download, progress), size, how)
    except WeightsUnavailable as error:
        if fallback is None or fallback == name:
            raise
        print(f"{str(error).splitlines()[0]} Going on with {fallback!r}.")
        how_asked: dict[str, Any] = {"device": device, "runtime": runtime, "precision": precision}
        return load_model(fallback, download=download, progress=progress, **how_asked)


def untrained_model(
    name: str,
    *,
    device: str | None = None,
    size: int | None = None,
    runtime: Runtime = "auto",
    precision: Precision | None = None,
) -> Model:
    """One of torchvision's models with random weights: as fast as with trained ones, for measuring, and no use else.

    The arguments and errors are those of :func:`load_model`.
    """
    from seglib.predict.torchvision_models import build, without_aux

    return _published(name, without_aux(build(name)), size, _choose(name, device, runtime, precision))


def model_table() -> list[dict[str, Any]]:
    """What there is to load, a dict a model: name, parameters, megabytes (of the weights), classes, miou, source.

    miou: mean IoU in percent that torchvision publishes for its weights, on COCO val2017 with VOC's classes;
    None for portrait, which is judged on other pictures.
    """
    from seglib.predict.torchvision_models import card  # only now: torchvision takes a while

    return [portrait.card(), *map(card, TORCHVISION_MODELS)]


def portrait_module() -> "nn.Module":
    """The embedded network as a PyTorch module. Raises WeightsUnavailable if its file is damaged."""
    from seglib.predict.torch_runtime import eval_mode  # only now: PyTorch takes a while
    from seglib.predict.torchvision_models import fill

    return eval_mode(fill(portrait.build(), read_state_dict(embedded_weights()), "portrait"))


def portrait_drawn() -> Any:
    """The embedded network as an openvino.Model, without PyTorch. Raises WeightsUnavailable if a file is damaged."""
    from safetensors.numpy import load_file

    weights = load_file(embedded_weights())
    try:
        drawing = read_drawing(portrait.DRAWING)
    except RuntimeError as error:
        raise WeightsUnavailable(f"{portrait.DRAWING} is missing or damaged; reinstall seglib.") from error
    return put_in_weights(drawing, weights)


def _load_portrait(size: int | None, how: _How) -> Model:
    preprocess = portrait.Preprocess(portrait.SIZE if size is None else size)
    if how.runtime == "openvino":
        runner = run_with_openvino(preprocess.prepare, portrait_drawn, how.half, light=True)
        return Model("portrait", portrait_module, preprocess, (0, 15), how.device, runner)
    return _run_eagerly("portrait", portrait_module(), preprocess, (0, 15), how)


def _published(name: str, network: "nn.Module", size: int | None, how: _How) -> Model:
    from seglib.predict.torch_runtime import eval_mode
    from seglib.predict.torchvision_models import Preprocess

    preprocess, network, classes = Preprocess(name, size), eval_mode(network), tuple(range(21))
    if how.runtime == "openvino":
        from seglib.predict.openvino_export import compilable

        runner = run_with_openvino(preprocess.prepare, partial(compilable, name, network), how.half)
        return Model(name, network, preprocess, classes, how.device, runner)
    return _run_eagerly(name, network, preprocess, classes, how)


def _run_eagerly(name: str, network: "nn.Module", preprocess: Any, classes: tuple[int, ...], how: _How) -> Model:
    from seglib.predict.torch_runtime import run_with_torch

    runner = run_with_torch(network, preprocess, how.device, how.half)
    return Model(name, network, preprocess, classes, how.device, runner)


def _check_name(name: str) -> None:
    if name not in MODELS:
        raise ValueError(f"unknown model {name!r}; known are {', '.join(nearest_first(str(name), MODELS))}")


def _choose(name: str, device: str | None, runtime: str, precision: str | None) -> _How:
    if runtime not in ("auto", "openvino", "torch"):
        raise ValueError(f"unknown runtime {runtime!r}; known are auto, openvino, torch")
    if precision not in ("single", "half", None):
        raise ValueError(f"unknown precision {precision!r}; known are single, half")
    where = "cpu" if device is None and name == "portrait" else _choose_device(device)
    half = where.startswith("cuda") if precision is None else precision == "half"
    return _How(where, _choose_runtime(runtime, where), half)


def _choose_device(device: str | None) -> str:
    if device == "cpu":
        return device
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device is None:
        return next(kind for kind, available in there.items() if available)
    if not there.get(device.partition(":")[0], False):
        have = " or ".join(repr(kind) for kind, available in there.items() if available)
        raise ValueError(f"device {device!r} is not on this machine, or this PyTorch cannot use it; it has {have}")
    return device


def _choose_runtime(runtime: str, device: str) -> str:
    if runtime == "torch":
        return runtime
    if device != "cpu":
        if runtime == "openvino":
            raise ValueError(f"OpenVINO runs models on the CPU here, not on {device!r}; leave out one of the two")
        return "torch"
    fault = _why_no_openvino()
    if fault and runtime == "openvino":
        raise ValueError(f"OpenVINO cannot be used ({fault}); install it: python -m pip install openvino")
    return "torch" if fault else "openvino"


@lru_cache(maxsize=1)  # so it is tried, and said, once
def _why_no_openvino() -> str:
    try:
        load_openvino()
    except (ImportError, OSError) as error:  # OSError: a library of the system that it needs
        print("OpenVINO is missing, so PyTorch runs the model, several times slower: python -m pip install openvino")
        return str(error)
    return ""
