"""The mask as people judge it, on the samples: rims, exposure, several people, a background that is to be read.

The bounds hold for any network worth shipping; what `portrait` reached is printed, `pytest -s` shows it.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage.metrics import structural_similarity

import seglib
from seglib.live.jpeg import encode_jpeg

Walk = Callable[[NDArray[np.uint8]], seglib.Mask]
SAMPLES = ("astronaut", "hopper")


@pytest.fixture(scope="module")
def model() -> seglib.Model:
    return seglib.load_model()


def mask_of(model: seglib.Model, frame: seglib.Frame, **options: bool) -> seglib.Mask:
    return seglib.Pipeline(model, steady=False, **options)(frame).mask


def depth(truth: seglib.Mask) -> NDArray[np.float32]:
    """How many pixels each pixel lies inside the outline; negative outside."""
    inside, outside = (np.uint8(where) for where in (truth >= 0.5, truth < 0.5))
    return cv2.distanceTransform(inside, cv2.DIST_L2, 5) - cv2.distanceTransform(outside, cv2.DIST_L2, 5)


def place(picture: NDArray, scale: float, left: int, shape: tuple[int, int] = (480, 640)) -> NDArray[np.float32]:
    """A picture, scaled, at the bottom of an empty one."""
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    placed = np.zeros((*shape, *picture.shape[2:]), np.float32)
    width = min(small.shape[1], shape[1] - left)
    placed[shape[0] - small.shape[0] :, left : left + width] = small[:, :width]
    return placed


def line_chart(height: int, width: int) -> seglib.Frame:
    """Thin lines, a grid and small figures on white."""
    chart = np.full((height, width, 3), 255, np.uint8)
    chart[::40] = chart[:, ::40] = 210
    x = np.arange(width)
    for number, colour in enumerate([(200, 30, 30), (20, 90, 200), (20, 130, 60)], 1):
        y = height * (0.5 + 0.4 * np.sin(6 * number * x / width + number))
        cv2.polylines(chart, [np.int32(np.stack([x, y], axis=1))], False, colour, 1, cv2.LINE_AA)
    for row in range(30, height, 45):
        cv2.putText(chart, f"{row} %", (10, row), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA)
    return chart


@pytest.mark.parametrize("name", SAMPLES)
def test_two_backgrounds_show_no_rim(model: seglib.Model, name: str) -> None:
    """What changes between black and white is background: all of it outside the outline, none of it inside."""
    frame, truth = seglib.sample_frame(name), seglib.sample_mask(name)
    mask = mask_of(model, frame)
    black, white = (seglib.replace_background(frame, mask, colour).astype(float) for colour in ("black", "white"))
    background = (white - black).mean(axis=2) / 255
    inward = depth(truth)
    outside, inside = (background[(low <= inward) & (inward <= low + 5)].mean() for low in (-8, 3))
    print(f"{name}: {outside:.3f} of what is 3 to 8 px outside is background, and {inside:.3f} of what is inside")
    assert outside > 0.92, "a rim of the old background"
    assert inside < 0.18, "the new background shows through the person's edge"


@pytest.mark.parametrize("name", SAMPLES)
def test_one_threshold_holds_in_dim_and_in_bright_light(model: seglib.Model, name: str) -> None:
    frame, truth = seglib.sample_frame(name), seglib.sample_mask(name)
    scores = {}
    for light in (0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6):
        lit = np.uint8(np.clip(frame * light, 0, 255))
        scores[light] = round(seglib.iou(mask_of(model, lit), truth), 4)
    print(name, scores)
    assert min(scores.values()) > 0.88


def test_only_the_person_in_front_is_kept_where_that_is_chosen(model: seglib.Model) -> None:
    scene = seglib.replace_background(seglib.sample_frame(), np.zeros((480, 640), np.float32), "room")
    truths = []
    for name, scale, left in (("hopper", 0.4, 0), ("astronaut", 0.9, 220)):
        picture, mask = seglib.sample_frame(name), seglib.sample_mask(name)
        truths.append(place(mask, scale, left))
        scene = seglib.blend(np.uint8(place(picture, scale, left)), truths[-1], scene)
    behind, front = truths
    everyone, one = (mask_of(model, scene, only_largest=choice) for choice in (False, True))
    print(f"both {seglib.iou(everyone, np.maximum(behind, front)):.3f}, the one in front {seglib.iou(one, front):.3f}")
    assert everyone[behind > 0.9].mean() > 0.8
    assert one[behind > 0.9].mean() < 0.02
    assert seglib.iou(one, front) > 0.9


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("times", [1, 2])
def test_a_line_chart_behind_a_person_can_be_read(model: seglib.Model, name: str, times: int) -> None:
    """Away from the person it is the chart itself: no false positives, no softness; and in Live's JPEG nearly so."""
    frame, truth = seglib.sample_frame(name), seglib.sample_mask(name)
    height, width = truth.shape
    chart = line_chart(height, width)
    enlarged = chart.repeat(times, axis=0).repeat(times, axis=1)
    output = seglib.replace_background(frame, mask_of(model, frame), enlarged)
    away = depth(truth) < -24
    shown = {"output": output, "in Live": np.array(Image.open(io.BytesIO(encode_jpeg(output))))}
    for place_, picture in shown.items():
        grey, wanted = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (picture, chart))
        _, similarity = structural_similarity(grey, wanted, full=True)
        contrast = grey[away].std() / wanted[away].std()
        print(f"{name}, {place_}: SSIM {similarity[away].mean():.3f}, contrast {contrast:.3f}")
        assert similarity[away].mean() > 0.95
        assert 0.9 < contrast < 1.1
