"""The ten programs of ``11_clinic.ipynb``: each check tests the mended function on inputs that are in no notebook.

For the fault that the program came with, a check tells the symptom and a tool; to name the fault is the exercise.
"""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np

from seglib.arrays import Frame
from seglib.classes import VOC_CLASSES
from seglib.exercises.checks import CheckFailed, Submission, describe, exercise, safe_text
from seglib.exercises.outputs import (
    Array,
    Mistake,
    as_array,
    as_image,
    as_mask,
    difference,
    reject_mistakes,
    require_shape,
)
from seglib.images import write_image
from seglib.samples import sample_frame, sample_labels

_NOTEBOOK = "11_clinic"
_MEAN, _STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])  # ImageNet's


def _compare(result: Array, expected: Array, tolerance: float, mistakes: Sequence[Mistake]) -> None:
    if difference(result, expected) <= tolerance:
        return
    reject_mistakes(result, mistakes, tolerance)
    raise CheckFailed(
        f"the result differs from the expected one by up to {difference(result, expected):.3g}",
        "The program came with a single fault. Keep the rest of it as it was.",
    )


@exercise("load_photo", _NOTEBOOK)
def check_load_photo(load_photo: Submission) -> str:
    """``load_photo(path)`` returns a photo, (H, W, 3) uint8, RGB."""
    photo = sample_frame("hopper")[100:148, 200:264]
    with TemporaryDirectory() as folder:
        path = str(Path(folder) / "photo.png")
        write_image(path, photo)
        result = as_image(load_photo(path), photo.shape, "load_photo")
    pixel = max(photo.reshape(-1, 3).tolist(), key=lambda rgb: abs(rgb[0] - rgb[2]))
    grey = np.repeat(photo.mean(2, keepdims=True).round().astype(np.uint8), 3, axis=2)
    mistakes = [
        Mistake(
            photo[..., ::-1],
            f"a pixel that is {pixel} came back as {pixel[::-1]}",
            "Compare one pixel with the same pixel of seglib.read_image(path).",
        ),
        Mistake(grey, "the colours are gone", "All three channels are equal now. Which conversion did that?"),
        Mistake(photo[:, ::-1], "left and right are swapped", "[:, ::-1] turns round columns. Which axis is colour?"),
    ]
    _compare(result, photo, 0, mistakes)
    return "a photo from a file has the same colours as from seglib.read_image"


@exercise("normalise", _NOTEBOOK)
def check_normalise(normalise: Submission) -> str:
    """``normalise(frame)`` returns what a network trained on ImageNet expects, (H, W, 3) float32."""
    frame = np.random.default_rng(3).integers(0, 256, (12, 20, 3), dtype=np.uint8)
    result = as_array(normalise(frame), "normalise", "(H, W, 3) float32")
    require_shape(result, frame.shape, "normalise")
    scaled = frame / 255
    mistakes = [
        Mistake(
            (scaled - _MEAN) / _MEAN,
            f"the values range from {result.min():.2f} to {result.max():.2f}",
            "torchvision's weights.transforms() reaches 2.64 on white. Print your three steps beside it.",
        ),
        Mistake(scaled, "the values are scaled, and nothing more", "Mean and std are missing."),
        Mistake((scaled - _MEAN) * _STD, "the values vary too little", "Divide by the std; you multiply."),
        Mistake((scaled[..., ::-1] - _MEAN) / _STD, "red and blue are swapped", "The frame is RGB already."),
        Mistake(scaled - _MEAN, "the values vary too little", "Something follows the subtraction."),
        Mistake((frame - _MEAN) / _STD, f"the values reach {result.max():.0f}", "Mean and std are for 0 to 1."),
        Mistake((scaled - _STD) / _MEAN, "mean and std are swapped", "Subtract the mean, divide by the std."),
    ]
    _compare(result, (scaled - _MEAN) / _STD, 1e-4, mistakes)
    return "the values are those of torchvision's transforms"


def _network() -> tuple[Any, Any]:
    """A network with a batch norm and dropout, in training mode, and an input."""
    import torch
    from torch import nn

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(nn.Conv2d(3, 21, 1), nn.BatchNorm2d(21), nn.Dropout(0.5))

        def forward(self, x: Any) -> dict[str, Any]:
            return {"out": self.layers(x)}

    rng = np.random.default_rng(4)
    network = Network()
    for parameter in network.parameters():
        parameter.data = torch.from_numpy(rng.normal(size=tuple(parameter.shape)).astype(np.float32))
    return network.train(), torch.from_numpy(rng.normal(size=(1, 3, 6, 8)).astype(np.float32))


@exercise("person_probability", _NOTEBOOK)
def check_person_probability(person_probability: Submission) -> str:
    """``person_probability(network, inputs)`` returns the probability of person, (H, W) float32."""
    reference, inputs = _network()
    probabilities = reference.eval()(inputs)["out"].softmax(1)[0].detach().numpy()
    network, _ = _network()
    first, second = (as_mask(person_probability(network, inputs), (6, 8), "person_probability") for _ in range(2))
    if not np.array_equal(first, second):
        raise CheckFailed(
            "two calls with the same input give two different results",
            "Nothing in your function is random, so it must be the network. Print network.training.",
        )
    mistakes = [
        Mistake(
            np.ones((6, 8)), "it is 1 everywhere", "Along which axis does your softmax run? One holds the classes."
        ),
        Mistake(probabilities.argmax(0) == 15, "it is 0 or 1", "A probability also says how sure the network is."),
    ]
    mistakes += [
        Mistake(part, f"it is the probability of {name}", "Which number has person among VOC's classes?")
        for part, name in zip(probabilities, VOC_CLASSES, strict=True)
        if name != "person"
    ]
    _compare(first, probabilities[15], 1e-5, mistakes)
    return "the same input gives the same answer, whatever mode the network was in"


@exercise("to_labels", _NOTEBOOK)
def check_to_labels(to_labels: Submission) -> str:
    """``to_labels(logits, size)`` turns logits, (classes, h, w), into labels, (H, W) uint8, of a size."""
    logits = np.random.default_rng(5).normal(size=(21, 6, 8)).astype(np.float32)
    result = as_array(to_labels(logits, (32, 24)), "to_labels", "(H, W) uint8")
    require_shape(result, (24, 32), "to_labels")
    labels = np.repeat(np.repeat(logits.argmax(0), 4, axis=0), 4, axis=1)
    if result.dtype != np.uint8:
        raise CheckFailed(f"the labels are {result.dtype}", "Labels are uint8 here, as in the program.")
    lowest = np.repeat(np.repeat(logits.argmin(0), 4, axis=0), 4, axis=1)
    mistakes = [
        Mistake(lowest, "each label has the lowest logit", "Use argmax."),
        Mistake(labels + 1, "all labels are one too high", "argmax counts from 0, as the classes do."),
        Mistake(
            cv2.resize(logits.argmax(0).astype(np.uint8), (32, 24)),
            "between two classes there are others",
            "Class numbers are names: halfway between 0 and 8 is no class. Which interpolation keeps them?",
        ),
    ]
    reject_mistakes(result, mistakes, 0)
    if set(np.unique(result).tolist()) - set(np.unique(labels).tolist()):
        raise CheckFailed(
            "the result has labels that no pixel of the logits won",
            "Print logits.shape, and the shape after each step. Which of its axes has the classes?",
        )
    _compare(result, labels, 0, [])
    return "each pixel has the class of its highest logit"


@exercise("half_size_mask", _NOTEBOOK)
def check_half_size_mask(half_size_mask: Submission) -> str:
    """``half_size_mask(predict, frame)`` predicts at half the size and returns a mask as large as the frame."""
    for height, width in ((48, 80), (90, 60)):
        seen: list[Array] = []

        def predict(small: Frame, seen: list[Array] = seen) -> Array:
            seen.append(small)
            return small[..., 0].astype(np.float32) / 255

        ramp = np.linspace(0, 1, width, dtype=np.float32) * np.linspace(1, 0.5, height, dtype=np.float32)[:, np.newaxis]
        frame = (255 * ramp[..., np.newaxis] * np.array([1, 0.6, 0.3])).astype(np.uint8)  # red shows the order
        mask = as_mask(half_size_mask(predict, frame), (height, width), "half_size_mask")
        if not seen:
            raise CheckFailed("predict was never called", "The mask comes from predict(small).")
        if seen[0].shape[:2] != (height // 2, width // 2):
            raise CheckFailed(
                f"from a frame {frame.shape}, predict was given {seen[0].shape}",
                "Print the shape of what predict is given. Is a circle still a circle there?",
            )
        mistakes = [
            Mistake(
                0.3 * ramp, "predict was given red and blue swapped", "The frame is RGB, and so is what predict wants."
            ),
            Mistake(ramp[::-1], "the mask is upside down", "Is every [::-1] needed?"),
        ]
        _compare(mask, ramp, 0.05, mistakes)
    return "predict sees a picture of half the width and half the height, wide or upright"


class _Capture:
    """As cv2.VideoCapture: ``read(image)`` writes into the image it is given."""

    def __init__(self) -> None:
        self.number = 0

    def read(self, image: Array | None = None) -> tuple[bool, Array]:
        image = np.empty((4, 6, 3), np.uint8) if image is None else image
        image[:] = self.number = self.number + 1
        return True, image


@exercise("keep_frames", _NOTEBOOK)
def check_keep_frames(keep_frames: Submission) -> str:
    """``keep_frames(capture, count)`` returns a list of the first frames of a capture."""
    frames = keep_frames(_Capture(), 5)
    if not isinstance(frames, list):
        raise CheckFailed(f"keep_frames returned {describe(frames)}", "Return a list of frames.")
    numbers = [int(as_image(frame, (4, 6, 3), "an item of the list")[0, 0, 0]) for frame in frames]
    if numbers == [5] * 5:
        raise CheckFailed(
            "the list is the same frame five times, the last one",
            "np.shares_memory(frames[0], frames[1]) tells something about them.",
        )
    if len(numbers) != 5:
        raise CheckFailed(f"the list has {len(numbers)} frames, not 5", "Each frame is kept once.")
    if numbers != [1, 2, 3, 4, 5]:
        raise CheckFailed(f"the order is {numbers}", "The first frame comes first, and none is left out.")
    return "five frames, each in memory of its own"


@exercise("largest_object", _NOTEBOOK)
def check_largest_object(largest_object: Submission) -> str:
    """``largest_object(labels)`` names the class, other than background, with the most pixels."""
    room = np.zeros((20, 30), np.uint8)
    room[:6, :6], room[10:, 20:] = 1, 20
    for labels, expected in ((sample_labels(), "person"), (room, "tv"), (room[:12], "aeroplane")):
        result = largest_object(labels)
        if not isinstance(result, str):
            raise CheckFailed(f"largest_object returned {describe(result)}", "Return the name of the class.")
        if result == VOC_CLASSES[VOC_CLASSES.index(expected) - 1] and result != "background":
            raise CheckFailed(
                f"the largest object, {expected}, was called {result}",
                "seglib.show_labels(labels) shows what is there. How are the two names related in VOC_CLASSES?",
            )
        if result == "background":
            raise CheckFailed(
                f"the largest object, {expected}, was called background",
                "Background is not an object. Leave it out, but keep the numbers of the others.",
            )
        if result != expected:
            raise CheckFailed(f"{expected} was called {safe_text(result, 30)}", "Which class has most pixels?")
    return "three pictures, with the first and the last class of the list"


@exercise("split_files", _NOTEBOOK)
def check_split_files(split_files: Submission) -> str:
    """``split_files(names, seed)`` returns the names for training and those for validation, about a quarter."""
    names = [f"film{film:02}_{number:03}.jpg" for film in range(3, 23) for number in range(6)]
    held_out = set()
    for seed in range(3):
        result = split_files(list(names), seed)
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise CheckFailed(f"split_files returned {describe(result)}", "Return two lists: training, validation.")
        train, validation = ([str(name) for name in part] for part in result)
        if sorted(train + validation) != sorted(names):
            raise CheckFailed(
                f"{len(names)} files went in, {len({*train, *validation})} different ones came out",
                "Each file belongs to one of the two parts, once.",
            )
        held_out.add(frozenset(validation))
        both = {name[:6] for name in train} & {name[:6] for name in validation}
        if both:
            raise CheckFailed(
                f"{len(both)} of 20 films have frames in both parts",
                "What is in a film's next frame? Print sorted(names of training)[:8] and the same of validation.",
            )
        if not 0.1 <= len(validation) / len(names) <= 0.4:
            raise CheckFailed(
                f"{len(validation)} of {len(names)} files are for validation", "About a quarter should be."
            )
    if len(held_out) == 1:
        raise CheckFailed("three seeds give the same two parts", "The program drew them at random, from its seed.")
    return "no film is in both parts, for three seeds"


@exercise("change", _NOTEBOOK)
def check_change(change: Submission) -> str:
    """``change(before, after)`` is the mean absolute difference of two frames, in levels."""
    rng = np.random.default_rng(6)
    for before, after in (
        (np.full((1, 1), 10, np.uint8), np.full((1, 1), 11, np.uint8)),
        rng.integers(0, 256, (2, 8, 9, 3), dtype=np.uint8),
    ):
        value = change(before, after)
        if isinstance(value, bool) or not isinstance(value, int | float | np.number):
            raise CheckFailed(f"change returned {describe(value)}", "Return one number.")
        levels = after.astype(float) - before.astype(float)
        mistakes = [
            Mistake(
                (before - after).mean(),
                f"from level 10 to 11 it measures {float(value):g}",
                "Print 10 - 11 of the frame's dtype.",
            ),
            Mistake(np.abs(levels).max(), "that is the largest difference", "Take the mean over all pixels."),
            Mistake((levels != 0).mean(), "that is how many pixels differ", "By how many levels do they differ?"),
            Mistake(np.sqrt((levels**2).mean()), "that is the root of the mean square", "No square is needed here."),
            Mistake(np.abs(levels).mean() / 255, "that is a fraction of 255", "The difference is in levels, 0 to 255."),
            Mistake(levels.mean(), "brighter and darker pixels cancel", "An absolute value is missing."),
            Mistake(-levels.mean(), "the change is negative", "Take the absolute value of each difference."),
            Mistake((levels**2).mean(), "that is the mean square", "The mean absolute difference is in levels."),
            Mistake(np.abs(levels).sum(), "that is the sum", "It grows with the size of the frame. Take the mean."),
        ]
        _compare(np.asarray(value), np.abs(levels).mean(), 0.01, mistakes)
    return "one level is one level, up or down"


@exercise("compose", _NOTEBOOK)
def check_compose(compose: Submission) -> str:
    """``compose(frame, mask, background)`` is mask · frame + (1 - mask) · background."""
    frame, background = np.random.default_rng(7).integers(0, 256, (2, 8, 11, 3), dtype=np.uint8)
    mask = np.tile(np.linspace(0, 1, 11, dtype=np.float32), (8, 1))
    result = as_image(compose(frame, mask, background), frame.shape, "compose")
    alpha = mask[..., np.newaxis]
    mistakes = [
        Mistake(
            (alpha**2 * frame + (1 - alpha) * background).round(),
            "at a soft edge the output is darker than it should be",
            "Compose two equal grey pictures. The output should be that grey for any mask.",
        ),
        Mistake(
            (1 - alpha) * frame + alpha * background, "the two pictures are swapped", "A mask of 1 keeps the frame."
        ),
        Mistake(np.where(alpha > 0.5, frame, background), "the edge is hard", "A mask of 0.5 is half of each."),
        Mistake((alpha * frame).round(), "there is no background", "Where the mask is 0, the background shows."),
        Mistake(
            (alpha * frame + background).clip(0, 255).round(), "the background counts fully", "Its weight is 1 − alpha."
        ),
        Mistake(np.where(alpha > 0, frame, background), "the edge is hard", "A mask of 0.5 is half of each."),
        Mistake((frame / 2 + background / 2).round(), "it is half of each everywhere", "The mask is the weight."),
        Mistake(frame, "it is the frame, unchanged", "Where the mask is 0, the background shows."),
    ]
    _compare(result, (alpha * frame + (1 - alpha) * background).round(), 1, mistakes)
    return "soft edges mix both pictures, and the weights add up to 1"
