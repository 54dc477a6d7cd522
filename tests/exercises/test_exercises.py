"""Exercises that answer back: solutions are accepted, untouched stubs are not, and every mistake gets its own hint."""

from __future__ import annotations

import importlib.util
import itertools
import re
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import cv2
import ipywidgets as widgets
import nbformat
import numpy as np
import pytest
from PIL import Image, ImageOps
from scipy import ndimage

import seglib
from seglib import exercises
from seglib.exercises import blur, marking, predict, substitute
from seglib.exercises.deadline import TimeIsUp, deadline

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
SOLUTIONS = sorted((NOTEBOOKS / "solutions").glob("*.py"))
CHECKS = {name.removeprefix("check_"): getattr(exercises, name) for name in exercises.__all__}
SLOW_ONES = {"black_and_white"}  # it runs a model


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"solution_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answers() -> Iterator[tuple[str, str, Any]]:
    """The notebook, the exercise and its solution."""
    for path in SOLUTIONS:
        for name, value in vars(load(path)).items():
            if getattr(value, "__module__", "") == f"solution_{path.stem}":
                yield path.stem, name, value


ANSWERS = list(answers())
SOLVED = {name: value for _, name, value in ANSWERS}


@pytest.fixture(autouse=True)
def _nobody_has_tried_before() -> Iterator[None]:
    marking._attempts.clear()
    yield
    marking._attempts.clear()


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[[str, Any], str]:
    def say(name: str, answer: Any) -> str:
        capsys.readouterr()
        assert CHECKS[name.lower()](answer) is None
        return capsys.readouterr().out

    return say


# ---- solutions, stubs, notebooks ---------------------------------------------------------------------------


def test_every_exercise_has_its_solution_and_every_solution_its_exercise() -> None:
    assert sorted(name.lower() for _, name, _ in ANSWERS) == sorted(CHECKS)
    assert len(CHECKS) >= 18


@pytest.mark.parametrize(("notebook", "name", "answer"), ANSWERS, ids=[name for _, name, _ in ANSWERS])
def test_a_solution_is_accepted(notebook: str, name: str, answer: Any, said: Callable[[str, Any], str]) -> None:
    out = said(name, answer)
    assert out.startswith("correct: "), out
    assert out.count("\n") == 1


def stubs() -> list[tuple[str, nbformat.NotebookNode, nbformat.NotebookNode, nbformat.NotebookNode]]:
    """The notebook's name and, of every exercise, its text, its stub and its check."""
    found = []
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        for text, stub, check in zip(cells, cells[1:], cells[2:], strict=False):
            if check.cell_type == "code" and "exercises.check_" in check.source:
                found.append((path.stem, text, stub, check))
    return found


STUBS = stubs()


def test_every_notebook_of_a_step_has_two_or_three_exercises() -> None:
    counts = Counter(notebook for notebook, *_ in STUBS)
    assert set(counts) == {path.stem for path in SOLUTIONS}
    assert set(counts.values()) <= {2, 3}, counts
    assert sum(counts.values()) == len(CHECKS)


@pytest.mark.parametrize(("notebook", "text", "stub", "check"), STUBS, ids=[check.source for *_, check in STUBS])
def test_an_exercise_in_a_notebook_is_whole(notebook: str, text: Any, stub: Any, check: Any) -> None:
    match = re.fullmatch(r"exercises\.check_(\w+)\((\w+)\)", check.source)
    assert match, "the check is one line"
    name = match[2]
    assert match[1] == name.lower()
    assert (text.cell_type, stub.cell_type) == ("markdown", "code")
    assert re.search(r"## Exercise \d · .+ · \d+ minutes", text.source)
    assert f"%load -s {name} solutions/{notebook}.py" in text.source
    assert (notebook, name) in [(place, known) for place, known, _ in ANSWERS]
    assert re.match(rf"(def|class) {name}\b", stub.source.rpartition("\n\n\n")[2])


@pytest.mark.parametrize(("notebook", "text", "stub", "check"), STUBS, ids=[check.source for *_, check in STUBS])
def test_an_untouched_stub_is_not_accepted_and_raises_nothing(
    notebook: str, text: Any, stub: Any, check: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {"np": np, "cv2": cv2, "seglib": seglib, "exercises": exercises}
    exec(compile(stub.source, f"<{notebook}>", "exec"), names)
    exec(compile(check.source, f"<{notebook}>", "exec"), names)
    out = capsys.readouterr().out
    assert out.startswith("not yet: ")
    assert [output.text for output in check.outputs] == [out], "the committed output"


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_a_solution_can_be_loaded_alone(path: Path) -> None:
    """What `%load -s NAME FILE` puts into a cell is a whole definition that fits under the notebook's imports."""
    from IPython.core.magics.code import extract_symbols

    for notebook, name, _ in ANSWERS:
        if notebook == path.stem:
            (found,), missing = extract_symbols(path.read_text(encoding="utf-8"), name)
            assert not missing
            assert found.startswith(("def ", "class "))
            assert set(re.findall(r"\b(np|cv2|seglib)\.", found)) <= {"np", "cv2", "seglib"}


# ---- three typical wrong answers, each with a hint of its own ----------------------------------------------


def opens_for_ever(capture: Any) -> int:
    count = 0
    while True:
        _, bgr = capture.read()
        count += bgr is not None


def crashes_at_the_end(capture: Any) -> int:
    count = 0
    while True:
        _, bgr = capture.read()
        count += bgr.shape[0] > 0


def counts(capture: Any, release: bool = True) -> int:
    count = 0
    while capture.read()[0]:
        count += 1
    if release:
        capture.release()
    return count


def swallows_the_error(capture: Any) -> int:
    count = 0
    try:
        while capture.read()[0]:
            count += 1
    except cv2.error:
        pass
    capture.release()
    return count


def stops_at_black(capture: Any) -> int:
    count = 0
    while True:
        ok, bgr = capture.read()
        if not ok or not bgr.any():
            capture.release()
            return count
        count += 1


def counts_one_too_many(capture: Any) -> int:
    count, ok = 0, True
    while ok:
        ok, _ = capture.read()
        count += 1
    capture.release()
    return count


def believes_the_header(capture: Any) -> int:
    total = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    capture.release()
    return total


def thirds(frames: Any, first: int = 0, step: int = 3) -> Iterator[Any]:
    yield from (frame for number, frame in enumerate(frames) if number % step == first)


def prepare(frame: Any, scale: float = 255, mean: Any = predict._MEAN, std: Any = predict._STD) -> Any:
    return np.moveaxis((frame / scale - mean) / std, 2, 0)[np.newaxis].astype(np.float32)


def by_reshape(frame: Any) -> Any:
    planes = (frame / 255).reshape(3, *frame.shape[:2]) - predict._MEAN[:, None, None]
    return (planes / predict._STD[:, None, None])[np.newaxis].astype(np.float32)


def class_share(labels: Any) -> dict[str, float]:
    numbers, counts = np.unique(labels, return_counts=True)
    return {seglib.VOC_CLASSES[n]: count / labels.size for n, count in zip(numbers, counts, strict=True)}


def pieces(mask: Any, first: int, order: slice = slice(None)) -> Any:
    """The piece nearest to the middle, number ``first`` and on; order: of the middle's two numbers."""
    count, numbers, _, centres = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count == 1:
        return np.zeros_like(mask)
    middle = np.array([mask.shape[1] / 2, mask.shape[0] / 2])[order]
    nearest = first + np.hypot(*(centres[first:] - middle).T).argmin()
    return (numbers == nearest).astype(np.float32)


def grown(mask: Any, radius: int) -> Any:
    return cv2.dilate(mask, np.ones((2 * radius + 1, 2 * radius + 1), np.uint8))


def gauss(image: Any, sigma: float) -> Any:
    return cv2.GaussianBlur(image, (0, 0), sigma)


def silenced(frame: Any, mask: Any, sigma: float) -> Any:
    return gauss(frame * (1 - mask)[..., np.newaxis], sigma).round().astype(np.uint8)


def person_speaks(frame: Any, mask: Any, sigma: float) -> Any:
    weight = mask[..., np.newaxis]
    mean = gauss(frame * weight, sigma) / np.maximum(gauss(weight, sigma)[..., np.newaxis], 1e-12)
    return mean.clip(0, 255).round().astype(np.uint8)


def contain(picture: Any, shape: Any) -> Any:
    return seglib.fit_image(picture, shape, "contain")


def cover_from_the_corner(picture: Any, shape: Any) -> Any:
    height, width = shape
    scale = max(height / picture.shape[0], width / picture.shape[1])
    size = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    return cv2.resize(picture, size)[:height, :width]


def cut_out(picture: Any, shape: Any) -> Any:
    height, width = shape
    canvas = np.zeros((height, width, 3), np.uint8)
    part = picture[:height, :width]
    canvas[: part.shape[0], : part.shape[1]] = part
    return canvas


class Always:
    def __init__(self, backgrounds: Any) -> None:
        self.backgrounds, self.number = backgrounds, 0

    def __call__(self, frame: Any, mask: Any) -> Any:
        return self.show(frame, mask, 0)

    def show(self, frame: Any, mask: Any, number: int) -> Any:
        return seglib.replace_background(frame, mask, self.backgrounds[number])


class FromTheSecond(Always):
    def __call__(self, frame: Any, mask: Any) -> Any:
        self.number += 1
        return self.show(frame, mask, self.number % 3)


class RunsOut(Always):
    def __call__(self, frame: Any, mask: Any) -> Any:
        self.number += 1
        return self.show(frame, mask, self.number - 1)


class OneCounterForAll(Always):
    number = 0

    def __init__(self, backgrounds: Any) -> None:
        self.backgrounds = backgrounds

    def __call__(self, frame: Any, mask: Any) -> Any:
        OneCounterForAll.number += 1
        return self.show(frame, mask, (OneCounterForAll.number - 1) % 3)


class Unfitted(Always):
    def __call__(self, frame: Any, mask: Any) -> Any:
        return seglib.blend(frame, mask, self.backgrounds[0])


class NobodyThere(Always):
    def __call__(self, frame: Any, mask: Any) -> Any:
        return seglib.fit_image(self.backgrounds[0], frame.shape)


class NotAnEffect:
    def __init__(self, backgrounds: Any) -> None:
        pass


def opencv_copy(source: str, target: str) -> None:
    reader = cv2.VideoCapture(source)
    writer = cv2.VideoWriter(target, cv2.VideoWriter_fourcc(*"mp4v"), 25, (128, 96))
    while True:
        ok, bgr = reader.read()
        if not ok:
            break
        writer.write(cv2.cvtColor(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR))
    reader.release()
    writer.release()


def every_second_frame(source: str, target: str) -> None:
    with seglib.open_source(source) as frames, seglib.video.VideoWriter(target, fps=25) as video:
        for frame in itertools.islice(frames, 0, None, 2):
            video.write(frame)


def four_channels(frame: Any, logo: Any) -> Any:
    return seglib.blend(frame, logo[..., 3], logo[..., :3])


class Queue:
    """Everything is kept, and the oldest comes first: the article's lag."""

    def __init__(self) -> None:
        self.frames: list[Any] = []

    def put(self, frame: Any) -> None:
        self.frames.append(frame)

    def take(self) -> Any:
        return self.frames.pop(0) if self.frames else None


class KeepsIt(Queue):
    def take(self) -> Any:
        return self.frames[-1] if self.frames else None


class NotInitialised:
    def put(self, frame: Any) -> None:
        self.frame = frame

    def take(self) -> Any:
        oldest = self.frame
        self.frame = None
        return oldest


class ForgetsToReturn(Queue):
    def take(self) -> Any:
        self.frames.clear()


class SharedByAll:
    frames: ClassVar[list[Any]] = []

    def put(self, frame: Any) -> None:
        self.frames[:] = [frame]

    def take(self) -> Any:
        return self.frames.pop() if self.frames else None


def slider(live: Any, react: Callable[[Any], Any], smallest: float = 1, names: Any = "value") -> Any:
    made = widgets.FloatSlider(value=8, min=smallest, max=40)
    made.observe(react, names)
    return made


def slider_that_looks_once(live: Any) -> Any:
    made = widgets.FloatSlider(value=8, min=1, max=40)
    sigma = made.value
    made.observe(lambda change: live.change(effect=seglib.Blur(sigma)), "value")
    return made


WRONG: dict[str, list[tuple[Any, str]]] = {
    "shrink": [
        (lambda f, w: cv2.resize(f, (round(f.shape[0] * w / f.shape[1]), w)), "Which of the two numbers comes first"),
        (lambda f, w: cv2.resize(f, (w, w * 3 // 4)), "proportions of this one"),
        (lambda f, w: cv2.resize(f, (w, f.shape[0])), "By which factor"),
        (lambda f, w: f[::2, ::2], "Is it used"),
        (lambda f, w: f[: round(f.shape[0] * w / f.shape[1]), :w], "a piece of the frame"),
        (lambda f, w: cv2.resize(f, (w, f.shape[0] * w / f.shape[1])), "cv2.error"),
    ],
    "count_frames": [
        (opens_for_ever, "What in the loop tells"),
        (crashes_at_the_end, "AttributeError"),
        (lambda c: counts(c, release=False), "Which call lets go"),
        (counts, "carried out whatever happens"),
        (swallows_the_error, "swallowed"),
        (stops_at_black, "A black frame is a frame"),
        (counts_one_too_many, "One too many"),
        (believes_the_header, "header promises"),
    ],
    "every_third": [
        (lambda frames: thirds(frames, first=2), "should come out"),
        (lambda frames: frames, "Every frame comes through"),
        (lambda frames: thirds(frames, step=2), "How far is it"),
        (lambda frames: list(thirds(frames)), "Which word turns a function into a generator"),
        (lambda frames: frames[::3], "a source has no [ ]"),
        (lambda frames: (f for f in thirds(frames) if f.any()), "Number 6 is black"),
        (lambda frames: next(frames), "Not one frame"),
    ],
    "prepare": [
        (lambda f: prepare(f, std=predict._MEAN), "the article's preparation"),
        (lambda f: prepare(f, scale=1), "numbers from 0 to 1"),
        (by_reshape, "a jumble"),
        (lambda f: prepare(f)[0], "a batch of one"),
        (lambda f: prepare(f)[0].transpose(1, 2, 0), "Two steps are missing"),
        (lambda f: prepare(f).astype(np.float64), "float64"),
        (lambda f: prepare(f[..., ::-1]), "red and blue"),
        (lambda f: prepare(f, mean=0, std=1), "The third step"),
        (lambda f: prepare(f, std=1), "What comes after the minus"),
        (lambda f: prepare(f, mean=0), "taken away first"),
        (lambda f: prepare(f, mean=(f / 255).mean((0, 1)), std=(f / 255).std((0, 1)) + 1e-9), "this very picture"),
    ],
    "count_classes": [
        (lambda labels: dict(zip(*np.unique(labels, return_counts=True), strict=True)), "Names are asked for"),
        (class_share, "A share"),
        (lambda a: {n: int((a == i).sum()) for i, n in enumerate(seglib.VOC_CLASSES)}, "classes with 0 pixels"),
        (lambda a: {n: int((a == i).sum()) for i, n in ((0, "background"), (15, "person"))}, "whatever they are"),
        (lambda a: np.unique(a, return_counts=True), "A dict is asked for"),
        (lambda a: {n: 100 * share for n, share in class_share(a).items()}, "A percentage"),
    ],
    "class_iou": [
        (lambda a, b, n: (a == b).mean(), "share of all pixels"),
        (lambda a, b, n: seglib.iou(a == 15, b == 15), "Is the right class"),
        (lambda a, b, n: np.float64(((a == n) & (b == n)).sum()) / ((a == n) | (b == n)).sum(), "before you divide"),
        (lambda a, b, n: ((a == n) & (b == n)).sum() / max((b == n).sum(), 1), "truth's pixels only"),
        (lambda a, b, n: 2 * ((a == n) & (b == n)).sum() / ((a == n).sum() + (b == n).sum()), "Dice"),
        (lambda a, b, n: ((a == n) & (b == n)).mean(), "share of the whole picture"),
        (lambda a, b, n: 100 * seglib.iou(a == n, b == n), "A percentage"),
    ],
    "keep_two": [
        (lambda a: (a == 15 | 8).astype(np.float32), "but no cat"),
        (lambda a: (a != 0).astype(np.float32), "whatever has a name"),
        (lambda a: ((a == 15) & (a == 8)).astype(np.float32), "a cat at once"),
        (lambda a: (a == 15) | (a == 8), "gave back bool"),
        (lambda a: a == 15 or a == 8, "pixel by pixel"),
        (lambda a: 1 - seglib.class_mask(a, (8, 15)), "right way round"),
        (lambda a: np.where(np.isin(a, (8, 15)), a, 0), "values 8 and 15"),
        (lambda a: 255 * seglib.class_mask(a, (8, 15)), "the value 255"),
        (lambda a: np.stack([seglib.class_mask(a, (8, 15))] * 3, axis=-1), "no colours"),
        (lambda a: (a >= 8).astype(np.float32), "Larger and smaller"),
    ],
    "keep_middle": [
        (seglib.keep_largest, "That is keep_largest"),
        (lambda mask: mask.copy(), "all pieces are still there"),
        (lambda mask: pieces(mask, first=0), "it keeps the outside"),
        (lambda mask: pieces(mask, first=1, order=slice(None, None, -1)), "columns first"),
        (np.zeros_like, "nothing is kept"),
        (lambda mask: pieces(mask, first=1)[:, ::-1], "none of the pieces"),
    ],
    "soft_edge": [
        (seglib.feather, "works both ways"),
        (grown, "its edge is hard"),
        (lambda mask, radius: mask, "as hard as before"),
        (lambda mask, radius: np.minimum(mask, seglib.feather(mask, radius)), "softens inwards only"),
        (lambda mask, radius: np.maximum(mask, seglib.feather(mask, 6)), "Is it used"),
        (lambda mask, radius: mask + seglib.feather(mask, radius), "between 0 and 1"),
        (lambda mask, radius: np.maximum(mask, np.float32(0.5)), "Far from the person"),
    ],
    "no_halo": [
        (lambda f, m, s: gauss(f, s), "Who has a voice"),
        (silenced, "a dark halo"),
        (person_speaks, "the person who speaks"),
        (lambda f, m, s: f, "nothing is blurred"),
        (lambda f, m, s: seglib.blur_background(f, m, 2 * s), "the wall is off"),
        (lambda f, m, s: gauss(f * (1 - m)[..., None], s) / gauss(1 - m, s)[..., None], "round, then astype"),
    ],
    "blur_person": [
        (lambda f, m: seglib.blur_background(f, m), "What is to be kept here"),
        (lambda f, m: gauss(f, 8), "Only where the mask is 1"),
        (lambda f, m: f, "Everybody would know her"),
        (lambda f, m: seglib.blur_background(f, ~m), "TypeError"),
        (lambda f, m: seglib.replace_background(f, 1 - m, "black"), "one plain colour"),
        (lambda f, m: seglib.blend(gauss(f[::-1, ::-1], 8), m, f) // 2 * 1, "changed, too"),
    ],
    "blur_more": [
        (lambda f: gauss(f, 16), "what does yours depend on"),
        (lambda f: gauss(f, f.shape[0] / 60), "the article's strength"),
        (lambda f: gauss(f, f.shape[1] / 40), "which side of a frame"),
        (lambda f: gauss(f, 8), "the article's own blur"),
        (lambda f: f, "as sharp as before"),
        (lambda f: cv2.GaussianBlur(f, (f.shape[0] // 5, f.shape[0] // 5), 0), "cv2.error"),
        (lambda f: gauss(f, f.shape[0] / 20), "how at 960"),
    ],
    "cover": [
        (lambda p, s: cv2.resize(p, (s[1], s[0])), "two scales"),
        (contain, "has bars"),
        (cover_from_the_corner, "not from the middle"),
        (cut_out, "not scaled"),
        (lambda p, s: cv2.resize(p, s), "changed places"),
        (lambda p, s: seglib.fit_image(p[::-1], s), "not what fills it"),
    ],
    "add_logo": [
        (lambda f, logo: seglib.blend(logo[..., :3], logo[..., 3], f), "for 0 to 255 use mask / 255"),
        (lambda f, logo: seglib.blend(f, logo[..., 3] / 255, logo[..., :3]), "the other way round"),
        (lambda f, logo: logo[..., :3], "only the logo is left"),
        (lambda f, logo: np.where(logo[..., 3:] > 0, logo[..., :3], f), "hard edge"),
        (lambda f, logo: f, "the frame is as it was"),
        (lambda f, logo: logo, "Four channels"),
        (lambda f, logo: seglib.blend(logo[..., :3], logo[..., 3] / 512, f), "Which range does a mask have"),
    ],
    "Moving": [
        (Always, "What has to be remembered"),
        (FromTheSecond, "When does your counter"),
        (RunsOut, "comes the first one again"),
        (Unfitted, "fit_image"),
        (NobodyThere, "the person is not to be seen"),
        (NotAnEffect, "Is there a __call__"),
    ],
    "worst_error": [
        (lambda t, fps: 1000 * np.abs(np.arange(len(t)) / fps - t).max(), "milliseconds"),
        (lambda t, fps: np.abs(np.arange(len(t)) / fps - t).mean(), "The mean hides"),
        (lambda t, fps: (t - np.arange(len(t)) / fps).max(), "Too early and too late"),
        (lambda t, fps: (np.arange(len(t)) / fps - t).max(), "Too late and too early"),
        (lambda t, fps: np.abs(np.arange(1, len(t) + 1) / fps - t).max(), "The first frame has the number 0"),
        (lambda t, fps: abs((len(t) - 1) / fps - t[-1]), "the last frame"),
        (lambda t, fps: np.abs(np.arange(len(t)) / fps - t), "One number is asked for"),
    ],
    "night": [
        (lambda f, m: seglib.blend(f // 4, m, f), "for the wrong one"),
        (lambda f, m: f // 4, "as bright as before. What does"),
        (lambda f, m: seglib.blend(f, m, f // 2), "25 %"),
        (lambda f, m: seglib.blend(f, m, f // 4) and None, "raised ValueError"),
        (lambda f, m: m[..., None] * f + (1 - m[..., None]) * f / 4, "round, then astype"),
        (lambda f, m: np.floor_divide(f, 4, out=f), "changes the f that it is given"),
        (lambda f, m: seglib.replace_background(f, m, "black"), "nothing is left"),
        (lambda f, m: seglib.blend(f, m > 0.5, f // 4), "along the edge"),
    ],
    "Newest": [
        (Queue, "worth less than one that is skipped"),
        (KeepsIt, "A frame is given once"),
        (NotInitialised, "AttributeError"),
        (ForgetsToReturn, "does take return it"),
        (SharedByAll, "The two share something"),
        (type("Empty", (), {}), "put and take"),
    ],
    "blur_slider": [
        (lambda live: widgets.FloatSlider(value=8, min=1, max=40), "Who tells live about it"),
        (lambda live: slider(live, lambda change: live.change(effect=seglib.Blur(change))), "TypeError"),
        (lambda live: slider(live, lambda change: live.change(effect=change.new)), "Which class makes one"),
        (slider_that_looks_once, "the new one?"),
        (lambda live: slider(live, lambda change: live.change(effect=seglib.Blur(change.new)), 0), "From 1 to 40"),
        (lambda live: slider(live, lambda change: live.change(feather=change.new)), "it is the effect that"),
        (lambda live: slider(live, print) and None, "The slider has to be seen"),
        (lambda live: live.change(effect=seglib.Blur(8)) or seglib.Blur(8), "A slider is asked for"),
    ],
    "black_and_white": [
        (shutil.copy, "still in colour"),
        (opencv_copy, "A rate cannot tell the times. Who in this notebook"),
        (lambda source, target: opencv_copy(source, target + ".avi"), "grey.mp4.avi"),
        (every_second_frame, "Every frame is to be kept"),
        (lambda source, target: Path(target).write_text("grey"), "cannot be played"),
    ],
}


def lines_of_the_solution(name: str) -> set[str]:
    source = next(path for path in SOLUTIONS if hasattr(load(path), name)).read_text(encoding="utf-8")
    lines = {re.sub(r"\s*#.*", "", line).strip() for line in source.splitlines()}
    return {line for line in lines if len(line) > 15 and not line.startswith(('"""', "def ", "import", "class "))}


def test_every_exercise_has_at_least_three_wrong_answers() -> None:
    assert {name.lower() for name in WRONG} == set(CHECKS)
    assert min(map(len, WRONG.values())) >= 3


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # 0 / 0 is one of the mistakes
@pytest.mark.parametrize("name", WRONG)
def test_each_wrong_answer_gets_a_hint_of_its_own(name: str, said: Callable[[str, Any], str]) -> None:
    """And no line of the solution's body stands in one."""
    outs, secrets = [], lines_of_the_solution(name)
    for answer, words in WRONG[name]:
        marking._attempts.clear()
        out = said(name, answer)
        assert out.startswith("not yet: ")
        assert words in out
        assert [line.partition(":")[0] for line in out.splitlines()] == ["not yet", "hint"]
        assert out.endswith((".\n", "?\n", ".)\n")), "a sentence"
        assert not [line for line in secrets if line in out.partition("hint: ")[2]]
        outs.append(out)
    assert len(set(outs)) == len(outs)


# ---- whatever it is given, a check raises nothing ----------------------------------------------------------


class Spiteful:
    """Nothing about it can be looked at."""

    def __array__(self, *args: object, **kwargs: object) -> Any:
        raise RuntimeError("no")

    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__
    __float__ = __int__ = __len__ = __iter__ = __eq__ = __bool__ = __array__  # type: ignore[assignment]
    __hash__ = None  # type: ignore[assignment]


def raises(error: BaseException) -> Callable[..., Any]:
    def fail(*arguments: Any) -> Any:
        raise error

    return fail


class Broken(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


def recurses(*arguments: Any) -> Any:
    return recurses(*arguments)


def endless(*arguments: Any) -> Iterator[int]:
    yield from itertools.count()


JUNK = {
    "None": None,
    "a number": 3.5,
    "an array": np.zeros((4, 4)),
    "a result": "correct: hello",
    "spite": Spiteful(),
    "no arguments": lambda: None,
    "None back": lambda *arguments: print(end=""),
    "a string back": lambda *arguments: "x" * 10_000,
    "a huge array back": lambda *arguments: np.broadcast_to(np.uint8(0), (100_000, 100_000, 3)),
    "an empty array back": lambda *arguments: np.zeros((0, 0, 3), np.uint8),
    "objects back": lambda *arguments: np.array([None, "x", 3], object),
    "text in an array back": lambda *arguments: np.full((480, 640), "x"),
    "NaN back": lambda *arguments: np.nan,
    "complex back": lambda *arguments: np.full((480, 640), 1j),
    "spite back": lambda *arguments: Spiteful(),
    "a function back": lambda *arguments: recurses,
    "a dict of spite back": lambda *arguments: {"background": Spiteful(), "person": None},
    "a list of lists back": lambda *arguments: [[1, 2], [3]],
    "an endless generator back": endless,
    "a broken generator back": lambda *arguments: (1 / 0 for _ in "x"),
    "its input back": lambda first, *others: first,
    "raises": raises(ValueError("a\nb" * 500)),
    "raises what cannot be said": raises(Broken()),
    "exits": raises(SystemExit(1)),
    "is stopped": raises(KeyboardInterrupt()),
    "has no memory": raises(MemoryError()),
    "stops": raises(StopIteration()),
    "recurses": recurses,
    "a class": type("Empty", (), {}),
}


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("name", sorted(CHECKS))
def test_a_check_takes_anything(name: str, junk: str, said: Callable[[str, Any], str]) -> None:
    with np.errstate(all="ignore"):
        out = said(name, JUNK[junk])
    assert out.startswith("not yet: ")
    assert all(len(line) < 500 for line in out.splitlines())


needs_alarm = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no alarms")


@needs_alarm
@pytest.mark.parametrize("name", sorted(CHECKS))
def test_a_loop_without_an_end_is_ended(
    name: str, said: Callable[[str, Any], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marking, "deadline", lambda seconds: deadline(0.05))

    def loop(*arguments: Any) -> None:
        number = 0
        while True:
            try:
                number += 1
            except Exception:
                number = 0

    assert "still busy" in said(name, loop)


@needs_alarm
def test_a_deadline_leaves_no_alarm_and_gives_the_old_one_back() -> None:
    rang = []
    before = signal.signal(signal.SIGALRM, lambda *_: rang.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 1.0)
        with deadline(0.4):
            pass
        left, _ = signal.setitimer(signal.ITIMER_REAL, 0)
        assert 0 < left <= 1.0
        assert not rang
        with pytest.raises(TimeIsUp), deadline(0.02):
            time.sleep(5)
        assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_after_three_tries_it_says_where_an_answer_is(said: Callable[[str, Any], str]) -> None:
    wrong = WRONG["keep_two"][0][0]
    outs = [said("keep_two", wrong) for _ in range(3)]
    assert "%load" not in outs[0] + outs[1]
    assert "%load -s keep_two solutions/03_mask.py" in outs[2]
    said("keep_two", SOLVED["keep_two"])
    assert "%load" not in said("keep_two", wrong), "it counts anew after a right answer"


def test_the_line_that_failed_is_shown(said: Callable[[str, Any], str]) -> None:
    def keep_two(labels: Any) -> Any:
        return labels[999]

    assert "your line `return labels[999]`" in said("keep_two", keep_two)


def test_dots_are_told_from_an_answer_that_gives_nothing(said: Callable[[str, Any], str]) -> None:
    def forgot(labels: Any) -> None:
        _ = labels == 15

    assert "Replace the three dots" in said("keep_two", lambda labels: ...)
    assert "end in a return" in said("keep_two", forgot)


def test_checks_give_the_learner_what_is_in_no_notebook() -> None:
    """An answer that only knows the recorded frame by heart is not enough."""
    seen: list[tuple[int, ...]] = []
    exercises.check_prepare(lambda frame: seen.append(frame.shape) or SOLVED["prepare"](frame))
    assert len(set(seen)) >= 3
    assert (480, 640, 3) not in seen


# ---- the answers that the checks work out, against others' -------------------------------------------------


def test_the_prepared_frame_is_torchvisions() -> None:
    import torch  # here, since it takes seconds and nothing else in this file needs it
    import torchvision

    frame = seglib.sample_frame("hopper")
    weights = torchvision.models.segmentation.DeepLabV3_ResNet101_Weights.COCO_WITH_VOC_LABELS_V1
    theirs = weights.transforms(resize_size=480)(torch.from_numpy(frame.transpose(2, 0, 1)))
    assert np.abs(predict.prepared(frame) - theirs.numpy()).max() < 1e-5


def test_the_mean_of_the_background_is_scipys() -> None:
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    mask = np.zeros((40, 50), np.float32)
    mask[10:30, 15:40] = 1

    def scipys(image: Any) -> Any:
        return ndimage.gaussian_filter(image.astype(float), (3, 3, 0), mode="mirror", truncate=5)

    weight = (1 - mask)[..., np.newaxis]
    theirs = scipys(frame * weight) / scipys(weight)
    outside = mask == 0
    assert np.abs(blur.background_mean(frame, mask, 3.0) - theirs)[outside].max() < 0.1


@pytest.mark.parametrize("sigma", [3.0, 8.0, 16.0])
def test_the_measured_sigma_is_that_of_scipys_blur(sigma: float) -> None:
    frame = np.full((60, 640, 3), 40, np.uint8)
    frame[:, 320:] = 210
    blurred = ndimage.gaussian_filter(frame.astype(float), (sigma, sigma, 0)).round().astype(np.uint8)
    assert abs(blur._measured_sigma(blurred) - sigma) < 0.05 * sigma


@pytest.mark.parametrize("size", [(90, 160), (150, 150), (200, 90)])
def test_cover_is_pillows_fit(size: tuple[int, int]) -> None:
    picture = substitute._card(*size)
    theirs = np.asarray(ImageOps.fit(Image.fromarray(picture), (160, 120), Image.Resampling.BILINEAR))
    assert np.abs(substitute.covered(picture, 120, 160) - theirs).mean() < 2
