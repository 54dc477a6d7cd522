"""Checks of the packages: are they there, do they fit, can they be imported, does the notebook find them?"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING

import seglib
from seglib.cli.doctor.report import Finding, ok, problem, warning

if TYPE_CHECKING:
    from packaging.requirements import Requirement

ROOT = Path(seglib.__file__).parents[1]
MODULES = {"opencv-python": "cv2", "Pillow": "PIL"}  # what is imported under another name than it is installed
APART = ("opencv-python", "torch", "torchvision", "openvino")  # these have checks of their own
SERVERS = ("jupyterlab", "ipykernel")  # run in other processes

# Libraries of the system, and the packages that hold them: Debian and Ubuntu's, Fedora's, Arch's.
_LIBRARIES = {
    "libGL.so": ("libgl1", "mesa-libGL", "libglvnd"),
    "libg": ("libglib2.0-0", "glib2", "glib2"),
    "libgomp.so": ("libgomp1", "libgomp", "gcc-libs"),
}
_INSTALLERS = {"apt-get": "apt-get install", "dnf": "dnf install", "pacman": "pacman -S"}


def checkout() -> Path | None:
    """The project's folder, if this seglib runs from it; None if it was installed from a wheel."""
    return ROOT if (ROOT / "constraints.txt").is_file() and (ROOT / "pyproject.toml").is_file() else None


def check_versions() -> Finding:
    """Is all there that seglib needs, and what that needs, in the versions of constraints.txt?"""
    pins = _pins()
    found = {name: (version, fits) for name, version, fits in needed(wanted())}
    missing = [name for name, (version, _) in found.items() if version is None]
    unfit = [f"{name} {version}" for name, (version, fits) in found.items() if version and not fits]
    if missing or unfit:
        faults = ["missing: " + ", ".join(missing)] * bool(missing) + ["do not fit: " + ", ".join(unfit)] * bool(unfit)
        return problem("; ".join(faults), _install())
    twins = [name for name in _distributions() if name.startswith("opencv-") and name != "opencv-python"]
    if twins:
        command = f"python -m pip uninstall -y opencv-python {' '.join(twins)}, then {_install()}"
        return warning(f"{', '.join(twins)} overwrites files of opencv-python", command)
    if not pins:
        return ok(f"{len(found)} packages, all there; no constraints.txt here to compare their versions with")
    other = [
        f"{name} {version} ({pins[name]} there)"
        for name, (version, _) in found.items()
        if name in pins and version and version.partition("+")[0] != pins[name]  # "+cpu" is a build, not a version
    ]
    if other:
        more = f" and {len(other) - 5} more" if len(other) > 5 else ""
        return warning(f"other versions than in constraints.txt: {', '.join(other[:5])}{more}", _install())
    return ok(f"{len(found)}, all in the versions of constraints.txt")


def check_opencv() -> Finding:
    """OpenCV, and the libraries of the system that it loads."""
    try:
        cv2 = import_module("cv2")
        import_module("numpy").zeros(1)
        version = cv2.__version__
    except Exception as error:
        return _broken("opencv-python", error)
    return ok(f"{version}, with the display libraries that it needs")


def check_torch() -> Finding:
    """PyTorch and torchvision: do they load, fit each other, and know this processor?"""
    for name in ("torch", "torchvision"):
        try:
            import_module(name)
        except Exception as error:
            return _broken(name, error)
    import torch
    import torchvision

    known = torch.backends.cpu.get_cpu_capability()
    found = f"{torch.__version__}, torchvision {torchvision.__version__}, {torch.get_num_threads()} threads, {known}"
    if platform.machine().lower() in ("x86_64", "amd64") and known in ("DEFAULT", "NO AVX"):
        return warning(f"{found}: this processor has no AVX2, which makes models several times as fast", "a newer one")
    return ok(found)


def check_openvino() -> Finding:
    """OpenVINO, which runs models faster on a CPU."""
    try:
        openvino = import_module("openvino")
        abilities = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    except Exception as error:
        mend = _broken("openvino", error)
        return warning(f"{mend.found}; PyTorch runs the models, more slowly", mend.mend)
    return ok(f"{openvino.__version__.partition('-')[0]}, {', '.join(sorted({'FP32', 'BF16', 'INT8'} & {*abilities}))}")


def check_others() -> Finding:
    """Whether every other package that seglib imports can be imported."""
    from packaging.requirements import Requirement

    names = [Requirement(text).name for text in wanted()]
    names = [name for name in names if name not in (*APART, *SERVERS)]
    for name in names:
        try:
            import_module(MODULES.get(name, name))
        except Exception as error:
            return _broken(name, error)
    return ok(", ".join(names))


def check_kernel() -> Finding:
    """Which Python runs the cells of a notebook: the kernel "python3" that JupyterLab starts."""
    from jupyter_client.kernelspec import KernelSpecManager

    spec = KernelSpecManager().get_kernel_spec("python3")
    program = Path(spec.argv[0])
    # A virtual environment's python is a link to another one, so compare the folders that they lie in. A bare
    # "python" stands for the Python that runs JupyterLab.
    if not program.is_absolute() or program.parent == Path(sys.executable).parent:
        return ok("notebooks run in this Python")
    if not program.exists():
        return problem(f"the kernel 'python3' is {program}, which is gone ({spec.resource_dir})", _KERNEL)
    return warning(f"notebooks run in another Python, {program} ({spec.resource_dir})", _KERNEL)


_KERNEL = "python -m ipykernel install --sys-prefix --name python3"


def check_widget_files() -> Finding:
    """The parts of ipywidgets and anywidget that JupyterLab sends to the page. Whether they work, only it knows."""
    from jupyter_core.paths import jupyter_path

    parts = ("@jupyter-widgets/jupyterlab-manager", "anywidget")
    missing = [part for part in parts if not any(Path(path, part).is_dir() for path in jupyter_path("labextensions"))]
    if missing:
        command = "python -m pip install --force-reinstall --no-deps ipywidgets jupyterlab_widgets anywidget"
        return warning(f"JupyterLab lacks {', '.join(missing)}", command)
    return ok("installed; whether a page shows them can only be seen there: seglib.check_machine() in a notebook")


def wanted() -> list[str]:
    """What seglib itself needs, as pip writes it. In the project's folder its list counts, which may be newer."""
    folder = checkout()
    if folder:
        return list(tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"])
    return [text for text in metadata.requires("seglib") or [] if "extra ==" not in text]


def _pins() -> dict[str, str]:
    folder = checkout()
    lines = (folder / "constraints.txt").read_text(encoding="utf-8").splitlines() if folder else []
    return {_plain(name): version for name, _, version in (line.partition("==") for line in lines) if version}


def needed(first: list[str]) -> Iterator[tuple[str, str | None, bool]]:
    """Every package that is needed, by seglib or by one that it needs: name, installed version, does it fit?"""
    from packaging.requirements import Requirement

    waiting, seen = [(Requirement(text), frozenset[str]()) for text in first], set()
    installed = _distributions()
    while waiting:
        requirement, extras = waiting.pop(0)
        name, key = _plain(requirement.name), (requirement.name, str(requirement.specifier), *requirement.extras)
        if key in seen or not _applies(requirement, extras):
            continue
        seen.add(key)
        version = installed.get(name)
        yield name, version, version is not None and requirement.specifier.contains(version, prereleases=True)
        if version is not None:
            needs = metadata.requires(requirement.name) or []
            waiting += [(Requirement(text), frozenset(requirement.extras)) for text in needs]


def _applies(requirement: Requirement, extras: frozenset[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras or {""})


def _distributions() -> dict[str, str]:
    """Name and version of all that is installed; where a name is there twice, the first counts, as in an import."""
    found = [(_plain(item.name), item.version) for item in metadata.distributions() if item.name]
    return dict(reversed(found))


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _install() -> str:
    if checkout():
        return 'python -m pip install -c constraints.txt -e ".[test]"'
    return "install seglib again, as you did the first time"


def _broken(name: str, error: Exception) -> Finding:
    """Why a package cannot be imported, and what mends it."""
    text = " ".join(str(error).split())[:200]
    library = re.search(r"\b(lib[\w+-]+\.so[.\d]*)", text)
    if isinstance(error, ModuleNotFoundError) and error.name == MODULES.get(name, name):
        return problem(f"{name} is not installed", _install())
    if library and "cannot open shared object" in text and sys.platform == "linux":
        return problem(f"{name} needs {library[1]}, a library that this system lacks", _system_library(library[1]))
    if "DLL load failed" in text:
        mend = 'install Microsoft\'s "Visual C++ Redistributable", then restart'
        return problem(f"{name} cannot be loaded: {text}", mend)
    again = f"python -m pip install --force-reinstall --no-deps {name}" + _pinned(name)
    return problem(f"{name} cannot be imported: {type(error).__name__}: {text}", again)


def _pinned(name: str) -> str:
    pin = _pins().get(_plain(name))
    return f"=={pin}" if pin else ""


def _system_library(library: str) -> str:
    names = next((names for start, names in _LIBRARIES.items() if library.startswith(start)), None)
    sudo = "" if hasattr(os, "geteuid") and os.geteuid() == 0 else "sudo "
    for column, (program, command) in enumerate(_INSTALLERS.items()):
        if names and shutil.which(program):
            both = _LIBRARIES["libg"][column] if library.startswith("libGL") else ""  # OpenCV needs both
            return f"{sudo}{command} {names[column]} {both}".rstrip()
    return f"install the package of your system that holds {library}, or ask whoever runs this server"
