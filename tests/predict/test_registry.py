"""load_model, model_table: names, fallback, and the choice of device, runtime and precision."""

import re
import sys
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from networks import SMALLEST, WEIGHTS, published
from safetensors.torch import load_file

import seglib
from seglib import WeightsUnavailable, load_model, model_table
from seglib.predict import MODELS, TORCHVISION_MODELS, execution, openvino_runtime
from seglib.predict.execution import choose_execution
from seglib.predict.registry import untrained_model
from seglib.predict.weights import embedded_weights

# ---- names and fallback ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("portait", "portrait"), ("deeplabv3_resnet_101", "deeplabv3_resnet101"), (["portrait"], "portrait")],
)
def test_an_unknown_model_lists_all_of_them_nearest_first(name: object, nearest: str) -> None:
    for arguments in ({"name": name}, {"name": "portrait", "fallback": name}):
        with pytest.raises(ValueError, match=f"{re.escape(repr(name))}; known, nearest first: {nearest}, ") as caught:
            load_model(**arguments)
        assert all(known in str(caught.value) for known in MODELS)


def test_without_weights_the_fallback_says_so_in_one_line_and_runs_as_asked(capsys: pytest.CaptureFixture[str]) -> None:
    model = load_model("deeplabv3_resnet101", size=64, fallback="portrait", runtime="torch", precision="half")
    assert (model.name, model.runtime, model.precision, model.device) == ("portrait", "torch", "bfloat16", "cpu")
    inputs, usual = (each.preprocess.prepare(seglib.sample_frame()) for each in (model, load_model()))
    assert inputs.shape == usual.shape, "the size was for the other"
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1
    assert re.match(r"deeplabv3_resnet101_coco-586e9e4e\.pth \(\d+ MB\)", out)
    assert "'portrait'" in out
    assert err == ""


@pytest.mark.parametrize("fallback", [None, "deeplabv3_resnet101", "fcn_resnet50"])
def test_without_any_weights_the_error_helps_on(fallback: str | None) -> None:
    with pytest.raises(WeightsUnavailable, match='"portrait" needs no download'):
        load_model("deeplabv3_resnet101", fallback=fallback)


def test_a_fallback_that_is_not_needed_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    assert load_model(fallback=SMALLEST, device="cpu").name == "portrait"
    assert capsys.readouterr() == ("", "")


def test_a_model_with_random_weights_predicts() -> None:
    model = untrained_model(SMALLEST, device="cpu", size=64, runtime="torch")
    assert model.labels(seglib.sample_frame()).shape == (480, 640)
    assert (model.class_names, model.classes) == (seglib.VOC_CLASSES, tuple(range(21)))


# ---- the table ---------------------------------------------------------------------------------------------


def test_the_table_of_models_has_torchvisions_numbers() -> None:
    rows = {row["name"]: row for row in model_table()}
    assert list(rows) == list(MODELS)
    assert set(TORCHVISION_MODELS) == set(WEIGHTS)
    for name in WEIGHTS:
        meta = published(name).meta
        assert (rows[name]["parameters"], rows[name]["classes"]) == (meta["num_params"], 21)
        assert rows[name]["miou"] == meta["_metrics"]["COCO-val2017-VOC-labels"]["miou"]
        assert rows[name]["source"] == published(name).url
        assert rows[name]["megabytes"] == pytest.approx(meta["_file_size"] * 1.048576), "of 10**6 bytes, not 2**20"


def test_the_row_of_an_embedded_model_is_counted_on_its_file() -> None:
    row, path = model_table()[0], embedded_weights()
    state = {key: value for key, value in load_file(path).items() if "running_" not in key}
    assert row["parameters"] == sum(tensor.numel() for tensor in state.values())
    assert row["megabytes"] == pytest.approx(path.stat().st_size / 1e6)
    assert (row["classes"], row["miou"], row["source"]) == (2, None, "embedded")


# ---- device, runtime, precision ----------------------------------------------------------------------------


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with both kinds, to choose on, not to run on."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: True)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)


@pytest.mark.usefixtures("gpus")
@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        ((None, "auto", None), ("cuda", "torch", "bfloat16")),
        (("cuda:1", "torch", "float32"), ("cuda:1", "torch", "float32")),
        (("cuda", "auto", "float16"), ("cuda", "torch", "float16")),
        (("mps", "auto", None), ("mps", "torch", "float32")),
        (("mps", "auto", "half"), ("mps", "torch", "bfloat16")),
        (("cpu", "auto", None), ("cpu", "openvino", "float32")),
        (("cpu", "torch", "half"), ("cpu", "torch", "bfloat16")),
        (("cpu", "torch", "bfloat16"), ("cpu", "torch", "bfloat16")),
    ],
)
def test_what_is_not_asked_for_is_chosen(asked: tuple[str | None, ...], chosen: tuple[str, ...]) -> None:
    found = choose_execution(*asked)
    assert (found.device, found.runtime, found.precision) == chosen


@pytest.mark.usefixtures("gpus")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"runtime": "onnx"}, "'onnx'; known are auto, openvino, torch"),
        ({"precision": "int8"}, "'int8'; known are float32, bfloat16, float16, half"),
        ({"device": "tpu"}, "'tpu'.*'cuda' or 'mps' or 'cpu'"),
        ({"device": 1}, "'1'.*'cuda' or 'mps' or 'cpu'"),
        ({"device": "cuda", "runtime": "openvino"}, "CPU.*'cuda'"),
        ({"device": "cpu", "runtime": "torch", "precision": "float16"}, "'float16'.*float32 or bfloat16"),
    ],
)
def test_what_cannot_be_is_refused_in_words(options: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        load_model(**options)


def test_older_gpus_have_only_float16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: False)
    assert choose_execution("cuda", "auto", "half").precision == "float16"
    with pytest.raises(ValueError, match="float32 or float16"):
        choose_execution("cuda", "auto", "bfloat16")


@pytest.mark.parametrize(
    ("able", "half"),
    [(["FP32", "BF16", "FP16"], "bfloat16"), (["FP32", "FP16"], "float16"), (["FP32"], "float32")],
)
def test_half_on_openvino_is_what_the_processor_has(
    able: list[str], half: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = openvino_runtime.import_openvino().Core
    monkeypatch.setattr(core, "get_property", lambda self, device, name: able)
    assert choose_execution("cpu", "openvino", "half").precision == half
    assert choose_execution("cpu", "openvino", half).precision == half


def test_the_reported_precision_can_be_asked_for_again() -> None:
    for precision in (None, "half"):
        model = load_model(device="cpu", precision=precision)
        assert load_model(device="cpu", precision=model.precision).precision == model.precision


@pytest.fixture
def no_openvino(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "openvino", None)
    caches = openvino_runtime.import_openvino, execution.openvino_fault
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


@pytest.mark.usefixtures("no_openvino")
def test_without_openvino_pytorch_runs_the_model_and_one_line_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert load_model(device="cpu").runtime == "torch"
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1
    assert "pip install openvino" in out
    assert err == ""
    with pytest.raises(ValueError, match="pip install openvino"):
        load_model(runtime="openvino", device="cpu")


@pytest.mark.usefixtures("no_openvino")
def test_who_asks_for_pytorch_hears_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert load_model(runtime="torch", device="cpu").runtime == "torch"
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("device", ["cuda", "mps", "cuda:99"])
def test_a_device_that_is_not_there_is_refused(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ValueError, match=f"device '{device}'.*'cpu'"):
        load_model(device=device)
    assert choose_execution(None, "torch", None).device == "cpu"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(("precision", "error"), [("float32", 0.002), ("half", 0.03)])
def test_cuda_gives_the_masks_of_the_cpu(precision: str, error: float) -> None:
    frame, portrait = seglib.sample_frame(), load_model(device="cpu")
    model = load_model(device="cuda", precision=precision)
    assert np.abs(model.mask(frame) - portrait.mask(frame)).mean() < error
    assert seglib.iou(model.mask(frame), portrait.mask(frame)) > 0.99
    assert (model.labels(frame) == portrait.labels(frame)).mean() > 0.99
