"""Exports of PyTorch's networks for OpenVINO: the module is left alone, and the cache keeps them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from networks import TinyNetwork, inputs, logits_of
from torch import nn

from seglib.predict import openvino_export
from seglib.predict.openvino_runtime import OpenVINOForward

ARRAY = inputs(1, 3, 20, 31)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SEGLIB_OFFLINE")
    monkeypatch.setenv("SEGLIB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def exports(monkeypatch: pytest.MonkeyPatch) -> list[nn.Module]:
    """The networks that had to be exported."""
    networks: list[nn.Module] = []
    export = openvino_export.export
    monkeypatch.setattr(openvino_export, "export", lambda network: networks.append(network) or export(network))
    return networks


@pytest.fixture
def tiny() -> TinyNetwork:
    return TinyNetwork()


def run(network: nn.Module) -> np.ndarray:
    return OpenVINOForward(lambda: openvino_export.export_with_weights("tiny", network))(ARRAY)


def test_an_export_leaves_the_module_as_it_was(tiny: TinyNetwork) -> None:
    before = {key: value.clone() for key, value in tiny.state_dict().items()}
    kinds = {key: type(value) for key, value in tiny.named_parameters()}
    openvino_export.export(tiny)
    assert all(torch.equal(value, before[key]) for key, value in tiny.state_dict().items())
    assert {key: type(value) for key, value in tiny.named_parameters()} == kinds


def test_an_export_is_made_once_and_fits_other_weights(
    cache: Path, tiny: TinyNetwork, exports: list[nn.Module]
) -> None:
    for _ in range(2):
        np.testing.assert_allclose(run(tiny), logits_of(tiny, ARRAY), atol=1e-5)
        nn.init.normal_(tiny.last.weight)
    assert len(exports) == 1
    [folder] = cache.glob("*/*")
    assert all(package in folder.name for package in ("tiny-", "openvino", "torch", "torchvision"))


def test_offline_nothing_is_kept_or_taken(
    cache: Path, tiny: TinyNetwork, exports: list[nn.Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    for offline in ("1", "", "1"):
        monkeypatch.setenv("SEGLIB_OFFLINE", offline)
        run(tiny)
        assert cache.exists() == (len(exports) > 1)
    assert len(exports) == 3


@pytest.mark.parametrize("fault", ["cut off", "no numbers", "empty"])
def test_a_damaged_export_is_made_anew(fault: str, cache: Path, tiny: TinyNetwork, exports: list[nn.Module]) -> None:
    expected = run(tiny)
    [xml], [numbers] = cache.rglob("*.xml"), cache.rglob("*.bin")
    if fault == "no numbers":
        numbers.unlink()
    else:
        xml.write_bytes(xml.read_bytes()[: 500 if fault == "cut off" else 0])
    for _ in range(2):
        np.testing.assert_array_equal(run(tiny), expected)
    assert len(exports) == 2, "and the new one is kept"
    assert sorted(path.suffix for path in cache.rglob("*.*") if path.is_file()) == [".bin", ".xml"]


def test_a_cache_that_cannot_be_written_does_no_harm(cache: Path, tiny: TinyNetwork, exports: list[nn.Module]) -> None:
    cache.write_text("a file where the folder should be")
    for _ in range(2):
        np.testing.assert_allclose(run(tiny), logits_of(tiny, ARRAY), atol=1e-5)
    assert len(exports) == 2
