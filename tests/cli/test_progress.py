"""python -m seglib progress: real notebooks, with answers filled in and run, and files that are none."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import seglib
from seglib import exercises
from seglib.__main__ import main

NOTEBOOKS = Path(seglib.__file__).resolve().parents[1] / "notebooks"
SOLUTIONS = NOTEBOOKS / "solutions"


def report(capsys: pytest.CaptureFixture[str], *folders: Path) -> dict[str, str]:
    """The state of each exercise."""
    capsys.readouterr()
    assert main(["progress", "--json", *map(str, folders)]) == 0
    return {row["exercise"]: row["state"] for row in json.loads(capsys.readouterr().out)}


@pytest.fixture(scope="module")
def worked_on(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """01, with one exercise solved after a wrong attempt, one with an error, and one wrong; the rest was not run."""
    folder = tmp_path_factory.mktemp("anna")
    notebook = nbformat.read(NOTEBOOKS / "01_capture.ipynb", as_version=4)
    solution = f"%load_ext autoreload\nprint('correct: not really')\n%run \"{SOLUTIONS / '01_capture.py'}\""
    answers = {"shrink": solution, "count_frames": "del count_frames", "every_third": "every_third = abs"}
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    kept = cells[:1]
    for stub, check in pairwise(cells):
        if check.source.startswith("exercises.check_"):
            name = check.source.partition("check_")[2].partition("(")[0]
            kept += [stub, nbformat.v4.new_code_cell(answers[name]), check]
    notebook.cells = kept
    NotebookClient(notebook, allow_errors=True, resources={"metadata": {"path": str(NOTEBOOKS)}}).execute()
    nbformat.write(notebook, folder / "01_capture.ipynb")
    return folder


def test_the_committed_notebooks_hold_every_exercise_untouched(capsys: pytest.CaptureFixture[str]) -> None:
    states = report(capsys, NOTEBOOKS)
    assert sorted(states) == sorted(name.removeprefix("check_") for name in exercises.__all__ if "check_" in name)
    assert set(states.values()) == {"untouched"}


def test_right_wrong_and_failed_answers(worked_on: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(capsys, worked_on) == {"shrink": "right", "count_frames": "wrong", "every_third": "wrong"}


def test_a_mended_program_that_is_still_wrong_is_not_untouched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook = nbformat.read(NOTEBOOKS / "11_clinic.ipynb", as_version=4)
    program = next(cell for cell in notebook.cells if cell.source.startswith("def load_photo"))
    program.source += "  # I think that this is right"
    nbformat.write(notebook, tmp_path / "11_clinic.ipynb")
    states = report(capsys, tmp_path)
    assert states.pop("load_photo") == "wrong"
    assert set(states.values()) == {"untouched"}


def test_cleared_outputs_count_as_never_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notebook = nbformat.read(NOTEBOOKS / "04_blur.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(notebook, tmp_path / "04_blur.ipynb")
    assert set(report(capsys, tmp_path).values()) == {"never run"}


def test_of_two_attempts_the_better_counts(worked_on: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notebook = nbformat.read(worked_on / "01_capture.ipynb", as_version=4)
    right = next(cell for cell in notebook.cells if cell.source.startswith("exercises.check_shrink"))
    again = [nbformat.v4.new_code_cell(right.source) for _ in range(2)]
    notebook.cells = [again[0], *notebook.cells, again[1]]
    nbformat.write(notebook, tmp_path / "01_capture.ipynb")
    assert report(capsys, tmp_path)["shrink"] == "right"


def test_one_folder_is_shown_by_notebook_and_several_by_folder(
    worked_on: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["progress", str(worked_on)]) == 0
    line, total = capsys.readouterr().out.splitlines()
    assert line.split()[:4] == ["01_capture", "1", "of", "3"]
    assert "right: shrink; wrong: count_frames, every_third" in line
    assert total.startswith("1 of 3 ")
    assert main(["progress", str(worked_on), str(NOTEBOOKS)]) == 0
    first, second, wrong = capsys.readouterr().out.splitlines()
    assert "1 of 3" in first.replace(str(worked_on), "")
    assert " 0 of " in second
    assert "count_frames (1 time)" in wrong


def test_without_a_folder_it_finds_the_notebooks(
    worked_on: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(worked_on, tmp_path / "notebooks")
    for place in (tmp_path, tmp_path / "notebooks"):
        monkeypatch.chdir(place)
        assert report(capsys)["shrink"] == "right"


@pytest.mark.parametrize("text", [None, "", "no notebook", "[]", '{"cells": 3}', '{"nbformat": 4}', "\x00\xff"])
def test_what_is_no_notebook_is_named(text: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if text is not None:
        (tmp_path / "broken.ipynb").write_text(text, encoding="latin-1")
    assert main(["progress", str(tmp_path)]) == 2
    shown = capsys.readouterr().err
    assert ("broken.ipynb" if text is not None else str(tmp_path)) in shown
    assert len(shown.splitlines()) == 1
