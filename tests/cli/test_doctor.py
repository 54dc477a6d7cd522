"""The doctor: each of its lines made to fail for real, and the doctor itself alive whatever is broken."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import numpy as np
import pytest

import seglib
from seglib.__main__ import main
from seglib.cli.doctor import apart, command, devices, machine, models, packages, page
from seglib.cli.doctor.apart import CHECKS, run_apart
from seglib.cli.doctor.report import Finding, Report, ok, problem, warning

ROOT = Path(seglib.__file__).parents[1]
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into Linux's own folders")

SCHEMA = {
    "type": "object",
    "required": ["seglib", "status", "ready", "seconds", "checks"],
    "additionalProperties": False,
    "properties": {
        "seglib": {"const": seglib.__version__},
        "status": {"enum": ["ok", "warning", "problem"]},
        "ready": {"type": "boolean"},
        "seconds": {"type": "number", "minimum": 0},
        "checks": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "status", "found", "mend"],
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string", "minLength": 1},
                    "status": {"enum": ["ok", "warning", "problem"]},
                    "found": {"type": "string", "minLength": 1},
                    "mend": {"type": "string"},
                },
                "if": {"properties": {"status": {"const": "ok"}}},
                "else": {"properties": {"mend": {"minLength": 1}}},
            },
        },
    },
}


def doctor(*arguments: str, path: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    """The doctor as a user calls it. path: a folder of modules that stand before the installed ones."""
    env = os.environ | {"PYTHONIOENCODING": "utf-8"} | more
    if path:
        env["PYTHONPATH"] = str(path)
    whole = [sys.executable, "-m", "seglib", "doctor", *arguments]
    return subprocess.run(whole, cwd=ROOT, env=env, capture_output=True, encoding="utf-8", timeout=900, check=False)


@pytest.fixture(scope="module")
def healthy() -> tuple[int, dict]:
    """Exit code and report of this machine."""
    done = doctor("--json")
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


# ---- the whole ---------------------------------------------------------------------------------------------


def test_on_a_machine_that_runs_these_tests_nothing_is_a_problem(healthy: tuple[int, dict]) -> None:
    code, report = healthy
    assert [check for check in report["checks"] if check["status"] == "problem"] == []
    assert code == 0
    assert report["ready"]


def test_the_json_has_its_shape_and_a_line_for_every_check(healthy: tuple[int, dict]) -> None:
    jsonschema.validate(healthy[1], SCHEMA)
    assert [check["name"] for check in healthy[1]["checks"]] == list(CHECKS)
    with pytest.raises(jsonschema.ValidationError):  # can the schema fail?
        jsonschema.validate(
            healthy[1] | {"checks": [{"name": "x", "status": "problem", "found": "y", "mend": ""}]}, SCHEMA
        )


def test_what_it_finds_is_true(healthy: tuple[int, dict]) -> None:
    from importlib.metadata import version

    import cv2
    import psutil
    import torch

    found = {check["name"]: check["found"] for check in healthy[1]["checks"]}
    assert found["Python"].startswith(platform.python_version())
    assert found["OpenCV"].startswith(cv2.__version__)
    assert found["PyTorch"].startswith(torch.__version__)
    assert version("openvino") in found["OpenVINO"]
    assert re.search(r"of ([\d.]+) GB", found["memory"])[1] <= f"{psutil.virtual_memory().total / 1e9:.1f}"
    assert re.fullmatch(r"portrait takes \d+ ms for a frame of 640×480 .*", found["speed"])


def test_it_survives_the_loss_of_every_package_at_once(tmp_path: Path) -> None:
    """All of them are found, and break when they are imported."""
    lost = "numpy cv2 torch torchvision PIL av matplotlib openvino psutil packaging pooch requests tqdm safetensors"
    for name in f"{lost} anywidget ipywidgets IPython jupyter_client jupyter_core traitlets".split():
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('broken on purpose')", encoding="utf-8")
    done = doctor("--json", path=tmp_path)
    assert done.returncode == 1, done.stderr
    assert done.stderr == ""
    jsonschema.validate(json.loads(done.stdout), SCHEMA)
    status = {check["name"]: check["status"] for check in json.loads(done.stdout)["checks"]}
    assert list(status) == list(CHECKS)
    assert status["OpenCV"] == status["PyTorch"] == "problem"
    assert {name for name in CHECKS if status[name] == "ok"} >= {"Python", "camera"}


def test_a_package_that_ends_python_or_hangs_costs_its_own_line_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for stub, expected in {
        "import os, signal; os.kill(os.getpid(), signal.SIGILL)": "lacks an instruction",
        "import os, sys; print('to stdout'); sys.stderr.write('last words'); os._exit(3)": "3: last words",
        "import time; time.sleep(60)": "no answer in 3 seconds",
    }.items():
        if os.name == "nt" and "SIGILL" in stub:
            continue
        (tmp_path / "cv2.py").write_text(stub, encoding="utf-8")
        findings = run_apart(["Python", "OpenCV", "camera"], patience=3)
        assert [finding.name for finding in findings] == ["Python", "OpenCV", "camera"]
        assert [finding.status for finding in findings] == ["ok", "problem", "ok"]
        assert expected in findings[1].found
        assert findings[1].mend


def test_what_a_package_prints_does_not_spoil_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cv2.py").write_text("import os\nprint('{')\nos.write(1, b'}}')\n__version__ = '9'", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert run_apart(["OpenCV", "Python"])[0].found.startswith("9,")


def test_a_python_that_cannot_be_started_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    (finding,) = run_apart(["Python"])
    assert (finding.status, finding.name) == ("problem", "Python")


def test_a_check_that_fails_itself_says_so_in_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "check_memory", lambda: 1 / 0)
    finding = apart._look("machine.check_memory")
    assert finding.status == "warning"
    assert "ZeroDivisionError: division by zero" in finding.found


# ---- the report --------------------------------------------------------------------------------------------

THREE = [ok("fine"), warning("long " * 50, "python -m pip " + "x" * 120), problem("bad", "mend it")]
THREE = [Finding(f.status, f.found, f.mend, name) for f, name in zip(THREE, ("one", "two", "widgets"), strict=True)]


def test_the_text_is_aligned_and_its_commands_are_whole() -> None:
    lines = str(Report(THREE, 1.0)).splitlines()
    assert lines[0] == "ok       one             fine"
    assert any(line.strip() == f"to mend: {THREE[1].mend}" for line in lines), "ready to be copied"
    assert max(len(line) for line in lines if "mend" not in line) <= 80
    assert lines[-1] == "Not ready: 1 problem to mend."
    assert str(Report(THREE[:2], 1.0)).endswith("This machine is ready, with 1 warning.")
    assert str(Report(THREE[:1], 1.0)).endswith("This machine is ready.")


def test_a_brief_report_is_the_same_on_every_healthy_machine() -> None:
    report = Report([THREE[0], Finding("ok", "something else", name="two")], 1.0, brief=True)
    assert str(report) == "ok       one\nok       two\nThis machine is ready."
    assert "to mend" in str(Report(THREE, 1.0, brief=True))


def test_the_exit_code_is_1_only_for_a_problem(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for findings, code in ((THREE[:1], 0), (THREE[:2], 0), (THREE, 1)):
        monkeypatch.setattr(command, "run_apart", lambda names, camera, found=findings: found)
        assert main(["doctor"]) == code
        assert main(["doctor", "--json"]) == code
    assert '"status": "problem"' in capsys.readouterr().out


def test_only_camera_opens_a_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(command, "run_apart", lambda names, camera: asked.append(camera) or [])
    main(["doctor"])
    main(["doctor", "--camera"])
    seglib.check_machine()
    assert asked == [False, True, False]


# ---- machine -----------------------------------------------------------------------------------------------


def test_an_old_python_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 4, "final", 0))
    finding = machine.check_python()
    assert finding.status == "problem"
    assert "3.10.4" in finding.found


@linux
def test_the_limits_of_a_container_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    free = machine.check_memory().found
    (tmp_path / "cpu.max").write_text("150000 100000")
    (tmp_path / "memory.max").write_text("2000000000")
    (tmp_path / "memory.current").write_text("1900000000")
    (tmp_path / "memory.stat").write_text("anon 5\ninactive_file 300000000\nactive_file 7")
    assert machine.usable_cores() == pytest.approx(min(1.5, len(os.sched_getaffinity(0))))
    finding = machine.check_memory()
    assert finding.status == "warning"
    assert finding.found.startswith("0.4 GB free of 2.0 GB")
    (tmp_path / "memory.max").write_text("max")
    (tmp_path / "cpu.max").write_text("max 100000")
    assert machine.check_memory().found[-8:] == free[-8:]
    assert machine.usable_cores() == len(os.sched_getaffinity(0))


def test_one_core_or_a_busy_machine_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (0.1, 0.1, 0.1), raising=False)
    monkeypatch.setattr(machine, "usable_cores", lambda: 1)
    assert "1 core for" in machine.check_processor().found
    assert machine.check_processor().status == "warning"
    monkeypatch.setattr(machine, "usable_cores", lambda: 4)
    assert machine.check_processor().status == "ok"
    monkeypatch.setattr(os, "getloadavg", lambda: (999.0, 0.1, 0.1))
    assert "load 999.0" in machine.check_processor().found


def test_a_full_disk_is_a_problem_and_a_nearly_full_one_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    for free, status in ((1e6, "problem"), (5e8, "warning"), (5e9, "ok")):
        monkeypatch.setattr(shutil, "disk_usage", lambda path, free=free: usage(1e10, 1e10 - free, free))
        assert machine.check_disk().status == status


def test_where_nothing_can_be_written_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may write into a read-only folder, so a file stands where the folder should be."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEGLIB_OFFLINE", raising=False)
    monkeypatch.setenv("SEGLIB_CACHE", str(tmp_path / "cache" / "deep"))
    assert machine.check_writing().status == "ok"
    assert os.listdir(tmp_path) == [], "and nothing is left behind"
    (tmp_path / "cache").write_text("a file")
    finding = machine.check_writing()
    assert (finding.status, finding.mend) == ("warning", "set SEGLIB_CACHE=FOLDER")
    (tmp_path / "out").write_text("a file")
    finding = machine.check_writing()
    assert finding.status == "problem"
    assert str(tmp_path / "out") in finding.found


# ---- packages ----------------------------------------------------------------------------------------------


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make a distribution that is found before any installed one of its name, by name, version and what it needs."""
    monkeypatch.syspath_prepend(tmp_path)

    def add(name: str, version: str, *needs: str) -> None:
        folder = tmp_path / f"{name}-{version}.dist-info"
        folder.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        (folder / "METADATA").write_text("\n".join(lines + [f"Requires-Dist: {need}" for need in needs]) + "\n")

    return add


def test_another_version_is_a_warning_that_names_both(fake: Callable[..., None]) -> None:
    pinned = packages._pins()["pooch"]
    fake("pooch", "1.0")
    finding = packages.check_versions()
    assert finding.status == "warning"
    assert finding.found == f"other versions than in constraints.txt: pooch 1.0 ({pinned} there)"
    assert finding.mend == 'python -m pip install -c constraints.txt -e ".[test]"'


def test_a_build_of_the_right_version_is_right(fake: Callable[..., None]) -> None:
    before = packages.check_versions().found
    fake("torch", packages._pins()["torch"] + "+cpu", *packages.metadata.requires("torch"))
    assert packages.check_versions().found == before


def test_a_missing_or_unfit_package_is_a_problem_also_deep_down(
    fake: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = packages.wanted()
    monkeypatch.setattr(packages, "wanted", lambda: [*wanted, "no-such-package>=1"])
    finding = packages.check_versions()
    assert (finding.status, finding.found) == ("problem", "missing: no-such-package")
    monkeypatch.setattr(packages, "wanted", lambda: ["alpha", "numpy>=2"])
    fake("alpha", "1.0", "beta>=2", "gamma; extra == 'never'", "delta; python_version < '3'")
    fake("beta", "1.5")
    assert packages.check_versions().found == "do not fit: beta 1.5"
    fake("numpy", "1.26")
    assert packages.check_versions().found == "do not fit: numpy 1.26, beta 1.5"


def test_the_walk_finds_what_pip_check_finds() -> None:
    """pip, which nobody here wrote, is asked about the same environment."""
    done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    ours = [name for name, version, fits in packages.needed(packages.wanted()) if version is None or not fits]
    assert bool(ours) <= bool(done.returncode), done.stdout
    needed = {name for name, _, _ in packages.needed(packages.wanted())}
    assert {"numpy", "torch", "comm", "traitlets", "jinja2", "fonttools"} <= needed


def test_a_second_opencv_is_a_warning(fake: Callable[..., None]) -> None:
    fake("opencv-python-headless", "5.0")
    finding = packages.check_versions()
    assert finding.status == "warning"
    assert "uninstall -y opencv-python opencv-python-headless" in finding.mend


def test_an_installed_wheel_has_no_constraints_and_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(packages, "ROOT", tmp_path)
    finding = packages.check_versions()
    assert finding.status == "ok"
    assert finding.found.endswith("no constraints.txt here to compare their versions with")
    assert packages._install() == "install seglib again, as you did the first time"


LIBGL = "raise ImportError('libGL.so.1: cannot open shared object file: No such file or directory')"


@linux
def test_a_missing_display_library_is_told_with_the_command_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cv2.py").write_text(LIBGL, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    finding = run_apart(["OpenCV"])[0]
    assert finding.status == "problem"
    assert finding.found == "opencv-python needs libGL.so.1, a library that this system lacks"
    assert finding.mend
    for program, command_ in {
        "apt-get": "libgl1 libglib2.0-0",
        "dnf": "mesa-libGL glib2",
        "pacman": "libglvnd glib2",
    }.items():
        monkeypatch.setattr(shutil, "which", lambda name, program=program: name == program)
        assert packages._system_library("libGL.so.1").endswith(command_)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "libGL.so.1" in packages._system_library("libGL.so.1")


@pytest.mark.parametrize(
    ("name", "error", "found", "mend"),
    [
        ("torch", ModuleNotFoundError("No module named 'torch'", name="torch"), "torch is not installed", "-e"),
        ("Pillow", ModuleNotFoundError("No module named 'PIL'", name="PIL"), "Pillow is not installed", "-e"),
        ("torch", ImportError("DLL load failed while importing _C"), "cannot be loaded", "Redistributable"),
        ("torchvision", RuntimeError("operator torchvision::nms does not exist"), "nms does not", "--force-reinstall"),
        ("av", ModuleNotFoundError("No module named 'inner'", name="inner"), "av cannot be imported", "av=="),
    ],
)
def test_why_a_package_cannot_be_imported(name: str, error: Exception, found: str, mend: str) -> None:
    finding = packages._broken(name, error)
    assert finding.status == "problem"
    assert found in finding.found
    assert mend in finding.mend


def test_openvino_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)  # an import of it fails
    finding = packages.check_openvino()
    assert finding.status == "warning"
    assert "PyTorch runs the models" in finding.found


def test_a_processor_without_avx2_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
    assert packages.check_torch().status == "warning"
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    assert packages.check_torch().status == "ok"


def test_notebooks_that_would_run_in_another_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "kernels" / "python3"
    folder.mkdir(parents=True)
    other = tmp_path / "bin" / "python"
    other.parent.mkdir()
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))

    def kernel(program: str) -> Finding:
        spec = {"argv": [program, "-m", "ipykernel"], "display_name": "Python 3", "language": "python"}
        (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
        return packages.check_kernel()

    assert kernel("python").status == "ok"
    assert kernel(sys.executable).status == "ok"
    gone = kernel(str(other))
    assert gone.status == "problem"
    assert "gone" in gone.found
    try:
        other.symlink_to(sys.executable)  # as a virtual environment's python is
    except OSError:
        other.write_text("")
    elsewhere = kernel(str(other))
    assert elsewhere.status == "warning"
    assert str(other) in elsewhere.found


def test_widgets_that_jupyterlab_lacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "can only be seen there: seglib.check_machine()" in packages.check_widget_files().found
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *parts: [str(tmp_path)])
    finding = packages.check_widget_files()
    assert finding.status == "warning"
    assert "@jupyter-widgets/jupyterlab-manager, anywidget" in finding.found


# ---- devices -----------------------------------------------------------------------------------------------


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
    assert finding == ok("0: HD WebCam: HD WebCam (not opened; --camera tries them)")


@linux
def test_who_holds_a_camera(cameras: Path) -> None:
    program = f"file = open({str(cameras / 'video0')!r}); print('open', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"open\n"
        finding = devices.check_cameras()
        holder.stdin.close()
    assert finding.status == "warning"
    assert re.search(rf"video0 is held by python\S* \(process {holder.pid}\)", finding.found)
    assert devices.check_cameras().status == "ok", "it has let go"


def test_a_camera_that_may_not_be_used(cameras: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert "usermod -aG video" in devices.check_cameras().mend


def test_no_camera_and_a_server_are_fine(cameras: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for device in cameras.glob("video*"):
        device.unlink()
    assert devices.check_cameras() == devices.try_cameras() == ok(devices._NONE)
    monkeypatch.setenv("JUPYTERHUB_USER", "ada")
    assert "runs on a server" in devices.check_cameras().found


class Camera:
    """Stands in for cv2.VideoCapture: 640×480 and 1280×720 it can, and nothing larger."""

    light = 90
    works = True
    released = 0

    def __init__(self, number: int) -> None:
        self.size = [640, 480]
        self.asked = [640, 480]

    def isOpened(self) -> bool:
        return self.works

    def read(self) -> tuple[bool, np.ndarray]:
        return True, np.full((480, 640, 3), self.light, np.uint8)

    def set(self, what: int, value: float) -> None:
        self.asked[what - 3] = int(value)
        if what == 4:
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
    assert devices.try_cameras().status == "warning"
    assert "picture is black" in devices.try_cameras().found
    monkeypatch.setattr(Camera, "works", False)
    finding = devices.try_cameras()
    assert finding.status == "warning"
    assert finding.found.startswith("camera 0 could not be opened")
    monkeypatch.setattr("cv2.VideoCapture", lambda *number: pytest.fail("a camera was opened"))
    monkeypatch.setenv("SEGLIB_SOURCE", "clip")
    assert "SEGLIB_SOURCE is 'clip'" in devices.try_cameras().found


@pytest.mark.parametrize(
    ("system", "program", "output", "names"),
    [
        (
            "darwin",
            "system_profiler",
            '{"SPCameraDataType": [{"_name": "FaceTime HD Camera"}]}',
            ["FaceTime HD Camera"],
        ),
        ("darwin", "system_profiler", "{}", []),
        ("win32", "powershell", "Integrated Camera\nOBS Virtual Camera\n", ["Integrated Camera", "OBS Virtual Camera"]),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="writes a shell script")
def test_other_systems_list_their_cameras_themselves(
    system: str, program: str, output: str, names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / program
    script.write_text(f"#!/bin/sh\nprintf '%s' '{output}'\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(sys, "platform", system)
    assert devices._listed() == names
    script.unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert devices._listed() == []


def test_a_graphics_card_that_cannot_compute_or_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    card = SimpleNamespace(name="Some Card", total_memory=8e9)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: card)

    def ones(*size: int, device: str) -> None:
        raise RuntimeError("CUDA error: no kernel image is available\nlong advice")

    monkeypatch.setattr(torch, "ones", ones)
    finding = devices.check_gpu()
    assert (finding.status, "no kernel image" in finding.found) == ("warning", True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert devices.check_gpu().status == "ok"
    monkeypatch.setattr(devices, "_nvidia", lambda: "Some Card")
    assert "Some Card is there, but PyTorch cannot use it" in devices.check_gpu().found


# ---- models ------------------------------------------------------------------------------------------------


def test_the_checksums_are_those_of_the_files() -> None:
    """If this fails after a file was changed on purpose: python recipes/checksums.py"""
    data = Path(seglib.__file__).parent / "data"
    promised = dict(models._promised())
    files = {path.name for path in data.iterdir() if path.is_file()} - {"SHA256SUMS", "README.md"}
    assert set(promised) == files
    for name, digest in promised.items():
        assert hashlib.sha256((data / name).read_bytes()).hexdigest() == digest, name


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of seglib's own files, and an empty cache."""
    folder = shutil.copytree(models.EMBEDDED.parent, tmp_path / "data")
    monkeypatch.setattr(models, "EMBEDDED", folder / "portrait.safetensors")
    monkeypatch.setattr(models, "SUMS", folder / "SHA256SUMS")
    monkeypatch.setenv("SEGLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SEGLIB_OFFLINE", raising=False)
    monkeypatch.delenv("SEGLIB_WEIGHTS", raising=False)
    return folder


@pytest.mark.parametrize("name", ["portrait.safetensors", "clip.mp4"])
def test_a_damaged_file_of_our_own_is_a_problem(data: Path, name: str) -> None:
    assert models.check_weights() == ok("embedded: whole; others: none yet, and none is needed")
    content = bytearray((data / name).read_bytes())
    content[-1] ^= 1  # one bit, and the length is right
    (data / name).write_bytes(content)
    finding = models.check_weights()
    assert finding.status == "problem"
    assert finding.mend.endswith(f"git restore seglib/data/{name}")
    (data / name).write_bytes(content[:-100])
    assert models.check_weights().status == "problem"
    (data / name).unlink()
    assert models.check_weights().status == "problem"


def test_downloaded_weights_are_read_and_compared(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("cache", "stick"):
        (data.parent / folder).mkdir()
    body = b"weights"
    good = f"fcn_resnet50_coco-{hashlib.sha256(body).hexdigest()[:8]}.pth"
    (data.parent / "cache" / good).write_bytes(body)
    (data.parent / "cache" / "resnet50-0676ba61.pth").write_bytes(b"not one of ours")
    assert models.check_weights() == ok("embedded: whole; others: 1 whole")
    monkeypatch.setenv("SEGLIB_WEIGHTS", str(data.parent / "stick"))
    bad = data.parent / "stick" / good
    bad.write_bytes(body[:-1])
    finding = models.check_weights()
    assert finding.status == "warning"
    assert str(bad) in finding.found
    assert finding.mend == "python -m seglib fetch fcn_resnet50"
    monkeypatch.setattr(models, "PATIENCE", -1)
    assert models.check_weights().found == "embedded: whole; others: 0 whole, 2 not read"
    monkeypatch.setenv("SEGLIB_WEIGHTS", str(data.parent / "no stick"))
    assert "which is no folder" in models.check_weights().found
    monkeypatch.setenv("SEGLIB_OFFLINE", "1")
    assert models.check_weights().status == "ok"


def test_a_slow_model_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    class Model:
        pause = 0.006

        def mask(self, frame: np.ndarray) -> None:
            time.sleep(self.pause)

    monkeypatch.setattr("seglib.predict.load_model", lambda progress: Model())
    monkeypatch.setattr(models, "SLOW", 5.0)
    finding = models.check_speed()
    assert finding.status == "warning"
    assert int(re.search(r"takes (\d+) ms", finding.found)[1]) >= 6
    monkeypatch.setattr(models, "SLOW", 1e9)
    assert models.check_speed().status == "ok"


# ---- the page ----------------------------------------------------------------------------------------------


def test_the_kernels_half_of_the_round_trip(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's half is tested in tests/browser."""
    report = Report([Finding("warning", "?", "x", "widgets")], 0.0)
    line = page.RoundTrip(report.replace)
    sent: list[object] = []
    monkeypatch.setattr(line, "send", sent.append)
    line._handle_custom_msg({"kind": "something else"}, [])
    assert sent == []
    line._handle_custom_msg({"kind": "ping"}, [])
    assert sent == [{"kind": "pong"}]
    assert report["widgets"].status == "warning"
    line._handle_custom_msg({"kind": "heard", "milliseconds": 12.3}, [])
    assert report["widgets"] == Finding("ok", "this page shows them, and the kernel answers in 12 ms", name="widgets")


def test_outside_a_notebook_no_page_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    import ipykernel  # noqa: F401  it may be loaded without being the kernel

    monkeypatch.setattr(command, "run_apart", lambda names, camera: [Finding("ok", "files", name="widgets")])
    assert not page.in_notebook()
    assert command.check_machine().show_page is None
