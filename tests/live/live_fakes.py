"""Stand-ins for the tests of the live picture: cameras and models that a test steps through, a display, a clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from seglib.capture.base import Source
from seglib.classes import VOC_CLASSES, class_numbers
from seglib.live import Loop
from seglib.live.settings import CurrentSettings, Settings

DEADLINE = 60.0  # seconds that a busy machine may take for what takes milliseconds
SHAPE = (48, 64, 3)
_pause = threading.Event()


def wait_until(condition: Callable[[], Any]) -> None:
    """Wait until something is true that other threads bring about."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "did not happen"
        _pause.wait(0.002)


def thread_names(prefix: str = "seglib") -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(prefix)]


class FakeCamera(Source):
    """Frames whose red and green hold their number, as fast as they are read. log: what happened to it."""

    fps = 30.0

    def __init__(self, name: str = "fake camera", log: list[str] | None = None) -> None:
        self.name, self.count = name, 0
        self.log = [] if log is None else log
        self.log.append(f"open {name}")

    def read(self) -> np.ndarray | None:
        _pause.wait(0.001)
        self.count += 1
        return np.full(SHAPE, (*divmod(self.count - 1, 256), 0), np.uint8)

    def release(self) -> None:
        self.log.append(f"close {self.name}")


def number_of(frame: np.ndarray) -> int:
    """The number of a fake camera's frame."""
    return int(frame[0, 0] @ [256, 1, 0])


class SteppedCamera(FakeCamera):
    """Gives a frame whenever the test calls ``step``."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._steps = threading.Semaphore(0)

    def step(self) -> None:
        self._steps.release()

    def read(self) -> np.ndarray | None:
        self._steps.acquire()
        return super().read()


class FakeModel:
    """Keeps the left half, or what ``predict`` is overridden with."""

    name = "fake"
    classes: tuple[int, ...] = (0, 15)
    class_names: tuple[str, ...] = VOC_CLASSES

    def class_numbers(self, keep: Any) -> list[int]:
        return class_numbers(keep, self.class_names)

    def predict(self, frame: np.ndarray) -> np.ndarray:
        mask = np.zeros(frame.shape[:2], np.float32)
        mask[:, : frame.shape[1] // 2] = 1
        return mask

    def masks(self, frames: Any, keep: Any, size: tuple[int, int]) -> np.ndarray:
        return np.stack([cv2.resize(self.predict(frame), size, interpolation=cv2.INTER_AREA) for frame in frames])

    def labels(self, frame: np.ndarray) -> np.ndarray:
        return np.where(self.predict(frame) > 0, 15, 0).astype(np.uint8)


class HeldModel(FakeModel):
    """Predicts when the test allows it."""

    def __init__(self) -> None:
        self.asked, self.answer = threading.Event(), threading.Event()

    def predict(self, frame: np.ndarray) -> np.ndarray:
        self.asked.set()
        assert self.answer.wait(DEADLINE)
        return super().predict(frame)


class FakeDisplay:
    """Takes every picture, if somebody watches."""

    width: int | None = None
    closed = False

    def __init__(self, views: int = 1) -> None:
        self.views = views
        self.pictures: list[tuple[bytes, tuple[str, ...]]] = []

    def wait_for_room(self, timeout: float, wanted: int = 1) -> bool:
        return True

    def show(self, jpeg: bytes, captured: float, panes: tuple[str, ...]) -> None:
        self.pictures.append((jpeg, panes))


class FakeClock:
    """A stand-in for the module ``time`` whose time a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now


def current(**changes: Any) -> CurrentSettings:
    """Settings with a fake model and no effect, but for the changes."""
    return CurrentSettings(Settings(**{"model": FakeModel(), "effect": None, **changes}))


def start(source: Any, settings: CurrentSettings | None = None, display: Any = None, **options: Any) -> Loop:
    loop = Loop(source, settings or current(), display, **options)
    loop.start()
    return loop
