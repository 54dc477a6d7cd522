"""Checks of the packages, made to fail with fake ones."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from seglib.cli.doctor import packages
from seglib.cli.doctor.report import Finding
from seglib.predict.openvino_runtime import import_openvino


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make a distribution that is found before any installed one of its name: name, version, requirements."""
    monkeypatch.syspath_prepend(tmp_path)

    def add(name: str, version: str, *needs: str) -> None:
        folder = tmp_path / f"{name}-{version}.dist-info"
        folder.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        (folder / "METADATA").write_text("\n".join(lines + [f"Requires-Dist: {need}" for need in needs]) + "\n")

    return add


@pytest.fixture
def depends(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let seglib depend on these packages only: a walk through all of them takes a second."""
    return lambda *names: monkeypatch.setattr(packages, "dependencies", lambda: list(names))


def test_another_version_is_a_warning_that_names_both(fake: Callable[..., None], depends: Callable[..., None]) -> None:
    depends("pooch")
    fake("pooch", "1.0")
    finding = packages.check_versions()
    assert finding.status == "warning"
    assert f"pooch 1.0 ({packages.pinned_versions()['pooch']} there)" in finding.found
    assert "constraints.txt" in finding.fix


def test_a_build_of_the_right_version_is_right(fake: Callable[..., None], depends: Callable[..., None]) -> None:
    depends("torch")
    fake("torch", packages.pinned_versions()["torch"] + "+cpu")
    assert packages.check_versions().status == "ok"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["no-such-package>=1"], "missing: no-such-package"),
        (["alpha"], "do not fit: beta 1.5"),
        (["alpha", "numpy>=2"], "do not fit: numpy 1.26, beta 1.5"),
        (["absent", "alpha"], "missing: absent; do not fit: beta 1.5"),
    ],
)
def test_a_missing_or_unfit_package_is_a_problem_also_at_second_hand(
    wanted: list[str], found: str, fake: Callable[..., None], depends: Callable[..., None]
) -> None:
    fake("alpha", "1.0", "beta>=2", "gamma; extra == 'never'", "delta; python_version < '3'")
    fake("beta", "1.5")
    fake("numpy", "1.26")
    depends(*wanted)
    finding = packages.check_versions()
    assert (finding.status, finding.found) == ("problem", found)


def test_the_requirements_are_those_that_pip_check_looks_at() -> None:
    done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    found = {name: fits for name, _, fits in packages.requirements(packages.dependencies())}
    assert all(found.values()) or done.returncode, done.stdout
    assert {"numpy", "torch", "comm", "traitlets", "jinja2", "fonttools"} <= set(found)


def test_a_second_opencv_is_a_warning(fake: Callable[..., None], depends: Callable[..., None]) -> None:
    depends("numpy")
    fake("opencv-python-headless", "5.0")
    finding = packages.check_versions()
    assert finding.status == "warning"
    assert "uninstall -y opencv-python opencv-python-headless" in finding.fix


def test_an_installed_wheel_has_no_constraints(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, depends: Callable[..., None]
) -> None:
    monkeypatch.setattr(packages, "ROOT", tmp_path)
    assert any(text.startswith("numpy") for text in packages.dependencies())
    assert not any("extra" in text for text in packages.dependencies())
    assert "constraints.txt" not in packages.install_command()
    depends("numpy")
    finding = packages.check_versions()
    assert finding.status == "ok"
    assert "no constraints.txt" in finding.found


@pytest.mark.parametrize(
    ("program", "package"), [("apt-get", "libgl1"), ("dnf", "mesa-libGL"), ("pacman", "libglvnd"), ("", "libGL.so.1")]
)
def test_a_missing_system_library_comes_with_the_command_that_installs_it(
    program: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(shutil, "which", lambda name: name == program)
    error = ImportError("libGL.so.1: cannot open shared object file: No such file or directory")
    finding = packages.import_problem("opencv-python", error)
    assert finding.status == "problem"
    assert "libGL.so.1" in finding.found
    assert package in finding.fix


@pytest.mark.parametrize(
    ("name", "error", "found", "fix"),
    [
        ("torch", ModuleNotFoundError("No module named 'torch'", name="torch"), "torch is not installed", "-e"),
        ("Pillow", ModuleNotFoundError("No module named 'PIL'", name="PIL"), "Pillow is not installed", "-e"),
        ("torch", ImportError("DLL load failed while importing _C"), "cannot be loaded", "Redistributable"),
        ("torchvision", RuntimeError("operator torchvision::nms does not exist"), "nms does not", "--force-reinstall"),
        ("av", ModuleNotFoundError("No module named 'inner'", name="inner"), "av cannot be imported", "av=="),
    ],
)
def test_why_a_package_cannot_be_imported(name: str, error: Exception, found: str, fix: str) -> None:
    finding = packages.import_problem(name, error)
    assert finding.status == "problem"
    assert found in finding.found
    assert fix in finding.fix


@pytest.mark.parametrize(
    ("module", "check", "status"),
    [
        ("cv2", packages.check_opencv, "problem"),
        ("torchvision", packages.check_torch, "problem"),
        ("openvino", packages.check_openvino, "warning"),
        ("tqdm", packages.check_others, "problem"),
    ],
)
def test_a_package_that_is_gone(
    module: str, check: Callable[[], Finding], status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert check().status == "ok"
    monkeypatch.setitem(sys.modules, module, None)  # an import of it fails
    import_openvino.cache_clear()
    finding = check()
    assert finding.status == status
    assert finding.fix


def test_the_check_of_openvino_starts_no_telemetry(tmp_path: Path) -> None:
    program = "from seglib.cli.doctor.packages import check_openvino; print(check_openvino().status)"
    environment = os.environ | dict.fromkeys(("HOME", "USERPROFILE"), str(tmp_path))
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=240)
    assert (done.stdout.strip(), list(tmp_path.iterdir())) == ("ok", [])


@pytest.mark.parametrize(("processor", "status"), [("x86_64", "warning"), ("arm64", "ok")])
def test_a_processor_without_avx2_is_a_warning(processor: str, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(platform, "machine", lambda: processor)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
    assert packages.check_torch().status == status


def test_notebooks_that_would_run_in_another_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, other = tmp_path / "kernels" / "python3", tmp_path / "bin" / "python"
    folder.mkdir(parents=True)
    other.parent.mkdir()
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))

    def kernel(program: str) -> Finding:
        spec = {"argv": [program, "-m", "ipykernel"], "display_name": "Python 3", "language": "python"}
        (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
        return packages.check_kernel()

    assert kernel("python").status == "ok"
    assert kernel(sys.executable).status == "ok"
    assert kernel(str(other)).status == "problem"
    other.touch()
    elsewhere = kernel(str(other))
    assert elsewhere.status == "warning"
    assert str(other) in elsewhere.found


def test_widgets_that_jupyterlab_lacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert packages.check_widget_files().status == "ok"
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *parts: [str(tmp_path)])
    finding = packages.check_widget_files()
    assert finding.status == "warning"
    assert "@jupyter-widgets/jupyterlab-manager, anywidget" in finding.found
