"""Quick questions: choose an answer, and read why it is right or wrong."""

import html
from collections.abc import Mapping
from typing import Any

from seglib._internal.accessible import accessible


def ask(question: str, options: Mapping[str, str], answer: str) -> None:
    """Show a question with radio buttons; without a kernel, its text with a folded answer.

    Parameters
    ----------
    question
        One sentence, plain text.
    options
        The choices in this order, and for each the reason why it is right or wrong.
    answer
        The correct option.

    Raises
    ------
    ValueError
        If ``answer`` is none of the options.

    Examples
    --------
    >>> options = {"4": "Two and two.", "22": "These are numbers, not strings."}
    >>> ask("How much is 2 + 2?", options, answer="4")  # doctest: +ELLIPSIS
    {'text/plain': 'How much is 2 + 2?...
    """
    from IPython.display import display

    box = question_box(question, options, answer)
    bundle: dict[str, Any] = dict(accessible(box)._repr_mimebundle_() or {})  # the buttons, for a page with a kernel
    choices = "\n".join(f"- {option}" for option in options)
    reasons = "".join(f"<li>{html.escape(option)}: {html.escape(why)}</li>" for option, why in options.items())
    bundle["text/plain"] = f"{question}\n{choices}"
    bundle["text/markdown"] = (
        f"**{question}**\n\n{choices}\n\n<details><summary>Answer</summary>"
        f"<b>{html.escape(answer)}</b><ul>{reasons}</ul></details>"
    )
    display(bundle, raw=True)


def question_box(question: str, options: Mapping[str, str], answer: str) -> Any:
    """Return the question, its radio buttons and the reply as a box of three widgets.

    Parameters
    ----------
    question, options, answer
        As for :func:`ask`.

    Returns
    -------
    ipywidgets.VBox
        With nothing chosen, and an empty reply.

    Raises
    ------
    ValueError
        If ``answer`` is none of the options.
    """
    import ipywidgets as widgets

    if answer not in options:
        raise ValueError(f"the answer {answer!r} is none of the options: {', '.join(map(repr, options))}")
    buttons = widgets.RadioButtons(options=list(options), value=None, layout={"width": "auto"})
    reply = widgets.HTML()

    def show_reply(change: Any) -> None:
        verdict = "Right." if change.new == answer else "Not this one."
        reply.value = f"<b>{verdict}</b> {html.escape(options[change.new])}"

    buttons.observe(show_reply, "value")
    return widgets.VBox([widgets.HTML(f"<b>{html.escape(question)}</b>"), buttons, reply])
