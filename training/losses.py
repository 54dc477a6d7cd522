"""What a network is told about its mistakes."""

from functools import reduce

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, binary_cross_entropy_with_logits, cross_entropy, pad

from training.recipe import Recipe

IGNORED = 255  # the number of a pixel's class that is not judged
_REACH = 5  # pixels: the width of what is called the edge


def portrait_loss(outputs: dict[str, Tensor], target: Tensor, trust: Tensor, recipe: Recipe) -> Tensor:
    """Cross-entropy, more of it at outlines, and Dice; the coarse output is judged too. A scalar.

    outputs are logits, "out", (N, 1, H, W), and "coarse", (N, 1, h, w); target and trust (N, 1, H, W) in [0, 1].
    """
    out, coarse = outputs["out"].float(), outputs["coarse"].float()
    pixels = _weighted(out, target, trust * (1 + recipe.edge * outline(target)))
    small, small_trust = (adaptive_avg_pool2d(x, (coarse.shape[2], coarse.shape[3])) for x in (target, trust))
    return pixels + recipe.dice * dice(out, target, trust) + recipe.coarse * _weighted(coarse, small, small_trust)


def clothing_loss(outputs: dict[str, Tensor], target: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy of (N, C, H, W) logits and (N, H, W) class numbers, weighted by class; IGNORED is left out."""
    return cross_entropy(outputs["out"].float(), target, weights, ignore_index=IGNORED)


def dice(logits: Tensor, target: Tensor, trust: Tensor) -> Tensor:
    """One minus the Dice coefficient of each picture, averaged (Milletari et al., 2016).

    A hundredth of the picture is added to both areas, so that pictures without people have a slope too.
    """
    person, target = torch.sigmoid(logits) * trust, target * trust
    slack = 0.01 * target[0].numel()
    shared, both = (person * target).sum((1, 2, 3)), (person + target).sum((1, 2, 3))
    return (1 - (2 * shared + slack) / (both + slack)).mean()


def outline(target: Tensor) -> Tensor:
    """1 within two pixels of where the target changes, 0 elsewhere; the shape of the target."""
    return (_largest(target) + _largest(-target) > 0.5).to(target.dtype)


def _largest(x: Tensor) -> Tensor:
    """The largest value around each pixel, first along rows, then along columns; max_pool2d is thrice as slow."""
    for axis in (2, 3):
        margin = [_REACH // 2 * (axis == 3)] * 2 + [_REACH // 2 * (axis == 2)] * 2
        padded, count = pad(x, margin, value=-1.0), x.shape[axis]
        x = reduce(torch.maximum, (padded.narrow(axis, start, count) for start in range(_REACH)))
    return x


def _weighted(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    loss = binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (loss * weight).sum() / weight.sum().clamp_min(1)
