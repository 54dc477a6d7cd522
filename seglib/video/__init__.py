"""A video file in, a video file out.

    report = seglib.process_video("talk.mp4", "blurred.mp4", seglib.Blur())

``reading`` decodes, ``process`` predicts and applies the effect, ``encoding`` encodes, each in a thread of its own;
``sound`` takes the audio along. ``writing`` is the small writer for frames of one's own.
"""

from seglib.video.process import VideoReport, process_video
from seglib.video.writer import VideoWriter

__all__ = ["VideoReport", "VideoWriter", "process_video"]
