"""What a running loop tells about itself: stage times, rates and latencies of the last seconds, in bounded memory."""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

_LAST = 240  # how many values of each kind are remembered
_WINDOW = 2.0  # seconds over which a rate is taken


class Meter:
    """Times of stages, moments of pictures, and latencies. Written by one thread each, read by any.

    ``with meter("predict"): …`` times a stage.
    """

    def __init__(self) -> None:
        self._seconds: dict[str, deque[float]] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add(stage, time.perf_counter() - start)

    def add(self, stage: str, seconds: float) -> None:
        """Remember one duration."""
        self._seconds.setdefault(stage, deque(maxlen=_LAST)).append(seconds)

    def milliseconds(self) -> dict[str, float]:
        """The median of every stage over its last durations, in milliseconds."""
        return {stage: 1000 * median(tuple(values)) for stage, values in tuple(self._seconds.items())}


class Rate:
    """How often something happened in a second, lately."""

    def __init__(self) -> None:
        self.count = 0
        self._moments: deque[float] = deque(maxlen=_LAST)

    def tick(self) -> None:
        """It happened now."""
        self.count += 1
        self._moments.append(time.perf_counter())

    def per_second(self) -> float:
        """Over the last two seconds; 0 if it happened less than twice."""
        now = time.perf_counter()
        recent = [moment for moment in tuple(self._moments) if now - moment < _WINDOW]
        return (len(recent) - 1) / (now - recent[0]) if len(recent) > 1 else 0.0
