"""Everything a room without a network needs, in one folder: ``python -m seglib bundle DIR``, for a USB stick say.

Making it needs a network and the project's folder; using it needs neither, but a Python of the same version. Each run
adds this system's packages to what is there, so one stick can serve Linux, macOS and Windows: run it once on each.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import string
import subprocess
import sys
import tempfile
import zipfile
from argparse import Namespace
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from seglib import __version__
from seglib.cli.doctor.apart import run_apart
from seglib.cli.doctor.models import true_weights
from seglib.cli.doctor.packages import checkout, needed, wanted
from seglib.errors import UsageError
from seglib.predict.weights import EMBEDDED

LIST = "bundle.json"  # what the folder holds: its name marks a folder as a bundle
SCRIPTS = ("install.py", "install.sh", "install.bat")
TUTORIAL = ("notebooks", "docs", "recipes/lab.py", "README.md", "TEACHING.md", "LICENSE", "LICENSE-prose")
CUDA = ("nvidia_", "cuda_", "triton")  # how the names of the packages begin that only NVIDIA's cards need
_NOT_COPIED = shutil.ignore_patterns("out", "__pycache__", ".*", "*.egg-info", "build")
_NAME = "import platform, sys; print('cp%d%d-%s-%s' % (*sys.version_info[:2], platform.system(), platform.machine()))"


class BundleError(Exception):
    """The bundle could not be finished; what is there is kept, and the same command goes on from it."""


def run_command(options: Namespace) -> int:
    """``bundle``: make it, tell its sizes, and return the exit code."""
    try:
        make_bundle(options.folder, pythons=options.python or [sys.executable], as_installed=options.as_installed)
    except BundleError as error:
        print(f"seglib bundle: {error}\nThe same command goes on where this one ended.", file=sys.stderr)
        return 1
    return 0


def make_bundle(folder: Path, *, pythons: Sequence[str], as_installed: bool = False) -> None:
    """Fill a folder with packages, weights, notebooks, samples, an installer and a page that says what to do.

    folder: made if need be; a bundle in it is completed and brought up to date, other files are refused.
    pythons: the programs whose packages are wanted. as_installed: packages in the versions that this Python has,
    and not in those of constraints.txt; for PyTorch's small CPU build for instance.
    Raises UsageError if nothing can be begun, BundleError if something could not be had.
    """
    project = _project(folder, pythons, as_installed)
    folder.mkdir(parents=True, exist_ok=True)
    known = _read_list(folder)
    _write_list(folder, known)
    print("Making a bundle needs a network: up to 3.2 GB are fetched for each Python, if they are not there already.")
    with tempfile.TemporaryDirectory() as place:
        wheel = _build_wheel(project, Path(place))
        for python in pythons:
            name = _name_of(python)
            _fetch(python, folder / "wheels" / name, wheel, _pins(project, as_installed))
            known["systems"] = sorted({*known["systems"], name})
    _copy_weights(folder / "weights")
    _copy_tutorial(project, folder)
    _write_page(project, folder, known)
    known |= {"seglib": __version__, "made": date.today().isoformat(), "files": dict(_hashes(folder))}
    _write_list(folder, known)
    _tell(folder)


def _project(folder: Path, pythons: Sequence[str], as_installed: bool) -> Path:
    """The project's folder, after everything was checked that can be checked before the work starts."""
    project = checkout()
    if project is None:
        raise UsageError("the notebooks are not part of an installed seglib; run this in the project's folder")
    if folder.is_file() or (folder.is_dir() and not (folder / LIST).exists() and any(folder.iterdir())):
        raise UsageError(f"{folder} holds other things; name a new or empty folder, or a bundle to bring up to date")
    if as_installed and list(pythons) != [sys.executable]:
        raise UsageError("--as-installed speaks of the Python that runs this, so it does not go with --python")
    for python in pythons:
        if not shutil.which(python):
            raise UsageError(f"there is no program {python!r}")
    if as_installed:
        broken = [finding for finding in run_apart(["packages", "PyTorch"]) if finding.status == "problem"]
        if broken:
            raise UsageError(f"what is installed here does not work: {broken[0].found}; see python -m seglib doctor")
    return project


def _name_of(python: str) -> str:
    """Which Python on which system, as in "cp311-linux-x86_64": what decides which packages fit."""
    return _run([python, "-c", _NAME], f"{python} does not run").strip().lower()


def _build_wheel(project: Path, place: Path) -> Path:
    """Build our own package from a copy, so that the project's folder stays as it is."""
    shutil.copytree(project / "seglib", place / "copy" / "seglib", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-prose"):
        shutil.copy(project / name, place / "copy")
    command = [*_pip(sys.executable), "wheel", "-q", "--no-deps", "-w", str(place), str(place / "copy")]
    _run(command, "seglib's own package could not be built")
    return next(place.glob("seglib-*.whl"))


def _pins(project: Path, as_installed: bool) -> str:
    if not as_installed:
        return (project / "constraints.txt").read_text(encoding="utf-8")
    return "".join(f"{name}=={version}\n" for name, version, _ in needed(wanted()) if version)


def _fetch(python: str, wheels: Path, own: Path, pins: str) -> None:
    """All packages that seglib needs, into a folder. Those that are there already are not fetched again."""
    wheels.mkdir(parents=True, exist_ok=True)
    for old in wheels.glob("seglib-*.whl"):
        old.unlink()
    shutil.copy(own, wheels)
    (wheels / "constraints.txt").write_text(pins, encoding="utf-8", newline="\n")
    limits = ["--only-binary=:all:", "--dest", str(wheels), "-c", str(wheels / "constraints.txt")]
    done = subprocess.run([*_pip(python), "download", *limits, *wanted(), "pip"], check=False)
    if done.returncode:
        raise BundleError("pip could not get all packages; see above. Is there a network?")
    _drop_other_versions(wheels, pins)


def _drop_other_versions(wheels: Path, pins: str) -> None:
    """Remove what an earlier run fetched in versions that are no longer wanted."""
    pairs = (line.partition("==") for line in pins.splitlines() if not line.startswith("#"))
    wanted_now = {_plain(name): version for name, _, version in pairs}
    for path in wheels.glob("*.whl"):
        name, version = path.name.split("-")[:2]
        pin = wanted_now.get(_plain(name), version)
        if pin not in (version, version.partition("+")[0]):
            path.unlink()


def _copy_weights(folder: Path) -> None:
    """The downloaded weights that this machine has, if they are whole."""
    for path in true_weights():
        target = folder / path.name
        if not target.exists() or target.stat().st_size != path.stat().st_size:
            folder.mkdir(exist_ok=True)
            shutil.copyfile(path, target)


def _copy_tutorial(project: Path, folder: Path) -> None:
    shutil.rmtree(folder / "tutorial", ignore_errors=True)
    for name in TUTORIAL:
        source, target = project / name, folder / "tutorial" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=_NOT_COPIED)
        elif source.exists():
            shutil.copyfile(source, target)
    own = shutil.ignore_patterns("*.safetensors", "*.xml", "*.bin", "PORTRAIT.md", "SHA256SUMS")  # the models
    shutil.copytree(EMBEDDED.parent, folder / "samples", ignore=own, dirs_exist_ok=True)
    for name in SCRIPTS:
        text = (project / "recipes" / "stick" / name).read_text(encoding="utf-8")
        (folder / name).write_text(text, encoding="utf-8", newline="\r\n" if name.endswith(".bat") else "\n")


def _write_page(project: Path, folder: Path, known: dict[str, Any]) -> None:
    """START_HERE.html, with the numbers of this bundle."""
    page = string.Template((project / "recipes" / "stick" / "START_HERE.html").read_text(encoding="utf-8"))
    rows = []
    for name in known["systems"]:
        python, system, machine = name.split("-", 2)
        version = f"{python[2]}.{python[3:]}"
        size = f"{_gigabytes(_unpacked(folder / 'wheels' / name)):.1f} GB"
        rows.append(f"<tr><td>{system} ({machine})</td><td>Python {version}</td><td>{size}</td></tr>")
    weights = sorted(path.name.partition("_coco")[0] for path in (folder / "weights").glob("*"))
    text = page.substitute(
        rows="\n".join(rows),
        models=", ".join(["portrait", *weights]),
        size=f"{_gigabytes(_size(folder)):.1f} GB",
        date=date.today().isoformat(),
        version=__version__,
    )
    (folder / "START_HERE.html").write_text(text, encoding="utf-8")


def _tell(folder: Path) -> None:
    print(f"\n{folder.resolve()}: {_gigabytes(_size(folder)):.2f} GB")
    for part in ("wheels", "weights", "tutorial", "samples"):
        print(f"  {part:9} {_size(folder / part) / 1e6:8,.1f} MB")
    cuda = sum(path.stat().st_size for path in folder.glob("wheels/*/*.whl") if path.name.startswith(CUDA))
    if cuda:
        print(f"{_gigabytes(cuda):.1f} GB of it serve NVIDIA's graphics cards only. README.md tells how to go without.")
    if not (folder / "weights").exists():
        print("No weights but the embedded ones: python -m seglib fetch NAME gets others, then run this again.")
    print("Copy the folder to a stick. START_HERE.html in it says what to do next.")


def _hashes(folder: Path) -> Iterator[tuple[str, str]]:
    """Path and SHA-256 of every file, by which install.py knows a stick that was copied badly."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != LIST):
        with path.open("rb") as file:
            yield path.relative_to(folder).as_posix(), hashlib.file_digest(file, "sha256").hexdigest()


def _read_list(folder: Path) -> dict[str, Any]:
    path = folder / LIST
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"systems": [], "files": {}}


def _write_list(folder: Path, known: dict[str, Any]) -> None:
    """In one step, so that an interrupt leaves the old list or the new one."""
    temporary = folder / f"{LIST}.part"
    temporary.write_text(json.dumps(known, indent=1), encoding="utf-8")
    os.replace(temporary, folder / LIST)


def _pip(python: str) -> list[str]:
    """The command for pip. Another Python needs no pip of its own: ours works for it, too."""
    here = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    return here if python == sys.executable else [*here, "--python", python]


def _run(command: list[str], fault: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BundleError(f"{fault}: {(done.stderr.strip().splitlines() or ['it said nothing'])[-1]}")
    return done.stdout


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _unpacked(wheels: Path) -> int:
    """The bytes that the packages take once they are installed."""
    return sum(item.file_size for path in wheels.glob("*.whl") for item in zipfile.ZipFile(path).infolist())


def _gigabytes(count: int) -> float:
    return count / 1e9


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
