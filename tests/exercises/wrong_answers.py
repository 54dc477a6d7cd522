"""Wrong answers to each exercise, as learners give them, and a word that the hint for each must contain."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import cv2
import ipywidgets as widgets
import numpy as np
from torch.nn.functional import binary_cross_entropy_with_logits

import seglib

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def count(
    capture: Any, first: int = 0, release: bool = True, is_frame: Callable[[Any], bool] = lambda bgr: True
) -> int:
    number = first
    while True:
        ok, bgr = capture.read()
        if not ok or not is_frame(bgr):
            break
        number += 1
    if release:
        capture.release()
    return number


def count_for_ever(capture: Any) -> int:
    number = 0
    while True:
        number += capture.read()[1] is not None


def count_until_none_has_a_shape(capture: Any) -> int:
    number = 0
    while True:
        number += capture.read()[1].shape[0] > 0


def count_and_hide_errors(capture: Any) -> int:
    try:
        return count(capture)
    except cv2.error:
        capture.release()
        return 0


def count_by_the_header(capture: Any) -> int:
    capture.release()
    return int(capture.get(cv2.CAP_PROP_FRAME_COUNT))


def endless_next(frames: Any) -> Iterator[Any]:
    while True:
        yield next(frames)
        next(frames)
        next(frames)


def thirds(frames: Any, first: int = 0, step: int = 3) -> Iterator[Any]:
    yield from (frame for number, frame in enumerate(frames) if number % step == first)


def prepare(frame: Any, scale: float = 255, mean: Any = MEAN, std: Any = STD) -> Any:
    return np.moveaxis((frame / scale - mean) / std, 2, 0)[np.newaxis].astype(np.float32)


def prepare_by_reshape(frame: Any) -> Any:
    planes = (frame / 255).reshape(3, *frame.shape[:2])
    return ((planes - MEAN[:, None, None]) / STD[:, None, None])[np.newaxis].astype(np.float32)


def softmax(scores: Any, axis: int | None = 0, largest: Any = None) -> Any:
    """Softmax along an axis after each pixel's largest score, or a number, was subtracted."""
    powers = np.exp(scores - (scores.max(axis=0) if largest is None else largest))
    return powers / powers.sum(axis=axis, keepdims=True)


def confusion(labels: Any, truth: Any, classes: int, void: bool = False, kind: Any = int) -> Any:
    """Counts by true class and predicted class; void counts as background if ``void``."""
    counted = np.ones_like(truth, bool) if void else truth != 255
    true, found = np.where(truth == 255, 0, truth)[counted].astype(kind), labels[counted].astype(kind)
    return np.bincount(kind(classes) * true + found, minlength=classes**2)[: classes**2].reshape(classes, classes)


def confusion_once(labels: Any, truth: Any, classes: int) -> Any:
    matrix, counted = np.zeros((classes, classes), int), truth != 255
    matrix[truth[counted], labels[counted]] += 1
    return matrix


def confusion_with_255(labels: Any, truth: Any, classes: int) -> Any:
    matrix = np.zeros((256, 256), int)
    np.add.at(matrix, (truth, labels), 1)
    return matrix


def confusion_of_what_occurs(labels: Any, truth: Any, classes: int) -> Any:
    counted = truth != 255
    return confusion(labels, truth, classes)[:, np.unique(labels[counted])]


def region(mask: Any, first: int = 1, order: int = 1) -> Any:
    """The region nearest to the middle among number ``first`` and later; order -1 swaps the middle's x and y."""
    number, numbers, _, centroids = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if number == 1:
        return np.zeros_like(mask)
    middle = np.array([mask.shape[1] / 2, mask.shape[0] / 2])[::order]
    return (numbers == first + np.hypot(*(centroids[first:] - middle).T).argmin()).astype(np.float32)


def gauss(image: Any, sigma: float) -> Any:
    return cv2.GaussianBlur(image, (0, 0), sigma)


def mean_of(frame: Any, weight: Any, sigma: float, normalise: bool = True) -> Any:
    weight = weight[..., np.newaxis].astype(np.float32)
    total = gauss(frame * weight, sigma)
    divisor = np.maximum(gauss(weight, sigma)[..., np.newaxis], 1e-12) if normalise else 1
    return (total / divisor).clip(0, 255).round().astype(np.uint8)


def cover_at(picture: Any, shape: Any, end: int) -> Any:
    height, width = shape
    scale = max(height / picture.shape[0], width / picture.shape[1])
    large = cv2.resize(picture, (round(picture.shape[1] * scale), round(picture.shape[0] * scale)))
    return large[-height:, -width:] if end else large[:height, :width]


def crop(picture: Any, shape: Any) -> Any:
    canvas = np.zeros((*shape, 3), np.uint8)
    part = picture[: shape[0], : shape[1]]
    canvas[: part.shape[0], : part.shape[1]] = part
    return canvas


def moving(number_of: Callable[[int], int]) -> type:
    """An effect whose call number n, from 0, shows background ``number_of(n)``."""

    class Moving:
        def __init__(self, backgrounds: Any) -> None:
            self.backgrounds, self.calls = backgrounds, itertools.count()

        def __call__(self, frame: Any, mask: Any) -> Any:
            return seglib.replace_background(frame, mask, self.backgrounds[number_of(next(self.calls))])

    return Moving


class MovingWithOneCounter:
    calls: ClassVar[Iterator[int]] = itertools.count()

    def __init__(self, backgrounds: Any) -> None:
        self.backgrounds = backgrounds
        if next(_made) < 2:  # as if the cell had just been run
            MovingWithOneCounter.calls = itertools.count()

    def __call__(self, frame: Any, mask: Any) -> Any:
        return seglib.replace_background(frame, mask, self.backgrounds[next(self.calls) % 3])


_made = itertools.count()


class MovingUnfitted:
    def __init__(self, backgrounds: Any) -> None:
        self.backgrounds = backgrounds

    def __call__(self, frame: Any, mask: Any) -> Any:
        return seglib.blend(frame, mask, self.backgrounds[0])


class MovingWithoutPerson(MovingUnfitted):
    def __call__(self, frame: Any, mask: Any) -> Any:
        return seglib.fit_image(self.backgrounds[0], frame.shape)


class MovingWithoutBackground(MovingUnfitted):
    def __call__(self, frame: Any, mask: Any) -> Any:
        return frame.copy()


class MovingWithoutCall:
    def __init__(self, backgrounds: Any) -> None:
        pass


class Queue:
    """Everything is kept, and the oldest comes first: the article's lag."""

    def __init__(self) -> None:
        self.frames: list[Any] = []

    def put(self, frame: Any) -> None:
        self.frames.append(frame)

    def take(self) -> Any:
        return self.frames.pop(0) if self.frames else None


class NeverForgets(Queue):
    def take(self) -> Any:
        return self.frames[-1] if self.frames else None


class ForgetsToReturn(Queue):
    def take(self) -> Any:
        self.frames.clear()


class NotInitialised(Queue):
    def __init__(self) -> None:
        pass


class SharedByAll(Queue):
    shared: ClassVar[list[Any]] = []

    def __init__(self) -> None:
        self.frames = self.shared

    def put(self, frame: Any) -> None:
        self.frames[:] = [frame]


def slider(react: Callable[[Any], Any] | None = None, smallest: float = 1) -> Any:
    made = widgets.FloatSlider(value=8, min=smallest, max=40)
    if react:
        made.observe(react, "value")
    return made


def opencv_copy(source: str, target: str, codes: tuple[int, ...] = (cv2.COLOR_BGR2GRAY, cv2.COLOR_GRAY2BGR)) -> None:
    reader = cv2.VideoCapture(source)
    writer = cv2.VideoWriter(target, cv2.VideoWriter_fourcc(*"mp4v"), 25, (128, 96))
    while (bgr := reader.read()[1]) is not None:
        for code in codes:
            bgr = cv2.cvtColor(bgr, code)
        writer.write(bgr)
    reader.release()
    writer.release()


def every_second_frame(source: str, target: str) -> None:
    with seglib.open_source(source) as frames, seglib.video.VideoWriter(target, fps=25) as video:
        for frame in itertools.islice(frames, 0, None, 2):
            video.write(frame)


def other_picture(source: str, target: str) -> None:
    def upside_down(frame: Any, mask: Any) -> Any:
        return np.stack([255 - frame[::-1, :, 0]] * 3, axis=-1)

    seglib.process_video(source, target, upside_down, progress=False)


def atrous(image: Any, kernel: Any, rate: int, border: int = cv2.BORDER_CONSTANT) -> Any:
    side = rate * (len(kernel) - 1) + 1
    spread = np.zeros((side, side))
    spread[::rate, ::rate] = kernel
    return cv2.filter2D(image, -1, spread, borderType=border)


def atrous_by_roll(image: Any, kernel: Any, rate: int) -> Any:
    middle = len(kernel) // 2
    shifts = [(rate * (middle - i), rate * (middle - j)) for i, j in np.ndindex(kernel.shape)]
    return sum(weight * np.roll(image, shift, (0, 1)) for weight, shift in zip(kernel.ravel(), shifts, strict=True))


def receptive_field(layers: Any, start: int = 1, extra: int = 0, early: bool = False) -> int:
    jump, field = 1, start
    for kernel, stride, rate in layers:
        jump *= stride if early else 1
        field += (kernel - 1 + extra) * rate * jump
        jump *= 1 if early else stride
    return field


def make_atrous(layers: Any, most: int, own: bool = False, grow: bool = True) -> Any:
    result, total, rate = [], 1, 1
    for kernel, stride in layers:
        if total * stride <= most:
            total *= stride
            result.append((kernel, stride, rate))
        else:
            before, rate = rate, rate * stride if grow else stride
            result.append((kernel, 1, rate if own else before))
    return result


def labelled_loss(probabilities: Any, labels: Any, void: int = 0) -> Any:
    """Cross-entropy of each pixel; 255 counts as class ``void``."""
    labels = np.where(labels == 255, void % len(probabilities), labels)
    return -np.log(np.take_along_axis(probabilities, labels[np.newaxis], axis=0)[0])


def train_step(order: str = "lzbs", sign: int = 1) -> Callable[..., Any]:
    """One step: l is loss.item(), z zero_grad, b backward, s the optimizer's step, in this order."""

    def step(network: Any, optimizer: Any, pictures: Any, answers: Any, reduction: str = "mean") -> Any:
        loss = sign * binary_cross_entropy_with_logits(network(pictures), answers, reduction=reduction)
        for letter in order:
            {"l": loss.item, "z": optimizer.zero_grad, "b": loss.backward, "s": optimizer.step}[letter]()
        return loss.item()

    return step


def predict_half(predict: Any, frame: Any, order: int = 1, factor: int = 2) -> Any:
    sides = [frame.shape[1] // factor, frame.shape[0] // factor]
    mask = predict(cv2.resize(frame, sides[::order]))
    return cv2.resize(mask, frame.shape[1::-1])


def read_frames(capture: Any, count: int, skip: int = 0) -> list[Any]:
    return [capture.read()[1] for _ in range(count + skip)][skip:]


def read_into_one(capture: Any, count: int) -> list[Any]:
    image = None
    return [image := capture.read(image)[1] for _ in range(count)]


def person(network: Any, inputs: Any, number: int = 15) -> Any:
    return network.eval()(inputs)["out"].softmax(1)[0, number].detach().numpy()


def name_largest(labels: Any, first: int = 1, shift: int = 1) -> str:
    return seglib.VOC_CLASSES[np.bincount(labels.ravel(), minlength=21)[first:].argmax() + shift]


def split_names(names: list[str], seed: int, by: slice = slice(6), share: int = 4) -> tuple[list[str], list[str]]:
    groups = np.random.default_rng(seed).permutation(sorted({name[by] for name in names}))
    held_out = set(groups[: len(groups) // share])
    return [name for name in names if name[by] not in held_out], [name for name in names if name[by] in held_out]


def mix(frame: Any, mask: Any, background: Any, power: int = 1) -> Any:
    alpha = mask[..., np.newaxis]
    return (alpha**power * frame + (1 - alpha) * background).round().astype(np.uint8)


def hold(predict: Any, frames: Any, n: int, first: int = 0, shift: int = 0) -> list[Any]:
    """Predict frames ``first``, ``first`` + n, …; show each mask ``shift`` frames early."""
    known = {number: predict(frames[number]) for number in range(first, len(frames), n)}
    return [known[max((k for k in known if k <= i + shift), default=first)] for i in range(len(frames))]


def rates(stages: dict[str, float], second: float = 1000) -> tuple[float, float, float]:
    total = sum(stages.values())
    return total, second / total, second / max(stages.values())


WRONG: dict[str, list[tuple[Any, str]]] = {
    "shrink": [
        (lambda f, w: cv2.resize(f, (round(f.shape[0] * w / f.shape[1]), w)), "comes first"),
        (lambda f, w: cv2.resize(f, (w, w * 3 // 4)), "aspect ratio"),
        (lambda f, w: cv2.resize(f, (w, f.shape[0])), "factor"),
        (lambda f, w: f[::2, ::2], "Is it used"),
        (lambda f, w: f[: round(f.shape[0] * w / f.shape[1]), :w], "crop"),
        (lambda f, w: cv2.resize(f, (w, f.shape[0] * w / f.shape[1])), "cv2.error"),
    ],
    "count_frames": [
        (count_for_ever, "end of the file"),
        (count_until_none_has_a_shape, "AttributeError"),
        (lambda c: count(c, release=False), "still open"),
        (count, "unplugged"),
        (count_and_hide_errors, "hides the error"),
        (lambda c: count(c, is_frame=np.any), "black frame"),
        (lambda c: count(c, first=1), "One too many"),
        (lambda c: count(c, first=3), "pencil"),
        (lambda c: count(c) and None, "end in a return"),
        (count_by_the_header, "header"),
    ],
    "every_third": [
        (lambda frames: (batch[0] for batch in zip(*[iter(frames)] * 3, strict=False)), "without waiting"),
        (endless_next, "ends there"),
        (lambda frames: thirds(frames, first=2), "enumerate"),
        (lambda frames: frames, "every frame"),
        (lambda frames: thirds(frames, step=2), "distance"),
        (lambda frames: list(thirds(frames)), "generator"),
        (lambda frames: frames[::3], "[ ]"),
        (lambda frames: len(frames), "length"),
        (lambda frames: (f for f in thirds(frames) if f.any()), "black"),
        (lambda frames: next(frames), "one after another"),
        (lambda frames: print(end=""), "yields"),
    ],
    "prepare": [
        (lambda f: prepare(f, std=MEAN), "article"),
        (lambda f: prepare(f, scale=1), "from 0 to 1"),
        (prepare_by_reshape, "scrambled"),
        (lambda f: prepare(f)[0], "batch of one"),
        (lambda f: prepare(f)[0].transpose(1, 2, 0), "Two steps"),
        (lambda f: prepare(f).astype(np.float64), "float64"),
        (lambda f: prepare(f[..., ::-1]), "red and blue"),
        (lambda f: prepare(f, mean=0, std=1), "third step"),
        (lambda f: prepare(f, std=1), "follows"),
        (lambda f: prepare(f, mean=0), "subtracted"),
        (lambda f: prepare(f, mean=(f / 255).mean((0, 1)), std=(f / 255).std((0, 1)) + 1e-9), "this image"),
        (lambda f: 2 * prepare(f), "four steps"),
        (lambda f: np.array(f).tolist(), "a list"),
    ],
    "softmax": [
        (lambda s: softmax(-s), "sign"),
        (lambda s: softmax(s, largest=0), "own largest"),
        (lambda s: softmax(s, axis=None, largest=s.max()), "over the classes"),
        (lambda s: softmax(s, axis=-1, largest=s.max(axis=-1, keepdims=True)), "Which axis"),
        (lambda s: 1 / (1 + np.exp(-s)), "compete"),
        (lambda s: np.exp(s - s.max(axis=0)), "division"),
        (lambda s: np.log(softmax(s)), "between 0 and 1"),
        (lambda s: s / s.sum(axis=0), "power of e"),
        (lambda s: (s == s.max(axis=0)).astype(float), "by how much"),
        (lambda s: softmax(s).argmax(axis=0), "shape"),
        (lambda s: 100 * softmax(s), "axis 0"),
    ],
    "class_iou": [
        (lambda a, b, n: ((a == n) & (b == n)).sum(), "in pixels"),
        (lambda a, b, n: 1 - seglib.iou(a == n, b == n), "1 − IoU"),
        (lambda a, b, n: (a == b).mean(), "accuracy"),
        (lambda a, b, n: seglib.iou(a == 15, b == 15), "right number"),
        (lambda a, b, n: np.float64(((a == n) & (b == n)).sum()) / ((a == n) | (b == n)).sum(), "before you divide"),
        (lambda a, b, n: ((a == n) & (b == n)).sum() / max((b == n).sum(), 1), "False positives"),
        (lambda a, b, n: ((a == n) & (b == n)).sum() / max((a == n).sum(), 1), "False negatives"),
        (lambda a, b, n: ((a == n) & (b == n)).sum() / ((a == n).sum() + (b == n).sum()), "sum of the two"),
        (lambda a, b, n: 2 * ((a == n) & (b == n)).sum() / ((a == n).sum() + (b == n).sum()), "Dice"),
        (lambda a, b, n: ((a == n) & (b == n)).mean(), "whole image"),
        (lambda a, b, n: 100 * seglib.iou(a == n, b == n), "percentage"),
        (lambda a, b, n: a == b, "one number"),
    ],
    "confusion_matrix": [
        (lambda a, b, n: confusion(a, b, n).T, "true class"),
        (lambda a, b, n: confusion(a, b, n, void=True), "void"),
        (confusion_with_255, "256"),
        (lambda a, b, n: confusion(a, b, n, kind=np.uint8), "uint8"),
        (confusion_once, "a pair once"),
        (confusion_of_what_occurs, "shapes"),
        (lambda a, b, n: confusion(a, b, n) / confusion(a, b, n).sum(axis=1, keepdims=True), "adds up to 1"),
        (lambda a, b, n: 100 * confusion(a, b, n) / confusion(a, b, n).sum(axis=1, keepdims=True), "percent"),
        (lambda a, b, n: np.diag(np.diag(confusion(a, b, n))), "Wrong pixels"),
        (lambda a, b, n: (a == b).sum(), "an array"),
        (lambda a, b, n: confusion(a[::2], b[::2], n), "are to be counted"),
    ],
    "keep_two": [
        (lambda a: (a == 15 | 8).astype(np.float32), "no cat"),
        (lambda a: (a == 8).astype(np.float32), "no person"),
        (lambda a: (a != 0).astype(np.float32), "the article blurs"),
        (lambda a: ((a == 15) & (a == 8)).astype(np.float32), "at once"),
        (lambda a: (a == 15) | (a == 8), "bool"),
        (lambda a: a == 15 or a == 8, "pixel by pixel"),
        (lambda a: 1 - seglib.class_mask(a, (8, 15)), "swapped"),
        (lambda a: np.where(np.isin(a, (8, 15)), a, 0), "8 and 15"),
        (lambda a: 255 * seglib.class_mask(a, (8, 15)), "255"),
        (lambda a: np.stack([seglib.class_mask(a, (8, 15))] * 3, axis=-1), "no channels"),
        (lambda a: (a >= 8).astype(np.float32), "order"),
        (lambda a: seglib.class_mask(a, (5, 8, 15)), "bottle"),
        (lambda a: seglib.class_mask(a, (8, 15)).astype(np.float64), "float64"),
    ],
    "keep_middle": [
        (seglib.keep_largest, "keep_largest"),
        (lambda mask: mask.copy(), "all regions"),
        (lambda mask: region(mask, first=0), "outside"),
        (lambda mask: region(mask, order=-1), "columns first"),
        (np.zeros_like, "nothing is kept"),
        (lambda mask: region(mask)[:, ::-1], "none of the regions"),
        (lambda mask: region(mask) if mask.any() else mask + 1, "empty"),
        (lambda mask: region(mask) / 0, "NaN"),
    ],
    "soft_edge": [
        (lambda mask, radius: np.maximum(mask, seglib.feather(mask, 3 * radius)), "widens"),
        (seglib.feather, "both directions"),
        (lambda mask, radius: cv2.dilate(mask, np.ones((2 * radius + 1,) * 2, np.uint8)), "its edge is hard"),
        (lambda mask, radius: mask, "as hard as before"),
        (lambda mask, radius: np.minimum(mask, seglib.feather(mask, radius)), "inwards only"),
        (lambda mask, radius: np.maximum(mask, seglib.feather(mask, 6)), "Is it used"),
        (lambda mask, radius: mask + seglib.feather(mask, radius), "between 0 and 1"),
        (lambda mask, radius: np.maximum(mask, np.float32(0.5)), "Far from"),
    ],
    "no_halo": [
        (lambda f, m, s: gauss(f, s), "Which pixels"),
        (lambda f, m, s: mean_of(f, 1 - m, s, normalise=False), "dark halo"),
        (lambda f, m, s: mean_of(f, m, s), "mean of the person"),
        (lambda f, m, s: f, "nothing is blurred"),
        (lambda f, m, s: seglib.blur_background(f, m, 2 * s), "quotient"),
        (lambda f, m, s: mean_of(f, 1 - m, s) if m.any() else gauss(f, s / 3), "all background"),
        (lambda f, m, s: gauss(f * (1 - m)[..., None], s) / gauss(1 - m, s)[..., None], "round, then astype"),
        (lambda f, m, s: (1.6 * mean_of(f, 1 - m, s) % 256).astype(np.uint8), "clipping"),
    ],
    "blur_person": [
        (lambda f, m: seglib.blend(gauss(f, 1), m, f), "strongly enough"),
        (lambda f, m: seglib.blur_background(f, m), "keep sharp"),
        (lambda f, m: gauss(f, 8), "only where the mask"),
        (lambda f, m: f, "recognise"),
        (lambda f, m: seglib.blur_background(f, ~m), "TypeError"),
        (lambda f, m: seglib.replace_background(f, 1 - m, "black"), "one plain colour"),
        (lambda f, m: seglib.blend(255 - gauss(f, 8), m, f), "other colours"),
    ],
    "blur_more": [
        (lambda f: gauss(f, 16), "depend on"),
        (lambda f: gauss(f, f.shape[0] / 60), "as strong as the article's"),
        (lambda f: gauss(f, f.shape[1] / 40), "which side"),
        (lambda f: gauss(f, 8), "twice"),
        (lambda f: f, "as sharp as before"),
        (lambda f: cv2.GaussianBlur(f, (f.shape[0] // 5, f.shape[0] // 5), 0), "cv2.error"),
        (lambda f: gauss(f, f.shape[0] / 20), "at 960"),
        (lambda f: f[..., 0], "three channels"),
    ],
    "cover": [
        (lambda p, s: seglib.fit_image(p, s)[:, ::-1], "mirrored"),
        (lambda p, s: cv2.resize(p, (s[1], s[0])), "stretched"),
        (lambda p, s: seglib.fit_image(p, s, "contain"), "bars"),
        (lambda p, s: cover_at(p, s, end=0), "not centred"),
        (crop, "not scaled"),
        (lambda p, s: cv2.resize(p, s), "swapped"),
        (lambda p, s: p, "number by number"),
        (lambda p, s: seglib.fit_image(p[::-1], s), "round"),
    ],
    "add_logo": [
        (lambda f, logo: seglib.blend(logo[..., :3], logo[..., 3] / 255, 0 * f), "not black"),
        (lambda f, logo: np.clip(f.astype(int) + logo[..., :3], 0, 255).astype(np.uint8), "weighted"),
        (lambda f, logo: ((f.astype(int) + logo[..., :3]) // 2).astype(np.uint8), "how much"),
        (lambda f, logo: seglib.blend(logo[..., 2::-1], logo[..., 3] / 255, f), "RGB already"),
        (lambda f, logo: (f * (1 - logo[..., 3:] / 255)).astype(np.uint8), "no logo"),
        (lambda f, logo: seglib.blend(logo[..., :3], logo[..., 3], f), "mask / 255"),
        (lambda f, logo: seglib.blend(f, logo[..., 3] / 255, logo[..., :3]), "exchanged"),
        (lambda f, logo: logo[..., :3], "only the logo"),
        (lambda f, logo: np.where(logo[..., 3:] > 0, logo[..., :3], f), "hard edge"),
        (lambda f, logo: f, "unchanged"),
        (lambda f, logo: logo, "Four channels"),
        (lambda f, logo: seglib.blend(logo[..., :3], logo[..., 3] / 512, f), "range of a mask"),
    ],
    "Moving": [
        (moving(lambda n: 0), "remembered"),
        (moving(lambda n: (n + 1) % 3), "increase"),
        (moving(lambda n: n), "remainder"),
        (moving(lambda n: min(n, 2)), "stays"),
        (moving(lambda n: n % 2), "start again"),
        (MovingWithOneCounter, "own counter"),
        (MovingUnfitted, "fit_image"),
        (MovingWithoutPerson, "person is not visible"),
        (MovingWithoutBackground, "none of the backgrounds"),
        (MovingWithoutCall, "__call__"),
    ],
    "worst_error": [
        (lambda t, fps: np.abs(np.arange(len(t)) * fps - t).max(), "multiply"),
        (lambda t, fps: np.abs(np.arange(len(t)) / fps - t).argmax(), "number of the worst"),
        (lambda t, fps: np.median(np.abs(np.arange(len(t)) / fps - t)), "median"),
        (lambda t, fps: 1000 * np.abs(np.arange(len(t)) / fps - t).max(), "milliseconds"),
        (lambda t, fps: np.abs(np.arange(len(t)) / fps - t).mean(), "mean"),
        (lambda t, fps: (t - np.arange(len(t)) / fps).max(), "Too late"),
        (lambda t, fps: (np.arange(len(t)) / fps - t).max(), "Too early"),
        (lambda t, fps: np.abs(np.arange(1, len(t) + 1) / fps - t).max(), "number 0"),
        (lambda t, fps: abs((len(t) - 1) / fps - t[-1]), "last frame"),
        (lambda t, fps: np.abs(np.arange(len(t)) / fps - t), "one number"),
        (lambda t, fps: 99.0, "number n"),
    ],
    "night": [
        (lambda f, m: seglib.blend(f // 4, m, f), "wrong one"),
        (lambda f, m: f // 4, "as bright as before"),
        (lambda f, m: seglib.blend(f, m, f), "unchanged"),
        (lambda f, m: seglib.blend(f, m, f // 2), "25 %"),
        (lambda f, m: seglib.blend(f, m, f // 4) and None, "raised ValueError"),
        (lambda f, m: m[..., None] * f + (1 - m[..., None]) * f / 4, "round, then astype"),
        (lambda f, m: np.floor_divide(f, 4, out=f), "argument f"),
        (lambda f, m: seglib.replace_background(f, m, "black"), "black"),
        (lambda f, m: seglib.blend(f, m > 0.5, f // 4), "edge"),
        (lambda f: f // 4, "parameters"),
    ],
    "Newest": [
        (Queue, "old"),
        (NeverForgets, "only once"),
        (NotInitialised, "AttributeError"),
        (ForgetsToReturn, "does take return it"),
        (SharedByAll, "share"),
        (type("Empty", (), {}), "put and take"),
    ],
    "blur_slider": [
        (lambda live: slider(), "observed"),
        (lambda live: slider(lambda change: live.change(effect=seglib.Blur(change))), "TypeError"),
        (lambda live: slider(lambda change: live.change(effect=change.new)), "Which class"),
        (lambda live: slider(lambda change: live.change(effect=seglib.Blur(8))), "another sigma"),
        (lambda live: slider(lambda change: live.change(effect=seglib.Blur(change.new)), 0), "from 1 to 40"),
        (lambda live: slider(lambda change: live.change(feather=change.new)), "feather"),
        (lambda live: slider(lambda change: live.change(effect=lambda frame, mask: mask)), "shape of the frame"),
        (lambda live: slider(print) and None, "displayed"),
        (lambda live: live.change(effect=seglib.Blur(8)) or seglib.Blur(8), "Return a slider"),
    ],
    "atrous": [
        (lambda image, kernel, rate: atrous(image, kernel, 1), "ordinary"),
        (lambda image, kernel, rate: atrous(image, kernel, rate + 1), "skipped"),
        (lambda image, kernel, rate: atrous(image, kernel[::-1, ::-1], rate), "flipped"),
        (lambda image, kernel, rate: atrous(image, kernel.T, rate), "rows and columns"),
        (lambda image, kernel, rate: atrous(image, kernel, rate)[::rate, ::rate], "stride"),
        (lambda image, kernel, rate: atrous(image, kernel, rate)[rate:-rate, rate:-rate], "border is missing"),
        (lambda image, kernel, rate: atrous(image, kernel, rate, cv2.BORDER_REPLICATE), "repeated"),
        (lambda image, kernel, rate: 2 * atrous(image, kernel, rate), "PyTorch"),
        (lambda image, kernel, rate: image, "unchanged"),
        (atrous_by_roll, "np.roll"),
    ],
    "receptive_field": [
        (lambda layers: str(receptive_field(layers)), "quotes"),
        (lambda layers: receptive_field([(kernel, stride, 1) for kernel, stride, _ in layers]), "rate"),
        (lambda layers: receptive_field([(kernel, 1, rate) for kernel, _, rate in layers]), "Use the strides"),
        (lambda layers: receptive_field(layers, start=0), "pixel itself"),
        (lambda layers: receptive_field(layers, extra=1), "adds 2"),
        (lambda layers: receptive_field(layers, early=True), "after it"),
        (lambda layers: (receptive_field(layers), 1), "one number"),
        (lambda layers: np.prod([stride for _, stride, _ in layers]), "distance"),
        (lambda layers: 1000, "Draw"),
    ],
    "make_atrous": [
        (lambda layers, most: [(k, rate, stride) for k, stride, rate in make_atrous(layers, most)], "swapped"),
        (lambda layers, most: layers, "three numbers"),
        (lambda layers, most: [(kernel, stride, 1) for kernel, stride in layers], "product"),
        (lambda layers, most: [(kernel, stride, 1) for kernel, stride, _ in make_atrous(layers, most)], "smaller"),
        (lambda layers, most: make_atrous(layers, most, own=True), "its own inputs"),
        (lambda layers, most: make_atrous(layers, most, grow=False), "two removed"),
        (lambda layers, most: make_atrous(layers, most)[:-1], "number of layers"),
        (lambda layers, most: [(kernel, 1, rate) for kernel, _, rate in make_atrous(layers, most)], "Keep the strides"),
        (lambda layers, most: [(1, stride, rate) for _, stride, rate in make_atrous(layers, most)], "Kernels"),
        (lambda layers, most: ["rate"] * len(layers), "integers"),
        (lambda layers, most: dict(enumerate(layers)), "list"),
    ],
    "labelled_loss": [
        (lambda p, labels: labelled_loss(np.exp(p) / np.exp(p).sum(axis=0), labels)[labels != 255].mean(), "already"),
        (lambda p, labels: -np.log(p.max(axis=0))[labels != 255].mean(), "largest"),
        (lambda p, labels: labelled_loss(p, labels).mean(), "Nobody knows"),
        (lambda p, labels: labelled_loss(p, labels, -1).mean(), "look anything up"),
        (lambda p, labels: (labelled_loss(p, labels) * (labels != 255)).mean(), "By how many"),
        (lambda p, labels: labelled_loss(p, labels)[labels != 255].sum(), "sum"),
        (lambda p, labels: -labelled_loss(p, labels)[labels != 255].mean(), "negative"),
        (lambda p, labels: labelled_loss(p, labels)[labels != 255].mean() / np.log(2), "natural"),
        (lambda p, labels: labelled_loss(p, labels)[labels != 255], "one number"),
        (lambda p, labels: -np.log(p)[:, labels != 255].mean(), "depend on the labels"),
        (lambda p, labels: -np.log(p[labels]).mean(), "IndexError"),
        (lambda p, labels: 1 - np.exp(-labelled_loss(p, labels)[labels != 255]).mean(), "no logarithm"),
        (lambda p, labels: 7.0, "then the mean"),
    ],
    "train_step": [
        (lambda network, *others: train_step()(network.eval(), *others), "eval mode"),
        (lambda *arguments: train_step()(*arguments, "sum"), "not the sum"),
        (train_step("bs"), "sets them to 0"),
        (train_step("zb"), "Who uses them"),
        (train_step("bzs"), "order"),
        (train_step("s"), "old gradient"),
        (train_step("l"), "then its gradients"),
        (train_step("zbs", sign=-1), "uphill"),
        (train_step("zbszbs"), "second time"),
        (lambda *arguments: train_step()(*arguments) and None, "return"),
        (lambda *arguments: 1 + train_step()(*arguments), "this batch"),
    ],
    "predict_every": [
        (lambda predict, frames, n: [None if i % n else predict(f) for i, f in enumerate(frames)], "Keep it"),
        (lambda predict, frames, n: [predict(frame) for frame in frames], "remainder"),
        (lambda predict, frames, n: [predict(frame) for frame in frames[::n]], "need a mask"),
        (lambda predict, frames, n: hold(predict, frames, n, first=1), "first frames"),
        (lambda predict, frames, n: hold(predict, frames, n, shift=1), "not exist yet"),
        (lambda predict, frames, n: [predict(frames[0])] * len(frames), "It should predict"),
        (lambda predict, frames, n: [predict(frames[i // n * n]) for i in range(len(frames))], "more than once"),
        (lambda predict, frames, n: hold(predict, frames, n)[::-1], "not exist yet"),
        (lambda predict, frames, n: np.stack(hold(predict, frames, n)), "a list"),
        (lambda predict, frames, n: hold(predict, frames, n)[:1] * len(frames), "latest prediction"),
        (lambda predict, frames, n: [predict(n)] * len(frames), "one frame"),
    ],
    "rates": [
        (lambda stages: (max(stages.values()), *rates(stages)[1:]), "Which stages"),
        (lambda stages: (rates(stages)[0], *rates(stages, 1)[1:]), "per millisecond"),
        (lambda stages: (rates(stages)[0], *rates(stages)[:0:-1]), "swapped"),
        (lambda stages: (*rates(stages)[:2], len(stages) * rates(stages)[1]), "mean"),
        (lambda stages: (*rates(stages)[:2], rates(stages)[1]), "wait for"),
        (lambda stages: (rates(stages)[0], rates(stages)[2], rates(stages)[2]), "into one second"),
        (lambda stages: (len(stages), *rates(stages)[1:]), "in all"),
        (lambda stages: rates(stages)[1:], "three numbers"),
        (lambda stages: tuple(map(str, rates(stages))), "finite numbers"),
    ],
    "black_and_white": [
        (shutil.copy, "still in colour"),
        (opencv_copy, "sound is gone"),
        (lambda source, target: opencv_copy(source, target + ".avi"), "grey.mp4.avi"),
        (every_second_frame, "Keep every frame"),
        (other_picture, "another image"),
        (lambda source, target: Path(target).write_text("grey"), "cannot be played"),
    ],
    "load_photo": [
        (cv2.imread, "read_image"),
        (lambda path: cv2.imread(path, cv2.IMREAD_GRAYSCALE), "three channels"),
        (lambda path: np.stack([seglib.read_image(path).mean(2).round().astype(np.uint8)] * 3, 2), "conversion"),
        (lambda path: seglib.read_image(path)[:, ::-1], "Which axis"),
        (lambda path: seglib.read_image(path) // 2, "single fault"),
    ],
    "normalise": [
        (lambda f: f / 255, "Mean and std"),
        (lambda f: (f / 255 - MEAN) * STD, "multiply"),
        (lambda f: (f[..., ::-1] / 255 - MEAN) / STD, "RGB already"),
        (lambda f: (f / 255 - MEAN) / MEAN, "transforms()"),
        (lambda f: f / 255 - MEAN, "follows"),
        (lambda f: (f - MEAN) / STD, "0 to 1"),
        (lambda f: (f / 255 - STD) / MEAN, "swapped"),
        (lambda f: (f / 255 - 0.5) / 0.5, "single fault"),
    ],
    "person_probability": [
        (lambda network, x: network.eval()(x)["out"].softmax(0)[0, 15].detach().numpy(), "Along which axis"),
        (lambda network, x: person(network, x, 14), "motorbike"),
        (lambda network, x: (network.eval()(x)["out"].argmax(1)[0] == 15).float().numpy(), "how sure"),
        (lambda network, x: network(x)["out"].softmax(1)[0, 15].detach().numpy(), "network.training"),
        (lambda network, x: person(network, x, 8), "cat"),
        (lambda network, x: person(network, x, 0), "background"),
        (lambda network, x: network.eval()(x)["out"].sigmoid()[0, 15].detach().numpy(), "single fault"),
        (lambda network, x: person(network, x, slice(None)), "shape"),
    ],
    "to_labels": [
        (lambda scores, size: cv2.resize(scores.argmax(0).astype(np.uint8), size), "interpolation"),
        (lambda scores, size: cv2.resize(scores.argmax(0).astype(np.uint8) + 1, size, interpolation=0), "one too high"),
        (
            lambda scores, size: cv2.resize(scores.argmax(2).astype(np.uint8), size, interpolation=0),
            "Which of its axes",
        ),
        (lambda scores, size: cv2.resize(scores.argmin(0).astype(np.uint8), size, interpolation=0), "argmax"),
        (lambda scores, size: scores.argmax(0).astype(np.uint8), "two shapes"),
        (lambda scores, size: np.kron(scores.argmax(0), np.ones((4, 4), int)), "int64"),
        (
            lambda scores, size: cv2.resize(scores.argmax(0)[::-1].astype(np.uint8), size, interpolation=0),
            "single fault",
        ),
    ],
    "half_size_mask": [
        (lambda predict, frame: predict_half(predict, frame[..., ::-1].copy()), "red and blue"),
        (lambda predict, frame: predict_half(predict, frame)[::-1], "upside down"),
        (lambda predict, frame: predict_half(predict, frame, order=-1), "circle"),
        (lambda predict, frame: predict_half(predict, frame, factor=1), "(48, 80, 3), predict was given (48, 80, 3)"),
        (lambda predict, frame: cv2.resize(predict(frame[::2, ::2]), frame.shape[:2]), "swapped"),
        (lambda predict, frame: predict(frame[::2, ::2]), "number by number"),
        (lambda predict, frame: frame[..., 0] / np.float32(255), "never called"),
        (lambda predict, frame: 1 - predict_half(predict, frame), "single fault"),
    ],
    "keep_frames": [
        (read_into_one, "shares_memory"),
        (lambda capture, count: read_frames(capture, count - 1), "4 frames"),
        (lambda capture, count: read_frames(capture, count, skip=1), "none is left out"),
        (lambda capture, count: np.stack(read_frames(capture, count)), "a list"),
        (lambda capture, count: [capture.read() for _ in range(count)], "a tuple"),
    ],
    "largest_object": [
        (lambda labels: name_largest(labels, shift=0), "show_labels"),
        (lambda labels: name_largest(labels, first=0, shift=0), "not an object"),
        (lambda labels: 15, "the name"),
        (lambda labels: seglib.VOC_CLASSES[labels.max()], "most pixels"),
        (lambda labels: "sofa", "person was called sofa"),
    ],
    "split_files": [
        (lambda names, seed: split_names(names, 0), "random"),
        (lambda names, seed: split_names(names, seed, by=slice(None)), "next frame"),
        (lambda names, seed: split_names(names, seed, share=20), "About a quarter"),
        (lambda names, seed: (names, names), "once"),
        (lambda names, seed: (names[:60], names[90:]), "90 different"),
        (lambda names, seed: split_names(names, seed)[0], "two lists"),
    ],
    "change": [
        (lambda a, b: np.abs(a.astype(int) - b).max(), "largest"),
        (lambda a, b: (a != b).mean(), "how many pixels"),
        (lambda a, b: np.abs(a / 255 - b / 255).mean(), "fraction of 255"),
        (lambda a, b: np.sqrt(((a.astype(int) - b) ** 2).mean()), "root"),
        (lambda a, b: np.abs(a - b).mean(), "10 - 11"),
        (lambda a, b: (b - a.astype(int)).mean(), "cancel"),
        (lambda a, b: (a.astype(int) - b).mean(), "negative"),
        (lambda a, b: ((a.astype(int) - b) ** 2).mean(), "square"),
        (lambda a, b: np.abs(a.astype(int) - b).sum(), "sum"),
        (lambda a, b: np.abs(a.astype(int) - b), "one number"),
    ],
    "compose": [
        (lambda f, m, b: (m[..., None] * f).round().astype(np.uint8), "no background"),
        (lambda f, m, b: (m[..., None] * f + b).clip(0, 255).round().astype(np.uint8), "counts fully"),
        (lambda f, m, b: (f / 2 + b / 2).round().astype(np.uint8), "everywhere"),
        (lambda f, m, b: mix(f, m, b, power=2), "equal grey"),
        (lambda f, m, b: mix(b, m, f), "keeps the frame"),
        (lambda f, m, b: mix(f, m > 0.5, b), "half of each"),
        (lambda f, m, b: f, "shows"),
        (lambda f, m, b: m[..., None] * f + (1 - m[..., None]) * b, "astype"),
        (lambda f, m, b: mix(f, m, b) // 2, "single fault"),
    ],
}
