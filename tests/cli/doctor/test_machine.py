"""Checks of the machine, made to fail."""

from __future__ import annotations

import os
import shutil
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from seglib.cli.doctor import machine


@pytest.mark.parametrize(
    ("version", "bits", "status", "words"),
    [
        ((3, 10, 4), 2**63, "problem", "3.10.4"),
        ((3, 12, 0), 2**31 - 1, "problem", "64 bit"),
        ((3, 11, 0), 2**63, "ok", ""),
    ],
)
def test_an_old_or_32_bit_python_is_a_problem(
    version: tuple[int, ...], bits: int, status: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    monkeypatch.setattr(sys, "maxsize", bits)
    finding = machine.check_python()
    assert finding.status == status
    assert words in finding.found


@pytest.mark.skipif(sys.platform != "linux", reason="control groups")
def test_the_limits_of_a_container_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "CGROUP", tmp_path)
    total = machine.check_memory().found.partition(" of ")[2]
    cores = machine.usable_cores()
    (tmp_path / "cpu.max").write_text("50000 100000")
    (tmp_path / "memory.max").write_text("2000000000")
    (tmp_path / "memory.current").write_text("1900000000")
    (tmp_path / "memory.stat").write_text("anon 5\ninactive_file 300000000\nactive_file 7")
    assert machine.usable_cores() == 0.5
    finding = machine.check_memory()
    assert finding.status == "warning"
    assert finding.found.startswith("0.4 GB free of 2.0 GB")
    (tmp_path / "memory.max").write_text("max")
    (tmp_path / "cpu.max").write_text("max 100000")
    assert machine.check_memory().found.partition(" of ")[2] == total
    assert machine.usable_cores() == cores


@pytest.mark.parametrize(
    ("cores", "load", "status", "words"),
    [(1, 0.1, "warning", "1 core for"), (4, 0.1, "ok", "4 cores for"), (4, 999.0, "warning", "load 999.0")],
)
def test_one_core_or_a_busy_machine_is_a_warning(
    cores: int, load: float, status: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.1, 0.1), raising=False)
    monkeypatch.setattr(machine, "usable_cores", lambda: cores)
    finding = machine.check_processor()
    assert finding.status == status
    assert words in finding.found


@pytest.mark.parametrize(("free", "status"), [(1e6, "problem"), (5e8, "warning"), (5e9, "ok")])
def test_a_full_disk_is_a_problem_and_a_nearly_full_one_a_warning(
    free: float, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1e10, 1e10 - free, free))
    assert machine.check_disk().status == status


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may write into a read-only folder, so a file stands where the folder should be."""
    monkeypatch.chdir(tmp_path)
    assert machine.check_writing().found.startswith(str(tmp_path / "out"))
    monkeypatch.delenv("SEGLIB_OFFLINE", raising=False)
    monkeypatch.setenv("SEGLIB_CACHE", str(tmp_path / "cache" / "deep"))
    assert machine.check_writing().status == "ok"
    assert os.listdir(tmp_path) == []
    (tmp_path / "cache").write_text("a file")
    finding = machine.check_writing()
    assert finding.status == "warning"
    assert "SEGLIB_CACHE" in finding.fix
    (tmp_path / "out").write_text("a file")
    finding = machine.check_writing()
    assert finding.status == "problem"
    assert str(tmp_path / "out") in finding.found
