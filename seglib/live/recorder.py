"""Recording: outputs to an H.264 file, each at the time at which its frame was taken."""

from collections.abc import Callable
from pathlib import Path
from queue import Full, Queue
from threading import Thread

from seglib.arrays import Frame
from seglib.video.writer import VideoWriter

_WAITING = 8  # frames that may wait for the encoder; more are left out, so that the picture on the screen goes on
_FPS = 30.0  # only a hint to the encoder: every frame has its own time


class Recorder:
    """Writes in a thread of its own, which ends after :meth:`finish`.

    path: the file; it gets its name when it is finished. on_done: called in the thread when it is, with the recorder.
    frames: written so far. dropped: those for which the encoder was too slow. seconds: from the first to the last.
    error: what went wrong while writing, or None. Raises OSError at once if the path cannot be written.
    """

    def __init__(self, path: Path, on_done: "Callable[[Recorder], None]" = lambda recorder: None) -> None:
        self.path, self._on_done = path, on_done
        self.frames = self.dropped = 0
        self.seconds = 0.0
        self.error: BaseException | None = None
        self._writer = VideoWriter(path, _FPS)
        self._queue: Queue[tuple[Frame, float] | None] = Queue(_WAITING)
        self._began: float | None = None
        self._shape: tuple[int, ...] | None = None
        self._thread = Thread(target=self._run, name="seglib records", daemon=True)
        self._thread.start()

    def write(self, output: Frame, time: float) -> bool:
        """Append an output whose frame was taken at ``time``, in seconds of any clock.

        False if it does not fit this film: another camera gives another size, and writing may have failed.
        """
        if self.error is not None or self._shape not in (None, output.shape):
            return False
        self._shape = output.shape
        self._began = time if self._began is None else self._began
        try:
            self._queue.put_nowait((output, time - self._began))
        except Full:
            self.dropped += 1
        return True

    def finish(self) -> None:
        """No more frames: what is waiting will be written and the file finished, beside whatever comes next."""
        self._queue.put(None)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the file is finished; False if it is not in time."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while (item := self._queue.get()) is not None:
                if self.error is None:  # after one, only empty the queue, so that nobody waits for ever
                    self._write(*item)
            if self.error is None:
                self._writer.close()
        except BaseException as error:
            self.error = error
        finally:
            self._writer.discard()  # after close, this does nothing
            self._on_done(self)

    def _write(self, output: Frame, seconds: float) -> None:
        try:
            self._writer.write(output, seconds)
            self.frames, self.seconds = self.frames + 1, seconds
        except BaseException as error:  # a full disk
            self.error = error
