"""Reckon the minutes of each notebook, and write them into the notebooks, README.md and TEACHING.md.

    python recipes/reckon_minutes.py [--check]

Prose is read at 200 words a minute; code, unless folded, at 15 lines a minute. A question takes 20 seconds, and the
run comes on top; the sum is rounded up to 5 minutes. Exercises name their own minutes. TEACHING.md's plans say which
sections and exercises they use; each row gets the minutes of these, and has to have a tenth more.
--check changes nothing, and fails if a number is not the reckoned one.
"""

import argparse
import re
import sys
from math import ceil
from pathlib import Path

import nbformat

HERE = Path(__file__).resolve().parents[1]
RUN = {"06": 1, "07": 1, "08": 1, "09": 2, "10": 1}  # minutes on two cores, where it is not a matter of seconds
NAMED = re.compile(r"(?:Exercise|Program) (\w+) · .* · (\d+) minutes?$")
SLACK = 1.1  # of a row of a plan: learners ask, and somebody's kernel has to be restarted


def sections(path: Path) -> dict[str, float]:
    """Minutes for reading each section of a notebook, by its heading; "" is what comes before the first."""
    heading, section, minutes = "", "", {"": 0.0}
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            shown = "" if cell.metadata.get("jupyter", {}).get("source_hidden") else cell.source
            lines = sum(bool(line.strip()) for line in shown.splitlines())
            minutes[heading] += lines / 15 + cell.source.count("exercises.ask(") / 3
            if heading.startswith("Exercise") and cell.source.startswith("exercises.check_"):
                heading = section  # what follows an exercise belongs to the section before it
            continue
        for part in re.split(r"^(?=## )", cell.source, flags=re.MULTILINE):
            if part.startswith("## "):
                heading = part.partition("\n")[0][3:]
                section = section if heading.startswith("Exercise") else heading
            words = len(re.sub(r"\]\([^)]*\)|[|#*`>-]", " ", part).split())
            questions = len(re.findall(r"(?i)before you run|guess first", part))
            minutes[heading] = minutes.get(heading, 0) + words / 200 + questions / 3
    return minutes


def reckon(path: Path) -> tuple[int, int]:
    """Minutes for reading and running a notebook, and for its exercises."""
    minutes = sections(path)
    exercises = sum(int(named[2]) for named in map(NAMED.match, minutes) if named)
    return 5 * ceil((sum(minutes.values()) + RUN.get(path.name[:2], 0)) / 5), exercises


def needed(what: str, notebooks: list[Path]) -> int | None:
    """Minutes for what a plan's row names: "02, without sections 7, 9; exercise 2", or "04: sections 1–5"."""
    path = next((path for path in notebooks if what.startswith(path.name[:2])), None)
    if path is None:
        return None
    minutes = sections(path)
    chosen = named_after(r"(?<!without )sections? ", what)
    without = named_after(r"without sections? ", what)
    practised = named_after(r"(?:exercise|program)s? ", what)
    total = 0.0 if chosen else RUN.get(path.name[:2], 0)
    for heading, reading in minutes.items():
        section, exercise = heading.partition(".")[0], NAMED.match(heading)
        if exercise:
            used = exercise[1] in practised or "all exercises" in what
            total += (reading + int(exercise[2])) * used
        elif section in chosen or (not chosen and section not in without):
            total += reading
    return ceil(total)


def named_after(words: str, text: str) -> set[str]:
    """The numbers or letters after these words: "1–3, 7" is 1, 2, 3 and 7."""
    found = re.search(rf"{words}((?:\w{{1,2}}(?:–\d+)?(?:, | and )?)+)", text)
    names: set[str] = set()
    for name in re.findall(r"\b(\d+–\d+|\d+|[A-Z])\b", found[1] if found else ""):
        first, _, last = name.partition("–")
        names |= {str(number) for number in range(int(first), int(last) + 1)} if last else {name}
    return names


def plans(text: str, notebooks: list[Path]) -> tuple[str, list[str]]:
    """Put the reckoned minutes into the plans' rows, | from | to | what | reckoned |; list those that are too short."""
    short = []

    def row(match: re.Match[str]) -> str:
        start, end, what = match[1].strip(), match[2].strip(), match[3].strip()
        minutes = needed(what, notebooks)
        if minutes is not None and clock(end) - clock(start) < minutes * SLACK:
            short.append(f"{start} to {end}: {what} takes {minutes} minutes")
        return f"|{match[1]}|{match[2]}|{match[3]}| {minutes or ''} |".replace("|  |", "| |")

    return re.sub(r"^\|( ?[\d:]+ )\|( ?[\d:]+ )\|([^|]*)\|[ \d]*\|", row, text, flags=re.MULTILINE), short


def clock(time: str) -> int:
    """Minutes of "75" or of "9:30"."""
    hours, _, minutes = time.rpartition(":")
    return 60 * int(hours or 0) + int(minutes)


def rewritten(path: Path, table: dict[str, tuple[int, int]], notebooks: list[Path]) -> tuple[str, list[str]]:
    """The text of a file with the reckoned minutes in it, and the rows of its plans that are too short."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb" and path.name in table:
        minutes, exercises = table[path.name]
        extra = f", and {exercises} for the exercises" if exercises else ""
        text = re.sub(r"\*\*Time:\*\* about [^.]*\.", f"**Time:** about {minutes} minutes{extra}.", text, count=1)
    for name, (minutes, exercises) in table.items():  # tables: | [NN · …](…name) | … | minutes | exercises | …
        row = rf"(\((?:notebooks/)?{re.escape(name)}\) \|[^|\n]*\| )\d+( \|)(?: \d+( \|))?"
        text = re.sub(
            row, lambda m, a=minutes, b=exercises: m[1] + f"{a}{m[2]}" + (f" {b}{m[3]}" if m[3] else ""), text
        )
    if path.name != "TEACHING.md":
        return text, []
    for notebook in notebooks:  # the list of exercises: | NN | name (minutes), name (minutes) |
        each = iter([named[2] for named in map(NAMED.match, sections(notebook)) if named])
        row = re.compile(rf"^\| {notebook.name[:2]} \| .*\(\d+\).*$", re.MULTILINE)
        text = row.sub(lambda m, each=each: re.sub(r"\(\d+\)", lambda _: f"({next(each)})", m[0]), text)
    return plans(text, notebooks)


def main() -> int:
    """Write the minutes, or with --check compare them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing, and fail if a number is wrong")
    check = parser.parse_args().check
    notebooks = sorted((HERE / "notebooks").glob("*.ipynb"))
    table = {path.name: reckon(path) for path in notebooks}
    wrong, short = [], []
    for path in (*notebooks, HERE / "README.md", HERE / "TEACHING.md"):
        text, rows = rewritten(path, table, notebooks)
        short += rows
        if text != path.read_text(encoding="utf-8"):
            wrong.append(path.name)
            if not check:
                path.write_text(text, encoding="utf-8")
    for name, (minutes, exercises) in table.items():
        print(f"{name:28}{minutes:4} minutes, exercises {exercises:3}")
    print("not as reckoned:" if check else "changed:", ", ".join(wrong) or "nothing")
    for row in short:
        print("the plan is too short:", row)
    return bool(short or (wrong and check))


if __name__ == "__main__":
    sys.exit(main())
