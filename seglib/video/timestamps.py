"""The times of frames and audio packets, which must increase in the new file whatever the old one says."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from seglib.arrays import Frame


@dataclass(frozen=True)
class TimedFrame:
    """A frame, when it is shown, and for how long, in seconds."""

    frame: Frame
    time: Fraction
    duration: Fraction


class IncreasingTimestamps:
    """A stream's timestamps, corrected where they are missing or go back.

    Two of them are at least a millisecond apart, since the time base of the new file may be as coarse. A frame without
    a timestamp follows when the one before it ends.

    Parameters
    ----------
    step
        Usual distance of two timestamps, in units of the time base.
    start
        Timestamp that becomes 0.
    time_base
        Unit of all timestamps, in seconds.
    """

    def __init__(self, step: int, start: Fraction, time_base: Fraction) -> None:
        self._smallest_step = max(1, ceil(Fraction(1, 1000) / time_base))
        self._step = max(step, self._smallest_step)
        self._offset = -round(start)
        self._last: int | None = None
        self._last_duration = self._step

    def correct(self, timestamp: int | None, duration: int) -> tuple[int, int]:
        """The timestamp and duration to use for what the file shows at ``timestamp``, None if it does not say."""
        if self._last is None:
            self._last = self._offset + timestamp if timestamp is not None else 0
        elif timestamp is None:
            self._last += self._last_duration
        else:
            if self._offset + timestamp <= self._last - 25 * self._step:  # two recordings in one file
                self._offset = self._last + self._step - timestamp
            self._last = max(self._offset + timestamp, self._last + self._smallest_step)
        self._last_duration = duration if duration > 0 else self._step
        return self._last, self._last_duration
