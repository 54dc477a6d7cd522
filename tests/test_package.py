"""What ``import seglib`` loads and offers, and that the walk of a frame is written once."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from numpydoc.validate import validate

import seglib
import seglib.video

PACKAGE = Path(seglib.__file__).parent
HEAVY = ("torch", "torchvision", "cv2", "matplotlib", "ipywidgets", "IPython", "PIL", "av", "numpy")
PUBLIC = [
    *(f"seglib.{name}" for name in seglib.__all__),
    *(f"seglib.video.{name}" for name in seglib.video.__all__),
]


def loaded_by(statement: str) -> set[str]:
    """Which of the heavy packages a new process has loaded after this statement."""
    code = f"import sys; {statement}; print(*{{*{HEAVY!r}}} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def lookup(name: str) -> object:
    value: object = sys.modules["seglib"]
    for part in name.split(".")[1:]:
        value = getattr(value, part)
    return value


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("import seglib; dir(seglib); seglib.WeightsUnavailable", set()),
        ("import seglib.__main__", set()),
        ("import seglib; seglib.iou, seglib.Steady, seglib.blur_background", {"numpy", "cv2"}),
        ("import seglib; seglib.sample_frame()", {"numpy", "PIL"}),
        ("import seglib; seglib.load_model().mask(seglib.sample_frame())", {"numpy", "cv2", "PIL"}),
    ],
)
def test_only_what_is_needed_is_loaded(statement: str, allowed: set[str]) -> None:
    assert loaded_by(statement) <= allowed


def test_the_names_that_notebooks_and_users_rely_on_are_there() -> None:
    promised = """sample_frame sample_mask sample_labels load_model wrap_model class_mask blur_background Blur Replace
        replace_background open_source show Live process_video iou Steady Pipeline Model Effect Frame Mask"""
    assert set(promised.split()) <= set(seglib.__all__)
    assert set(dir(seglib)) >= {*seglib.__all__, "__version__"}
    with pytest.raises(AttributeError, match="blur_backgroud"):
        _ = seglib.blur_backgroud


def test_type_checkers_are_told_the_same_names() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    assert {alias.asname or alias.name for node in imports for alias in node.names} == {*seglib.__all__, "video"}


@pytest.mark.parametrize("name", PUBLIC)
def test_public_docstrings_say_what_every_parameter_is(name: str) -> None:
    if not (inspect.isclass(lookup(name)) or inspect.isfunction(lookup(name))):
        pytest.skip("a constant or a type")
    wrong = {"PR01", "PR02", "PR03", "PR05", "PR07", "RT03", "EX01", "GL08"}  # numpydoc's codes
    found = [f"{code}: {text}" for code, text in validate(name)["errors"] if code in wrong]
    assert found == []


def calls(path: Path) -> set[str]:
    """The names of all functions and methods that a module calls."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "") for func in called}


def test_the_walk_of_a_frame_is_written_once() -> None:
    others = [path for path in PACKAGE.rglob("*.py") if "exercises" not in path.parts and path.name != "pipeline.py"]
    assert len(others) > 50
    machinery = [path for path in others if path.parent != PACKAGE]
    assert [path.name for path in machinery if calls(path) & {"clean_mask", "Steady", "masks"}] == []
    assert {"clean_mask", "Steady", "masks"} <= calls(PACKAGE / "pipeline.py")


def test_the_lesson_stands_at_the_top() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= 20
