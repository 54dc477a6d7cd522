"""seglib.temporal: late masks on frames whose true masks are known, beside holding the last mask."""

from __future__ import annotations

import threading
import tracemalloc

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.data import astronaut, brick
from skimage.transform import SimilarityTransform
from skimage.transform import warp as skimage_warp

import seglib
from seglib import Follow

HEIGHT, WIDTH = 180, 240


def scene(x: float = 120, angle: float = 0.0, height: int = HEIGHT) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A textured person, an ellipse cut from a photo, before a brick wall; moved by scikit-image, so both are known."""
    size = height, height * WIDTH // HEIGHT
    scale = height / HEIGHT
    photo = astronaut()[40:400, 60:420].astype(np.float64)
    wall = np.stack([brick()[:360, :480]] * 3, axis=-1) * np.array([0.7, 0.9, 1.0])
    rows, columns = np.mgrid[:360, :360]
    shape = np.clip((1 - np.hypot((rows - 180) / 170, (columns - 180) / 110)) * 60, 0, 1)
    person = np.dstack([photo, 255 * shape])
    centre = SimilarityTransform(translation=(-180, -180))
    move = SimilarityTransform(scale=0.4 * scale, rotation=angle, translation=(x * scale, 95 * scale))
    moved = skimage_warp(person, (centre + move).inverse, output_shape=size, preserve_range=True)
    alpha = moved[..., 3:] / 255
    back = cv2.resize(wall, size[::-1], interpolation=cv2.INTER_AREA)
    frame = np.rint(alpha * moved[..., :3] + (1 - alpha) * back).clip(0, 255).astype(np.uint8)
    return frame, alpha[..., 0].astype(np.float32)


def late(frames: list[np.ndarray], masks: list[np.ndarray], delay: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """What is shown where each prediction takes ``delay`` frames and the next begins when it is done; and the held."""
    follow, begun, held, shown = Follow(), 0, np.zeros_like(masks[0]), []
    holding = []
    for number, frame in enumerate(frames):
        if number >= begun + delay:
            follow.update(masks[begun], frames[begun])
            held, begun = masks[begun], number
        shown.append(follow.mask(frame))
        holding.append(held)
    return shown, holding


def mean_iou(masks: list[np.ndarray], truths: list[np.ndarray]) -> float:
    return float(np.mean([seglib.iou(mask, truth) for mask, truth in zip(masks, truths, strict=True)]))


PATHS = {
    "to the right": [(60 + 3.0 * n, 0.0) for n in range(24)],
    "to and fro": [(120 + 50 * np.sin(n / 6), 0.0) for n in range(24)],
    "turning": [(120, np.radians(3.0 * n)) for n in range(24)],
    "out and in again": [(120 + 160 * np.sin(n / 36 * np.pi), 0.0) for n in range(36)],
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("delay", [3, 8])
def test_a_late_mask_stays_on_a_person_that_moves(path: str, delay: int) -> None:
    frames, truths = zip(*[scene(x, angle) for x, angle in PATHS[path]], strict=True)
    shown, held = late(list(frames), list(truths), delay)
    ours, naive = (mean_iou(masks[delay:], list(truths[delay:])) for masks in (shown, held))
    assert ours > 0.8
    assert 1 - ours < 0.7 * (1 - naive), "far less wrong than holding the last mask"


def test_on_the_recorded_clip_late_exact_masks_are_followed_far_better_than_held() -> None:
    """Frames 40 to 110: the person walks out of the picture and comes back."""
    with seglib.open_source("clip") as clip:
        frames = [frame for number, frame in enumerate(clip) if 40 <= number < 110]
    truths = [mask for number, mask in enumerate(seglib.sample_clip_masks()) if 40 <= number < 110]
    shown, held = late(frames, truths, 7)
    assert mean_iou(shown[7:], truths[7:]) > 0.88
    assert mean_iou(held[7:], truths[7:]) < 0.6


def test_where_nothing_moves_the_mask_stays_as_it_is() -> None:
    frame, truth = scene()
    follow = Follow()
    follow.update(truth, frame)
    for _ in range(30):
        mask = follow.mask(frame)
    assert seglib.iou(mask, truth) > 0.98


def test_before_the_first_prediction_nothing_is_kept() -> None:
    frame, _ = scene()
    mask = Follow().mask(frame)
    assert mask.shape == frame.shape[:2]
    assert mask.dtype == np.float32
    assert not mask.any()


def test_a_prediction_is_carried_through_the_frames_that_were_seen_since() -> None:
    frames, truths = zip(*[scene(60 + 4 * n) for n in range(16)], strict=True)
    follow = Follow()
    for frame in frames[:-1]:
        follow.mask(frame)
    follow.update(truths[3], frames[3].copy())
    assert seglib.iou(follow.mask(frames[-1]), truths[-1]) > 0.75
    assert seglib.iou(truths[3], truths[-1]) < 0.4


def test_a_prediction_older_than_the_memory_or_of_a_frame_never_shown_is_used_too() -> None:
    frames, truths = zip(*[scene(100 + 2 * n) for n in range(12)], strict=True)
    follow = Follow(history=2)
    for frame in frames[1:]:
        follow.mask(frame)
    follow.update(truths[0], frames[0])
    assert seglib.iou(follow.mask(frames[-1]), truths[-1]) > seglib.iou(truths[0], truths[-1]) + 0.1


def test_black_frames_come_and_go_and_the_person_is_found_again_by_the_colours() -> None:
    frame, truth = scene()
    black = np.zeros_like(frame)
    follow = Follow()
    follow.mask(frame)
    follow.update(truth, frame)
    for _ in range(5):
        follow.mask(black)
    follow.update(np.zeros_like(truth), black)
    assert not (follow.mask(black) > 0.5).any()
    assert seglib.iou(follow.mask(frame), truth) > 0.7


def test_after_a_cut_a_prediction_of_the_new_scene_counts_and_one_of_the_old_does_not_smear() -> None:
    frame, truth = scene()
    other = np.ascontiguousarray(255 - frame[:, ::-1])
    follow = Follow()
    follow.mask(frame)
    follow.mask(other)
    follow.update(truth, frame)  # late: it was made before the cut
    follow.update(truth[:, ::-1], other)
    assert seglib.iou(follow.mask(other), truth[:, ::-1]) > 0.95


@pytest.mark.parametrize("size", [(90, 120), (240, 180), (7, 5), (1, 1), (300, 20)], ids=str)
def test_frames_of_another_size_may_come_at_any_time(size: tuple[int, int]) -> None:
    frame, truth = scene()
    small = cv2.resize(frame, size[::-1])
    follow = Follow()
    follow.mask(frame)
    follow.update(truth, frame)
    mask = follow.mask(small)
    assert mask.shape == size
    assert mask.min() >= 0
    assert mask.max() <= 1
    follow.update(truth, frame)  # of the size before
    assert follow.mask(small).shape == size
    follow.update(np.ones(size, bool), small)
    assert follow.mask(small).mean() > 0.95


def test_a_prediction_may_come_before_any_frame() -> None:
    frame, truth = scene()
    follow = Follow()
    follow.update(truth, frame)
    assert seglib.iou(follow.mask(frame), truth) > 0.98


def test_reset_forgets_mask_and_colours() -> None:
    frame, truth = scene()
    follow = Follow()
    follow.update(truth, frame)
    assert follow.mask(frame).any()
    follow.reset()
    assert not follow.mask(frame).any()


def test_inputs_stay_as_they_are_and_later_changes_to_them_change_nothing() -> None:
    frames, truths = zip(*[scene(100 + 2 * n) for n in range(4)], strict=True)
    expected, follow = Follow(), Follow()
    for frame, truth in zip(frames, truths, strict=True):
        wanted = expected.mask(frame)
        expected.update(truth, frame)
        mine, mask = frame.copy(), truth.copy()
        result = follow.mask(mine)
        np.testing.assert_array_equal(mine, frame)
        follow.update(mask, mine)
        np.testing.assert_array_equal(mask, truth)
        np.testing.assert_array_equal(result, wanted)
        result[:], mine[:], mask[:] = 0.5, 7, 0.1


def test_memory_is_bounded() -> None:
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
    assert grown < 12 * 0.5e6, "8 frames, each of less than half a MB, take the place of those before"


def test_it_starts_no_thread() -> None:
    frame, truth = scene()
    before = threading.active_count()
    follow = Follow()
    follow.mask(frame)
    follow.update(truth, frame)
    assert threading.active_count() == before


def test_wrong_input_is_refused() -> None:
    frame, truth = scene()
    with pytest.raises(ValueError, match="memory is 0"):
        Follow(history=0)
    with pytest.raises(ValueError, match="^frame is"):
        Follow().mask(frame / 255)
    with pytest.raises(ValueError, match=r"mask is \(90, 240\) but the frame is \(180, 240\)"):
        Follow().update(truth[:90], frame)
    with pytest.raises(ValueError, match="NaN"):
        Follow().update(truth * np.nan, frame)
