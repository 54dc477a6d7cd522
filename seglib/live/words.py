"""What the widget says, in words for whoever presses its buttons: no names of exceptions, no code."""

from seglib.capture.base import Source
from seglib.errors import CameraUnavailable, SourceError, WeightsUnavailable


def sentence(text: str) -> str:
    """Begin with a capital and end with a full stop; "" stays ""."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


def describe(source: Source | None) -> str:
    """Name the open source in a sentence; "" if none is open."""
    return "" if source is None else f"Source: {source.name.rstrip('.')}."


def explain(error: BaseException) -> str:
    """Say what went wrong. Only an error of the user's own code keeps its type, which its author needs."""
    if isinstance(error, WeightsUnavailable):  # the rest of its lines are commands for a terminal
        return f'{str(error).splitlines()[0]}\nThe model "portrait" needs no download.'
    if isinstance(error, OSError) and error.strerror:
        return sentence(f"{error.strerror}: {error.filename}" if error.filename else error.strerror)
    if isinstance(error, CameraUnavailable | SourceError | ValueError):
        return str(error)
    return f"Stopped by an error in the code of the effect, the model or the source: {error!r}"
