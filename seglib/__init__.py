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

# On Linux, PyTorch's threads wait for one another by spinning. Beside any other program that wants the cores, a video
# call say, a prediction then takes ten times as long or more. Let them spin briefly, then sleep: as fast on an idle
# machine, and fair on a busy one. It must be said before PyTorch is loaded.
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
    "read_picture": "pictures",
    "write_picture": "pictures",
    "open_source": "capture",
    "load_model": "predict.loading",
    "model_table": "predict.loading",
    "VOC_CLASSES": "mask",
    "Steady": "steady",
    "class_mask": "mask",
    "clean_mask": "mask",
    "drop_specks": "mask",
    "feather": "mask",
    "fill_holes": "mask",
    "follow_edges": "mask",
    "keep_main": "mask",
    "sharpen": "mask",
    "Follow": "follow",
    "blend": "composite",
    "Blur": "blur",
    "blur_background": "blur",
    "default_sigma": "blur",
    "kernel_sigma": "blur",
    "Replace": "substitute",
    "fit_picture": "substitute",
    "replace_background": "substitute",
    "CutOut": "cutout",
    "Stopwatch": "measure",
    "boundary_f_score": "measure",
    "flicker": "measure",
    "halo": "measure",
    "iou": "measure",
    "Live": "live.widget",
    "VideoReport": "video.process",
    "VideoWriter": "video.writing",
    "process_video": "video.process",
    "ReplaceWithVideo": "moving",
    "check_machine": "doctor.command",
    "VOC_COLOURS": "plots",
    "bars": "plots",
    "colour_labels": "plots",
    "contact_sheet": "plots",
    "curves": "plots",
    "show": "plots",
    "show_labels": "plots",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    """Import the module that defines ``name`` on its first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"seglib has no {name!r}; dir(seglib) lists what there is")
    value = getattr(import_module(f"seglib.{_HOME[name]}"), name)
    globals()[name] = value  # the next use finds it without coming here
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


if TYPE_CHECKING:  # the same names for type checkers and editors, which cannot follow __getattr__
    from seglib.blur import Blur, blur_background, default_sigma, kernel_sigma
    from seglib.capture import open_source
    from seglib.composite import blend
    from seglib.cutout import CutOut
    from seglib.doctor.command import check_machine
    from seglib.errors import CameraUnavailable, SourceError, WeightsUnavailable
    from seglib.follow import Follow
    from seglib.live.widget import Live
    from seglib.mask import (
        VOC_CLASSES,
        class_mask,
        clean_mask,
        drop_specks,
        feather,
        fill_holes,
        follow_edges,
        keep_main,
        sharpen,
    )
    from seglib.measure import Stopwatch, boundary_f_score, flicker, halo, iou
    from seglib.moving import ReplaceWithVideo
    from seglib.pictures import read_picture, write_picture
    from seglib.plots import VOC_COLOURS, bars, colour_labels, contact_sheet, curves, show, show_labels
    from seglib.predict.loading import load_model, model_table
    from seglib.samples import (
        sample_background,
        sample_clip,
        sample_clip_masks,
        sample_frame,
        sample_labels,
        sample_mask,
    )
    from seglib.steady import Steady
    from seglib.substitute import Replace, fit_picture, replace_background
    from seglib.video.process import VideoReport, process_video
    from seglib.video.writing import VideoWriter
