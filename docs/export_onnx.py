"""Export the embedded model for a browser: python docs/export_onnx.py FILE.

The graph holds the steps of notebook 02 around the network: normalise, predict, enlarge, sigmoid. It takes and gives
what a page's canvas holds, RGBA bytes: a frame at half its size in, and a white picture out, of the frame's whole size,
whose alpha channel is the mask. (A browser halves a picture exactly and quickly. By other factors it skips pixels.)
"""

import sys
import warnings
from math import ceil
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

import seglib

HEIGHT, WIDTH = 480, 640  # of the page's frames


class CanvasModel(nn.Module):
    """A model of people whose input and output are a canvas's pixels."""

    def __init__(self, model: seglib.Model) -> None:
        super().__init__()
        self.network = model.network.cpu().float()
        sides = zip((HEIGHT // 2, WIDTH // 2), model.preprocess.shape(HEIGHT, WIDTH), strict=True)
        (self.rows, self.row_weights), (self.columns, self.column_weights) = (area_taps(*side) for side in sides)
        for name in ("mean", "std"):
            self.register_buffer(name, torch.tensor(getattr(model.preprocess, name)).reshape(1, 3, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        """(HEIGHT / 2, WIDTH / 2, 4) uint8 to (HEIGHT, WIDTH, 4) uint8."""
        frames = pixels[..., :3].permute(2, 0, 1)[None].float()  # (1, 3, HEIGHT / 2, WIDTH / 2)
        frames = sum(frames[:, :, i] * w[:, None] for i, w in zip(self.rows, self.row_weights, strict=True))
        frames = sum(frames[..., i] * w for i, w in zip(self.columns, self.column_weights, strict=True))
        logits = self.network((frames / 255 - self.mean) / self.std)["out"]
        logits = interpolate(logits, (HEIGHT, WIDTH), mode="bilinear", align_corners=False)
        alpha = (255 * logits[0, 0].sigmoid()).round().to(torch.uint8)
        white = torch.full_like(alpha, 255)
        return torch.stack([white, white, white, alpha], dim=-1)


def area_taps(old: int, new: int) -> tuple[Tensor, Tensor]:
    """(taps, new) each: which old pixels lie in a new one when they are averaged over areas, and their weights."""
    size = old / new
    starts = torch.arange(new) * size
    pixels = starts.floor().long() + torch.arange(ceil(size) + 1)[:, None]
    shared = torch.minimum(starts + size, pixels + 1) - torch.maximum(starts, pixels)
    return pixels.clamp(max=old - 1), shared.clamp(min=0) / size


def export(path: Path) -> None:
    """Write the model that ``seglib.load_model()`` gives as an ONNX file."""
    model = seglib.load_model()
    pixels = torch.zeros(HEIGHT // 2, WIDTH // 2, 4, dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch's own making
        torch.onnx.export(
            CanvasModel(model).eval(),
            (pixels,),
            path,
            input_names=["pixels"],
            output_names=["mask"],
            dynamo=True,
            external_data=False,
            verbose=False,
        )


if __name__ == "__main__":
    export(Path(sys.argv[1]))
