"""Times and rates of the last seconds of a running loop, in bounded memory."""

import time
from collections import deque
from statistics import median

from seglib.metrics import Stopwatch

_REMEMBERED = 240  # values of each kind
_WINDOW = 2.0  # seconds over which a rate is taken


class RollingStopwatch(Stopwatch):
    """A stopwatch that forgets all but the last durations. Each stage is timed by one thread and read by any."""

    def add(self, stage: str, seconds: float) -> None:
        """Add a duration that was measured elsewhere."""
        durations = self.seconds.setdefault(stage, [])
        durations.append(seconds)
        del durations[:-_REMEMBERED]

    def milliseconds(self) -> dict[str, float]:
        """Return the median of each stage's last durations, in milliseconds."""
        return {stage: 1000 * median(tuple(values)) for stage, values in tuple(self.seconds.items())}


class Rate:
    """How often something happens.

    Attributes
    ----------
    count : int
        How often it has happened so far.
    """

    def __init__(self) -> None:
        self.count = 0
        self._times: deque[float] = deque(maxlen=_REMEMBERED)

    def tick(self) -> None:
        """Count one."""
        self.count += 1
        self._times.append(time.perf_counter())

    def per_second(self) -> float:
        """Return the rate over the last two seconds; 0 if it happened less than twice."""
        now = time.perf_counter()
        recent = [moment for moment in tuple(self._times) if now - moment < _WINDOW]
        return (len(recent) - 1) / (now - recent[0]) if len(recent) > 1 else 0.0
