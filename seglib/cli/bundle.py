"""Put everything that a room without a network needs into one folder, for a USB stick: ``python -m seglib bundle DIR``.

Making the folder needs a network and the project's folder; installing from it needs neither, but a Python of the same
version. Each run adds the packages of this system to the folder, so that one stick can serve Linux, macOS and Windows.
"""

import hashlib
import json
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
from seglib._internal.atomic_files import AtomicFile
from seglib.cli.commands import sample_files
from seglib.cli.doctor.child_process import run_checks
from seglib.cli.doctor.models import undamaged_weights
from seglib.cli.doctor.packages import checkout, dependencies, normalized, requirements
from seglib.errors import UsageError

MANIFEST = "bundle.json"  # lists the contents; its name marks a folder as a bundle
SCRIPTS = ("install.py", "install.sh", "install.bat")
TUTORIAL = ("notebooks", "docs", "recipes/lab.py", "README.md", "TEACHING.md", "LICENSE", "LICENSE-prose")
CUDA = ("nvidia_", "cuda_", "triton")  # prefixes of the packages that only NVIDIA's cards need
_NOT_COPIED = shutil.ignore_patterns("out", "__pycache__", ".*", "*.egg-info", "build")
_PRINT_TAG = (
    "import platform, sys; print('cp%d%d-%s-%s' % (*sys.version_info[:2], platform.system(), platform.machine()))"
)


class BundleError(Exception):
    """The bundle could not be completed; its files are kept, and the same command continues from them."""


def run_command(options: Namespace) -> int:
    """Make the bundle, and print its sizes; returns the exit code."""
    try:
        make_bundle(options.folder, pythons=options.python or [sys.executable], as_installed=options.as_installed)
    except BundleError as error:
        print(f"seglib bundle: {error}\nTo continue, run the same command again.", file=sys.stderr)
        return 1
    return 0


def make_bundle(folder: Path, *, pythons: Sequence[str], as_installed: bool = False) -> None:
    """Fill a folder with packages, weights, notebooks, samples, an installer and a page of instructions.

    Parameters
    ----------
    folder
        Created if it does not exist. A bundle in it is completed and brought up to date; other files are refused.
    pythons
        The programs to download packages for.
    as_installed
        Take the packages in the versions that this Python has, not those of constraints.txt: for PyTorch's CPU build.

    Raises
    ------
    UsageError
        Before anything is done, if the arguments do not go together.
    BundleError
        If a step fails, such as a download.
    """
    project = _check_arguments(folder, pythons, as_installed)
    folder.mkdir(parents=True, exist_ok=True)
    manifest = _read_manifest(folder)
    _write_manifest(folder, manifest)
    print(
        "Making a bundle needs a network: up to 3.2 GB are downloaded for each Python, unless they are there already."
    )
    with tempfile.TemporaryDirectory() as temporary:
        wheel = build_wheel(project, Path(temporary))
        for python in pythons:
            tag = platform_tag(python)
            download_packages(python, folder / "wheels" / tag, wheel, pins(project, as_installed))
            manifest["systems"] = sorted({*manifest["systems"], tag})
    _copy_weights(folder / "weights")
    _copy_tutorial(project, folder)
    _write_page(project, folder, manifest)
    manifest |= {"seglib": __version__, "made": date.today().isoformat(), "files": dict(_hashes(folder))}
    _write_manifest(folder, manifest)
    _print_summary(folder)


def platform_tag(python: str) -> str:
    """Python version, system and machine, as in "cp311-linux-x86_64": they decide which packages fit."""
    return _run([python, "-c", _PRINT_TAG], f"{python} does not run").strip().lower()


def build_wheel(project: Path, target: Path) -> Path:
    """Build seglib's own package from a copy, so that the project's folder stays as it is."""
    shutil.copytree(project / "seglib", target / "copy" / "seglib", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-prose"):
        shutil.copy(project / name, target / "copy")
    command = [*_pip(sys.executable), "wheel", "-q", "--no-deps", "-w", str(target), str(target / "copy")]
    _run(command, "seglib's own package could not be built")
    return next(target.glob("seglib-*.whl"))


def pins(project: Path, as_installed: bool) -> str:
    """The exact versions to download, in the form of constraints.txt."""
    if not as_installed:
        return (project / "constraints.txt").read_text(encoding="utf-8")
    return "".join(f"{name}=={version}\n" for name, version, _ in requirements(dependencies()) if version)


def download_packages(python: str, wheels: Path, own: Path, pins: str) -> None:
    """Download all packages that seglib needs into a folder, except those that it has."""
    wheels.mkdir(parents=True, exist_ok=True)
    for old in wheels.glob("seglib-*.whl"):
        old.unlink()
    shutil.copy(own, wheels)
    (wheels / "constraints.txt").write_text(pins, encoding="utf-8", newline="\n")
    limits = ["--only-binary=:all:", "--dest", str(wheels), "-c", str(wheels / "constraints.txt")]
    done = subprocess.run([*_pip(python), "download", *limits, *dependencies(), "pip"], check=False)
    if done.returncode:
        raise BundleError("pip could not download all packages; see above. Is there a network?")
    remove_other_versions(wheels, pins)


def remove_other_versions(wheels: Path, pins: str) -> None:
    """Remove packages that an earlier run downloaded in versions that are not pinned any more."""
    pairs = (line.partition("==") for line in pins.splitlines() if not line.startswith("#"))
    pinned = {normalized(name): version for name, _, version in pairs}
    for path in wheels.glob("*.whl"):
        name, version = path.name.split("-")[:2]
        if pinned.get(normalized(name), version) not in (version, version.partition("+")[0]):
            path.unlink()


def _check_arguments(folder: Path, pythons: Sequence[str], as_installed: bool) -> Path:
    """The project's folder, if the arguments go together."""
    project = checkout()
    if project is None:
        raise UsageError("the notebooks are not part of an installed seglib; run this in the project's folder")
    if folder.is_file() or (folder.is_dir() and not (folder / MANIFEST).exists() and any(folder.iterdir())):
        raise UsageError(f"{folder} holds other files; name a new or empty folder, or a bundle to bring up to date")
    if as_installed and list(pythons) != [sys.executable]:
        raise UsageError("--as-installed means the Python that runs this command, so --python cannot be given, too")
    for python in pythons:
        if not shutil.which(python):
            raise UsageError(f"there is no program {python!r}")
    if as_installed:
        problems = [finding for finding in run_checks(["packages", "PyTorch"]) if finding.status == "problem"]
        if problems:
            raise UsageError(f"the installed packages do not work: {problems[0].found}; see python -m seglib doctor")
    return project


def _copy_weights(folder: Path) -> None:
    """Copy the downloaded weights of this machine, except damaged ones."""
    for path in undamaged_weights():
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
    (folder / "samples").mkdir(exist_ok=True)
    for path in sample_files():
        shutil.copyfile(path, folder / "samples" / path.name)
    for name in SCRIPTS:
        text = (project / "recipes" / "stick" / name).read_text(encoding="utf-8")
        (folder / name).write_text(text, encoding="utf-8", newline="\r\n" if name.endswith(".bat") else "\n")


def _write_page(project: Path, folder: Path, manifest: dict[str, Any]) -> None:
    """Write START_HERE.html, with the figures of this bundle."""
    page = string.Template((project / "recipes" / "stick" / "START_HERE.html").read_text(encoding="utf-8"))
    rows = []
    for tag in manifest["systems"]:
        python, system, machine = tag.split("-", 2)
        version = f"{python[2]}.{python[3:]}"
        size = f"{_unpacked(folder / 'wheels' / tag) / 1e9:.1f} GB"
        rows.append(f"<tr><td>{system} ({machine})</td><td>Python {version}</td><td>{size}</td></tr>")
    weights = sorted(path.name.partition("_coco")[0] for path in (folder / "weights").glob("*"))
    text = page.substitute(
        rows="\n".join(rows),
        models=", ".join(["portrait", *weights]),
        size=f"{_size(folder) / 1e9:.1f} GB",
        date=date.today().isoformat(),
        version=__version__,
    )
    (folder / "START_HERE.html").write_text(text, encoding="utf-8")


def _print_summary(folder: Path) -> None:
    print(f"\n{folder.resolve()}: {_size(folder) / 1e9:.2f} GB")
    for part in ("wheels", "weights", "tutorial", "samples"):
        print(f"  {part:9} {_size(folder / part) / 1e6:8,.1f} MB")
    cuda = sum(path.stat().st_size for path in folder.glob("wheels/*/*.whl") if path.name.startswith(CUDA))
    if cuda:
        print(f"{cuda / 1e9:.1f} GB of it are for NVIDIA's graphics cards only. README.md says how to leave them out.")
    if not (folder / "weights").exists():
        print("Only the embedded weights are included. For others: python -m seglib fetch NAME, then run this again.")
    print("Copy the folder to a USB stick. Its page START_HERE.html explains the rest.")


def _hashes(folder: Path) -> Iterator[tuple[str, str]]:
    """Path and SHA-256 of every file, with which install.py finds damaged copies."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST):
        with path.open("rb") as file:
            yield path.relative_to(folder).as_posix(), hashlib.file_digest(file, "sha256").hexdigest()


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {"systems": [], "files": {}}


def _write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    with AtomicFile(folder / MANIFEST) as file:
        file.part.write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _pip(python: str) -> list[str]:
    """The pip command; another Python needs no pip of its own."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    return command if python == sys.executable else [*command, "--python", python]


def _run(command: list[str], failure: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BundleError(f"{failure}: {(done.stderr.strip().splitlines() or ['it printed nothing'])[-1]}")
    return done.stdout


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _unpacked(wheels: Path) -> int:
    """The bytes that the packages take when they are installed."""
    return sum(item.file_size for path in wheels.glob("*.whl") for item in zipfile.ZipFile(path).infolist())
