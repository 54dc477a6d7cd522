"""The bundle for a room without a network: made with fake packages here, and for real in the slow test at the end."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import nbformat
import pytest

import seglib
from seglib.__main__ import main
from seglib.cli import bundle
from seglib.cli.bundle import BundleError, make_bundle
from seglib.cli.doctor.report import Finding
from seglib.errors import UsageError

ROOT = Path(seglib.__file__).parents[1]
TAG = bundle.platform_tag(sys.executable)

FAKE_SEGLIB = {
    "seglib/__init__.py": "",
    "seglib/predict/__init__.py": "",
    "seglib/predict/weights.py": "import os\ndef cache_folder(): return os.environ['SEGLIB_CACHE']\n",
    "seglib/__main__.py": "import sys; print('doctor was here', sys.argv[1:])\n",
    "seglib-0.1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: seglib\nVersion: 0.1.0\nRequires-Dist: helper\n",
}
FAKE_HELPER = {
    "helper.py": "",
    "helper-2.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: helper\nVersion: 2.0\n",
}


def write_wheel(folder: Path, name: str, files: dict[str, str]) -> Path:
    """A package that pip can install."""
    path = folder / f"{name}-py3-none-any.whl"
    information = f"{name}.dist-info"
    wheel = {f"{information}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    with zipfile.ZipFile(path, "w") as archive:
        for place, text in (files | wheel).items():
            archive.writestr(place, text)
        archive.writestr(f"{information}/RECORD", "")
    return path


def copy_fakes(python: str, wheels: Path, own: Path, pins: str) -> None:
    """Stands in for pip: a tiny seglib, one package that it needs, and pip from Python's own ensurepip."""
    import ensurepip

    wheels.mkdir(parents=True, exist_ok=True)
    write_wheel(wheels, "seglib-0.1.0", FAKE_SEGLIB)
    write_wheel(wheels, "helper-2.0", FAKE_HELPER)
    (pip,) = Path(ensurepip.__file__).parent.glob("_bundled/pip-*.whl")
    shutil.copy(pip, wheels)
    (wheels / "constraints.txt").write_text(pins)


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Makes a bundle in tmp_path/stick without a network, from an empty cache of weights."""
    monkeypatch.setenv("SEGLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SEGLIB_WEIGHTS", raising=False)
    monkeypatch.setattr(bundle, "download_packages", copy_fakes)
    monkeypatch.setattr(bundle, "build_wheel", lambda project, target: target)

    def make() -> Path:
        make_bundle(tmp_path / "stick", pythons=[sys.executable])
        return tmp_path / "stick"

    return make


# ---- what is in it -----------------------------------------------------------------------------------------


def test_it_holds_notebooks_samples_an_installer_and_the_first_page(make: Callable[..., Path]) -> None:
    stick = make()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert (stick / "tutorial" / "notebooks" / path.name).read_bytes() == path.read_bytes()
    files = {path.relative_to(stick).as_posix() for path in stick.rglob("*") if path.is_file()}
    assert {"samples/clip.mp4", "samples/README.md", "tutorial/recipes/lab.py", "install.py"} <= files
    assert not [name for name in files if name.startswith("samples/") and name.endswith("safetensors")]
    names = {part for path in stick.rglob("*") for part in path.parts}
    assert not names & {"out", "__pycache__", ".git", ".ipynb_checkpoints", ".venv"}
    assert b"\r\n" in (stick / "install.bat").read_bytes()
    assert b"\r" not in (stick / "install.sh").read_bytes()
    listed = json.loads((stick / "bundle.json").read_text())
    assert listed["systems"] == [TAG]
    assert set(listed["files"]) == files - {"bundle.json"}
    assert listed["files"]["install.py"] == hashlib.sha256((stick / "install.py").read_bytes()).hexdigest()
    page = (stick / "START_HERE.html").read_text(encoding="utf-8")
    assert "Python {}.{}".format(*sys.version_info[:2]) in page
    assert "sh install.sh" in page
    assert not [text for text in ("$", "http", str(ROOT)) if text in page], "no gap, no network, no other machine"


def test_undamaged_weights_come_along(make: Callable[..., Path], tmp_path: Path) -> None:
    body = b"weights"
    name = f"fcn_resnet50_coco-{hashlib.sha256(body).hexdigest()[:8]}.pth"
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / name).write_bytes(body)
    (tmp_path / "cache" / "lraspp_mobilenet_v3_large-d234d4ea.pth").write_bytes(b"damaged")
    stick = make()
    assert [path.name for path in (stick / "weights").iterdir()] == [name]
    assert "fcn_resnet50" in (stick / "START_HERE.html").read_text()


def test_a_second_run_completes_and_removes_what_is_old(make: Callable[..., Path]) -> None:
    stick = make()
    (stick / "tutorial" / "notebooks" / "99_gone.ipynb").write_text("from an older version")
    (stick / "install.sh").unlink()
    known = json.loads((stick / "bundle.json").read_text())
    (stick / "bundle.json").write_text(json.dumps(known | {"systems": ["cp312-windows-amd64", *known["systems"]]}))
    make()
    assert (stick / "install.sh").exists()
    assert not (stick / "tutorial" / "notebooks" / "99_gone.ipynb").exists()
    again = json.loads((stick / "bundle.json").read_text())
    assert again["systems"] == sorted({TAG, "cp312-windows-amd64"}), "what another machine has put there stays"
    assert set(again["files"]) == set(known["files"])


def test_packages_of_other_versions_are_dropped_and_no_others(tmp_path: Path) -> None:
    names = ["numpy-2.4.6-cp311", "numpy-2.3.0-cp311", "torch-2.15.0+cpu-cp311", "pip-26.3-py3", "Typing_X-1.0-py3"]
    for name in names:
        (tmp_path / f"{name}-none-any.whl").write_bytes(b"")
    pins = "# one version each, which pip and conda install\nnumpy==2.4.6\ntorch==2.15.0\ntyping-x==1.0\n"
    bundle.remove_other_versions(tmp_path, pins)
    assert sorted(path.name[:-13] for path in tmp_path.iterdir()) == sorted(set(names) - {"numpy-2.3.0-cp311"})


def test_our_own_package_is_built_from_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **how: object) -> subprocess.CompletedProcess[str]:
        copy = Path(command[-1])
        assert ROOT not in copy.parents, "the project's folder stays as it is"
        assert (copy / "seglib" / "data" / "portrait.safetensors").exists()
        assert (copy / "pyproject.toml").exists()
        (tmp_path / "seglib-0.1.0-py3-none-any.whl").write_bytes(b"")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    assert bundle.build_wheel(ROOT, tmp_path).name == "seglib-0.1.0-py3-none-any.whl"


# ---- what it refuses ---------------------------------------------------------------------------------------


def test_a_folder_with_other_things_is_refused_and_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.doc").write_text("years of work")
    assert main(["bundle", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.doc"]
    assert main(["bundle", str(tmp_path / "thesis.doc")]) == 2


def test_wrong_arguments_are_told_before_anything_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stick = tmp_path / "stick"
    with pytest.raises(UsageError, match="'python9'"):
        make_bundle(stick, pythons=["python9"])
    with pytest.raises(UsageError, match="--python"):
        make_bundle(stick, pythons=["python3"], as_installed=True)
    monkeypatch.setattr(bundle, "run_checks", lambda names: [Finding("problem", "torchvision does not fit", "x")])
    with pytest.raises(UsageError, match="torchvision does not fit"):
        make_bundle(stick, pythons=[sys.executable], as_installed=True)
    monkeypatch.setattr(bundle, "checkout", lambda: None)
    with pytest.raises(UsageError, match="project's folder"):
        make_bundle(stick, pythons=[sys.executable])
    assert not stick.exists()


def test_without_a_network_it_says_so_and_can_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Here pip finds no index at all; what is there already is kept."""
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    for name in [name for name in os.environ if name.startswith("PIP_") and name != "PIP_CONFIG_FILE"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr(bundle, "build_wheel", lambda project, target: write_wheel(target, "seglib-0.1.0", FAKE_SEGLIB))
    assert main(["bundle", str(tmp_path / "stick")]) == 1
    error = capsys.readouterr().err
    assert "network" in error
    assert "same command" in error
    assert (tmp_path / "stick" / "bundle.json").exists(), "so the next run knows the folder as its own"


def test_installed_versions_become_the_pins() -> None:
    pins = dict(line.split("==") for line in bundle.pins(ROOT, True).splitlines())
    assert pins["torch"] == version("torch")
    assert pins["comm"] == version("comm"), "and those of what is needed by others"
    assert bundle.pins(ROOT, False) == (ROOT / "constraints.txt").read_text(encoding="utf-8")


@pytest.mark.skipif(os.name == "nt", reason="writes a shell script")
def test_a_program_that_fails_is_told_by_its_last_line(tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho first; echo last words >&2; exit 3\n")
    program.chmod(0o755)
    with pytest.raises(BundleError, match=r"python does not run: last words$"):
        bundle.platform_tag(str(program))


# ---- installing from it ------------------------------------------------------------------------------------


def install(stick: Path, room: Path, *, shell: bool = False, **more: str) -> subprocess.CompletedProcess[str]:
    program = ["sh", str(stick / "install.sh")] if shell else [sys.executable, str(stick / "install.py")]
    env = os.environ | {"PYTHON": sys.executable, "SEGLIB_CACHE": str(room / "cache")} | more
    env.pop("PYTHONPATH", None)
    return subprocess.run([*program, str(room)], env=env, capture_output=True, text=True, timeout=1800, check=False)


@pytest.fixture
def stick(make: Callable[..., Path]) -> Path:
    return make()


@pytest.mark.skipif(os.name == "nt", reason="runs the shell script")
def test_installing_keeps_what_the_learner_has_changed(stick: Path, tmp_path: Path) -> None:
    room = tmp_path / "a room, é"
    (stick / "weights").mkdir()
    (stick / "weights" / "some.pth").write_bytes(b"weights")
    done = install(stick, room, shell=True)
    assert done.returncode == 0, done.stderr
    assert "doctor was here ['doctor']" in done.stdout
    assert (room / "cache" / "some.pth").read_bytes() == b"weights"
    assert (room / "start.sh").read_text().endswith('exec .venv/bin/python recipes/lab.py "$@"\n')
    mine = room / "notebooks" / "04_blur.ipynb"
    mine.write_text("my own answers")
    (room / "notebooks" / "05_substitute.ipynb").unlink()
    again = install(stick, room)
    assert again.returncode == 0, again.stderr
    assert mine.read_text() == "my own answers"
    assert f"{Path('notebooks', '04_blur.ipynb')}. " in again.stdout
    assert (room / "notebooks" / "05_substitute.ipynb").exists()
    found = [room / ".venv" / "bin" / "python", "-c", "import helper, seglib; print(seglib.__file__)"]
    where = subprocess.run(found, cwd=room, capture_output=True, text=True, check=True).stdout
    assert str(room) in where


def test_a_stick_that_was_copied_badly_is_refused(stick: Path, tmp_path: Path) -> None:
    victim = stick / "tutorial" / "notebooks" / "00_start.ipynb"
    victim.write_bytes(victim.read_bytes()[:-1])
    (stick / "START_HERE.html").unlink()
    done = install(stick, tmp_path / "room")
    assert done.returncode == 1
    assert "  tutorial/notebooks/00_start.ipynb\n" in done.stdout
    assert "  START_HERE.html\n" in done.stdout
    assert not (tmp_path / "room").exists()


@pytest.mark.parametrize("systems", [["cp39-plan9-mips"], ["cp399-{}-{}"]])
def test_packages_that_do_not_fit_are_told(stick: Path, tmp_path: Path, systems: list[str]) -> None:
    _, system, machine = TAG.split("-", 2)
    known = json.loads((stick / "bundle.json").read_text())
    known["systems"] = [name.format(system, machine) for name in systems]
    (stick / "bundle.json").write_text(json.dumps(known))
    done = install(stick, tmp_path / "room")
    assert done.returncode == 1
    assert ("for Python 3.99." in done.stdout) or ("are for cp39-plan9-mips" in done.stdout)
    assert not (tmp_path / "room").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="another name for the same Python needs a link")
def test_another_python_of_this_machine_takes_over(stick: Path, tmp_path: Path) -> None:
    """A Python that claims to be 3.9 starts the installer; the right one is on the PATH."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "python{}.{}".format(*sys.version_info[:2])).symlink_to(sys.executable)
    pretend = "import sys; real = sys.version_info; sys.version_info = (3, 9, 0); sys.argv = sys.argv[1:]; "
    pretend += "import runpy; runpy.run_path(sys.argv[0], run_name='__main__')"
    command = [sys.executable, "-c", pretend, str(stick / "install.py"), str(tmp_path / "room")]
    env = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "SEGLIB_CACHE": str(tmp_path / "cache")}
    (stick / "START_HERE.html").unlink()  # the right one gets as far as to miss this
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert "damaged" in done.stdout, done.stderr


# ---- the real thing ----------------------------------------------------------------------------------------

RUN = """
import sys
import nbformat
from nbclient import NotebookClient
for name in sys.argv[1:]:
    notebook = nbformat.read(f"notebooks/{name}.ipynb", as_version=4)
    place = {"metadata": {"path": "notebooks"}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=place).execute()
    print("ran", name)
"""
OFFLINE = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=2)"


def without_network(command: list[str]) -> list[str]:
    """The command in a network of its own that reaches nobody but itself, or as it is where that is not possible."""
    inside = 'ip link set lo up && exec "$@"'
    for unshare in (["unshare", "-n"], ["unshare", "-rn"]):
        whole = [*unshare, "sh", "-c", inside, "sh"]
        if (
            shutil.which("unshare")
            and subprocess.run([*whole, "true"], capture_output=True, check=False).returncode == 0
        ):
            return [*whole, *command]
    return command


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="runs the shell script")
def test_a_room_without_a_network_installs_from_it_and_runs_the_notebooks(tmp_path: Path) -> None:
    """Needs a network and 13 GB of disk at most. Where packages cannot be fetched, it is skipped."""
    if shutil.disk_usage(tmp_path).free < 15e9:
        pytest.skip("needs 15 GB on the disk")
    probe = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(tmp_path / "probe"), "six"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("pip can fetch nothing here")
    stick, room = tmp_path / "stick", tmp_path / "room"
    make_bundle(stick, pythons=[sys.executable])
    (own,) = stick.glob("wheels/*/seglib-*.whl")
    inside = set(zipfile.ZipFile(own).namelist())
    package = [path for path in (ROOT / "seglib").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert [path for path in package if path.relative_to(ROOT).as_posix() not in inside] == [], "lost on the way"
    # Nothing of this machine is used: another home, no way to the network, pip's own settings pointing nowhere.
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "SEGLIB_", "JUPYTER"))}
    env |= {"HOME": str(tmp_path), "PYTHON": sys.executable, "PIP_INDEX_URL": "http://127.0.0.1:9"}
    env |= {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "no_proxy": "127.0.0.1,localhost"}

    def offline(*command: str) -> subprocess.CompletedProcess[str]:
        whole = without_network(list(command))
        return subprocess.run(whole, cwd=room if room.exists() else tmp_path, env=env, text=True, capture_output=True)

    if without_network(["true"]) != ["true"]:
        assert offline(sys.executable, "-c", OFFLINE).returncode != 0, "is the network off?"
    done = offline("sh", str(stick / "install.sh"), str(room))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "This machine is ready" in done.stdout
    python = str(room / ".venv" / "bin" / "python")
    where = offline(python, "-c", "import seglib; print(seglib.__file__)")
    assert where.stdout.startswith(str(room)), "the installed one, not the project's"
    done = offline(python, "-c", RUN, "00_start", "04_blur")
    assert done.stdout == "ran 00_start\nran 04_blur\n", done.stderr
    assert nbformat.read(room / "notebooks" / "04_blur.ipynb", as_version=4).cells
