"""OpenVINO as a runtime: a network compiled for the processor that it runs on, several times as fast as PyTorch there.

It reads a network as a drawing: the calculation without its weights, which are put in from the checkpoint. So a drawing
is small and fits every checkpoint of its network. That of ``portrait`` comes with the package, and is run without
PyTorch; those of torchvision's networks are made on first use (``drawings``).
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
from seglib.predict.model import Floats

FRAMES = "frames"  # the name of a drawing's first input; the others carry the weights' names
_HINTS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
_LIGHT_BATCH = 4  # frames at once, which takes a light network a sixth less time than one by one
_SHAPES = 4  # how many input shapes are kept compiled at once


@lru_cache(maxsize=1)
def load_openvino() -> Any:
    """Import OpenVINO, without the statistics that it would write into the home folder and send to its makers.

    They are an optional package of its own, openvino_telemetry: where that is missing, OpenVINO goes on without.
    Raises ImportError if OpenVINO is not installed.
    """
    with _hidden("openvino_telemetry"):
        import openvino
    return openvino


def read_drawing(path: Path) -> Any:
    """The drawing in an .xml file, an openvino.Model. Raises RuntimeError, as OpenVINO does, if it cannot be read."""
    return load_openvino().Core().read_model(path)


def put_in_weights(drawing: Any, weights: Mapping[str, NDArray[Any]]) -> Any:
    """The same network with its weights in it, and only the frames as input. Changes the drawing itself.

    Raises WeightsUnavailable if a weight is missing or has another shape.
    """
    constant = load_openvino().opset13.constant
    for parameter in drawing.get_parameters():
        name, shape = parameter.get_friendly_name(), parameter.get_partial_shape()
        if name == FRAMES:
            continue
        if name not in weights or list(weights[name].shape) != list(shape.to_shape()):
            raise WeightsUnavailable(f"the drawing of the network asks for {name} {shape}, which is not in the weights")
        value = constant(np.asarray(weights[name], np.float32), shared_memory=True)
        parameter.output(0).replace(value.output(0))
        drawing.remove_parameter(parameter)
    return drawing


class OpenVINONetwork:
    """A network as a plain function: (N, 3, h, w) float32 array in, (N, C, h, w) float32 scores out.

    read: makes the network, an openvino.Model with inputs of any size. half: compute in 16 bits where the processor
    can. light: a small network that sees few shapes. It is compiled for each shape anew, which is about a tenth faster,
    and takes half of the cores: more would help it little, and the rest of the walk works at the same time.
    May be called from several threads at once. Pickling it keeps only ``read``.
    """

    def __init__(self, read: Callable[[], Any], half: bool = False, light: bool = False) -> None:
        self.read, self.light = read, light
        self.precision = _half_type() if half else "float32"
        self._compiled: dict[object, tuple[Any, list[Any]]] = {}  # shape -> compiled network, requests at rest
        self._network: Any = read()

    def __call__(self, inputs: Floats) -> Floats:
        compiled, resting = self._for_shape(inputs.shape)
        try:
            request = resting.pop()  # one request serves one thread at a time
        except IndexError:
            request = compiled.create_infer_request()
        request.infer([inputs], share_inputs=True)
        scores = request.get_output_tensor(0).data.copy()
        resting.append(request)
        return np.asarray(scores, np.float32)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_compiled": {}, "_network": None}

    def _for_shape(self, shape: tuple[int, ...]) -> tuple[Any, list[Any]]:
        key = shape if self.light else None
        found = self._compiled.get(key)
        if found is None:
            while len(self._compiled) >= _SHAPES:
                self._compiled.pop(next(iter(self._compiled), None), None)  # the oldest
            found = self._compiled[key] = self._compile(shape), []
        return found

    def _compile(self, shape: tuple[int, ...]) -> Any:
        if self._network is None:  # it came out of a pickle
            self._network = self.read()
        network = self._network
        if self.light:
            network = network.clone()
            network.reshape(list(shape))
        hints: dict[str, object] = {
            # Said outright: left alone, OpenVINO takes 16 bits where the processor has them, and machines would differ.
            "INFERENCE_PRECISION_HINT": _HINTS[self.precision],
            "PERFORMANCE_HINT": "LATENCY",  # one frame as soon as possible
            "ENABLE_CPU_PINNING": False,  # two processes would be pinned to the same cores
        }
        allowed, there = all_cores(), os.cpu_count() or 1  # a hub may allow fewer cores than its machine has
        if self.light or allowed < there:
            hints["INFERENCE_NUM_THREADS"] = half_of_the_cores() if self.light else allowed
        return load_openvino().Core().compile_model(network, "CPU", hints)


def run_with_openvino(prepare: Prepare, read: Callable[[], Any], half: bool, light: bool = False) -> CPURunner:
    """OpenVINO as the runner of a model. The arguments are those of CPURunner and OpenVINONetwork."""
    network = OpenVINONetwork(read, half, light)
    return CPURunner(prepare, network, "openvino", network.precision, _LIGHT_BATCH if light else 1)


def _half_type() -> str:
    """The 16-bit numbers that this processor computes with, or float32 if it has none."""
    able = load_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return "bfloat16" if "BF16" in able else "float16" if "FP16" in able else "float32"


@contextmanager
def _hidden(name: str) -> Iterator[None]:
    """Let a package look as if it were not installed."""
    before = sys.modules.get(name)
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]
        if before is not None:
            sys.modules[name] = before
