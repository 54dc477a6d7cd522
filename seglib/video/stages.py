"""The stages of a pipeline, each in a thread of its own, so that several frames are on their way at a time."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from seglib._internal.cpu_cores import shared_cores
from seglib._internal.worker_threads import Prefetch
from seglib.arrays import Mask
from seglib.pipeline import Pipeline, Prediction
from seglib.video.timestamps import TimedFrame

T = TypeVar("T")


@contextmanager
def overlapped(pipeline: Pipeline, frames: Iterable[TimedFrame]) -> Iterator[Iterable[TimedFrame]]:
    """Read, predict, refine and render at the same time: ``with overlapped(pipeline, frames) as outputs:``.

    Parameters
    ----------
    pipeline
        Its stages get the frames in order, one at a time, ``model.batch`` at a time to predict.
    frames
        The frames of one video, all of one size. They are read in a thread, too.

    Yields
    ------
    Iterable of TimedFrame
        The outputs, in order, each with the time of its frame. An error is raised after the outputs before it.
    """
    batch = pipeline.model.batch
    with (
        shared_cores(),
        Prefetch(frames, batch) as read,
        Prefetch(_predicted(pipeline, batched(read, batch)), batch) as predictions,
        Prefetch(_masked(pipeline, predictions)) as masks,
        Prefetch(_rendered(pipeline, masks)) as outputs,
    ):
        yield outputs


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of ``size`` items, the last one shorter; ``itertools.batched`` from Python 3.12 on."""
    batch: list[T] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _predicted(pipeline: Pipeline, batches: Iterable[list[TimedFrame]]) -> Iterator[tuple[TimedFrame, Prediction]]:
    for batch in batches:
        yield from zip(batch, pipeline.predict([timed.frame for timed in batch]), strict=True)


def _masked(
    pipeline: Pipeline, predictions: Iterable[tuple[TimedFrame, Prediction]]
) -> Iterator[tuple[TimedFrame, Mask]]:
    for timed, prediction in predictions:
        yield timed, pipeline.smooth(pipeline.refine(prediction))


def _rendered(pipeline: Pipeline, masks: Iterable[tuple[TimedFrame, Mask]]) -> Iterator[TimedFrame]:
    for timed, mask in masks:
        yield replace(timed, frame=pipeline.render(timed.frame, mask, float(timed.time)))
