"""OpenVINO as a runtime, against PyTorch: portrait's export, precision, sizes, threads, and what it must not do."""

import os
import shutil
import signal
import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import TinyNetwork, inputs, logits_of

import seglib
from seglib import Model, WeightsUnavailable, load_model
from seglib.predict import openvino_runtime, portrait, weights
from seglib.predict.cpu_runner import CPURunner
from seglib.predict.openvino_export import export, save_exported, weight_arrays
from seglib.predict.openvino_runtime import FRAMES, OpenVINOForward, insert_weights, read_exported

EXPORT = weights.DATA / "portrait.xml"


@pytest.fixture(scope="module")
def exact() -> Model:
    """PyTorch in float32."""
    return load_model(runtime="torch", precision="float32", device="cpu")


@pytest.fixture(scope="module")
def clip(exact: Model) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Some frames of the recorded clip, each with its true mask and the one by PyTorch in float32."""
    with seglib.open_source("clip") as frames:
        pairs = islice(zip(frames, seglib.sample_clip_masks(), strict=False), 0, 144, 36)  # from 144 on it is black
        return [(frame, truth, exact.mask(frame)) for frame, truth in pairs]


@pytest.fixture(scope="module")
def tiny() -> TinyNetwork:
    return TinyNetwork()


# ---- answers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("runtime", "precision"), [("openvino", "float32"), ("openvino", "half"), ("torch", "half")])
def test_every_way_to_run_portrait_finds_the_same_people(
    runtime: str, precision: str, clip: list[tuple[np.ndarray, np.ndarray, np.ndarray]]
) -> None:
    model = load_model(runtime=runtime, precision=precision, device="cpu")
    assert model.runtime == runtime
    masks = [model.mask(frame) for frame, _, _ in clip]
    difference = np.mean([np.abs(mask - exact).mean() for mask, (_, _, exact) in zip(masks, clip, strict=True)])
    assert difference < (0.01 if precision == "float32" else 0.03)
    found = np.mean([seglib.iou(mask, truth) for mask, (_, truth, _) in zip(masks, clip, strict=True)])
    expected = np.mean([seglib.iou(exact, truth) for _, truth, exact in clip])
    assert expected > 0.7, "masks that find nobody would agree with anything"
    assert found == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize("name", ["astronaut", "hopper"])
def test_in_float32_the_two_runtimes_differ_by_rounding_only(name: str, exact: Model) -> None:
    model, frame = load_model(device="cpu"), seglib.sample_frame(name)  # lying and standing: two input shapes
    assert (model.runtime, model.precision) == ("openvino", "float32")
    np.testing.assert_allclose(model.probabilities(frame), exact.probabilities(frame), atol=1e-4)
    assert (model.labels(frame) == exact.labels(frame)).mean() > 0.9999


def test_the_precision_is_told_to_openvino(monkeypatch: pytest.MonkeyPatch, tiny: TinyNetwork) -> None:
    told = []

    def compile_model(core: object, network: object, device: str, hints: dict[str, object]) -> None:
        told.append((device, hints["INFERENCE_PRECISION_HINT"]))
        raise InterruptedError

    monkeypatch.setattr(openvino_runtime.import_openvino().Core, "compile_model", compile_model)
    for precision in ("float32", "bfloat16", "float16"):
        with pytest.raises(InterruptedError):
            OpenVINOForward(lambda: export(tiny), precision)(inputs(1, 3, 16, 16))
    assert told == [("CPU", "f32"), ("CPU", "bf16"), ("CPU", "f16")]


@pytest.mark.parametrize("light", [True, False])
def test_inputs_of_many_sizes(light: bool, tiny: TinyNetwork) -> None:
    forward = OpenVINOForward(lambda: insert_weights(export(tiny), weight_arrays(tiny)), light=light)
    widths = [*range(16, 22), 16]  # more than are kept compiled at once
    for width in widths:
        array = inputs(1, 3, 16, width)
        np.testing.assert_allclose(forward(array), logits_of(tiny, array), atol=1e-5)


def test_logits_belong_to_the_caller_and_inputs_may_be_read_only(tiny: TinyNetwork) -> None:
    forward = OpenVINOForward(lambda: insert_weights(export(tiny), weight_arrays(tiny)))
    array = inputs(1, 3, 16, 16)
    array.flags.writeable = False
    first = forward(array)
    kept = first.copy()
    forward(inputs(1, 3, 16, 16, seed=1))
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize(("count", "calls"), [(1, [1]), (2, [4]), (4, [4]), (5, [4, 1]), (9, [4, 4, 1])])
def test_a_network_gets_one_frame_or_a_whole_batch(count: int, calls: list[int]) -> None:
    """Nothing else, since it would be compiled anew for every other number."""
    seen = []

    def forward(array: np.ndarray) -> np.ndarray:
        seen.append(len(array))
        return array[:, :1] - 100

    def prepare(frame: np.ndarray) -> np.ndarray:
        return frame.astype(np.float32).transpose(2, 0, 1)[None]

    frames = [np.full((2, 3, 3), 97 + number, np.uint8) for number in range(count)]
    masks = CPURunner(prepare, forward, "none", "float32", batch=4).mask_probabilities(frames, [1], (3, 2))
    np.testing.assert_allclose(masks[:, 0, 0], 1 / (1 + np.exp(3.0 - np.arange(count))), rtol=1e-5)
    assert seen == calls


# ---- portrait's export -------------------------------------------------------------------------------------


def test_the_export_of_portrait_is_that_of_its_network() -> None:
    """If this fails, run recipes/export_openvino.py. An export has no weights; here it gets random ones."""
    torch.manual_seed(1)
    network = portrait.build().eval().requires_grad_(False)
    arrays = weight_arrays(network)
    entries = {i.get_node().get_friendly_name(): i.get_partial_shape() for i in read_exported(EXPORT).inputs}
    frames = entries.pop(FRAMES)
    assert [frames[axis].is_dynamic for axis in range(4)] == [True, False, True, True]
    assert {name: tuple(shape.to_shape()) for name, shape in entries.items()} == {
        name: array.shape for name, array in arrays.items()
    }
    forward = OpenVINOForward(lambda: insert_weights(read_exported(EXPORT), arrays), light=True)
    for shape in ((1, 3, 160, 256), (1, 3, 256, 192), (1, 3, 32, 256)):
        expected = logits_of(network, inputs(*shape))
        np.testing.assert_allclose(forward(inputs(*shape)), expected, atol=1e-3 * max(1, expected.std()))


@pytest.mark.parametrize("fault", ["missing", "damaged", "another network"])
def test_an_export_that_does_not_fit_is_refused(
    fault: str, tiny: TinyNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(weights.DATA / "portrait.safetensors", tmp_path)
    if fault == "damaged":
        (tmp_path / "portrait.xml").write_bytes(EXPORT.read_bytes()[:10_000])
    elif fault == "another network":
        save_exported(export(tiny), tmp_path / "portrait.xml")
    monkeypatch.setattr(weights, "DATA", tmp_path)
    with pytest.raises(WeightsUnavailable, match=r"first\.0\.weight" if fault == "another network" else "reinstall"):
        load_model(device="cpu")
    assert load_model(device="cpu", runtime="torch").runtime == "torch"


# ---- nothing is sent, nothing is left ----------------------------------------------------------------------

WATCHED = """
import socket, sys
from pathlib import Path
def refuse(*arguments, **options):
    raise AssertionError("somebody asks for the network")
socket.socket.connect = socket.getaddrinfo = refuse
import seglib
mask = seglib.load_model().mask(seglib.sample_frame())
assert "torch" not in sys.modules
from seglib.predict.openvino_export import export_with_weights
from networks import TinyNetwork
export_with_weights("tiny", TinyNetwork())
assert "openvino_telemetry" not in sys.modules
import openvino_telemetry  # it can be imported again
print(*(str(path.relative_to(Path.home())) for path in Path.home().rglob("*") if path.is_file()), sep="\\n")
"""


def test_openvino_tells_nobody_and_writes_nothing_but_the_cache(tmp_path: Path) -> None:
    pytest.importorskip("openvino_telemetry")
    home = dict.fromkeys(("HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_CACHE_HOME"), str(tmp_path))
    path = os.pathsep.join((str(Path(__file__).parent), str(Path(seglib.__file__).parents[1])))
    environment = {**os.environ, **home, "SEGLIB_OFFLINE": "", "SEGLIB_CACHE": str(tmp_path / "c"), "PYTHONPATH": path}
    command = [sys.executable, "-c", WATCHED]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 2
    assert all(Path(line).parts[0] == "c" for line in done.stdout.split())


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timer signals")
def test_a_signal_after_another_thread_let_a_model_go_does_no_harm() -> None:
    """OpenVINO unmaps the signal stack that it gave the first thread, where its Core is deleted by another one."""
    program = """
import gc, signal, threading, time
import seglib
models = [seglib.load_model()]
models[0].mask(seglib.sample_frame())
thread = threading.Thread(target=lambda: (models.clear(), gc.collect()))
thread.start()
thread.join()
signal.signal(signal.SIGALRM, lambda *_: print("handled"))
signal.setitimer(signal.ITIMER_REAL, 0.01)
time.sleep(0.2)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=240)
    assert (done.returncode, done.stdout.strip()) == (0, "handled")
