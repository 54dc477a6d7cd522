"""seglib.check_machine() in a real page: the page itself asks the kernel, and says how that went."""

from __future__ import annotations

from page import OpenNotebook

CHECK = "import seglib\nreport = seglib.check_machine(brief=True)\nreport"
HIDE_WIDGETS = """() => {
    const rendermime = window.jupyterapp.shell.currentWidget.content.rendermime;
    rendermime.removeMimeType('application/vnd.jupyter.widget-view+json');
}"""


def test_the_page_writes_its_own_line_and_the_report_learns_of_it(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(CHECK, "print(report)")
    notebook.run(0)
    line = notebook.page.locator(".seglib-widgets")
    line.filter(has_text="ok").wait_for(timeout=30_000)
    assert "the kernel answers them in" in line.inner_text()
    assert "widgets" not in notebook.text(0), "the line on the page stands for it"
    notebook.wait_for("report['widgets'].status == 'ok'")
    notebook.run(1)
    assert "ok       widgets" in notebook.text(1)
    assert notebook.errors == []


def test_while_cells_run_the_line_says_why_it_waits(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(
        "import time\nfrom seglib.cli.doctor.page import RoundTrip\nfound = []\nRoundTrip(found.append).show()\n"
        "time.sleep(3)\nprint(found)"
    )
    notebook.page.evaluate("() => void window.jupyterapp.commands.execute('notebook:run-cell')")
    line = notebook.page.locator(".seglib-widgets")
    line.wait_for(timeout=30_000)
    first = line.inner_text()
    assert first.startswith(("waiting  widgets", "ok       widgets")), "some JupyterLabs answer at once"
    line.filter(has_text="ok").wait_for(timeout=30_000)
    notebook.wait_for("[finding.status for finding in found] == ['ok']")


def test_a_page_without_widgets_says_that_it_has_none(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(CHECK)
    notebook.page.evaluate(HIDE_WIDGETS)
    notebook.run(0)
    notebook.cell(0).get_by_text("this page shows no widgets").wait_for(timeout=30_000)
    assert notebook.ask("report['widgets'].status") == "warning"
