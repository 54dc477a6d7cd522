"""The demo: what it writes, what it prints, and what it does when it cannot."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

import seglib
from seglib.__main__ import main
from seglib.cli import demo

FILES = ["blurred.mp4", "contact_sheet.jpg", "replaced.mp4"]


def decoded(path: Path) -> list[np.ndarray]:
    """Every frame of a video, (H, W, 3) uint8."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p"), "browsers play it"
        assert stream.average_rate == 30
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A folder with the demo of six frames, made without a screen, and the lines that it printed."""
    folder = tmp_path_factory.mktemp("demo") / "a new folder, é"
    command = [sys.executable, "-m", "seglib", "demo", "--frames", "6", "--out", str(folder)]
    blind = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
    blind |= {"PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, env=blind, capture_output=True, encoding="utf-8", timeout=240, check=True)
    assert done.stderr == ""
    assert sorted(os.listdir(folder)) == FILES
    return folder, done.stdout.splitlines()


def detail(frame: np.ndarray, where: np.ndarray) -> float:
    """How much neighbouring pixels differ, where asked for."""
    change = np.abs(np.diff(frame.astype(float), axis=1)).mean(axis=2)
    return float(change[where[:, 1:] & where[:, :-1]].mean())


def test_the_person_is_kept_and_the_background_is_not(made: tuple[Path, list[str]]) -> None:
    blurred, replaced = (decoded(made[0] / name) for name in ("blurred.mp4", "replaced.mp4"))
    with seglib.open_source("clip") as clip:
        originals = [next(clip) for _ in range(6)]
    truths = [truth for truth, _ in zip(seglib.sample_clip_masks(), range(6), strict=False)]
    for frame, blur, other, truth in zip(originals, blurred, replaced, truths, strict=True):
        person, room = truth > 0.99, truth < 0.01
        for output in (blur, other):
            assert output.shape == (480, 640, 3)
            change = np.abs(output.astype(int) - frame).mean(axis=2)
            assert np.median(change[person]) < 6, "what the codec costs"
        assert np.abs(other.astype(int) - frame)[room].mean() > 20
        assert detail(blur, room) < detail(frame, room) / 2


def test_the_contact_sheet_is_frame_mask_blurred_and_replaced(made: tuple[Path, list[str]]) -> None:
    sheet = seglib.read_image(made[0] / "contact_sheet.jpg").astype(int)
    assert sheet.shape == (2 * 480 + 8, 2 * 640 + 8, 3)
    frame, mask, blurred, replaced = sheet[:480, :640], sheet[:480, 648:], sheet[488:, :640], sheet[488:, 648:]
    assert np.abs(frame - seglib.sample_frame()).mean() < 4
    assert seglib.iou(mask[..., 0] / 255, seglib.sample_mask()) > 0.85
    room = (seglib.sample_mask() == 0) & (mask[..., 0] < 20)  # without what the model takes for a person
    assert room.mean() > 0.4
    assert detail(blurred, room) < detail(frame, room) / 2
    assert np.abs(replaced - frame)[room].mean() > 20


def test_it_prints_how_good_how_fast_and_where(made: tuple[Path, list[str]]) -> None:
    folder, (still, announced, clip, speed, *wrote) = made
    assert "minute" in announced
    raw, refined = map(float, re.findall(r"0\.\d{3}", still))
    assert refined >= 0.85
    assert refined > raw
    assert len(re.findall(r"0\.\d{3}", clip)) == 2
    assert "6 frames" in clip
    stages = {stage: float(number) for stage, number in re.findall(r"(\w+) (\d+\.\d) ms", speed)}
    assert list(stages) == ["predict", "mask", "blur", "replace", "write"]
    rate = 1000 / (stages["predict"] + stages["mask"] + stages["blur"])
    assert float(speed.split(" fps")[0]) == pytest.approx(rate, abs=0.1, rel=0.02)
    assert wrote == [
        f"wrote {folder.resolve() / name}" for name in ("contact_sheet.jpg", "blurred.mp4", "replaced.mp4")
    ]


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    assert main(["demo", "--frames", "1", "--out", str(file / "below")]) == 1
    out, err = capsys.readouterr()
    assert "wrote" not in out
    assert len(err.splitlines()) == 1
    assert str(file / "below") in err
    assert file.read_text() == "mine"


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_an_interrupt_leaves_no_broken_video(
    error: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blurred: list[int] = []

    class Interrupted(seglib.Blur):
        def __call__(self, frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
            blurred.append(1)
            if len(blurred) == 4:
                raise error
            return super().__call__(frame, mask)

    monkeypatch.setattr(demo, "Blur", Interrupted)
    (tmp_path / "blurred.mp4").write_bytes(b"of last week")
    if error is KeyboardInterrupt:
        assert main(["demo", "--out", str(tmp_path)]) == 130
    else:
        with pytest.raises(error):
            main(["demo", "--out", str(tmp_path)])
    assert sorted(os.listdir(tmp_path)) == ["blurred.mp4", "contact_sheet.jpg"]
    assert (tmp_path / "blurred.mp4").read_bytes() == b"of last week"


def test_a_second_run_replaces_the_first(made: tuple[Path, list[str]], tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).write_bytes(b"old")
    assert main(["demo", "--out", str(tmp_path), "--frames", "1"]) == 0
    assert sorted(os.listdir(tmp_path)) == FILES
    assert len(decoded(tmp_path / "blurred.mp4")) == 1
    sheets = [seglib.read_image(folder / "contact_sheet.jpg") for folder in (tmp_path, made[0])]
    assert np.abs(sheets[0].astype(int) - sheets[1]).mean() < 1  # two processes may round a few pixels differently
