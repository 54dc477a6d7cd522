"""A video file through model, mask and effect into another file, with its sound and its times."""

import os
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from tqdm import tqdm

from seglib._internal.allocation import keep_memory
from seglib._internal.cpu_cores import shared_cores
from seglib._internal.resizing import enlarge, small_view
from seglib._internal.worker_threads import Behind, Line, Together
from seglib.arrays import Frame, Mask
from seglib.classes import ClassName, class_numbers
from seglib.errors import SourceError
from seglib.images import existing_file
from seglib.mask import clean_mask
from seglib.temporal import Steady
from seglib.video.audio import Handling
from seglib.video.file_writer import Output, Recipe
from seglib.video.image_sequence import ImageSequenceWriter, check_folder, check_no_codec
from seglib.video.reader import TimedFrame, VideoReader

if TYPE_CHECKING:
    from seglib.predict import Model

Effect: TypeAlias = Callable[[Frame, Mask], Frame]
_Masked: TypeAlias = tuple[TimedFrame, Frame, Mask]  # a frame, a smaller view of it, and the mask of that


@dataclass(frozen=True)
class VideoReport:
    """What :func:`process_video` did.

    path: the new file or folder. frames: how many it holds. seconds: its length. fps: frames processed in a second.
    complete: False if the source broke off and ``keep_broken`` kept what was before.
    audio: "copied" bit by bit, "re-encoded", or "none".
    """

    path: Path
    frames: int
    seconds: float
    fps: float
    complete: bool
    audio: Handling


def process_video(
    src: str | Path,
    dst: str | Path,
    effect: Effect,
    *,
    model: "str | Model" = "portrait",
    keep: ClassName | Iterable[ClassName] = ("person",),
    crf: int | None = None,
    codec: str | None = None,
    steady: bool = True,
    clean: bool = True,
    progress: bool = True,
    overwrite: bool = False,
    keep_broken: bool = False,
) -> VideoReport:
    """Apply an effect to every frame of a video file: ``process_video("talk.mp4", "out.mp4", Blur())``.

    src: a video file; it is only read. dst: the new file, .mp4 or .mov (H.264) or .webm (VP9); its folder is made.
    effect: ``effect(frame, mask) -> output``, such as :class:`Blur` or :class:`Replace`; output has the frame's shape.
        It gets one frame after the other, but not always in the same thread.
        One with an attribute ``shown_at``, as :class:`ReplaceWithVideo`, is told there the seconds of every frame.
        One with ``transparent = True``, as :class:`CutOut`, returns (H, W, 4) RGBA. Then dst is a .webm file, or a name
        without an ending: a folder of pictures, 000001.png and so on, one for every frame, without times and sound.
    model: a name for :func:`load_model`, or a loaded model. keep: the classes that the mask keeps.
    crf: quality, 0 to 51 for H.264 (20), 0 to 63 for VP9 (32); lower is better and larger.
    codec: "h264" or "vp9", to be sure; the ending of dst decides.
    clean, steady: pass the mask through :func:`clean_mask`, and :class:`Steady` over time.
    progress: show a bar with frames per second and the time left. overwrite: replace an existing dst.
    keep_broken: of a damaged source keep the frames before the break, instead of nothing.

    The new file has every frame of the source, upright, at its own time, and all its sound: copied where the new
    container allows it. Colours are coded as in the source. An odd width or height loses its last pixel. Interlaced
    pictures, as of camcorders, become whole ones.
    The new file gets its name when it is finished; after an error there is none. An interrupt (Ctrl-C, the Stop
    button) finishes the file with the frames so far and then raises KeyboardInterrupt, which says how far it came.
    Raises SourceError for a source that is no video, damaged or HDR, FileExistsError if dst exists, ValueError for
    arguments that do not fit or an output of the wrong shape, OSError if dst cannot be written, and whatever the
    effect raises. Taught in 07_video.ipynb.
    """
    path = existing_file(src)
    target = Path(dst).expanduser()
    as_stills = _is_transparent(effect) and not target.suffix
    if as_stills:
        check_no_codec(target, codec, crf)
        check_folder(target, overwrite)
    else:
        _check_target(target, path, overwrite)
        recipe = Recipe.choose(target, codec, crf, _is_transparent(effect))
    class_numbers(keep)  # a wrong class is told before the work starts
    with VideoReader(path) as film:
        output = ImageSequenceWriter(target, film) if as_stills else Output(target, recipe, film, keep_broken)
        try:
            walk = _Walk(model, keep, effect, clean, steady, film.time_base)
            began = time.perf_counter()
            complete = _run(film, walk, output, progress, keep_broken)
            spent = time.perf_counter() - began
        except BaseException:
            output.discard()
            raise
    return VideoReport(target, output.frames, float(output.seconds), output.frames / spent, complete, output.audio)


class _Walk:
    """The walk of a frame: predict, clean the mask, steady it, apply the effect."""

    def __init__(
        self,
        model: "str | Model",
        keep: ClassName | Iterable[ClassName],
        effect: Effect,
        clean: bool,
        steady: bool,
        time_base: Fraction,
    ) -> None:
        from seglib.predict import load_model  # only now: PyTorch takes a while

        self._model = load_model(model) if isinstance(model, str) else model
        self._keep, self._effect, self._clean = class_numbers(keep), effect, clean
        self._steady = Steady() if steady else None
        self._time_base = time_base
        self._count = 0
        self.effect_failed = False
        self.batch = self._model.batch

    def predict(self, shots: list[TimedFrame]) -> list[_Masked]:
        """Several frames, each with its mask as the model sees it, at the size that it is worked on."""
        views = [small_view(shot.frame) for shot in shots] if self._clean else [shot.frame for shot in shots]
        masks = self._model.masks([shot.frame for shot in shots], self._keep, size=views[0].shape[1::-1])
        return list(zip(shots, views, masks, strict=True))

    def clean(self, masked: _Masked) -> tuple[TimedFrame, Mask]:
        """A frame with its mask cleaned, steadied and in its size."""
        shot, view, mask = masked
        if self._clean:
            mask = clean_mask(mask, view)
        if self._steady is not None:
            mask = self._steady(mask, view)
        return shot, enlarge(mask, shot.frame)

    def finish(self, cleaned: tuple[TimedFrame, Mask]) -> TimedFrame:
        """The frame as it shall be written, with the effect applied."""
        shot, mask = cleaned
        self._tell(float(shot.time * self._time_base))
        return replace(shot, frame=self._apply(shot.frame, mask))

    def close(self) -> None:
        """No more frames: an effect that was told their times shall not go on with the last one."""
        self._tell(None)

    def _tell(self, seconds: float | None) -> None:
        if hasattr(self._effect, "shown_at"):
            self._effect.shown_at = seconds

    def _apply(self, frame: Frame, mask: Mask) -> Frame:
        shape, number = (*frame.shape[:2], 4 if _is_transparent(self._effect) else 3), self._count
        self._count += 1
        try:
            output = self._effect(frame, mask)
        except Exception as error:
            self.effect_failed = True
            error.add_note(f"(raised by the effect at frame {number} of the video)")
            raise
        if not isinstance(output, np.ndarray):
            raise TypeError(f"effect returned {type(output).__name__} for frame {number}, not an array {shape} uint8")
        if output.shape != shape or output.dtype != np.uint8:
            raise ValueError(f"effect returned {output.shape} {output.dtype} for frame {number}, not {shape} uint8")
        return output


def _run(
    film: VideoReader, walk: _Walk, output: Output | ImageSequenceWriter, progress: bool, keep_broken: bool
) -> bool:
    """Decode, predict, clean and finish side by side, encode behind. Returns whether all of the source was read."""
    complete, done = True, 0
    keep_memory()
    with (
        closing(walk),
        shared_cores(),
        Line(film, Together(walk.predict, walk.batch), walk.clean, walk.finish) as shots,
        Behind(size=4) as writer,
        tqdm(total=film.length, desc=output.path.name, unit=" frames", disable=not progress, mininterval=0.5) as bar,
    ):
        try:
            try:
                for shot in shots:
                    writer.put(output.write, shot)
                    bar.update()
                    done += 1
            except SourceError:
                if not keep_broken or done == 0 or walk.effect_failed:  # its own file is not the source
                    raise
                complete = False
            writer.put(output.finish, complete)  # in its thread, where no interrupt cuts it in two
            writer.finish()
        except KeyboardInterrupt:
            writer.put(output.finish, False)
            writer.finish()
            raise KeyboardInterrupt(_how_far(output)) from None
    return complete


def _how_far(output: Output | ImageSequenceWriter) -> str:
    if not output.frames:
        return f"stopped before the first frame; there is no {output.path}"
    return f"stopped; {output.path} holds the first {output.frames} frames, {float(output.seconds):.1f} s"


def _is_transparent(effect: Effect) -> bool:
    return bool(getattr(effect, "transparent", False))


def _check_target(target: Path, source: Path, overwrite: bool) -> None:
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder, not a file")
    if target.exists():
        if os.path.samefile(target, source):
            raise ValueError(f"{target} is the source itself; write to another file")
        if not overwrite:
            raise FileExistsError(f"{target} exists; overwrite=True replaces it")
