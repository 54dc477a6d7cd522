"""seglib.Pipeline: its stages give what the whole walk gives, and each does what the lesson's function does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import seglib
from seglib import Pipeline
from seglib.predict import Model

FRAME = seglib.sample_frame()


@pytest.fixture(scope="module")
def model() -> Model:
    return seglib.load_model()


def test_the_stages_one_by_one_are_the_whole_walk(model: Model) -> None:
    frames = [FRAME, np.roll(FRAME, 9, axis=1)]
    whole, stages = (Pipeline(model, effect=seglib.Blur(), feather=3, labels=True) for _ in range(2))
    for frame, prediction in zip(frames, stages.predict(frames), strict=True):
        result, mask = whole(frame), stages.smooth(stages.refine(prediction))
        np.testing.assert_allclose(result.mask, mask, atol=1e-5)
        np.testing.assert_array_equal(result.output, seglib.blur_background(frame, result.mask))
        assert np.mean(result.labels != model.labels(frame)) < 0.005


def test_without_options_it_is_the_models_mask_and_the_frame(model: Model) -> None:
    result = Pipeline(model, clean=False, steady=False)(FRAME)
    np.testing.assert_array_equal(result.mask, model.mask(FRAME))
    assert result.output is FRAME
    assert result.labels is None


def test_the_past_counts_until_a_reset(model: Model) -> None:
    pipeline = Pipeline(model, steady=seglib.Steady(smoothing=0.5))
    [prediction] = pipeline.predict([FRAME])
    first, second = pipeline.smooth(prediction), pipeline.smooth(prediction, smoothing=0)
    np.testing.assert_allclose(first, second, atol=1e-6)
    pipeline.threshold = 1.0
    faded = pipeline.smooth(pipeline.refine(prediction))
    pipeline.reset()
    fresh = pipeline.smooth(pipeline.refine(prediction))
    assert fresh.sum() < faded.sum() < first.sum()


def test_an_effect_that_takes_the_time_gets_it(model: Model) -> None:
    class Clock:
        takes_time = True

        def __call__(self, frame: np.ndarray, mask: np.ndarray, time: float | None) -> np.ndarray:
            return np.full_like(frame, time or 0)

    pipeline = Pipeline(model, effect=Clock())
    assert [pipeline(FRAME, time).output[0, 0, 0] for time in (7.0, None)] == [7, 0]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"model": "portrat"}, ValueError, "nearest first: portrait"),
        ({"model": 5}, TypeError, "int.*load_model"),
        ({"keep": "persn"}, ValueError, "nearest first: person"),
        ({"threshold": 0}, ValueError, "threshold is 0"),
        ({"feather": -1}, ValueError, "feather is -1"),
    ],
)
def test_options_that_do_not_fit_are_refused_at_once(options: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        Pipeline(**options)


@pytest.mark.parametrize(("frames", "words"), [([], "no frames"), ([FRAME, FRAME[:9]], "frame 1 is")])
def test_a_batch_holds_frames_of_one_size(model: Model, frames: list[np.ndarray], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Pipeline(model).predict(frames)
