"""A slot for the newest value, between a thread that puts values in and one that takes them out."""

from threading import Condition
from typing import Generic, TypeVar

Value = TypeVar("Value")


class LatestValue(Generic[Value]):
    """Hold one value: a new one replaces it, and taking it leaves the slot empty.

    A queue in front of slow work would grow, and its values would grow old. May be used from several threads.

    Attributes
    ----------
    dropped : int
        How many values were replaced before they were taken.
    closed : bool
        Whether :meth:`close` was called.
    """

    def __init__(self) -> None:
        self._condition = Condition()
        self._value: Value | None = None
        self.dropped = 0
        self.closed = False

    def put(self, value: Value) -> None:
        """Replace the value."""
        with self._condition:
            if not self.closed:
                self.dropped += self._value is not None
                self._value = value
                self._condition.notify_all()

    def take(self, timeout: float | None = 0.0) -> Value | None:
        """Take the value; None if there is none in time, or the slot is closed.

        Parameters
        ----------
        timeout
            In seconds; None waits for ever.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._value is not None or self.closed, timeout)
            value, self._value = self._value, None
            self._condition.notify_all()
            return value

    def wait_until_taken(self, timeout: float = 0.0) -> bool:
        """Wait up to ``timeout`` seconds until the slot is empty; False if it is not in time."""
        with self._condition:
            return self._condition.wait_for(lambda: self._value is None, timeout)

    def close(self) -> None:
        """Drop the value and end all waiting; the slot stays empty."""
        with self._condition:
            self.closed, self._value = True, None
            self._condition.notify_all()
