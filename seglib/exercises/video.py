"""The exercises of 07_video.ipynb: times that no rate can tell, an effect of your own, a film with its sound."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import cv2
import numpy as np

from seglib.arrays import Frame
from seglib.capture.sources import VideoSource
from seglib.errors import SourceError
from seglib.exercises.marking import Answer, NotYet, describe, exercise
from seglib.exercises.results import Array, as_picture
from seglib.samples import sample_frame, sample_mask


@exercise("worst_error", "07_video")
def check_worst_error(worst_error: Answer) -> str:
    """``worst_error(times, fps)`` gives by how many seconds the worst frame is off in a copy at a fixed rate."""
    late = np.array([0.0, 0.04, 0.08, 0.5, 0.54, 0.58, 0.62])
    early = np.array([0.0, 0.01, 0.02, 0.18, 0.2, 0.24])
    for times, fps in ((late, 25.0), (early, 20.0), (np.arange(6) / 24, 24.0), (late, 5.0), (np.array([0.0]), 30.0)):
        value = worst_error(times, fps)
        right = float(np.abs(np.arange(len(times)) / fps - times).max())
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise NotYet(f"worst_error gave back {describe(value)}", "One number is asked for, in seconds.") from None
        if not abs(number - right) < 1e-9:
            _explain_error(number, times, fps)
    return "five films: late, early, even, much too fast, and of one frame only"


def _explain_error(number: float, times: Array, fps: float) -> None:
    shown = np.arange(len(times)) / fps
    gap = shown - times
    seen = f"frames at {', '.join(f'{time:g}' for time in times)} s, copied at {fps:g} fps, give {number:.3f}"
    wrongs = {
        "These are milliseconds. Seconds are asked for.": 1000 * np.abs(gap).max(),
        "The mean hides the worst frame. Which one number does not?": np.abs(gap).mean(),
        "That is the last frame. Another one may be worse.": np.abs(gap[-1]),
        "The first frame has the number 0 and is shown at 0 s, in the copy as well.": np.abs(gap + 1 / fps).max(),
        "Too late and too early are both wrong. What do the signs of your differences say?": gap.max(),
        "Too early and too late are both wrong. What about the signs of your differences?": (-gap).max(),
    }
    for hint, wrong in wrongs.items():
        if abs(number - wrong) < 1e-9:
            raise NotYet(seen, hint)
    raise NotYet(seen, "When is frame number n shown in the copy? Print that beside the times.")


@exercise("night", "07_video")
def check_night(night: Answer) -> str:
    """``night(frame, mask)`` is an effect: the room has a quarter of its brightness, the person is as before."""
    for name in ("astronaut", "hopper"):
        frame, mask = sample_frame(name)[::2, ::2], sample_mask(name)[::2, ::2]
        output = as_picture(night(frame, mask), frame.shape, "night")
        share = mask[..., np.newaxis].astype(np.float64)
        if np.abs(output - (share * frame + (1 - share) * frame / 4)).max() > 2:
            _explain_night(output.astype(float), frame, mask)
    return "two frames: the room is dark, the person is not, and the edge between them is soft"


def _explain_night(output: Array, frame: Frame, mask: Array) -> None:
    room, person = mask == 0, mask == 1
    bright = {
        place: output[where].mean() / frame[where].mean() for place, where in (("room", room), ("person", person))
    }
    seen = f"the room has {bright['room']:.0%} of its brightness, and the person {bright['person']:.0%}"
    if bright["person"] < 0.9 and bright["room"] > 0.9:
        raise NotYet(seen, "It is night for the wrong one. Which of the two does a mask of 1 show?")
    if bright["person"] < 0.9:
        raise NotYet(seen, "She should be as bright as before. What does the one equation do with two pictures?")
    if bright["room"] > 0.9:
        raise NotYet(seen, "The room is as bright as before. Which picture did you give as the background?")
    if bright["room"] < 0.02:
        raise NotYet(seen, "So dark that nothing is left. A quarter is asked for.")
    if abs(bright["room"] - 0.25) > 0.01:
        raise NotYet(seen, "A quarter is asked for: 25 %. (Numbers of uint8 start again at 0 above 255.)")
    raise NotYet(
        f"{seen}, but along the edge something is wrong", "Is the soft mask used as it is, with its values between?"
    )


@dataclass(frozen=True)
class Recording:
    """What is in a video file. frames: its pictures. times: seconds. sound: the packets, each with its time."""

    frames: list[Frame]
    times: Array
    sound: list[tuple[float, bytes]]


@exercise("black_and_white", "07_video", seconds=120)
def check_black_and_white(black_and_white: Answer) -> str:
    """``black_and_white(source, target)`` makes a grey copy of a film, with every frame's time and the sound."""
    with _film() as source:
        before = _recorded(source)
        target = source.with_name("grey.mp4")
        black_and_white(str(source), str(target))
        if not target.exists():
            made = ", ".join(path.name for path in sorted(target.parent.iterdir()) if path not in (source, target))
            raise NotYet(
                f"there is no file at target; new in its folder: {made or 'nothing'}", "Write to the path in target."
            )
        try:
            after = _recorded(target)
        except (SourceError, av.FFmpegError):
            raise NotYet("what lies at target cannot be played", "Was the file closed, or is it a picture?") from None
    _need_grey(before, after)
    _need_times_and_sound(before, after)
    return f"all {len(after.frames)} frames are grey and at their times, and the sound is the same, byte for byte"


def _need_grey(before: Recording, after: Recording) -> None:
    if len(after.frames) != len(before.frames):
        raise NotYet(
            f"{len(before.frames)} frames went in, and {len(after.frames)} came out", "Every frame is to be kept."
        )
    if after.frames[0].shape != before.frames[0].shape:
        raise NotYet(f"frames {before.frames[0].shape} became {after.frames[0].shape}", "The size should stay.")
    colour = np.mean([np.ptp(frame.astype(int), axis=2).mean() for frame in after.frames])
    if colour > 8:
        raise NotYet("the copy is still in colour", "In a grey picture red, green and blue are alike, everywhere.")
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in before.frames]
    gap = np.mean([np.abs(a.mean(axis=2) - b).mean() for a, b in zip(after.frames, grey, strict=True)])
    if gap > 15:
        raise NotYet("it is grey, but not the same picture", "Look at a frame of the copy beside one of the source.")


def _need_times_and_sound(before: Recording, after: Recording) -> None:
    late = np.abs(after.times - before.times)
    worst = int(late.argmax())
    faults, hints = [], []
    if late[worst] > 0.002:
        faults.append(f"frame {worst} is shown at {after.times[worst]:.2f} s and not at {before.times[worst]:.2f} s")
        hints.append("A rate cannot tell the times.")
    if not after.sound:
        faults.append("the sound is gone")
        hints.append("Who in this notebook takes the sound along?")
    elif [data for _, data in after.sound] != [data for _, data in before.sound]:
        faults.append("the sound is another one, it was encoded anew")
        hints.append("Packets can be passed on as they are.")
    if faults:
        raise NotYet("all frames are there and grey, but " + ", and ".join(faults), " ".join(hints))


@contextmanager
def _film() -> Iterator[Path]:
    """A film of ten frames with sound, which stops for a moment in the middle."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        with av.open(str(path), "w") as film:
            pictures: Any = film.add_stream("libx264", rate=25, options={"crf": "18", "preset": "ultrafast"})
            pictures.height, pictures.width, pictures.pix_fmt = 96, 128, "yuv420p"
            pictures.codec_context.time_base = Fraction(1, 25)
            sound: Any = film.add_stream("aac", rate=48_000, layout="mono")
            small = np.asarray(cv2.resize(sample_frame(), (128, 96), interpolation=cv2.INTER_AREA), np.uint8)
            for number in range(10):
                picture = av.VideoFrame.from_ndarray(np.roll(small, 4 * number, axis=1), format="rgb24")
                picture.pts, picture.time_base = number + 8 * (number > 4), Fraction(1, 25)
                film.mux(pictures.encode(picture))
            film.mux(pictures.encode())
            wave = np.sin(2 * np.pi * 440 * np.arange(33_600) / 48_000)[np.newaxis].astype(np.float32)
            block = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
            block.sample_rate = 48_000
            film.mux(sound.encode(block) + sound.encode())
        yield path


def _recorded(path: Path) -> Recording:
    with VideoSource(path) as source:
        frames = list(source)
    with av.open(str(path)) as film:
        times = np.array([float(picture.time or 0) for picture in film.decode(video=0)])
    with av.open(str(path)) as film:
        packets = film.demux(audio=0) if film.streams.audio else []
        sound = [(float((packet.pts or 0) * packet.time_base), bytes(packet)) for packet in packets if packet.size]
    return Recording(frames, times, sound)
