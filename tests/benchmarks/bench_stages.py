"""Time each stage with pytest-benchmark: ``make bench``. The file's name keeps it out of the ordinary tests.

To compare two versions on one idle machine: ``make bench ARGS=--benchmark-save=before``, change something, then
``make bench ARGS=--benchmark-compare``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from stages import SIZES, reference, stages

NAMES = ("predict", "mask", "blur", "replace", "encode")
_stages: Callable[[str], dict[str, Callable[[], object]]] = cache(stages)


@pytest.mark.parametrize("size", SIZES)
def test_reference(size: str, benchmark: Callable[[object], object]) -> None:
    benchmark.group = size
    benchmark(reference(size))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_stage(name: str, size: str, benchmark: Callable[[object], object]) -> None:
    benchmark.group = size
    benchmark(_stages(size)[name])
