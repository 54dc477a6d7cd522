"""The rooms of the house: what each module may import, which way imports point, and what they are called."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import seglib

PACKAGE = Path(seglib.__file__).parent
ROOT = PACKAGE.parent

# Every module after those that it may import, as in CONTRIBUTING.md, and what it may import besides the standard
# library. A new module needs a line here, and a row there.
ROOMS: dict[str, set[str]] = {
    "errors": set(),
    "arrays": {"numpy"},
    "cores": {"cv2"},
    "memory": {"numpy"},
    "pictures": {"numpy", "PIL"},
    "samples": {"numpy", "av"},
    "source": set(),
    "camera": {"numpy", "cv2"},
    "browser_camera": {"numpy", "cv2", "anywidget", "IPython"},
    "colours": {"numpy", "av"},
    "boxes": set(),
    "capture": {"numpy", "cv2", "av"},
    "scaling": {"numpy", "cv2"},
    "guided": {"numpy", "cv2"},
    "mask": {"numpy", "cv2"},
    "steady": {"numpy", "cv2"},
    "follow": {"numpy", "cv2"},
    "weights": {"torch", "safetensors", "pooch", "requests", "tqdm"},
    "portrait_network": {"torch", "torchvision"},
    "portrait": {"numpy", "cv2", "torch", "torchvision"},
    "predict": {"numpy", "cv2", "torch", "torchvision", "openvino", "safetensors"},
    "composite": {"numpy", "cv2"},
    "blur": {"numpy", "cv2"},
    "substitute": {"numpy", "cv2"},
    "cutout": {"numpy", "cv2"},
    "threads": set(),
    "video": {"numpy", "av", "tqdm"},
    "moving": set(),
    "measure": {"numpy", "cv2"},
    "plots": {"numpy", "matplotlib", "IPython"},
    "live": {"numpy", "cv2", "ipywidgets", "anywidget", "traitlets"},
    "exercises": {"numpy", "cv2", "av"},
    "bench": {"numpy", "cv2", "torch", "matplotlib"},
    "demo": {"numpy"},
    "batch": {"numpy", "distributed"},
    "naming": set(),
    "commands": {"distributed"},
    "doctor": {
        "torch",
        "torchvision",
        "cv2",
        "psutil",
        "packaging",
        "jupyter_client",
        "jupyter_core",
        "anywidget",
        "IPython",
    },
    "bundle": set(),
    "__main__": set(),
}
ORDER = list(ROOMS)
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")
MAY_USE_THREADS = {"browser_camera", "camera", "cores", "live", "predict", "threads", "video"}
THREADS = {"threading", "_thread", "queue", "concurrent", "multiprocessing", "asyncio"}
HEAVY = ("torch", "torchvision", "cv2", "matplotlib", "ipywidgets", "IPython", "PIL", "av", "numpy")


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(tree: ast.AST) -> Iterator[str]:
    """The dotted names that a module imports, at its top or inside a function: `from a import b` gives a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def tops(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(parse(path))}


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def rooms_used(path: Path) -> set[str]:
    """The modules of seglib that a module imports."""
    return {name.split(".")[1] for name in imported(parse(path)) if name.startswith("seglib.")} - {"__version__"}


def python(code: str) -> str:
    """What this code prints in a new process."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def loaded_by(statement: str) -> set[str]:
    """Which of the heavy packages a new process has loaded after this statement."""
    return set(python(f"import sys; {statement}; print(*{{*{HEAVY!r}}} & {{*sys.modules}})").split())


# ---- import seglib -----------------------------------------------------------------------------------------


def test_import_seglib_loads_nothing_heavy() -> None:
    assert loaded_by("import seglib; dir(seglib)") == set()


def test_a_name_loads_what_it_needs_and_no_more() -> None:
    assert loaded_by("import seglib; seglib.WeightsUnavailable") == set()
    assert loaded_by("import seglib; seglib.iou, seglib.Steady, seglib.blur_background") == {"numpy", "cv2"}
    assert loaded_by("import seglib; seglib.sample_frame()") == {"numpy", "PIL"}
    portrait = "import seglib; seglib.load_model().mask(seglib.sample_frame())"
    assert loaded_by(portrait) == {"numpy", "cv2", "PIL"}, "OpenVINO runs it, and PyTorch is not needed"


@pytest.mark.parametrize("name", ["mask", "composite", "blur", "measure"])
def test_the_steps_need_numpy_and_opencv_only(name: str) -> None:
    assert loaded_by(f"import seglib.{name}") <= {"numpy", "cv2"}


def test_a_new_background_needs_pillow_to_read_it_and_nothing_more() -> None:
    assert loaded_by("import seglib.substitute") == {"numpy", "cv2", "PIL"}


def test_help_does_not_wait_for_heavy_packages() -> None:
    assert loaded_by("import seglib.__main__") == set()


@pytest.mark.parametrize("name", seglib.__all__)
def test_every_public_name_resolves_to_what_its_module_defines(name: str) -> None:
    value = getattr(seglib, name)
    home = importlib.import_module(f"seglib.{seglib._HOME[name]}")
    assert value is getattr(home, name)
    assert getattr(seglib, name) is value, "the second time, too"
    if inspect.isclass(value) or inspect.isfunction(value):
        assert value.__module__ == home.__name__, "named where it is defined, not where it passes through"
        assert inspect.getdoc(value)


def test_the_names_that_others_rely_on_are_there() -> None:
    promised = {"sample_frame", "sample_mask", "sample_labels", "load_model", "class_mask", "blur_background"}
    promised |= {"replace_background", "open_source", "show", "iou", "Blur", "Replace", "Steady"}
    assert promised <= set(seglib.__all__)
    assert set(dir(seglib)) >= {*seglib.__all__, "__version__"}


def test_editors_are_told_the_same_names() -> None:
    (block,) = [node for node in parse(PACKAGE / "__init__.py").body if isinstance(node, ast.If)]
    told = {alias.name: node.module for node in block.body for alias in node.names}
    assert told == {name: f"seglib.{home}" for name, home in seglib._HOME.items()}


def test_an_unknown_name_is_an_attribute_error_that_helps_on() -> None:
    with pytest.raises(AttributeError, match=r"seglib has no 'blur_backgroud'; dir\(seglib\) lists"):
        _ = seglib.blur_backgroud
    assert not hasattr(seglib, "_nothing")


# ---- which way imports point -------------------------------------------------------------------------------


def test_every_module_has_its_room_and_every_room_its_module() -> None:
    assert {room(path) for path in MODULES} == set(ROOMS)


@pytest.mark.parametrize("name", ROOMS)
def test_contributing_tells_about_every_room(name: str) -> None:
    rows = re.findall(r"^\| (`.*?) \|", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert f"`{name}`" in " ".join(rows)


@pytest.mark.parametrize("path", MODULES, ids=room)
def test_imports_point_one_way(path: Path) -> None:
    later = [used for used in rooms_used(path) - {room(path)} if ORDER.index(used) > ORDER.index(room(path))]
    assert later == []


@pytest.mark.parametrize("path", MODULES, ids=room)
def test_no_module_takes_another_ones_names_through_the_front_door(path: Path) -> None:
    """`from seglib import blend` would hide which module is needed, and cycles with it."""
    assert rooms_used(path) <= set(ROOMS)
    assert not any(name.startswith(".") for name in imported(parse(path))), "absolute imports only"


@pytest.mark.parametrize("path", MODULES, ids=room)
def test_a_module_imports_what_its_room_allows(path: Path) -> None:
    assert tops(path) - sys.stdlib_module_names - {"seglib"} <= ROOMS[room(path)]


def test_torch_pillow_pyav_and_widgets_live_where_the_design_says() -> None:
    def homes(package: str) -> set[str]:
        return {room(path) for path in MODULES if package in tops(path)}

    assert homes("torch") <= {"predict", "portrait", "portrait_network", "weights", "doctor", "bench"}
    assert homes("PIL") == {"pictures"}
    assert homes("av") == {"capture", "colours", "samples", "video", "exercises"}
    assert homes("ipywidgets") <= {"live"}


@pytest.mark.parametrize("path", MODULES, ids=room)
def test_threads_live_where_the_design_says(path: Path) -> None:
    assert room(path) in MAY_USE_THREADS or not tops(path) & THREADS


def test_the_front_door_itself_imports_nothing_but_the_standard_library() -> None:
    assert tops(PACKAGE / "__init__.py") - {"seglib"} <= sys.stdlib_module_names


# ---- names and sizes ---------------------------------------------------------------------------------------


def definitions(path: Path) -> list[ast.FunctionDef | ast.ClassDef]:
    public = [node for node in parse(path).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return [node for node in public if not node.name.startswith("_")]


@pytest.mark.parametrize("path", MODULES, ids=room)
def test_no_room_is_a_lumber_room(path: Path) -> None:
    assert room(path) not in {"utils", "util", "helpers", "helper", "core", "common", "misc", "tools"}
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 250


@pytest.mark.parametrize("path", MODULES, ids=room)
def test_no_public_name_is_that_of_a_module(path: Path) -> None:
    assert not {node.name for node in definitions(path)} & set(ROOMS)


@pytest.mark.parametrize("path", MODULES, ids=room)
def test_what_is_public_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(parse(path))
    assert [node.name for node in definitions(path) if not ast.get_docstring(node)] == []


# ---- can these rules fail? ---------------------------------------------------------------------------------


def test_the_reader_of_imports_sees_all_kinds_of_them() -> None:
    code = """
import a.b, c as d
from e.f import g
from . import h
def lazily():
    if True:
        from seglib.classes import VOC_CLASSES
"""
    assert set(imported(ast.parse(code))) == {"a.b", "c", "e.f.g", "..h", "seglib.mask.VOC_CLASSES"}
    assert len(MODULES) >= 19
    assert sum(len(definitions(path)) for path in MODULES) > 50
    assert "numpy" in loaded_by("import numpy")
