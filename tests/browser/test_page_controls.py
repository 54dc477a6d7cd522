"""The controls of seglib.Live without a mouse, with a screen reader, and when a choice cannot be had."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from live_page import LIVE, LOOPS, LivePage
from page import OpenNotebook

OpenLive = Callable[..., LivePage]
FOCUSED = """() => {
    const focused = document.activeElement;
    const name = focused.getAttribute('aria-label') || focused.labels?.[0]?.textContent || focused.textContent;
    return focused.closest('.seglib-live') && [focused.getAttribute('role') ?? focused.type, name.trim()];
}"""
NOTEBOOK = """() => {
    const {widgets, activeCellIndex} = window.jupyterapp.shell.currentWidget.content;
    return [widgets.map(cell => cell.model.type), activeCellIndex];
}"""
LETTERS = "ddxabmyrczjk"  # delete, cut, insert above and below, change the type, copy, undo, go up and down
DOWN = """(name) => document.querySelector(`.seglib-${name} select`).selectedIndex"""


@pytest.fixture
def open_live(open_notebook: OpenNotebook) -> OpenLive:
    def open_live(arguments: str, *cells: str, **options: object) -> LivePage:
        live = LivePage(open_notebook(LIVE.format(arguments=f"{arguments}, model=Known()"), *cells, **options))
        live.show()
        return live

    return open_live


@pytest.mark.parametrize("front_end", ["lab", "notebook"])
def test_the_keyboard_alone_is_enough_and_moves_nothing_in_the_notebook(open_live: OpenLive, front_end: str) -> None:
    live = open_live("'clip'", "'another cell'", front_end=front_end)
    page, seen = live.page, []
    page.locator(".seglib-start").focus()
    before = page.evaluate(NOTEBOOK)
    while focused := page.evaluate(FOCUSED):
        kind, name = focused
        seen.append(name)
        if kind in ("submit", "button", "checkbox", "slider"):
            for letter in LETTERS:
                page.keyboard.press(letter)
        if kind == "slider":
            page.keyboard.press("ArrowRight")
        if name in ("source", "model", "keep"):
            chosen = page.evaluate(DOWN, name)
            page.keyboard.press("ArrowDown")
            assert page.evaluate(DOWN, name) == chosen + 1
        if name == "model":
            page.keyboard.press("ArrowUp")  # back to the one that takes no time
        assert page.evaluate(NOTEBOOK) == before, f"at {name}"
        assert page.evaluate(FOCUSED) is not None, f"{name} keeps the focus"
        page.keyboard.press("Tab")
        assert len(seen) < 60
    expected = {"Start", "Stop", "Snapshot", "Record", "input", "result", "mask", "labels", "mirror", "source", "model"}
    expected |= {"none", "blur", "substitute", "strength", "keep", "threshold", "feather", "smoothing"}
    assert expected <= set(seen)
    live.notebook.wait_for("abs(live.settings.threshold - 0.55) + abs(live.settings.feather - 0.5) < 1e-6")

    page.locator(".seglib-source select").focus()
    page.keyboard.press("ArrowUp")
    page.locator(".seglib-start").focus()
    page.keyboard.press("Space")
    live.wait_for_pictures()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    live.wait_for_state("stopped")
    page.keyboard.press("Control+s")
    page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    assert page.evaluate(NOTEBOOK) == before
    assert live.notebook.errors == []


QUESTION = """
import numpy as np
from seglib import exercises
exercises.ask("How much is 2 + 2?", {"3": "Count again.", "4": "Two and two."}, answer="4")
exercises.explore(lambda level=128: np.full((40, 60, 3), level, np.uint8), "A grey square", level=(0, 255, 5))
"""


def test_the_controls_of_exercises_are_used_by_keyboard(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(QUESTION, "'another cell'")
    notebook.run(0)
    page = notebook.page
    slider = page.get_by_role("slider", name="level")
    slider.wait_for()
    before = page.evaluate(NOTEBOOK)
    page.get_by_label("3", exact=True).focus()
    page.keyboard.press("Space")
    page.get_by_text("Count again.").wait_for()
    page.keyboard.press("ArrowDown")
    page.get_by_text("Two and two.").wait_for()
    slider.focus()
    for letter in LETTERS:
        page.keyboard.press(letter)
    page.keyboard.press("ArrowRight")
    assert float(slider.get_attribute("aria-valuenow") or 0) > 128
    assert page.evaluate(NOTEBOOK) == before
    notebook.screenshot()
    assert notebook.errors == []


@pytest.mark.parametrize("command", ["delete-cell", "clear-cell-output"])
def test_a_cell_that_is_deleted_or_cleared_stops_its_loop(open_live: OpenLive, command: str) -> None:
    live = open_live("'clip'", "1")
    live.start()
    live.press("Record")
    live.page.evaluate("(name) => window.jupyterapp.commands.execute(name)", f"notebook:{command}")
    begin = time.monotonic()
    live.notebook.wait_for(f"not {LOOPS}")
    print(f"{command}: the loop has ended after {time.monotonic() - begin:.1f} s")
    assert live.notebook.errors == []


def test_a_screen_reader_is_told_names_and_states(open_live: OpenLive) -> None:
    live = open_live("'clip', effect='substitute', background='navy'")
    live.page.locator(".seglib-background select").select_option("a colour")
    live.page.locator(".seglib-palette").wait_for()
    heard = spoken(live)
    assert {"Start", "Stop", "Snapshot", "Record"} <= {name for role, name in heard if role == "button"}
    assert {"source", "model", "background"} <= {name for role, name in heard if role == "combobox"}
    assert {"threshold", "feather", "smoothing"} <= {name for role, name in heard if role == "slider"}
    assert {("group", "effect"), ("listbox", "keep"), ("textbox", "colour"), ("ColorWell", "pick a colour")} <= set(
        heard
    )
    assert (heard["checkbox", "mask"]["checked"], heard["checkbox", "labels"]["checked"]) == ("true", "false")
    assert [heard["button", name].get("pressed") for name in ("none", "blur", "substitute")] == [
        "false",
        "false",
        "true",
    ]
    live.page.get_by_role("button", name="blur").click()
    live.page.locator(".seglib-strength").wait_for()
    heard = spoken(live)
    assert [heard["button", name].get("pressed") for name in ("none", "blur", "substitute")] == [
        "false",
        "true",
        "false",
    ]
    assert ("slider", "strength") in heard
    threshold = live.page.locator(".seglib-threshold [role=slider]")
    threshold.focus()
    for _ in range(2):
        live.page.keyboard.press("ArrowRight")
    values = [threshold.get_attribute(f"aria-value{name}") for name in ("min", "now", "text", "max")]
    assert values == ["0.05", "0.6", "0.6", "0.95"]
    assert all(name for _, name in heard), "nothing is without a name"
    assert live.page.locator(".seglib-live [title='null'], .seglib-live [aria-label='']").count() == 0


def spoken(live: LivePage) -> dict[tuple[str, str], dict[str, Any]]:
    """What Chromium tells a screen reader of the widget: (role, name) -> states."""
    session = live.page.context.new_cdp_session(live.page)
    tree = session.send("DOM.getDocument")
    box = session.send("DOM.querySelector", {"nodeId": tree["root"]["nodeId"], "selector": ".seglib-live"})
    nodes = session.send("Accessibility.queryAXTree", {"nodeId": box["nodeId"]})["nodes"]
    session.detach()
    roles = ("button", "checkbox", "combobox", "listbox", "slider", "textbox", "ColorWell", "group", "image")
    return {
        (node["role"]["value"], node["name"]["value"].strip()): {
            each["name"]: each["value"].get("value") for each in node.get("properties", ())
        }
        for node in nodes
        if not node["ignored"] and node["role"]["value"] in roles
    }


def test_the_page_shows_what_is_in_force(open_live: OpenLive) -> None:
    live = open_live("'clip', effect='substitute'")
    live.start()
    live.page.locator(".seglib-background select").select_option("a colour")
    colour, note = live.page.locator(".seglib-colour input"), live.page.locator(".seglib-note")
    for wrong in ("#12", "notacolour"):
        colour.fill(wrong)
        colour.press("Enter")
        note.filter(has_text=wrong).wait_for()
        live.wait_until(lambda: colour.input_value() == "#1f3a5f")
    colour.fill("rebeccapurple")
    colour.press("Enter")
    palette = live.page.locator(".seglib-palette [type=color]")
    live.wait_until(lambda: palette.input_value() == "#663399")
    live.wait_until(lambda: note.inner_text() == "")
    keep = live.page.locator(".seglib-keep select")
    keep.focus()
    keep.press("Control+Space")
    note.filter(has_text="class").wait_for()
    assert keep.evaluate("list => [...list.selectedOptions].map(option => option.value)") == ["person"]

    model = live.page.locator(".seglib-model select")
    model.select_option("fcn_resnet50")  # it cannot be downloaded
    note.filter(has_text="fcn_resnet50").wait_for(timeout=120_000)
    live.wait_until(lambda: model.input_value() == "known")
    assert keep.evaluate("list => [...list.selectedOptions].map(option => option.value)") == ["person"]
    live.notebook.screenshot()
    assert live.notebook.errors == []


@pytest.mark.parametrize("running", [True, False])
def test_after_a_restart_of_the_kernel_nothing_is_shown_that_is_over(open_live: OpenLive, running: bool) -> None:
    live = open_live("'clip'")
    if running:
        live.start()
        live.press("Record")
        live.page.get_by_role("button", name="Stop recording").wait_for()
    live.notebook.restart_kernel()
    live.wait_for_state("lost")
    live.page.locator(".seglib-start").wait_for(state="hidden")
    text = live.page.locator(".seglib-live").inner_text()
    assert "restarted" in text
    assert "fps" not in text
    live.show()
    live.wait_for_state("stopped")
    assert live.notebook.errors == []
