"""From a choice to an open source."""

import shutil
from pathlib import Path
from typing import Any

import pytest

import seglib
from seglib import CameraUnavailable
from seglib.live.source_choice import opener
from seglib.live.words import describe


def test_auto_says_which_source_it_became(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setenv("SEGLIB_SOURCE", "clip")
    with opener("auto")() as source:
        assert describe(source) == "Source: the recorded clip."
    monkeypatch.delenv("SEGLIB_SOURCE")

    def no_camera(number: int, size: object) -> Any:
        raise CameraUnavailable(f"camera {number} could not be opened.\nmore")

    monkeypatch.setattr("seglib.capture.sources.start_camera", no_camera)
    with opener("auto")() as source:
        assert describe(source) == "Source: the recorded clip, since camera 0 could not be opened."
    assert capsys.readouterr().out == "", "a thread that prints would print into some other cell"


def test_the_clip_plays_without_its_black_frames_and_other_files_with_theirs(tmp_path: Path) -> None:
    with opener("clip")() as source:
        frames = list(source)
    assert len(frames) == 165
    assert all(frame.any() for frame in frames)
    copy = shutil.copy(seglib.sample_clip(), tmp_path / "mine.mp4")
    with opener(copy)() as source:
        assert sum(not frame.any() for frame in source) == 15
