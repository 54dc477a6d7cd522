"""What every source of frames has in common: it is an iterator and a context manager, and lets go at the end."""

from types import TracebackType
from typing import Self

from seglib.arrays import Frame


class Source:
    """An iterator of frames that can be closed. Subclasses say how to read the next frame and how to let go.

    name: what it is, for people. fps: frames per second, 0 if unknown.
    """

    name: str
    fps: float = 0.0
    _closed = False

    def read(self) -> Frame | None:
        """The next frame, or None at the end."""
        raise NotImplementedError

    def release(self) -> None:
        """Let go of the camera or file. Called once."""

    def close(self) -> None:
        """Let go of the camera or file; a second call does nothing."""
        if not self._closed:
            self._closed = True
            self.release()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Frame:
        if self._closed:
            raise StopIteration
        try:
            frame = self.read()
        except BaseException:  # a broken file, an unplugged camera, Ctrl-C: let go, then tell
            self.close()
            raise
        if frame is None:
            self.close()
            raise StopIteration
        return frame

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()
