"""The examples in the docstrings of seglib run."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import numpy as np
import pytest

import seglib

MODULES = [info.name for info in pkgutil.walk_packages(seglib.__path__, "seglib.") if "__main__" not in info.name]


@pytest.fixture(scope="module")
def names() -> dict[str, object]:
    """What an example may use without saying so."""
    return {"seglib": seglib, "np": np, "frame": seglib.sample_frame(), "mask": seglib.sample_mask()}


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of(
    module: str, names: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    tests = doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(module), extraglobs=names)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for test in tests:
        runner.run(test)
    assert runner.failures == 0
