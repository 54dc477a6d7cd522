"""How Sphinx makes the site. `docs/build.py` gathers the pages first; `make docs` runs it."""

import json
import re
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.addnodes import desc
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

import seglib

project = "seglib"
author = "seglib contributors"
copyright = "seglib contributors. Code: MIT. Prose and drawn pictures: CC BY 4.0"
version = release = seglib.__version__

extensions = ["myst_nb", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx_copybutton"]
nb_execution_mode = "off"  # pages show the outputs that are stored in the notebooks
nb_ipywidgets_js = {}  # no widget manager from another host
nb_render_markdown_format = "myst"  # of outputs, so that tables among them are tables
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "dollarmath"]
suppress_warnings = ["myst.header"]  # a notebook may go from a title to a third-level heading

autosummary_generate = False
autodoc_typehints = "none"  # numpydoc's Parameters say shapes, dtypes and ranges, which types cannot
autodoc_member_order = "bysource"
numpydoc_show_class_members = False

html_math_renderer = "mathml"
html_theme = "furo"
html_title = "seglib"
html_favicon = "favicon.svg"
html_copy_source = False
html_show_sphinx = False
html_static_path = ["style.css", "search.js"]
templates_path = ["templates"]
html_css_files = ["style.css"]
html_theme_options = {"navigation_with_keys": True}
copybutton_exclude = ".linenos, .gp, .go"

logger = logging.getLogger(__name__)
NOT_SEARCHED = (nodes.title, nodes.raw, nodes.comment, nodes.math_block)
PUBLIC = re.compile(
    r'<span class="n">seglib</span><span class="o">\.</span><span class="n">(?P<code>\w+)</span>'
    r'|<span class="pre">seglib\.(?P<prose>\w+)(?:\([^<]*)?</span>'
)
REPAIRS = {
    'role="heading"': 'role="heading" aria-level="2"',
    'role="list" class="citation-list"': 'class="citation-list"',  # it has no list items
    "<pre": '<pre tabindex="0"',  # wide code scrolls, with the keyboard too
}


def check_pictures(app: Sphinx, doctree: nodes.document) -> None:
    """Warn of every picture without alternative text; a warning is an error. Those of outputs are HTML and have it."""
    for image in doctree.findall(nodes.image):
        if not image.get("alt"):
            logger.warning("%s has no alt text", image["uri"], location=image)


def finish_page(app: Sphinx, page: str, template: str, context: dict[str, object], doctree: object) -> None:
    """Link seglib's names, in code and in prose, to the API reference; mend what screen readers stumble over."""
    objects = app.env.get_domain("py").objects

    def link(match: re.Match[str]) -> str:
        name = f"seglib.{match['code'] or match['prose']}"
        if name not in objects:
            return match[0]
        address = app.builder.get_relative_uri(page, objects[name].docname)
        return f'<a class="api" href="{address}#{objects[name].node_id}">{match[0]}</a>'

    for part in {"body", "furo_navigation_tree"} & set(context):
        html = str(context[part])
        for wrong, right in REPAIRS.items():
            html = html.replace(wrong, right)
        context[part] = html if page.startswith("api/") else PUBLIC.sub(link, html)


def write_sections(app: Sphinx, error: Exception | None) -> None:
    """Write what search.js searches: each section, glossary term and public name of all pages, with its text."""
    entries: list[dict[str, str]] = []

    def add(page: str, of: str, node: nodes.Element, title: str, anchor: str) -> None:
        entry = {"page": f"{page}.html", "anchor": anchor, "title": title, "of": of or title, "text": ""}
        entries.append(entry)
        texts: list[str] = []
        collect(page, of or title, node, texts)
        entry["text"] = " ".join(" ".join(texts).split())

    def collect(page: str, of: str, node: nodes.Element, texts: list[str]) -> None:
        for part in node.children:
            if isinstance(part, nodes.section):
                add(page, of, part, part.next_node(nodes.title).astext(), part["ids"][0] if of else "")
            elif isinstance(part, desc) and (signature := part[0]).get("ids"):
                add(page, of, part, signature["ids"][0], signature["ids"][0])
            elif isinstance(part, nodes.definition_list_item) and part[0].get("ids"):
                add(page, of, part, part[0].astext(), part[0]["ids"][0])
            elif isinstance(part, nodes.TextElement):
                is_title = isinstance(part, nodes.term) and part["ids"]
                texts += [] if is_title or isinstance(part, NOT_SEARCHED) else [part.astext()]
            elif isinstance(part, nodes.Element) and "cell_output" not in part.get("classes", []):
                collect(page, of, part, texts)

    for page in () if error else sorted(app.env.found_docs):
        collect(page, "", app.env.get_doctree(page), [])
    (Path(app.outdir) / "_static" / "sections.json").write_text(json.dumps(entries), encoding="utf-8")


def visit_math(writer: HTML5Translator, node: nodes.math | nodes.math_block) -> None:
    """Write a formula as MathML, which browsers show by themselves."""
    writer.body.append(tex2mathml(node.astext(), as_block=isinstance(node, nodes.math_block)))
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Connect the functions above (Sphinx calls this)."""
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math, None))
    app.connect("doctree-read", check_pictures)
    app.connect("html-page-context", finish_page, priority=900)  # after the theme
    app.connect("build-finished", write_sections)
