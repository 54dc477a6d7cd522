"""What a network is told about its mistakes."""

from functools import reduce

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, binary_cross_entropy_with_logits, cross_entropy, pad

from training.package import CLASS_NAMES
from training.recipe import Recipe

IGNORED = 255  # the number of a pixel's class that is not judged
UPPER = 254  # the number of a pixel that is one of the next classes, nobody knows which
UPPER_CLASSES = [CLASS_NAMES.index(name) for name in ("hair", "skin", "top", "accessory")]  # from head to chest
_REACH = 5  # pixels: the width of what is called the edge


def portrait_loss(outputs: dict[str, Tensor], target: Tensor, trust: Tensor, recipe: Recipe) -> Tensor:
    """Cross-entropy, more of it at outlines, and Dice; the coarse output is judged too. A scalar.

    outputs are logits, "out", (N, 1, H, W), and "coarse", (N, 1, h, w); target and trust (N, 1, H, W) in [0, 1].
    """
    out, coarse = outputs["out"].float(), outputs["coarse"].float()
    pixels = _weighted(out, target, trust * (1 + recipe.edge * outline(target)))
    small, small_trust = (adaptive_avg_pool2d(x, (coarse.shape[2], coarse.shape[3])) for x in (target, trust))
    return pixels + recipe.dice * dice(out, target, trust) + recipe.coarse * _weighted(coarse, small, small_trust)


def clothing_loss(
    outputs: dict[str, Tensor], target: Tensor, weights: Tensor, dice_weight: float, upper_weight: float
) -> Tensor:
    """Cross-entropy weighted by class, Dice, and what is known of UPPER pixels; IGNORED is left out. A scalar.

    outputs["out"] are logits, (N, C, H, W); target are class numbers, (N, H, W).
    """
    logits, upper = outputs["out"].float(), target == UPPER
    known = target.masked_fill(upper, IGNORED)
    loss = cross_entropy(logits, known, weights, ignore_index=IGNORED) + dice_weight * class_dice(logits, known)
    one_of_these = logits[:, UPPER_CLASSES].logsumexp(dim=1) - logits.logsumexp(dim=1)  # log of their probability
    return loss - upper_weight * (one_of_these * upper).sum() / upper.sum().clamp_min(1)


def class_dice(logits: Tensor, target: Tensor) -> Tensor:
    """One minus the Dice coefficient of each class over the whole batch, averaged; 0 for a class that is nowhere.

    Cross-entropy hardly feels a class of few pixels; here each class counts the same.
    """
    judged = (target != IGNORED)[:, None]
    truth = torch.zeros_like(logits).scatter_(1, target[:, None] * judged, 1.0) * judged
    found = torch.softmax(logits, dim=1) * judged
    shared, both = (found * truth).sum((0, 2, 3)), (found + truth).sum((0, 2, 3))
    return (1 - 2 * shared / both.clamp_min(1))[truth.sum((0, 2, 3)) > 0].sum() / logits.shape[1]


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
