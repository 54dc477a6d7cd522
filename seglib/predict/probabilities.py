"""From logits to probabilities, written once for numpy's arrays and PyTorch's tensors.

The two libraries name these functions alike; ``xp`` is the library, ``numpy`` or ``torch``. Logits are (…, C, h, w),
with any number of axes in front; they may be overwritten. A single channel is the logit of class 1 against class 0.
"""

from collections.abc import Callable, Collection
from typing import Any, TypeAlias

from seglib.predict.runner import Size

Array: TypeAlias = Any  # numpy.ndarray or torch.Tensor
Resize: TypeAlias = Callable[[Array, Size], Array]  # (…, h, w) to (…, height, width)

_TINY = 1e-30  # in place of a probability that float32 rounds to 0


def mask_probabilities(logits: Array, channels: Collection[int], size: Size, resize: Resize, xp: Any) -> Array:
    """Return the probability that a pixel is of one of these channels, (…, height, width).

    Only one picture is resized, the log odds of these channels against the others, not one for each channel.
    """
    odds = log_odds(logits, channels, xp)
    if size[0] * size[1] < odds.shape[-1] * odds.shape[-2]:  # average probabilities where pixels are joined
        return resize(sigmoid(odds, xp), size)
    return sigmoid(resize(odds, size), xp)


def class_probabilities(logits: Array, size: Size, resize: Resize, xp: Any) -> Array:
    """Return the probability of each class, (…, C, height, width); two classes if there is a single channel."""
    resized = resize(logits, size)
    if resized.shape[-3] > 1:
        return softmax(resized, xp)
    positive = sigmoid(resized[..., 0, :, :], xp)
    return xp.stack([1 - positive, positive], -3)


def log_odds(logits: Array, channels: Collection[int], xp: Any) -> Array:
    """Return log(p / (1 - p)), (…, h, w), of the probability p that a pixel is of one of these channels.

    It is the log-sum-exp of these channels minus that of the others. There must be both.
    """
    count = logits.shape[-3]
    if count == 1:
        logit = logits[..., 0, :, :]
        return logit if 1 in channels else -logit
    exponentials = _exponentials(logits, xp)
    kept = _channel_sum(exponentials, channels).clip(_TINY)
    others = _channel_sum(exponentials, set(range(count)).difference(channels)).clip(_TINY)
    return xp.log(kept) - xp.log(others)


def sigmoid(logits: Array, xp: Any) -> Array:
    """Change logits x to 1 / (1 + exp(-x)), computed from tanh, which cannot overflow. In place, for speed."""
    logits *= 0.5
    xp.tanh(logits, out=logits)
    logits *= 0.5
    logits += 0.5
    return logits


def softmax(logits: Array, xp: Any) -> Array:
    """Return exp(x) / Σ exp(x) over the channels."""
    result = _exponentials(logits, xp)
    result /= result.sum(-3)[..., None, :, :]
    return result


def _exponentials(logits: Array, xp: Any) -> Array:
    """Subtract the largest logit of each pixel first: it cancels out, and nothing overflows."""
    result = logits - xp.amax(logits, -3)[..., None, :, :]
    xp.exp(result, out=result)
    return result


def _channel_sum(planes: Array, channels: Collection[int]) -> Array:
    """Sum channels, (…, h, w). Neighbours are one slice: a GPU would have to be sent a list of numbers each time."""
    edges = [c for c in range(planes.shape[-3] + 1) if (c in channels) != (c - 1 in channels)]
    return sum(planes[..., first:last, :, :].sum(-3) for first, last in zip(edges[::2], edges[1::2], strict=True))
