"""Chromium's fake camera: a film in place of a camera, or no camera, or one that may not be used."""

from __future__ import annotations

from pathlib import Path

import av

import seglib

FAKE = "--use-fake-device-for-media-stream"
ALLOWED = "--use-fake-ui-for-media-stream"  # the person presses Allow, always
NO_CAMERA = "--use-fake-device-for-media-stream=device-count=0"


def film_of_the_clip(path: Path, frames: int = 30, every: int = 2) -> Path:
    """Some frames of the recorded clip as a raw film (YUV4MPEG2), which Chromium plays again and again."""
    with av.open(seglib.sample_clip()) as clip, path.open("wb") as film:
        film.write(b"YUV4MPEG2 W640 H480 F30:1 Ip A1:1 C420jpeg\n")
        for number, picture in enumerate(clip.decode(video=0)):
            if number >= frames * every:
                break
            if number % every == 0:
                film.write(b"FRAME\n" + picture.to_ndarray(format="yuv420p").tobytes())
    return path


def plays(film: Path) -> tuple[str, ...]:
    """The arguments of a Chromium whose camera shows this film."""
    return (FAKE, ALLOWED, f"--use-file-for-fake-video-capture={film}")
