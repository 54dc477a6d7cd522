"""Record outputs as an H.264 file, each at the time at which its frame was captured."""

from collections.abc import Callable
from pathlib import Path
from queue import Full, Queue
from threading import Thread

from seglib.arrays import Frame
from seglib.video.writer import Encoding, VideoWriter

_QUEUE_SIZE = 8  # frames that may wait for the encoder; more are dropped, so that the live picture goes on
_FPS = 30.0  # only a hint for the encoder: every frame has its own time


class Recorder:
    """Write a video in a thread of its own, which ends after :meth:`finish`.

    Parameters
    ----------
    path
        The file. It gets its name when it is finished.
    on_done
        Called in the thread with the recorder when the file is finished, or writing has failed.

    Attributes
    ----------
    frames : int
        How many were written.
    dropped : int
        How many were not, since the encoder was too slow.
    seconds : float
        From the first frame to the last.
    error : BaseException or None
        What went wrong while writing.

    Raises
    ------
    OSError
        If the path cannot be written.
    """

    def __init__(self, path: Path, on_done: "Callable[[Recorder], object]" = lambda recorder: None) -> None:
        self.path, self._on_done = path, on_done
        self.frames = self.dropped = 0
        self.seconds = 0.0
        self.error: BaseException | None = None
        self._writer = VideoWriter(path, _FPS, Encoding(preset="veryfast"))
        self._queue: Queue[tuple[Frame, float] | None] = Queue(_QUEUE_SIZE)
        self._first: float | None = None  # time of the first frame
        self._shape: tuple[int, ...] | None = None
        self._thread = Thread(target=self._run, name="seglib record", daemon=True)
        self._thread.start()

    def write(self, output: Frame, time: float) -> bool:
        """Append an output whose frame was captured at ``time``, in seconds of any clock.

        False if it cannot be appended: it has another size, as after a change of the camera, or writing has failed.
        """
        if self.error is not None or self._shape not in (None, output.shape):
            return False
        self._shape = output.shape
        self._first = time if self._first is None else self._first
        try:
            self._queue.put_nowait((output, time - self._first))
        except Full:
            self.dropped += 1
        return True

    def finish(self) -> None:
        """No more frames: write those that wait and finish the file, without waiting for that."""
        self._queue.put(None)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the file is finished; False if it is not in time."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while (item := self._queue.get()) is not None:
                if self.error is None:  # after an error, only empty the queue, so that finish() does not block
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
        except BaseException as error:  # for instance a full disk
            self.error = error
