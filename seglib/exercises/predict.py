"""The exercises of ``02_predict.ipynb``: preprocess a frame, softmax, the IoU of any class."""

from typing import Any

import numpy as np

from seglib.arrays import Frame
from seglib.exercises.checks import CheckFailed, Submission, describe, exercise
from seglib.exercises.outputs import Array, Mistake, as_array, difference, reject_mistakes, require_shape
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


@exercise("softmax", "02_predict")
def check_softmax(softmax: Submission) -> str:
    """``softmax(scores)`` turns (C, H, W) scores of any size into probabilities, along the classes."""
    rng = np.random.default_rng(5)
    small = rng.normal(0, 3, (9, 12, 16)).astype(np.float32)
    large = small.copy()
    large[:, ::2] += 1000
    large[:, 1::2] -= 1000
    for scores in (small, rng.normal(0, 3, (21, 5, 7)).astype(np.float32), large):
        probabilities = as_array(softmax(scores.copy()), "softmax", "(C, H, W)")
        require_shape(probabilities, scores.shape, "softmax")
        if not np.isfinite(probabilities).all():
            raise CheckFailed(
                f"scores from {scores.min():.0f} to {scores.max():.0f} give NaN or infinite values",
                "The power of a large number overflows, and if all powers of a pixel are 0, their sum is 0, too. "
                "Subtract each pixel's own largest score first.",
            )
        _require_softmax(probabilities, scores.astype(np.float64))
    return "nine and 21 classes, and scores so large that their powers overflow"


def _require_softmax(probabilities: Array, scores: Array) -> None:
    powers = np.exp(scores - scores.max(axis=0))
    expected = powers / powers.sum(axis=0)
    if difference(probabilities, expected) < 1e-4:
        return
    shifted = np.exp(scores - scores.max())
    last = np.exp(scores - scores.max(axis=-1, keepdims=True))
    mistakes = [
        Mistake(shifted / shifted.sum(), "all pixels together add up to 1", "Divide by the sum over the classes only."),
        Mistake(last / last.sum(axis=-1, keepdims=True), "each row adds up to 1", "Which axis holds the classes?"),
        Mistake(
            np.exp(scores.min(axis=0) - scores) / np.exp(scores.min(axis=0) - scores).sum(axis=0),
            "the largest score has the smallest probability",
            "The power grows with the score. Look at its sign.",
        ),
        Mistake(1 / (1 + np.exp(-scores)), "that is the sigmoid, for two classes", "Here the classes compete."),
        Mistake(powers, "the largest value of each pixel is 1", "The division by the sum is missing."),
        Mistake(np.log(expected + 1e-300), "that is the logarithm of it", "A probability lies between 0 and 1."),
        Mistake(scores / scores.sum(axis=0), "the scores themselves are divided", "First the power of e."),
        Mistake(scores == scores.max(axis=0), "that is argmax as 0 and 1", "Softmax also tells by how much."),
    ]
    reject_mistakes(probabilities, mistakes, 1e-3)
    sums = probabilities.sum(axis=0)
    raise CheckFailed(
        f"a pixel's probabilities add up to {sums.min():.2f} to {sums.max():.2f}, and differ from the right ones by up "
        f"to {difference(probabilities, expected):.2f}",
        "e to the power of each score, divided by the sum of these powers over the classes, axis 0.",
    )


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
        "That is the intersection, in pixels. Divide it by the union.": float(intersection),
        "That is 1 − IoU, the fraction of the union that is wrong.": 1 - expected,
        "That is a percentage. IoU is a number from 0 to 1.": 100 * expected,
    }
    for hint, wrong in mistakes.items():
        if abs(number - wrong) < 1e-6:
            raise CheckFailed(observed, hint)
    raise CheckFailed(
        observed, f"{intersection} / {union} is {expected:.3f}. Do you compare both arrays with the right number?"
    )


@exercise("confusion_matrix", "02_predict")
def check_confusion_matrix(confusion_matrix: Submission) -> str:
    """``confusion_matrix(labels, truth, classes)`` counts pixels by true class (row) and predicted class (column)."""
    rng = np.random.default_rng(7)
    for classes, void in ((4, False), (21, True), (9, True)):
        truth = rng.integers(0, classes, (30, 40), dtype=np.uint8)
        labels = np.where(rng.random(truth.shape) < 0.7, truth, rng.integers(0, classes, truth.shape))
        labels = np.minimum(labels, classes - 2)
        truth[5:12, 8:20] = 255 if void else 0
        result = as_array(confusion_matrix(labels.astype(np.uint8), truth, classes), "confusion_matrix", "of counts")
        _require_confusion(result, labels, truth, classes)
    return "four, nine and 21 classes, one of them never predicted, with void pixels and without"


def _require_confusion(result: Array, labels: Array, truth: Array, classes: int) -> None:
    expected, with_void = np.zeros((2, classes, classes))
    np.add.at(expected, (truth[truth != 255], labels[truth != 255]), 1)
    np.add.at(with_void, (np.where(truth == 255, 0, truth), labels), 1)
    if 256 in result.shape:
        raise CheckFailed(f"the result is {describe(result)}", "Pixels of truth 255 are void. Leave them out first.")
    require_shape(result, expected.shape, "confusion_matrix")
    if difference(result, expected) == 0:
        return
    counted = labels[truth != 255].astype(np.uint8), truth[truth != 255]
    overflow = np.zeros((classes, classes))
    pairs = np.uint8(classes) * counted[1] + counted[0]
    np.add.at(overflow.reshape(-1), pairs, 1)
    rows = expected.sum(axis=1, keepdims=True)
    mistakes = [
        Mistake(expected.T, "rows and columns are swapped", "A row is a true class, a column a predicted one."),
        Mistake(with_void, "void pixels are counted as background", "Which pixels of truth should not be counted?"),
        Mistake(
            overflow,
            "most pixels are counted in wrong places",
            "uint8 ends at 255, and classes * truth goes on. astype?",
        ),
        Mistake(expected / rows, "each row adds up to 1", "That is the share of each true class. Count pixels here."),
        Mistake(100 * expected / rows, "each row adds up to 100", "Count pixels here, not percent."),
        Mistake(expected / expected.sum(), "all entries together add up to 1", "Count pixels here."),
        Mistake(np.minimum(expected, 1), "no entry is larger than 1", "matrix[rows, columns] += 1 counts a pair once."),
        Mistake(np.diag(np.diag(expected)), "all entries beside the diagonal are 0", "Wrong pixels count, too."),
        Mistake(expected * (1 - np.eye(classes)), "the diagonal is 0", "Right pixels count, too."),
    ]
    reject_mistakes(result, mistakes, 1e-6)
    total, pixels = float(result.sum()), int(expected.sum())
    raise CheckFailed(
        f"its entries add up to {total:.6g}, {pixels} pixels are to be counted, and {np.sum(result != expected)} of "
        f"{classes * classes} entries are wrong",
        "Try it on two rows: labels [[0, 1, 1]] and truth [[0, 0, 1]] give [[1, 1], [0, 1]].",
    )
