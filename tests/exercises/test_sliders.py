"""A picture below sliders: it follows them, and a page without a kernel shows it at its first values."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import pytest

from seglib.arrays import Frame
from seglib.exercises.sliders import explore, slider_box


def grey(level: int = 128) -> Frame:
    return np.full((40, 60, 3), level, np.uint8)


def level_of(jpeg: bytes) -> float:
    return float(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE).mean())


def test_the_picture_follows_a_slider_from_its_default() -> None:
    slider, picture = slider_box(grey, {"level": (0, 255, 5)}).children
    assert level_of(picture.value) == pytest.approx(128, abs=1)
    slider.value = 10
    assert level_of(picture.value) == pytest.approx(10, abs=1)


def test_without_a_kernel_there_is_a_picture_with_alternative_text(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[dict[str, str], dict[str, dict[str, str]]]] = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, metadata, raw: shown.append((bundle, metadata)))
    explore(grey, "A grey square", level=(0, 255, 5))
    ((bundle, metadata),) = shown
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert level_of(base64.b64decode(bundle["image/jpeg"])) == pytest.approx(128, abs=1)
    assert metadata["image/jpeg"]["alt"] == "A grey square"
