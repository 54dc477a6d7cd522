"""From a choice to an open source."""

from typing import Any

import pytest

from seglib import CameraUnavailable
from seglib.live.source_choice import opener
from seglib.live.words import describe


def test_auto_says_which_source_it_became(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setenv("SEGLIB_SOURCE", "clip")
    with opener("auto")() as source:
        assert describe(source) == "Source: the recorded clip."
    monkeypatch.delenv("SEGLIB_SOURCE")

    def no_camera(number: int) -> Any:
        raise CameraUnavailable(f"camera {number} could not be opened.\nmore")

    monkeypatch.setattr("seglib.capture.sources.start_camera", no_camera)
    with opener("auto")() as source:
        assert describe(source) == "Source: the recorded clip, since camera 0 could not be opened."
    assert capsys.readouterr().out == "", "a thread that prints would print into some other cell"
