"""The doctor as a whole: its report, its exit code, and its own life whatever is broken."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import seglib
from seglib.__main__ import main
from seglib.cli.doctor import command, machine, page
from seglib.cli.doctor.child_process import CHECKS, run_check, run_checks
from seglib.cli.doctor.report import Finding, Report

FINDINGS = [
    Finding("ok", "fine", "", "one"),
    Finding("warning", "long " * 50, "python -m pip " + "x" * 120, "two"),
    Finding("problem", "bad", "fix it", "widgets"),
]


def doctor_json(*arguments: str, path: Path | None = None) -> tuple[int, dict[str, Any]]:
    """Exit code and report of the doctor in a process of its own; ``path`` holds modules that hide installed ones."""
    env = os.environ | {"PYTHONIOENCODING": "utf-8"} | ({"PYTHONPATH": str(path)} if path else {})
    line = [sys.executable, "-m", "seglib", "doctor", "--json", *arguments]
    done = subprocess.run(line, env=env, capture_output=True, encoding="utf-8", timeout=300, check=False)
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def test_on_a_machine_that_runs_these_tests_nothing_is_a_problem() -> None:
    code, report = doctor_json()
    assert (code, report["seglib"], report["ready"]) == (0, seglib.__version__, True)
    assert report["status"] in ("ok", "warning")
    assert [check["name"] for check in report["checks"]] == list(CHECKS)
    assert [check for check in report["checks"] if (check["status"] == "ok") != (check["fix"] == "")] == []
    found = {check["name"]: check["found"] for check in report["checks"]}
    assert found["Python"].startswith(sys.version.split()[0])
    assert found["PyTorch"].startswith(version("torch"))
    assert version("openvino") in found["OpenVINO"]
    assert re.match(r"portrait takes \d+ ms", found["speed"])


def test_it_survives_the_loss_of_every_package_at_once(tmp_path: Path) -> None:
    lost = "numpy cv2 torch torchvision PIL av matplotlib openvino psutil packaging pooch requests tqdm safetensors"
    for name in f"{lost} anywidget ipywidgets IPython jupyter_client jupyter_core traitlets".split():
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('broken on purpose')", encoding="utf-8")
    code, report = doctor_json(path=tmp_path)
    status = {check["name"]: check["status"] for check in report["checks"]}
    assert (code, list(status)) == (1, list(CHECKS))
    assert status["OpenCV"] == status["PyTorch"] == "problem"
    assert status["Python"] == status["camera"] == "ok"


@pytest.mark.parametrize(
    ("module", "status", "words"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "problem", "lacks an instruction"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "problem", "memory"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "problem", "signal 11"),
        ("import os, sys; print('to stdout'); sys.stderr.write('last words'); os._exit(3)", "problem", "3: last words"),
        ("import os, sys; sys.stderr.write('OMP: Error #15: Init'); os._exit(3)", "problem", "two copies of"),
        ("import time; time.sleep(60)", "problem", "within 2 seconds"),
        ("import os\nprint('{')\nos.write(1, b'}}')\n__version__ = '9'", "ok", "9,"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="sends signals")
def test_a_package_that_ends_python_or_hangs_costs_its_own_line_only(
    module: str, status: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cv2.py").write_text(module, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    findings = run_checks(["Python", "OpenCV", "camera"], timeout=2)
    assert [(finding.name, finding.status) for finding in findings] == [
        ("Python", "ok"),
        ("OpenCV", status),
        ("camera", "ok"),
    ]
    assert words in findings[1].found
    assert bool(findings[1].fix) == (status != "ok")


def test_a_python_that_cannot_be_started_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    (finding,) = run_checks(["Python"])
    assert (finding.status, finding.name) == ("problem", "Python")


def test_a_check_that_raises_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "check_memory", lambda: 1 / 0)
    finding = run_check("machine.check_memory")
    assert finding.status == "warning"
    assert "ZeroDivisionError: division by zero" in finding.found


def test_the_text_is_aligned_and_its_commands_are_not_wrapped() -> None:
    lines = str(Report(FINDINGS, 1.0)).splitlines()
    assert lines[0] == "ok       one             fine"
    assert f"         fix: {FINDINGS[1].fix}" in lines
    assert max(len(line) for line in lines if "fix" not in line) <= 80
    assert "1 problem" in lines[-1]
    assert str(Report(FINDINGS[:2], 1.0)).endswith("This machine is ready, with 1 warning.")
    assert str(Report(FINDINGS[:1], 1.0)).endswith("This machine is ready.")


def test_a_brief_report_is_the_same_on_every_healthy_machine() -> None:
    report = Report([FINDINGS[0], Finding("ok", "something else", name="two")], 1.0, brief=True)
    assert str(report) == "ok       one\nok       two\nThis machine is ready."
    assert "fix: fix it" in str(Report(FINDINGS, 1.0, brief=True))


@pytest.mark.parametrize(("count", "code"), [(1, 0), (2, 0), (3, 1)])
def test_the_exit_code_is_1_only_for_a_problem(
    count: int, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "run_checks", lambda names, camera: FINDINGS[:count])
    assert main(["doctor"]) == main(["doctor", "--json"]) == code
    assert f'"status": "{FINDINGS[count - 1].status}"' in capsys.readouterr().out


def test_only_camera_opens_a_camera_and_checks_are_chosen_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[list[str], bool]] = []
    monkeypatch.setattr(command, "run_checks", lambda names, camera: asked.append((names, camera)) or [])
    main(["doctor"])
    main(["doctor", "--camera"])
    seglib.check_machine(checks=["disk"])
    assert asked == [(list(CHECKS), False), (list(CHECKS), True), (["disk"], False)]
    with pytest.raises(ValueError, match="'disc'"):
        seglib.check_machine(checks=["disc"])


def test_the_page_of_a_notebook_is_asked_and_its_answer_replaces_the_finding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The part in the page is tested in tests/browser."""
    shown: list[dict[str, Any]] = []
    sent: list[object] = []
    monkeypatch.setattr(command, "run_checks", lambda names, camera: [Finding("ok", "files", name="widgets")])
    monkeypatch.setattr(page, "in_notebook", lambda: True)
    monkeypatch.setattr(page, "display", lambda bundle, raw: shown.append(bundle))
    monkeypatch.setattr(page.RoundTrip, "send", lambda self, message: sent.append(message))
    pytest.importorskip("ipykernel")
    report = seglib.check_machine()
    assert report["widgets"].status == "warning"
    line = report.show_page.__self__  # type: ignore[union-attr]
    report._ipython_display_()
    report._ipython_display_()
    assert [bundle["text/plain"] for bundle in shown] == [page.NO_WIDGETS], "once"
    assert "This machine is ready" in capsys.readouterr().out
    for message in ({"kind": "something else"}, {"kind": "ping"}):
        line._handle_custom_msg(message, [])
    assert sent == [{"kind": "pong"}]
    line._handle_custom_msg({"kind": "confirmed", "milliseconds": 12.3}, [])
    assert report["widgets"].status == "ok"
    assert "12 ms" in report["widgets"].found


def test_without_a_notebook_or_with_broken_widgets_no_page_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "run_checks", lambda names, camera: [Finding("ok", "files", name="widgets")])
    pytest.importorskip("ipykernel")  # it is loaded, but this is no kernel
    assert seglib.check_machine().show_page is None
    monkeypatch.setitem(sys.modules, "seglib.cli.doctor.page", None)  # an import of it fails
    assert seglib.check_machine().show_page is None
