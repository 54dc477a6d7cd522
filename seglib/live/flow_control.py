"""Flow control: how many pictures may be in flight, sent to the page but not yet drawn. No widgets in here.

Pictures that are made faster than the page draws them would pile up on the way and grow old. So every view of the
picture reports which one it has drawn last, and no more than two are ever in flight. (With one, the kernel would idle
while the report travels.) A fast page may allow a few more, so that it need not report each one.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Condition

from seglib.live.statistics import Rate, RollingStopwatch

IN_FLIGHT = 2  # pictures in flight at most, where a page does not say
GONE = 5.0  # seconds of silence after which a view counts as closed; an open one reports every second
LOST = 10.0  # seconds after which a picture that nobody has drawn is given up
_HIDDEN = 2.0  # seconds between pictures while all views are in hidden tabs


@dataclass
class View:
    """One view of the picture, as it reported itself last."""

    drawn: int  # number of the last picture that it has drawn
    seen: float  # when it reported, in seconds of perf_counter
    room: int  # how many pictures it allows in flight
    hidden: bool
    width: int  # in pixels; 0 is unknown


class FlowControl:
    """Who watches, and what they have drawn. Told by the page in any thread, asked by the loop.

    A picture counts as shown when every view has drawn it, so the slowest view sets the pace. A view that is silent for
    five seconds does not count; when it reports again, it does.

    Attributes
    ----------
    closed : bool
        Whether the last view was closed, as with its cell; one that fell silent may come back.
    sent : int
        How many pictures were sent.
    shown : Rate
        Counts pictures that were shown.
    stopwatch : RollingStopwatch
        "capture to shown": from the capture of a frame until the report that its picture was drawn.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._views: dict[str, View] = {}
        self._in_flight: dict[int, tuple[float, float]] = {}  # number -> when its frame was captured, when it was sent
        self._last_sent = 0.0
        self.closed = False
        self.sent = 0
        self.shown = Rate()
        self.stopwatch = RollingStopwatch()

    @property
    def views(self) -> int:
        """How many views show the picture."""
        with self._changed:
            self._drop_silent_views()
            return len(self._views)

    @property
    def in_flight(self) -> int:
        """How many pictures are in flight."""
        return len(self._in_flight)

    @property
    def width(self) -> int | None:
        """Width of the widest view in pixels; None if no view has said."""
        return max((view.width for view in tuple(self._views.values())), default=0) or None

    def wait_for_room(self, timeout: float, wanted: int = 1) -> bool:
        """Wait up to ``timeout`` seconds until ``wanted`` pictures may be sent; False if they may not."""
        with self._changed:
            return self._changed.wait_for(lambda: self._has_room(wanted), timeout)

    def sending(self, captured: float) -> int:
        """Count a picture that is being sent; returns its number.

        Parameters
        ----------
        captured
            When its frame was captured, in seconds of ``perf_counter``.
        """
        with self._changed:
            self.sent += 1
            self._last_sent = time.perf_counter()
            self._in_flight[self.sent] = (captured, self._last_sent)
            return self.sent

    def report(self, name: str, drawn: int, width: int = 0, hidden: bool = False, room: int = 0) -> bool:
        """Take the report of a view. True if the view is new.

        Parameters
        ----------
        name
            The view's name.
        drawn
            Number of the last picture that it has drawn, 0 for none.
        width
            In pixels; 0 leaves it as it was.
        hidden
            Whether it is in a hidden tab.
        room
            How many pictures it allows in flight; 0 takes IN_FLIGHT.
        """
        with self._changed:
            self._drop_silent_views()
            old = self._views.get(name)
            # A new view need not draw what was sent before it came.
            drawn = max(drawn, self.sent if old is None else old.drawn)
            width = width or (0 if old is None else old.width)
            self._views[name] = View(drawn, time.perf_counter(), room or IN_FLIGHT, hidden, width)
            self.closed = False
            self._finish_drawn()
            return old is None

    def leave(self, name: str) -> None:
        """Forget a view that was closed."""
        with self._changed:
            self._drop([name])
            self.closed = not self._views

    def _has_room(self, wanted: int) -> bool:
        self._drop_silent_views()
        self._give_up_lost_pictures()
        views = self._views.values()
        if not views or len(self._in_flight) + wanted > min(view.room for view in views):
            return False
        hidden = all(view.hidden for view in views)
        return not hidden or time.perf_counter() - self._last_sent > _HIDDEN

    def _finish_drawn(self) -> None:
        """Pictures that every view has drawn are no longer in flight."""
        last = min((view.drawn for view in self._views.values()), default=self.sent)
        for number in [number for number in self._in_flight if number <= last]:
            captured, _ = self._in_flight.pop(number)
            if self._views:
                self.shown.tick()
            if number == last:  # the others were drawn earlier, and reported together with this one
                self.stopwatch.add("capture to shown", time.perf_counter() - captured)
        self._changed.notify_all()

    def _drop_silent_views(self) -> None:
        limit = time.perf_counter() - GONE
        self._drop([name for name, view in self._views.items() if view.seen < limit])

    def _drop(self, names: Iterable[str]) -> None:
        if [self._views.pop(name, None) for name in names]:
            self._finish_drawn()

    def _give_up_lost_pictures(self) -> None:
        """A message that was lost, for instance with the network, must not stop the picture for ever."""
        limit = time.perf_counter() - LOST
        for number in [number for number, (_, sent) in self._in_flight.items() if sent < limit]:
            del self._in_flight[number]
