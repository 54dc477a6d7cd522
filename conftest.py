"""Every pytest run, of tests, doctests and notebooks, is repeatable: no download, no cache, never a camera."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seglib

os.environ |= {"SEGLIB_OFFLINE": "1", "SEGLIB_SOURCE": "clip"}  # the notebooks' kernels inherit both
os.environ.pop("MPLBACKEND", None)  # a notebook's kernel chooses its own


@pytest.fixture(autouse=True)
def _doctest_names(
    request: pytest.FixtureRequest, doctest_namespace: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What the examples in docstrings may use without saying so; the files that they write go to a temporary folder."""
    if isinstance(request.node, pytest.DoctestItem):
        doctest_namespace |= {"seglib": seglib, "np": np}
        doctest_namespace |= {"frame": seglib.sample_frame(), "mask": seglib.sample_mask()}
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("MPLBACKEND", "Agg")
