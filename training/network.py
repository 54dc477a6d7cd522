"""The network of ``portrait``: MobileNetV3-Large, an LR-ASPP head that decides, a light decoder that draws the edge.

Shapes are written for an input of (N, 3, H, W), H and W multiples of 32. "Stride 8" means (H / 8, W / 8). Other sizes
are padded at the right and below by repeating the edge, and the answer is cut back.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad, pixel_shuffle
from torchvision.models import mobilenet_v3_large
from torchvision.models.segmentation.lraspp import LRASPPHead

# Stage of the backbone -> channels of its output, at strides 2, 4, 8, 16 and 32.
SKIPS = {1: 16, 3: 24, 6: 40, 12: 112}
LAST, LAST_CHANNELS = 16, 960
HEAD_CHANNELS = 128
DECODER = (80, 48, 32, 16)  # channels of the decoder at strides 16, 8, 4 and 2


class Fuse(nn.Module):
    """One step of the decoder: twice the size, with the details of a skip.

    refine: whether a depthwise 3×3 and a 1×1 follow, which may move the edge.
    """

    def __init__(self, deep: int, skip: int, out: int, refine: bool = True) -> None:
        super().__init__()
        self.deep = nn.Conv2d(deep, out, 1, bias=False)  # before enlarging, where it costs a quarter
        self.skip = nn.Conv2d(skip, out, 1, bias=False)
        self.join = nn.Sequential(nn.BatchNorm2d(out), nn.ReLU(inplace=True))
        depthwise = nn.Conv2d(out, out, 3, padding=1, groups=out, bias=False)
        pointwise = nn.Conv2d(out, out, 1, bias=False)
        layers = (depthwise, pointwise, nn.BatchNorm2d(out), nn.ReLU(inplace=True)) if refine else ()
        self.refine = nn.Sequential(*layers)

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        """deep: (N, deep, h, w). skip: (N, skip, 2h, 2w). Returns (N, out, 2h, 2w)."""
        return self.refine(self.join(enlarge(self.deep(deep), 2) + self.skip(skip)))


class PortraitNet(nn.Module):
    """(N, 3, H, W) normalised RGB in, {"out": (N, 1, H, W), "coarse": (N, 1, H / 8, W / 8)} logits of person out.

    H and W may be any; ``coarse`` then covers the padded input.

    The backbone and the LR-ASPP head carry torchvision's names, so weights of its ``lraspp_mobilenet_v3_large``
    fit. The head gives the coarse answer; the decoder adds a correction at full size, zero before training.
    """

    def __init__(self) -> None:
        super().__init__()
        self.backbone = stride_32(mobilenet_v3_large(weights=None).features)
        self.classifier = LRASPPHead(SKIPS[6], LAST_CHANNELS, 1, HEAD_CHANNELS)
        inputs = (HEAD_CHANNELS, *DECODER[:-1])
        skips = reversed(SKIPS.values())
        refine = (True, True, True, False)  # at stride 2 it would cost as much as at all the others together
        self.decoder = nn.ModuleList(Fuse(*row) for row in zip(inputs, skips, DECODER, refine, strict=True))
        self.last = nn.Conv2d(DECODER[-1], 4, 3, padding=1)  # four logits for the 2×2 pixels of each place
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        height, width = images.shape[-2:]
        padded = pad(images, (0, -width % 32, 0, -height % 32), mode="replicate")
        high, skips = self.features(padded)
        head = self.classifier
        deep = head.cbr(high) * head.scale(high)  # (N, 128, H / 32, W / 32), what is there and whether it matters
        coarse = enlarge(head.high_classifier(deep), 4) + head.low_classifier(skips[6])  # stride 8
        for fuse, stage in zip(self.decoder, reversed(SKIPS), strict=True):
            deep = fuse(deep, skips[stage])  # strides 16, 8, 4, 2
        out = enlarge(coarse, 8) + pixel_shuffle(self.last(deep), 2)  # (N, 1, H, W)
        return {"out": out[..., :height, :width], "coarse": coarse}

    def features(self, images: Tensor) -> tuple[Tensor, dict[int, Tensor]]:
        """The backbone's last output, (N, 960, H / 32, W / 32), and its outputs at the skips."""
        skips, x = {}, images
        for number, stage in enumerate(self.backbone):
            x = stage(x)
            if number in SKIPS:
                skips[number] = x
        return x, skips


def enlarge(x: Tensor, times: int) -> Tensor:
    """(N, C, h, w) to (N, C, times · h, times · w), bilinear."""
    return interpolate(x, scale_factor=float(times), mode="bilinear", align_corners=False)


def stride_32(features: nn.Sequential) -> nn.Sequential:
    """Let the backbone's last blocks see what LR-ASPP's dilated ones saw, at half the size and a quarter of the time.

    torchvision's LR-ASPP keeps stride 16 and spreads the 5×5 kernels of the last three blocks by two. Every second
    pixel of that is the same as: the first of the three still spread, but with stride two, the others as they were.
    """
    depthwise = features[13].block[1][0]
    depthwise.dilation, depthwise.padding = (2, 2), (4, 4)
    return features


def load_weights(network: nn.Module, path: Path) -> list[str]:
    """Take every tensor of a safetensors file that fits by name and shape; returns the names of those left alone."""
    mine = network.state_dict()
    fitting = {k: v.float() for k, v in load_file(path).items() if k in mine and mine[k].shape == v.shape}
    network.load_state_dict(fitting, strict=False)
    return [k for k in mine if k not in fitting and not k.endswith("num_batches_tracked")]


def half_precision(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What is exported: the weights as 16-bit floats, without the counters that only training needs."""
    return {k: v.detach().cpu().to(torch.float16).contiguous() for k, v in state.items() if "num_batches" not in k}
