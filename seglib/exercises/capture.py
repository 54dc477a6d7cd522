"""The exercises of ``01_capture.ipynb``: sizes, the end of a file, and skipping frames."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NoReturn

import cv2
import numpy as np

from seglib.arrays import Frame
from seglib.exercises.checks import CheckFailed, Submission, describe, exercise
from seglib.exercises.outputs import as_image
from seglib.samples import sample_clip, sample_frame

_MAX_READS = 60  # after so many reads, a loop is considered endless


@exercise("shrink", "01_capture")
def check_shrink(shrink: Submission) -> str:
    """``shrink(frame, width)`` returns the whole frame, ``width`` pixels wide, with its aspect ratio."""
    for name, width in (("astronaut", 320), ("hopper", 120), ("collage", 100)):
        frame = sample_frame(name)
        height = round(frame.shape[0] * width / frame.shape[1])
        small = shrink(frame, width)
        _require_size(small, frame, (width, height))
        small = as_image(small, (height, width, 3), "shrink")
        expected = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
        if np.abs(small.astype(float) - expected).mean() > 15:
            cropped = np.abs(small.astype(float) - frame[:height, :width]).mean() < 1
            hint = "It is a crop of the frame." if cropped else "Show it beside the frame."
            raise CheckFailed(
                "the size is right, but it does not show the whole frame", f"{hint} All of the frame should be visible."
            )
    return "three frames, one of them upright, keep their aspect ratio"


def _require_size(small: Any, frame: Frame, expected: tuple[int, int]) -> None:
    if not isinstance(small, np.ndarray) or small.ndim != 3 or small.shape[1::-1] == expected:
        return
    width, height = small.shape[1::-1]
    observed = (
        f"a frame of {frame.shape[1]} × {frame.shape[0]} pixels, reduced to a width of {expected[0]}, "
        f"is {width} × {height} and not {expected[0]} × {expected[1]}"
    )
    if (height, width) == expected:
        raise CheckFailed(observed, "cv2.resize takes a size. Which of the two numbers comes first in a size?")
    if width != expected[0]:
        raise CheckFailed(observed, "The second argument is the new width. Is it used?")
    if height == frame.shape[0]:
        raise CheckFailed(observed, "Only the width has changed. By which factor? The height needs the same factor.")
    raise CheckFailed(observed, "The height does not fit. What is the aspect ratio of this frame?")


class FakeCapture:
    """Behaves like a cv2.VideoCapture of a few small frames, and records how it is used.

    Parameters
    ----------
    count
        How many frames it has.
    black
        The numbers of the black ones.
    fails_at
        The number of the frame at which reading raises cv2.error.
    """

    def __init__(self, count: int, black: Sequence[int] = (), fails_at: int | None = None) -> None:
        self.count, self.black, self.fails_at = count, black, fails_at
        self.number = self.reads_after_end = 0
        self.released = False

    def isOpened(self) -> bool:
        """Whether there is anything to read."""
        return self.count > 0 and not self.released

    def read(self) -> tuple[bool, Frame | None]:
        """Return True and the next frame; False and None at the end."""
        if self.number == self.fails_at and not self.released:
            raise cv2.error("the camera was unplugged (this is part of the exercise)")
        if self.released or self.number >= self.count:
            self._count_reads_after_end()
            return False, None
        level = 0 if self.number in self.black else 40 + self.number
        self.number += 1
        return True, np.full((6, 8, 3), level, np.uint8)

    def grab(self) -> bool:
        """Go to the next frame without decoding it."""
        return self.read()[0]

    def get(self, what: int) -> float:
        """Return a wrong number of frames, as the headers of many files do."""
        return float(self.count + 18) if what == cv2.CAP_PROP_FRAME_COUNT else 30.0

    def release(self) -> None:
        """Close the capture."""
        self.released = True

    def _count_reads_after_end(self) -> None:
        self.reads_after_end += 1
        if self.reads_after_end > _MAX_READS:
            raise CheckFailed(
                f"the capture returned False and None {_MAX_READS} times, and count_frames went on reading",
                "What in the loop notices the end of the file?",
            )


@exercise("count_frames", "01_capture")
def check_count_frames(count_frames: Submission) -> str:
    """``count_frames(capture)`` reads an OpenCV capture to its end, releases it, and returns the number of frames."""
    for capture in (FakeCapture(7), FakeCapture(9, black=(0, 4, 5)), FakeCapture(0)):
        _require_count(count_frames(capture), capture)
        if not capture.released:
            raise CheckFailed("the number is right, but the capture is still open", "Which method closes it?")
    _require_release_after_error(count_frames)
    clip = cv2.VideoCapture(str(sample_clip()))
    total = count_frames(clip)
    if clip.isOpened() or total != 180:
        raise CheckFailed(f"the recorded clip: {describe(total)}, still open: {clip.isOpened()}", "It has 180 frames.")
    return "it counts files with and without frames, with black ones too, and releases the capture even after an error"


def _require_count(number: Any, capture: FakeCapture) -> None:
    if number == capture.count:
        return
    observed = f"a file of {capture.count} frames gives {describe(number)}"
    if number is None:
        raise CheckFailed(observed, "Does it end in a return?")
    if number == capture.count + 18:
        raise CheckFailed(observed, "That number is in the file's header, and headers may be wrong. Read, and count.")
    if capture.black and number in (capture.black[0], capture.black[1], capture.count - len(capture.black)):
        raise CheckFailed(
            f"{observed}; some of them are black", "A black frame is a frame. What else tells you that the file ends?"
        )
    if number == capture.count + 1:
        raise CheckFailed(observed, "One too many. Is the flag tested before the frame is counted?")
    raise CheckFailed(observed, "Go through your loop with pencil and paper for a file of two frames.")


def _require_release_after_error(count_frames: Submission) -> None:
    capture = FakeCapture(7, fails_at=4)
    try:
        count_frames(capture)
        raised = False
    except CheckFailed as failure:
        if not failure.observed.startswith("count_frames raised"):
            raise
        raised = True
    if not capture.released:
        raise CheckFailed(
            "the camera is unplugged at its fourth frame: read raises an error, and the capture stays open",
            "Which part of a try statement runs in any case?",
        )
    if not raised:
        raise CheckFailed(
            "the camera is unplugged at its fourth frame, and count_frames hides the error",
            "Release the capture, but let the error through. Which part of a try statement does only that?",
        )


class FakeSource:
    """Frames one after another, as a source gives them: no length, no [ ], and perhaps no end.

    Frame number n has the level 10 * n + 10, except that number 6 is black.

    Parameters
    ----------
    count
        How many frames; None for a camera.
    """

    def __init__(self, count: int | None) -> None:
        self._count, self.number = count, 0

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        if self._count is not None and self.number >= self._count:
            raise StopIteration
        if self.number >= _MAX_READS:
            raise CheckFailed(
                f"a camera has no end: every_third has read {_MAX_READS} frames and has not given three yet",
                "Give each frame as soon as it arrives. Which keyword turns a function into a generator?",
            )
        level = 0 if self.number == 6 else min(255, 10 * self.number + 10)
        self.number += 1
        return np.full((4, 4, 3), level, np.uint8)

    def __getitem__(self, item: object) -> NoReturn:
        raise CheckFailed("a source has no [ ]: later frames do not exist yet", "A for loop takes them as they come.")

    def __len__(self) -> NoReturn:
        raise CheckFailed("a source has no length: a camera never ends", "A for loop takes the frames as they come.")


@exercise("every_third", "01_capture")
def check_every_third(every_third: Submission) -> str:
    """``every_third(frames)`` gives frames 0, 3, 6 and so on of a source, as they come."""
    for count in (11, 12, 1, 0):
        given = _frame_numbers(every_third, FakeSource(count), limit=2 * _MAX_READS)
        _require_thirds(given, list(range(0, count, 3)), count)
    _require_thirds(_frame_numbers(every_third, FakeSource(None), limit=3), [0, 3, 6], None)
    return "files of four lengths, one with a black frame, and a camera without an end"


def _frame_numbers(every_third: Submission, frames: FakeSource, limit: int) -> list[int]:
    """Which frames come out."""
    given = every_third(frames)
    if given is None:
        raise CheckFailed("every_third returned None", "A generator yields inside the loop, where others return.")
    if isinstance(given, np.ndarray) or not hasattr(given, "__iter__"):
        raise CheckFailed(f"every_third returned {describe(given)}", "Give many frames, one after another.")
    taken = every_third.guard(lambda: list(islice(given, limit)))
    levels = every_third.guard(lambda: [int(np.asarray(frame).flat[0]) for frame in taken])
    return [6 if level == 0 else level // 10 - 1 for level in levels]


def _require_thirds(given: list[int], expected: list[int], count: int | None) -> None:
    if given == expected:
        return
    source = "a camera" if count is None else f"a file of {count} frames"
    observed = f"of {source} it gives the frames {', '.join(map(str, given[:8])) or '(none)'}"
    if count is not None and given == list(range(count)):
        raise CheckFailed(observed, "It gives every frame. Which property of its number selects the right ones?")
    if given and expected and given[0] != 0:
        raise CheckFailed(observed, "The first frame has the number 0 and should be given. Where does enumerate start?")
    if given and given == expected[: len(given)] and count is not None:
        raise CheckFailed(observed, "The last one is missing. Give each frame when it comes, without waiting for more.")
    if 6 in expected and 6 not in given and given[:2] == expected[:2]:
        raise CheckFailed(observed, "Number 6 is black. A black frame is a frame like any other.")
    raise CheckFailed(observed, f"It should give {', '.join(map(str, expected))}. What is the distance between them?")
