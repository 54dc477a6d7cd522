"""seglib.predict.probabilities with numpy and with PyTorch, against PyTorch's softmax."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from seglib.predict.probabilities import class_probabilities, log_odds, mask_probabilities, sigmoid, softmax

LIBRARIES = pytest.mark.parametrize("xp", [np, torch], ids=["numpy", "torch"])
SIZE = (9, 7)


def array(values: Tensor, xp: Any) -> Any:
    """A copy for this library: the functions overwrite their input."""
    return values.clone() if xp is torch else values.clone().numpy()


def unchanged(planes: Any, size: object) -> Any:
    return planes


def logits(channels: int, scale: float = 5) -> Tensor:
    return scale * torch.randn(2, channels, 7, 9, generator=torch.Generator().manual_seed(channels))


@LIBRARIES
@pytest.mark.parametrize("channels", [(0,), (15,), (3, 4, 5), (0, 20), (20, 1, 3, 4, 9), tuple(range(1, 21))], ids=str)
def test_a_mask_is_the_sum_of_its_classes_in_the_softmax(channels: tuple[int, ...], xp: Any) -> None:
    found = mask_probabilities(array(logits(21), xp), channels, SIZE, unchanged, xp)
    expected = torch.softmax(logits(21), 1)[:, list(channels)].sum(1)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    per_frame = mask_probabilities(array(logits(21)[0], xp), channels, SIZE, unchanged, xp)
    np.testing.assert_allclose(per_frame, expected[0], atol=1e-5)


@LIBRARIES
def test_a_single_channel_is_the_logit_of_the_second_class(xp: Any) -> None:
    expected = torch.sigmoid(logits(1)[:, 0])
    for channel, probability in ((1, expected), (0, 1 - expected)):
        found = mask_probabilities(array(logits(1), xp), [channel], SIZE, unchanged, xp)
        np.testing.assert_allclose(found, probability, atol=1e-6)
    both = class_probabilities(array(logits(1), xp), SIZE, unchanged, xp)
    np.testing.assert_allclose(both, torch.stack([1 - expected, expected], 1), atol=1e-6)


@LIBRARIES
@pytest.mark.parametrize("channels", [2, 21])
def test_all_classes_are_the_softmax(channels: int, xp: Any) -> None:
    found = class_probabilities(array(logits(channels), xp), SIZE, unchanged, xp)
    np.testing.assert_allclose(found, torch.softmax(logits(channels), 1), atol=1e-6)


@LIBRARIES
def test_odds_are_resized_where_the_mask_grows_and_probabilities_where_it_shrinks(xp: Any) -> None:
    seen = []

    def resize(planes: Any, size: object) -> Any:
        seen.append((float(planes.min()), float(planes.max())))
        return planes

    for size in ((90, 70), (4, 3)):
        mask_probabilities(array(logits(3), xp), [1], size, resize, xp)
    assert seen[0][0] < 0, "log odds"
    assert 0 <= seen[1][0] <= seen[1][1] <= 1, "probabilities"


@LIBRARIES
def test_large_logits_do_not_overflow(xp: Any) -> None:
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        large = logits(4, scale=1000)
        odds = log_odds(array(large, xp), [2], xp)
        np.testing.assert_array_equal(np.asarray(odds) > 0, large.argmax(1) == 2)
        for values in (odds, sigmoid(array(large, xp), xp), softmax(array(large, xp), xp)):
            assert np.isfinite(np.asarray(values)).all()
