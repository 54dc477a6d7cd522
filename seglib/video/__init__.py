"""A video file in, a video file out: ``seglib.process_video("talk.mp4", "blurred.mp4", seglib.Blur())``.

In reading order: ``process`` opens a ``reader`` and a ``writer`` and connects them by ``stages``, which run the
pipeline in threads. ``other_streams`` copies ``audio`` and ``subtitles``, ``metadata`` titles and chapters.
``timestamps`` corrects the times, ``image_sequence`` writes a folder of PNG images, ``background`` plays a video behind
the person.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seglib.cutout import CutOut
    from seglib.video.background import ReplaceWithVideo
    from seglib.video.process import VideoReport, process_video
    from seglib.video.writer import Encoding, VideoWriter

__all__ = ["CutOut", "Encoding", "ReplaceWithVideo", "VideoReport", "VideoWriter", "process_video"]

_MODULES = {
    "CutOut": "seglib.cutout",
    "Encoding": "seglib.video.writer",
    "ReplaceWithVideo": "seglib.video.background",
    "VideoReport": "seglib.video.process",
    "VideoWriter": "seglib.video.writer",
    "process_video": "seglib.video.process",
}


def __getattr__(name: str) -> object:
    """Import the module that defines ``name`` on its first use (PEP 562): FFmpeg's libraries take a while to load."""
    if name not in _MODULES:
        raise AttributeError(f"seglib.video has no {name!r}; it has {', '.join(__all__)}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value
