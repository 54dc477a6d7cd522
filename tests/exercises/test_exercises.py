"""Checks of exercises: solutions pass, stubs do not, each mistake gets its own hint, and no check ever raises."""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import re
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import nbformat
import numpy as np
import pytest
import torch
import torchvision
from PIL import Image, ImageOps
from scipy import ndimage
from wrong_answers import WRONG, atrous

import seglib
from seglib import exercises
from seglib.exercises.blur import background_mean, measured_sigma
from seglib.exercises.checks import Submission, exercise
from seglib.exercises.predict import preprocessed
from seglib.exercises.substitute import covered, gradient_with_ball
from seglib.exercises.time_limit import TimeLimitExceeded, time_limit

NOTEBOOKS = Path(seglib.__file__).resolve().parents[1] / "notebooks"
CHECKS = {
    name.removeprefix("check_"): getattr(exercises, name) for name in exercises.__all__ if name.startswith("check_")
}


def solutions() -> Iterator[tuple[str, str, Any]]:
    """Yield notebook, exercise and solution."""
    for path in sorted((NOTEBOOKS / "solutions").glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"solution_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, value in vars(module).items():
            if getattr(value, "__module__", "") == module.__name__:
                yield path.stem, name, value


def exercise_cells() -> Iterator[tuple[str, Any, Any, Any]]:
    """Yield the notebook's name and, for each exercise, its text, its stub and its check."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        for text, stub, check in zip(cells, cells[1:], cells[2:], strict=False):
            if check.cell_type == "code" and re.match(r"exercises\.check_\w+\(", check.source):
                yield path.stem, text, stub, check


SOLUTIONS = {(notebook, name): value for notebook, name, value in solutions()}
CELLS = list(exercise_cells())


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str]) -> Callable[[str, Any], str]:
    """Run the check of an exercise and return its first two lines; the third may say where the solution is."""

    def run(name: str, answer: Any) -> str:
        capsys.readouterr()
        CHECKS[name.lower()](answer)
        return "\n".join(capsys.readouterr().out.splitlines()[:2])

    return run


# ---- solutions, stubs, notebooks ---------------------------------------------------------------------------


def test_every_exercise_has_a_solution_wrong_answers_and_a_place_in_its_notebook() -> None:
    assert sorted(name.lower() for _, name in SOLUTIONS) == sorted(CHECKS)
    assert {name.lower() for name in WRONG} == set(CHECKS)
    asked = [(notebook, re.split(r"[()]", cell.source)[1]) for notebook, *_, cell in CELLS]
    assert sorted(asked) == sorted(SOLUTIONS)


@pytest.mark.parametrize(("notebook", "name"), SOLUTIONS)
def test_a_solution_passes(notebook: str, name: str, check: Callable[[str, Any], str]) -> None:
    assert re.fullmatch("correct: .+", check(name, SOLUTIONS[notebook, name]))


@pytest.mark.parametrize(("notebook", "name"), SOLUTIONS)
def test_a_solution_can_be_loaded_into_a_cell(notebook: str, name: str) -> None:
    """``%load -s NAME FILE`` gives a whole definition that needs no more than the notebook's imports."""
    from IPython.core.magics.code import extract_symbols

    source = (NOTEBOOKS / "solutions" / f"{notebook}.py").read_text(encoding="utf-8")
    (found,), missing = extract_symbols(source, name)
    assert not missing
    assert found.startswith(("def ", "class "))


@pytest.mark.parametrize(("notebook", "text", "stub", "cell"), CELLS, ids=[cell.source for *_, cell in CELLS])
def test_a_stub_does_not_pass(
    notebook: str, text: Any, stub: Any, cell: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    name = re.split(r"[()]", cell.source)[1]
    assert f"%load -s {name} solutions/{notebook}.py" in text.source
    names: dict[str, Any] = {"np": np, "cv2": cv2, "seglib": seglib, "exercises": exercises}
    for code in (stub.source, cell.source):
        exec(compile(code, notebook, "exec"), names)
    assert capsys.readouterr().out.startswith("not yet: ")


# ---- wrong answers -----------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:(invalid|divide by zero|overflow):RuntimeWarning")  # some of the mistakes
@pytest.mark.parametrize("name", WRONG)
def test_each_wrong_answer_gets_its_own_hint(name: str, check: Callable[[str, Any], str]) -> None:
    outs = []
    for answer, word in WRONG[name]:
        out = check(name, answer)
        assert re.fullmatch(r"not yet: .+\nhint: .+", out)
        assert word in out
        outs.append(out)
    assert len(set(outs)) == len(outs) >= 3


def test_after_three_failures_the_solution_is_named_until_the_exercise_is_solved(
    capsys: pytest.CaptureFixture[str],
) -> None:
    @exercise("double", "99_test")
    def check_double(double: Submission) -> str:
        assert double(2) == 4
        return "it doubles"

    def say(answer: object) -> str:
        check_double(answer)
        return capsys.readouterr().out

    wrong, right = (lambda x: 1 / 0), (lambda x: 2 * x)
    outs = [say(answer) for answer in (wrong, wrong, wrong, right, wrong)]
    assert ["%load -s double solutions/99_test.py" in out for out in outs] == [False, False, True, False, False]


def test_the_failing_line_is_shown(check: Callable[[str, Any], str]) -> None:
    def keep_two(labels: Any) -> Any:
        return labels[999]

    assert "`return labels[999]`" in check("keep_two", keep_two)


def test_a_stub_is_told_from_an_answer_that_returns_nothing(check: Callable[[str, Any], str]) -> None:
    def forgets_to_return(labels: Any) -> None:
        _ = labels == 15

    assert "three dots" in check("keep_two", lambda labels: ...)
    assert "return" in check("keep_two", forgets_to_return)


def test_an_answer_may_be_a_callable_without_a_signature_or_return_a_tensor(check: Callable[[str, Any], str]) -> None:
    assert "not yet" in check("worst_error", max)
    solution = SOLUTIONS["02_predict", "prepare"]
    assert "correct" in check("prepare", lambda frame: torch.from_numpy(solution(frame)))


# ---- whatever it is given, a check raises nothing ----------------------------------------------------------


class Uncooperative:
    """Every way to inspect it raises."""

    def __array__(self, *args: object, **kwargs: object) -> Any:
        raise RuntimeError("no")

    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__
    __float__ = __int__ = __len__ = __iter__ = __eq__ = __bool__ = __array__  # type: ignore[assignment]
    __hash__ = None  # type: ignore[assignment]


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


def raising(error: BaseException) -> Callable[..., Any]:
    def fail(*arguments: Any) -> Any:
        raise error

    return fail


def recurse(*arguments: Any) -> Any:
    return recurse(*arguments)


def broken_generator(*arguments: Any) -> Iterator[float]:
    yield from (1 / 0 for _ in "x")


RETURNED = [
    *("x" * 10_000, np.nan, Uncooperative(), recurse, {"background": Uncooperative(), "person": None}, [[1, 2], [3]]),
    *(
        np.zeros((0, 0, 3), np.uint8),
        np.array([None, "x", 3], object),
        np.full((480, 640), "x"),
        np.full((480, 640), 1j),
    ),
    np.broadcast_to(np.uint8(0), (100_000, 100_000, 3)),
]
ERRORS = [
    ValueError("a\nb" * 500),
    UnprintableError(),
    SystemExit(1),
    KeyboardInterrupt(),
    MemoryError(),
    StopIteration(),
]
JUNK = [
    *(None, 3.5, np.zeros((4, 4)), "correct: hello", Uncooperative(), type("Empty", (), {})),
    *(lambda: None, lambda *arguments: print(end=""), lambda first, *others: first, recurse, broken_generator),
    lambda *arguments: itertools.count(),
    *((lambda *arguments, value=value: value) for value in RETURNED),
    *map(raising, ERRORS),
]


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_accepts_anything(name: str, check: Callable[[str, Any], str]) -> None:
    for junk in JUNK:
        with np.errstate(all="ignore"):
            out = check(name, junk)
        assert out.startswith("not yet: ")
        assert all(len(line) < 500 for line in out.splitlines())


needs_timer = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timer signals")


@needs_timer
def test_an_endless_loop_is_ended_even_if_it_catches_every_exception(capsys: pytest.CaptureFixture[str]) -> None:
    @exercise("loop", "99_test", seconds=0.05)
    def check_loop(loop: Submission) -> str:
        return str(loop())

    def loop() -> None:
        while True:
            with contextlib.suppress(Exception):
                sum(range(100))

    check_loop(loop)
    assert "0.05 seconds" in capsys.readouterr().out


def test_a_check_works_in_another_thread_where_there_are_no_timer_signals() -> None:
    with ThreadPoolExecutor() as executor:
        assert executor.submit(CHECKS["worst_error"], None).result() is None


@needs_timer
def test_a_time_limit_restores_the_timer_that_was_there() -> None:
    fired = []
    handler_before = signal.signal(signal.SIGALRM, lambda *_: fired.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 10.0)
        with time_limit(4.0):
            pass
        assert 0 < signal.setitimer(signal.ITIMER_REAL, 0)[0] <= 10.0
        with pytest.raises(TimeLimitExceeded), time_limit(0.02):
            time.sleep(5)
        assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
        assert not fired
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler_before)


# ---- the expected values of the checks, against other libraries --------------------------------------------


def test_the_preprocessed_frame_is_torchvisions() -> None:
    frame = seglib.sample_frame("hopper")
    weights = torchvision.models.segmentation.DeepLabV3_ResNet101_Weights.COCO_WITH_VOC_LABELS_V1
    theirs = weights.transforms(resize_size=480)(torch.from_numpy(frame.transpose(2, 0, 1)))
    np.testing.assert_allclose(preprocessed(frame)[0], theirs, atol=1e-5)


def pytorchs_atrous(image: np.ndarray, kernel: np.ndarray, rate: int) -> torch.Tensor:
    batch, weights = (torch.from_numpy(array)[None, None] for array in (image, kernel))
    return torch.nn.functional.conv2d(batch, weights, padding=rate * (len(kernel) // 2), dilation=rate)[0, 0]


@pytest.mark.parametrize("answer", [pytorchs_atrous, atrous], ids=["PyTorch", "OpenCV"])
def test_the_atrous_convolution_is_pytorchs_and_opencvs(answer: object, check: Callable[[str, Any], str]) -> None:
    assert "correct" in check("atrous", answer)


def test_the_background_mean_is_scipys() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    mask = np.zeros((40, 50), np.float32)
    mask[10:30, 15:40] = 1

    def blurred(image: Any) -> Any:
        return ndimage.gaussian_filter(image.astype(float), (3, 3, 0), mode="mirror", truncate=5)

    weight = (1 - mask)[..., np.newaxis]
    theirs = blurred(frame * weight) / blurred(weight)
    np.testing.assert_allclose(background_mean(frame, mask, 3.0)[mask == 0], theirs[mask == 0], atol=0.1)


@pytest.mark.parametrize("sigma", [3.0, 8.0, 16.0])
def test_the_measured_sigma_is_that_of_scipys_blur(sigma: float) -> None:
    frame = np.full((60, 640, 3), 40, np.uint8)
    frame[:, 320:] = 210
    blurred = ndimage.gaussian_filter(frame.astype(float), (sigma, sigma, 0)).round().astype(np.uint8)
    assert measured_sigma(blurred) == pytest.approx(sigma, rel=0.05)


@pytest.mark.parametrize("size", [(90, 160), (150, 150), (200, 90)])
def test_cover_is_pillows_fit(size: tuple[int, int]) -> None:
    image = gradient_with_ball(*size)
    theirs = np.asarray(ImageOps.fit(Image.fromarray(image), (160, 120), Image.Resampling.BILINEAR))
    assert np.abs(covered(image, 120, 160) - theirs).mean() < 2
