"""Choose where and how a model runs: the device, the runtime and the precision."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

from seglib.predict import openvino_runtime

Runtime: TypeAlias = Literal["auto", "openvino", "torch"]
Precision: TypeAlias = Literal["float32", "bfloat16", "float16", "half"]
RUNTIMES = ("auto", "openvino", "torch")
PRECISIONS = ("float32", "bfloat16", "float16", "half")


@dataclass(frozen=True)
class Execution:
    """Where and how a model runs: PyTorch's name of the device, "openvino" or "torch", and the type it computes in."""

    device: str
    runtime: str
    precision: str


def choose_execution(device: str | None, runtime: str, precision: str | None) -> Execution:
    """Choose what is not given, and check what is; see :func:`load_model` for the rules.

    Raises ValueError for an unknown value, and for one that this machine cannot fulfil.
    """
    if runtime not in RUNTIMES:
        raise ValueError(f"unknown runtime {runtime!r}; known are {', '.join(RUNTIMES)}")
    if precision not in (*PRECISIONS, None):
        raise ValueError(f"unknown precision {precision!r}; known are {', '.join(PRECISIONS)}")
    device = choose_device(device)
    runtime = _choose_runtime(runtime, device)
    return Execution(device, runtime, _choose_precision(precision, runtime, device))


def choose_device(device: str | None) -> str:
    """Return the device, also of a torch.device, if it is there; for None the first of CUDA, MPS and CPU that is."""
    device = None if device is None else str(device)
    if device == "cpu":
        return device
    import torch

    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device is None:
        return next(kind for kind, is_there in available.items() if is_there)
    if not available.get(device.partition(":")[0], False):
        present = " or ".join(repr(kind) for kind, is_there in available.items() if is_there)
        raise ValueError(f"device {device!r} is not on this machine, or this PyTorch cannot use it; it has {present}")
    return device


def _choose_runtime(runtime: str, device: str) -> str:
    if runtime == "torch" or (runtime == "auto" and device != "cpu"):
        return "torch"
    if device != "cpu":
        raise ValueError(f"OpenVINO runs models on the CPU here, not on {device!r}; leave out one of the two")
    fault = openvino_fault()
    if fault and runtime == "openvino":
        raise ValueError(f"OpenVINO cannot be used ({fault}); install it: python -m pip install openvino")
    return "torch" if fault else "openvino"


@lru_cache(maxsize=1)  # so it is tried, and said, once
def openvino_fault() -> str:
    """Return why OpenVINO cannot be used, "" if it can."""
    try:
        openvino_runtime.import_openvino()
    except (ImportError, OSError) as error:  # OSError: a library of the system that it needs
        print("OpenVINO is missing, so PyTorch runs the model, several times slower: python -m pip install openvino")
        return str(error)
    return ""


def _choose_precision(precision: str | None, runtime: str, device: str) -> str:
    if precision is None:
        precision = "half" if device.startswith("cuda") else "float32"
    if precision == "float32":
        return precision
    half_types = _half_types(runtime, device)
    if precision == "half":
        return half_types[0] if half_types else "float32"
    if precision not in half_types:
        able = " or ".join(("float32", *half_types))
        raise ValueError(f"precision {precision!r} is not available: {runtime} on {device!r} computes in {able}")
    return precision


def _half_types(runtime: str, device: str) -> tuple[str, ...]:
    if runtime == "openvino":
        return openvino_runtime.half_types()
    from seglib.predict import torch_runtime  # imported here: PyTorch takes a second

    return torch_runtime.half_types(device)
