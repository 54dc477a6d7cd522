"""What a running loop tells about itself: stage times, rates and latencies of the last seconds, in bounded memory."""

import time
from collections import deque
from statistics import median

from seglib.metrics import Stopwatch

_LAST = 240  # how many values of each kind are remembered
_WINDOW = 2.0  # seconds over which a rate is taken


class RollingStopwatch(Stopwatch):
    """A stopwatch that forgets all but the last durations. Each stage is timed by one thread, and read by any."""

    def add(self, stage: str, seconds: float) -> None:
        durations = self.seconds.setdefault(stage, [])
        durations.append(seconds)
        del durations[:-_LAST]

    def milliseconds(self) -> dict[str, float]:
        """The median of every stage over its last durations, in milliseconds."""
        return {stage: 1000 * median(tuple(values)) for stage, values in tuple(self.seconds.items())}


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
