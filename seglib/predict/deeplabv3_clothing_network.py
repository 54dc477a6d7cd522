"""The network of ``deeplabv3_clothing``: DeepLabv3 on MobileNetV3, small enough to be embedded.

Chen et al., "Rethinking Atrous Convolution for Semantic Image Segmentation", 2017; Howard et al., "Searching for
MobileNetV3", 2019. Built from torchvision's parts, whose names its weights carry. Notebook 08 builds the same by hand.
"""

from torch import Tensor, nn
from torch.nn.functional import interpolate
from torchvision.models import mobilenet_v3_large
from torchvision.models.segmentation.deeplabv3 import ASPP

from seglib.classes import CLOTHING_CLASSES

_STAGES = 15  # of the backbone: the last block and convolution would double its size
_FEATURES = 160  # channels of the backbone's output
_CHANNELS = 64  # of ASPP and of the classifier, where the paper has 256
# The paper's rates at output stride 16 are 6, 12, 18, for maps of 33×33. Training crops give 16×16: half the rates.
_RATES = (3, 6, 9)


class DeepLabV3Clothing(nn.Module):
    """DeepLabv3 for nine classes of hair, skin and clothes.

    The backbone is MobileNetV3-Large, its last stage atrous, so that its output stride is 16 where 32 would be usual.
    Atrous spatial pyramid pooling looks at it through a 1×1 convolution, three atrous 3×3 ones and the mean over the
    image. A 3×3 and a 1×1 convolution classify, and bilinear interpolation enlarges the logits to the input.

    (N, 3, H, W) normalised RGB in, {"out": (N, 9, H, W)} logits out. Training needs at least two images, since ASPP
    normalises the mean of each.
    """

    def __init__(self) -> None:
        super().__init__()
        self.backbone: nn.Sequential = mobilenet_v3_large(weights=None, dilated=True).features[:_STAGES]
        self.classifier = nn.Sequential(
            ASPP(_FEATURES, _RATES, _CHANNELS),
            nn.Conv2d(_CHANNELS, _CHANNELS, 3, padding=1, bias=False),
            nn.BatchNorm2d(_CHANNELS),
            nn.ReLU(),
            nn.Conv2d(_CHANNELS, len(CLOTHING_CLASSES), 1),
        )

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        features = self.backbone(images)  # (N, 160, H / 16, W / 16)
        logits = self.classifier(features)  # (N, 9, H / 16, W / 16)
        return {"out": interpolate(logits, size=images.shape[-2:], mode="bilinear", align_corners=False)}
