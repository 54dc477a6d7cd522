"""The network of ``portrait``: a slim MobileNetV2 and a light decoder that draws the edge.

Trained by ``training/``; what it can and cannot do stands in ``seglib/data/PORTRAIT.md``.
Shapes are written for an input of (N, 3, H, W). "Stride 8" means (H / 8, W / 8).

Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018: a block expands its channels with a 1×1
convolution, filters each with a depthwise 3×3 and projects back to few. The decoder adds the features of each stride to
the enlarged deeper ones, as in Lin et al., "Feature Pyramid Networks for Object Detection", 2017.
"""

from torch import Tensor, nn
from torch.nn.functional import interpolate, pixel_shuffle

STEM = 16
# Blocks of the encoder: channels after the expansion, channels after the projection, stride.
BLOCKS = (
    (16, 16, 1),  # stride 2
    (32, 24, 2),  # stride 4
    (64, 24, 1),
    (64, 32, 2),  # stride 8
    (96, 32, 1),
    (128, 64, 2),  # stride 16
    (192, 64, 1),
    (192, 64, 1),
    (256, 96, 1),
    (288, 96, 1),
    (288, 160, 2),  # stride 32
    (480, 160, 1),
)
_SKIPS = (0, 2, 4, 9)  # blocks whose outputs, at strides 2, 4, 8 and 16, the decoder reads
_CONTEXT = 96  # channels of the head at stride 32
_DECODER = (64, 32, 24, 8)  # channels of the decoder at strides 16, 8, 4 and 2


class PortraitNet(nn.Module):
    """(N, 3, H, W) normalised RGB in, {"out": (N, 1, H, W), "coarse": (N, 1, H / 16, W / 16)} logits of person out.

    H and W are multiples of 32. "coarse" is read by the training loss only.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_convolution(3, STEM, 3, stride=2))
        channels = (STEM, *(out for _, out, _ in BLOCKS))
        self.blocks = nn.ModuleList(
            InvertedResidual(inputs, *block) for inputs, block in zip(channels, BLOCKS, strict=False)
        )
        self.head = nn.Sequential(*_convolution(channels[-1], _CONTEXT, 1))
        self.scale = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels[-1], _CONTEXT, 1), nn.Sigmoid())
        inputs, skips = (_CONTEXT, *_DECODER), [BLOCKS[block][1] for block in reversed(_SKIPS)]
        self.decoder = nn.ModuleList(_Fuse(*row) for row in zip(inputs, skips, _DECODER, strict=False))
        self.coarse = nn.Conv2d(_DECODER[0], 1, 1)
        self.last = nn.Conv2d(_DECODER[-1], 4, 1)  # four logits for the 2×2 pixels of each place

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        x, skips = self.stem(images), []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in _SKIPS:
                skips.append(x)
        x = self.head(x) * self.scale(x)  # (N, 96, H / 32, W / 32): what is there, and whether the image has it
        steps = [x := fuse(x, skips.pop()) for fuse in self.decoder]  # strides 16, 8, 4, 2
        return {"out": pixel_shuffle(self.last(x), 2), "coarse": self.coarse(steps[0])}


class InvertedResidual(nn.Module):
    """A block of MobileNetV2: expand, filter each channel, project; added to its input where the shapes agree."""

    def __init__(self, inputs: int, hidden: int, out: int, stride: int) -> None:
        super().__init__()
        self.expand = nn.Sequential(*(_convolution(inputs, hidden, 1) if hidden != inputs else ()))
        self.depthwise = nn.Sequential(*_convolution(hidden, hidden, 3, stride, groups=hidden))
        self.project = nn.Sequential(nn.Conv2d(hidden, out, 1, bias=False), nn.BatchNorm2d(out))
        self.residual = stride == 1 and inputs == out

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + y if self.residual else y


class _Fuse(nn.Module):
    """One step of the decoder: twice the size, with the details of a skip; refined by a depthwise 3×3 and a 1×1."""

    def __init__(self, deep: int, skip: int, out: int) -> None:
        super().__init__()
        self.deep = nn.Conv2d(deep, out, 1, bias=False)  # before enlarging, where it costs a quarter
        self.skip = nn.Conv2d(skip, out, 1, bias=False)
        self.join = nn.Sequential(nn.BatchNorm2d(out), nn.ReLU6(inplace=True))
        depthwise = nn.Conv2d(out, out, 3, padding=1, groups=out, bias=False)
        self.refine = nn.Sequential(depthwise, *_convolution(out, out, 1))

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        """deep: (N, deep, h, w). skip: (N, skip, 2h, 2w). Returns (N, out, 2h, 2w)."""
        enlarged = interpolate(self.deep(deep), scale_factor=2.0, mode="bilinear", align_corners=False)
        refined: Tensor = self.refine(self.join(enlarged + self.skip(skip)))
        return refined


def _convolution(inputs: int, out: int, size: int, stride: int = 1, groups: int = 1) -> tuple[nn.Module, ...]:
    """A convolution, its batch normalisation, ReLU6."""
    convolution = nn.Conv2d(inputs, out, size, stride, padding=size // 2, groups=groups, bias=False)
    return convolution, nn.BatchNorm2d(out), nn.ReLU6(inplace=True)
