"""Two threads with a short queue: one that works ahead of the caller, one that works behind.

Both end with their ``with`` block, whatever happened in it, and what goes wrong in them is raised in the caller.
"""

from collections.abc import Callable, Iterable, Iterator
from queue import Empty, Queue
from threading import Thread
from typing import Any, Generic, Self, TypeVar

Item = TypeVar("Item")
_END: Any = object()


class Ahead(Generic[Item]):
    """Iterate in another thread: ``with Ahead(items, size) as items: for item in items: …``.

    items: what to iterate over; only the other thread touches it until the block ends.
    size: how many items may wait for the caller.
    """

    def __init__(self, items: Iterable[Item], size: int) -> None:
        self._items = items
        self._queue: Queue[Item] = Queue(size)
        self._error: BaseException | None = None
        self._stop = False
        self._thread = Thread(target=self._run, name="seglib reads ahead", daemon=True)

    def __iter__(self) -> Iterator[Item]:
        while (item := self._queue.get()) is not _END:
            yield item
        if self._error is not None:
            raise self._error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop = True
        try:
            while True:  # make room, so that a thread that waits to put something can go on and see the word
                self._queue.get_nowait()
        except Empty:
            self._thread.join()
            self._error = None  # its traceback refers to this object: do not keep the frames of the film alive

    def _run(self) -> None:
        try:
            for item in self._items:
                if self._stop:
                    return
                self._queue.put(item)
        except BaseException as error:
            self._error = error
        if not self._stop:
            self._queue.put(_END)


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
