"""The exercises of ``02_predict.ipynb``: preprocess a frame, count classes, the IoU of any class."""

from typing import Any

import numpy as np

from seglib.arrays import Frame, Labels
from seglib.classes import VOC_CLASSES
from seglib.exercises.checks import CheckFailed, Submission, describe, exercise, safe_text
from seglib.exercises.outputs import Array, Mistake, as_array, difference, reject_mistakes
from seglib.samples import sample_frame, sample_labels

# ImageNet's, as in torchvision's weights.
_MEAN = np.array([0.485, 0.456, 0.406])
_STD = np.array([0.229, 0.224, 0.225])


def preprocessed(frame: Frame) -> Array:
    """Return a frame as torchvision's networks expect it, (1, 3, H, W) float32."""
    return _channels_first((frame / 255 - _MEAN) / _STD)


@exercise("prepare", "02_predict")
def check_prepare(prepare: Submission) -> str:
    """``prepare(frame)`` returns the network's input, (1, 3, H, W) float32, for a frame of any size."""
    noise = np.random.default_rng(7).integers(0, 256, (40, 64, 3), dtype=np.uint8)
    frames = (sample_frame()[100:196, 200:328], sample_frame("hopper")[:128, :96], noise, np.zeros_like(noise))
    for frame in frames:
        tensor = as_array(prepare(frame), "prepare", "(1, 3, H, W)")
        _require_layout(tensor, frame)
        expected = preprocessed(frame)
        if not difference(tensor, expected) < 1e-4:
            reject_mistakes(tensor, _mistakes(frame), 1e-3)
            raise CheckFailed(
                f"it differs from torchvision's by up to {difference(tensor, expected):.2f}",
                f"Yours ranges from {tensor.min():.2f} to {tensor.max():.2f}, torchvision's from {expected.min():.2f} "
                f"to {expected.max():.2f}. Which of the four steps changes the range?",
            )
        if tensor.dtype != np.float32:
            raise CheckFailed(
                f"the numbers are right, but they are {tensor.dtype}",
                "The weights of a network are float32, and its input must be, too.",
            )
    return "four frames of three sizes, a black one among them, as torchvision prepares them"


def _channels_first(planes: Array) -> Array:
    return np.moveaxis(planes, 2, 0)[np.newaxis].astype(np.float32)


def _require_layout(tensor: Array, frame: Frame) -> None:
    height, width = frame.shape[:2]
    hints = {
        (3, height, width): "Nearly. A network takes a batch, even if it is a batch of one.",
        (height, width, 3): "The channels are still last, and the batch axis is missing. Two steps are left.",
        (1, height, width, 3): "The channels are still last. PyTorch expects them after the batch axis.",
        (1, 3, width, height): "Rows and columns are swapped. Which axis goes where?",
    }
    if tensor.shape != (1, 3, height, width):
        observed = f"a frame {frame.shape} became {tensor.shape}"
        raise CheckFailed(observed, hints.get(tensor.shape, "Return (1, 3, H, W), with the frame's own H and W."))


def _mistakes(frame: Frame) -> list[Mistake]:
    scaled = frame / 255
    reshaped = ((scaled.reshape(3, *frame.shape[:2]) - _MEAN[:, None, None]) / _STD[:, None, None])[np.newaxis]
    own = (scaled - scaled.mean((0, 1))) / np.maximum(scaled.std((0, 1)), 1e-9)
    return [
        Mistake(
            _channels_first((scaled - _MEAN) / _MEAN),
            "it is the article's preprocessing, value for value",
            "By what does the last step divide?",
        ),
        Mistake(
            _channels_first((frame - _MEAN) / _STD),
            f"the values reach {((frame - _MEAN) / _STD).max():.0f}",
            "Mean and std are for numbers from 0 to 1. What is the range of a frame before the first step?",
        ),
        Mistake(reshaped, "the shape is right, but the image is scrambled", "Part 2 had two ways to this shape."),
        Mistake(
            preprocessed(frame[..., ::-1]),
            "red and blue are swapped",
            "A frame is RGB already. What swaps its channels?",
        ),
        Mistake(_channels_first(scaled), "the values range from 0 to 1", "The third step is missing."),
        Mistake(
            _channels_first(scaled - _MEAN),
            "the mean is subtracted, and nothing else",
            "The values do not vary enough. What follows the subtraction?",
        ),
        Mistake(_channels_first(scaled / _STD), "the values are never below 0", "First something is subtracted."),
        Mistake(
            _channels_first(own),
            "mean and std are those of this image",
            "They belong to the network: the same six numbers for every image, even for a black one.",
        ),
    ]


@exercise("count_classes", "02_predict")
def check_count_classes(count_classes: Submission) -> str:
    """``count_classes(labels)`` returns a dict: the name of each class that occurs, and its number of pixels."""
    for labels in (sample_labels(), _living_room(), np.full((5, 7), 12, np.uint8)):
        counts = count_classes(labels)
        expected = {VOC_CLASSES[number]: int((labels == number).sum()) for number in np.unique(labels)}
        if not isinstance(counts, dict):
            raise CheckFailed(f"count_classes returned {describe(counts)}", "Return a dict: {'person': 1234, …}.")
        _require_names(counts, expected)
        for name, number in expected.items():
            if counts[name] != number:
                _explain_count(counts, expected, name, labels.size)
    return "the collage, a room with four classes, and an image that is all dog"


def _living_room() -> Labels:
    """A room with a person, a sofa, a dog and the wall."""
    labels = np.zeros((60, 90), np.uint8)
    labels[30:, 10:70], labels[10:50, 20:40], labels[45:, 60:85] = 18, 15, 12
    return labels


def _require_names(counts: dict[Any, Any], expected: dict[str, int]) -> None:
    keys = ", ".join(safe_text(key, 40) for key in list(counts)[:6]) or "(none)"
    if counts and not any(isinstance(key, str) for key in counts):
        raise CheckFailed(f"the keys are {keys}", "The keys should be names. Where are the names of the numbers?")
    extra, missing = [key for key in counts if key not in expected], [key for key in expected if key not in counts]
    if extra and not missing and not any(np.any(counts[key]) for key in extra):
        raise CheckFailed(
            f"it lists {len(extra)} classes with 0 pixels, such as {safe_text(extra[0], 40)}",
            "List only the classes that occur. What does np.unique return?",
        )
    if missing or extra:
        observed = f"the classes are {', '.join(expected)}; yours are {keys}"
        raise CheckFailed(observed, "Take them from the labels that the function is given, whatever they are.")


def _explain_count(counts: dict[Any, Any], expected: dict[str, int], name: str, size: int) -> None:
    observed = f"{name} has {expected[name]} pixels, and yours is {describe(counts[name])}"
    numbers = list(expected.values())
    values = np.array([float(counts[key]) for key in expected])
    if np.allclose(values * size, numbers, atol=0.01):
        raise CheckFailed(observed, "A fraction of the image is useful, too, but return the number of pixels here.")
    if np.allclose(values * size, 100 * np.array(numbers), atol=1):
        raise CheckFailed(observed, "That is a percentage. Return the number of pixels.")
    if sorted(values) == sorted(numbers):
        raise CheckFailed(observed, "The numbers are right, but at the wrong names. Do both lists have the same order?")
    raise CheckFailed(observed, "Count the pixels where labels == number is True.")


@exercise("class_iou", "02_predict")
def check_class_iou(class_iou: Submission) -> str:
    """``class_iou(labels, truth, number)`` returns the IoU of one class, 1 if neither has it."""
    truth = sample_labels()
    shifted = np.roll(truth, (12, -20), axis=(0, 1))
    rng = np.random.default_rng(3)
    noisy, other = (rng.choice(np.array([0, 8, 12, 15], np.uint8), (30, 40)) for _ in range(2))
    cases = [(noisy, other, 12), (noisy, other, 0), (shifted, truth, 15), (shifted, truth, 8), (truth, truth, 8)]
    cases += [(np.zeros_like(truth), truth, 8), (shifted, truth, 3)]
    for labels, expected, number in cases:
        value = class_iou(labels, expected, number)
        _require_iou(value, labels == number, expected == number, float((labels == expected).mean()))
    return "seven pairs of labels, four classes, and a class that does not occur"


def _require_iou(value: Any, predicted: Array, truth: Array, accuracy: float) -> None:
    intersection, union = int((predicted & truth).sum()), int((predicted | truth).sum())
    expected = intersection / union if union else 1.0
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise CheckFailed(f"class_iou returned {describe(value)}", "Return one number from 0 to 1.") from None
    if abs(number - expected) < 1e-6:
        return
    observed = f"a class with an intersection of {intersection} pixels and a union of {union} gives {number:.3f}"
    if not union:
        raise CheckFailed(observed, "What should it be if the class is in neither? Handle that before you divide.")
    both = int(predicted.sum()) + int(truth.sum())
    mistakes = {
        "That is a fraction of the whole image, which a large background flatters. Divide by the union.": (
            intersection / predicted.size
        ),
        "That is the accuracy: the fraction of all pixels with the right label. Look at one class only.": accuracy,
        "You divided by the pixels of the ground truth. False positives must count, too.": (
            intersection / truth.sum() if truth.any() else np.nan
        ),
        "You divided by the predicted pixels. False negatives must count, too.": (
            intersection / predicted.sum() if predicted.any() else np.nan
        ),
        "You divided by the sum of the two areas, which counts the intersection twice.": intersection / both,
        "That is the Dice coefficient, a relative of IoU, which counts the intersection twice.": (
            2 * intersection / both
        ),
        "That is a percentage. IoU is a number from 0 to 1.": 100 * expected,
    }
    for hint, wrong in mistakes.items():
        if abs(number - wrong) < 1e-6:
            raise CheckFailed(observed, hint)
    raise CheckFailed(
        observed, f"{intersection} / {union} is {expected:.3f}. Do you compare both arrays with the right number?"
    )
