"""Run checks in a Python of their own, which a broken package may end without ending ours.

A package can fail in worse ways than by an exception: a processor that lacks an instruction ends the whole program,
a driver hangs. So another Python runs the checks in their order and writes a line of JSON after each. Where it ends
too soon, the check that it was at is the culprit, and yet another Python goes on with the rest.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path

import seglib
from seglib.cli.doctor.report import Finding, problem, warning

# The checks in the order of the report: what it is called -> the module and the function that looks.
CHECKS = {
    "Python": "machine.check_python",
    "packages": "packages.check_versions",
    "processor": "machine.check_processor",
    "memory": "machine.check_memory",
    "disk": "machine.check_disk",
    "writing": "machine.check_writing",
    "OpenCV": "packages.check_opencv",
    "PyTorch": "packages.check_torch",
    "OpenVINO": "packages.check_openvino",
    "other packages": "packages.check_others",
    "GPU": "devices.check_gpu",
    "weights": "models.check_weights",
    "camera": "devices.check_cameras",
    "kernel": "packages.check_kernel",
    "widgets": "packages.check_widget_files",
    "speed": "models.check_speed",
}

PATIENCE = 240.0  # seconds for all checks together; on a cold disk or a very busy machine PyTorch alone takes a minute

_PROGRAM = "import sys; sys.path.append(sys.argv[1]); from seglib.cli.doctor.apart import report_each; report_each()"


def run_apart(names: Sequence[str], *, camera: bool = False, patience: float = PATIENCE) -> list[Finding]:
    """Run these checks, each name one of CHECKS, and return a finding for each, whatever happens.

    camera: open the cameras, instead of only listing them.
    """
    findings: list[Finding] = []
    while left := list(names)[len(findings) :]:
        done, ending = _run(left, camera, patience)
        findings += done
        if len(done) < len(left):
            findings.append(replace(ending, name=left[len(done)]))
    return findings


def report_each() -> None:
    """What the other Python does: run the checks that its arguments name."""
    reports = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a package prints must not come between the reports
    _, camera, *names = sys.argv[1:]
    for name in names:
        home = "devices.try_cameras" if name == "camera" and camera == "open" else CHECKS[name]
        print(json.dumps(asdict(replace(_look(home), name=name))), file=reports, flush=True)
    reports.flush()
    os._exit(0)  # a package that crashes on its way out has nothing more to tell


def _look(home: str) -> Finding:
    module, function = home.split(".")
    try:
        return import_module(f"seglib.cli.doctor.{module}").__dict__[function]()
    except Exception as error:  # whatever it is, it is one line of the report
        return warning(f"could not be checked: {type(error).__name__}: {error}", "python -m seglib doctor, once more")


def _run(names: list[str], camera: bool, patience: float) -> tuple[list[Finding], Finding]:
    """The findings up to where the other Python ended, and how it ended."""
    place = str(Path(seglib.__file__).parents[1])  # for those who run from the project's folder without installing
    command = [sys.executable, "-c", _PROGRAM, place, "open" if camera else "list", *names]
    try:
        done = subprocess.run(command, capture_output=True, timeout=patience, check=False)
    except subprocess.TimeoutExpired as error:
        return _read(error.stdout), problem(f"no answer in {patience:g} seconds", "restart the machine, then try again")
    except OSError as error:
        return [], problem(f"{sys.executable} cannot be started: {error}", "install Python again")
    return _read(done.stdout), _ending(done.returncode, done.stderr.decode(errors="replace"))


def _read(output: bytes | None) -> list[Finding]:
    whole = (output or b"").decode().rpartition("\n")[0]
    return [Finding(**json.loads(line)) for line in whole.splitlines()]


def _ending(code: int, errors: str) -> Finding:
    last = (errors.strip().splitlines() or ["nothing was said"])[-1]
    again = 'python -m pip install --force-reinstall -c constraints.txt -e ".[test]"'
    if code == -getattr(signal, "SIGILL", 4):
        return problem(
            "it ended Python: this processor lacks an instruction that the package was built for", "use a newer machine"
        )
    if code == -getattr(signal, "SIGKILL", 9):
        return problem("the system ended it, most likely for want of memory", "close other programs and kernels")
    how = f"with signal {-code}" if code < 0 else f"with exit code {code}"
    return problem(f"it ended Python {how}: {last}", again)
