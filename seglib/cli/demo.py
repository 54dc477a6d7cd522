"""The demo: blur and replace the recorded clip, without a browser or a screen."""

from argparse import Namespace
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from seglib.arrays import Frame, Mask
from seglib.blur import Blur
from seglib.capture.sources import open_source
from seglib.images import write_image
from seglib.mask import clean_mask
from seglib.metrics import Stopwatch, iou
from seglib.plots import contact_sheet
from seglib.predict import Model, load_model
from seglib.samples import sample_background, sample_clip_masks, sample_frame, sample_mask
from seglib.substitute import Replace
from seglib.temporal import Steady
from seglib.video import VideoWriter

Step = tuple[Frame, Mask, Mask, Frame, Frame]  # frame, raw mask, clean mask, blurred, replaced


def run_command(options: Namespace) -> int:
    """``demo``: run it, or say in one line where nothing can be written."""
    try:
        run_demo(options.out, options.frames)
    except OSError as error:
        raise OSError(f"cannot write to {options.out}: {error.strerror or error}") from error
    return 0


def run_demo(folder: Path, frames: int | None = None) -> None:
    """Write blurred.mp4, replaced.mp4 and contact_sheet.jpg, and print IoU and frames per second.

    folder: where to; made if need be. frames: how many frames of the clip, None for all of it.
    """
    model = load_model("portrait")
    frame, raw, mask, blurred, replaced = next(_walk(model, iter([sample_frame()]), Stopwatch()))
    write_image(folder / "contact_sheet.jpg", contact_sheet([frame, mask, blurred, replaced], columns=2))
    print(f"recorded frame: IoU {_scores(raw, mask, sample_mask())}")
    watch, scores = Stopwatch(), []
    with (
        open_source("clip") as clip,
        VideoWriter(folder / "blurred.mp4", clip.fps) as blurred_file,
        VideoWriter(folder / "replaced.mp4", clip.fps) as replaced_file,
    ):
        truths = sample_clip_masks()
        for frame, raw, mask, blurred, replaced in _walk(model, islice(clip, frames), watch):
            with watch("write"):
                blurred_file.write(blurred)
                replaced_file.write(replaced)
            truth = next(truths)
            if frame.any():  # half a second is black: the person is there, but nothing to see her by
                scores.append((iou(raw, truth), iou(mask, truth)))
    before, after = np.mean(scores, axis=0)
    print(f"recorded clip:  IoU {before:.3f} as predicted, {after:.3f} cleaned, mean of {len(scores)} frames")
    print(_speed(watch))
    for name in ("contact_sheet.jpg", "blurred.mp4", "replaced.mp4"):
        print(f"wrote {(folder / name).resolve()}")


def _walk(model: Model, frames: Iterator[Frame], watch: Stopwatch) -> Iterator[Step]:
    """The walk of every frame: predict, clean the mask, blur, replace."""
    steady, blur, replace = Steady(), Blur(), Replace(sample_background("beach"))
    for frame in frames:
        with watch("predict"):
            raw = model.mask(frame)
        with watch("mask"):
            mask = steady(clean_mask(raw, frame), frame)
        with watch("blur"):
            blurred = blur(frame, mask)
        with watch("replace"):
            replaced = replace(frame, mask)
        yield frame, raw, mask, blurred, replaced


def _scores(raw: Mask, mask: Mask, truth: Mask) -> str:
    return f"{iou(raw, truth):.3f} as predicted, {iou(mask, truth):.3f} cleaned"


def _speed(watch: Stopwatch) -> str:
    """Frames per second from a frame to a blurred one, and where the time goes."""
    stages = watch.milliseconds()
    rate = 1000 / (stages["predict"] + stages["mask"] + stages["blur"])
    return f"{rate:.1f} fps from frame to blurred frame; " + ", ".join(f"{k} {v:.1f} ms" for k, v in stages.items())
