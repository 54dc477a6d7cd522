"""OpenVINO as a runtime: a network compiled for the processor it runs on, several times as fast as PyTorch there.

It reads a network as an exported model without weights; these are inserted from the checkpoint. So an export is small
and fits every checkpoint of its network. Those of the embedded networks come with the package and run without PyTorch;
those of torchvision's networks are made on first use (``openvino_export``).
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglib._internal.cpu_cores import all_cores, half_of_the_cores
from seglib.errors import WeightsUnavailable
from seglib.predict.cpu_runner import CPURunner, Prepare
from seglib.predict.runner import Floats, Runner

FRAMES = "frames"  # the name of an exported model's first input; the others carry the weights' names
MOST_SHAPES = 4  # how many input shapes are kept compiled at once
_HINTS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
_LIGHT_BATCH = 4  # frames at once, which takes a light network a sixth less time than one by one


@lru_cache(maxsize=1)
def import_openvino() -> Any:
    """Import OpenVINO without its telemetry. Raises ImportError if OpenVINO is not installed."""
    # On import, OpenVINO would write an identifier into the home folder and report the import over the network, by
    # way of the package openvino_telemetry. It has no setting against this but a file in the home folder. Where that
    # package cannot be imported, OpenVINO uses a stub of its own, so the import is made to fail.
    with _blocked_import("openvino_telemetry"):
        import openvino
    return openvino


@lru_cache(maxsize=1)
def core() -> Any:
    """The one openvino.Core of this process, never deleted.

    OpenVINO gives the thread that first uses a Core an alternate signal stack, and unmaps it with the Core. When
    another thread lets the last model go, the next signal to the first one (Jupyter's interrupt) would end the process.
    """
    return import_openvino().Core()


def half_types() -> tuple[str, ...]:
    """The 16-bit types that this processor computes with, the best first."""
    able = core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return tuple(name for flag, name in (("BF16", "bfloat16"), ("FP16", "float16")) if flag in able)


def read_exported(path: Path) -> Any:
    """Read an exported model, an openvino.Model, from its .xml file. Raises RuntimeError if it cannot be read."""
    return core().read_model(path)


def insert_weights(exported: Any, weights: Mapping[str, NDArray[Any]]) -> Any:
    """Insert the weights into an exported model, so that only the frames remain as input, and return it.

    Raises WeightsUnavailable if a weight is missing or has another shape.
    """
    constant = import_openvino().opset13.constant
    for parameter in exported.get_parameters():
        name, shape = parameter.get_friendly_name(), parameter.get_partial_shape()
        if name == FRAMES:
            continue
        if name not in weights or list(weights[name].shape) != list(shape.to_shape()):
            raise WeightsUnavailable(f"the exported network needs {name} {shape}, which is not among the weights")
        value = constant(np.asarray(weights[name], np.float32), shared_memory=True)
        parameter.output(0).replace(value.output(0))
        exported.remove_parameter(parameter)
    return exported


class OpenVINOForward:
    """A network as a plain function: (N, 3, h, w) float32 array in, (N, C, h, w) float32 logits out.

    Threads may share one. Pickling keeps only the parameters.

    Parameters
    ----------
    read
        Makes the network, an openvino.Model with inputs of any size.
    precision
        "float32", or a 16-bit type that the processor computes with.
    light
        A small network that gets few shapes. It is compiled for each shape anew, which makes it about a tenth faster,
        and uses half of the cores: more would help it little, and the other stages work at the same time.
    """

    def __init__(self, read: Callable[[], Any], precision: str = "float32", light: bool = False) -> None:
        self.read, self.precision, self.light = read, precision, light
        self._compiled: dict[object, tuple[Any, list[Any]]] = {}  # shape -> compiled model, idle requests
        self._network: Any = read()

    def __call__(self, inputs: Floats) -> Floats:
        compiled, idle = self._for_shape(inputs.shape)
        try:
            request = idle.pop()  # one request serves one thread at a time
        except IndexError:
            request = compiled.create_infer_request()
        request.infer([inputs], share_inputs=True)
        logits = request.get_output_tensor(0).data.copy()
        idle.append(request)
        return np.asarray(logits, np.float32)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_compiled": {}, "_network": None}

    def _for_shape(self, shape: tuple[int, ...]) -> tuple[Any, list[Any]]:
        key = shape if self.light else None
        found = self._compiled.get(key)
        if found is None:
            while len(self._compiled) >= MOST_SHAPES:
                self._compiled.pop(next(iter(self._compiled), None), None)  # the oldest
            found = self._compiled[key] = self._compile(shape), []
        return found

    def _compile(self, shape: tuple[int, ...]) -> Any:
        if self._network is None:  # it was unpickled
            self._network = self.read()
        network = self._network
        if self.light:
            network = network.clone()
            network.reshape(list(shape))
        hints: dict[str, object] = {
            # By default OpenVINO takes 16 bits where the processor has them, and machines would differ.
            "INFERENCE_PRECISION_HINT": _HINTS[self.precision],
            "PERFORMANCE_HINT": "LATENCY",  # one frame as soon as possible
            "ENABLE_CPU_PINNING": False,  # two processes would be pinned to the same cores
        }
        allowed, present = all_cores(), os.cpu_count() or 1  # a hub may allow fewer cores than its machine has
        if self.light or allowed < present:
            hints["INFERENCE_NUM_THREADS"] = half_of_the_cores() if self.light else allowed
        return core().compile_model(network, "CPU", hints)


def openvino_runner(prepare: Prepare, read: Callable[[], Any], precision: str, light: bool) -> Runner:
    """Make the runner; the parameters are those of :class:`CPURunner` and :class:`OpenVINOForward`."""
    forward = OpenVINOForward(read, precision, light)
    return CPURunner(prepare, forward, "openvino", precision, _LIGHT_BATCH if light else 1)


@contextmanager
def _blocked_import(name: str) -> Iterator[None]:
    """Let imports of a package raise ImportError, which is what Python does where sys.modules holds None."""
    modules: dict[str, Any] = sys.modules
    before = modules.get(name)
    modules[name] = None
    try:
        yield
    finally:
        del modules[name]
        if before is not None:
            modules[name] = before
