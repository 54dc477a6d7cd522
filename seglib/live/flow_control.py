"""Flow control: how many pictures may be under way to the page. No widgets in here.

A page that draws more slowly than pictures are made would let them pile up, and show an ever older past. So every
view of the picture tells which one it has drawn, and no more than two are ever under way. (One at a time would wait
for the network's answer after each.) A quick page may allow a few more, so that it need not answer after each.
"""

import time
from threading import Condition
from typing import Protocol

from seglib.live.statistics import Rate, RollingStopwatch

IN_FLIGHT = 2  # pictures under way at most, where a page does not say
GONE = 5.0  # seconds of silence after which a view is taken for closed; a living one speaks every second
LOST = 10.0  # seconds after which a picture that nobody has drawn is given up
_HIDDEN = 0.5  # seconds between pictures while all views lie in hidden tabs


class Display(Protocol):
    """Where pictures go."""

    @property
    def views(self) -> int:
        """How many pages show the picture."""

    @property
    def width(self) -> int | None:
        """How many pixels are enough for them, side by side; None if nobody knows."""

    def wait_for_room(self, timeout: float, wanted: int = 1) -> bool:
        """Whether so many pictures may be sent now; waits up to ``timeout`` seconds for it."""

    def show(self, jpeg: bytes, taken: float, panes: tuple[str, ...]) -> None:
        """Send a picture, with the time at which its frame was taken, and what stands side by side in it."""


class FlowControl:
    """Who watches, and what they have drawn. Told by the page in any thread, asked by the loop.

    A picture counts as shown when every view has drawn it, so the slowest one sets the pace. A view that says nothing
    for five seconds no longer counts; when it speaks again, it does.

    sent: how many pictures were sent. shown: how often one was shown. meter: from the taking of a frame to its picture
    being shown, and the news of it being back here.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._drawn: dict[str, int] = {}  # view -> the last picture that it has drawn
        self._heard: dict[str, float] = {}  # view -> when it last said something
        self._widths: dict[str, int] = {}
        self._hidden: dict[str, int] = {}
        self._rooms: dict[str, int] = {}  # how many it lets be under way
        self._under_way: dict[int, tuple[float, float]] = {}  # picture -> when its frame was taken, when it was sent
        self._last_sent = 0.0
        self.sent = 0
        self.shown = Rate()
        self.meter = RollingStopwatch()

    @property
    def views(self) -> int:
        """How many pages show the picture."""
        with self._changed:
            self._forget_the_silent()
            return len(self._heard)

    @property
    def in_flight(self) -> int:
        """How many pictures are under way."""
        return len(self._under_way)

    @property
    def width(self) -> int | None:
        """How many pixels the widest view can show side by side; None if no view has said."""
        return max(tuple(self._widths.values()), default=None)

    def wait_for_room(self, timeout: float, wanted: int = 1) -> bool:
        """Whether so many pictures may be sent: a page is there, and few enough are under way."""
        with self._changed:
            return self._changed.wait_for(lambda: self._has_room(wanted), timeout)

    def sending(self, taken: float) -> int:
        """A picture is being sent; gives it its number. taken: when its frame was, in seconds of ``perf_counter``."""
        with self._changed:
            self.sent += 1
            self._last_sent = time.perf_counter()
            self._under_way[self.sent] = (taken, self._last_sent)
            return self.sent

    def hear(self, view: str, drawn: int, width: int = 0, hidden: int = 0, room: int = 0) -> bool:
        """A view says that it is there and which picture it has drawn last, 0 for none. True if it is a new view.

        room: how many pictures it lets be under way; 0 takes IN_FLIGHT.
        """
        with self._changed:
            self._forget_the_silent()
            is_new = view not in self._heard
            # What was sent before it came is not its business.
            self._drawn[view] = max(drawn, self._drawn.get(view, self.sent))
            self._heard[view] = time.perf_counter()
            self._hidden[view], self._rooms[view] = hidden, room or IN_FLIGHT
            if width > 0:
                self._widths[view] = width
            self._settle()
            return is_new

    def leave(self, view: str) -> None:
        """A view was closed."""
        with self._changed:
            self._drop(view)
            self._settle()

    def _has_room(self, wanted: int) -> bool:
        self._forget_the_silent()
        self._give_up_the_lost()
        if not self._heard or len(self._under_way) + wanted > min(self._rooms.values()):
            return False
        hidden = all(self._hidden.values())
        return not hidden or time.perf_counter() - self._last_sent > _HIDDEN

    def _settle(self) -> None:
        """Pictures that every view has drawn are no longer under way."""
        done = min(self._drawn.values(), default=self.sent)
        for number in [number for number in self._under_way if number <= done]:
            taken, _ = self._under_way.pop(number)
            if self._drawn:
                self.shown.tick()
            if number == done:  # news of the others came late, with this one's
                self.meter.add("capture to shown", time.perf_counter() - taken)
        self._changed.notify_all()

    def _forget_the_silent(self) -> None:
        now = time.perf_counter()
        silent = [view for view, heard in self._heard.items() if now - heard > GONE]
        for view in silent:
            self._drop(view)
        if silent:
            self._settle()

    def _give_up_the_lost(self) -> None:
        """A message that got lost, as when the network was away, must not stop the picture for ever."""
        limit = time.perf_counter() - LOST
        for number in [number for number, (_, sent) in self._under_way.items() if sent < limit]:
            del self._under_way[number]

    def _drop(self, view: str) -> None:
        for table in (self._drawn, self._heard, self._widths, self._hidden, self._rooms):
            table.pop(view, None)
