"""seglib.Live on a page, as a test uses it: press, wait for pictures, read back what the canvas shows."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from page import NotebookPage

PICTURES = int(os.environ.get("SEGLIB_SOAK", "2000"))  # of a long run
LIVE = """
import os, threading
os.environ.pop("SEGLIB_SOURCE", None)
import cv2, seglib
class Known:  # a model that takes no time and knows the astronaut's mask
    name, classes, class_names, truth = "known", (0, 15), seglib.VOC_CLASSES, seglib.sample_mask()
    def class_numbers(self, keep):
        return [15]
    def masks(self, frames, keep, size):
        mask = cv2.resize(self.truth, size, interpolation=cv2.INTER_AREA)
        return [mask] * len(frames)
live = seglib.Live({arguments})
live
"""
PIXELS = """() => {
    const canvas = document.querySelector('.seglib-canvas canvas');
    const {width, height} = canvas;
    const bytes = canvas.getContext('2d').getImageData(0, 0, width, height).data;
    let text = '';
    for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    return [height, width, btoa(text)];
}"""
LOOPS = "[thread.name for thread in threading.enumerate() if thread.name.startswith('seglib predict')]"


class LivePage:
    """The widget that cell 0 of a notebook shows."""

    def __init__(self, notebook: NotebookPage) -> None:
        self.notebook, self.page = notebook, notebook.page

    def show(self) -> None:
        """Run cell 0 and wait for the widget."""
        self.notebook.run(0)
        self.page.locator(".seglib-canvas").wait_for()

    def press(self, name: str) -> None:
        """Press Start, Stop, Snapshot or Record."""
        self.page.locator(f".seglib-live .seglib-{name.lower()}").click(timeout=60_000)

    def start(self) -> None:
        self.press("Start")
        self.wait_for_pictures()

    @property
    def shown(self) -> int:
        """How many pictures the page has drawn."""
        return int(self.page.locator(".seglib-canvas").get_attribute("data-shown") or 0)

    @property
    def status(self) -> str:
        """What the line of words says."""
        return self.page.locator(".seglib-status").inner_text()

    def wait_for_pictures(self, more: int = 5, seconds: float = 90) -> None:
        enough = f"+document.querySelector('.seglib-canvas').dataset.shown >= {self.shown + more}"
        self.page.wait_for_function(f"() => {enough}", timeout=1000 * seconds)

    def wait_for_state(self, state: str, seconds: float = 60) -> None:
        self.page.locator(f".seglib-canvas[data-state='{state}']").wait_for(timeout=1000 * seconds)

    def wait_until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        """Until something is true of what the page shows."""
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, f"not within {seconds} seconds"
            self.page.wait_for_timeout(200)

    def picture(self) -> NDArray[np.uint8]:
        """What the canvas shows now, (H, W, 3) uint8: its panes side by side."""
        height, width, pixels = self.page.evaluate(PIXELS)
        return np.frombuffer(base64.b64decode(pixels), np.uint8).reshape(height, width, 4)[..., :3]

    def panes(self) -> list[NDArray[np.uint8]]:
        """The panes from left to right."""
        count = len((self.page.locator(".seglib-canvas").get_attribute("data-panes") or "").split(","))
        return np.array_split(self.picture(), count, axis=1)
