"""The exercises of ``10_faster.ipynb``: predict every n-th frame; latency and throughput."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from seglib.arrays import Frame, Mask
from seglib.exercises.checks import CheckFailed, Submission, describe, exercise
from seglib.exercises.outputs import Mistake, as_mask, reject_mistakes

_NOTEBOOK = "10_faster"


class CountingModel:
    """Predicts a mask whose value tells the frame's number, and notes which frames it was given."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def __call__(self, frame: Frame) -> Mask:
        """Return a mask of the frame's size that is its first value / 255 everywhere."""
        if not isinstance(frame, np.ndarray) or frame.shape != (6, 8, 3):
            raise CheckFailed(f"predict was given {describe(frame)}", "It takes one frame, (H, W, 3).")
        self.numbers.append(int(frame[0, 0, 0]))
        return np.full(frame.shape[:2], frame[0, 0, 0] / np.float32(255), np.float32)


@exercise("predict_every", _NOTEBOOK)
def check_predict_every(predict_every: Submission) -> str:
    """``predict_every(predict, frames, n)`` returns a mask for each frame and predicts frames 0, n, 2n and so on."""
    for count, n in ((7, 3), (6, 2), (5, 1), (2, 4), (0, 2)):
        predict = CountingModel()
        frames = [np.full((6, 8, 3), number, np.uint8) for number in range(count)]
        masks = predict_every(predict, frames, n)
        observed = f"of {count} frames, with n = {n}, it"
        _require_predictions(predict.numbers, count, n, observed)
        _require_masks(masks, count, n, observed)
    return "five lists of frames, one of them empty: every mask is the latest, and nothing else is predicted"


def _require_predictions(numbers: Sequence[int], count: int, n: int, observed: str) -> None:
    expected = list(range(0, count, n))
    if numbers == expected:
        return
    observed = f"{observed} predicts {', '.join(map(str, numbers)) or 'none'}"
    if sorted(numbers) == list(range(count)):
        raise CheckFailed(observed, "That is every frame. Which numbers leave no remainder when divided by n?")
    if expected and 0 not in numbers:
        raise CheckFailed(observed, "Without frame 0 there is no mask for the first frames.")
    if len(set(numbers)) < len(numbers):
        raise CheckFailed(observed, "Some are predicted more than once. Keep the mask in a variable.")
    raise CheckFailed(observed, f"It should predict {', '.join(map(str, expected)) or 'none'}.")


def _require_masks(masks: Any, count: int, n: int, observed: str) -> None:
    if masks is None:
        raise CheckFailed("predict_every returned None", "Does it end in a return?")
    if not isinstance(masks, list | tuple):
        raise CheckFailed(f"predict_every returned {describe(masks)}", "Return a list of masks.")
    if len(masks) == len(range(0, count, n)) != count:
        raise CheckFailed(f"{observed} returns {len(masks)} masks", "Frames without a prediction need a mask, too.")
    if len(masks) != count:
        raise CheckFailed(f"{observed} returns {len(masks)} masks", "Each frame needs exactly one.")
    missing = [number for number, mask in enumerate(masks) if mask is None]
    if missing:
        raise CheckFailed(
            f"{observed} gives frame {missing[0]} None",
            "Between predictions the latest mask is shown. Keep it somewhere.",
        )
    values = [as_mask(mask, (6, 8), "an item of the list")[0, 0] * 255 for mask in masks]
    numbers = [round(float(value)) for value in values]
    for number, shown in enumerate(numbers):
        if shown > number:
            raise CheckFailed(
                f"{observed} gives frame {number} the mask of frame {shown}",
                "That mask does not exist yet in a live loop.",
            )
        if shown != number // n * n:
            raise CheckFailed(
                f"{observed} gives frame {number} the mask of frame {shown}",
                f"The latest prediction is that of frame {number // n * n}.",
            )


@exercise("rates", _NOTEBOOK)
def check_rates(rates: Submission) -> str:
    """``rates(stages)`` returns the latency in ms, and the fps one after another and with the stages overlapped."""
    for stages in (
        {"predict": 20.0, "clean": 5.0, "blur": 10.0},
        {"capture": 2.0, "predict": 50.0},
        {"read": 4.0, "predict": 30.0, "write": 12.0},
    ):
        _require_rates(rates(dict(stages)), stages)
    return "three loops of two and three stages"


def _require_rates(result: Any, stages: dict[str, float]) -> None:
    times = np.array(list(stages.values()))
    total, slowest = float(times.sum()), float(times.max())
    observed = f"for stages of {', '.join(f'{value:g}' for value in times)} ms"
    if not isinstance(result, tuple | list) or len(result) != 3:
        raise CheckFailed(
            f"rates returned {describe(result)}", "Return three numbers: return latency, serial, overlapped"
        )
    if not all(isinstance(value, int | float | np.number) and np.isfinite(value) for value in result):
        raise CheckFailed(f"rates returned {', '.join(map(describe, result))}", "All three are finite numbers.")
    latency, serial, overlapped = values = np.array([float(value) for value in result])
    expected = np.array([total, 1000 / total, 1000 / slowest])
    reject_mistakes(
        values / expected - 1,
        [
            Mistake(
                np.array([slowest, 1000 / total, 1000 / slowest]) / expected - 1,
                f"{observed} the latency is {latency:g} ms",
                "Overlapping does not make a single frame faster. Which stages does it pass?",
            ),
            Mistake(
                np.array([total, 1 / total, 1 / slowest]) / expected - 1,
                f"{observed} the rates are {serial:.3g} and {overlapped:.3g}",
                "Those are frames per millisecond.",
            ),
            Mistake(
                np.array([total, 1000 / slowest, 1000 / total]) / expected - 1,
                f"{observed} the rates are {serial:.3g} and {overlapped:.3g} fps",
                "Which way is faster? The two seem to be swapped.",
            ),
        ],
        1e-3,
    )
    if not np.isclose(latency, total, rtol=1e-3):
        raise CheckFailed(f"{observed} the latency is {latency:g} ms", "A frame passes all stages. How long in all?")
    if not np.isclose(serial, 1000 / total, rtol=1e-3):
        raise CheckFailed(
            f"{observed}, one after another, you get {serial:.3g} fps", "How many latencies fit into one second?"
        )
    if np.isclose(overlapped, 1000 / times.mean(), rtol=1e-3):
        raise CheckFailed(
            f"{observed}, overlapped, you get {overlapped:.4g} fps", "The mean sets no pace. Who is waited for?"
        )
    if not np.isclose(overlapped, 1000 / slowest, rtol=1e-3):
        raise CheckFailed(
            f"{observed}, overlapped, you get {overlapped:.4g} fps", "Which stage must all the others wait for?"
        )
