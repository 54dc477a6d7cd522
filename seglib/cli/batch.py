"""Many files: one after the other on this machine, or side by side on the machines of a Dask cluster.

A file that is being made is called ``talk.unfinished.mp4`` and gets its own name when it is whole. What carries its
own name can therefore be skipped on a second run, whatever ended the first one.
"""

import os
import re
import shutil
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from seglib.arrays import Frame, Mask
from seglib.blur import Blur
from seglib.cutout import CutOut
from seglib.errors import SourceError, WeightsUnavailable
from seglib.images import existing_file, is_image, read_image, write_image
from seglib.mask import clean_mask
from seglib.substitute import Background, Fit, Replace
from seglib.video.background import End, ReplaceWithVideo
from seglib.video.file_writer import ENDINGS
from seglib.video.image_sequence import check_folder
from seglib.video.process import Effect, process_video

if TYPE_CHECKING:
    from distributed import Client, Future

    from seglib.predict import Model
    from seglib.predict.registry import Precision, Runtime

_EXPLAINED = (SourceError, WeightsUnavailable, OSError, ValueError)  # their messages say it all
_PATIENCE = 10  # seconds for a scheduler to answer


@dataclass(frozen=True)
class Settings:
    """What is to be done with every file.

    effect: "blur" with sigma, "substitute" with background (a video, too), fit and end, "cutout", or "mask", which
    shows the mask itself, white on black. codec: also "png", for cutout into a folder. model, device, runtime,
    precision: as in :func:`load_model`. The rest: as in :func:`process_video`. A background file is named, not held.
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

    def make_effect(self) -> Effect:
        """The effect itself. Raises ValueError or SourceError for a setting that does not fit."""
        if self.effect == "mask":
            return show_mask
        if self.effect == "cutout":
            return CutOut()
        if self.effect == "blur":
            return Blur(self.sigma)
        if isinstance(self.background, Path) and not is_image(existing_file(self.background)):
            return ReplaceWithVideo(self.background, self.end, self.fit)
        return Replace(self.background, self.fit)


@dataclass(frozen=True)
class Task:
    """A file or a folder of PNG pictures, to be made of a video or a picture. overwrite: replace an existing dst."""

    src: Path
    dst: Path
    settings: Settings
    overwrite: bool = False

    @property
    def unfinished(self) -> Path:
        """The name of dst until it is whole, and for good if an interrupt ends the work."""
        dot = "." if self.dst.suffix else "-"  # a folder of pictures has no ending
        return self.dst.with_name(f"{self.dst.stem}{dot}unfinished{self.dst.suffix}")

    def check(self) -> None:
        """Raise FileExistsError if there is a dst that may not be replaced."""
        if self.dst.exists() and not self.overwrite:
            raise FileExistsError(f"{self.dst} exists; --force replaces it, --skip-existing leaves it")
        if not self.dst.suffix:
            check_folder(self.dst, overwrite=True)

    def discard_leftovers(self) -> None:
        """Remove what killed processes have left of this file, under its hidden names."""
        stem, ending = re.escape(self.unfinished.stem[:100]), re.escape(self.dst.suffix)
        name = re.compile(rf"\.{stem}\.[0-9a-f]{{32}}(\.older)?\.part{ending}")
        if self.dst.parent.is_dir():
            for path in self.dst.parent.iterdir():
                if name.fullmatch(path.name):
                    _remove(path)


@dataclass(frozen=True)
class Outcome:
    """What became of a task. done: a line that says what was made. error: a line that says why not, or ""."""

    task: Task
    done: str = ""
    error: str = ""


def run_here(tasks: Iterable[Task], progress: bool = True) -> Generator[Outcome, None, None]:
    """Do the tasks one after the other, and tell of each. A failure does not keep the next ones from being done.

    progress: show a bar for each video. Ctrl-C raises KeyboardInterrupt, which says how far the current file came.
    """
    for task in tasks:
        yield attempt(task, progress)


def run_on_cluster(tasks: Sequence[Task], address: str) -> Generator[Outcome, None, None]:
    """Do the tasks on an existing Dask cluster, one task a file, and tell of each as it ends.

    tasks: their paths must be good on every machine of the cluster: absolute, on a disk that all share.
    address: of the scheduler, such as "tcp://10.0.0.5:8786". Raises OSError if nobody answers there.
    The file of a worker that dies is made by another one. When the iterator is closed or interrupted, what waits is
    cancelled; the files that workers are at are finished by them.
    """
    from distributed import Client, as_completed

    ready = []
    for task in tasks:
        try:
            task.check()
            # From here on dst can only be there because an earlier try, whose worker died, had just finished it.
            ready.append(replace(task, overwrite=True))
        except FileExistsError as error:
            yield Outcome(task, error=_one_line(error))
    with Client(address, timeout=_PATIENCE, set_as_default=False) as client:
        futures = {_submit(client, task): task for task in ready}
        for future in as_completed(list(futures), loop=client.loop):
            yield _outcome(future, futures[future])
        # However this block ends, the client goes, and the scheduler drops what nobody waits for any more.


def attempt(task: Task, progress: bool = False) -> Outcome:
    """Do one task; its failure is told, not raised."""
    try:
        task.check()
        return Outcome(task, done=make_file(task, progress))
    except Exception as error:
        return Outcome(task, error=_one_line(error))


def make_file(task: Task, progress: bool = False) -> str:
    """Make the file of a task, and return a line about it. Raises as :func:`process_video` does."""
    if is_image(task.src):
        return _make_picture(task)
    task.discard_leftovers()
    settings = task.settings
    report = process_video(
        task.src,
        task.unfinished,
        settings.make_effect(),
        model=load_once(settings.model, settings.device, settings.runtime, settings.precision),
        keep=settings.keep,
        crf=settings.crf,
        codec=settings.codec if task.dst.suffix else None,
        steady=settings.steady,
        progress=progress,
        overwrite=True,
        keep_broken=settings.keep_broken,
    )
    _rename(task.unfinished, task.dst)
    broken = "" if report.complete else "; the source is damaged after that"
    sound = "no sound" if report.audio == "none" else f"sound {report.audio}"
    return f"{task.dst}: {report.frames} frames, {report.seconds:.1f} s, {sound}, {report.fps:.1f} fps{broken}"


def show_mask(frame: Frame, mask: Mask) -> Frame:
    """An effect that shows the mask itself, white where it keeps and black where it does not."""
    return np.repeat(np.rint(mask * 255).astype(np.uint8)[..., np.newaxis], 3, axis=2)


def _make_picture(task: Task) -> str:
    if task.dst.suffix.lower() in ENDINGS:
        raise ValueError(f"{task.src} is a picture, so {task.dst} must end in .png or .jpg")
    frame, settings = read_image(task.src), task.settings
    effect = settings.make_effect()
    model = load_once(settings.model, settings.device, settings.runtime, settings.precision)
    mask = clean_mask(model.mask(frame, settings.keep), frame)
    write_image(task.dst, effect(frame, mask))
    return f"{task.dst}: {frame.shape[1]} × {frame.shape[0]}"


@lru_cache(maxsize=1)
def load_once(name: str, device: str | None, runtime: "Runtime", precision: "Precision | None") -> "Model":
    """The model, loaded once in each process: a worker keeps it from file to file."""
    from seglib.predict import load_model  # only now: PyTorch takes a while

    return load_model(name, device=device, runtime=runtime, precision=precision)


def _rename(unfinished: Path, path: Path) -> None:
    try:
        if path.is_dir() and unfinished.is_dir():  # of older pictures; a file is replaced without further ado
            _remove(path)
        os.replace(unfinished, path)
    except FileNotFoundError:  # a worker that was believed dead made the same file, and has just renamed it
        if not path.exists():
            raise


def _remove(path: Path) -> None:
    """Remove a file or a folder that may be gone already."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _submit(client: "Client", task: Task) -> "Future":
    # retries: of what goes wrong outside the task, in its transport. A worker's death is repeated by the scheduler.
    return client.submit(attempt, task, pure=False, retries=2)


def _outcome(future: "Future", task: Task) -> Outcome:
    if future.status == "finished":
        return future.result()
    task.discard_leftovers()
    if future.status != "error":
        return Outcome(task, error=f"{task.src}: the scheduler lost it ({future.status}); run again")
    error = future.exception()
    if type(error).__name__ == "KilledWorker":
        return Outcome(task, error=f"{task.src}: each worker that tried it died; has it enough memory?")
    return Outcome(task, error=f"{task.src}: {_one_line(error)}")


def _one_line(error: BaseException | None) -> str:
    """The message of an error, on one line."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    text = " ".join(str(error).split())
    return text if isinstance(error, _EXPLAINED) and text else f"{type(error).__name__}: {text}"
