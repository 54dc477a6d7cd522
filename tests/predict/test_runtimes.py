"""seglib.predict's runtimes: OpenVINO held to PyTorch, its drawings and their cache, and what happens without it."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

import seglib
from seglib import WeightsUnavailable, load_model
from seglib.predict import Model, portrait
from seglib.predict import openvino_export as drawings
from seglib.predict import openvino_runtime as compiled
from seglib.predict import registry as loading
from seglib.predict import torchvision_models as published
from seglib.predict.openvino_runtime import OpenVINONetwork, put_in_weights, read_drawing

ROOT = Path(seglib.__file__).parents[1]
LARGE = ("deeplabv3_resnet101", "deeplabv3_resnet50", "fcn_resnet101", "fcn_resnet50")
ALL = [pytest.param(name, marks=pytest.mark.slow if name in LARGE else ()) for name in loading.TORCHVISION_MODELS]


@pytest.fixture(scope="module")
def clip() -> list[tuple[np.ndarray, np.ndarray]]:
    """Every 20th frame of the recorded clip that is not black, with its exact mask."""
    with seglib.open_source("clip") as frames:
        pairs = islice(zip(frames, seglib.samples.sample_clip_masks(), strict=False), 0, None, 20)
        return [(frame, truth) for frame, truth in pairs if frame.any()]


@pytest.fixture(scope="module")
def exact() -> Model:
    """PyTorch in 32 bits, which the others are held to."""
    return load_model(runtime="torch", precision="single", device="cpu")


class Small(nn.Module):
    """A network that is traced in no time, with what the real ones have: a normalisation and an enlargement."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.Hardswish())
        self.last = nn.Conv2d(8, 2, 1)

    def forward(self, frames: torch.Tensor) -> dict[str, torch.Tensor]:
        out = nn.functional.interpolate(self.last(self.first(frames)), frames.shape[-2:], mode="bilinear")
        return {"out": out}


@pytest.fixture
def small() -> nn.Module:
    torch.manual_seed(0)
    network = Small().eval().requires_grad_(False)
    network.first[1].running_mean.uniform_(-1, 1)
    return network


def random(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def by_torch(network: nn.Module, inputs: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return network(torch.from_numpy(inputs))["out"].numpy()


def python(code: str, **environment: str) -> str:
    """What this code prints in a new process."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# ---- the answers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("runtime", "precision", "error"),
    [("openvino", "single", 0.01), ("openvino", "half", 0.03), ("torch", "half", 0.03)],
)
def test_every_way_to_run_portrait_agrees_with_pytorch_in_32_bits(
    runtime: str, precision: str, error: float, exact: Model, clip: list[tuple[np.ndarray, np.ndarray]]
) -> None:
    model = load_model(runtime=runtime, precision=precision, device="cpu")
    assert model.runtime == runtime
    assert (model.precision == "float32") <= (precision == "single" or runtime == "openvino")
    masks = [(model.mask(frame), exact.mask(frame), truth) for frame, truth in clip]
    assert len(masks) > 5
    assert np.mean([np.abs(mask - other).mean() for mask, other, _ in masks]) < error
    scores = np.array([(seglib.iou(mask, truth), seglib.iou(other, truth)) for mask, other, truth in masks])
    assert scores.mean() > 0.7, "masks that find nobody would agree with anything"
    assert abs(np.diff(scores.mean(axis=0))) < 0.005


def test_in_32_bits_the_two_runtimes_differ_by_rounding_only(exact: Model) -> None:
    model = load_model(device="cpu")
    assert (model.runtime, model.precision) == ("openvino", "float32")
    for name in ("astronaut", "hopper"):  # lying and standing: two input shapes
        frame = seglib.sample_frame(name)
        np.testing.assert_allclose(model.mask(frame), exact.mask(frame), atol=1e-4)
        np.testing.assert_allclose(model.probabilities(frame), exact.probabilities(frame), atol=1e-4)
        assert (model.labels(frame) == exact.labels(frame)).mean() > 0.9999
    frames = [seglib.sample_frame(), seglib.sample_frame("collage")]
    np.testing.assert_allclose(model.masks(frames), exact.masks(frames), atol=1e-4)


def test_precision_is_told_to_openvino_outright(monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    core = compiled.load_openvino().Core
    monkeypatch.setattr(
        core, "compile_model", lambda self, network, device, hints: told.append((device, hints)) or exit_early()
    )

    def exit_early() -> None:
        raise InterruptedError

    for precision in (None, "single", "half"):
        model = load_model(precision=precision, device="cpu")
        with pytest.raises(InterruptedError):
            model.mask(seglib.sample_frame())
    expected = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
    assert [device for device, _ in told] == ["CPU"] * 3
    assert [hints["INFERENCE_PRECISION_HINT"] for _, hints in told] == ["f32", "f32", expected[model.precision]]


@pytest.mark.parametrize("name", ALL)
def test_torchvisions_networks_are_drawn_right_for_pictures_of_any_size(name: str) -> None:
    torch.manual_seed(0)
    network = torchvision.models.get_model(name, weights=None, weights_backbone=None, num_classes=21).eval()
    network.requires_grad_(False)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    kinds = {key: type(value) for key, value in network.named_parameters()}
    run = OpenVINONetwork(lambda: put_in_weights(drawings.draw(network), drawings.weight_arrays(network)))
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items()), "left as it was"
    assert {key: type(value) for key, value in network.named_parameters()} == kinds
    for shape in ((1, 3, 64, 96), (1, 3, 65, 113), (1, 3, 130, 97)):
        inputs = random(shape)
        expected = by_torch(network, inputs)
        scores = run(inputs)
        assert (scores.shape, scores.dtype) == ((1, 21, *shape[2:]), np.float32)
        assert expected.std() > 1e-3
        np.testing.assert_allclose(scores, expected, atol=1e-3 * expected.std())


def test_a_published_model_runs_on_openvino_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "lraspp_mobilenet_v3_large"
    torch.manual_seed(0)
    network = torchvision.models.get_model(name, weights=None, weights_backbone=None, num_classes=21)
    torch.save(network.state_dict(), tmp_path / "x.pth")
    monkeypatch.setattr(published, "weights_file", lambda url, **options: tmp_path / "x.pth")
    models = [load_model(name, device="cpu", size=64, runtime=runtime) for runtime in ("auto", "torch")]
    assert [model.runtime for model in models] == ["openvino", "torch"]
    for frame in (seglib.sample_frame(), seglib.sample_frame("hopper")):
        probabilities = [model.probabilities(frame) for model in models]
        np.testing.assert_allclose(*probabilities, atol=1e-5)
        np.testing.assert_allclose(*(model.mask(frame, ("cat", "person")) for model in models), atol=1e-5)
    again = pickle.loads(pickle.dumps(models[0]))
    np.testing.assert_array_equal(again.probabilities(frame), probabilities[0])


# ---- portrait's drawing ------------------------------------------------------------------------------------


def test_the_drawing_of_portrait_is_that_of_its_network() -> None:
    """Remade by recipes/draw_portrait.py. It has no weights, so any checkpoint fits; here a random one."""
    torch.manual_seed(1)
    network = portrait.build().eval().requires_grad_(False)
    weights = drawings.weight_arrays(network)
    entries = {i.get_node().get_friendly_name(): i.get_partial_shape() for i in read_drawing(portrait.DRAWING).inputs}
    frames = entries.pop(compiled.FRAMES)
    assert [frames[axis].is_dynamic for axis in range(4)] == [True, False, True, True]
    assert {name: tuple(shape.to_shape()) for name, shape in entries.items()} == {
        name: array.shape for name, array in weights.items()
    }
    run = OpenVINONetwork(lambda: put_in_weights(read_drawing(portrait.DRAWING), weights), light=True)
    for shape in ((1, 3, 144, 256), (1, 3, 256, 192), (1, 3, 16, 256)):
        inputs = random(shape)
        expected = by_torch(network, inputs)
        np.testing.assert_allclose(run(inputs), expected, atol=1e-3 * max(1, expected.std()))


def test_the_module_and_the_drawing_have_the_same_weights(exact: Model) -> None:
    module = load_model(device="cpu").network
    assert not module.training
    assert all(torch.equal(a, b) for a, b in zip(module.parameters(), exact.network.parameters(), strict=True))
    model = load_model(device="cpu")
    assert model.network is model.network


@pytest.mark.parametrize("fault", ["missing", "damaged", "another network"])
def test_a_drawing_that_does_not_fit_is_refused(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "portrait.xml"
    if fault == "damaged":
        path.write_bytes(portrait.DRAWING.read_bytes()[:100_000])
    elif fault == "another network":
        drawings.save_drawing(drawings.draw(Small().eval()), path)
    monkeypatch.setattr(portrait, "DRAWING", path)
    words = "asks for first.0.weight" if fault == "another network" else "portrait.xml is missing or damaged; reinstall"
    with pytest.raises(WeightsUnavailable, match=words):
        load_model(device="cpu")
    assert load_model(device="cpu", runtime="torch").runtime == "torch"


# ---- the cache of drawings ---------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SEGLIB_OFFLINE")
    monkeypatch.setenv("SEGLIB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[nn.Module]:
    """The networks that had to be drawn."""
    networks: list[nn.Module] = []
    draw = drawings.draw
    monkeypatch.setattr(drawings, "draw", lambda network: networks.append(network) or draw(network))
    return networks


def run_small(small: nn.Module) -> np.ndarray:
    return OpenVINONetwork(lambda: drawings.compilable("small", small))(random((1, 3, 20, 31)))


def test_a_drawing_is_made_once_and_fits_other_weights(cache: Path, small: nn.Module, drawn: list[nn.Module]) -> None:
    np.testing.assert_allclose(run_small(small), by_torch(small, random((1, 3, 20, 31))), atol=1e-5)
    (folder,) = (cache / "drawings").iterdir()
    assert all(package in folder.name for package in ("small-", "openvino", "torch", "torchvision"))
    assert {path.name for path in folder.iterdir()} == {"network.xml", "network.bin"}
    torch.nn.init.normal_(small.last.weight)
    np.testing.assert_allclose(run_small(small), by_torch(small, random((1, 3, 20, 31))), atol=1e-5)
    assert len(drawn) == 1


def test_offline_nothing_is_kept_or_taken(
    cache: Path, small: nn.Module, drawn: list[nn.Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGLIB_OFFLINE", "1")
    run_small(small)
    assert not cache.exists()
    monkeypatch.delenv("SEGLIB_OFFLINE")
    run_small(small)
    monkeypatch.setenv("SEGLIB_OFFLINE", "1")
    run_small(small)
    assert len(drawn) == 3


@pytest.mark.parametrize("fault", ["cut off", "no file of numbers", "empty"])
def test_a_damaged_drawing_is_made_anew(fault: str, cache: Path, small: nn.Module, drawn: list[nn.Module]) -> None:
    expected = run_small(small)
    (folder,) = (cache / "drawings").iterdir()
    whole = (folder / "network.xml").read_bytes()
    if fault == "cut off":
        (folder / "network.xml").write_bytes(whole[: len(whole) // 2])
    elif fault == "empty":
        (folder / "network.xml").write_bytes(b"")
    else:
        (folder / "network.bin").unlink()
    np.testing.assert_array_equal(run_small(small), expected)
    assert len(drawn) == 2
    run_small(small)
    assert len(drawn) == 2, "the new one is kept"


def test_a_cache_that_cannot_be_written_does_no_harm(cache: Path, small: nn.Module, drawn: list[nn.Module]) -> None:
    cache.write_text("a file where the folder should be")
    run_small(small)
    run_small(small)
    assert len(drawn) == 2


def test_two_processes_may_draw_at_the_same_time(cache: Path, small: nn.Module, drawn: list[nn.Module]) -> None:
    expected = run_small(small)
    (folder,) = (cache / "drawings").iterdir()
    with pytest.raises(OSError, match=str(folder.name)):
        drawings._keep(drawings.draw(small), folder)  # as by a process that is a moment later
    assert list((cache / "drawings").iterdir()) == [folder], "and it leaves nothing behind"
    np.testing.assert_array_equal(run_small(small), expected)


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
from seglib.predict import openvino_export as drawings
from torch import nn
class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 2, 1)
    def forward(self, x):
        return {"out": self.layer(x)}
drawings.compilable("network", Network())
assert "openvino_telemetry" not in sys.modules
import time; time.sleep(1)
print(*(str(path.relative_to(Path.home())) for path in Path.home().rglob("*") if path.is_file()), sep="\\n")
"""


def test_openvino_tells_nobody_and_writes_nothing_but_the_cache(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    home = {name: str(tmp_path) for name in ("HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_CACHE_HOME")}
    out = python(WATCHED, **home, SEGLIB_OFFLINE="", SEGLIB_CACHE=str(cache)).split()
    assert len(out) == 2, out
    assert all(line.startswith("cache") for line in out)


def test_openvino_still_asks_for_the_package_that_is_hidden() -> None:
    """If this fails, OpenVINO has changed, and what is hidden from it may be hidden for nothing."""
    source = Path(compiled.load_openvino().__file__).parent / "tools" / "ovc" / "telemetry_utils.py"
    assert "import openvino_telemetry" in source.read_text(encoding="utf-8")


def test_what_was_hidden_can_be_imported_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "some_statistics", sys)
    with compiled._hidden("some_statistics"), pytest.raises(ImportError):
        import some_statistics
    import some_statistics

    assert some_statistics is sys
    with compiled._hidden("never_imported"):
        pass
    assert "never_imported" not in sys.modules


# ---- choosing ----------------------------------------------------------------------------------------------


@pytest.fixture
def no_openvino(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "openvino", None)
    for cached in (compiled.load_openvino, loading._why_no_openvino):
        cached.cache_clear()
    yield
    for cached in (compiled.load_openvino, loading._why_no_openvino):
        cached.cache_clear()


@pytest.mark.usefixtures("no_openvino")
def test_without_openvino_pytorch_does_it_and_one_line_says_so(
    capsys: pytest.CaptureFixture[str], exact: Model
) -> None:
    model = load_model(device="cpu")
    assert model.runtime == load_model(device="cpu").runtime == "torch"
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "OpenVINO is missing, so PyTorch runs the model, several times slower: python -m pip install openvino"
    ]
    assert err == ""
    np.testing.assert_array_equal(model.mask(seglib.sample_frame()), exact.mask(seglib.sample_frame()))
    with pytest.raises(ValueError, match="OpenVINO cannot be used .*pip install openvino"):
        load_model(runtime="openvino", device="cpu")


def test_who_asks_for_pytorch_hears_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(loading, "_why_no_openvino", lambda: pytest.fail("OpenVINO was looked for"))
    assert load_model(runtime="torch", device="cpu").runtime == "torch"
    assert capsys.readouterr() == ("", "")


def test_wrong_choices_are_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="unknown runtime 'onnx'; known are auto, openvino, torch"):
        load_model(runtime="onnx")
    with pytest.raises(ValueError, match="unknown precision 'int8'; known are single, half"):
        load_model(precision="int8")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(ValueError, match="OpenVINO runs models on the CPU here, not on 'cuda'"):
        load_model(device="cuda", runtime="openvino")


@pytest.mark.parametrize(
    ("device", "precision", "half"),
    [
        ("cpu", None, False),
        ("cuda", None, True),
        ("cuda", "single", False),
        ("mps", None, False),
        ("cpu", "half", True),
    ],
)
def test_only_cuda_takes_16_bits_unasked(
    device: str, precision: str | None, half: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "_choose_device", lambda asked: asked)
    assert loading._choose("deeplabv3_resnet50", device, "auto", precision).half is half


def test_the_fallback_runs_as_was_asked(capsys: pytest.CaptureFixture[str]) -> None:
    model = load_model("fcn_resnet50", fallback="portrait", device="cpu", runtime="torch", precision="half")
    assert (model.name, model.runtime, model.precision) == ("portrait", "torch", "bfloat16")


# ---- threads, processes, sizes -----------------------------------------------------------------------------


def test_threads_may_share_a_model() -> None:
    model = load_model(device="cpu")
    frames = [np.roll(seglib.sample_frame(), 40 * n, axis=1) for n in range(6)]
    expected = [model.mask(frame) for frame in frames]
    with ThreadPoolExecutor(max_workers=4) as pool:
        for _ in range(3):
            for mask, truth in zip(pool.map(model.mask, frames), expected, strict=True):
                np.testing.assert_allclose(mask, truth, atol=1e-5)
    assert not np.allclose(expected[0], expected[1])


def test_a_pickled_model_is_small_and_runs_elsewhere(tmp_path: Path) -> None:
    model, frame = load_model(device="cpu"), seglib.sample_frame()
    expected = model.mask(frame)
    packed = pickle.dumps(model)
    assert len(packed) < 5000, "the weights are in the package"
    (tmp_path / "model").write_bytes(packed)
    code = f"""
import pickle, sys, seglib
model = pickle.load(open({str(tmp_path / "model")!r}, "rb"))
print(repr(model), model.mask(seglib.sample_frame()).mean(), "torch" in sys.modules)"""
    *name, mean, torch_loaded = python(code).split()
    assert " ".join(name) == repr(model)
    assert float(mean) == pytest.approx(expected.mean(), rel=1e-5)
    assert torch_loaded == "False"


def test_many_sizes_do_not_fill_the_memory(small: nn.Module) -> None:
    weights = drawings.weight_arrays(small)
    drawing = drawings.draw(small)
    run = OpenVINONetwork(lambda: put_in_weights(drawing, weights), light=True)
    for width in range(16, 26):
        inputs = random((1, 3, 16, width))
        np.testing.assert_allclose(run(inputs), by_torch(small, inputs), atol=1e-5)
    assert len(run._compiled) == compiled._SHAPES
    once = OpenVINONetwork(lambda: put_in_weights(drawings.draw(small), weights))
    once(random((1, 3, 16, 16)))
    once(random((1, 3, 20, 16)))
    assert len(once._compiled) == 1, "one form for all sizes"


def test_what_comes_out_belongs_to_the_caller(small: nn.Module) -> None:
    run = OpenVINONetwork(lambda: put_in_weights(drawings.draw(small), drawings.weight_arrays(small)))
    inputs = random((1, 3, 16, 16))
    first = run(inputs)
    kept = first.copy()
    run(random((1, 3, 16, 16), seed=1))
    np.testing.assert_array_equal(first, kept)
    inputs.flags.writeable = False
    np.testing.assert_array_equal(run(inputs), kept)
