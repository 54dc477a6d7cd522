"""From what a person chooses to an open source, with a name that says which it became."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from seglib.capture.base import Source
from seglib.capture.sources import VideoSource, open_source
from seglib.errors import CameraUnavailable
from seglib.samples import sample_clip

SourceChoice: TypeAlias = int | str | Path | Callable[[], Source]


def opener(choice: SourceChoice) -> Callable[[], Source]:
    """Return a function that opens the source.

    "auto" is camera 0 if there is one, else the recorded clip. Nothing is printed; the source's name says which.

    Parameters
    ----------
    choice
        What :func:`open_source` takes, or a function of one's own, which is returned as it is.
    """
    if callable(choice):
        return choice
    if choice == "auto":
        return _open_auto
    return lambda: _named(open_source(choice))


def describe(source: Source | None) -> str:
    """Name the open source in a sentence; "" if none is open."""
    return "" if source is None else sentence(source.name)


def sentence(text: str) -> str:
    """Begin with a capital and end with a full stop; "" stays ""."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


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
