"""Frames into a folder of numbered PNG pictures, which every editor takes as a film with transparency."""

import os
import re
import shutil
import uuid
from fractions import Fraction
from pathlib import Path

from seglib.images import write_image
from seglib.video.audio import Handling
from seglib.video.reader import TimedFrame, VideoReader
from seglib.video.writer import told_as

_OURS = re.compile(r"\d{6,}\.png")


class ImageSequenceWriter:
    """A folder that grows under another name, and gets its own when it is finished: 000001.png, 000002.png, …

    path: where to; an older folder of such pictures is replaced. film: the source, for its times.
    Raises FileExistsError if the folder holds anything else, OSError at once if it cannot be made.
    """

    audio: Handling = "none"

    def __init__(self, path: Path, film: VideoReader) -> None:
        check_folder(path, overwrite=True)
        self.path, self._film = path, film
        path.parent.mkdir(parents=True, exist_ok=True)
        self._part = path.with_name(f".{path.name[:100]}.{uuid.uuid4().hex}.part")
        self._part.mkdir()
        self._done = False
        self.frames, self.seconds = 0, Fraction(0)  # written, and when the last frame ends

    def write(self, shot: TimedFrame) -> None:
        """Add a picture."""
        with told_as(self.path):
            write_image(self._part / f"{self.frames + 1:06}.png", shot.frame)
        self.frames += 1
        self.seconds = (shot.time + shot.duration) * self._film.time_base

    def finish(self, complete: bool) -> None:
        """Give the folder its name; a second call does nothing. Without a picture, leave nothing."""
        if self._done:
            return
        self._done = True
        if not self.frames:
            return self.discard()
        older = self._part.with_suffix(".older.part")
        if self.path.exists():
            check_folder(self.path, overwrite=True)  # somebody may have put something there since
            os.replace(self.path, older)
        os.replace(self._part, self.path)
        shutil.rmtree(older, ignore_errors=True)

    def discard(self) -> None:
        """Stop and leave nothing; an older folder of that name stays as it was."""
        shutil.rmtree(self._part, ignore_errors=True)


def holds_pictures(path: Path) -> bool:
    """Whether a folder holds such pictures and nothing else."""
    return path.is_dir() and bool(names := os.listdir(path)) and all(map(_OURS.fullmatch, names))


def check_no_codec(path: Path, codec: str | None, crf: int | None) -> None:
    """Raise ValueError if a codec or a quality is asked for, since PNG has neither."""
    if codec is not None or crf is not None:
        raise ValueError(f"codec and crf are for video files, and {path} will be a folder of PNG pictures")


def check_folder(path: Path, overwrite: bool) -> None:
    """Raise FileExistsError unless the folder is new or empty, or holds such pictures alone and may be replaced."""
    if not path.exists():
        return
    if not path.is_dir():
        raise FileExistsError(f"{path} is a file, not a folder for PNG pictures")
    names = sorted(os.listdir(path))
    strange = [name for name in names if not _OURS.fullmatch(name)]
    if strange:
        raise FileExistsError(f"{path} holds {strange[0]}, which is no numbered picture; choose another folder")
    if names and not overwrite:
        raise FileExistsError(f"{path} holds {len(names)} pictures; overwrite=True replaces them")
