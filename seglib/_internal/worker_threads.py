"""Run an iterator in a thread of its own, a few items ahead of the loop that consumes it."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from queue import Empty, Queue
from threading import Event, Thread
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")


class Prefetch(Generic[T]):
    """Iterate in a thread of its own: ``with Prefetch(frames) as ahead: for frame in ahead: …``.

    The items come in order, once. What the iterator raises, an interrupt too, is raised after the items before it.
    The end of the ``with`` block ends the thread. Prefetches of generators that consume each other are a pipeline of
    stages that run at the same time.

    Parameters
    ----------
    items
        What to iterate over.
    size
        How many items may wait for the consumer, at least 1.
    """

    def __init__(self, items: Iterable[T], size: int = 2) -> None:
        self._items = items
        self._queue: Queue[Any] = Queue(size)
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="seglib prefetch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopped.set()
        self._empty()  # makes room: the thread may be waiting to put an item
        self._thread.join()
        self._empty()  # a traceback may refer to this object, and must not keep the frames of a video

    def __iter__(self) -> Iterator[T]:
        while not isinstance(item := self._queue.get(), _End):
            yield item
        if item.error is not None:
            raise item.error

    def _run(self) -> None:
        end = _End()
        try:
            for item in self._items:
                self._queue.put(item)
                if self._stopped.is_set():
                    return
        except BaseException as error:
            end = _End(error)
        if not self._stopped.is_set():
            self._queue.put(end)

    def _empty(self) -> None:
        with suppress(Empty):
            while True:
                self._queue.get_nowait()


class _End:
    """Follows the last item."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error
