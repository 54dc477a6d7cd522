"""Live for a long time: what is opened and begun again and again leaves nothing behind."""

from __future__ import annotations

import gc
import threading
from pathlib import Path

import numpy as np
import psutil
import pytest
from live_fakes import wait_until
from PIL import Image
from widget_tools import FakePage, find, make

from seglib import Live


def switch(live: Live, number: int) -> None:
    """Choose another source and another effect, and wait until the source's pictures are processed."""
    former = live.loop
    find(live, "source").value = ("clip", "file")[number % 2]
    find(live, "effect").value = ("none", "blur", "substitute")[number % 3]
    wait_until(lambda: live.loop is not former and live.loop is not None and live.loop.rendered.count > 1)


def held(process: psutil.Process) -> tuple[int, int]:
    """Threads, and open files and sockets."""
    gc.collect()
    files = process.num_fds() if hasattr(process, "num_fds") else process.num_handles()
    return threading.active_count(), files


@pytest.mark.slow
def test_fifty_changes_of_source_and_effect_leave_no_thread_and_no_file_behind(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(np.full((48, 64, 3), 99, np.uint8)).save(photo)
    live = make(photo)
    page = FakePage(live)
    live.start()
    page.wait_for(1)
    for number in range(6):
        switch(live, number)
    process = psutil.Process()
    former = held(process)
    for number in range(6, 56):
        switch(live, number)
    wait_until(lambda: held(process)[0] <= former[0])
    threads, files = held(process)
    print(f"threads {former[0]} and {threads}, files {former[1]} and {files}")
    assert files <= former[1] + 2, "the clip may be open in one of them, and the picture in the other"
