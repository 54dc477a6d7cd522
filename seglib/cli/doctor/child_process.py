"""Run checks in a child process, which a broken package may end without ending ours.

A package can fail in worse ways than by an exception: a processor that lacks an instruction ends the whole program,
a driver hangs. So a child process runs the checks in order and writes a line of JSON after each. If it ends early, the
check that it was running is the cause, and another child process runs the rest.
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

# The checks in the order of the report: name -> module and function.
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

TIMEOUT = 240.0  # seconds for all checks; on a cold disk or a very busy machine PyTorch alone takes a minute

_PROGRAM = (
    "import sys; sys.path.append(sys.argv[1]); from seglib.cli.doctor.child_process import print_findings;"
    "print_findings()"
)


def run_checks(names: Sequence[str], *, camera: bool = False, timeout: float = TIMEOUT) -> list[Finding]:
    """Run checks in child processes; returns a finding for each, whatever happens.

    Parameters
    ----------
    names
        Keys of ``CHECKS``.
    camera
        Open the cameras, instead of only listing them.
    timeout
        Seconds for each child process.
    """
    findings: list[Finding] = []
    while left := list(names)[len(findings) :]:
        done, ending = _run_child(left, camera, timeout)
        findings += done
        if len(done) < len(left):
            findings.append(replace(ending, name=left[len(done)]))
    return findings


def print_findings() -> None:
    """Run in the child process: run the checks that its arguments name, and print each finding as JSON."""
    reports = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a package prints must not mix with the findings
    _, camera, *names = sys.argv[1:]
    for name in names:
        function = "devices.try_cameras" if name == "camera" and camera == "open" else CHECKS[name]
        print(json.dumps(asdict(replace(run_check(function), name=name))), file=reports, flush=True)
    reports.flush()
    os._exit(0)  # a package that crashes at exit does not matter any more


def run_check(function: str) -> Finding:
    """Run one check, named as in ``CHECKS``, in this process; an exception becomes a finding."""
    module, _, name = function.partition(".")
    try:
        finding: Finding = getattr(import_module(f"seglib.cli.doctor.{module}"), name)()
        return finding
    except Exception as error:  # of whatever package
        return warning(f"could not be checked: {type(error).__name__}: {error}", "python -m seglib doctor, once more")


def _run_child(names: list[str], camera: bool, timeout: float) -> tuple[list[Finding], Finding]:
    """The findings up to where the child process ended, and how it ended."""
    root = str(Path(seglib.__file__).parents[1])  # for a project folder that is not installed
    command = [sys.executable, "-c", _PROGRAM, root, "open" if camera else "list", *names]
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired as error:
        ending = problem(f"no answer within {timeout:g} seconds", "restart the machine, then try again")
        return _findings(error.stdout), ending
    except OSError as error:
        return [], problem(f"{sys.executable} cannot be started: {error}", "install Python again")
    return _findings(done.stdout), _ending(done.returncode, done.stderr.decode(errors="replace"))


def _findings(output: bytes | None) -> list[Finding]:
    complete = (output or b"").decode().rpartition("\n")[0]
    return [Finding(**json.loads(line)) for line in complete.splitlines()]


def _ending(code: int, errors: str) -> Finding:
    if "OMP: Error #15" in errors:
        return problem(
            "it ended Python: two copies of the OpenMP library are loaded, usually one by conda and one by pip",
            "make a new environment with all packages from one of the two: conda env create -f environment.yml",
        )
    if code == -getattr(signal, "SIGILL", 4):
        return problem("it ended Python: this processor lacks an instruction that it needs", "use a newer machine")
    if code == -getattr(signal, "SIGKILL", 9):
        return problem("the system ended it, most likely for lack of memory", "close other programs and kernels")
    how = f"with signal {-code}" if code < 0 else f"with exit code {code}"
    last = (errors.strip().splitlines() or ["it printed nothing"])[-1]
    again = 'python -m pip install --force-reinstall -c constraints.txt -e ".[test]"'
    return problem(f"it ended Python {how}: {last}", again)
