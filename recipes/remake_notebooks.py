"""Run notebooks, each from a clean kernel in order, and keep their outputs; `make notebooks` runs this.

    python recipes/remake_notebooks.py [NOTEBOOK ...]

Offline and on the recorded clip, so the outputs are the same on every machine. A notebook that fails is left as it was.
"""

import os
import sys
from itertools import pairwise
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from seglib.cli.progress import fingerprint

here = Path(__file__).resolve().parents[1]
os.environ |= {"SEGLIB_OFFLINE": "1", "SEGLIB_SOURCE": "clip"}
os.environ.pop("MPLBACKEND", None)  # each kernel chooses its own: figures go into the notebook


def remake(path: Path) -> None:
    """Run one notebook and write it back without anything that differs from run to run."""
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
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
    for cell in code:
        for output in cell.outputs:  # a widget's id is random and means nothing without its state
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
        cell.metadata = {key: cell.metadata[key] for key in ("tags", "jupyter") if key in cell.metadata}
    for cell, after in pairwise(code):  # `python -m seglib progress` tells an untouched exercise by it
        if after.source.startswith("exercises.check_"):
            cell.metadata["seglib"] = {"start": fingerprint(cell.source)}
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": notebook.metadata["language_info"],  # the kernel's own: else opening it marks it as changed
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
