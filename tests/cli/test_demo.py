"""The command line: what `make demo` writes and says, and what it does when it cannot."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

import seglib
from seglib.__main__ import main
from seglib.cli import demo
from seglib.predict import Model

ROOT = Path(seglib.__file__).parents[1]
FILES = ["blurred.mp4", "contact_sheet.jpg", "replaced.mp4"]


def decoded(path: Path) -> list[np.ndarray]:
    """Every frame of a video, (H, W, 3) uint8."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p", "the one format that every browser plays"
        assert stream.average_rate == 30
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with the demo of six frames, made as a user makes it, and what it printed."""
    folder = tmp_path_factory.mktemp("demo") / "a new folder, é"
    command = [sys.executable, "-m", "seglib", "demo", "--frames", "6", "--out", str(folder)]
    blind = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
    blind |= {"PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, cwd=ROOT, env=blind, capture_output=True, encoding="utf-8", timeout=240)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return folder, done.stdout


def test_it_writes_two_videos_and_a_contact_sheet_and_nothing_else(made: tuple[Path, str]) -> None:
    assert sorted(os.listdir(made[0])) == FILES


@pytest.mark.parametrize("name", ["blurred.mp4", "replaced.mp4"])
def test_the_videos_hold_the_frames_that_were_asked_for(made: tuple[Path, str], name: str) -> None:
    frames = decoded(made[0] / name)
    assert [frame.shape for frame in frames] == [(480, 640, 3)] * 6


def test_the_person_is_kept_and_the_background_is_not(made: tuple[Path, str]) -> None:
    blurred, replaced = (decoded(made[0] / name) for name in ("blurred.mp4", "replaced.mp4"))
    with seglib.open_source("clip") as clip:
        originals = [frame for frame, _ in zip(clip, range(6), strict=False)]
    for frame, blur, other, truth in zip(originals, blurred, replaced, seglib.sample_clip_masks(), strict=False):
        person, room = truth > 0.99, truth < 0.01
        for output in (blur, other):
            change = np.abs(output.astype(int) - frame).mean(axis=2)
            assert np.median(change[person]) < 6, "what the codec costs"
        assert np.abs(other.astype(int) - frame)[room].mean() > 20
        assert detail(blur, room) < detail(frame, room) / 2


def detail(frame: np.ndarray, where: np.ndarray) -> float:
    """How much neighbouring pixels differ, where asked for."""
    change = np.abs(np.diff(frame.astype(float), axis=1)).mean(axis=2)
    return float(change[where[:, 1:] & where[:, :-1]].mean())


def test_the_contact_sheet_is_frame_mask_blurred_and_replaced(made: tuple[Path, str]) -> None:
    with Image.open(made[0] / "contact_sheet.jpg") as picture:
        sheet = np.asarray(picture.convert("RGB")).astype(int)
    assert sheet.shape == (2 * 480 + 8, 2 * 640 + 8, 3)
    frame, mask, blurred, replaced = sheet[:480, :640], sheet[:480, 648:], sheet[488:, :640], sheet[488:, 648:]
    assert np.abs(frame - seglib.sample_frame()).mean() < 4
    assert seglib.iou(mask[..., 0] / 255, seglib.sample_mask()) > 0.85
    room = (seglib.sample_mask() == 0) & (mask[..., 0] < 20)  # without what the model takes for a person
    assert room.mean() > 0.4
    assert detail(blurred, room) < detail(frame, room) / 2
    assert np.abs(replaced - frame)[room].mean() > 20


def test_it_says_how_good_how_fast_and_where(made: tuple[Path, str]) -> None:
    folder, said = made
    lines = said.splitlines()
    assert re.fullmatch(r"recorded frame: IoU 0\.\d{3} as predicted, 0\.\d{3} cleaned", lines[0])
    assert re.fullmatch(r"recorded clip:  IoU 0\.\d{3} as predicted, 0\.\d{3} cleaned, mean of 6 frames", lines[1])
    raw, cleaned = map(float, re.findall(r"0\.\d{3}", lines[0]))
    assert cleaned >= 0.85
    assert cleaned > raw
    assert re.match(r"\d+\.\d fps from frame to blurred frame; ", lines[2])
    stages = dict(re.findall(r"(\w+) (\d+\.\d) ms", lines[2]))
    assert list(stages) == ["predict", "mask", "blur", "replace", "write"]
    assert lines[3:] == [
        f"wrote {folder.resolve() / name}" for name in ("contact_sheet.jpg", "blurred.mp4", "replaced.mp4")
    ]


def test_the_frames_per_second_are_those_of_the_stages(made: tuple[Path, str]) -> None:
    line = made[1].splitlines()[2]
    times = {stage: float(number) for stage, number in re.findall(r"(\w+) (\d+\.\d) ms", line)}
    rate = 1000 / (times["predict"] + times["mask"] + times["blur"])
    assert float(line.split(" fps")[0]) == pytest.approx(rate, abs=0.1, rel=0.02)


# ---- arguments ---------------------------------------------------------------------------------------------


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, words in (
        (["--version"], f"seglib {seglib.__version__}\n"),
        (["--help"], "demo"),
        (["demo", "--help"], "--frames N"),
    ):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 0
        assert words in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "required: command"),
        (["dem"], "invalid choice: 'dem'"),
        (["demo", "--frames", "0"], "'0' is not a whole number from 1 on"),
        (["demo", "--frames", "-3"], "'-3' is not a whole number"),
        (["demo", "--frames", "2.5"], "'2.5' is not a whole number"),
        (["demo", "--frame"], "expected one argument"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_arguments_are_explained(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "run_demo", lambda *_: pytest.fail("it must not start"))
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert words in capsys.readouterr().err


def test_the_arguments_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[object, ...]] = []
    monkeypatch.setattr(demo, "run_demo", lambda *arguments: calls.append(arguments))
    assert main(["demo"]) == 0
    assert main(["demo", "--out", "elsewhere", "--frames", "3"]) == 0
    assert calls == [(Path("out"), None), (Path("elsewhere"), 3)]


# ---- when it cannot ----------------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    assert main(["demo", "--frames", "2", "--out", str(file / "below")]) == 1
    out, err = capsys.readouterr()
    assert "wrote" not in out
    assert len(err.splitlines()) == 1
    assert err.startswith(f"seglib: cannot write to {file / 'below'}: ")
    assert file.read_text() == "mine"


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_an_interrupt_leaves_no_broken_video(
    error: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    predicted: list[int] = []
    whole = Model.mask

    def interrupted(self: Model, frame: np.ndarray) -> np.ndarray:
        predicted.append(1)
        if len(predicted) == 4:
            raise error
        return whole(self, frame)

    monkeypatch.setattr(Model, "mask", interrupted)
    (tmp_path / "blurred.mp4").write_bytes(b"of last week")
    if error is KeyboardInterrupt:
        assert main(["demo", "--out", str(tmp_path)]) == 130
        assert capsys.readouterr().err.startswith("stopped")
    else:
        with pytest.raises(error):
            main(["demo", "--out", str(tmp_path)])
    assert sorted(os.listdir(tmp_path)) == ["blurred.mp4", "contact_sheet.jpg"]
    assert (tmp_path / "blurred.mp4").read_bytes() == b"of last week"


def test_a_second_run_replaces_the_first(made: tuple[Path, str], tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).write_bytes(b"old")
    demo.run_demo(tmp_path, frames=1)
    assert sorted(os.listdir(tmp_path)) == FILES
    assert len(decoded(tmp_path / "blurred.mp4")) == 1
    sheets = [seglib.read_image(folder / "contact_sheet.jpg") for folder in (tmp_path, made[0])]
    assert np.abs(sheets[0].astype(int) - sheets[1]).mean() < 1  # two processes may round a few pixels differently
