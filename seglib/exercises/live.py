"""The exercises of 06_live.ipynb: only the newest frame counts, and a slider of your own."""

from functools import partial
from typing import Any

import numpy as np

from seglib.arrays import Frame, Mask
from seglib.blur import blur_background
from seglib.exercises.marking import Answer, NotYet, describe, exercise
from seglib.samples import sample_frame, sample_mask


@exercise("Newest", "06_live")
def check_newest(Newest: Answer) -> str:
    """``Newest()`` holds one frame: ``put(frame)`` replaces it, ``take()`` gives it once, and else None."""
    frames = [np.full((4, 6, 3), level, np.uint8) for level in range(6)]
    slot = Slot(Newest())
    slot.need(None, "nothing was put in yet")
    slot.put(frames[0])
    slot.need(0, "frame 0 was put in")
    slot.need(None, "frame 0 was taken already")
    for frame in frames[1:4]:
        slot.put(frame)
    slot.need(3, "the frames 1, 2 and 3 were put in before anybody took one")
    slot.need(None, "only frame 3 was left, and it was taken")
    other = Slot(Newest())
    slot.put(frames[4])
    other.need(None, "another slot got a frame, and this one none")
    slot.need(4, "frame 4 was put in, and another slot was asked first")
    return "late takers get the newest frame, early ones get None, and nobody gets a frame twice"


class Slot:
    """A learner's slot, asked step by step. Frame number n is all n."""

    def __init__(self, given: Any) -> None:
        for name in ("put", "take"):
            if not callable(getattr(given, name, None)):
                raise NotYet(f"Newest() is {describe(given)} without a method {name}", "It needs two: put and take.")
        self._put, self._take = Answer(given.put, "put"), Answer(given.take, "take")

    def put(self, frame: Frame) -> None:
        """Put a frame in."""
        self._put(frame)

    def need(self, number: int | None, story: str) -> None:
        """Take a frame out; raise NotYet if it is not the one with this number."""
        taken = self._take()
        got = None if taken is None else int(np.asarray(taken).flat[0])
        if got == number:
            return
        seen = f"{story}; take() gives {'None' if got is None else f'frame {got}'}"
        if got is None:
            raise NotYet(seen, "There was a frame for it. Where does put keep it, and does take return it?")
        if number is None and "another slot" in story:
            raise NotYet(seen, "The two share something. What belongs to the object, and what to the class?")
        if number is None:
            raise NotYet(seen, "A frame is given once: who takes it a second time would do the same work again.")
        raise NotYet(seen, "That one is old. A picture that is shown late is worth less than one that is skipped.")


class PretendLive:
    """Stands in for seglib.Live and remembers what it was asked to change."""

    def __init__(self) -> None:
        self.effects: list[Any] = []
        self.others: list[str] = []

    def change(self, **changes: Any) -> None:
        """Take the changes down."""
        if "effect" in changes:
            self.effects.append(changes.pop("effect"))
        self.others += changes


@exercise("blur_slider", "06_live")
def check_blur_slider(blur_slider: Answer) -> str:
    """``blur_slider(live)`` gives a slider from 1 to 40 that changes the sigma of the blur while it is moved."""
    live = PretendLive()
    slider = blur_slider(live)
    _need_slider(slider)
    frame, mask = sample_frame()[::8, ::8], sample_mask()[::8, ::8]
    for sigma in (5, 20, 1, 40):
        before = len(live.effects)
        blur_slider.watch(partial(setattr, slider, "value", sigma))
        _need_change(live, before, sigma)
        _need_effect(blur_slider, live.effects[-1], sigma, frame, mask)
    return "moved to four places, the blur follows each time"


def _need_slider(slider: Any) -> None:
    if slider is None:
        raise NotYet("blur_slider gave back None", "The slider has to be seen. Does it end in a return?")
    if not all(hasattr(slider, name) for name in ("value", "min", "max", "observe")):
        raise NotYet(f"blur_slider gave back {describe(slider)}", "A slider is asked for, such as widgets.FloatSlider.")
    if (float(slider.min), float(slider.max)) != (1.0, 40.0):
        seen = f"the slider runs from {slider.min} to {slider.max}"
        raise NotYet(seen, "From 1 to 40 is asked for. (A blur of 0 would be an error.) Which arguments say so?")


def _need_change(live: PretendLive, before: int, sigma: float) -> None:
    if len(live.effects) > before:
        return
    if live.others:
        raise NotYet(
            f"moved to {sigma}, it changes {live.others[0]!r}",
            "The right moment, but it is the effect that is to change.",
        )
    raise NotYet(f"moved to {sigma}, it changes nothing", "Who tells live about it? A slider can be observed.")


def _need_effect(blur_slider: Answer, effect: Any, sigma: float, frame: Frame, mask: Mask) -> None:
    seen = f"moved to {sigma}, the effect is {describe(effect)}"
    if not callable(effect):
        raise NotYet(seen, "An effect is called as effect(frame, mask). Which class makes one out of a sigma?")
    output = Answer(effect, "effect")(frame, mask)
    if not isinstance(output, np.ndarray) or output.shape != frame.shape:
        raise NotYet(f"{seen} and gives {describe(output)}", "An output has the shape of the frame.")
    if np.abs(output.astype(float) - blur_background(frame, mask, sigma)).max() > 1:
        raise NotYet(seen + ", but it blurs with another sigma", "Which value of the slider does it use: the new one?")
