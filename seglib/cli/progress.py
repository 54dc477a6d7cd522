"""Which exercises of notebooks are solved, by what their checks printed last. Nothing is run."""

import hashlib
import json
import re
from argparse import Namespace
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from seglib import exercises
from seglib.cli.plural import plural
from seglib.errors import UsageError

_CHECK = re.compile(r"\bcheck_(\w+)\(")
_STATES = ("right", "wrong", "untouched", "never run")  # the best first


class Solved(NamedTuple):
    """How far an exercise is, and what its check said."""

    folder: str
    notebook: str
    exercise: str
    state: str
    check: str


def run_command(options: Namespace) -> int:
    """``progress``: print the state of every exercise, for one folder or for many."""
    found = [_of_folder(folder) for folder in options.folders or [_default_folder()]]
    if options.json:
        print(json.dumps([row._asdict() for rows in found for row in rows], indent=1, ensure_ascii=False))
    elif len(found) == 1:
        _print_notebooks(found[0])
    else:
        _print_folders(found)
    return 0


def read_progress(path: Path) -> list[Solved]:
    """Read how far each exercise of a notebook is.

    Parameters
    ----------
    path
        A notebook as it was last saved.

    Returns
    -------
    list of Solved
        In the order of the notebook. Of several checks of one exercise the best counts.

    Raises
    ------
    UsageError
        If the file is no notebook.
    """
    best: dict[str, Solved] = {}
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        for before, cell in pairwise([None, *code]):
            for name in _CHECK.findall("".join(cell["source"])):
                if f"check_{name}" in exercises.__all__:
                    row = Solved(str(path.parent), path.stem, name, *_state(cell, before))
                    best[name] = min(best.get(name, row), row, key=lambda row: _STATES.index(row.state))
    except (ValueError, LookupError, TypeError, AttributeError):
        raise UsageError(f"{path} is damaged, or no notebook") from None
    return list(best.values())


def fingerprint(source: str) -> str:
    """What the cell of an exercise keeps in ``metadata.seglib.start`` of the code that it started with."""
    return hashlib.sha256(source.encode()).hexdigest()[:12]


def _state(cell: Any, before: Any) -> tuple[str, str]:
    """The state, and the check's line; a learner's own lines may stand before it. ``before`` holds the answer."""
    errors = [f"{out['ename']}: {out['evalue']}" for out in cell["outputs"] if out["output_type"] == "error"]
    text = "".join("".join(out["text"]) for out in cell["outputs"] if out["output_type"] == "stream")
    said = [line for line in text.splitlines() if line.startswith(("correct: ", "not yet: "))]
    if errors or not said:
        return ("wrong", errors[0]) if errors else ("never run", "")
    if said[-1].startswith("correct: "):
        return "right", said[-1]
    untouched = said[-1].endswith(" does nothing so far")
    if before:
        untouched |= before["metadata"].get("seglib", {}).get("start") == fingerprint("".join(before["source"]))
    return "untouched" if untouched else "wrong", said[-1]


def _default_folder() -> Path:
    """The current folder if it holds notebooks, else its ``notebooks``."""
    return Path() if any(Path().glob("*.ipynb")) else Path("notebooks")


def _of_folder(folder: Path) -> list[Solved]:
    rows = [row for path in sorted(folder.glob("*.ipynb")) for row in read_progress(path)]
    if not rows:
        raise UsageError(f"{folder} holds no notebook with exercises; name the folder of the notebooks")
    return rows


def _by_notebook(rows: list[Solved]) -> Iterator[tuple[str, list[Solved]]]:
    for notebook in dict.fromkeys(row.notebook for row in rows):
        yield notebook, [row for row in rows if row.notebook == notebook]


def _count(rows: list[Solved]) -> str:
    return f"{sum(row.state == 'right' for row in rows):2} of {len(rows)}"


def _print_notebooks(rows: list[Solved]) -> None:
    width = max(len(row.notebook) for row in rows)
    for notebook, own in _by_notebook(rows):
        names = {state: ", ".join(row.exercise for row in own if row.state == state) for state in _STATES}
        print(f"{notebook:{width}}  {_count(own)}  " + "; ".join(f"{s}: {names[s]}" for s in _STATES if names[s]))
    print(f"{_count(rows).strip()} exercises are right, in the notebooks as they were last saved.")


def _print_folders(folders: list[list[Solved]]) -> None:
    """One line for each folder, and the exercises that most people have wrong."""
    width = max(len(rows[0].folder) for rows in folders)
    for rows in folders:
        parts = [f"{notebook[:2]}: {_count(own).strip()}" for notebook, own in _by_notebook(rows)]
        print(f"{rows[0].folder:{width}}  {_count(rows)}  ({', '.join(parts)})")
    wrong = [row.exercise for rows in folders for row in rows if row.state == "wrong"]
    if wrong:
        often = sorted(set(wrong), key=lambda name: (-wrong.count(name), name))[:5]
        print("Most often wrong: " + ", ".join(f"{name} ({plural(wrong.count(name), 'time')})" for name in often))
