"""The recorded frames, their hand-drawn masks, the recorded clip and the backgrounds.

Everything works from these: no webcam, no network. Where they come from and how they were made is told in
``seglib/data/README.md``.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from seglib.arrays import Frame, Labels, Mask

DATA = Path(__file__).parent / "data"

FRAMES = ("astronaut", "hopper", "collage")
BACKGROUNDS = ("room", "beach", "mountains")


def sample_frame(name: str = "astronaut") -> Frame:
    """A recorded frame, (H, W, 3) uint8 RGB.

    name: "astronaut" (480 x 640, the frame of all notebooks), "hopper" (640 x 480, a phone held upright), or
        "collage" (480 x 640, the astronaut and a cat, labelled in :func:`sample_labels`).
    Raises ValueError for another name.
    """
    from seglib.images import read_image

    return read_image(_data_file(name, FRAMES, ".png"))


def sample_mask(name: str = "astronaut") -> Mask:
    """The hand-drawn mask of a recorded frame, (H, W) float32 in [0, 1]: the truth that predictions are judged by.

    name: "astronaut" or "hopper". Raises ValueError for another name.
    """
    from seglib.images import read_gray

    stored = read_gray(_data_file(name, FRAMES[:2], "_mask.png"))
    return stored.astype(np.float32) / np.float32(255)


def sample_labels() -> Labels:
    """The hand-drawn labels of ``sample_frame("collage")``, (H, W) uint8: 15 person, 8 cat, 0 the rest."""
    from seglib.images import read_gray

    return read_gray(DATA / "collage_labels.png")


def sample_background(name: str = "room") -> Frame:
    """A background drawn by code, (H, W, 3) uint8 RGB, each of other proportions.

    name: "room" (720 x 1280), "beach" (960 x 1280) or "mountains" (1080 x 1080). Raises ValueError for another name.
    """
    from seglib.images import read_image

    return read_image(_data_file(name, BACKGROUNDS, ".jpg", prefix="background_"))


def sample_clip() -> Path:
    """The path of the recorded clip: 640 x 480, 30 frames a second, H.264. Open it with ``open_source("clip")``."""
    return DATA / "clip.mp4"


def sample_clip_masks() -> Iterator[Mask]:
    """The exact mask of every frame of the clip in order, (H, W) float32 in [0, 1].

    The clip was composed from a person and a background, so the masks are not drawn but known.
    """
    import av

    with av.open(DATA / "clip_masks.mkv") as container:
        for picture in container.decode(video=0):
            yield picture.to_ndarray(format="gray").astype(np.float32) / np.float32(255)


def _data_file(name: str, known: tuple[str, ...], ending: str, prefix: str = "") -> Path:
    if name not in known:
        raise ValueError(f"there is no sample {name!r}; known are {', '.join(known)}")
    return DATA / f"{prefix}{name}{ending}"
