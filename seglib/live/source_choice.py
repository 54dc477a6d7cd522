"""From what a person chooses to an open source, with a name that says which it became."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np

from seglib.capture.base import Source
from seglib.capture.sources import VideoSource, open_source
from seglib.errors import CameraUnavailable
from seglib.samples import sample_clip

SourceChoice: TypeAlias = int | str | Path | Callable[[], Source]


def is_camera_number(choice: object) -> bool:
    """Return whether a choice is the number of a camera."""
    return isinstance(choice, int | np.integer) and not isinstance(choice, bool)


def check_choice(choice: SourceChoice) -> SourceChoice:
    """Return what may be opened as a source. Raises TypeError or ValueError for what never can; opens nothing."""
    if not is_camera_number(choice) and not isinstance(choice, str | Path) and not callable(choice):
        raise TypeError(
            f"source is {choice!r}, but must be a camera number, a path, 'clip', 'browser', 'auto', "
            "or a function that returns an open source"
        )
    if isinstance(choice, int | np.integer) and choice < 0:
        raise ValueError(f"source is {choice}, but cameras count from 0")
    return choice


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
    if isinstance(choice, str) and choice[:1] == choice[-1:] == '"':  # as Windows copies a path
        choice = choice.strip('"')
    return lambda: _named(open_source(choice))


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
        source.skip_black = True  # its black frames are an exercise, and here they would look like a fault
    return source
