"""The hygiene of the notebooks: one rule, one function that lists what breaks it.

Whether their code runs and gives the committed outputs is nbval's affair. Every rule is also shown a bad notebook,
so that none of them passes because it looks at nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

import seglib

HERE = Path(__file__).resolve().parents[1] / "notebooks"
PATHS = sorted(path for path in HERE.rglob("*.ipynb") if not {".ipynb_checkpoints", "out"} & set(path.parts))
STEPS = [path for path in PATHS if path.parent == HERE]
# Numbered by step.
EXPECTED = [
    "00_start",
    "01_capture",
    "02_predict",
    "03_mask",
    "04_blur",
    "05_substitute",
    "06_live",
    "07_video",
    "08_faster",
    "09_train",
    "10_what_went_wrong",
]

MEGABYTE = 1_000_000
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]*)[^)]*\)")
HTML_IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
ABSOLUTE = re.compile(
    r"(?<![\w.:/~<-])/(?:home|root|tmp|work|Users|mnt|media|opt|usr|var|private|content|workspace)/\S*"
    r"|(?<!\w)[A-Za-z]:\\\S+"
    r"|file://\S*"
)
REMOTE = re.compile(r"(?:https?:)?//\S+", re.IGNORECASE)

Rule = Callable[[Path, NotebookNode], list[str]]


# ---- reading -----------------------------------------------------------------------------------------------


def code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


def outputs(notebook: NotebookNode) -> Iterator[tuple[NotebookNode, NotebookNode]]:
    for cell in code(notebook):
        for output in cell.outputs:
            yield cell, output


def texts(notebook: NotebookNode) -> Iterator[tuple[str, str]]:
    """Every text that a reader may see, with the id of its cell: sources and outputs, but no pictures' bytes."""
    for cell in notebook.cells:
        yield cell.id, cell.source
    for cell, output in outputs(notebook):
        yield cell.id, output.get("text", "")
        yield from ((cell.id, str(text)) for kind, text in output.get("data", {}).items() if is_text(kind))


def is_text(kind: str) -> bool:
    return not kind.startswith("image/") or kind == "image/svg+xml"


def nodes(notebook: NotebookNode) -> Iterator[tuple[str, ast.AST]]:
    """Every node of the syntax trees of the code cells that are plain Python, with the id of its cell."""
    for cell in code(notebook):
        try:
            tree = ast.parse(cell.source)
        except SyntaxError:
            continue  # the rule on magics reports it
        yield from ((cell.id, node) for node in ast.walk(tree))


def words_only(source: str) -> str:
    """Markdown without code, and without what belongs to links and pictures rather than to the sentence."""
    source = re.sub(r"(?ms)^ {0,3}(```+|~~~+).*?^ {0,3}\1", "", source)
    source = re.sub(r"(`+).+?\1", "", source, flags=re.DOTALL)
    source = re.sub(r"<!--.*?-->|<[^>]+>", "", source, flags=re.DOTALL)
    return LINK.sub(lambda match: "" if match[1] else match[2], source)


def bullets(source: str) -> int:
    return len(re.findall(r"^[-*] ", source, re.MULTILINE))


def number(path: Path) -> str:
    return path.name[:2]


def neighbour(path: Path, step: int) -> Path | None:
    """The notebook before (-1) or after (+1) this one, if there is one."""
    place = STEPS.index(path) + step
    return STEPS[place] if 0 <= place < len(STEPS) else None


# ---- the rules ---------------------------------------------------------------------------------------------


def comes_from_one_run_in_order(path: Path, notebook: NotebookNode) -> list[str]:
    counts = [cell.execution_count for cell in code(notebook)]
    results = [(o.execution_count, c.execution_count) for c, o in outputs(notebook) if "execution_count" in o]
    faults = [] if counts == list(range(1, len(counts) + 1)) else [f"execution counts are {counts}"]
    return faults + [f"result {got} in cell {expected}" for got, expected in results if got != expected]


def has_no_widget_state(path: Path, notebook: NotebookNode) -> list[str]:
    faults = ["metadata.widgets"] if "widgets" in notebook.metadata else []
    kinds = ((cell.id, kind) for cell, output in outputs(notebook) for kind in output.get("data", {}))
    return faults + [f"{cell}: {kind}" for cell, kind in kinds if "widget" in kind]


def has_no_errors_and_no_warnings(path: Path, notebook: NotebookNode) -> list[str]:
    return [
        f"{cell.id}: {output.get('ename') or output.get('text', '')[:80]}"
        for cell, output in outputs(notebook)
        if output.output_type == "error" or output.get("name") == "stderr"
    ]


def names_no_absolute_path(path: Path, notebook: NotebookNode) -> list[str]:
    return [f"{cell}: {match[0]}" for cell, text in texts(notebook) for match in ABSOLUTE.finditer(text)]


def shows_no_addresses_in_memory(path: Path, notebook: NotebookNode) -> list[str]:
    return [f"{cell}: {match[0]}" for cell, text in texts(notebook) for match in re.finditer(r"0x[0-9a-f]{6,}", text)]


def fetches_nothing(path: Path, notebook: NotebookNode) -> list[str]:
    """No remote pictures, neither in prose nor in outputs, and no code that downloads."""
    faults = []
    for cell, text in texts(notebook):
        pictures = [target for sign, _, target in LINK.findall(text) if sign]
        pictures += HTML_IMAGE.findall(text) + re.findall(r"<(?:script|link|iframe|video|source)\b[^>]*>", text)
        faults += [f"{cell}: {picture}" for picture in pictures if REMOTE.search(picture)]
    for cell in code(notebook):
        for pattern in (
            r"[\"']https?://",
            r"\burlopen\b",
            r"\burlretrieve\b",
            r"\brequests\.",
            r"\bimread\(\s*[\"']http",
        ):
            faults += [f"{cell.id}: {match[0]}" for match in re.finditer(pattern, cell.source)]
    return faults


def is_under_a_megabyte(path: Path, notebook: NotebookNode) -> list[str]:
    size = len(nbformat.writes(notebook).encode())
    return [f"{size:,} bytes"] if size >= MEGABYTE else []


def opens_with_what_a_learner_wants_to_know(path: Path, notebook: NotebookNode) -> list[str]:
    first = notebook.cells[0]
    if first.cell_type != "markdown":
        return ["the first cell is code"]
    _, _, aims = first.source.partition("You will be able to")
    aims = re.split(r"\n\n(?![-*] )", aims.strip("\n :*"), maxsplit=1)[0]
    before = neighbour(path, -1)
    wanted = {
        f"title '# {number(path)} · …'": re.match(rf"# {number(path)} · \S", first.source),
        "a question": "?" in first.source,
        "'You will be able to' with 3 to 5 bullets": 3 <= bullets(aims) <= 5,
        "minutes": re.search(r"\d+ minutes", first.source),
        "'Webcam: … Network: … GPU: …'": re.search(r"Webcam: .*Network: .*GPU: .*", first.source),
        "a link to the notebook before": before is None or f"]({before.name})" in first.source,
        "the article": "article" in first.source,
    }
    return [f"no {what}" for what, found in wanted.items() if not found]


def closes_with_key_points_and_the_next_step(path: Path, notebook: NotebookNode) -> list[str]:
    last = notebook.cells[-1]
    if last.cell_type != "markdown":
        return ["the last cell is code"]
    points = last.source.partition("## Key points")[2].partition("\n## ")[0]
    after = neighbour(path, 1)
    wanted = {
        "'## Key points' with 3 to 6": 3 <= bullets(points) <= 6,
        "'## Try it yourself'": "## Try it yourself" in last.source,
        "'Next: [NN · …](…)'": after is None
        or re.search(rf"Next: \[{number(after)} · [^\]]+\]\({re.escape(after.name)}\)", last.source),
    }
    return [f"no {what}" for what, found in wanted.items() if not found]


def has_one_idea_a_cell(path: Path, notebook: NotebookNode) -> list[str]:
    lengths = {cell.id: len(cell.source.splitlines()) for cell in code(notebook)}
    return [f"{cell}: {length} lines" for cell, length in lengths.items() if not 1 <= length <= 20]


def explains_before_it_computes(path: Path, notebook: NotebookNode) -> list[str]:
    """Prose before every code cell, except that two may follow one another: a function, then its use."""
    kinds = [cell.cell_type for cell in notebook.cells]
    triples = zip(kinds, kinds[1:], kinds[2:], strict=False)
    ids = [cell.id for cell in notebook.cells[2:]]
    return [
        f"{cell}: third code cell in a row" for cell, kind in zip(ids, triples, strict=True) if set(kind) == {"code"}
    ]


def imports_in_the_first_code_cell_only(path: Path, notebook: NotebookNode) -> list[str]:
    first = code(notebook)[0].id
    imports = [(cell, node) for cell, node in nodes(notebook) if isinstance(node, ast.Import | ast.ImportFrom)]
    return [f"{cell}: {ast.unparse(node)}" for cell, node in imports if cell != first]


def does_nothing_that_readers_complain_about(path: Path, notebook: NotebookNode) -> list[str]:
    bad = {
        "a magic or shell command": r"^\s*[!%].*",
        "a trailing semicolon": r".*;\s*(?:#.*)?$",
        "sys.path": r"\bsys\.path\b",
        "a changed folder": r"\bos\.chdir\b",
        "a star import": r"^\s*from .* import \*",
        "a bare except": r"^\s*except\s*:",
        "clear_output": r"\bclear_output\b",
        "silenced warnings": r"\bwarnings\.(?:simplefilter|filterwarnings)\b",
    }
    return [
        f"{cell.id}: {what}: {match[0].strip()}"
        for cell in code(notebook)
        for what, pattern in bad.items()
        for match in re.finditer(pattern, cell.source, re.MULTILINE)
    ]


def is_plain_python(path: Path, notebook: NotebookNode) -> list[str]:
    faults = []
    for cell in code(notebook):
        try:
            ast.parse(cell.source)
        except SyntaxError as error:
            faults.append(f"{cell.id}: {error}")
    return faults


def never_opens_a_camera(path: Path, notebook: NotebookNode) -> list[str]:
    """`VideoCapture(0)` stands in prose; in code the source is a file, the clip, or a constant that says so."""
    calls = [(cell, node) for cell, node in nodes(notebook) if isinstance(node, ast.Call) and node.args]
    opened = [
        (cell, node) for cell, node in calls if re.search(r"VideoCapture|open_source|Live", ast.unparse(node.func))
    ]
    return [
        f"{cell}: {ast.unparse(node)}"
        for cell, node in opened
        if isinstance(node.args[0], ast.Constant)
        and (isinstance(node.args[0].value, int) or node.args[0].value == "auto")
    ]


def redefines_no_name_of_seglib(path: Path, notebook: NotebookNode) -> list[str]:
    faults = []
    for cell, node in nodes(notebook):
        names = []
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names = [node.id]
        elif isinstance(node, ast.Import | ast.ImportFrom) and getattr(node, "module", "") != "seglib":
            names = [alias.asname or alias.name for alias in node.names]
        faults += [f"{cell}: {name}" for name in names if name in seglib.__all__]
    return faults


def keeps_calm(path: Path, notebook: NotebookNode) -> list[str]:
    found = ((cell.id, re.search(r".{0,30}!", words_only(cell.source))) for cell in prose(notebook))
    return [f"{cell}: {match[0]}" for cell, match in found if match]


def says_every_picture_in_words(path: Path, notebook: NotebookNode) -> list[str]:
    faults = []
    for cell in prose(notebook):
        faults += [
            f"{cell.id}: {target}" for sign, alt, target in LINK.findall(cell.source) if sign and not alt.strip()
        ]
        tags = HTML_IMAGE.findall(cell.source)
        faults += [f"{cell.id}: {tag}" for tag in tags if not re.search(r"\balt=(\"[^\"]+\"|'[^']+')", tag)]
    for cell, output in outputs(notebook):
        for kind in output.get("data", {}):
            if kind.startswith("image/") and not output.metadata.get(kind, {}).get("alt", "").strip():
                faults.append(f"{cell.id}: {kind} without alt")
    return faults


def shows_pictures_as_jpeg(path: Path, notebook: NotebookNode) -> list[str]:
    kinds = ((cell.id, kind) for cell, output in outputs(notebook) for kind in output.get("data", {}))
    return [f"{cell}: {kind}" for cell, kind in kinds if kind.startswith(("image/", "video/")) and kind != "image/jpeg"]


def links_to_what_is_there(path: Path, notebook: NotebookNode) -> list[str]:
    faults = []
    for cell in prose(notebook):
        for _, _, target in LINK.findall(cell.source):
            file = target.partition("#")[0]
            if file and not re.match(r"[a-z]+:", file) and not (path.parent / file).exists():
                faults.append(f"{cell.id}: {target}")
    return faults


def carries_no_dust(path: Path, notebook: NotebookNode) -> list[str]:
    """Metadata that differ from machine to machine make every run a change."""
    faults = [f"metadata.{key}" for key in notebook.metadata if key not in ("kernelspec", "language_info")]
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        faults.append("a kernel that others do not have")
    if "version" in notebook.metadata.get("language_info", {}):
        faults.append("the version of this machine's Python")
    for cell in notebook.cells:
        faults += [f"{cell.id}: {key}" for key in cell.metadata if key not in ("tags", "jupyter")]
        faults += [f"{cell.id}: attachments"] if cell.get("attachments") else []
    return faults


EVERYWHERE: list[Rule] = [
    comes_from_one_run_in_order,
    has_no_widget_state,
    has_no_errors_and_no_warnings,
    names_no_absolute_path,
    shows_no_addresses_in_memory,
    fetches_nothing,
    is_under_a_megabyte,
    has_one_idea_a_cell,
    imports_in_the_first_code_cell_only,
    does_nothing_that_readers_complain_about,
    is_plain_python,
    never_opens_a_camera,
    redefines_no_name_of_seglib,
    keeps_calm,
    says_every_picture_in_words,
    shows_pictures_as_jpeg,
    links_to_what_is_there,
    carries_no_dust,
]
OF_STEPS: list[Rule] = [
    opens_with_what_a_learner_wants_to_know,
    closes_with_key_points_and_the_next_step,
    explains_before_it_computes,
]


def name(value: object) -> str:
    return value.stem if isinstance(value, Path) else value.__name__


def test_the_notebooks_are_there() -> None:
    assert [path.stem for path in STEPS] == EXPECTED


@pytest.mark.parametrize("path", PATHS, ids=name)
@pytest.mark.parametrize("rule", EVERYWHERE, ids=name)
def test_every_notebook(rule: Rule, path: Path) -> None:
    assert rule(path, nbformat.read(path, as_version=4)) == []


@pytest.mark.parametrize("path", STEPS, ids=name)
@pytest.mark.parametrize("rule", OF_STEPS, ids=name)
def test_every_step(rule: Rule, path: Path) -> None:
    assert rule(path, nbformat.read(path, as_version=4)) == []


@pytest.mark.parametrize("path", STEPS, ids=name)
def test_it_is_a_valid_notebook_with_cell_ids_of_its_own(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(ids) == len(set(ids)) >= 10
    assert len(code(notebook)) >= 4


# ---- every rule can fail -----------------------------------------------------------------------------------


def good() -> NotebookNode:
    """A small notebook that keeps every rule, at the place of 01_capture."""
    new = nbformat.v4
    opening = (
        "# 01 · Title\n\n**What is a frame?**\n\nYou will be able to\n\n- one\n- two\n- three\n\n"
        "Before: [00 · Start](00_start.ipynb). It takes 5 minutes, and follows the article.\n"
        "Webcam: not needed. Network: not needed. GPU: not needed."
    )
    closing = (
        "## Key points\n\n- one\n- two\n- three\n\n## Try it yourself\n\n- change `x != 1`\n\n"
        "Next: [02 · Predict](02_predict.ipynb)"
    )
    picture = new.new_output("display_data", {"image/jpeg": "AAAA"}, metadata={"image/jpeg": {"alt": "a frame"}})
    cells = [
        new.new_markdown_cell(opening),
        new.new_code_cell("import seglib", execution_count=1),
        new.new_markdown_cell(
            "Look: ![a picture](00_start.ipynb) and [this](https://example.org/home/a)\n\n```\ncut!\n```"
        ),
        new.new_code_cell("seglib.show(seglib.sample_frame())", execution_count=2, outputs=[picture]),
        new.new_markdown_cell(closing),
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new.new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})


def stream(text: str, stream_name: str = "stdout") -> NotebookNode:
    return nbformat.v4.new_output("stream", name=stream_name, text=text)


def data(kind: str, value: str) -> NotebookNode:
    return nbformat.v4.new_output("display_data", {kind: value})


def source(cell: int, text: str) -> Callable[[NotebookNode], None]:
    return lambda notebook: notebook.cells[cell].update(source=text)


def replaced(cell: int, old: str, new: str) -> Callable[[NotebookNode], None]:
    def spoil(notebook: NotebookNode) -> None:
        assert old in notebook.cells[cell].source
        notebook.cells[cell].source = notebook.cells[cell].source.replace(old, new)

    return spoil


def output(value: NotebookNode) -> Callable[[NotebookNode], None]:
    return lambda notebook: notebook.cells[3].outputs.append(value)


def metadata(**values: object) -> Callable[[NotebookNode], None]:
    return lambda notebook: notebook.metadata.update(values)


BAD: list[tuple[Rule, Callable[[NotebookNode], None]]] = [
    (comes_from_one_run_in_order, lambda notebook: notebook.cells[3].update(execution_count=3)),
    (comes_from_one_run_in_order, lambda notebook: notebook.cells[3].update(execution_count=None)),
    (comes_from_one_run_in_order, output(nbformat.v4.new_output("execute_result", {}, execution_count=7))),
    (has_no_widget_state, metadata(widgets={})),
    (has_no_widget_state, output(data("application/vnd.jupyter.widget-view+json", ""))),
    (has_no_errors_and_no_warnings, output(nbformat.v4.new_output("error", ename="E", evalue="", traceback=[]))),
    (has_no_errors_and_no_warnings, output(stream("UserWarning", "stderr"))),
    (names_no_absolute_path, source(3, "open('/home/me/x.jpg')")),
    (names_no_absolute_path, output(stream("wrote /tmp/x/out.mp4"))),
    (names_no_absolute_path, output(data("text/plain", r"WindowsPath('C:\\Users\\me')"))),
    (shows_no_addresses_in_memory, output(data("text/plain", "<object at 0x7f00c66809a0>"))),
    (fetches_nothing, source(2, "![a cat](https://example.org/cat.png)")),
    (fetches_nothing, source(2, '<img alt="a cat" src="//example.org/cat.png">')),
    (fetches_nothing, output(data("text/html", "<img src='http://example.org/cat.png'>"))),
    (fetches_nothing, source(3, "x = get('https://example.org/cat.png')")),
    (is_under_a_megabyte, output(stream("x" * MEGABYTE))),
    (opens_with_what_a_learner_wants_to_know, replaced(0, "# 01 ·", "# 02 ·")),
    (opens_with_what_a_learner_wants_to_know, replaced(0, "- three\n", "")),
    (opens_with_what_a_learner_wants_to_know, replaced(0, "- three\n", "- three\n- 4\n- 5\n- 6\n")),
    (opens_with_what_a_learner_wants_to_know, replaced(0, "5 minutes", "a while")),
    (opens_with_what_a_learner_wants_to_know, replaced(0, "GPU: not needed.", "")),
    (opens_with_what_a_learner_wants_to_know, replaced(0, "00_start", "03_mask")),
    (closes_with_key_points_and_the_next_step, replaced(4, "## Key points", "## Summary")),
    (closes_with_key_points_and_the_next_step, replaced(4, "02_predict", "03_mask")),
    (closes_with_key_points_and_the_next_step, replaced(4, "## Try it yourself", "")),
    (closes_with_key_points_and_the_next_step, lambda notebook: notebook.cells.pop()),
    (
        explains_before_it_computes,
        lambda notebook: notebook.cells.insert(1, notebook.cells.pop(2)) or notebook.cells.insert(3, notebook.cells[2]),
    ),
    (has_one_idea_a_cell, source(3, "x = 1\n" * 21)),
    (has_one_idea_a_cell, source(3, "")),
    (imports_in_the_first_code_cell_only, source(3, "def f():\n    import os")),
    (does_nothing_that_readers_complain_about, source(3, "!pip install x")),
    (does_nothing_that_readers_complain_about, source(3, "%cd ..")),
    (does_nothing_that_readers_complain_about, source(3, "seglib.show(frame);")),
    (does_nothing_that_readers_complain_about, source(3, "sys.path.append('..')")),
    (does_nothing_that_readers_complain_about, source(1, "from seglib import *")),
    (does_nothing_that_readers_complain_about, source(3, "try:\n    f()\nexcept:\n    pass")),
    (does_nothing_that_readers_complain_about, source(3, "clear_output(wait=True)")),
    (is_plain_python, source(3, "%timeit f()")),
    (never_opens_a_camera, source(3, "cv2.VideoCapture(0)")),
    (never_opens_a_camera, source(3, "with seglib.open_source('auto') as frames:\n    pass")),
    (redefines_no_name_of_seglib, source(3, "def blend(a, b):\n    return a")),
    (redefines_no_name_of_seglib, source(3, "for show in x:\n    pass")),
    (redefines_no_name_of_seglib, source(1, "from skimage.metrics import f as iou")),
    (keeps_calm, source(2, "Look, it works!")),
    (keeps_calm, source(2, "`a` is fine! And `b` too.")),
    (says_every_picture_in_words, source(2, "![](00_start.ipynb)")),
    (says_every_picture_in_words, source(2, '<img src="a.png">')),
    (says_every_picture_in_words, output(data("image/jpeg", "AAAA"))),
    (shows_pictures_as_jpeg, output(data("image/png", "AAAA"))),
    (shows_pictures_as_jpeg, output(data("image/svg+xml", "<svg/>"))),
    (links_to_what_is_there, source(2, "[the next](09_nothing.ipynb)")),
    (links_to_what_is_there, source(2, "![a picture](nothing.jpg)")),
    (carries_no_dust, metadata(toc={})),
    (carries_no_dust, metadata(kernelspec={"name": "my-env"})),
    (carries_no_dust, lambda notebook: notebook.cells[3].metadata.update(execution={"iopub": "now"})),
]


@pytest.mark.parametrize("rule", [*EVERYWHERE, *OF_STEPS], ids=name)
def test_a_good_notebook_keeps_the_rule_and_a_bad_one_breaks_it(rule: Rule) -> None:
    place = HERE / "01_capture.ipynb"
    assert rule(place, good()) == []
    spoilers = [spoil for broken, spoil in BAD if broken is rule]
    assert spoilers
    for spoil in spoilers:
        bad = good()
        spoil(bad)
        assert len(rule(place, bad)) >= 1
