"""In which thread of the kernel the messages of a widget arrive."""

from typing import Any


def let_page_choose_thread(widget: Any) -> None:
    """Let the messages of a widget and its children arrive in the thread (subshell) that the page asks for.

    ipykernel sends them to the subshell from which the widget was changed last. One that a background thread changes
    counts as changed by whichever subshell was active then. That may be busy, or gone after a cut of the connection,
    and then the messages are lost.
    """
    if hasattr(widget.comm, "_reply_subshell_for"):  # since ipykernel 7.4
        widget.comm._reply_subshell_for = _chosen_by_page
    for child in getattr(widget, "children", ()):
        let_page_choose_thread(child)


def _chosen_by_page(data: object, chosen: str | None) -> str | None:
    return chosen
