"""Many files: one after the other on this machine, or in parallel on the machines of a Dask cluster.

While a file is made it is called ``talk.unfinished.mp4``; it gets its own name when it is complete. A second run can
therefore skip every file that has its own name, however the first run ended.
"""

import os
import shutil
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from seglib._internal.atomic_files import remove_leftovers
from seglib.arrays import Frame, Mask
from seglib.blur import Blur
from seglib.cli.plural import megabytes, plural
from seglib.cutout import CutOut
from seglib.errors import SourceError, WeightsUnavailable
from seglib.images import existing_file, is_image, read_image, write_image
from seglib.palettes import mask_to_frame
from seglib.pipeline import Effect, Pipeline
from seglib.substitute import Background, Fit, Replace
from seglib.video.background import End, ReplaceWithVideo
from seglib.video.image_sequence import check_folder
from seglib.video.process import VideoReport, process_video
from seglib.video.writer import VIDEO_FORMATS, Encoding

if TYPE_CHECKING:
    from seglib.predict import Model
    from seglib.predict.execution import Precision, Runtime

_EXPLAINED = (SourceError, WeightsUnavailable, OSError, ValueError)  # their messages need no name of a class
CONNECT_SECONDS = 10  # for a scheduler to answer


@dataclass(frozen=True)
class BatchOptions:
    """What to do with every file. A background file is named, not held, so that the options are small.

    Attributes
    ----------
    effect
        "blur" with ``sigma``; "substitute" with ``background`` (a video, too), ``fit`` and ``end``; "cutout"; or
        "mask", which shows the mask itself.
    codec
        As in :func:`process_video`; also "png", for "cutout" into a folder.
    model, device, runtime, precision
        As in :func:`load_model`.
    keep, crf, steady, keep_broken
        As in :func:`process_video`.
    """

    effect: Literal["blur", "substitute", "cutout", "mask"] = "blur"
    sigma: float | None = None
    background: Background = "black"
    fit: Fit = "cover"
    end: End = "loop"
    model: str = "portrait"
    device: str | None = None
    runtime: "Runtime" = "auto"
    precision: "Precision | None" = None
    keep: tuple[str, ...] = ("person",)
    crf: int | None = None
    codec: str | None = None
    steady: bool = True
    keep_broken: bool = False

    def encoding(self, path: Path) -> Encoding:
        """The codec and the quality of a file."""
        is_folder = self.codec == "png" and not path.suffix
        return Encoding(None if is_folder else self.codec, self.crf)

    def make_effect(self) -> Effect:
        """The effect itself. Raises ValueError or SourceError for an option that is wrong."""
        if self.effect == "mask":
            return show_mask
        if self.effect == "cutout":
            return CutOut()
        if self.effect == "blur":
            return Blur(self.sigma)
        if isinstance(self.background, Path) and not is_image(existing_file(self.background)):
            return ReplaceWithVideo(self.background, self.end, self.fit)
        return Replace(self.background, self.fit)

    def load_model(self) -> "Model":
        """The model, loaded once in each process: a worker keeps it from file to file."""
        return _load_model(self.model, self.device, self.runtime, self.precision)


@dataclass(frozen=True)
class Task:
    """A file or a folder of PNG pictures to be made from a video or a picture.

    Attributes
    ----------
    src, dst
        Where to read, and where to write.
    options
        What to do.
    overwrite
        Whether an existing ``dst`` may be replaced.
    """

    src: Path
    dst: Path
    options: BatchOptions
    overwrite: bool = False

    @property
    def unfinished(self) -> Path:
        """The name of ``dst`` until it is complete; it stays if an interrupt ends the work."""
        dot = "." if self.dst.suffix else "-"  # a folder of pictures has no extension
        return self.dst.with_name(f"{self.dst.stem}{dot}unfinished{self.dst.suffix}")

    def check(self) -> None:
        """Raise FileExistsError if ``dst`` exists and may not be replaced."""
        if self.dst.exists() and not self.overwrite:
            raise FileExistsError(f"{self.dst} exists; --force replaces it, --skip-existing leaves it")
        if not self.dst.suffix:
            check_folder(self.dst, overwrite=True)


@dataclass(frozen=True)
class Outcome:
    """What became of a task: ``done``, a line that says what was made, or ``error``, a line that says why not."""

    task: Task
    done: str = ""
    error: str = ""


def run_here(tasks: Iterable[Task], progress: bool = True) -> Generator[Outcome, None, None]:
    """Do the tasks one after the other. A failure does not stop the next ones; an interrupt does.

    Parameters
    ----------
    tasks
        What to do.
    progress
        Show a progress bar for each video.
    """
    for task in tasks:
        yield attempt(task, progress)


def run_on_cluster(tasks: Sequence[Task], address: str) -> Generator[Outcome, None, None]:
    """Do the tasks on a running Dask cluster, one file per Dask task, and yield each outcome when it is there.

    When the iterator is closed or interrupted, the waiting tasks are cancelled, and the workers finish the files that
    they have begun. If a worker dies, another one makes its file.

    Parameters
    ----------
    tasks
        Their paths must be valid on every machine of the cluster: absolute, on a shared disk.
    address
        Of the scheduler, such as "tcp://10.0.0.5:8786".

    Raises
    ------
    OSError
        If no scheduler answers there.
    ValueError
        If it is not an address.
    """
    distributed: Any = import_module("distributed")
    ready = []
    for task in tasks:
        try:
            task.check()
            # From here on, dst can only exist because a worker finished it just before it died.
            ready.append(replace(task, overwrite=True))
        except FileExistsError as error:
            yield Outcome(task, error=_one_line(error))
    with distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False) as client:
        # retries: of errors outside the task, in its transport. The scheduler itself repeats the task of a dead worker.
        futures = {client.submit(attempt, task, pure=False, retries=2): task for task in ready}
        for future in distributed.as_completed(list(futures), loop=client.loop):
            yield outcome_of(future, futures[future])
        # However this block ends, the client is closed, and the scheduler cancels the tasks that nobody waits for.


def attempt(task: Task, progress: bool = False) -> Outcome:
    """Do one task; an error becomes its outcome."""
    try:
        task.check()
        return Outcome(task, done=make_file(task, progress))
    except Exception as error:
        return Outcome(task, error=_one_line(error))


def make_file(task: Task, progress: bool = False) -> str:
    """Make the file of a task; returns a line about it. Raises as :func:`process_video` does."""
    if is_image(task.src):
        return _make_picture(task)
    remove_leftovers(task.unfinished)
    options = task.options
    report = process_video(
        task.src,
        task.unfinished,
        options.make_effect(),
        model=options.load_model(),
        keep=options.keep,
        steady=options.steady,
        encoding=options.encoding(task.dst),
        progress=progress,
        overwrite=True,
        keep_broken=options.keep_broken,
    )
    _rename(task.unfinished, task.dst)
    return f"{task.dst}: {_describe(report, is_transparent=options.effect == 'cutout')}"


def _describe(report: VideoReport, is_transparent: bool) -> str:
    """A line about a new video: its length, its size, what became of the rest of the source."""
    rate = f"{report.bit_rate / 1e6:.2f} Mbit/s"
    source = f", the source {report.source_bit_rate / 1e6:.2f}" if report.source_bit_rate else ""
    parts = [
        plural(report.frames, "frame"),
        f"{report.seconds:.1f} s",
        "no sound" if report.audio == "none" else f"sound {report.audio}",
        f"{report.size[0]} × {report.size[1]}",
        f"{megabytes(report.bytes)} ({rate}{source})",
        f"{report.fps:.1f} fps",
    ]
    notes = [", ".join(parts)]
    if not report.complete:
        notes.append("the source is damaged after that")
    if report.left_out:
        notes.append(f"without {', '.join(report.left_out)}")
    if is_transparent and report.path.suffix:
        notes.append("its transparency shows in Chrome, Edge, Firefox and OBS; for a video editor make a folder of PNG")
    elif is_transparent:
        notes.append(f"a video editor imports them as an image sequence of {report.frames / report.seconds:.5g} fps")
    return "; ".join(notes)


def show_mask(frame: Frame, mask: Mask) -> Frame:
    """An effect that shows the mask itself: white where it is 1, black where it is 0."""
    return mask_to_frame(mask)


def outcome_of(future: Any, task: Task) -> Outcome:
    """What became of a task that was sent to a cluster."""
    if future.status == "finished":
        outcome: Outcome = future.result()
        return outcome
    remove_leftovers(task.unfinished)
    if future.status != "error":
        return Outcome(task, error=f"{task.src}: the scheduler lost the task ({future.status}); run again")
    error = future.exception()
    if type(error).__name__ == "KilledWorker":
        return Outcome(task, error=f"{task.src}: every worker that tried it died; do they have enough memory?")
    return Outcome(task, error=f"{task.src}: {_one_line(error)}")


def _make_picture(task: Task) -> str:
    if task.dst.suffix.lower() in VIDEO_FORMATS:
        raise ValueError(f"{task.src} is a picture, so {task.dst} must end in .png or .jpg")
    if task.options.effect == "cutout" and task.dst.suffix.lower() != ".png":
        raise ValueError(f"{task.dst} cannot hold transparency; write to a .png file")
    frame, options = read_image(task.src), task.options
    effect = options.make_effect()
    pipeline = Pipeline(options.load_model(), keep=options.keep, steady=False, effect=effect)
    write_image(task.dst, pipeline(frame).output)
    return f"{task.dst}: {frame.shape[1]} × {frame.shape[0]}, {megabytes(task.dst.stat().st_size)}"


@lru_cache(maxsize=1)
def _load_model(name: str, device: str | None, runtime: "Runtime", precision: "Precision | None") -> "Model":
    from seglib.predict import load_model  # imported here: PyTorch takes a while

    return load_model(name, device=device, runtime=runtime, precision=precision)


def _rename(unfinished: Path, path: Path) -> None:
    try:
        if path.is_dir() and unfinished.is_dir():  # os.replace replaces a file, but no folder
            shutil.rmtree(path, ignore_errors=True)
        os.replace(unfinished, path)
    except FileNotFoundError:  # a worker that was believed dead has made and renamed the same file
        if not path.exists():
            raise


def _one_line(error: BaseException | None) -> str:
    """The message of an error, on one line."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    text = " ".join(str(error).split())
    return text if isinstance(error, _EXPLAINED) and text else f"{type(error).__name__}: {text}"
