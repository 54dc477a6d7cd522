"""The article's loop, written anew, for comparison.

The whole frame through DeepLabv3-ResNet101, a Gaussian of 51 × 51 pixels where the label is background, and a
matplotlib figure with two panes that is drawn again.
"""

from itertools import islice
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn

from seglib.arrays import Frame, Labels
from seglib.cli.bench.measure import BenchOptions, frames_of
from seglib.errors import WeightsUnavailable
from seglib.metrics import Stopwatch
from seglib.predict.torchvision_models import load_network, untrained_network

NAME = "deeplabv3_resnet101"
# The article uses the mean twice; the second should be the standard deviation. It takes the same time.
MEAN = STD = np.array([0.485, 0.456, 0.406], np.float32)


def measure_article(options: BenchOptions, count: int) -> dict[str, Any]:
    """Milliseconds of each stage: the median of ``count`` frames after one that is not counted."""
    network, note = _network()
    draw, watch = _Figure(), Stopwatch()
    for number, (frame, _) in enumerate(islice(frames_of(options), count + 1)):
        if number == 1:
            watch = Stopwatch()
        with watch("predict"):
            labels = predict_labels(network, frame)
        with watch("blur"):
            output = blur_labels(frame, labels)
        with watch("draw"):
            draw(output, labels)
    stages = watch.milliseconds()
    return {"model": NAME, "frames": count, "note": note, "stages_ms": stages, "frame_ms": sum(stages.values())}


def predict_labels(network: nn.Module, frame: Frame) -> Labels:
    """(H, W) labels of the frame at its full size, in 32 bits."""
    scaled = (frame.astype(np.float32) / 255 - MEAN) / STD  # (H, W, 3)
    batch = torch.from_numpy(scaled.transpose(2, 0, 1))[None]  # (1, 3, H, W)
    with torch.no_grad():
        return np.asarray(network(batch)["out"][0].argmax(0).byte().numpy())


def blur_labels(frame: Frame, labels: Labels) -> Frame:
    """The frame, blurred where the label is background."""
    background = np.stack([labels == 0] * 3, axis=-1)
    return np.where(background, cv2.GaussianBlur(frame, (51, 51), 0), frame)


class _Figure:
    """Output and mask side by side, drawn again for every frame, without a pause."""

    def __init__(self) -> None:
        import matplotlib

        matplotlib.use("Agg")  # draws as the others do, without a screen
        import matplotlib.pyplot as plt

        self._figure, self._axes = plt.subplots(1, 2)
        self._images: list[Any] = []

    def __call__(self, output: Frame, labels: Labels) -> None:
        panes = (output, labels == 0)
        if not self._images:
            self._images = [axis.imshow(pane) for axis, pane in zip(self._axes, panes, strict=True)]
        for image, pane in zip(self._images, panes, strict=True):
            image.set_data(pane)
        self._figure.canvas.draw()


def _network() -> tuple[nn.Module, str]:
    try:
        return load_network(NAME, download=False, progress=False).module(), ""
    except WeightsUnavailable:
        return untrained_network(NAME).module(), "random weights"
