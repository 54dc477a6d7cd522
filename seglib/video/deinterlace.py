"""Interlaced pictures, as camcorders and television make them, into whole ones.

Such a picture is two: its even rows are of one moment, its odd rows of the next. What moves looks like a comb, and a
mask cannot follow it.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import av
from av.filter import Graph

from seglib.errors import SourceError

Pair = tuple[av.VideoFrame, av.VideoFrame]


def deinterlaced(pictures: Iterable[av.VideoFrame]) -> Iterator[Pair]:
    """Each picture as it is to be seen, and as it was decoded, which knows its times.

    Pictures that are not marked as interlaced pass as they are. Of the others the even or odd rows are drawn anew where
    something moves, by FFmpeg's filter bwdif. When the pictures end in a SourceError, all before it still come.
    """
    comb: _Comb | None = None
    try:
        for picture in pictures:
            if comb is not None and not comb.fits(picture):
                yield from comb.rest()
                comb = None
            if comb is None and not picture.interlaced_frame:
                yield picture, picture
                continue
            comb = comb or _Comb(picture)
            yield from comb(picture)
    except SourceError:
        if comb is not None:
            yield from comb.rest()
        raise
    if comb is not None:
        yield from comb.rest()


class _Comb:
    """The filter for pictures of one size and format. It gives as many as it takes, one picture late."""

    def __init__(self, first: av.VideoFrame) -> None:
        self._kind = _kind(first)
        self._graph = Graph()
        source = self._graph.add_buffer(
            width=first.width, height=first.height, format=first.format, time_base=first.time_base
        )
        steps = [source, self._graph.add("bwdif", "mode=send_frame:deint=interlaced"), self._graph.add("buffersink")]
        self._graph.link_nodes(*steps).configure()
        self._decoded: deque[av.VideoFrame] = deque()

    def fits(self, picture: av.VideoFrame) -> bool:
        return _kind(picture) == self._kind

    def __call__(self, picture: av.VideoFrame) -> Iterator[Pair]:
        self._decoded.append(picture)
        self._graph.push(picture)
        return self._made()

    def rest(self) -> Iterator[Pair]:
        """What is still in the filter, once there is no more to come."""
        self._graph.push(None)
        return self._made()

    def _made(self) -> Iterator[Pair]:
        while self._decoded:
            try:
                made: Any = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            decoded = self._decoded.popleft()
            for name in ("colorspace", "color_range", "color_primaries", "color_trc"):
                setattr(made, name, int(getattr(decoded, name)))
            yield made, decoded


def _kind(picture: av.VideoFrame) -> tuple[int, int, str]:
    return picture.width, picture.height, picture.format.name
