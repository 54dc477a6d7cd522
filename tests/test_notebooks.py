"""The notebooks as files: outputs of one clean run, nothing of this machine, nothing remote, links that lead somewhere.

That their code runs and gives the committed outputs is checked by nbval.
"""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from nbconvert import HTMLExporter
from nbformat import NotebookNode

import seglib

HERE = Path(__file__).resolve().parents[1] / "notebooks"
PATHS = sorted(HERE.glob("*.ipynb"))
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]*)[^)]*\)")
ABSOLUTE = re.compile(
    r"(?<![\w.:/~<-])/(?:home|root|tmp|work|Users|mnt|opt|usr|var|private|content)/\S*|[A-Za-z]:\\\S+"
)


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def notebook(request: pytest.FixtureRequest) -> NotebookNode:
    return nbformat.read(request.param, as_version=4)


def code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def data(notebook: NotebookNode) -> Iterator[tuple[NotebookNode, str, str]]:
    """Each output with each kind of data that it holds."""
    for cell in code(notebook):
        for output in cell.outputs:
            yield from ((output, kind, str(value)) for kind, value in output.get("data", {}).items())


def links(notebook: NotebookNode) -> Iterator[tuple[bool, str, str]]:
    """Whether it is a picture, the text, and the target of each link."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            yield from ((bool(sign), text, target) for sign, text, target in LINK.findall(cell.source))


def nodes(notebook: NotebookNode) -> Iterator[ast.AST]:
    for cell in code(notebook):
        yield from ast.walk(ast.parse(cell.source))


def test_there_are_as_many_as_numbers() -> None:
    assert [int(path.name[:2]) for path in PATHS] == list(range(len(PATHS)))
    assert len(PATHS) >= 11


def test_outputs_come_from_one_clean_run_in_order(notebook: NotebookNode) -> None:
    nbformat.validate(notebook)
    cells = code(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"] == []
    assert "widgets" not in notebook.metadata, "the state of widgets differs from run to run"


def test_nothing_of_this_machine_is_in_it(notebook: NotebookNode) -> None:
    texts = [cell.source for cell in notebook.cells]
    texts += [output.get("text", "") for cell in code(notebook) for output in cell.outputs]
    texts += [re.sub('base64,[^"]*', "", value) for _, _, value in data(notebook)]
    assert [match[0] for text in texts for match in ABSOLUTE.finditer(text)] == []
    assert [match for text in texts for match in re.findall(r"0x[0-9a-f]{6,}", text)] == []


def test_it_names_its_language_as_jupyterlab_does_or_opening_it_would_mark_it_as_changed(
    notebook: NotebookNode,
) -> None:
    language = notebook.metadata["language_info"]
    assert language["version"].startswith("3.11.")  # of environment.yml
    assert {**language, "version": ""} == {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
        "version": "",
    }


def test_it_is_under_a_megabyte_and_its_pictures_are_html_with_alternative_text(notebook: NotebookNode) -> None:
    """Alternative text in the metadata of an image output is read by no viewer."""
    assert len(nbformat.writes(notebook).encode()) < 1_000_000
    assert [kind for _, kind, _ in data(notebook) if kind.startswith(("image/", "video/"))] == []
    elements = [
        tag for _, kind, text in data(notebook) if kind == "text/html" for tag in re.findall("<img[^>]*>", text)
    ]
    assert [tag[:200] for tag in elements if not re.search(r' src="data:image/\w+;base64,', tag)] == []
    assert [tag[:200] for tag in elements if not re.search(r' alt="[^"]*\w[^"]*"', tag)] == []
    assert all(text.strip() for is_picture, text, _ in links(notebook) if is_picture)


def test_the_text_of_a_picture_is_on_nbconverts_page() -> None:
    page, _ = HTMLExporter().from_filename(str(HERE / "00_start.ipynb"))
    pictures = re.findall("<img[^>]*>", page)
    assert len(pictures) >= 4
    assert all(re.search(r'alt="[^"]*\w[^"]*"', tag) for tag in pictures)
    assert "Side by side: frame; mask: white is kept; output" in page


def test_links_lead_to_files_and_no_picture_is_remote(notebook: NotebookNode) -> None:
    local = [target.partition("#")[0] for _, _, target in links(notebook) if not re.match(r"[a-z]+:|#", target)]
    assert [target for target in local if not (HERE / target).exists()] == []
    assert [
        target for is_picture, _, target in links(notebook) if is_picture and re.match(r"(?:https?:)?//", target)
    ] == []


def test_each_links_to_the_next() -> None:
    for path, after in pairwise(PATHS):
        assert f"]({after.name})" in nbformat.read(path, as_version=4).cells[-1].source, path.name


def test_cells_are_short_and_imports_stand_in_the_first(notebook: NotebookNode) -> None:
    first, *others = code(notebook)
    lines = [cell.source.splitlines() for cell in (first, *others)]
    assert max(map(len, lines)) <= 20
    imports = [node for cell in others for node in ast.walk(ast.parse(cell.source)) if "Import" in type(node).__name__]
    assert [ast.unparse(node) for node in imports] == []


def test_lines_of_code_fit_on_a_small_screen_and_prose_into_its_minutes(notebook: NotebookNode) -> None:
    assert [line for cell in code(notebook) for line in cell.source.splitlines() if len(line) > 100] == []
    prose = " ".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    longer = re.match(r"# 0[89]", prose)  # inside a network, and training one
    assert len(re.sub(r"\]\([^)]*\)|[|#*`>-]", " ", prose).split()) <= (2500 if longer else 2000)


def test_minutes_are_reckoned_and_the_plans_of_teaching_hold_them() -> None:
    command = [sys.executable, str(HERE.parent / "recipes" / "reckon_minutes.py"), "--check"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout


def test_no_cell_opens_a_camera_and_public_names_of_seglib_are_used(notebook: NotebookNode) -> None:
    calls = [node for node in nodes(notebook) if isinstance(node, ast.Call) and node.args]
    opened = [node.args[0] for node in calls if re.search(r"VideoCapture|open_source|Live", ast.unparse(node.func))]
    assert [arg.value for arg in opened if isinstance(arg, ast.Constant) and arg.value in (0, 1, "auto")] == []
    imports = [node for node in nodes(notebook) if isinstance(node, ast.ImportFrom) and "seglib" in str(node.module)]
    for node in imports:
        offered = {*getattr(importlib.import_module(str(node.module)), "__all__", ()), "exercises"}
        assert {alias.name for alias in node.names} <= offered, ast.unparse(node)


def test_no_name_of_seglib_is_redefined(notebook: NotebookNode) -> None:
    defined = {node.name for node in nodes(notebook) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    defined |= {node.id for node in nodes(notebook) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    assert defined & set(seglib.__all__) == set()
