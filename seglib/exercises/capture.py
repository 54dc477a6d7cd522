"""The exercises of 01_capture.ipynb: sizes, the end of a file, and not looking at every frame."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NoReturn

import cv2
import numpy as np

from seglib.arrays import Frame
from seglib.exercises.marking import Answer, NotYet, describe, exercise
from seglib.exercises.results import as_picture
from seglib.samples import sample_clip, sample_frame

_TOO_MANY = 60  # reads after which a loop is taken for one without an end


@exercise("shrink", "01_capture")
def check_shrink(shrink: Answer) -> str:
    """``shrink(frame, width)`` gives the whole frame, ``width`` pixels wide, in its own proportions."""
    for name, width in (("astronaut", 320), ("hopper", 120), ("collage", 100)):
        frame = sample_frame(name)
        height = round(frame.shape[0] * width / frame.shape[1])
        small = shrink(frame, width)
        _need_size(small, frame, (height, width))
        small = as_picture(small, (height, width, 3), "shrink")
        true = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
        if np.abs(small.astype(float) - true).mean() > 15:
            piece = np.abs(small.astype(float) - frame[:height, :width]).mean() < 1
            hint = "It is a piece of the frame." if piece else "Show it beside the frame."
            raise NotYet("the size is right, but it does not show the whole frame", f"{hint} All of it should be seen.")
    return "three frames, one of them upright, keep their proportions"


def _need_size(small: Any, frame: Frame, size: tuple[int, int]) -> None:
    if not isinstance(small, np.ndarray) or small.ndim != 3 or small.shape[:2] == size:
        return
    asked = f"a frame of {frame.shape[1]} × {frame.shape[0]} pixels, made {size[1]} wide,"
    rows, columns = small.shape[:2]
    seen = f"{asked} is {columns} × {rows} and not {size[1]} × {size[0]}"
    if (columns, rows) == size:
        raise NotYet(seen, "cv2.resize wants a size. Which of the two numbers comes first in a size?")
    if columns != size[1]:
        raise NotYet(seen, "The second argument says how wide it shall be. Is it used?")
    if rows == frame.shape[0]:
        raise NotYet(seen, "Only the width has changed. By which factor? The height needs the same.")
    raise NotYet(seen, "The height belongs to another kind of frame. What are the proportions of this one?")


class PretendCapture:
    """Behaves like a cv2.VideoCapture of a few small frames, and remembers how it was treated.

    black: which frames are black. breaks_at: the number of the frame at which reading raises cv2.error.
    """

    def __init__(self, count: int, black: Sequence[int] = (), breaks_at: int | None = None) -> None:
        self.count, self.black, self.breaks_at = count, black, breaks_at
        self.number = self.past_the_end = 0
        self.released = False

    def isOpened(self) -> bool:
        """Whether there is anything to read, as OpenCV says it."""
        return self.count > 0 and not self.released

    def read(self) -> tuple[bool, Frame | None]:
        """The flag and the frame; False and None at the end."""
        if self.number == self.breaks_at and not self.released:
            raise cv2.error("the camera was unplugged (this is part of the exercise)")
        if self.released or self.number >= self.count:
            self._count_reads_past_the_end()
            return False, None
        level = 0 if self.number in self.black else 40 + self.number
        self.number += 1
        return True, np.full((6, 8, 3), level, np.uint8)

    def grab(self) -> bool:
        """Go on by a frame without looking at it."""
        return self.read()[0]

    def get(self, what: int) -> float:
        """Headers lie about the number of frames, and so does this one."""
        return float(self.count + 18) if what == cv2.CAP_PROP_FRAME_COUNT else 30.0

    def release(self) -> None:
        """Let go."""
        self.released = True

    def _count_reads_past_the_end(self) -> None:
        self.past_the_end += 1
        if self.past_the_end > _TOO_MANY:
            raise NotYet(
                f"the capture gave False and None {_TOO_MANY} times, and count_frames went on reading",
                "What in the loop tells that the file is at its end?",
            )


@exercise("count_frames", "01_capture")
def check_count_frames(count_frames: Answer) -> str:
    """``count_frames(capture)`` reads an OpenCV capture to its end, releases it, and returns the number of frames."""
    for capture in (PretendCapture(7), PretendCapture(9, black=(0, 4, 5)), PretendCapture(0)):
        _need_count(count_frames(capture), capture)
        if not capture.released:
            raise NotYet("the number is right, but the capture is still open", "Which call lets go of it?")
    _need_release_after_an_error(count_frames)
    clip = cv2.VideoCapture(str(sample_clip()))
    total = count_frames(clip)
    if clip.isOpened() or total != 180:
        raise NotYet(f"the recorded clip: {describe(total)}, still open: {clip.isOpened()}", "It has 180 frames.")
    return "it counts files with and without frames, with black ones too, and lets go even after an error"


def _need_count(number: Any, capture: PretendCapture) -> None:
    if number == capture.count:
        return
    seen = f"a file of {capture.count} frames gives {describe(number)}"
    if number is None:
        raise NotYet(seen, "Does it end in a return?")
    if number == capture.count + 18:
        raise NotYet(seen, "That is what the file's header promises, and headers may be wrong. Read, and count.")
    if capture.black and number in (capture.black[0], capture.black[1], capture.count - len(capture.black)):
        raise NotYet(
            f"{seen}; some of them are black", "A black frame is a frame. What marks the end, and nothing else?"
        )
    if number == capture.count + 1:
        raise NotYet(seen, "One too many. Is the flag looked at before the frame is counted?")
    raise NotYet(seen, "Go through it with pencil and paper for a file of two frames.")


def _need_release_after_an_error(count_frames: Answer) -> None:
    capture = PretendCapture(7, breaks_at=4)
    try:
        count_frames(capture)
        error_came_through = False
    except NotYet as not_yet:
        if not not_yet.seen.startswith("count_frames raised"):
            raise
        error_came_through = True
    if not capture.released:
        raise NotYet(
            "a camera is unplugged at its fourth frame: reading raises an error, and the capture stays open",
            "Which part of a try statement is carried out whatever happens?",
        )
    if not error_came_through:
        raise NotYet(
            "a camera is unplugged at its fourth frame, and nobody is told: the error is swallowed",
            "Let go of the capture, but let the error through. Which part of a try statement does only that?",
        )


class Walk:
    """Frames one after the other, as a source gives them: no length, no [ ], and perhaps no end.

    count: how many, None for a camera. Frame number n has the level 10 * n + 10, but number 6 is black.
    """

    def __init__(self, count: int | None) -> None:
        self._count, self.number = count, 0

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        if self._count is not None and self.number >= self._count:
            raise StopIteration
        if self.number >= _TOO_MANY:
            raise NotYet(
                f"a camera has no end: every_third read {_TOO_MANY} frames and had not given three yet",
                "Give each frame as soon as it is there. Which word turns a function into a generator?",
            )
        level = 0 if self.number == 6 else min(255, 10 * self.number + 10)
        self.number += 1
        return np.full((4, 4, 3), level, np.uint8)

    def __getitem__(self, item: object) -> NoReturn:
        raise NotYet("a source has no [ ]: nobody has its later frames yet", "A for loop takes them as they come.")

    def __len__(self) -> NoReturn:
        raise NotYet("a source has no length: a camera never ends", "A for loop takes the frames as they come.")


@exercise("every_third", "01_capture")
def check_every_third(every_third: Answer) -> str:
    """``every_third(frames)`` gives frames 0, 3, 6 and so on of a source, as they come."""
    for count in (11, 12, 1, 0):
        given = _numbers(every_third, Walk(count), limit=2 * _TOO_MANY)
        _need_thirds(given, list(range(0, count, 3)), count)
    camera = Walk(None)
    _need_thirds(_numbers(every_third, camera, limit=3), [0, 3, 6], None)
    return "files of four lengths, one with a black frame, and a camera without an end"


def _numbers(every_third: Answer, frames: Walk, limit: int) -> list[int]:
    """Which frames come out."""
    given = every_third(frames)
    if given is None:
        raise NotYet("every_third gave back None", "In the place of return stands yield, inside of the loop.")
    if isinstance(given, np.ndarray) or not hasattr(given, "__iter__"):
        raise NotYet(f"every_third gave back {describe(given)}", "Not one frame, but one after the other.")
    pictures = every_third.watch(lambda: list(islice(given, limit)))
    levels = every_third.watch(lambda: [int(np.asarray(picture).flat[0]) for picture in pictures])
    return [6 if level == 0 else level // 10 - 1 for level in levels]


def _need_thirds(given: list[int], wanted: list[int], count: int | None) -> None:
    if given == wanted:
        return
    of = "a camera" if count is None else f"a file of {count} frames"
    seen = f"of {of} it gives the frames {', '.join(map(str, given[:8])) or '(none)'}"
    if count is not None and given == list(range(count)):
        raise NotYet(seen, "Every frame comes through. Which question about its number picks the right ones?")
    if given and wanted and given[0] != 0:
        raise NotYet(seen, "The first frame has the number 0, and it should come out. What does enumerate count from?")
    if 6 in wanted and 6 not in given and given[:2] == wanted[:2]:
        raise NotYet(seen, "Number 6 is black. A black frame is a frame like any other.")
    raise NotYet(seen, f"Asked for are {', '.join(map(str, wanted))}. How far is it from one to the next?")
