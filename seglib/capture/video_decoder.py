"""Decode a video file, and tell where it is damaged or truncated."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av

from seglib.capture.container import declared_size, open_container
from seglib.capture.pixel_format import UNSPECIFIED
from seglib.errors import SourceError
from seglib.images import needs_pillow, unsupported_kind

# FFmpeg plays text as old terminals showed it, and takes almost any file for karaoke graphics.
_GUESSES = ("tty", "bin", "xbin", "adf", "idf", "cdg")
_LINEAR = ("exr", "hdr", "tiff")  # pictures of linear light, and raw photos, which FFmpeg shows too dark
_DOLBY_VISION = ("dvh1", "dvhe", "dva1", "dvav", "dav1")
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # FFmpeg's own decoders leave the alpha channel out


class VideoDecoder:
    """The pictures of a video file as they are coded.

    Parameters
    ----------
    path
        The file.

    Attributes
    ----------
    stream : av.VideoStream
        What FFmpeg says of the video stream.
    fps : float
        Mean frame rate, 0 if unknown.

    Raises
    ------
    SourceError
        For a file that is no video.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._container = open_container(path)
        except (av.FFmpegError, ValueError) as error:
            kind = unsupported_kind(path) or f"neither a picture nor a video that FFmpeg can open ({_reason(error)})"
            raise SourceError(f"{path} is {kind}") from error
        if self._container.format.name in _GUESSES or _is_only_inside(path, self._container.format.name):
            self.close()
            kind = unsupported_kind(path) or "neither a picture nor a video; FFmpeg would draw some of its bytes"
            raise SourceError(f"{path} is {kind}")
        self.stream = stream = self._video_stream()
        if stream.codec_context.codec_tag in _DOLBY_VISION and stream.codec_context.color_trc == UNSPECIFIED:
            self.close()
            raise SourceError(
                f"{path} is Dolby Vision of profile 5, which needs its own decoder; export it as HDR10 or SDR"
            )
        self.fps = float(stream.average_rate or 0)
        self._declared_seconds = _declared_seconds(self._container, stream)
        self._held_until = 0.0  # seconds, by empty packets
        self._count, self._seconds = 0, 0.0  # decoded pictures, and the time at which the last of them ends
        self._bytes, self._declared_bytes = path.stat().st_size, declared_size(path)
        self._color_tags = _trusted_color_tags(stream)

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def pictures(self) -> Iterator[av.VideoFrame]:
        """Yield the pictures in the order in which they are shown. Raises SourceError where the file is damaged."""
        try:
            for picture in self._decode():
                for name, number in self._color_tags.items():
                    setattr(picture, name, number)
                self._count += 1
                self._seconds = (picture.time or 0.0) + _duration(picture, self.fps)
                yield picture
        except av.FFmpegError as error:
            raise SourceError(f"{self._path} is damaged after {self._count} frames ({_reason(error)})") from error
        self._check_end()

    def _decode(self) -> Iterator[av.VideoFrame]:
        context = self.stream.codec_context
        has_alpha = context.name in _ALPHA_DECODERS and self.stream.metadata.get("alpha_mode") == "1"
        decoder: Any = av.CodecContext.create(_ALPHA_DECODERS[context.name], "r") if has_alpha else context
        for packet in self._container.demux(self.stream):
            if packet.size or not packet.buffer_ptr:  # without a buffer it ends the decoding
                yield from decoder.decode(packet)
            elif packet.dts is not None:  # an empty one, as in Theora and AVI: the picture before it stays
                self._held_until = float((packet.dts + (packet.duration or 0)) * packet.time_base)

    def _video_stream(self) -> av.VideoStream:
        """The stream to show, as players choose it; not the cover of a song or the still of an AVIF, of one frame."""
        fault = "holds no video stream"
        found = []
        is_animation = self._container.format.name == "apng" or len(self._container.streams.video) > 1
        is_incomplete = is_animation and needs_pillow(self._path)
        for stream in self._container.streams.video:
            context = stream.codec_context
            is_known = context and context.width and context.name not in _LINEAR
            kind = "" if is_known and not is_incomplete else unsupported_kind(self._path)
            if kind:
                fault = f"is {kind}"
            elif context is None and _is_picture(self._container.format.name):
                fault = "is a picture of a kind that FFmpeg does not know; export it as PNG or JPEG first"
            elif context is None:
                fault = "holds a video in a codec that FFmpeg does not know; have the program that made it export H.264"
            elif not stream.disposition & av.stream.Disposition.attached_pic:
                found.append(stream)
        if found:
            is_default = av.stream.Disposition.default
            return max(found, key=lambda stream: (stream.frames != 1, bool(stream.disposition & is_default)))
        self.close()
        raise SourceError(f"{self._path} {fault}")

    def _check_end(self) -> None:
        """Raise SourceError if the file holds less than its header says: some formats just stop where it broke off."""
        if self._count == 0:
            raise SourceError(f"{self._path} holds no frame that can be decoded")
        if self._bytes < self._declared_bytes:
            raise SourceError(
                f"{self._path} breaks off after {self._count} frames: it is truncated, "
                f"{self._bytes} bytes of at least {self._declared_bytes}"
            )
        too_short = max(self._seconds, self._held_until) < 0.99 * self._declared_seconds - 0.1
        if too_short and not (self._declared_bytes and self._is_read_through()):
            raise SourceError(
                f"{self._path} breaks off after {self._count} frames: its header says {self._declared_seconds:.1f} s, "
                f"the pictures end at {self._seconds:.1f} s; the file is truncated, or its header is wrong"
            )

    def _is_read_through(self) -> bool:
        """Whether all bytes of a whole file could be read. Then nothing is missing, and its header is wrong on time."""
        with open_container(self._path) as container:
            return sum(packet.size for packet in container.demux()) > 0.9 * self._bytes


def _is_only_inside(path: Path, format_name: str) -> bool:
    """Whether FFmpeg has found a JPEG picture somewhere inside another file, such as a PDF document."""
    with path.open("rb") as file:
        return format_name == "mjpeg" and file.read(2) != b"\xff\xd8"


def _is_picture(format_name: str) -> bool:
    return format_name == "image2" or format_name.endswith("_pipe")


def _declared_seconds(container: "av.container.InputContainer", stream: av.VideoStream) -> float:
    """When the pictures end by the header, in seconds; 0 if it does not say."""
    start = float((stream.start_time or 0) * (stream.time_base or 0))
    if stream.duration and stream.time_base:
        return max(0.0, start + float(stream.duration * stream.time_base))
    tag = re.fullmatch(r"(\d+):(\d+):([\d.]+)", stream.metadata.get("DURATION", ""))  # Matroska's
    if tag:
        return 3600 * int(tag[1]) + 60 * int(tag[2]) + float(tag[3])
    # Only the whole file has a length, and its sound may be longer than its pictures.
    others = len(container.streams) > 1
    return 0.0 if others or not container.duration else max(0.0, container.duration / av.time_base)


def _trusted_color_tags(stream: av.VideoStream) -> dict[str, int]:
    """The container's color tags, where they count more than the decoder's.

    VP8 has none and its decoder says BT.601; browsers record BT.709, and the container says so.
    """
    if stream.codec_context.name != "vp8" or stream.codec_context.colorspace == UNSPECIFIED:
        return {}
    names = ("colorspace", "color_range", "color_primaries", "color_trc")
    return {name: int(getattr(stream.codec_context, name)) for name in names}


def _duration(picture: av.VideoFrame, fps: float) -> float:
    """How long a picture is shown, in seconds; the last one of a screen recording may stay for long."""
    if picture.duration and picture.time_base:
        return float(picture.duration * picture.time_base)
    return 1 / fps if fps else 0.0


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
