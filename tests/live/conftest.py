"""Each test of the live picture begins and ends with nothing running."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from seglib.live.loop import stop_running_loop


@pytest.fixture(autouse=True)
def nothing_keeps_running(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.delenv("SEGLIB_FRAMES", raising=False)
    monkeypatch.chdir(tmp_path)
    yield
    stop_running_loop()
