"""The exercises of ``09_train.ipynb``: a loss that ignores label 255, one step of training."""

from typing import Any

import numpy as np

from seglib.exercises.checks import CheckFailed, Submission, describe, exercise
from seglib.exercises.outputs import Array, Mistake, reject_mistakes

_NOTEBOOK = "09_train"
_IGNORE = 255


@exercise("labelled_loss", _NOTEBOOK)
def check_labelled_loss(labelled_loss: Submission) -> str:
    """``labelled_loss(probabilities, labels)`` is the mean cross-entropy of the pixels whose label is not 255."""
    for seed, classes, shape in ((0, 2, (5, 7)), (1, 3, (6, 4)), (2, 21, (9, 8))):
        rng = np.random.default_rng(seed)
        probabilities = rng.dirichlet(np.ones(classes), shape).transpose(2, 0, 1)  # (classes, H, W)
        labels = rng.integers(0, classes, shape).astype(np.uint8)
        labels[0] = _IGNORE
        labels[1, 1] = 0
        result = _as_number(labelled_loss(probabilities, labels), "labelled_loss")
        losses = _losses(probabilities, labels)
        if abs(result - losses[labels != _IGNORE].mean()) > 1e-4:
            _explain_loss(result, probabilities, labels)
    return "three pictures with 2, 3 and 21 classes: only labelled pixels count"


def _losses(probabilities: Array, labels: Array) -> Array:
    """Cross-entropy of each pixel, (H, W); 0 where the label is 255."""
    one_hot = labels == np.arange(len(probabilities))[:, np.newaxis, np.newaxis]  # (classes, H, W)
    return -np.log(probabilities, where=one_hot, out=np.zeros(one_hot.shape)).sum(axis=0)


def _explain_loss(result: float, probabilities: Array, labels: Array) -> None:
    is_labelled = labels != _IGNORE
    losses = _losses(probabilities, labels)
    mean = losses[is_labelled].mean()
    as_background = _losses(probabilities, np.where(is_labelled, labels, 0).astype(np.uint8))
    as_last = _losses(probabilities, np.minimum(labels, len(probabilities) - 1))
    correct = np.exp(-losses[is_labelled])
    again = _losses(np.exp(probabilities) / np.exp(probabilities).sum(axis=0), labels)[is_labelled].mean()
    mistakes = [
        Mistake(
            again, "softmax has been taken twice", "F.cross_entropy wants logits. These are probabilities already."
        ),
        Mistake(
            -np.log(probabilities.max(axis=0))[is_labelled].mean(),
            "the loss does not depend on the labels",
            "You take the largest probability of each pixel, not that of its label.",
        ),
        Mistake(
            as_background.mean(), "255 counts as background", "Nobody knows what these pixels show. Leave them out."
        ),
        Mistake(as_last.mean(), "255 counts as the last class", "Leave these pixels out, before you look anything up."),
        Mistake(
            losses.mean(), "the loss is too small", "By how many pixels do you divide? Those with 255 do not count."
        ),
        Mistake(losses.sum(), "the loss grows with the size of the picture", "You have the sum. Divide it."),
        Mistake(-mean, "the loss is negative", "The logarithm of a probability is negative. What turns its sign?"),
        Mistake(mean / np.log(2), "the loss is too large by one factor", "It is the natural logarithm: np.log."),
        Mistake(mean / np.log(10), "the loss is too small by one factor", "It is the natural logarithm: np.log."),
        Mistake(1 - correct.mean(), "there is no logarithm in it", "Cross-entropy is −log of a probability."),
        Mistake(-np.log(correct.mean()), "it is the logarithm of a mean", "First the logarithm, then the mean."),
        Mistake(
            -np.log(probabilities).mean(axis=0)[is_labelled].mean(),
            "the loss does not depend on the labels",
            "Of each pixel's probabilities only one enters: that of its label.",
        ),
    ]
    reject_mistakes(np.asarray(result), mistakes, 1e-4)
    raise CheckFailed(
        f"the loss is {result:.4g}, not {mean:.4g}", "Take −log of the label's probability, then the mean."
    )


@exercise("train_step", _NOTEBOOK, seconds=60)  # the first optimizer makes PyTorch import much
def check_train_step(train_step: Submission) -> str:
    """``train_step(network, optimizer, pictures, answers)`` takes one step downhill and returns the loss."""
    import torch  # imported here: PyTorch takes a second
    from torch.nn.functional import binary_cross_entropy_with_logits

    for seed, rate in ((0, 0.5), (1, 0.1)):
        generator = torch.Generator().manual_seed(seed)
        pictures = torch.randn(2, 3, 5, 6, generator=generator)
        answers = torch.randint(0, 2, (2, 1, 5, 6), generator=generator).float()
        network = torch.nn.Conv2d(3, 1, 1)
        with torch.no_grad():
            for weight in network.parameters():
                weight.copy_(torch.randn(weight.shape, generator=generator))
                weight.grad = torch.randn(weight.shape, generator=generator)  # left over from a step before
        loss = binary_cross_entropy_with_logits(network(pictures), answers)
        gradient = _flat(torch.autograd.grad(loss, tuple(network.parameters())))
        before, leftover = _flat(network.parameters()), _flat(w.grad for w in network.parameters())
        optimizer = torch.optim.SGD(network.parameters(), lr=rate)
        result = train_step(network, optimizer, pictures, answers)
        moved = (before - _flat(network.parameters())) / rate  # the gradient that the optimizer used
        none = [weight.grad is None for weight in network.parameters()]
        after = np.zeros(0) if any(none) else _flat(w.grad for w in network.parameters())
        _require_step(moved, gradient, leftover, after)
        if not network.training:
            raise CheckFailed(
                "the network is in eval mode now", "A step of training needs train mode, or batch norms learn nothing."
            )
        number = _as_number(result, "train_step")
        if abs(number - loss.item()) > 1e-4:
            raise CheckFailed(
                f"the loss is {number:.4g}, not {loss.item():.4g}",
                "Return the loss of this batch, as it was before the step.",
            )
    return "two networks move against their new gradients, whatever was left over from the step before"


def _require_step(moved: Array, gradient: Array, leftover: Array, after: Array) -> None:
    if np.allclose(moved, gradient, atol=1e-3):
        return
    if np.allclose(moved, gradient + leftover, atol=1e-3):
        raise CheckFailed("the step before still has an effect", "backward adds to the gradients. What sets them to 0?")
    if np.allclose(moved, leftover, atol=1e-3):
        raise CheckFailed("the weights follow an old gradient", "Who computes the gradients of this loss?")
    if np.allclose(moved, -gradient, atol=1e-3):
        raise CheckFailed("the weights move uphill", "The loss must fall. Let the optimizer take the step.")
    observed = "the weights have not moved"
    scale = float(moved @ gradient / (gradient @ gradient))
    if abs(scale) > 1e-3 and np.allclose(moved, scale * gradient, rtol=1e-3, atol=1e-3):
        raise CheckFailed(
            f"the step is {scale:.3g} times as long as it should be",
            "The loss is the mean over all pixels, not the sum.",
        )
    if np.abs(moved).max() > 1e-3:
        raise CheckFailed("the weights move somewhere else", "One loss, one backward, one step of the optimizer.")
    if after.shape == gradient.shape and np.allclose(after, gradient, atol=1e-3):
        raise CheckFailed(observed, "The gradients are there. Who uses them to move the weights?")
    if after.shape == gradient.shape and np.allclose(after, gradient + leftover, atol=1e-3):
        raise CheckFailed(observed, "The optimizer has to take a step. And backward only adds to old gradients.")
    if after.shape == leftover.shape and np.allclose(after, leftover, atol=1e-3):
        raise CheckFailed(observed, "Compute the loss, then its gradients, then let the optimizer take a step.")
    raise CheckFailed(observed, "Were the gradients set to 0 between backward and the step? Look at the order.")


def _flat(tensors: Any) -> Array:
    """All numbers of several tensors, one after another."""
    return np.concatenate([tensor.detach().numpy().ravel().astype(np.float64) for tensor in tensors])


def _as_number(value: Any, name: str) -> float:
    if value is None:
        raise CheckFailed(f"{name} returned None", "Does every path through it end in a return?")
    if hasattr(value, "requires_grad") and value.requires_grad:
        raise CheckFailed(f"{name} returned a tensor with its gradients", "loss.item() is the plain number.")
    if isinstance(value, bool | str) or getattr(value, "size", 1) != 1:
        raise CheckFailed(f"{name} returned {describe(value)}", "Return one number.")
    try:
        number = float(value)
    except (TypeError, ValueError, RuntimeError):
        raise CheckFailed(f"{name} returned {describe(value)}", "Return one number.") from None
    if not np.isfinite(number):
        raise CheckFailed(f"{name} returned {number:g}", "Is there a logarithm of 0, or a mean of nothing?")
    return number
