"""What all sources of frames have in common: they are iterators and context managers, and close themselves."""

from types import TracebackType
from typing import Self

from seglib.arrays import Frame


class Source:
    """An iterator of frames that can be closed. Subclasses implement ``read`` and ``release``.

    Attributes
    ----------
    name : str
        What it is, for people.
    fps : float
        Frames per second, 0 if unknown.
    """

    name: str
    fps: float = 0.0
    _closed = False

    def read(self) -> Frame | None:
        """Return the next frame, (H, W, 3) uint8 RGB, or None at the end."""
        raise NotImplementedError

    def release(self) -> None:
        """Release the camera or file. Called once."""

    def close(self) -> None:
        """Release the camera or file; a second call does nothing."""
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
        except BaseException:  # a broken file, an unplugged camera, Ctrl-C
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
