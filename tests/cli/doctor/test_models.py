"""Checks of the models: damaged weights, and a slow machine."""

from __future__ import annotations

import hashlib
import re
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from seglib.cli.doctor import models
from seglib.samples import DATA

BODY = b"weights"
GOOD = f"fcn_resnet50_coco-{hashlib.sha256(BODY).hexdigest()[:8]}.pth"


def test_the_checksums_are_those_of_the_files() -> None:
    """If this fails after a file was changed on purpose: python recipes/checksums.py."""
    files = {path.name for path in DATA.iterdir() if path.is_file()} - {"SHA256SUMS", "README.md"}
    found = {name: hashlib.sha256((DATA / name).read_bytes()).hexdigest() for name in files}
    assert dict(models.checksums()) == found


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of seglib's own files, an empty cache, and a folder for SEGLIB_WEIGHTS."""
    folder = shutil.copytree(DATA, tmp_path / "data")
    monkeypatch.setattr(models, "DATA", folder)
    monkeypatch.setattr(models, "SUMS", folder / "SHA256SUMS")
    monkeypatch.setenv("SEGLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SEGLIB_OFFLINE", raising=False)
    monkeypatch.delenv("SEGLIB_WEIGHTS", raising=False)
    for name in ("cache", "stick"):
        (tmp_path / name).mkdir()
    return folder


@pytest.mark.parametrize("name", ["portrait.safetensors", "clip.mp4"])
def test_a_damaged_file_of_our_own_is_a_problem(data: Path, name: str) -> None:
    assert models.check_weights().status == "ok"
    content = bytearray((data / name).read_bytes())
    content[-1] ^= 1  # one bit, and the length is right
    (data / name).write_bytes(content)
    finding = models.check_weights()
    assert finding.status == "problem"
    assert finding.fix.endswith(f"git restore seglib/data/{name}")
    (data / name).unlink()
    assert models.check_weights().status == "problem"


def test_downloaded_weights_are_compared_with_their_names(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, stick = data.parent / "cache", data.parent / "stick"
    (cache / GOOD).write_bytes(BODY)
    (cache / "resnet50-0676ba61.pth").write_bytes(b"of another program")
    finding = models.check_weights()
    assert finding.status == "ok"
    assert "1 undamaged" in finding.found
    monkeypatch.setenv("SEGLIB_WEIGHTS", str(stick))
    (stick / GOOD).write_bytes(BODY[:-1])
    finding = models.check_weights()
    assert finding.status == "warning"
    assert str(stick / GOOD) in finding.found
    assert finding.fix.endswith("fetch fcn_resnet50")
    assert models.undamaged_weights() == [cache / GOOD]
    monkeypatch.setattr(models, "READ_SECONDS", -1)
    assert "2 not read" in models.check_weights().found


def test_the_variables_that_name_other_weights(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGLIB_WEIGHTS", str(data.parent / "no stick"))
    assert models.check_weights().status == "warning"
    monkeypatch.setenv("SEGLIB_OFFLINE", "1")
    assert models.check_weights().status == "ok"


@pytest.mark.parametrize(("slow", "status"), [(5.0, "warning"), (1e9, "ok")])
def test_a_slow_model_is_a_warning(slow: float, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Model:
        runtime, device = "none", "cpu"

        def mask(self, frame: np.ndarray) -> None:
            time.sleep(0.006)  # what is measured

    monkeypatch.setattr("seglib.predict.load_model", lambda progress: Model())
    monkeypatch.setattr(models, "SLOW", slow)
    finding = models.check_speed()
    assert finding.status == status
    milliseconds = re.search(r"takes (\d+) ms", finding.found)
    assert milliseconds is not None
    assert int(milliseconds[1]) >= 6
