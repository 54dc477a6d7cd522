"""seglib: the small library behind the notebooks on semantic image segmentation.

    import seglib

    frame = seglib.sample_frame()                    # (H, W, 3) uint8 RGB
    mask = seglib.load_model().mask(frame)           # (H, W) float32, 1 = person
    seglib.show(frame, mask, seglib.blur_background(frame, mask))

The modules follow the walk of one frame: ``capture`` -> ``predict`` -> ``mask`` -> ``blur`` or
``substitute`` -> ``composite``. Importing ``seglib`` loads none of PyTorch, OpenCV and matplotlib; each name
below is imported from its module when it is first used.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

# On Linux, PyTorch's threads spin while they wait. When other programs are busy, predictions then take up to 5 times as
# long. PyTorch reads this variable when it is imported, so it is set before that.
os.environ.setdefault("GOMP_SPINCOUNT", "20000")

# name -> the module that defines it. This table is the public interface.
_HOME = {
    "CameraUnavailable": "errors",
    "SourceError": "errors",
    "WeightsUnavailable": "errors",
    "sample_background": "samples",
    "sample_clip": "samples",
    "sample_clip_masks": "samples",
    "sample_frame": "samples",
    "sample_labels": "samples",
    "sample_mask": "samples",
    "read_image": "images",
    "write_image": "images",
    "open_source": "capture.sources",
    "Frame": "arrays",
    "Labels": "arrays",
    "Mask": "arrays",
    "Model": "predict.model",
    "load_model": "predict.registry",
    "wrap_model": "predict.wrapping",
    "model_table": "predict.registry",
    "VOC_CLASSES": "classes",
    "Steady": "temporal",
    "class_mask": "mask",
    "clean_mask": "mask",
    "remove_small_objects": "mask",
    "feather": "mask",
    "remove_small_holes": "mask",
    "refine_edges": "mask",
    "keep_largest": "mask",
    "threshold_mask": "mask",
    "Follow": "temporal",
    "blend": "composite",
    "Blur": "blur",
    "blur_background": "blur",
    "default_sigma": "blur",
    "kernel_sigma": "blur",
    "Replace": "substitute",
    "fit_image": "substitute",
    "replace_background": "substitute",
    "Stopwatch": "metrics",
    "boundary_f_score": "metrics",
    "flicker": "metrics",
    "halo": "metrics",
    "iou": "metrics",
    "Effect": "pipeline",
    "Pipeline": "pipeline",
    "Live": "live.widget",
    "process_video": "video.process",
    "check_machine": "cli.doctor.command",
    "CLASS_COLOURS": "palettes",
    "PLOT_STYLE": "plots",
    "VOC_COLOURS": "palettes",
    "bars": "plots",
    "colour_labels": "palettes",
    "contact_sheet": "plots",
    "curves": "plots",
    "show": "plots",
    "show_figure": "plots",
    "show_labels": "plots",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    """Import the module that defines ``name`` on its first use (PEP 562)."""
    if name == "video":
        return import_module("seglib.video")
    if name not in _HOME:
        raise AttributeError(f"seglib has no {name!r}; dir(seglib) lists what there is")
    value = getattr(import_module(f"seglib.{_HOME[name]}"), name)
    globals()[name] = value  # the next use finds it without coming here
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__", "video"]


if TYPE_CHECKING:  # the same names for type checkers and editors, which cannot follow __getattr__
    from seglib import video
    from seglib.arrays import Frame, Labels, Mask
    from seglib.blur import Blur, blur_background, default_sigma, kernel_sigma
    from seglib.capture.sources import open_source
    from seglib.classes import VOC_CLASSES
    from seglib.cli.doctor.command import check_machine
    from seglib.composite import blend
    from seglib.errors import CameraUnavailable, SourceError, WeightsUnavailable
    from seglib.images import read_image, write_image
    from seglib.live.widget import Live
    from seglib.mask import (
        class_mask,
        clean_mask,
        feather,
        keep_largest,
        refine_edges,
        remove_small_holes,
        remove_small_objects,
        threshold_mask,
    )
    from seglib.metrics import Stopwatch, boundary_f_score, flicker, halo, iou
    from seglib.palettes import CLASS_COLOURS, VOC_COLOURS, colour_labels
    from seglib.pipeline import Effect, Pipeline
    from seglib.plots import PLOT_STYLE, bars, contact_sheet, curves, show, show_figure, show_labels
    from seglib.predict.model import Model
    from seglib.predict.registry import load_model, model_table
    from seglib.predict.wrapping import wrap_model
    from seglib.samples import (
        sample_background,
        sample_clip,
        sample_clip_masks,
        sample_frame,
        sample_labels,
        sample_mask,
    )
    from seglib.substitute import Replace, fit_image, replace_background
    from seglib.temporal import Follow, Steady
    from seglib.video.process import process_video
