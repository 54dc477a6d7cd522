"""Checks of the packages: their versions, whether they can be imported, and whether notebooks find them."""

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
from seglib.cli.plural import plural

if TYPE_CHECKING:
    from packaging.requirements import Requirement

ROOT = Path(seglib.__file__).parents[1]
MODULES = {"opencv-python": "cv2", "Pillow": "PIL"}  # packages that are imported by another name
CHECKED = ("opencv-python", "torch", "torchvision", "openvino")  # these have checks of their own
SERVERS = ("jupyterlab", "ipykernel")  # these run in other processes

# Libraries of the system, and the packages that contain them on Debian and Ubuntu, Fedora, and Arch.
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
    """Compare the versions of all packages that seglib needs, directly or not, with constraints.txt."""
    pins = pinned_versions()
    found = {name: (version, fits) for name, version, fits in requirements(dependencies())}
    missing = [name for name, (version, _) in found.items() if version is None]
    unfit = [f"{name} {version}" for name, (version, fits) in found.items() if version and not fits]
    if missing or unfit:
        faults = ["missing: " + ", ".join(missing)] * bool(missing) + ["do not fit: " + ", ".join(unfit)] * bool(unfit)
        return problem("; ".join(faults), install_command())
    twins = [name for name in _distributions() if name.startswith("opencv-") and name != "opencv-python"]
    if twins:
        command = f"python -m pip uninstall -y opencv-python {' '.join(twins)}, then {install_command()}"
        return warning(f"{', '.join(twins)} overwrites files of opencv-python", command)
    if not pins:
        return ok(f"{len(found)} packages, none is missing; there is no constraints.txt to compare their versions with")
    other = [
        f"{name} {version} ({pins[name]} there)"
        for name, (version, _) in found.items()
        if name in pins and version and version.partition("+")[0] != pins[name]  # "+cpu" is a build, not a version
    ]
    if other:
        more = f" and {len(other) - 5} more" if len(other) > 5 else ""
        return warning(f"other versions than in constraints.txt: {', '.join(other[:5])}{more}", install_command())
    return ok(f"{len(found)}, all in the versions of constraints.txt")


def check_opencv() -> Finding:
    """Import OpenCV, with the libraries of the system that it loads."""
    try:
        cv2 = import_module("cv2")
        import_module("numpy").zeros(1)
        version = cv2.__version__
    except Exception as error:
        return import_problem("opencv-python", error)
    return ok(f"{version}, with the display libraries that it needs")


def check_torch() -> Finding:
    """Import PyTorch and torchvision, and check that they use the instructions of this processor."""
    for name in ("torch", "torchvision"):
        try:
            import_module(name)
        except Exception as error:
            return import_problem(name, error)
    import torch
    import torchvision

    capability = torch.backends.cpu.get_cpu_capability()
    threads = plural(torch.get_num_threads(), "thread")
    found = f"{torch.__version__}, torchvision {torchvision.__version__}, {threads}, {capability}"
    if platform.machine().lower() in ("x86_64", "amd64") and capability in ("DEFAULT", "NO AVX"):
        return warning(f"{found}; with AVX2 models are several times as fast", "use a newer processor")
    return ok(found)


def check_openvino() -> Finding:
    """Import OpenVINO, which runs models faster on a CPU."""
    from seglib.predict.openvino_runtime import core, import_openvino

    try:
        version = import_openvino().__version__
        capabilities = core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    except Exception as error:
        broken = import_problem("openvino", error)
        return warning(f"{broken.found}; PyTorch runs the models, more slowly", broken.fix)
    types = sorted({"FP32", "BF16", "INT8"} & {*capabilities})
    return ok(f"{version.partition('-')[0]}, {', '.join(types)}")


def check_others() -> Finding:
    """Import every other package that seglib needs."""
    from packaging.requirements import Requirement

    names = [Requirement(text).name for text in dependencies()]
    names = [name for name in names if name not in (*CHECKED, *SERVERS)]
    for name in names:
        try:
            import_module(_module_of(name))
        except Exception as error:
            return import_problem(name, error)
    return ok(", ".join(names))


def check_kernel() -> Finding:
    """Check which Python runs the cells of a notebook, in the kernel "python3" that JupyterLab starts."""
    from jupyter_client.kernelspec import KernelSpecManager

    spec = KernelSpecManager().get_kernel_spec("python3")
    program = Path(spec.argv[0])
    # The python of a virtual environment is a link, so compare folders. "python" alone is the one of JupyterLab.
    if not program.is_absolute() or program.parent == Path(sys.executable).parent:
        return ok("notebooks run in this Python")
    if not program.exists():
        return problem(f"the kernel 'python3' is {program}, which is gone ({spec.resource_dir})", _KERNEL)
    return warning(f"notebooks run in another Python, {program} ({spec.resource_dir})", _KERNEL)


_KERNEL = "python -m ipykernel install --sys-prefix --name python3"


def check_widget_files() -> Finding:
    """Check for the files of ipywidgets and anywidget that JupyterLab sends to the page."""
    from jupyter_core.paths import jupyter_path

    parts = ("@jupyter-widgets/jupyterlab-manager", "anywidget")
    missing = [part for part in parts if not any(Path(path, part).is_dir() for path in jupyter_path("labextensions"))]
    if missing:
        command = "python -m pip install --force-reinstall --no-deps ipywidgets jupyterlab_widgets anywidget"
        return warning(f"JupyterLab lacks {', '.join(missing)}", command)
    return ok("installed; seglib.check_machine() in a notebook also checks its page")


def dependencies() -> list[str]:
    """The requirements of seglib, as pip writes them; in a checkout those of pyproject.toml, which may be newer."""
    folder = checkout()
    if folder:
        return list(tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"])
    return [text for text in metadata.requires("seglib") or [] if "extra ==" not in text]


def pinned_versions() -> dict[str, str]:
    """The versions in constraints.txt by name; empty outside a checkout."""
    folder = checkout()
    lines = (folder / "constraints.txt").read_text(encoding="utf-8").splitlines() if folder else []
    return {normalized(name): version for name, _, version in (line.partition("==") for line in lines) if version}


def requirements(direct: list[str]) -> Iterator[tuple[str, str | None, bool]]:
    """The direct requirements and what these require: name, installed version, and whether that fits."""
    from packaging.requirements import Requirement

    waiting, seen = [(Requirement(text), frozenset[str]()) for text in direct], set()
    installed = _distributions()
    while waiting:
        requirement, extras = waiting.pop(0)
        name, key = normalized(requirement.name), (requirement.name, str(requirement.specifier), *requirement.extras)
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
    """Name and version of every installed package; of two with one name the first, which is imported."""
    found = [(normalized(item.name), item.version) for item in metadata.distributions() if item.name]
    return dict(reversed(found))


def normalized(name: str) -> str:
    """The name of a package as PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def install_command() -> str:
    """What installs the packages again."""
    if checkout():
        return 'python -m pip install -c constraints.txt -e ".[test]"'
    return "install seglib again, in the same way as before"


def import_problem(name: str, error: Exception) -> Finding:
    """Why a package cannot be imported, and how to fix it."""
    text = " ".join(str(error).split())[:200]
    library = re.search(r"\b(lib[\w+-]+\.so[.\d]*)", text)
    if isinstance(error, ModuleNotFoundError) and error.name == _module_of(name):
        return problem(f"{name} is not installed", install_command())
    if library and "cannot open shared object" in text and sys.platform == "linux":
        return problem(f"{name} needs {library[1]}, a library that this system lacks", library_package(library[1]))
    if "DLL load failed" in text:
        fix = 'install Microsoft\'s "Visual C++ Redistributable", then restart'
        return problem(f"{name} cannot be loaded: {text}", fix)
    pin = pinned_versions().get(normalized(name))
    again = f"python -m pip install --force-reinstall --no-deps {name}" + (f"=={pin}" if pin else "")
    return problem(f"{name} cannot be imported: {type(error).__name__}: {text}", again)


def _module_of(package: str) -> str:
    return MODULES.get(package, package.replace("-", "_"))


def library_package(library: str) -> str:
    """The command that installs a library of the system."""
    names = next((names for start, names in _LIBRARIES.items() if library.startswith(start)), None)
    sudo = "" if hasattr(os, "geteuid") and os.geteuid() == 0 else "sudo "
    for column, (program, command) in enumerate(_INSTALLERS.items()):
        if names and shutil.which(program):
            both = _LIBRARIES["libg"][column] if library.startswith("libGL") else ""  # OpenCV needs both
            return f"{sudo}{command} {names[column]} {both}".rstrip()
    return f"install the package of your system that contains {library}, or ask the administrator of this server"
