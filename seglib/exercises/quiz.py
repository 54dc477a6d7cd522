"""Quick questions that answer back: choose an answer, and read why it is right or wrong."""

import html
from collections.abc import Mapping
from typing import Any


def ask(question: str, options: Mapping[str, str], answer: str) -> None:
    """Show a question with radio buttons. Where no kernel runs, its text stands there, with the answer folded.

    Parameters
    ----------
    question
        One sentence, plain text.
    options
        What can be chosen, in this order, and for each what is said about it: why it is right or wrong.
    answer
        The option that is right.

    Raises
    ------
    ValueError
        If ``answer`` is none of the options.

    Examples
    --------
    >>> ask("How much is 2 + 2?", {"4": "Two and two.", "22": "These are numbers, not texts."}, answer="4")
    """
    from IPython.display import display

    box = question_box(question, options, answer)
    bundle: dict[str, Any] = dict(box._repr_mimebundle_() or {})  # the buttons, for a page that has a kernel
    choices = "\n".join(f"- {option}" for option in options)
    reasons = "".join(f"<li>{html.escape(option)}: {html.escape(why)}</li>" for option, why in options.items())
    bundle["text/plain"] = f"{question}\n{choices}"
    bundle["text/markdown"] = (
        f"**{question}**\n\n{choices}\n\n<details><summary>Answer</summary>"
        f"<b>{html.escape(answer)}</b><ul>{reasons}</ul></details>"
    )
    show: Any = display  # it has no types
    show(bundle, raw=True)


def question_box(question: str, options: Mapping[str, str], answer: str) -> Any:
    """The question, its radio buttons and its reply, as an ``ipywidgets.VBox`` of these three.

    Parameters
    ----------
    question, options, answer
        As for :func:`ask`.

    Returns
    -------
    ipywidgets.VBox
        Nothing is chosen yet, and the reply is empty.

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

    def say(change: Any) -> None:
        verdict = "Right." if change.new == answer else "Not this one."
        reply.value = f"<b>{verdict}</b> {html.escape(options[change.new])}"

    buttons.observe(say, "value")
    return widgets.VBox([widgets.HTML(f"<b>{html.escape(question)}</b>"), buttons, reply])
