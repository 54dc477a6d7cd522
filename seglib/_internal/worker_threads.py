"""Several things at a time: the steps of many frames, and one thread that works behind the caller.

Both end with their ``with`` block, whatever happened in it, and what goes wrong in them is raised in the caller.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from queue import Queue
from threading import Condition, Thread
from typing import Any, Self

from seglib._internal.cpu_cores import all_cores

_END: Any = object()


@dataclass(frozen=True)
class Together:
    """A step of a :class:`Line` that is quicker with several items at once: a list of items in, of results out.

    size: how many it gets; fewer when the items end.
    """

    function: Callable[[list[Any]], Iterable[Any]]
    size: int


class Line:
    """Take every item through the same steps, several items at a time: ``with Line(frames, predict, clean) as line:``.

    ``for result in line`` gives ``clean(predict(frame))`` of every frame, in order. Each step gets the items in order,
    one at a time, so it may remember the last one, but not always in the same thread. What a step raises, an
    interrupt too, is raised when its turn comes, after the results before it; that step gets no more items.

    As many threads as there are cores do the steps, among them the caller while it waits. Whoever is free does what
    takes longest of all that can be done, since no more results come than the longest step gives: it shall not wait. A
    thread for each step would be simpler, but where steps outnumber cores their threads push each other off, which
    takes a tenth of the time.

    items: what to iterate over. steps: functions of one item, or several Together.
    room: how many results of a step may wait for the next; as many as that takes together, if those are more.
    """

    def __init__(self, items: Iterable[Any], *steps: Callable[[Any], Any] | Together, room: int = 2) -> None:
        source = iter(items)
        self._steps = tuple(_as_together(step) for step in (lambda _: next(source, _END), *steps))
        sizes = [step.size for step in self._steps]
        self._room = [max(room, after) + own - 1 for own, after in zip(sizes, [*sizes[1:], 1], strict=True)]
        self._waiting = [deque[_Result]() for _ in self._steps]  # results of each step that wait for the next
        self._busy = [False] * len(self._steps)
        self._seconds = [0.0] * len(self._steps)  # how long an item took in each step, on the average of late
        self._over = [False] * len(self._steps)  # which steps have seen the last item, or failed
        self._stop = False  # the block has ended
        self._changed = Condition()
        helpers = min(all_cores() - 1, len(self._steps))
        self._threads = [Thread(target=self._help, name="seglib line", daemon=True) for _ in range(helpers)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        with self._changed:
            self._stop = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._waiting.clear()  # an error's traceback refers to this object: do not keep the frames of a film alive

    def __iter__(self) -> Iterator[Any]:
        while True:
            with self._changed:
                task = None
                while not self._waiting[-1] and (task := self._take()) is None:
                    self._changed.wait()
                if task is None:
                    result = self._waiting[-1].popleft()
                    self._changed.notify_all()  # there is room for one more
            if task is not None:
                self._do(*task)
                continue
            if result.error is not None:
                raise result.error
            if result.value is _END:
                return
            yield result.value

    def _help(self) -> None:
        while True:
            with self._changed:
                task = None
                while not self._stop and (task := self._take()) is None:
                    self._changed.wait()
            if task is None:
                return
            self._do(*task)

    def _take(self) -> "tuple[int, list[_Result]] | None":
        """What is to be done now: which step, and with what. From now on nobody else does that step."""
        for step in sorted(range(len(self._steps)), key=lambda step: (self._seconds[step], step), reverse=True):
            if self._busy[step] or self._over[step] or len(self._waiting[step]) >= self._room[step]:
                continue
            if inputs := self._inputs(step):
                self._busy[step] = True
                return step, inputs
        return None

    def _inputs(self, step: int) -> "list[_Result]":
        """As many results of the step before as this one takes, or all that are left; none as long as too few wait."""
        if step == 0:
            return [_Result()]
        before, size = self._waiting[step - 1], self._steps[step].size
        if len(before) < size and not self._over[step - 1]:
            return []
        return [before.popleft() for _ in range(min(size, len(before)))]

    def _do(self, step: int, inputs: "list[_Result]") -> None:
        # What comes last passes through the other steps, behind all that is on its way.
        last = [result for result in inputs if result.is_last]
        values, begun = [result.value for result in inputs if not result.is_last], time.perf_counter()
        try:
            results = [_Result(value) for value in self._steps[step].function(values)] if values else []
        except BaseException as error:
            results, last = [], [_Result(error=error)]
        spent = time.perf_counter() - begun
        with self._changed:
            self._waiting[step] += results + last
            self._seconds[step] += 0.1 * (spent / len(inputs) - self._seconds[step])
            self._busy[step] = False
            self._over[step] = bool(last) or any(result.is_last for result in results)
            self._changed.notify_all()


def _as_together(step: Callable[[Any], Any] | Together) -> Together:
    return step if isinstance(step, Together) else Together(lambda items: [step(item) for item in items], 1)


@dataclass
class _Result:
    """What a step gave, or what it raised."""

    value: Any = None
    error: BaseException | None = None

    @property
    def is_last(self) -> bool:
        """Whether nothing follows."""
        return self.error is not None or self.value is _END


class Behind:
    """Have things done in another thread, in order: ``with Behind(size) as writer: writer.put(write, frame)``.

    size: how many things may wait. At the end of the block everything has been done; after an exception, what was
    waiting is dropped.
    """

    def __init__(self, size: int) -> None:
        self._queue: Queue[Any] = Queue(size)
        self._error: BaseException | None = None
        self._stop = False
        self._thread = Thread(target=self._run, name="seglib writes behind", daemon=True)

    def put(self, function: Callable[..., object], *arguments: object) -> None:
        """Hand over one thing to do, and wait if too many are waiting. Raises what an earlier one raised."""
        if self._error is not None:
            raise self._error
        self._queue.put((function, arguments))

    def finish(self) -> None:
        """Wait until everything is done. Raises what one of the things raised."""
        self._queue.put(_END)
        self._thread.join()
        if self._error is not None:
            raise self._error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        self._stop = kind is not None
        try:
            self.finish()
        except BaseException:
            if kind is None:  # else the error that is on its way already is the one to tell
                raise
        finally:
            self._error = None

    def _run(self) -> None:
        while (item := self._queue.get()) is not _END:
            if self._stop or self._error is not None:
                continue  # keep emptying the queue, so that nobody waits for ever to put something
            function, arguments = item
            try:
                function(*arguments)
            except BaseException as error:
                self._error = error
