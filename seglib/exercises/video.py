"""The exercises of ``07_video.ipynb``: uneven frame times, an effect of your own, a video with its sound."""

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
from seglib.capture.container import open_container
from seglib.capture.sources import open_source
from seglib.errors import SourceError
from seglib.exercises.checks import CheckFailed, Submission, describe, exercise
from seglib.exercises.outputs import Array, as_image
from seglib.samples import sample_frame, sample_mask


@exercise("worst_error", "07_video")
def check_worst_error(worst_error: Submission) -> str:
    """``worst_error(times, fps)`` returns by how many seconds the worst frame is off in a copy at a fixed rate."""
    late = np.array([0.0, 0.04, 0.08, 0.5, 0.54, 0.58, 0.62])
    early = np.array([0.0, 0.01, 0.02, 0.18, 0.2, 0.24])
    for times, fps in ((late, 25.0), (early, 20.0), (np.arange(6) / 24, 24.0), (late, 5.0), (np.array([0.0]), 30.0)):
        value = worst_error(times, fps)
        expected = float(np.abs(np.arange(len(times)) / fps - times).max())
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise CheckFailed(f"worst_error returned {describe(value)}", "Return one number, in seconds.") from None
        if not abs(number - expected) < 1e-9:
            _explain_error(number, times, fps)
    return "five videos: late, early, even, much too fast, and one with a single frame"


def _explain_error(number: float, times: Array, fps: float) -> None:
    errors = np.arange(len(times)) / fps - times
    observed = f"frames at {', '.join(f'{time:g}' for time in times)} s, copied at {fps:g} fps, give {number:.3f}"
    mistakes = {
        "These are milliseconds. Return seconds.": 1000 * np.abs(errors).max(),
        "Frame n is shown at n / fps seconds. You multiply.": np.abs(np.arange(len(times)) * fps - times).max(),
        "That is the number of the worst frame. By how many seconds is it wrong?": np.abs(errors).argmax(),
        "The median hides the worst frame. Which statistic does not?": np.median(np.abs(errors)),
        "These are gaps between frames. Compare each frame's own two times.": np.abs(
            np.diff(times, prepend=-1 / fps) - 1 / fps
        ).max(),
        "The mean hides the worst frame. Which statistic does not?": np.abs(errors).mean(),
        "That is the last frame. Another one may be worse.": np.abs(errors[-1]),
        "The first frame has the number 0 and is shown at 0 s, in the copy as well.": np.abs(errors + 1 / fps).max(),
        "Too early is an error, too. What are the signs of your differences?": errors.max(),
        "Too late is an error, too. What are the signs of your differences?": (-errors).max(),
    }
    for hint, wrong in mistakes.items():
        if abs(number - wrong) < 1e-9:
            raise CheckFailed(observed, hint)
    raise CheckFailed(observed, "When is frame number n shown in the copy? Print that beside the times.")


@exercise("night", "07_video")
def check_night(night: Submission) -> str:
    """``night(frame, mask)`` is an effect: the background has a quarter of its brightness, the person all of it."""
    for name in ("astronaut", "hopper"):
        frame, mask = sample_frame(name)[::2, ::2], sample_mask(name)[::2, ::2]
        output = as_image(night(frame, mask), frame.shape, "night")
        alpha = mask[..., np.newaxis].astype(np.float64)
        if np.abs(output - (alpha * frame + (1 - alpha) * frame / 4)).max() > 2:
            _explain_night(output.astype(float), frame, mask)
    return "two frames: the background is dark, the person is not, and the edge between them is soft"


def _explain_night(output: Array, frame: Frame, mask: Array) -> None:
    background, person = (float(output[mask == value].mean() / frame[mask == value].mean()) for value in (0, 1))
    observed = f"the background has {background:.0%} of its brightness, the person {person:.0%}"
    if person < 0.9 and background > 0.9:
        raise CheckFailed(
            observed, "The wrong one is dark. Which of its two images does blend show where the mask is 1?"
        )
    if person < 0.9:
        raise CheckFailed(observed, "The person should stay as bright as before. How does blend combine two images?")
    if background > 0.9:
        raise CheckFailed(observed, "The background is unchanged. Which image do you pass to blend as the background?")
    if background < 0.02:
        raise CheckFailed(observed, "The background is black. Keep a quarter of it.")
    if abs(background - 0.25) > 0.01:
        raise CheckFailed(observed, "It should be a quarter: 25 %. (uint8 starts again at 0 above 255.)")
    raise CheckFailed(
        f"{observed}, but the edge is wrong", "Do you use the soft mask unchanged, with its values between?"
    )


@dataclass(frozen=True)
class _Contents:
    """What is in a video file: its frames, their times in seconds, and the packets of its sound with their times."""

    frames: list[Frame]
    times: Array
    sound: list[tuple[float, bytes]]


@exercise("black_and_white", "07_video", seconds=120)
def check_black_and_white(black_and_white: Submission) -> str:
    """``black_and_white(source, target)`` writes a grey copy of a video, with the time of every frame and the sound."""
    with _video_with_sound() as source:
        before = _read(source)
        target = source.with_name("grey.mp4")
        black_and_white(str(source), str(target))
        if not target.exists():
            made = ", ".join(path.name for path in sorted(target.parent.iterdir()) if path not in (source, target))
            raise CheckFailed(
                f"there is no file at target; new in its folder: {made or 'nothing'}", "Write to the path in target."
            )
        try:
            after = _read(target)
        except (SourceError, av.FFmpegError):
            raise CheckFailed("the file at target cannot be played", "Was the file closed? Is it a video?") from None
    _require_grey(before, after)
    _require_times_and_sound(before, after)
    return f"all {len(after.frames)} frames are grey and at their times, and the sound is the same, byte for byte"


def _require_grey(before: _Contents, after: _Contents) -> None:
    if len(after.frames) != len(before.frames):
        raise CheckFailed(f"{len(before.frames)} frames went in, {len(after.frames)} came out", "Keep every frame.")
    if after.frames[0].shape != before.frames[0].shape:
        raise CheckFailed(f"frames {before.frames[0].shape} became {after.frames[0].shape}", "Keep the size.")
    colour = np.mean([np.ptp(frame.astype(int), axis=2).mean() for frame in after.frames])
    if colour > 8:
        raise CheckFailed("the copy is still in colour", "In a grey image, red, green and blue are equal everywhere.")
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in before.frames]
    error = np.mean([np.abs(a.mean(axis=2) - b).mean() for a, b in zip(after.frames, grey, strict=True)])
    if error > 15:
        raise CheckFailed("it is grey, but another image", "Show a frame of the copy beside one of the source.")


def _require_times_and_sound(before: _Contents, after: _Contents) -> None:
    late = np.abs(after.times - before.times)
    worst = int(late.argmax())
    faults, hints = [], []
    if late[worst] > 0.002:
        faults.append(f"frame {worst} is shown at {after.times[worst]:.2f} s and not at {before.times[worst]:.2f} s")
        hints.append("A fixed frame rate cannot keep uneven times.")
    if not after.sound:
        faults.append("the sound is gone")
        hints.append("Which function of this notebook copies the sound?")
    elif [data for _, data in after.sound] != [data for _, data in before.sound]:
        faults.append("the sound was encoded again")
        hints.append("Its packets can be copied as they are.")
    if faults:
        raise CheckFailed("all frames are there and grey, but " + ", and ".join(faults), " ".join(hints))


@contextmanager
def _video_with_sound() -> Iterator[Path]:
    """Ten frames with a tone; the picture pauses in the middle."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        with av.open(str(path), "w") as container:
            video: Any = container.add_stream("libx264", rate=25, options={"crf": "18", "preset": "ultrafast"})
            video.height, video.width, video.pix_fmt = 96, 128, "yuv420p"
            video.codec_context.time_base = Fraction(1, 25)
            audio: Any = container.add_stream("aac", rate=48_000, layout="mono")
            small = np.asarray(cv2.resize(sample_frame(), (128, 96), interpolation=cv2.INTER_AREA), np.uint8)
            for number in range(10):
                image = av.VideoFrame.from_ndarray(np.roll(small, 4 * number, axis=1), format="rgb24")
                image.pts, image.time_base = number + 8 * (number > 4), Fraction(1, 25)
                container.mux(video.encode(image))
            container.mux(video.encode())
            wave = np.sin(2 * np.pi * 440 * np.arange(33_600) / 48_000)[np.newaxis].astype(np.float32)
            samples = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
            samples.sample_rate = 48_000
            container.mux(audio.encode(samples) + audio.encode())
        yield path


def _read(path: Path) -> _Contents:
    with open_source(path) as source:
        frames = list(source)
    with open_container(path) as container:
        times = np.array([float(image.time or 0) for image in container.decode(video=0)])
    with open_container(path) as container:
        packets = container.demux(audio=0) if container.streams.audio else []
        sound = [(float((packet.pts or 0) * packet.time_base), bytes(packet)) for packet in packets if packet.size]
    return _Contents(frames, times, sound)
