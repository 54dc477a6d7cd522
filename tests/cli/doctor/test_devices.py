"""Checks of cameras and graphics cards, with fake ones."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from seglib.cli.doctor import devices
from seglib.cli.doctor.report import ok


@pytest.fixture
def cameras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A /dev with one webcam, which as usual has a second device without pictures, and the names of both."""
    for name in ("JUPYTERHUB_USER", "BINDER_SERVICE_HOST", "COLAB_RELEASE_TAG", "SEGLIB_SOURCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(devices, "DEV", tmp_path)
    monkeypatch.setattr(devices, "SYS", tmp_path / "sys")
    for number in (0, 1):
        (tmp_path / f"video{number}").write_bytes(b"")
        (tmp_path / "sys" / f"video{number}").mkdir(parents=True)
        (tmp_path / "sys" / f"video{number}" / "index").write_text(f"{number}\n")
        (tmp_path / "sys" / f"video{number}" / "name").write_text("HD WebCam: HD WebCam\n")
    return tmp_path


def test_cameras_are_listed_and_none_is_opened(cameras: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cv2.VideoCapture", lambda *number: pytest.fail("a camera was opened"))
    finding = devices.check_cameras()
    assert finding.status == "ok"
    assert finding.found.startswith("0: HD WebCam: HD WebCam (")


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_program_that_holds_a_camera_is_named(cameras: Path) -> None:
    program = f"file = open({str(cameras / 'video0')!r}); print('open', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == b"open\n"
        finding = devices.check_cameras()
        holder.stdin.close()
    assert finding.status == "warning"
    assert re.search(rf"video0 is held by python\S* \(process {holder.pid}\)", finding.found)
    assert devices.check_cameras().status == "ok", "the program has ended"


def test_a_camera_without_permission(cameras: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert "usermod -aG video" in devices.check_cameras().fix


def test_no_camera_is_fine(cameras: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for device in cameras.glob("video*"):
        device.unlink()
    assert devices.check_cameras().status == devices.try_cameras().status == "ok"
    monkeypatch.setenv("JUPYTERHUB_USER", "ada")
    assert "server" in devices.check_cameras().found


class Camera:
    """Stands in for cv2.VideoCapture, at 640×480 and 1280×720."""

    light = 90
    works = True
    released = 0

    def __init__(self, number: int, backend: int) -> None:
        self.size = [640, 480]
        self.asked = [640, 480]

    def isOpened(self) -> bool:
        return self.works

    def read(self) -> tuple[bool, np.ndarray]:
        return True, np.full((480, 640, 3), self.light, np.uint8)

    def set(self, what: int, value: float) -> None:
        if what in (3, 4):
            self.asked[what - 3] = int(value)
            self.size = [1280, 720] if self.asked[0] >= 1280 else [640, 480]

    def get(self, what: int) -> float:
        return self.size[what - 3] if what in (3, 4) else 30.0

    def release(self) -> None:
        Camera.released += 1


def test_trying_a_camera_tells_its_sizes_and_whether_it_sees(cameras: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cv2.VideoCapture", Camera)
    monkeypatch.setattr(Camera, "released", 0)
    assert devices.try_cameras() == ok("camera 0 gives 640×480, 1280×720")
    assert Camera.released == 1
    monkeypatch.setattr(Camera, "light", 3)
    black = devices.try_cameras()
    assert (black.status, "picture is black" in black.found) == ("warning", True)
    monkeypatch.setattr(Camera, "works", False)
    closed = devices.try_cameras()
    assert (closed.status, closed.found[:28]) == ("warning", "camera 0 could not be opened")
    monkeypatch.setattr("cv2.VideoCapture", lambda *number: pytest.fail("a camera was opened"))
    monkeypatch.setenv("SEGLIB_SOURCE", "clip")
    assert "SEGLIB_SOURCE" in devices.try_cameras().fix


@pytest.mark.parametrize(
    ("system", "program", "output", "found"),
    [
        (
            "darwin",
            "system_profiler",
            '{"SPCameraDataType": [{"_name": "FaceTime HD Camera"}]}',
            "FaceTime HD Camera (",
        ),
        ("darwin", "system_profiler", "{}", "none found"),
        ("win32", "powershell", "Integrated Camera\nOBS Virtual Camera\n", "Integrated Camera, OBS Virtual Camera ("),
        ("win32", "another program", "", "none found"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="writes a shell script")
def test_other_systems_list_their_cameras_themselves(
    system: str, program: str, output: str, found: str, cameras: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_program(cameras / program, output)
    monkeypatch.setenv("PATH", str(cameras), prepend=os.pathsep)
    monkeypatch.setattr(sys, "platform", system)
    assert devices.check_cameras().found.startswith(found)


def write_program(path: Path, output: str) -> None:
    path.write_text(f"#!/bin/sh\nprintf '%s' '{output}'\n")
    path.chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="writes a shell script")
def test_a_graphics_card_that_cannot_compute_or_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import torch

    def ones(*size: int, device: str) -> None:
        raise RuntimeError("no kernel image is available\nlong advice")

    card = SimpleNamespace(name="Some Card", total_memory=8e9)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: card)
    monkeypatch.setattr(torch, "ones", ones)
    for device in (torch.cuda, torch.backends.mps):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
        monkeypatch.setattr(device, "is_available", lambda: True)
        finding = devices.check_gpu()
        assert finding.status == "warning"
        assert finding.found.endswith("no kernel image is available")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert devices.check_gpu().status == "ok"
    write_program(tmp_path / "nvidia-smi", "Some Card")
    finding = devices.check_gpu()
    assert finding.status == "warning"
    assert finding.found.startswith("Some Card is there")


def test_a_graphics_card_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    ones = torch.ones
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch, "ones", lambda *size, device: ones(*size))
    assert devices.check_gpu().status == "ok"
