"""The network of ``portrait``: MobileNetV3-Large, an LR-ASPP head that decides, a light decoder that draws the edge.

Trained by ``training/``; what it can and cannot do stands in ``seglib/data/PORTRAIT.md``.
Shapes are written for an input of (N, 3, H, W). "Stride 8" means (H / 8, W / 8).
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad, pixel_shuffle
from torchvision.models import mobilenet_v3_large
from torchvision.models.segmentation.lraspp import LRASPPHead

# Stage of the backbone -> channels of its output, at strides 2, 4, 8 and 16.
_SKIPS = {1: 16, 3: 24, 6: 40, 12: 112}
_DEEPEST = 32  # the stride of the backbone's last output, with 960 channels
_HEAD = 128  # channels of the head
_DECODER = (80, 48, 32, 16)  # channels of the decoder at strides 16, 8, 4 and 2


class PortraitNet(nn.Module):
    """(N, 3, H, W) normalised RGB in, {"out": (N, 1, H, W), "coarse": (N, 1, h / 8, w / 8)} logits of person out.

    H and W may be any; inside, the input is padded to h and w, multiples of 32. Backbone and head carry torchvision's
    names, so weights of its ``lraspp_mobilenet_v3_large`` fit. The head gives the coarse answer; the decoder adds a
    correction at full size, zero before training.
    """

    def __init__(self) -> None:
        super().__init__()
        self.backbone = _stride_32(mobilenet_v3_large(weights=None).features)
        self.classifier = LRASPPHead(_SKIPS[6], 960, 1, _HEAD)
        inputs = (_HEAD, *_DECODER[:-1])
        skips = reversed(_SKIPS.values())
        refine = (True, True, True, False)  # at stride 2 it would cost as much as at all the others together
        self.decoder = nn.ModuleList(_Fuse(*row) for row in zip(inputs, skips, _DECODER, refine, strict=True))
        self.last = nn.Conv2d(_DECODER[-1], 4, 3, padding=1)  # four logits for the 2×2 pixels of each place
        nn.init.zeros_(self.last.weight)
        self.last.bias = nn.Parameter(torch.zeros(4))

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        height, width = images.shape[-2:]
        # At the right and below, where the edge is repeated: as if those who are cut off there went on.
        images = pad(images, (0, -width % _DEEPEST, 0, -height % _DEEPEST), mode="replicate")
        high, skips = self._features(images)
        head = self.classifier
        deep = head.cbr(high) * head.scale(high)  # (N, 128, h / 32, w / 32), what is there and whether it matters
        coarse = _enlarge(head.high_classifier(deep), 4) + head.low_classifier(skips[6])  # stride 8
        for fuse, stage in zip(self.decoder, reversed(_SKIPS), strict=True):
            deep = fuse(deep, skips[stage])  # strides 16, 8, 4, 2
        out = _enlarge_one(coarse, 8) + pixel_shuffle(self.last(deep), 2)  # (N, 1, h, w)
        return {"out": out[..., :height, :width], "coarse": coarse}

    def _features(self, images: Tensor) -> tuple[Tensor, dict[int, Tensor]]:
        """The backbone's last output, (N, 960, h / 32, w / 32), and its outputs at the skips."""
        skips, x = {}, images
        for number, stage in enumerate(self.backbone):
            x = stage(x)
            if number in _SKIPS:
                skips[number] = x
        return x, skips


class _Fuse(nn.Module):
    """One step of the decoder: twice the size, with the details of a skip.

    refine: whether a depthwise 3×3 and a 1×1 follow, which may move the edge.
    """

    def __init__(self, deep: int, skip: int, out: int, refine: bool) -> None:
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
        joined = self.join(_enlarge(self.deep(deep), 2) + self.skip(skip))
        refined: Tensor = self.refine(joined)
        return refined


def _enlarge(x: Tensor, times: int) -> Tensor:
    """(N, C, h, w) to (N, C, times · h, times · w), bilinear."""
    return interpolate(x, scale_factor=float(times), mode="bilinear", align_corners=False)


def _enlarge_one(x: Tensor, times: int) -> Tensor:
    """The same for a single channel, as two products of matrices: OpenVINO is slow at enlarging one channel."""
    rows, columns = (_lines(side, times, x) for side in x.shape[-2:])
    return rows @ x @ columns.T


def _lines(count: int, times: int, like: Tensor) -> Tensor:
    """(times · count, count): how much of each of ``count`` pixels goes into each of the enlarged ones."""
    old, new = (torch.arange(n, dtype=torch.float32, device=like.device) for n in (count, count * times))
    place = ((new + 0.5) / times - 0.5).clamp(min=0).minimum(old[-1])  # nothing lies beyond the outermost pixels
    return (1 - (place[:, None] - old).abs()).clamp(min=0).to(like.dtype)  # 16 bits could not count the places


def _stride_32(features: nn.Sequential) -> nn.Sequential:
    """Let the backbone's last blocks see what LR-ASPP's dilated ones saw, at half the size and a quarter of the time.

    torchvision's LR-ASPP keeps stride 16 and spreads the 5×5 kernels of the last three blocks by two. Every second
    pixel of that is the same as: the first of the three still spread, but with stride two, the others as they were.
    """
    depthwise: Any = features.get_submodule("13.block.1.0")
    depthwise.dilation, depthwise.padding = (2, 2), (4, 4)
    return features
