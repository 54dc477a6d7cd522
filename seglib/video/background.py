"""A video behind the person, played in a loop or held on its last frame."""

from collections.abc import Generator
from fractions import Fraction
from math import inf
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from seglib.arrays import Frame, Mask, check_frame, check_mask
from seglib.composite import blend_checked
from seglib.errors import SourceError
from seglib.images import existing_file, is_image
from seglib.substitute import Fit, fit_image
from seglib.video.reader import VideoReader

End: TypeAlias = Literal["loop", "hold"]

_TOLERANCE = 0.002  # seconds; some files store times in whole milliseconds, and an uneven pace would be seen


class ReplaceWithVideo:
    """A video as the new background, as an effect: ``ReplaceWithVideo("waves.mp4")(frame, mask) -> output``.

    Parameters
    ----------
    path
        A video file; its audio is ignored.
    end
        What follows its last frame: "loop" plays it again, "hold" keeps showing that frame.
    fit
        How it is brought to the frame's size: "cover", "contain" or "stretch", see :func:`fit_image`.

    Raises
    ------
    SourceError
        At once, if the file is no video or damaged; while it plays, if it breaks off later.
    ValueError
        For an unknown ``end`` or ``fit``.

    Notes
    -----
    The effect is called as ``effect(frame, mask, time)``, with the time of the frame in seconds, so that the background
    plays at its own speed whatever the two frame rates are. A time that goes back plays it from the start. Without a
    time, every frame gets the background's next one. One effect serves one video at a time. It can be pickled; the copy
    plays from the start.

    Examples
    --------
    >>> effect = seglib.video.ReplaceWithVideo(seglib.sample_clip())
    >>> effect(frame, mask, time=0.5).shape
    (480, 640, 3)
    >>> effect.close()
    """

    takes_time = True  # asked by Pipeline

    def __init__(self, path: str | Path, end: End = "loop", fit: Fit = "cover") -> None:
        if end not in get_args(End):
            raise ValueError(f"end is {end!r}, but must be one of {', '.join(get_args(End))}")
        self.path, self.end, self.fit = existing_file(path).absolute(), end, fit
        if is_image(self.path):
            raise SourceError(f'{self.path} is a picture, not a video; Replace("{path}") puts it behind the person')
        self._player: _Player | None = None
        self._shown = self._fitted = np.empty((0, 0, 3), np.uint8)  # a frame of the background, and in the frame's size
        with VideoReader(self.path) as video:
            fit_image(next(iter(video)).frame, (1, 1), fit)  # raises for a wrong fit

    def __call__(self, frame: Frame, mask: Mask, time: float | None = None) -> Frame:
        frame = check_frame(frame)
        mask = check_mask(mask, frame)
        try:
            background = self._play(time)
        except BaseException:
            self.close()
            raise
        if background is not self._shown or self._fitted.shape != frame.shape:
            self._shown, self._fitted = background, fit_image(background, frame.shape, self.fit)
        return blend_checked(frame, mask, self._fitted)

    def close(self) -> None:
        """Close the file. The next frame plays it from the start."""
        if self._player is not None:
            self._player.close()
        self._player = None

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "end": self.end, "fit": self.fit}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _player=None)
        self._shown = self._fitted = np.empty((0, 0, 3), np.uint8)

    def _play(self, time: float | None) -> Frame:
        """The background's frame at a time, or its next one."""
        if self._player is not None and time is not None and time < self._player.time:
            self.close()
        if self._player is None:
            self._player = _Player(self.path, self.end)
        return self._player.next_frame() if time is None else self._player.frame_at(time)


class _Player:
    """Plays a video file; the file is open only while it plays."""

    def __init__(self, path: Path, end: End) -> None:
        self._frames = _endless(path, end)
        self._frame: Frame | None = None
        self._following, self._begin = next(self._frames)  # the frame after it, and when that begins
        self.time = -inf

    def next_frame(self) -> Frame:
        frame = self._frame = self._following
        self._following, self._begin = next(self._frames)
        return frame

    def frame_at(self, time: float) -> Frame:
        """The last frame that has begun; times must not go back."""
        self.time = time
        frame = self.next_frame() if self._frame is None else self._frame
        while self._begin <= time + _TOLERANCE:
            frame = self.next_frame()
        return frame

    def close(self) -> None:
        self._frames.close()


def _endless(path: Path, end: End) -> Generator[tuple[Frame, float], None, None]:
    """The frames of a video and the seconds at which each begins, without an end."""
    start = 0.0
    while True:
        with VideoReader(path) as video:
            first: Fraction | None = None
            for timed in video:
                first = timed.time if first is None else first  # a video's clock need not start at 0
                yield timed.frame, start + float(timed.time - first)
            length = float(timed.time + timed.duration - (first or 0))
        while end == "hold" or timed.time == first:  # a loop of one frame would do nothing but open the file
            yield timed.frame, inf
        start += length
