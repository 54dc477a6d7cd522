"""What a video holds besides its pictures, on its way into the new file: audio, subtitles, titles, chapters."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import av
from av.container import InputContainer, OutputContainer

from seglib.capture.container import open_container
from seglib.errors import SourceError
from seglib.video.audio import CopiedTrack, EncodedTrack, Handling, Packet, Track, audio_track, is_usable
from seglib.video.metadata import copy_metadata, names_of_streams
from seglib.video.subtitles import SubtitleTrack, is_text

T = TypeVar("T")


class OtherStreams:
    """The audio and subtitle streams of a file, on their way into a new one, and its titles and chapters.

    The file is opened a second time, so that these streams and the pictures need not wait for each other.

    Parameters
    ----------
    path
        The file.
    start
        Seconds to subtract from all times.
    keep_broken
        Let damaged audio end where it breaks, instead of raising SourceError.

    Attributes
    ----------
    audio : str
        "copied"; "re-encoded" if that is necessary for one of the streams; or "none" if there are none.
    left_out : list of str
        What the new file does not hold, in words.
    """

    def __init__(self, path: Path, start: Fraction, keep_broken: bool = False) -> None:
        self.path = path
        self.audio: Handling = "none"
        self.left_out: list[str] = []
        self._start, self._keep_broken = start, keep_broken
        self._source: InputContainer | None = None
        self._packets: Iterator[Any] = iter(())
        self._tracks: dict[int, Track] = {}
        self._next: Packet | None = None

    def add_to(self, output: OutputContainer) -> None:
        """Add streams, titles and chapters to a container, before its first packet."""
        self._source = source = open_container(self.path)
        for stream in source.streams:
            if isinstance(stream, av.AudioStream) and is_usable(stream):
                self._tracks[stream.index] = audio_track(stream, output, self._start)
            elif is_text(stream):
                self._tracks[stream.index] = SubtitleTrack(stream, output, self._start)
        kinds = [type(track) for track in self._tracks.values()]
        self.audio = "re-encoded" if EncodedTrack in kinds else "copied" if CopiedTrack in kinds else "none"
        self.left_out = [*names_of_streams(source, set(self._tracks)), *copy_metadata(source, output)]
        if self._tracks:
            self._packets = source.demux([source.streams[index] for index in self._tracks])
        self._advance()

    def write_until(self, time: Fraction | None) -> None:
        """Write what is heard or read before a time of the new file, in seconds; None means everything that is left."""
        while self._next is not None:
            track = self._tracks[self._next.stream_index]
            if time is not None and track.time(self._next) >= time:
                return
            track.write(self._guard(track.decode, self._next, default=[]))
            self._advance()

    def finish(self) -> None:
        """Write what the encoders still hold."""
        for track in self._tracks.values():
            track.finish()
            self.left_out += track.left_out

    def close(self) -> None:
        """Close the source file."""
        self._tracks.clear()
        if self._source is not None:
            self._source.close()

    def _advance(self) -> None:
        self._next = None
        self._next = self._guard(next, (packet for packet in self._packets if packet.size > 0), None, default=None)

    def _guard(self, function: Callable[..., T], *arguments: object, default: T) -> T:
        """Call what reads from the source; its errors are the source's, and not those of the new file."""
        try:
            return function(*arguments)
        except av.FFmpegError as error:
            if not self._keep_broken:
                what = "subtitles are" if self.audio == "none" else "audio is"
                raise SourceError(f"{self.path}: its {what} damaged ({error.strerror or error})") from error
            self._packets = iter(())
            return default
