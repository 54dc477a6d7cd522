"""Who may use how many of the cores, while several threads share them.

A library left alone takes every core for itself. Where decoding, predicting, the effect and encoding run at the same
time, the cores have work anyway, and splitting each small job among all of them only costs time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import cv2

_lock = Lock()
_inside, _before = 0, 0  # how many threads are in shared_cores(), and OpenCV's threads outside it


def all_cores() -> int:
    """At least 1. Where a container or a hub allows fewer cores than the machine has, only those count."""
    return max(1, cv2.getNumberOfCPUs())


def half_of_the_cores() -> int:
    """At least 1."""
    return max(1, all_cores() // 2)


@contextmanager
def shared_cores() -> Iterator[None]:
    """Let OpenCV take half of the cores at most, in this whole process, until the last such block has ended."""
    global _inside, _before
    with _lock:
        if _inside == 0:
            _before = cv2.getNumThreads()
            cv2.setNumThreads(min(_before, half_of_the_cores()))
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                cv2.setNumThreads(_before)
