"""Export the embedded model for a browser: python docs/export_onnx.py FILE.

The graph holds the steps of notebook 02 around the network: normalise, predict, enlarge, sigmoid. It takes and gives
what a page's canvas holds, RGBA bytes: a frame that was scaled to the network's input in, and a white picture out, of
the frame's size, whose alpha channel is the mask.
"""

import sys
import warnings
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
        for name in ("mean", "std"):
            self.register_buffer(name, torch.tensor(getattr(model.preprocess, name)).reshape(1, 3, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        """(h, w, 4) uint8 to (HEIGHT, WIDTH, 4) uint8."""
        frames = pixels[..., :3].permute(2, 0, 1)[None] / 255  # (1, 3, h, w)
        logits = self.network((frames - self.mean) / self.std)["out"]
        logits = interpolate(logits, (HEIGHT, WIDTH), mode="bilinear", align_corners=False)
        alpha = (255 * logits[0, 0].sigmoid()).round().to(torch.uint8)
        white = torch.full_like(alpha, 255)
        return torch.stack([white, white, white, alpha], dim=-1)


def export(path: Path) -> None:
    """Write the model that ``seglib.load_model()`` gives as an ONNX file."""
    model = seglib.load_model()
    height, width = model.preprocess.shape(HEIGHT, WIDTH)
    pixels = torch.zeros(height, width, 4, dtype=torch.uint8)
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
