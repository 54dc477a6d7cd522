"""Files and folders that get their name when they are complete: after an error there is the old one, or nothing."""

import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self


class AtomicFile:
    """A file that is written under a hidden name: ``with AtomicFile("a.txt") as file: file.part.write_text("…")``.

    The end of the ``with`` block gives it its name; an exception removes it.

    Parameters
    ----------
    path
        The final name. Its folder is made; an existing file is replaced by ``commit``.

    Attributes
    ----------
    path
        The final name.
    part
        The file to write to: in the same folder, with the same suffix, shared with no other process.

    Raises
    ------
    OSError
        At once, if the folder cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.part = self.path.with_name(f".{_short_stem(self.path)}.{uuid.uuid4().hex}.part{self.path.suffix}")
        with self.naming_errors():
            self._create()

    def commit(self) -> None:
        """Give the file its final name, in place of an older file."""
        with self.naming_errors():
            os.replace(self.part, self.path)

    def discard(self) -> None:
        """Remove the unfinished file. After ``commit`` this does nothing."""
        self.part.unlink(missing_ok=True)

    @contextmanager
    def naming_errors(self) -> Iterator[None]:
        """Let an OSError of the hidden file, such as a full disk, name the final file."""
        try:
            yield
        except OSError as error:
            if error.filename not in (None, str(self.part), self.part):
                raise
            raise OSError(error.errno, error.strerror or str(error), str(self.path)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with self.naming_errors():
                if error is not None:
                    raise error
            self.commit()
        except BaseException:
            with suppress(OSError):
                self.discard()
            raise

    def _create(self) -> None:
        self.part.touch(exist_ok=False)


class AtomicFolder(AtomicFile):
    """A folder that gets its name when it is complete; ``commit`` replaces an older folder."""

    def commit(self) -> None:
        """Give the folder its final name, and remove an older one."""
        older = self.part.with_name(f"{self.part.name}.older")
        with self.naming_errors():
            if self.path.exists():
                os.replace(self.path, older)
            os.replace(self.part, self.path)
        shutil.rmtree(older, ignore_errors=True)

    def discard(self) -> None:
        """Remove the unfinished folder. After ``commit`` this does nothing."""
        shutil.rmtree(self.part, ignore_errors=True)

    def _create(self) -> None:
        self.part.mkdir()


def remove_leftovers(path: Path) -> None:
    """Remove what killed processes have left of a file or folder, under its hidden names."""
    stem, suffix = re.escape(_short_stem(path)), re.escape(path.suffix)
    name = re.compile(rf"\.{stem}\.[0-9a-f]{{32}}\.part{suffix}(\.older)?")
    for leftover in path.parent.iterdir() if path.parent.is_dir() else ():
        if name.fullmatch(leftover.name):
            shutil.rmtree(leftover, ignore_errors=True)
            leftover.unlink(missing_ok=True)


def _short_stem(path: Path) -> str:
    """At most 100 bytes of the name, since file systems allow 255: a character may have four."""
    return os.fsencode(path.stem)[:100].decode(errors="ignore")
