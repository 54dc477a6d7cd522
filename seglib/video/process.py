"""A video file through a pipeline into another file, with its audio and its times."""

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from seglib._internal.worker_threads import Prefetch
from seglib.capture.container import open_container
from seglib.classes import ClassName
from seglib.errors import SourceError
from seglib.images import existing_file, expand_home
from seglib.pipeline import Effect, Pipeline, is_transparent
from seglib.video.audio import Handling
from seglib.video.image_sequence import ImageSequenceWriter, check_folder
from seglib.video.metadata import names_of_streams
from seglib.video.other_streams import OtherStreams
from seglib.video.reader import VideoReader
from seglib.video.stages import overlapped
from seglib.video.timestamps import TimedFrame
from seglib.video.writer import Encoding, VideoWriter

if TYPE_CHECKING:
    from seglib.predict import Model


@dataclass(frozen=True)
class VideoReport:
    """What :func:`process_video` did.

    Parameters
    ----------
    path
        The new file or folder.
    frames
        How many frames it holds.
    seconds
        Its length.
    fps
        Frames processed per second.
    complete
        False if the source breaks off, and ``keep_broken`` kept the frames before that.
    audio
        "copied", "re-encoded", or "none".
    size
        (width, height) in pixels.
    bytes
        Of the file, or of all images of the folder.
    bit_rate, source_bit_rate
        Bits per second of the new file and of the source, with their audio; 0 if the source does not say.
    left_out
        What the source holds and the new file does not, in words; always so for the place of recording.

    Examples
    --------
    >>> report = seglib.video.VideoReport("blurred.mp4", 180, 6.0, fps=60.0, complete=True, audio="copied")
    >>> f"{report.frames} frames, audio {report.audio}"
    '180 frames, audio copied'
    """

    path: Path
    frames: int
    seconds: float
    fps: float
    complete: bool
    audio: Handling
    size: tuple[int, int] = (0, 0)
    bytes: int = 0
    bit_rate: float = 0.0
    source_bit_rate: float = 0.0
    left_out: tuple[str, ...] = ()


def process_video(
    src: str | Path,
    dst: str | Path,
    effect: Effect,
    *,
    model: "str | Model" = "portrait",
    keep: ClassName | Iterable[ClassName] = ("person",),
    clean: bool = True,
    steady: bool = True,
    encoding: Encoding | None = None,
    progress: bool = True,
    overwrite: bool = False,
    keep_broken: bool = False,
) -> VideoReport:
    """Apply an effect to every frame of a video file.

    Parameters
    ----------
    src
        A video file; it is only read.
    dst
        The new file: .mp4, .m4v or .mov (H.264), or .webm (VP9). Its folder is made. For a transparent effect, a .webm
        file or a name without an extension: a folder of images, 000001.png and so on, one for each frame.
    effect
        ``effect(frame, mask) -> output``, such as :class:`Blur` or :class:`Replace`; the output has the frame's shape.
        It gets the frames in order, in another thread. One with ``takes_time = True``, such as
        :class:`ReplaceWithVideo`, is called with the time of the frame, in seconds, as its third argument. One with
        ``transparent = True``, such as :class:`CutOut`, returns (H, W, 4) RGBA.
    model
        A loaded model, or a name for :func:`load_model`.
    keep
        Names or numbers of the classes that the mask keeps.
    clean
        Refine each mask with :func:`clean_mask`.
    steady
        Smooth the masks over time with :class:`Steady`.
    encoding
        Codec and quality of the new file.
    progress
        Show a bar with frames per second and the time left.
    overwrite
        Replace an existing ``dst``.
    keep_broken
        Of a damaged source, keep the frames before the break, instead of raising SourceError.

    Returns
    -------
    VideoReport
        What was done.

    Raises
    ------
    SourceError
        If the source is no video, or damaged.
    FileExistsError
        If ``dst`` exists.
    ValueError
        For arguments that do not fit, or an output of the wrong shape; and whatever the effect raises.
    OSError
        If ``dst`` cannot be written.
    KeyboardInterrupt
        After an interrupt (Ctrl-C, the Stop button). The file is finished with the frames so far; the message says how
        many.

    Notes
    -----
    The new file has every frame of the source, at its own time, and all its audio, copied where the new container
    allows that. The colours are coded as in the source; HDR and wide gamuts become BT.709. Titles, chapters and text
    subtitles are kept; what is not stands in the report. The place of recording is never kept. An odd width or height
    loses its last pixel. The file gets its name when it is finished; after an error there is none. Taught in
    ``07_video.ipynb``.

    Examples
    --------
    >>> report = seglib.process_video(seglib.sample_clip(), "blurred.mp4", seglib.Blur(), progress=False)
    >>> report.complete
    True
    """
    source, target = existing_file(src), expand_home(dst)
    _check_target(target, source, effect, encoding, overwrite)
    with VideoReader(source) as reader, _open_writer(target, reader, effect, encoding, keep_broken) as writer:
        pipeline = Pipeline(model, keep=keep, clean=clean, steady=steady, effect=effect)
        start, faults = time.perf_counter(), list[SourceError]()
        frames = _until_fault(reader, faults) if keep_broken else reader
        try:
            with (
                overlapped(pipeline, frames) as outputs,
                Prefetch(_written(outputs, writer, faults), 4) as written,
                tqdm(written, target.name, reader.length, unit=" frames", disable=not progress, mininterval=0.5) as bar,
            ):
                for _ in bar:
                    pass
        except KeyboardInterrupt:
            writer.close(cut_audio=True)
            raise KeyboardInterrupt(_how_far(writer)) from None
        fps, seconds = writer.frames / (time.perf_counter() - start), float(writer.seconds)
        size = _bytes(target)
        return VideoReport(
            target,
            writer.frames,
            seconds,
            fps,
            not faults,
            writer.audio,
            writer.size,
            size,
            8 * size / seconds,
            reader.bit_rate,
            tuple(writer.left_out),
        )


def _check_target(target: Path, source: Path, effect: Effect, encoding: Encoding | None, overwrite: bool) -> None:
    """Raise before the work starts if the target cannot be written."""
    is_sequence = is_transparent(effect) and not target.suffix
    if target.is_dir() and not is_sequence:
        raise IsADirectoryError(f"{target} is a folder, not a file")
    (encoding or Encoding()).for_file(target, is_transparent(effect))
    if is_sequence:
        return check_folder(target, overwrite)
    if target.exists():
        if os.path.samefile(target, source):
            raise ValueError(f"{target} is the source itself; write to another file")
        if not overwrite:
            raise FileExistsError(f"{target} exists; overwrite=True replaces it")


def _open_writer(
    target: Path, reader: VideoReader, effect: Effect, encoding: Encoding | None, keep_broken: bool
) -> VideoWriter | ImageSequenceWriter:
    transparent = is_transparent(effect)
    if transparent and not target.suffix:
        with open_container(reader.path) as container:
            return ImageSequenceWriter(target, names_of_streams(container))
    streams = OtherStreams(reader.path, reader.start, keep_broken)
    return VideoWriter(target, reader.frame_rate, encoding, transparent=transparent, like=reader, streams=streams)


def _bytes(path: Path) -> int:
    files = path.iterdir() if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files)


def _until_fault(reader: VideoReader, faults: list[SourceError]) -> Iterator[TimedFrame]:
    """The frames before the break of a damaged source; the error is added to ``faults``."""
    try:
        yield from reader
    except SourceError as error:
        faults.append(error)


def _written(
    outputs: Iterable[TimedFrame], writer: VideoWriter | ImageSequenceWriter, faults: list[SourceError]
) -> Iterator[None]:
    """Write each output, then finish the file: in the thread that iterates, where no interrupt breaks in."""
    for output in outputs:
        writer.write(output.frame, output.time, output.duration)
        yield
    writer.close(cut_audio=bool(faults))


def _how_far(writer: VideoWriter | ImageSequenceWriter) -> str:
    if not writer.frames:
        return f"stopped before the first frame; there is no {writer.path}"
    return f"stopped; {writer.path} holds the first {writer.frames} frames, {float(writer.seconds):.1f} s"
