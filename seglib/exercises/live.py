"""The exercises of ``06_live.ipynb``: keep only the newest frame, and a slider of your own."""

from functools import partial
from typing import Any

import numpy as np

from seglib.arrays import Frame, Mask
from seglib.blur import blur_background
from seglib.exercises.checks import CheckFailed, Submission, describe, exercise
from seglib.samples import sample_frame, sample_mask


@exercise("Newest", "06_live")
def check_newest(Newest: Submission) -> str:
    """``Newest()`` holds one frame: ``put(frame)`` replaces it, ``take()`` gives it once, otherwise None."""
    frames = [np.full((4, 6, 3), level, np.uint8) for level in range(6)]
    slot = _Slot(Newest())
    slot.expect(None, "nothing has been put in")
    slot.put(frames[0])
    slot.expect(0, "frame 0 was put in")
    slot.expect(None, "frame 0 has been taken already")
    for frame in frames[1:4]:
        slot.put(frame)
    slot.expect(3, "frames 1, 2 and 3 were put in before the first take()")
    slot.expect(None, "frame 3, the only one left, has been taken")
    other = _Slot(Newest())
    slot.put(frames[4])
    other.expect(None, "a frame was put into another object, none into this one")
    slot.expect(4, "frame 4 was put in, and another object was asked first")
    return "a late take() gives the newest frame, an early one None, and no frame is given twice"


class _Slot:
    """A learner's object, tested step by step. Frame number n has the level n."""

    def __init__(self, given: Any) -> None:
        for name in ("put", "take"):
            if not callable(getattr(given, name, None)):
                raise CheckFailed(f"Newest() is {describe(given)} without a method {name}", "It needs put and take.")
        self._put, self._take = Submission(given.put, "put"), Submission(given.take, "take")

    def put(self, frame: Frame) -> None:
        self._put(frame)

    def expect(self, number: int | None, situation: str) -> None:
        """Take a frame; raise CheckFailed unless it has this number."""
        frame = self._take()
        taken = None if frame is None else int(np.asarray(frame).flat[0])
        if taken == number:
            return
        observed = f"{situation}; take() gives {'None' if taken is None else f'frame {taken}'}"
        if taken is None:
            raise CheckFailed(observed, "It should give a frame. Where does put keep it, and does take return it?")
        if number is None and "another object" in situation:
            raise CheckFailed(observed, "Two objects share data. What belongs to the object, what to the class?")
        if number is None:
            raise CheckFailed(observed, "Give each frame only once: a second time, the same work would be done again.")
        raise CheckFailed(observed, "This frame is old. Showing an old frame late is worse than skipping it.")


class FakeLive:
    """Stands in for seglib.Live and records what it is asked to change."""

    def __init__(self) -> None:
        self.effects: list[Any] = []
        self.other_changes: list[str] = []

    def change(self, **changes: Any) -> None:
        """Record the changes."""
        if "effect" in changes:
            self.effects.append(changes.pop("effect"))
        self.other_changes += changes


@exercise("blur_slider", "06_live")
def check_blur_slider(blur_slider: Submission) -> str:
    """``blur_slider(live)`` returns a slider from 1 to 40 that changes the sigma of the blur as it is moved."""
    live = FakeLive()
    slider = blur_slider(live)
    _require_slider(slider)
    frame, mask = sample_frame()[::8, ::8], sample_mask()[::8, ::8]
    for sigma in (5, 20, 1, 40):
        before = len(live.effects)
        blur_slider.guard(partial(setattr, slider, "value", sigma))
        _require_change(live, before, sigma)
        _require_effect(live.effects[-1], sigma, frame, mask)
    return "moved to four values, and the blur follows each time"


def _require_slider(slider: Any) -> None:
    if slider is None:
        raise CheckFailed("blur_slider returned None", "Return the slider, so that it is displayed.")
    if not all(hasattr(slider, name) for name in ("value", "min", "max", "observe")):
        raise CheckFailed(f"blur_slider returned {describe(slider)}", "Return a slider, such as widgets.FloatSlider.")
    if (float(slider.min), float(slider.max)) != (1.0, 40.0):
        observed = f"the slider ranges from {slider.min} to {slider.max}"
        raise CheckFailed(observed, "It should range from 1 to 40, because a sigma of 0 is an error.")


def _require_change(live: FakeLive, before: int, sigma: float) -> None:
    if len(live.effects) > before:
        return
    if live.other_changes:
        raise CheckFailed(
            f"moved to {sigma}, it changes {live.other_changes[0]!r}",
            "The right moment, but the effect should change instead.",
        )
    raise CheckFailed(f"moved to {sigma}, it changes nothing", "What calls live.change? A slider can be observed.")


def _require_effect(effect: Any, sigma: float, frame: Frame, mask: Mask) -> None:
    observed = f"moved to {sigma}, the effect is {describe(effect)}"
    if not callable(effect):
        raise CheckFailed(observed, "An effect is called as effect(frame, mask). Which class makes one from a sigma?")
    output = Submission(effect, "effect")(frame, mask)
    if not isinstance(output, np.ndarray) or output.shape != frame.shape:
        raise CheckFailed(f"{observed} and returns {describe(output)}", "An output has the shape of the frame.")
    if np.abs(output.astype(float) - blur_background(frame, mask, sigma)).max() > 1:
        raise CheckFailed(f"{observed}, but it blurs with another sigma", "Does it use the new value of the slider?")
