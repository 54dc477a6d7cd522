"""Frames to a folder of numbered PNG images, which every video editor imports as a clip with transparency."""

import os
import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

from seglib._internal.atomic_files import AtomicFolder
from seglib.arrays import Frame
from seglib.images import write_image
from seglib.video.audio import Handling

_NUMBERED = re.compile(r"\d{6,}\.png")


class ImageSequenceWriter:
    """Write frames to 000001.png, 000002.png, …, with the methods of :class:`VideoWriter`.

    Parameters
    ----------
    path
        The folder. It gets its name when it is finished; an older folder of such images is replaced.
    left_out
        What the source holds besides its pictures, in words.

    Raises
    ------
    FileExistsError
        If the folder holds anything else.
    OSError
        At once, if the folder cannot be made.
    """

    audio: Handling = "none"

    def __init__(self, path: Path, left_out: Sequence[str] = ()) -> None:
        check_folder(path, overwrite=True)
        self.path, self.left_out = path, left_out
        self.size = 0, 0
        self._folder = AtomicFolder(path)
        self._closed = False
        self.frames, self.seconds = 0, Fraction(0)

    def write(self, frame: Frame, time: Fraction, duration: Fraction) -> None:
        """Add an image, (H, W, 3) RGB or (H, W, 4) RGBA."""
        try:
            write_image(self._folder.part / f"{self.frames + 1:06}.png", frame)
        except OSError as error:  # a full disk
            raise OSError(error.errno, error.strerror, str(self.path)) from error
        self.size = frame.shape[1], frame.shape[0]
        self.frames += 1
        self.seconds = time + duration

    def close(self, *, cut_audio: bool = False) -> None:
        """Give the folder its name; without an image, leave nothing. A second call does nothing."""
        if self._closed:
            return
        if not self.frames:
            return self.discard()
        check_folder(self.path, overwrite=True)  # somebody may have put something there since
        self._folder.commit()
        self._closed = True

    def discard(self) -> None:
        """Stop and leave nothing; an older folder of that name stays as it was. After ``close`` this does nothing."""
        if not self._closed:
            self._closed = True
            self._folder.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.close()
        finally:
            self.discard()


def holds_images(path: Path) -> bool:
    """Whether a folder holds such images and nothing else."""
    return path.is_dir() and bool(names := os.listdir(path)) and all(map(_NUMBERED.fullmatch, names))


def check_folder(path: Path, overwrite: bool) -> None:
    """Raise FileExistsError unless the folder is new or empty, or holds only such images, which may be replaced."""
    if not path.exists():
        return
    if not path.is_dir():
        raise FileExistsError(f"{path} is a file, not a folder for PNG images")
    names = sorted(os.listdir(path))
    others = [name for name in names if not _NUMBERED.fullmatch(name)]
    if others:
        raise FileExistsError(f"{path} holds {others[0]}, which is not a numbered image; choose another folder")
    if names and not overwrite:
        raise FileExistsError(f"{path} holds {len(names)} images; overwrite=True replaces them")
