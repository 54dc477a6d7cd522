"""seglib.temporal: masks that flicker, and late masks, on videos whose true masks are known."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable
from functools import cache
from itertools import islice

import cv2
import numpy as np
import pytest
from skimage.data import astronaut, brick

import seglib
from seglib import Follow, Steady, feather, flicker, iou

Arrays = list[np.ndarray]


@cache
def clip(start: int, stop: int) -> tuple[Arrays, Arrays]:
    """Some frames of the recorded clip and their exact masks."""
    with seglib.open_source("clip") as source:
        frames = list(islice(source, start, stop))
    return frames, list(islice(seglib.sample_clip_masks(), start, stop))


def mean_iou(masks: Arrays, truths: Arrays) -> float:
    return float(np.mean([iou(mask, truth) for mask, truth in zip(masks, truths, strict=True)]))


# ---- Steady ------------------------------------------------------------------------------------------------


def disc(x: float, height: int = 60, width: int = 80, radius: float = 18) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    return ((columns - x) ** 2 + (rows - height / 2) ** 2 <= radius**2).astype(np.float32)


def noisy_frame(rng: np.random.Generator, truth: np.ndarray) -> np.ndarray:
    noise = rng.normal(0, 3, (*truth.shape, 3))
    return np.clip(np.where(truth[..., None] > 0, 180, 60) + noise, 0, 255).astype(np.uint8)


def flickering(count: int) -> tuple[np.ndarray, Arrays, Arrays]:
    """A disc that stands still before a camera with noise, and masks whose every pixel flickers."""
    rng, truth = np.random.default_rng(0), disc(40)
    frames = [noisy_frame(rng, truth) for _ in range(count)]
    masks = [np.clip(feather(truth, 4) + rng.normal(0, 0.1, truth.shape), 0, 1).astype("f4") for _ in range(count)]
    return truth, frames, masks


def test_where_nothing_moves_the_mask_flickers_much_less_and_is_no_worse() -> None:
    truth, frames, masks = flickering(20)
    steady = Steady()
    smoothed = [steady(mask, frame) for mask, frame in zip(masks, frames, strict=True)]
    assert flicker(smoothed[5:]) < flicker(masks[5:]) / 3
    assert iou(smoothed[-1], truth) >= iou(masks[-1], truth) - 0.01


@pytest.mark.parametrize("options", [{"smoothing": 0}, {}], ids=["of the object", "of one call"])
def test_a_smoothing_of_zero_changes_nothing(options: dict[str, float]) -> None:
    steady = Steady(**options)
    _, frames, masks = flickering(3)
    for mask, frame in zip(masks, frames, strict=True):
        np.testing.assert_array_equal(steady(mask, frame, *([] if options else [0])), mask)


@pytest.mark.parametrize("speed", [0.5, 2, 12])
def test_a_moving_mask_does_not_trail(speed: float) -> None:
    rng, radius = np.random.default_rng(0), 60
    steady, behind = Steady(), []
    for number in range(12):
        truth = disc(90 + speed * number, 200, 320, radius)
        raw = feather(truth, 4)
        wrong = [np.count_nonzero((m >= 0.5) != truth) for m in (steady(raw, noisy_frame(rng, truth)), raw)]
        behind.append((wrong[0] - wrong[1]) / (4 * radius))  # a disc moved by d is wrong in 4 r d pixels
    assert max(behind) < (0.5 if speed > 5 else 2)


def test_the_recorded_clip_flickers_less_and_is_no_worse() -> None:
    """The edge of each mask jitters by a pixel or two, on real movement, shake, noise and light."""
    rng, steady = np.random.default_rng(0), Steady()
    frames, truths = clip(0, 24)
    raw = [np.roll(truth, rng.integers(-2, 3, 2), axis=(0, 1)) for truth in truths]
    smoothed = [steady(mask, frame) for mask, frame in zip(raw, frames, strict=True)]
    assert mean_iou(smoothed, truths) > mean_iou(raw, truths) - 0.01
    assert flicker(smoothed, truths) < flicker(raw, truths)


def restart_by_cut(steady: Steady, frame: np.ndarray) -> np.ndarray:
    bars = np.full_like(frame, 220)  # a bright scene between the same black bars
    bars[:12] = 0
    return bars


def restart_by_reset(steady: Steady, frame: np.ndarray) -> np.ndarray:
    steady.reset()
    return frame


def restart_by_size(steady: Steady, frame: np.ndarray) -> np.ndarray:
    return frame[:, :-10]


@pytest.mark.parametrize("restart", [restart_by_cut, restart_by_reset, restart_by_size])
def test_a_cut_a_reset_or_a_new_size_starts_again(restart: Callable[[Steady, np.ndarray], np.ndarray]) -> None:
    frame = np.full((40, 50, 3), 20, np.uint8)
    frame[:12] = 0
    steady = Steady()
    steady(np.ones((40, 50)), frame)
    following = restart(steady, frame)
    empty = np.zeros(following.shape[:2], np.float32)
    np.testing.assert_array_equal(steady(empty, following), empty)


@pytest.mark.parametrize(
    ("name", "value"),
    [("smoothing", 1), ("smoothing", -0.1), ("smoothing", math.nan), ("motion", 0), ("cut", -1)],
)
def test_steady_refuses_settings_out_of_range(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is"):
        Steady(**{name: value})


# ---- Follow ------------------------------------------------------------------------------------------------


@cache
def scene(x: float = 120, angle: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """A textured ellipse before a brick wall, (180, 240), shifted and turned by degrees, and its mask."""
    rows, columns = np.mgrid[:360, :360]
    alpha = np.clip((1 - np.hypot((rows - 180) / 170, (columns - 180) / 110)) * 60, 0, 1)
    person = np.dstack([astronaut()[40:400, 60:420].astype(np.float64), 255 * alpha])
    motion = cv2.getRotationMatrix2D((180, 180), angle, 0.4)
    motion[:, 2] += x - 180, 95 - 180
    moved = cv2.warpAffine(person, motion, (240, 180))
    mask = moved[..., 3:] / 255
    wall = np.stack([brick()[:360:2, :480:2]] * 3, axis=-1) * np.array([0.7, 0.9, 1.0])
    frame = np.rint(mask * moved[..., :3] + (1 - mask) * wall).clip(0, 255).astype(np.uint8)
    return frame, mask[..., 0].astype(np.float32)


def scenes(*places: float) -> tuple[Arrays, Arrays]:
    frames, masks = zip(*map(scene, places), strict=True)
    return list(frames), list(masks)


def follow_late(frames: Arrays, masks: Arrays, delay: int) -> tuple[Arrays, Arrays]:
    """Show each frame while predictions take ``delay`` frames: the masks that Follow shows, and the last ones held."""
    follow, started, held = Follow(), 0, np.zeros_like(masks[0])
    shown, holding = [], []
    for number, frame in enumerate(frames):
        if number >= started + delay:
            follow.update(masks[started], frames[started])
            held, started = masks[started], number
        shown.append(follow.mask(frame))
        holding.append(held)
    return shown[delay:], holding[delay:]


PATHS = {
    "to the right": [(60 + 3.0 * n, 0.0) for n in range(24)],
    "turning": [(120, -3.0 * n) for n in range(24)],
    "out and in": [(120 + 160 * np.sin(n / 36 * np.pi), 0.0) for n in range(36)],
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("delay", [3, 8])
def test_a_late_mask_stays_on_what_moves(path: str, delay: int) -> None:
    frames, truths = (list(arrays) for arrays in zip(*[scene(*place) for place in PATHS[path]], strict=True))
    shown, held = (mean_iou(masks, truths[delay:]) for masks in follow_late(frames, truths, delay))
    assert shown > 0.8
    assert 1 - shown < 0.7 * (1 - held)


def test_on_the_recorded_clip_late_masks_are_followed_far_better_than_held() -> None:
    """The person walks out of the frame and comes back."""
    frames, truths = clip(40, 110)
    shown, held = (mean_iou(masks, truths[7:]) for masks in follow_late(frames, truths, 7))
    assert shown > 0.88
    assert held < 0.6


def test_where_nothing_moves_the_mask_stays_as_it_is() -> None:
    frame, truth = scene()
    follow = Follow()
    assert not follow.mask(frame).any()  # before the first prediction
    follow.update(truth, frame)
    for _ in range(30):
        mask = follow.mask(frame)
    assert (mask.shape, mask.dtype) == (truth.shape, np.float32)
    assert iou(mask, truth) > 0.98
    follow.reset()
    assert not follow.mask(frame).any()


def test_a_prediction_may_come_before_any_frame() -> None:
    frame, truth = scene()
    follow = Follow()
    follow.update(truth, frame)
    assert iou(follow.mask(frame), truth) > 0.98


@pytest.mark.parametrize("history", [64, 2], ids=["remembered", "older than the history"])
def test_a_prediction_for_an_old_frame_is_carried_to_the_present(history: int) -> None:
    frames, truths = scenes(*(100 + 2 * n for n in range(12)))
    follow = Follow(history)
    for frame in frames[:-1]:
        follow.mask(frame)
    follow.update(truths[0], frames[0].copy())
    assert iou(follow.mask(frames[-1]), truths[-1]) > iou(truths[0], truths[-1]) + 0.1


def test_after_black_frames_the_person_is_found_again_by_the_colours() -> None:
    frame, truth = scene()
    black = np.zeros_like(frame)
    follow = Follow()
    follow.update(truth, frame)
    for _ in range(5):
        follow.mask(black)
    follow.update(np.zeros_like(truth), black)
    assert not (follow.mask(black) > 0.5).any()
    assert iou(follow.mask(frame), truth) > 0.7


def test_after_a_cut_predictions_for_the_old_scene_do_not_smear() -> None:
    frame, truth = scene()
    other = np.ascontiguousarray(255 - frame[:, ::-1])
    follow = Follow()
    for image in (frame, other):
        follow.mask(image)
    follow.update(truth, frame)
    follow.update(truth[:, ::-1], other)
    assert iou(follow.mask(other), truth[:, ::-1]) > 0.95


@pytest.mark.parametrize("size", [(90, 120), (240, 180), (1, 1), (300, 20)], ids=str)
def test_frames_of_another_size_may_come_at_any_time(size: tuple[int, int]) -> None:
    frame, truth = scene()
    other = cv2.resize(frame, size[::-1])
    follow = Follow()
    follow.update(truth, frame)
    for prediction in (truth, np.ones(size, bool)):  # of the size before, then of the new one
        mask = follow.mask(other)
        assert mask.shape == size
        assert 0 <= mask.min() <= mask.max() <= 1
        follow.update(prediction, frame if prediction is truth else other)
    assert follow.mask(other).mean() > 0.95


def test_the_history_bounds_the_memory() -> None:
    frame, truth = scene()
    follow = Follow(history=8)
    follow.update(truth, frame)
    for number in range(8):
        follow.mask(np.roll(frame, number, axis=1))
    tracemalloc.start()
    for number in range(40):
        follow.mask(np.roll(frame, number, axis=1))
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 12 * 0.5e6  # 8 frames of less than half a MB replace those before


def test_follow_refuses_wrong_input() -> None:
    frame, truth = scene()
    for call, words in (
        (lambda: Follow(history=0), "history is 0"),
        (lambda: Follow().mask(frame / 255), "frame is"),
        (lambda: Follow().update(truth[:90], frame), r"\(90, 240\).*\(180, 240\)"),
        (lambda: Follow().update(truth * np.nan, frame), "NaN"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


@pytest.mark.parametrize("kind", [Steady, Follow])
def test_inputs_do_not_change_and_later_changes_to_arrays_have_no_effect(kind: type) -> None:
    def call(smoother: Steady | Follow, mask: np.ndarray, frame: np.ndarray) -> np.ndarray:
        if isinstance(smoother, Steady):
            return smoother(mask, frame)
        smoother.update(mask, frame)
        return smoother.mask(frame)

    frames, masks = scenes(100, 102, 104, 106)
    first, second = kind(), kind()
    for mask, frame in zip(masks, frames, strict=True):
        mask_copy, frame_copy = mask.copy(), frame.copy()
        result = call(first, mask_copy, frame_copy)
        np.testing.assert_array_equal(mask_copy, mask)
        np.testing.assert_array_equal(frame_copy, frame)
        np.testing.assert_array_equal(result, call(second, mask, frame))
        result[:], mask_copy[:], frame_copy[:] = 0.5, 0.1, 7
