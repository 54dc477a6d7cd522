"""One loop at a time: a camera serves one, and so does a person's attention."""

import atexit
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seglib.live.loop import Loop

_changing = Lock()
_current: "Loop | None" = None


def take_over(loop: "Loop") -> None:
    """Stop the loop that runs, since this one is about to start."""
    global _current
    with _changing:
        former, _current = _current, loop
    if former is not None and former is not loop:
        former.stop()


def running() -> "Loop | None":
    """The loop that is running in this process, or None."""
    return _current if _current is not None and _current.alive else None


def stop_running() -> None:
    """Stop the loop that is running, if there is one. Called at the end of the process, too."""
    loop = running()
    if loop is not None:
        recorder = loop.recorder
        loop.stop()
        if recorder is not None:
            recorder.wait(timeout=5)


atexit.register(stop_running)
