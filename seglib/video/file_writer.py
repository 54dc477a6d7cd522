"""Frames with times, and a sound, into a file that plays everywhere."""

import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.video.reformatter import VideoReformatter

from seglib._internal.cpu_cores import half_of_the_cores
from seglib.arrays import Frame
from seglib.capture.pixel_format import from_rgb
from seglib.errors import SourceError
from seglib.video.audio import Handling, Sound
from seglib.video.reader import TimedFrame, VideoReader
from seglib.video.writer import told_as

# container and codec of each ending
ENDINGS = {".mp4": ("mp4", "h264"), ".m4v": ("mp4", "h264"), ".mov": ("mov", "h264"), ".webm": ("webm", "vp9")}
_QUALITY = {"h264": 20, "vp9": 32}
_WORST = {"h264": 51, "vp9": 63}


@dataclass(frozen=True)
class Recipe:
    """How to encode: the container, the codec, its quality, and whether with an alpha channel."""

    container: str
    codec: str
    crf: int
    transparent: bool = False

    @classmethod
    def choose(cls, path: Path, codec: str | None, crf: int | None, transparent: bool = False) -> "Recipe":
        """What the file's ending and the caller ask for. Raises ValueError if that does not go together."""
        if transparent and path.suffix.lower() != ".webm":
            raise ValueError(
                f"{path} cannot hold transparency; write to a .webm file (VP9 with alpha), "
                f"or to a folder of PNG pictures, a name without an ending: {path.with_suffix('')}"
            )
        if path.suffix.lower() not in ENDINGS:
            raise ValueError(
                f"{path} must end in one of {', '.join(ENDINGS)}: the ending decides what kind of file it is"
            )
        container, usual = ENDINGS[path.suffix.lower()]
        if codec not in (None, usual):
            raise ValueError(f"codec is {codec!r}, but {path.suffix} holds {usual}; h264 goes to .mp4, vp9 to .webm")
        crf = _QUALITY[usual] if crf is None else crf
        if not 0 <= crf <= _WORST[usual]:
            raise ValueError(f"crf is {crf}, but must lie in 0 to {_WORST[usual]} for {usual}")
        return cls(container, usual, crf, transparent)

    @property
    def encoder(self) -> str:
        """FFmpeg's name of the encoder."""
        return {"h264": "libx264", "vp9": "libvpx-vp9"}[self.codec]

    @property
    def encoder_options(self) -> dict[str, str]:
        """Fast enough to keep pace with the pictures; the quality is crf's."""
        if self.codec == "h264":
            # x264's superfast does without the look ahead that tells where bits are well spent. With a short one, a
            # film with a blurred background is as small and as good as with veryfast, and one without an eighth
            # larger, in three fifths of the time.
            options = {"preset": "superfast", "mbtree": "1", "rc-lookahead": "10", "threads": str(half_of_the_cores())}
            return {"crf": str(self.crf), **options}
        return {"crf": str(self.crf), "b": "0", "deadline": "realtime", "cpu-used": "7", "row-mt": "1"}


class Output:
    """A file that grows under another name, and gets its own when it is finished.

    path: where to. recipe: how to encode. film: the source, whose times, colours and sound are kept.
    keep_broken: let a damaged sound end where it breaks, instead of raising SourceError.
    Raises OSError at once if the folder cannot be written.
    """

    audio: Handling = "none"

    def __init__(self, path: Path, recipe: Recipe, film: VideoReader, keep_broken: bool = False) -> None:
        self.path = path
        self._recipe, self._film, self._keep_broken = recipe, film, keep_broken
        path.parent.mkdir(parents=True, exist_ok=True)
        self._part = path.with_name(f".{path.stem[:100]}.{uuid.uuid4().hex}.part{path.suffix}")
        self._part.touch()
        self._container: Any = None
        self._converter = VideoReformatter()
        self._sound: Sound | None = None
        self._done = False
        self._delay: int | None = None  # from coding to showing, in ticks
        self.frames, self.seconds = 0, Fraction(0)  # written, and when the last frame ends

    def write(self, shot: TimedFrame) -> None:
        """Append a frame, and the sound up to it."""
        if self._container is None:
            self._open(shot)
        assert self._sound is not None
        height, width = _even(shot.frame)
        picture = from_rgb(shot.frame[:height, :width], self._film.coding, self._converter)
        picture.pts, picture.duration = shot.time, shot.duration
        picture.time_base = self._film.time_base
        with told_as(self.path), _blaming_the_sound(self._film):
            self._sound.play_until(shot.time * self._film.time_base)
            self._mux(self._stream.encode(picture))
        self.frames += 1
        self.seconds = (shot.time + shot.duration) * self._film.time_base

    def finish(self, complete: bool) -> None:
        """End the file and give it its name; a second call does nothing.

        complete: all the rest of the sound comes along, not only what is heard up to here.
        """
        if self._done:
            return
        self._done = True
        if self._container is None or self._sound is None:
            return self.discard()
        with told_as(self.path), _blaming_the_sound(self._film):
            self._mux(self._stream.encode(), last=True)
            self._sound.play_until(None if complete else self.seconds)
            self._sound.finish()
            self._container.close()
        self._sound.close()
        os.replace(self._part, self.path)

    def discard(self) -> None:
        """Stop and leave nothing; an older file of that name stays as it was."""
        if self._sound is not None:
            self._sound.close()
        if self._container is not None:
            with suppress(av.FFmpegError):  # on a full disk closing fails, too
                self._container.close()
        self._part.unlink(missing_ok=True)

    def _mux(self, packets: Sequence[Any], last: bool = False) -> None:
        if packets and self._delay is None:
            self._delay = packets[0].pts - packets[0].dts
        if packets and last:
            # The frame that is shown last is often coded before others, but the last one coded ends the film.
            end = round(self.seconds / self._film.time_base)
            packets[-1].duration = max(1, end - packets[-1].dts - self._delay)
        self._container.mux(packets)

    def _open(self, shot: TimedFrame) -> None:
        options = {} if self._recipe.container == "webm" else {"movflags": "+faststart"}
        self._container = av.open(str(self._part), "w", format=self._recipe.container, options=options)
        self._stream: Any = self._container.add_stream(
            self._recipe.encoder, rate=self._film.rate, options=self._recipe.encoder_options
        )
        self._stream.height, self._stream.width = _even(shot.frame)
        self._stream.pix_fmt = "yuva420p" if self._recipe.transparent else "yuv420p"
        context = self._stream.codec_context
        context.time_base = self._film.time_base
        context.flags |= 1 << 8  # AV_CODEC_FLAG_FRAME_DURATION: the last frame may stand for long
        context.sample_aspect_ratio = self._film.pixel_shape
        self._film.coding.mark(context)
        self._sound = Sound(self._film.path, self._container, self._film.start, self._keep_broken)
        self.audio = self._sound.handling


def _even(frame: Frame) -> tuple[int, int]:
    """Height and width for H.264, whose colour needs pairs of pixels. Raises ValueError if nothing is left."""
    height, width = frame.shape[0] // 2 * 2, frame.shape[1] // 2 * 2
    if min(height, width) < 2:
        raise ValueError(f"frame is {frame.shape}, but a video needs at least 2 × 2 pixels")
    return height, width


@contextmanager
def _blaming_the_sound(film: VideoReader) -> Iterator[None]:
    """The pictures are made here and are sound; invalid data in the new file come from a packet that was copied."""
    try:
        yield
    except (av.InvalidDataError, av.ArgumentError) as error:
        raise SourceError(f"{film.path}: its sound is damaged and cannot be copied ({error.strerror})") from error
