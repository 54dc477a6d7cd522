"""Quick questions: the buttons answer back with the reason, and a page without a kernel shows the same in text."""

from __future__ import annotations

import pytest

from seglib.exercises.quiz import ask, question_box

OPTIONS = {"3": "One is missing.", "4": "Two & two.", "22": "Numbers, not texts."}


@pytest.mark.parametrize("option", OPTIONS)
def test_every_choice_is_answered_with_its_reason(option: str) -> None:
    _, buttons, reply = question_box("How much is 2 + 2?", OPTIONS, "4").children
    assert buttons.value is None
    assert reply.value == ""
    buttons.value = option
    assert OPTIONS[option].replace("&", "&amp;") in reply.value
    assert ("Right" in reply.value) == (option == "4")


def test_a_choice_can_be_changed() -> None:
    _, buttons, reply = question_box("How much is 2 + 2?", OPTIONS, "4").children
    buttons.value = "22"
    buttons.value = "4"
    assert "Right" in reply.value


def test_without_a_kernel_the_question_and_its_folded_answer_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict[str, str]] = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    ask("How much is 2 + 2?", OPTIONS, "4")
    (bundle,) = shown
    assert "application/vnd.jupyter.widget-view+json" in bundle
    text, page = bundle["text/plain"], bundle["text/markdown"]
    assert all(option in text and option in page for option in OPTIONS)
    assert "One is missing." not in text
    assert "One is missing." in page.partition("<details>")[2]


def test_an_answer_that_cannot_be_chosen_is_refused() -> None:
    with pytest.raises(ValueError, match="'5'"):
        ask("How much is 2 + 2?", OPTIONS, "5")
