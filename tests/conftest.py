"""What several files of tests need: a video with audio, a small disk, and a look around after each test."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from films import Tone, make_film


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Half a second of moving colours, 128 × 96, 15 frames, with a tone."""
    return make_film(tmp_path / "in.mp4", tones=[Tone(seconds=0.5)])


@pytest.fixture
def small_disk() -> Callable[[int], AbstractContextManager[None]]:
    """Limit the size of files, in bytes, within a ``with`` block: the full disk that a test may cause.

    The limit holds for the whole process, pytest's own output included, so it must not outlast the block.
    """
    resource = pytest.importorskip("resource", reason="POSIX only")

    @contextmanager
    def limited(size: int) -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limited


@pytest.fixture
def nothing_is_left_running(tmp_path: Path) -> Iterator[None]:
    """After the test, whatever happened in it: no thread, no unfinished file, and no file held open."""
    before = set(threading.enumerate())  # another file's tests may have left a hung camera's thread behind, on purpose
    yield
    started = [thread for thread in threading.enumerate() if thread not in before]
    assert [thread.name for thread in started if thread.name.startswith("seglib")] == []
    assert [str(path) for path in tmp_path.rglob("*.part*")] == []
    if os.path.isdir("/proc/self/fd"):
        held = [os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
        assert [path for path in held if path.startswith(str(tmp_path))] == []
