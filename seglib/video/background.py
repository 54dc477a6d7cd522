"""A moving background: another video behind the person, played in a loop or held on its last frame."""

from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from seglib.arrays import Frame, Mask, check_frame, check_mask
from seglib.composite import blend_checked
from seglib.errors import SourceError
from seglib.images import existing_file, is_image
from seglib.substitute import Fit, fit_image
from seglib.video.reader import VideoReader

End: TypeAlias = Literal["loop", "hold"]

_ROUNDING = 0.002  # seconds; some files tell the time in whole milliseconds, and steps in it would be seen


class ReplaceWithVideo:
    """A video as the new background, as an effect: ``ReplaceWithVideo("waves.mp4")(frame, mask) -> output``.

    path: a video file; its sound is not heard.
    end: what follows its last frame: "loop" plays it again, "hold" keeps showing that frame.
    fit: how it is brought to the frame's size, see :func:`fit_image`.
    shown_at: when the next frame is shown, in seconds; :func:`process_video` says so before every frame, so that
        the background moves at its own speed whatever the two frame rates are. A time that goes back plays it anew.
        Where nobody says, it stays None and every frame gets the background's next one.

    The first frame is read here, so a missing file, a picture, damage or HDR raises SourceError before the work
    starts; a file that breaks off later raises it there. Can be pickled; the copy plays from the start.
    """

    shown_at: float | None = None
    _reel: Any  # the generator of _play, which holds the file
    _shown: Frame | None  # the background's frame for now
    _fitted: Frame | None  # the same, for the last frame size
    _next: tuple[Frame, float]  # the one after it, and when it begins

    def __init__(self, path: str | Path, end: End = "loop", fit: Fit = "cover") -> None:
        if end not in get_args(End):
            raise ValueError(f"end is {end!r}, but must be one of {', '.join(get_args(End))}")
        self.path, self.end, self.fit = existing_file(path).absolute(), end, fit
        if is_image(self.path):
            raise SourceError(f'{self.path} is a picture, not a video; Replace("{path}") puts it behind the person')
        self._rewind()
        with VideoReader(self.path) as film:
            fit_image(next(iter(film)).frame, (1, 1), fit)  # a wrong fit is told, too

    def __call__(self, frame: Frame, mask: Mask) -> Frame:
        frame = check_frame(frame)
        mask = check_mask(mask, frame)
        try:
            self._advance()
        except BaseException:
            self.close()
            raise
        assert self._shown is not None
        if self._fitted is None or self._fitted.shape != frame.shape:
            self._fitted = fit_image(self._shown, frame.shape, self.fit)
        return blend_checked(frame, mask, self._fitted)

    def close(self) -> None:
        """Let go of the file. The next frame plays it from its start."""
        if self._reel is not None:
            self._reel.close()
        self._rewind()

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "end": self.end, "fit": self.fit}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._rewind()

    def _rewind(self) -> None:
        self._reel = self._shown = self._fitted = None
        self._last = -inf  # what shown_at was before

    def _advance(self) -> None:
        """Go on to the background's frame for now: the last one that has begun, or the next one if nobody says when."""
        if self.shown_at is not None and self.shown_at < self._last:
            self.close()
        if self._reel is None:
            self._reel = _play(self.path, self.end)
            self._next = next(self._reel)
        while self._shown is None or self.shown_at is None or self._next[1] <= self.shown_at + _ROUNDING:
            self._shown, self._fitted = self._next[0], None
            self._next = next(self._reel)
            if self.shown_at is None:
                return
        self._last = self.shown_at


def _play(path: Path, end: End) -> Iterator[tuple[Frame, float]]:
    """A film's frames and the seconds at which each begins, without an end. The file is open while it plays only."""
    begin = 0.0
    while True:
        with VideoReader(path) as film:
            first: int | None = None
            for shot in film:
                first = shot.time if first is None else first  # its clock need not start at 0
                yield shot.frame, begin + float((shot.time - first) * film.time_base)
            length = float((shot.time + shot.duration - (first or 0)) * film.time_base)
        while end == "hold" or shot.time == first:  # a loop of one frame would do nothing but open the file
            yield shot.frame, inf
        begin += length
