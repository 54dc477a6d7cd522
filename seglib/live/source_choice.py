"""From what a person chooses to an open source, with a name that says which it became."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from seglib.capture.sources import Source, VideoSource, open_source
from seglib.errors import CameraUnavailable
from seglib.samples import sample_clip

Choice: TypeAlias = int | str | Path | Callable[[], Source]


def opener(choice: Choice) -> Callable[[], Source]:
    """A function that opens the source: what :func:`open_source` takes, or a function of one's own.

    "auto" is camera 0 if there is one, else the recorded clip. Nothing is printed; the source's name says which.
    """
    if callable(choice):
        return choice
    if choice == "auto":
        return _open_auto
    return lambda: _named(open_source(choice))


def describe(source: Source | None) -> str:
    """What is open, as a sentence; "" if nothing is."""
    return "" if source is None else sentence(source.name)


def sentence(words: str) -> str:
    """With a capital and a full stop; nothing stays nothing."""
    return f"{words[:1].upper()}{words[1:].rstrip('.')}." if words else ""


def _open_auto() -> Source:
    try:
        return _named(open_source(0))
    except CameraUnavailable as error:
        source = _named(open_source("clip"))
        source.name += f", since {str(error).splitlines()[0].rstrip('.')}"
        return source


def _named(source: Source) -> Source:
    if isinstance(source, VideoSource) and source.name == sample_clip().name:
        source.name = "the recorded clip"
    return source
