"""seglib bench: it reports what was measured, and the article's loop is the article's."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

import seglib
from seglib.__main__ import main
from seglib.cli.bench import BenchOptions, article, child_process, command, report
from seglib.cli.bench.measure import STAGES, frames_of, load, measure_pipeline, peak_megabytes
from seglib.errors import UsageError

HOPPER = str(seglib.samples.DATA / "hopper.png")
RESULT: dict[str, Any] = {
    "model": "portrait",
    "runtime": "openvino",
    "precision": "float32",
    "device": "cpu",
    "size": [640, 480],
    "effect": "blur",
    "note": "",
    "source": "clip",
    "frames": 100,
    "stages_ms": dict(zip(STAGES, (1.0, 5.0, 2.0, 1.5, 0.5), strict=True)),
    "latency_ms": {"p50": 10.0, "p95": 12.0, "p99": 20.0},
    "fps": 100.0,
    "serial_fps": 75.0,
    "import_seconds": 0.03,
    "first_mask_seconds": 0.9,
    "peak_megabytes": 240.0,
}
ARTICLE: dict[str, Any] = {
    "model": "deeplabv3_resnet101",
    "note": "random weights",
    "stages_ms": {"predict": 3000.0, "blur": 10.0, "draw": 90.0},
    "frame_ms": 3100.0,
    "frames": 2,
}


class SlowModel:
    """Stands in for a model. Each prediction sleeps."""

    device, runtime, precision, batch = "cpu", "none", "float32", 1

    def class_numbers(self, keep: object) -> list[int]:
        return [15]

    def masks(self, frames: Sequence[np.ndarray], keep: object, size: tuple[int, int]) -> np.ndarray:
        time.sleep(0.02 * len(frames))  # what is measured
        return np.ones((len(frames), *size[::-1]), np.float32)


# ---- measurements ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("effect", ["none", "blur", "substitute"])
def test_stages_are_timed_one_by_one(effect: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seglib.cli.bench.measure.load", lambda options: (SlowModel(), ""))
    seen = measure_pipeline(BenchOptions(frames=6, size=(96, 64), effect=effect))
    assert list(seen["stages_ms"]) == [*STAGES]
    assert seen["stages_ms"]["predict"] >= 20
    assert seen["first_mask_seconds"] >= 0.02
    assert 20 <= seen["latency_ms"]["p50"] <= seen["latency_ms"]["p95"] <= seen["latency_ms"]["p99"]
    assert seen["serial_fps"] <= 50
    assert 0 < seen["fps"] < 100, "the slowest stage sets the pace, but frames may be waiting when the clock starts"
    assert (seen["frames"], seen["size"], seen["effect"]) == (6, [96, 64], effect)
    assert seen["peak_megabytes"] is None or 30 < seen["peak_megabytes"] < 100_000


def test_a_source_that_ends_starts_again_and_resizing_is_not_counted() -> None:
    seen = frames_of(BenchOptions(source=HOPPER, size=(30, 40)))
    frames = [next(seen) for _ in range(3)]
    seen.close()  # type: ignore[attr-defined]
    assert all(frame.shape == (40, 30, 3) and 0 <= seconds < 10 for frame, seconds in frames)
    np.testing.assert_array_equal(frames[0][0], frames[2][0])
    (frame, _) = next(frames_of(BenchOptions(source=HOPPER)))
    np.testing.assert_array_equal(frame, seglib.sample_frame("hopper"))


def test_a_model_without_weights_is_measured_with_random_ones_and_says_so() -> None:
    how = BenchOptions(model="lraspp_mobilenet_v3_large", runtime="torch", device="cpu", input_size=64)
    model, note = load(how)
    assert (model.name, model.runtime, note) == ("lraspp_mobilenet_v3_large", "torch", "random weights")
    assert model.mask(seglib.sample_frame()).shape == (480, 640)
    assert load(BenchOptions())[1] == ""


def test_where_the_system_does_not_tell_the_memory_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    assert peak_megabytes() is None


# ---- the article's loop ------------------------------------------------------------------------------------


def test_the_articles_loop_is_as_the_design_tells_it() -> None:
    frame, given = seglib.sample_frame()[:60, :80], []

    def network(batch: torch.Tensor) -> dict[str, torch.Tensor]:
        given.append(batch)
        scores = torch.zeros(1, 21, *batch.shape[-2:])
        scores[:, 15, 10:30, 20:40] = 1
        return {"out": scores}

    labels = article.predict_labels(network, frame)
    assert given[0].shape == (1, 3, 60, 80), "the whole frame, not a smaller one"
    np.testing.assert_allclose(given[0][0, 0], (frame[..., 0] / 255 - 0.485) / 0.485, atol=1e-5)
    assert set(np.unique(labels)) == {0, 15}
    output = article.blur_labels(frame, labels)
    expected = np.where(labels[..., None] == 0, cv2.GaussianBlur(frame, (51, 51), 0), frame)
    np.testing.assert_array_equal(output, expected)


def test_every_frame_of_the_article_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    network = SimpleNamespace(module=lambda: lambda batch: {"out": torch.zeros(1, 21, *batch.shape[-2:])})
    monkeypatch.setattr(article, "untrained_network", lambda name: network)
    drawn, draw = [], FigureCanvasAgg.draw
    monkeypatch.setattr(FigureCanvasAgg, "draw", lambda self, *a, **k: drawn.append(1) or draw(self, *a, **k))
    seen = article.measure_article(BenchOptions(size=(64, 48)), 2)
    assert len(drawn) == 3, "one to warm up, two that count"
    assert list(seen["stages_ms"]) == ["predict", "blur", "draw"]
    assert seen["frame_ms"] == pytest.approx(sum(seen["stages_ms"].values()))
    assert (seen["frames"], seen["note"]) == (2, "random weights")


# ---- the report --------------------------------------------------------------------------------------------


def test_the_report_tells_every_number() -> None:
    text = report.to_text(RESULT, ARTICLE)
    for words in (
        "portrait (openvino, float32, cpu), 640 × 480, blur, 100 frames of clip",
        "predict        5.0     50%",
        "together      10.0",
        "100 frames per second",
        "75 one frame",
        "10.0 ms",
        "12.0 ms",
        "20.0 ms",
        "0.03 s",
        "0.90 s",
        "240 MB",
        "deeplabv3_resnet101 (random weights",
        "3100 ms per frame (predict 3000, blur 10, draw 90), 0.32 frames",
        "310 times as fast",
    ):
        assert words in text
    alone = report.to_text(RESULT | {"frames": 1, "note": "random weights", "peak_megabytes": None}, None)
    assert "article" not in alone
    assert "1 frame of" in alone
    assert "portrait with random weights" in alone


def test_the_chart_has_a_bar_for_every_stage(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    report.write_chart(tmp_path / "stages.png", RESULT)
    picture = np.asarray(Image.open(tmp_path / "stages.png").convert("RGB"))
    blue = (np.abs(picture.astype(int) - (0, 114, 178)).max(axis=2) < 30).any(axis=1)
    assert np.count_nonzero(np.diff(blue.astype(int)) == 1) == len(STAGES)
    assert [str(warning.message) for warning in recwarn] == []


# ---- the command -------------------------------------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[BenchOptions, int | None]]:
    """What was to be measured; the answer comes at once."""
    tasks: list[tuple[BenchOptions, int | None]] = []

    def answer(options: BenchOptions, article_frames: int | None = None) -> dict[str, Any]:
        tasks.append((options, article_frames))
        return dict(RESULT if article_frames is None else ARTICLE)

    monkeypatch.setattr(command, "measure_in_child", answer)
    return tasks


def test_the_arguments_arrive(
    asked: list[tuple[BenchOptions, int | None]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    line = "bench --model fcn_resnet50 --size 1280x720 --effect substitute --device cpu --runtime torch --source 1"
    assert (
        main([*line.split(), *["--precision", "half", "--input-size", "192", "--frames", "9", "--article", "1"]]) == 0
    )
    expected = BenchOptions("fcn_resnet50", "cpu", "torch", "half", 192, 1, (1280, 720), "substitute", 9)
    assert asked == [(expected, None), (expected, 1)]
    out, err = capsys.readouterr()
    assert "310 times as fast" in out
    assert len(err.splitlines()) == 2, "what it is at"


def test_json_is_json_and_the_article_can_be_left_out(
    asked: list[tuple[BenchOptions, int | None]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["bench", "--json", "--article", "0", "--picture", str(tmp_path / "x.jpg")]) == 0
    assert asked == [(BenchOptions(), None)]
    assert json.loads(capsys.readouterr().out) == RESULT
    assert (tmp_path / "x.jpg").stat().st_size > 5000
    assert main(["bench", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["times_faster"] == pytest.approx(310)
    assert told["article"] == ARTICLE


@pytest.mark.parametrize("name", ["no/folder/a.png", "a.txt", "a"])
def test_a_chart_that_cannot_be_written_is_refused_before_the_measurement(
    name: str, asked: list[object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "--picture", str(tmp_path / name)]) == 2
    assert Path(name).name in capsys.readouterr().err
    assert asked == []


def test_a_process_of_its_own_measures_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = child_process.measure_in_child(BenchOptions(frames=3, size=(160, 120)))
    assert seen["model"] == "portrait"
    assert seen["import_seconds"] > 0
    assert set(seen["stages_ms"]) == set(STAGES)
    with pytest.raises(UsageError, match=r"^unknown model 'portait'.*portrait"):
        child_process.measure_in_child(BenchOptions(model="portait"))
    with pytest.raises(UsageError, match=r"^\S*none\.mp4 does not exist"):
        child_process.measure_in_child(BenchOptions(source="none.mp4"))
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: SimpleNamespace(returncode=-9, stderr="", stdout=""))
    with pytest.raises(UsageError, match="-9"):
        child_process.measure_in_child(BenchOptions())


def test_the_memory_that_is_measured_does_not_hold_pytorch() -> None:
    code = "import sys; from seglib.cli.bench import *; measure_pipeline(BenchOptions(frames=2));"
    subprocess.run([sys.executable, "-c", f"{code} sys.exit('torch' in sys.modules)"], timeout=240, check=True)
