"""The demo: blur and replace the recorded clip, without a browser or a screen."""

import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from seglib._internal.resizing import enlarge
from seglib.arrays import Frame, Mask
from seglib.blur import Blur
from seglib.capture.sources import open_source
from seglib.cli.plural import plural
from seglib.images import write_image
from seglib.metrics import Stopwatch, iou
from seglib.pipeline import Pipeline
from seglib.plots import contact_sheet
from seglib.predict import Model, load_model
from seglib.samples import sample_background, sample_clip_masks, sample_frame, sample_mask
from seglib.substitute import Replace
from seglib.video import VideoWriter


def run_command(options: Namespace) -> int:
    """Run the demo, or say in one line where it cannot write."""
    try:
        run_demo(options.out, options.frames)
    except OSError as error:
        raise OSError(f"cannot write to {options.out}: {error.strerror or error}") from error
    return 0


def run_demo(folder: Path, frames: int | None = None) -> None:
    """Write blurred.mp4, replaced.mp4 and contact_sheet.jpg, and print IoU and frames per second.

    Parameters
    ----------
    folder
        Where the files go; it is created if it does not exist.
    frames
        How many frames of the clip to take, at least 1; None takes all.
    """
    model, watch = load_model("portrait"), Stopwatch()
    [still] = _run_pipeline(model, [sample_frame()], Stopwatch())
    write_image(folder / "contact_sheet.jpg", contact_sheet([still.frame, still.mask, *still.outputs], columns=2))
    truth = sample_mask()
    print(f"recorded frame: IoU {iou(still.raw_mask, truth):.3f} as predicted, {iou(still.mask, truth):.3f} refined")
    print("recorded clip:  is blurred and replaced, which takes about half a minute …", flush=True)
    scores = []
    with (
        open_source("clip") as clip,
        VideoWriter(folder / "blurred.mp4", clip.fps) as blurred,
        VideoWriter(folder / "replaced.mp4", clip.fps) as replaced,
    ):
        shown = tqdm(islice(clip, frames), "recorded clip", unit=" frames", disable=not sys.stderr.isatty())
        for step, truth in zip(_run_pipeline(model, shown, watch), sample_clip_masks(), strict=False):
            with watch("write"):
                for file, output in zip((blurred, replaced), step.outputs, strict=True):
                    file.write(output)
            if step.frame.any():  # in the black frames there is nothing to find
                scores.append((iou(step.raw_mask, truth), iou(step.mask, truth)))
    before, after = np.mean(scores, axis=0)
    mean = f"mean of {plural(len(scores), 'frame')}"
    print(f"recorded clip:  IoU {before:.3f} as predicted, {after:.3f} refined, {mean}")
    print(_speed(watch))
    for name in ("contact_sheet.jpg", "blurred.mp4", "replaced.mp4"):
        print(f"wrote {(folder / name).resolve()}")


class _Step(NamedTuple):
    frame: Frame
    raw_mask: Mask
    mask: Mask
    outputs: tuple[Frame, Frame]  # blurred, replaced


def _run_pipeline(model: Model, frames: Iterable[Frame], watch: Stopwatch) -> Iterator[_Step]:
    """Take every frame through the stages, with two effects in place of one."""
    pipeline, blur, replace = Pipeline(model), Blur(), Replace(sample_background("beach"))
    for frame in frames:
        with watch("predict"):
            [prediction] = pipeline.predict([frame])
        with watch("mask"):
            mask = pipeline.smooth(pipeline.refine(prediction))
        with watch("blur"):
            pipeline.effect = blur
            blurred = pipeline.render(frame, mask)
        with watch("replace"):
            pipeline.effect = replace
            replaced = pipeline.render(frame, mask)
        yield _Step(frame, enlarge(prediction.mask, frame), mask, (blurred, replaced))


def _speed(watch: Stopwatch) -> str:
    """Frames per second from a frame to a blurred one, and the milliseconds of each stage."""
    stages = watch.milliseconds()
    rate = 1000 / (stages["predict"] + stages["mask"] + stages["blur"])
    return f"{rate:.1f} fps from frame to blurred frame; " + ", ".join(f"{k} {v:.1f} ms" for k, v in stages.items())
