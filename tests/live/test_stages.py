"""The stages of the live pipeline in one thread, step by step: time, mirror, classes, slow models."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest
from live_fakes import DEADLINE, SHAPE, FakeModel, wait_until

import seglib
from seglib.live.settings import Settings
from seglib.live.stages import PredictStage, RenderStage
from seglib.live.statistics import RollingStopwatch
from seglib.live.workers import ModelSpeed, Speed
from seglib.pipeline import Result
from seglib.predict import MODELS
from seglib.temporal import Steady


class Stages:
    """Both stages in one thread."""

    def __init__(self) -> None:
        self.stopwatch = RollingStopwatch()
        self.predict = PredictStage(self.stopwatch, threading.Event())
        self.render = RenderStage(self.stopwatch)

    def __call__(self, frame: np.ndarray, settings: Settings, time: float) -> Result:
        predicted = self.predict(frame, settings)
        assert predicted is not None
        return self.render(predicted, time)


def settings_with(model: FakeModel, **options: object) -> Settings:
    return Settings(**{"model": model, "effect": None, **options})  # type: ignore[arg-type]


def test_they_do_what_the_pipeline_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ModelSpeed, "of", lambda self, model: Speed.FAST)  # on a busy machine, too
    model, effect = seglib.load_model("portrait"), seglib.Blur()
    with seglib.open_source("clip") as clip:
        frames = list(islice(clip, 3))
    stages, pipeline = Stages(), seglib.Pipeline(model, effect=effect, labels=True)
    settings = Settings(model=model, effect=effect, panes=("labels",), smoothing=0.0)
    pipeline.steady = Steady(smoothing=0.0)
    for number, frame in enumerate(frames):
        result, expected = stages(frame, settings, number / 30), pipeline(frame)
        for name in ("mask", "output", "labels"):
            np.testing.assert_array_equal(getattr(result, name), getattr(expected, name))
    assert {"predict", "refine", "smooth", "render"} == set(stages.stopwatch.milliseconds())


def test_of_several_regions_the_largest_may_be_kept_alone() -> None:
    class TwoPeople(FakeModel):
        def predict(self, frame: np.ndarray) -> np.ndarray:
            mask = np.zeros(frame.shape[:2], np.float32)
            mask[:, :24] = mask[:, 40:56] = 1
            return mask

    for only_largest, other in ((False, 1), (True, 0)):
        settings = settings_with(TwoPeople(), only_largest=only_largest)
        mask = Stages()(np.full(SHAPE, 90, np.uint8), settings, 0.0).mask
        assert mask[:, 4:20].min() > 0.9
        assert abs(mask[:, 44:52] - other).max() < 0.1


def test_the_past_fades_with_time_and_not_with_frames() -> None:
    """Where nothing moves, a mask that is gone leaves the same trace after 0.1 s, at 30 frames a second or at 10."""
    traces = []
    for count in (3, 1):
        stages, model, grey = Stages(), FakeModel(), np.full(SHAPE, 90, np.uint8)
        settings = settings_with(model, smoothing=0.8)
        for number in range(3):
            stages(grey, settings, 10 + number / 30)
        model.predict = lambda frame: np.zeros(frame.shape[:2], np.float32)  # type: ignore[method-assign]
        for number in range(1, count + 1):
            result = stages(grey, settings, 10 + 2 / 30 + 0.1 * number / count)
        traces.append(result.mask[:, :16].mean())
    assert traces == pytest.approx([0.8**3] * 2, rel=0.02)


def test_an_effect_that_asks_for_the_time_gets_it_from_the_first_frame_on() -> None:
    times: list[float] = []

    class Timed:
        takes_time = True

        def __call__(self, frame: np.ndarray, mask: np.ndarray, time: float) -> np.ndarray:
            times.append(time)
            return frame

    stages, settings = Stages(), settings_with(FakeModel(), effect=Timed())
    for time in (500.0, 500.5, 502.0):
        stages(np.zeros(SHAPE, np.uint8), settings, time)
    assert times == [0, 0.5, 2]


def test_the_mirror_swaps_left_and_right_of_frame_and_past() -> None:
    """Two greys so near each other that the mask's past would count: it must not show on the wrong side."""

    class Bright(FakeModel):
        def predict(self, frame: np.ndarray) -> np.ndarray:
            return (frame[..., 0] > 92).astype(np.float32)

    frame = np.full(SHAPE, 90, np.uint8)
    frame[:, :32] = 94
    stages, settings = Stages(), settings_with(Bright(), smoothing=0.9)
    for number in range(5):
        stages(frame, settings, 10 + number / 30)
    result = stages(frame, replace(settings, mirror=True), 10 + 5 / 30)
    np.testing.assert_array_equal(result.output, np.fliplr(frame))
    assert result.mask[:, :16].max() == 0
    assert result.mask[:, 48:].min() == 1


@pytest.mark.parametrize(("keep", "note", "kept"), [(("person", "cat"), "cat", True), (("cat", 3), "cat, bird", False)])
def test_classes_that_the_model_does_not_know_are_told(
    keep: tuple[str | int, ...], note: str, kept: bool, recwarn: pytest.WarningsRecorder
) -> None:
    stages = Stages()
    result = stages(np.zeros(SHAPE, np.uint8), settings_with(FakeModel(), keep=keep), 0.0)
    assert note in stages.predict.note
    assert result.mask.any() == kept
    assert len(recwarn) == 0


def test_the_model_before_goes_on_while_one_with_other_classes_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    end = threading.Event()
    hats = SimpleNamespace(class_names=("background", "hat"))
    monkeypatch.setitem(MODELS, "hats", hats)
    monkeypatch.setattr("seglib.predict.load_model", lambda name, **options: end.wait(DEADLINE))
    stages, frame = Stages(), np.zeros(SHAPE, np.uint8)
    assert stages(frame, settings_with(FakeModel()), 0.0).mask.any()
    result = stages(frame, Settings(model="hats", keep=("hat",), panes=("labels",)), 1.0)
    assert result.mask[:, :16].min() == 1, "it keeps what it kept"
    assert result.labels is not None
    assert stages.predict.note == "loading hats"
    end.set()


# ---- slow models -------------------------------------------------------------------------------------------


class Clip(FakeModel):
    """Predicts the exact masks of some frames of the clip, each time that the test allows it."""

    def __init__(self) -> None:
        with seglib.open_source("clip") as clip:
            self.frames = list(islice(clip, 48, 60))  # where she moves most
        self.truths = list(islice(seglib.sample_clip_masks(), 48, 60))
        self.allowed, self.asked, self.answered = (threading.Semaphore(0) for _ in range(3))

    def predict(self, frame: np.ndarray) -> np.ndarray:
        self.asked.release()
        assert self.allowed.acquire(timeout=DEADLINE)
        self.answered.release()
        (number,) = [number for number, known in enumerate(self.frames) if np.array_equal(known, frame)]
        return self.truths[number]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Clip, Stages, Settings]]:
    """Every model counts as slow, and this one has predicted frame 0."""
    monkeypatch.setattr(ModelSpeed, "of", lambda speed, model: Speed.SLOW)
    model, stages = Clip(), Stages()
    settings = settings_with(model, smoothing=0.0)
    model.allowed.release()
    stages(model.frames[0], settings, 0.0)
    yield model, stages, settings
    stages.predict.close()
    model.allowed.release(20)


def test_the_mask_follows_the_picture_while_a_slow_model_predicts(slow: tuple[Clip, Stages, Settings]) -> None:
    model, stages, settings = slow
    for number in range(1, 12):  # no prediction comes in all this time
        result = stages(model.frames[number], settings, number / 30)
    held = seglib.iou(seglib.clean_mask(model.truths[0], model.frames[0]), model.truths[11])
    assert seglib.iou(result.mask, model.truths[11]) > 0.85 > 0.7 > held


def test_a_late_prediction_is_carried_to_the_present(slow: tuple[Clip, Stages, Settings]) -> None:
    """The follower alone has lost track; the prediction of frame 1, which comes at frame 6, sets it right."""
    model, stages, settings = slow
    assert model.asked.acquire(timeout=DEADLINE), "of frame 0"
    black = np.zeros_like(model.frames[0])
    model.frames.append(black)
    model.truths.append(np.zeros_like(model.truths[0]))
    stages(model.frames[1], settings, 1 / 30)
    assert model.asked.acquire(timeout=DEADLINE), "of frame 1"
    for number in range(2, 12):
        if number == 6:
            model.allowed.release()
            assert model.answered.acquire(timeout=DEADLINE)
            assert model.answered.acquire(timeout=DEADLINE)
            assert model.asked.acquire(timeout=DEADLINE), "of a later frame, so the result of frame 1 is there"
        result = stages(model.frames[number], settings, number / 30)
    assert seglib.iou(result.mask, model.truths[11]) > seglib.iou(model.truths[1], model.truths[11]) + 0.1


def test_what_a_slow_model_raises_is_raised(slow: tuple[Clip, Stages, Settings]) -> None:
    model, stages, settings = slow
    model.truths.clear()
    model.allowed.release(5)

    def fails() -> bool:
        try:
            stages(model.frames[1], settings, 0.1)
        except IndexError:
            return True
        return False

    wait_until(fails)


def test_the_mirror_flips_the_past_of_a_slow_model_too(slow: tuple[Clip, Stages, Settings]) -> None:
    model, stages, settings = slow
    result = stages(model.frames[1], replace(settings, mirror=True), 0.1)
    assert seglib.iou(result.mask, np.ascontiguousarray(model.truths[1][:, ::-1])) > 0.95
