"""Run notebooks, each from a clean kernel in order, and keep their outputs; `make notebooks` runs this.

    python recipes/remake_notebooks.py [NOTEBOOK ...]

Offline and on the recorded clip, so the outputs are the same on every machine. A notebook that fails is left as it was.
"""

import os
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbval.plugin import get_sanitize_patterns

import seglib  # noqa: F401  sets how PyTorch waits, also for cells that import torch first

here = Path(__file__).resolve().parents[1]
os.environ |= {"SEGLIB_OFFLINE": "1", "SEGLIB_SOURCE": "clip"}
os.environ.pop("MPLBACKEND", None)  # each kernel chooses its own: figures go into the notebook

rules = get_sanitize_patterns((here / "tests" / "nbval_sanitize.cfg").read_text(encoding="utf-8"))


def sanitized(text: str) -> str:
    """The text as nbval compares it, without its timings."""
    for regex, replacement in rules:
        text = re.sub(regex, replacement, text)
    return text


def keep_timings(new: list, old: list) -> None:
    """Where only timings changed, keep the old ones, so that a run that changes nothing changes no file."""
    for fresh, former in zip(new, old, strict=False):
        if fresh.output_type == former.output_type == "stream" and sanitized(fresh.text) == sanitized(former.text):
            fresh.text = former.text


def remake(path: Path) -> None:
    """Run one notebook and write it back without anything that differs from run to run."""
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    before = [cell.outputs for cell in code]
    for cell in code:
        cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=600,
        coalesce_streams=True,
        record_timing=False,
        store_widget_state=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()
    for cell, former in zip(code, before, strict=True):
        keep_timings(cell.outputs, former)
        for output in cell.outputs:  # a widget's id is random and means nothing without its state
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
        cell.metadata = {key: cell.metadata[key] for key in ("tags", "jupyter") if key in cell.metadata}
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    nbformat.validate(notebook)
    nbformat.write(notebook, path)


paths = [Path(name).resolve() for name in sys.argv[1:]] or sorted((here / "notebooks").rglob("*.ipynb"))
failed = 0
for path in paths:
    if ".ipynb_checkpoints" in path.parts:
        continue
    print(path.name, end=" … ", flush=True)
    try:
        remake(path)
        print("done")
    except CellExecutionError as error:
        failed += 1
        print(f"failed, left as it was\n{error}")
print(f"{len(paths) - failed} of {len(paths)} notebooks remade")
sys.exit(1 if failed or not paths else 0)
