"""seglib bench: what it says is what was measured, and the article's loop is the article's."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from seglib.cli.bench.walk import STAGES, Walk

import seglib
from seglib.__main__ import main
from seglib.cli.bench import apart, article, command, report, walk
from seglib.errors import UsageError


class Slow:
    """Stands in for a model. Each prediction sleeps."""

    device, runtime, precision, batch = "cpu", "none", "float32", 1

    def mask(self, frame: np.ndarray) -> np.ndarray:
        return self.masks([frame])[0]

    def masks(self, frames: list[np.ndarray], size: object = None) -> np.ndarray:
        time.sleep(0.02 * len(frames))
        return np.ones((len(frames), *frames[0].shape[:2]), np.float32)


def result(**changes: Any) -> dict[str, Any]:
    return {
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
        **changes,
    }


ARTICLE = {
    "model": "deeplabv3_resnet101",
    "note": "random weights",
    "stages_ms": {"predict": 3000.0, "blur": 10.0, "draw": 90.0},
    "frame_ms": 3100.0,
    "frames": 2,
}


# ---- the walk ----------------------------------------------------------------------------------------------


def test_stages_are_timed_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "load", lambda walk: (Slow(), ""))
    seen = walk.measure_walk(Walk(frames=6, size=(96, 64), effect="none"))
    assert list(seen["stages_ms"]) == [*STAGES]
    assert seen["stages_ms"]["predict"] >= 20
    assert seen["first_mask_seconds"] >= 0.02
    assert seen["latency_ms"]["p50"] <= seen["latency_ms"]["p95"] <= seen["latency_ms"]["p99"]
    assert seen["latency_ms"]["p50"] >= 20
    assert seen["serial_fps"] <= 50
    assert seen["fps"] <= 75, (
        "the slowest stage sets the pace; two frames may be waiting behind it when the clock starts"
    )
    assert (seen["frames"], seen["size"]) == (6, [96, 64])
    assert seen["peak_megabytes"] is None or 30 < seen["peak_megabytes"] < 100_000


def test_frames_go_round_and_resizing_is_not_counted() -> None:
    seen = walk.frames_of(Walk(source=str(seglib.samples.DATA / "hopper.png"), size=(30, 40)))
    frames = [next(seen) for _ in range(3)]  # a picture has one frame, so it is opened three times
    seen.close()
    assert all(frame.shape == (40, 30, 3) for frame, _ in frames)
    assert all(0 <= seconds < 10 for _, seconds in frames)
    np.testing.assert_array_equal(frames[0][0], frames[2][0])
    expected = np.asarray(Image.fromarray(seglib.sample_frame("hopper")))
    np.testing.assert_array_equal(
        next(walk.frames_of(Walk(source=str(seglib.samples.DATA / "hopper.png"))))[0], expected
    )


def test_a_model_without_weights_is_measured_with_random_ones_and_says_so() -> None:
    model, note = walk.load(Walk(model="lraspp_mobilenet_v3_large", runtime="torch", device="cpu", sees=64))
    assert (model.name, model.runtime, note) == ("lraspp_mobilenet_v3_large", "torch", "random weights")
    assert model.mask(seglib.sample_frame()).shape == (480, 640)
    assert walk.load(Walk(runtime="torch"))[1] == ""


# ---- the article's loop ------------------------------------------------------------------------------------


def test_the_articles_loop_is_as_the_design_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    frame, given = seglib.sample_frame()[:60, :80], []

    def network(batch: torch.Tensor) -> dict[str, torch.Tensor]:
        given.append(batch)
        scores = torch.zeros(1, 21, *batch.shape[-2:])
        scores[:, 15, 10:30, 20:40] = 1
        return {"out": scores}

    labels = article.find_labels(network, frame)
    assert given[0].shape == (1, 3, 60, 80), "the whole frame, not a smaller one"
    np.testing.assert_allclose(given[0][0, 0], (frame[..., 0] / 255 - 0.485) / 0.485, atol=1e-5)
    assert set(np.unique(labels)) == {0, 15}
    output = article.blur_nobody(frame, labels)
    np.testing.assert_array_equal(output[10:30, 20:40], frame[10:30, 20:40])
    outside = labels == 0
    np.testing.assert_array_equal(output[outside], cv2.GaussianBlur(frame, (51, 51), 0)[outside])


def test_every_frame_of_the_article_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Network(torch.nn.Module):
        def forward(self, batch: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"out": torch.zeros(1, 21, *batch.shape[-2:])}

    drawn = []
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    original = FigureCanvasAgg.draw
    monkeypatch.setattr(FigureCanvasAgg, "draw", lambda self, *a, **k: drawn.append(1) or original(self, *a, **k))
    monkeypatch.setattr(article, "_network", lambda: (Network(), "random weights"))
    seen = article.measure_article(Walk(size=(64, 48)), 2)
    assert len(drawn) == 3, "one to warm up, two that count"
    assert set(seen["stages_ms"]) == set(article.STAGES)
    assert seen["frame_ms"] == pytest.approx(sum(seen["stages_ms"].values()))
    assert seen["note"] == "random weights"


# ---- the report --------------------------------------------------------------------------------------------


def test_the_report_tells_every_number() -> None:
    text = report.in_words(result(), ARTICLE)
    for words in (
        "portrait (openvino, float32, cpu), 640 × 480, blur, 100 frames of clip",
        "predict        5.0     50%",
        "together      10.0",
        "100 frames a second with the stages side by side",
        "75 one frame after the other",
        "10.0 ms (median); 95 in 100 take at most 12.0 ms, 99 at most 20.0 ms",
        "import seglib 0.03 s, then 0.90 s to the first mask",
        "240 MB at most",
        "deeplabv3_resnet101 (random weights, which take as long as trained ones)",
        "3100 ms a frame (predict 3000, blur 10, draw 90), 0.32 frames a second",
        "310 times as fast",
    ):
        assert words in text
    assert "article" not in report.in_words(result(), None)
    assert "unknown here" in report.in_words(result(peak_megabytes=None), None)


def test_the_picture_has_a_bar_for_every_stage(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    report.write_image(tmp_path / "stages.png", result())
    picture = np.asarray(Image.open(tmp_path / "stages.png").convert("RGB"))
    blue = (np.abs(picture.astype(int) - (0, 114, 178)).max(axis=2) < 30).any(axis=1)
    assert np.count_nonzero(np.diff(blue.astype(int)) == 1) == len(STAGES)
    assert [str(w.message) for w in recwarn] == []


# ---- the command -------------------------------------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Walk, int | None]]:
    """What run_apart was asked for; it answers at once."""
    tasks: list[tuple[Walk, int | None]] = []

    def answer(task: Walk, article_frames: int | None = None) -> dict[str, Any]:
        tasks.append((task, article_frames))
        return result() if article_frames is None else dict(ARTICLE)

    monkeypatch.setattr(command, "run_apart", answer)
    return tasks


def test_options_become_a_walk(asked: list[tuple[Walk, int | None]], capsys: pytest.CaptureFixture[str]) -> None:
    line = "bench --model fcn_resnet50 --size 1280x720 --effect substitute --device cpu --runtime torch --source a.mp4"
    assert main([*line.split(), *["--precision", "half", "--sees", "192", "--frames", "9", "--article", "1"]]) == 0
    expected = Walk("fcn_resnet50", "cpu", "torch", "half", 192, "a.mp4", (1280, 720), "substitute", 9)
    assert asked == [(expected, None), (expected, 1)]
    assert "310 times as fast" in capsys.readouterr().out


def test_json_is_json_and_the_article_can_be_left_out(
    asked: list[tuple[Walk, int | None]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["bench", "--json", "--article", "0", "--picture", str(tmp_path / "x.jpg")]) == 0
    assert asked == [(Walk(), None)]
    assert json.loads(capsys.readouterr().out) == result()
    assert (tmp_path / "x.jpg").stat().st_size > 5000
    assert main(["bench", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["times_faster"] == pytest.approx(310)
    assert told["article"] == ARTICLE


@pytest.mark.parametrize("wrong", ["--size 1280", "--size axb", "--frames 0", "--effect sepia", "--precision int8"])
def test_wrong_options_are_refused(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["bench", *wrong.split()])
    assert stopped.value.code == 2
    assert wrong.split()[0] in capsys.readouterr().err


def test_a_process_of_its_own_measures_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = apart.run_apart(Walk(frames=3, size=(160, 120)))
    assert seen["model"] == "portrait"
    assert seen["import_seconds"] > 0
    assert set(seen["stages_ms"]) == set(STAGES)
    with pytest.raises(UsageError, match="unknown model 'portait'; known are portrait"):
        apart.run_apart(Walk(model="portait"))
    monkeypatch.setattr(apart.subprocess, "run", lambda *a, **k: SimpleNamespace(returncode=1, stderr="", stdout=""))
    with pytest.raises(UsageError, match="without a word"):
        apart.run_apart(Walk())


def test_the_memory_of_the_walk_is_not_pytorchs() -> None:
    code = (
        "import sys; from seglib.cli.bench import walk; "
        "walk.measure_walk(walk.Walk(frames=2)); sys.exit('torch' in sys.modules)"
    )
    import subprocess

    assert subprocess.run([sys.executable, "-c", code], timeout=240).returncode == 0
