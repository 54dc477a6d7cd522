"""The exercises of 02_predict.ipynb: preparing a frame, counting classes, IoU of any class."""

from typing import Any

import numpy as np

from seglib.arrays import Frame, Labels
from seglib.classes import VOC_CLASSES
from seglib.exercises.marking import Answer, NotYet, describe, exercise, safe_text
from seglib.exercises.results import Array, Mistake, as_array, difference, need_not
from seglib.samples import sample_frame, sample_labels

# ImageNet's, as torchvision's table of weights has them; a test compares.
_MEAN = np.array([0.485, 0.456, 0.406])
_STD = np.array([0.229, 0.224, 0.225])


def prepared(frame: Frame) -> Array:
    """A frame as torchvision's networks want it: (1, 3, H, W) float32."""
    return _channels_first((frame / 255 - _MEAN) / _STD)


@exercise("prepare", "02_predict")
def check_prepare(prepare: Answer) -> str:
    """``prepare(frame)`` gives the network's input, (1, 3, H, W) float32, of a frame of any size."""
    noise = np.random.default_rng(7).integers(0, 256, (40, 64, 3), dtype=np.uint8)
    frames = (sample_frame()[100:196, 200:328], sample_frame("hopper")[:128, :96], noise, np.zeros_like(noise))
    for frame in frames:
        tensor = as_array(prepare(frame), "prepare", "(1, 3, H, W)")
        _need_layout(tensor, frame)
        true = prepared(frame)
        if not difference(tensor, true) < 1e-4:
            need_not(tensor, _mistakes(frame), 1e-3)
            raise NotYet(
                f"it differs from torchvision's by up to {difference(tensor, true):.2f}",
                f"Yours runs from {tensor.min():.2f} to {tensor.max():.2f}, theirs from {true.min():.2f} to "
                f"{true.max():.2f}. Which of the four steps changes the range?",
            )
        if tensor.dtype != np.float32:
            raise NotYet(
                f"the numbers are right, but they are {tensor.dtype}",
                "The weights of a network are float32, and its input has to be as well.",
            )
    return "four frames of three sizes, a black one among them, as torchvision prepares them"


def _channels_first(planes: Array) -> Array:
    return np.moveaxis(planes, 2, 0)[np.newaxis].astype(np.float32)


def _need_layout(tensor: Array, frame: Frame) -> None:
    height, width = frame.shape[:2]
    hints = {
        (3, height, width): "Nearly. A network takes a batch of pictures, also when it is a batch of one.",
        (height, width, 3): "The colours are still last, and a batch has one axis more. Two steps are missing.",
        (1, height, width, 3): "The colours are still last. PyTorch wants them right after the batch.",
        (1, 3, width, height): "Rows and columns have changed places. Which axis goes where?",
    }
    if tensor.shape != (1, 3, height, width):
        seen = f"a frame {frame.shape} became {tensor.shape}"
        raise NotYet(seen, hints.get(tensor.shape, "Asked for is (1, 3, H, W), with the frame's own H and W."))


def _mistakes(frame: Frame) -> list[Mistake]:
    scaled = frame / 255
    jumbled = ((scaled.reshape(3, *frame.shape[:2]) - _MEAN[:, None, None]) / _STD[:, None, None])[np.newaxis]
    return [
        Mistake(
            _channels_first((scaled - _MEAN) / _MEAN),
            "it is the article's preparation, value for value",
            "Look at what it divides by, in the last step.",
        ),
        Mistake(
            _channels_first((frame - _MEAN) / _STD),
            f"the values reach up to {((frame - _MEAN) / _STD).max():.0f}",
            "Mean and std are those of numbers from 0 to 1. What are a frame's numbers before the first step?",
        ),
        Mistake(jumbled, "the shape is right, but the picture is a jumble", "Part 2 had two ways to this shape."),
        Mistake(
            prepared(frame[..., ::-1]), "red and blue have changed places", "A frame is RGB here already. Who swaps it?"
        ),
        Mistake(_channels_first(scaled), "the values run from 0 to 1", "Fractions, so far. The third step is missing."),
        Mistake(
            _channels_first(scaled - _MEAN),
            "the mean is taken away, and that is all",
            "The values are not spread out enough. What comes after the minus?",
        ),
        Mistake(_channels_first(scaled / _STD), "the values are never below 0", "Something is to be taken away first."),
        Mistake(
            _channels_first((scaled - scaled.mean((0, 1))) / np.maximum(scaled.std((0, 1)), 1e-9)),
            "mean and std are those of this very picture",
            "They belong to the network: the same six numbers for every picture. Even a black one has to stay black.",
        ),
    ]


@exercise("count_classes", "02_predict")
def check_count_classes(count_classes: Answer) -> str:
    """``count_classes(labels)`` gives a dict: the name of each class that occurs, and how many pixels it has."""
    for labels in (sample_labels(), _room(), np.full((5, 7), 12, np.uint8)):
        counts = count_classes(labels)
        true = {VOC_CLASSES[number]: int((labels == number).sum()) for number in np.unique(labels)}
        if not isinstance(counts, dict):
            raise NotYet(f"count_classes gave back {describe(counts)}", "A dict is asked for: {'person': 1234, …}.")
        _need_names(counts, true)
        for name, number in true.items():
            if counts[name] != number:
                _wrong_number(counts, true, name, labels.size)
    return "the collage, a room with four classes, and a picture that is all dog"


def _room() -> Labels:
    """A room with a person, a sofa, a dog and the wall."""
    labels = np.zeros((60, 90), np.uint8)
    labels[30:, 10:70], labels[10:50, 20:40], labels[45:, 60:85] = 18, 15, 12
    return labels


def _need_names(counts: dict[Any, Any], true: dict[str, int]) -> None:
    keys = ", ".join(safe_text(key, 40) for key in list(counts)[:6]) or "(nothing)"
    if counts and not any(isinstance(key, str) for key in counts):
        raise NotYet(f"the keys are {keys}", "Names are asked for. Where do the names of the numbers stand?")
    extra, missing = [key for key in counts if key not in true], [key for key in true if key not in counts]
    if extra and not missing and not any(np.any(counts[key]) for key in extra):
        raise NotYet(
            f"{len(extra)} classes with 0 pixels are listed, {extra[0]!r} for one",
            "Only the classes that occur are asked for. What does np.unique give you?",
        )
    if missing or extra:
        seen = f"the classes are {', '.join(true)}; yours are {keys}"
        raise NotYet(seen, "Take them from the labels that the function is given, whatever they are.")


def _wrong_number(counts: dict[Any, Any], true: dict[str, int], name: str, size: int) -> None:
    seen = f"{name} has {true[name]} pixels, and yours is {describe(counts[name])}"
    values = np.array([float(counts[key]) for key in true])
    if np.allclose(values * size, list(true.values()), atol=0.01):
        raise NotYet(seen, "A share of the picture is a good number, too. Here the pixels are asked for: how many?")
    if np.allclose(values * size, 100 * np.array(list(true.values())), atol=1):
        raise NotYet(seen, "A percentage. Here the pixels are asked for: how many?")
    if np.allclose(values, list(true.values())[::-1]) or sorted(values) == sorted(true.values()):
        raise NotYet(seen, "The numbers are there, but each beside the wrong name. Do both lists have one order?")
    raise NotYet(seen, "Count the pixels where labels == number is True.")


@exercise("class_iou", "02_predict")
def check_class_iou(class_iou: Answer) -> str:
    """``class_iou(labels, truth, number)`` gives the IoU of one class, 1 if neither picture has it."""
    truth = sample_labels()
    shifted = np.roll(truth, (12, -20), axis=(0, 1))
    rng = np.random.default_rng(3)
    noisy, other = (rng.choice(np.array([0, 8, 12, 15], np.uint8), (30, 40)) for _ in range(2))
    cases = [(noisy, other, 12), (noisy, other, 0), (shifted, truth, 15), (shifted, truth, 8), (truth, truth, 8)]
    cases += [(np.zeros_like(truth), truth, 8), (shifted, truth, 3)]
    for labels, true, number in cases:
        _need_iou(class_iou(labels, true, number), labels == number, true == number, labels == true)
    return "seven pairs of pictures, four classes, and a class that is not there"


def _need_iou(value: Any, found: Array, true: Array, same: Array) -> None:
    both, either = int((found & true).sum()), int((found | true).sum())
    right = both / either if either else 1.0
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise NotYet(f"class_iou gave back {describe(value)}", "One number from 0 to 1 is asked for.") from None
    if abs(number - right) < 1e-6:
        return
    seen = f"a class with {both} pixels in both pictures and {either} in at least one gives {number:.3f}"
    if not either:
        raise NotYet(seen, "Nobody there and nobody found: what is that worth? Ask for it before you divide.")
    wrongs = {
        "That is a share of the whole picture. A large background flatters it; what is the union?": both / same.size,
        "The share of all pixels with the same label. Only one class is asked for.": float(same.mean()),
        "Divided by the truth's pixels only. What was found and is not true has to count, too.": both / true.sum()
        if true.any()
        else np.nan,
        "Divided by the pixels that were found only. What was missed has to count, too.": both / found.sum()
        if found.any()
        else np.nan,
        "Here the shared pixels count in both, so the sum of the two areas is more than the union.": both
        / (found.sum() + true.sum()),
        "This is Dice, a cousin of IoU: it counts the intersection twice.": 2 * both / (found.sum() + true.sum()),
        "A percentage. IoU is a number from 0 to 1.": 100 * right,
    }
    for hint, wrong in wrongs.items():
        if abs(number - wrong) < 1e-6:
            raise NotYet(seen, hint)
    raise NotYet(seen, f"{both} divided by {either} is {right:.3f}. Is the right class looked at, in both pictures?")
