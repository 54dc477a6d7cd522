"""Deinterlace the pictures of camcorders and television.

An interlaced picture holds two fields: its even rows are of one moment, its odd rows of the next. What moves looks like
a comb, and a mask cannot follow it.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import av
from av.filter import Graph

from seglib.errors import SourceError

Pair = tuple[av.VideoFrame, av.VideoFrame]


def deinterlaced(pictures: Iterable[av.VideoFrame]) -> Iterator[Pair]:
    """Each picture deinterlaced, and as it was decoded, which has its time and side data.

    Progressive pictures pass unchanged. In the others, FFmpeg's filter bwdif interpolates the rows of one field where
    something moves. When the pictures end in a SourceError, all pictures before it still come.
    """
    bwdif: _Bwdif | None = None
    try:
        for picture in pictures:
            if bwdif is not None and not bwdif.fits(picture):
                yield from bwdif.flush()
                bwdif = None
            if bwdif is None and not picture.interlaced_frame:
                yield picture, picture
                continue
            bwdif = bwdif or _Bwdif(picture)
            yield from bwdif(picture)
    except SourceError:
        if bwdif is not None:
            yield from bwdif.flush()
        raise
    if bwdif is not None:
        yield from bwdif.flush()


class _Bwdif:
    """The filter for pictures of one size and format. It gives as many pictures as it takes, one picture late."""

    def __init__(self, first: av.VideoFrame) -> None:
        self._kind = _kind(first)
        self._graph = Graph()
        source = self._graph.add_buffer(
            width=first.width, height=first.height, format=first.format, time_base=first.time_base
        )
        nodes = [source, self._graph.add("bwdif", "mode=send_frame:deint=interlaced"), self._graph.add("buffersink")]
        self._graph.link_nodes(*nodes).configure()
        self._waiting: deque[av.VideoFrame] = deque()  # decoded, and not yet filtered

    def fits(self, picture: av.VideoFrame) -> bool:
        return _kind(picture) == self._kind

    def __call__(self, picture: av.VideoFrame) -> Iterator[Pair]:
        self._waiting.append(picture)
        self._graph.push(picture)
        return self._filtered()

    def flush(self) -> Iterator[Pair]:
        """The pictures that are still in the filter."""
        self._graph.push(None)
        return self._filtered()

    def _filtered(self) -> Iterator[Pair]:
        while self._waiting:
            try:
                filtered: Any = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            decoded = self._waiting.popleft()
            for name in ("colorspace", "color_range", "color_primaries", "color_trc"):  # the filter loses some
                setattr(filtered, name, int(getattr(decoded, name)))
            yield filtered, decoded


def _kind(picture: av.VideoFrame) -> tuple[int, int, str]:
    return picture.width, picture.height, picture.format.name
