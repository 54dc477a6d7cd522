"""How many cores there are, and how many OpenCV may use while several threads share them.

By default a library uses every core. Where decoding, predicting, the effect and encoding run at the same time, the
cores are busy anyway, and splitting each small job among all of them only costs time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import cv2

_lock = Lock()
_inside, _before = 0, 0  # the number of shared_cores() blocks, and of OpenCV's threads outside them


def all_cores() -> int:
    """The number of cores that this process may use, at least 1; a container or a hub may limit them."""
    return max(1, cv2.getNumberOfCPUs())


def half_of_the_cores() -> int:
    """Half of the cores, at least 1."""
    return max(1, all_cores() // 2)


@contextmanager
def shared_cores() -> Iterator[None]:
    """Limit OpenCV to half of the cores, in the whole process, until the last such block ends."""
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
