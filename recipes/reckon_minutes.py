"""Reckon the minutes of each notebook, and write them into the notebooks, README.md and TEACHING.md.

    python recipes/reckon_minutes.py [--check]

Prose is read at 200 words a minute; code, unless folded, at 15 lines a minute. A question takes 20 seconds, and the
run comes on top; the sum is rounded up to 5 minutes. Exercises name their own minutes. --check changes nothing, and
fails if a number is not the reckoned one.
"""

import argparse
import re
import sys
from math import ceil
from pathlib import Path

import nbformat

HERE = Path(__file__).resolve().parents[1]
RUN = {"06": 1, "07": 1, "08": 1, "09": 2, "10": 1}  # minutes on two cores, where it is not a matter of seconds


def reckon(path: Path) -> tuple[int, int]:
    """Minutes for reading and running a notebook, and for its exercises."""
    cells = nbformat.read(path, as_version=4).cells
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    code = [cell for cell in cells if cell.cell_type == "code"]
    shown = [cell.source for cell in code if not cell.metadata.get("jupyter", {}).get("source_hidden")]
    words = len(re.sub(r"\]\([^)]*\)|[|#*`>-]", " ", prose).split())
    lines = sum(bool(line.strip()) for source in shown for line in source.splitlines())
    questions = len(re.findall(r"(?i)before you run|guess first", prose))
    questions += sum(cell.source.count("exercises.ask(") for cell in code)
    minutes = words / 200 + lines / 15 + questions / 3 + RUN.get(path.name[:2], 0)
    exercises = sum(map(int, re.findall(r"^#+ (?:Exercise|Program) .*· (\d+) minutes?$", prose, re.MULTILINE)))
    return 5 * ceil(minutes / 5), exercises


def rewritten(path: Path, table: dict[str, tuple[int, int]]) -> str:
    """The text of a file with the reckoned minutes in it."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb" and path.name in table:
        minutes, exercises = table[path.name]
        extra = f", and {exercises} for the exercises" if exercises else ""
        text = re.sub(r"\*\*Time:\*\* about [^.]*\.", f"**Time:** about {minutes} minutes{extra}.", text, count=1)
    for name, (minutes, _) in table.items():  # tables: | [NN · …](…name) | … | minutes | …
        text = re.sub(rf"(\((?:notebooks/)?{re.escape(name)}\) \|[^|\n]*\| )\d+( \|)", rf"\g<1>{minutes}\g<2>", text)
    return text


def main() -> int:
    """Write the minutes, or with --check compare them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing, and fail if a number is wrong")
    check = parser.parse_args().check
    notebooks = sorted((HERE / "notebooks").glob("*.ipynb"))
    table = {path.name: reckon(path) for path in notebooks}
    wrong = []
    for path in (*notebooks, HERE / "README.md", HERE / "TEACHING.md"):
        text = rewritten(path, table)
        if text != path.read_text(encoding="utf-8"):
            wrong.append(path.name)
            if not check:
                path.write_text(text, encoding="utf-8")
    for name, (minutes, exercises) in table.items():
        print(f"{name:28}{minutes:4} minutes, exercises {exercises:3}")
    print("not as reckoned:" if check else "changed:", ", ".join(wrong) or "nothing")
    return bool(wrong) and check


if __name__ == "__main__":
    sys.exit(main())
