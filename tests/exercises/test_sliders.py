"""A picture below sliders: it follows them, and a page without a kernel shows it at its first values."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from seglib.arrays import Frame
from seglib.exercises.sliders import explore, slider_box


def grey(level: int = 128) -> Frame:
    return np.full((40, 60, 3), level, np.uint8)


def level_of(html: str) -> float:
    (data,) = re.findall(r'src="data:image/webp;base64,([^"]+)"', html)
    return float(np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("L")).mean())


def test_the_picture_follows_a_slider_from_its_default() -> None:
    slider, picture = slider_box(grey, "A square", {"level": (0, 255, 5)}).children
    assert level_of(picture.value) == pytest.approx(128, abs=2)
    slider.value = 10
    assert level_of(picture.value) == pytest.approx(10, abs=2)
    assert 'alt="A square"' in picture.value


def test_a_figure_may_be_drawn_and_is_closed() -> None:
    def line(height: float = 1.0) -> Figure:
        figure, axis = plt.subplots()
        axis.plot([0, height])
        return figure

    before = plt.get_fignums()
    slider, picture = slider_box(line, "A line", {"height": (0.0, 2.0)}).children
    first, slider.value = picture.value, 2.0
    assert picture.value != first
    assert plt.get_fignums() == before


def test_without_a_kernel_there_is_a_picture_with_alternative_text(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    explore(grey, "A grey square", level=(0, 255, 5))
    (bundle,) = shown
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert level_of(bundle["text/html"]) == pytest.approx(128, abs=2)
    assert 'alt="A grey square"' in bundle["text/html"]
    assert "A grey square" in bundle["text/plain"]
