"""The sample data: frames, hand-drawn masks and labels, the recorded clip, backgrounds.

They need no webcam and no network. ``seglib/data/README.md`` says where they come from and how they were made.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from seglib.arrays import Frame, Labels, Mask

DATA = Path(__file__).parent / "data"

FRAMES = ("astronaut", "hopper", "collage")
BACKGROUNDS = ("room", "beach", "mountains")


def sample_frame(name: str = "astronaut") -> Frame:
    """Return a recorded frame.

    Parameters
    ----------
    name
        "astronaut" (480 x 640, the frame of all notebooks), "hopper" (640 x 480, a phone held upright) or "collage"
        (480 x 640, the astronaut and a cat, labelled in :func:`sample_labels`).

    Returns
    -------
    Frame
        (H, W, 3) uint8, RGB.

    Raises
    ------
    ValueError
        For another name.

    Examples
    --------
    >>> seglib.sample_frame("hopper").shape
    (640, 480, 3)
    """
    from seglib.images import read_image

    return read_image(_data_file(name, FRAMES, ".png"))


def sample_mask(name: str = "astronaut") -> Mask:
    """Return the hand-drawn mask of a recorded frame: the ground truth for predictions.

    Parameters
    ----------
    name
        "astronaut" or "hopper".

    Returns
    -------
    Mask
        (H, W) float32 in [0, 1].

    Raises
    ------
    ValueError
        For another name.

    Examples
    --------
    >>> seglib.sample_mask().shape
    (480, 640)
    """
    from seglib.images import read_gray

    stored = read_gray(_data_file(name, FRAMES[:2], "_mask.png"))
    return stored.astype(np.float32) / np.float32(255)


def sample_labels() -> Labels:
    """Return the hand-drawn labels of ``sample_frame("collage")``.

    Returns
    -------
    Labels
        (480, 640) uint8, in PASCAL VOC's numbers: 15 person, 8 cat, 0 the rest.

    Examples
    --------
    >>> np.unique(seglib.sample_labels()).tolist()
    [0, 8, 15]
    """
    from seglib.images import read_gray

    return read_gray(DATA / "collage_labels.png")


def sample_background(name: str = "room") -> Frame:
    """Return a background image.

    Parameters
    ----------
    name
        "room" (720 x 1280), "beach" (960 x 1280) or "mountains" (1080 x 1080).

    Returns
    -------
    Frame
        (H, W, 3) uint8, RGB.

    Raises
    ------
    ValueError
        For another name.

    Examples
    --------
    >>> seglib.sample_background("beach").shape
    (960, 1280, 3)
    """
    from seglib.images import read_image

    return read_image(_data_file(name, BACKGROUNDS, ".jpg", prefix="background_"))


def sample_clip() -> Path:
    """Return the path of the recorded clip: 640 x 480, 30 frames a second, 6 seconds, H.264.

    Returns
    -------
    Path
        Of an MP4 file; ``open_source("clip")`` opens it.

    Examples
    --------
    >>> seglib.sample_clip().name
    'clip.mp4'
    """
    return DATA / "clip.mp4"


def sample_clip_masks() -> Iterator[Mask]:
    """Yield the exact mask of every frame of the clip, in order.

    Yields
    ------
    Mask
        (480, 640) float32 in [0, 1].

    Notes
    -----
    The clip was composed from a person and a background, so its masks are known and not drawn.

    Examples
    --------
    >>> sum(1 for mask in seglib.sample_clip_masks())
    180
    """
    import av

    with av.open(DATA / "clip_masks.mkv") as container:
        for picture in container.decode(video=0):
            yield picture.to_ndarray(format="gray").astype(np.float32) / np.float32(255)


def _data_file(name: str, known: tuple[str, ...], suffix: str, prefix: str = "") -> Path:
    if name not in known:
        raise ValueError(f"there is no sample {name!r}; known are {', '.join(known)}")
    return DATA / f"{prefix}{name}{suffix}"
