"""Build the site into out/site: python docs/build.py (make docs).

The pages are what is committed: notebooks with their stored outputs, the project's documents, docstrings. They are
gathered in out/site_source in the places that they have in the repository, so that their links work, and Sphinx makes
HTML of them. Nothing is fetched and no notebook is run.
"""

import ast
import hashlib
import re
import shutil
import sys
from base64 import b64decode
from pathlib import Path

import nbformat
from export_onnx import export
from myst_parser.slugs import github_slugify
from sphinx.cmd.build import main as sphinx

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
DATA = ROOT / "seglib" / "data"
SOURCE, SITE, CACHE = (ROOT / "out" / name for name in ("site_source", "site", "site_cache"))
RUNTIME_FILES = [
    ROOT / "node_modules" / "onnxruntime-web" / "dist" / name
    for name in ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
]
DOCUMENTS = [
    *("README.md", "TEACHING.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "LICENSE-prose"),
    *("docs/HUB.md", "docs/questions.md", "training/README.md"),
    *(str(path.relative_to(ROOT)) for path in DOCS.glob("*.jpg")),
    *(str(path.relative_to(ROOT)) for path in DATA.glob("*.md")),
    *(str(path.relative_to(ROOT)) for path in (ROOT / "notebooks" / "pictures").iterdir()),
]
LOAD = re.compile(r"%load -s ([\w,]+) (solutions/\w+\.py)")
PICTURE = re.compile(r'src="data:image/(\w+);base64,([^"]+)"')
PICTURES = Path("notebooks", "outputs")
WIDGET = "application/vnd.jupyter.widget-view+json"


def gather(model: Path) -> None:
    """Put all pages into out/site_source."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    for folder in ("api", "try"):
        shutil.copytree(DOCS / folder, SOURCE / folder)
    shutil.copy(DOCS / "index.md", SOURCE)
    for name in DOCUMENTS:
        (SOURCE / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, SOURCE / name)
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    for path in notebooks:
        nbformat.write(page_of(path), SOURCE / "notebooks" / path.name)
    text = (DOCS / "glossary.md").read_text(encoding="utf-8")
    (SOURCE / "docs" / "glossary.md").write_text(glossary(text, notebooks), encoding="utf-8")
    loaded = sum(path.stat().st_size for path in (model, *RUNTIME_FILES) if path.exists())
    edit(SOURCE / "try" / "index.md", "MEGABYTES", f"{loaded / 1e6:.0f}")
    edit(SOURCE / "README.md", r"\A# .*", "# Install and run")  # the first page has the README's own title


def edit(path: Path, pattern: str, replacement: str) -> None:
    """Replace a pattern in a gathered file."""
    path.write_text(re.sub(pattern, replacement, path.read_text(encoding="utf-8")), encoding="utf-8")


def page_of(path: Path) -> nbformat.NotebookNode:
    """Return a notebook as a page: with a link to download it, folded solutions, and no widgets."""
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata = {"language_info": {"name": "python", "pygments_lexer": "ipython3"}}  # no widget states
    cells, waiting = [], []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cells += waiting
            waiting = [
                nbformat.v4.new_markdown_cell(solution(path.parent / file, names))
                for names, file in LOAD.findall(cell.source)
            ]
        if cell.cell_type == "code":
            cell.outputs = [part for output in cell.outputs for part in still(output)]
            for output in cell.outputs:
                if "text/html" in output.get("data", {}):
                    output.data["text/html"] = PICTURE.sub(file_of, output.data["text/html"])
        cells.append(cell)
    title, _, rest = cells[0].source.partition("\n")
    download = f'<p><a href="{path.name}" download>Download this notebook</a></p>'
    cells[0].source = f"{title}\n\n{download}\n{rest}"
    notebook.cells = cells + waiting
    return notebook


def file_of(picture: re.Match[str]) -> str:
    """Put a picture that an output holds into a file of its own, and return what leads to it."""
    data = b64decode(picture[2])
    path = SOURCE / PICTURES / f"{hashlib.sha256(data).hexdigest()[:16]}.{picture[1]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return f'src="{path.parent.name}/{path.name}"'


def still(output: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """Return an output as a page can show it: of a widget or a player its picture, if it has one, and a sentence."""
    data = output.get("data", {})
    if not data.pop(WIDGET, None) and "<video" not in data.get("text/html", ""):
        return [output]
    sentence = {"text/markdown": "*This works when the notebook runs: download it above.*"}
    has_picture = "<img" in data.get("text/html", "")
    return [*([output] if has_picture else []), nbformat.v4.new_output("display_data", sentence)]


def solution(path: Path, names: str) -> str:
    """Return the named functions of a file of solutions, folded."""
    code = path.read_text(encoding="utf-8")
    parts = [
        ast.get_source_segment(code, node)
        for node in ast.parse(code).body
        if getattr(node, "name", None) in names.split(",")
    ]
    body = "\n\n\n".join(filter(None, parts))
    return f":::{{admonition}} One solution\n:collapsible: closed\n\n```python\n{body}\n```\n:::"


def glossary(text: str, notebooks: list[Path]) -> str:
    """Return the glossary as a list of definitions, each with links to where the notebooks teach it."""
    head, _, table = text.partition("| term |")
    entries = []
    for row in table.splitlines()[2:]:
        if row.startswith("|"):
            term, meaning, taught, paper = (cell.strip() for cell in row.strip("|").split("|"))
            links = ", ".join(lesson(term, number, notebooks) for number in taught.split(", "))
            entries.append(f"{term}\n  {meaning}. See {links}.{f' Source: {paper}.' if paper else ''}\n")
    return f"{head}:::{{glossary}}\n" + "\n".join(entries) + ":::\n"


def lesson(term: str, number: str, notebooks: list[Path]) -> str:
    """Return a link to the notebook of this number, at the section where it first has the term in bold."""
    path = next(path for path in notebooks if path.name.startswith(number))
    words = {word.strip(" )").lower() for word in re.split(r"[(,]", term)}
    anchor = ""
    for cell in nbformat.read(path, as_version=4).cells:
        for line in cell.source.splitlines() if cell.cell_type == "markdown" else []:
            if heading := re.match(r"#{2,4} (.*)", line):
                anchor = "#" + github_slugify(heading[1])
            elif words & {bold.lower() for bold in re.findall(r"\*\*(.+?)\*\*", line)}:
                return f"[{number}](../notebooks/{path.name}{anchor})"
    return f"[{number}](../notebooks/{path.name})"


def copy_try(model: Path) -> None:
    """Put what the page "Try it here" loads beside it: its scripts, the model, ONNX Runtime, the clip."""
    page = SITE / "try"
    for path in [*(DOCS / "try").glob("*.js"), DOCS / "try" / "try.css", DATA / "clip.mp4"]:
        shutil.copy(path, page)
    shutil.copy(DATA / "background_beach.jpg", page / "beach.jpg")
    shutil.copy(model, page / "portrait.onnx")
    if not RUNTIME_FILES[0].exists():
        print("Try it here will not run: ONNX Runtime Web is missing. Run npm ci, and build again.")
        return
    (page / "onnxruntime").mkdir()
    for path in RUNTIME_FILES:
        shutil.copy(path, page / "onnxruntime")


def exported() -> Path:
    """Return the exported model; an export takes PyTorch half a minute, so it is kept until something changes."""
    code = [DOCS / "export_onnx.py", *(ROOT / "seglib" / "predict").glob("portrait*.py")]
    sources = [*code, DATA / "portrait.safetensors"]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    path = CACHE / f"portrait-{digest[:16]}.onnx"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        export(path)
    return path


def main() -> int:
    """Gather the pages and build them; any warning is an error."""
    model = exported()
    gather(model)
    shutil.rmtree(SITE, ignore_errors=True)
    failed = sphinx(
        [
            *("-b", "html", "-c", str(DOCS), "-d", str(CACHE / "doctrees"), "-W", "--keep-going", "-q"),
            *sys.argv[1:],
            str(SOURCE),
            str(SITE),
        ]
    )
    if not (SITE / "index.html").exists():
        return failed
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        shutil.copy(path, SITE / "notebooks")
    shutil.copytree(SOURCE / PICTURES, SITE / PICTURES)
    copy_try(model)
    print(f"the site is in {SITE}; to read it: python -m http.server -d {SITE}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
