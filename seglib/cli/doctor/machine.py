"""Checks of the machine: Python, processor, memory, disk, and whether files can be written."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
from pathlib import Path

from seglib.cli.doctor.report import Finding, ok, problem, warning

OLDEST = (3, 11)
LITTLE_MEMORY = 1.5e9  # bytes; a kernel with the largest model of notebook 02 needs them
LITTLE_DISK = 1e9  # bytes; the weights of all models need them
TOO_LITTLE_DISK = 5e7  # bytes; the files that the notebooks write to out/ need them

CGROUP = Path("/sys/fs/cgroup")  # the limits of a Linux container
_CLOSE = "close other programs and notebooks (in JupyterLab: menu Kernel, Shut Down All Kernels…)"


def check_python() -> Finding:
    """Check the version of Python."""
    version = ".".join(map(str, sys.version_info[:3]))
    found = f"{version}, {platform.system()} {platform.machine()}, {sys.executable}"
    if sys.version_info[:2] < OLDEST:
        return problem(f"{found}; 3.11 or newer is needed", "install Python 3.11, then: make lab PYTHON=python3.11")
    if sys.maxsize < 2**32:
        return problem(f"{found}, 32 bit; PyTorch needs 64 bit", "install the 64-bit Python")
    return ok(found)


def check_processor() -> Finding:
    """Check how many cores this process may use, and whether other programs occupy them."""
    cores = usable_cores()
    found = f"{_processor_name()}, {cores:g} core{'s' * (cores != 1)} for this Python"
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > 2 * (os.cpu_count() or 1):
        return warning(f"{found}; other programs keep it busy (load {load:.1f})", _CLOSE)
    if cores < 2:
        return warning(f"{found}; live video will stutter", "on a server or virtual machine, ask for 2 cores")
    return ok(found)


def usable_cores() -> float:
    """The cores that this process may use; in a container with a limit, fewer than the machine has."""
    cores: float = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for folder in _cgroups():
        limit = re.match(r"(\d+) (\d+)", _read(folder / "cpu.max"))
        if limit:
            cores = min(cores, int(limit[1]) / int(limit[2]))
    return cores


def check_memory() -> Finding:
    """Check how much memory is free, of what this process may use."""
    import psutil

    memory = psutil.virtual_memory()
    free, total = memory.available, memory.total
    for folder in _cgroups():
        limit, used = _read(folder / "memory.max"), _read(folder / "memory.current")
        if limit.isdecimal() and used.isdecimal():
            # The file cache counts as used, but is freed when a program needs the memory.
            cache = re.search(r"^inactive_file (\d+)", _read(folder / "memory.stat"), re.MULTILINE)
            total = min(total, int(limit))
            free = min(free, int(limit) - int(used) + int(cache[1] if cache else 0))
    found = f"{free / 1e9:.1f} GB free of {total / 1e9:.1f} GB"
    if free < LITTLE_MEMORY:
        return warning(f"{found}; portrait works, the large models of notebook 02 may not", _CLOSE)
    return ok(found)


def check_disk() -> Finding:
    """Check the free space where files are written, and where downloads go."""
    from seglib.predict.weights import cache_folder, is_offline  # imported here: it needs packages that may be broken

    folders = {"here": Path.cwd()} | ({} if is_offline() else {"for downloads": existing(cache_folder())})
    free = {name: shutil.disk_usage(path).free for name, path in folders.items()}
    found = ", ".join(f"{room / 1e9:.1f} GB free {name}" for name, room in free.items())
    if free["here"] < TOO_LITTLE_DISK:
        return problem(f"{found}; the notebooks cannot save their files", "delete files that you do not need")
    if min(free.values()) < LITTLE_DISK:
        return warning(f"{found}; the weights of all models need {LITTLE_DISK / 1e9:g} GB", "free some disk space")
    return ok(found)


def check_writing() -> Finding:
    """Check that files can be written to out/ and to the cache, with a temporary file."""
    from seglib.predict.weights import cache_folder, is_offline  # imported here: it needs packages that may be broken

    out, cache = Path("out").absolute(), cache_folder()
    fault = _write_fault(out)
    if fault:
        return problem(f"nothing can be written to {out}: {fault}", "copy the project to a folder of your own")
    if is_offline():
        return ok(f"{out} (SEGLIB_OFFLINE is set: nothing is downloaded)")
    fault = _write_fault(cache)
    if fault:
        return warning(f"{out} is fine, but nothing can be downloaded to {cache}: {fault}", "set SEGLIB_CACHE=FOLDER")
    return ok(f"{out} and {cache}")


def existing(folder: Path) -> Path:
    """The folder, or its nearest parent that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def _write_fault(folder: Path) -> str:
    """Why no file can be written there; "" if it can."""
    try:
        with tempfile.TemporaryFile(dir=existing(folder)) as file:
            file.write(b"seglib")
    except OSError as error:
        return str(error.strerror or error)
    return ""


def _processor_name() -> str:
    """The name of the processor; on Linux platform.processor() is empty."""
    name = re.search(r"^model name\s*:\s*(.+)$", _read(Path("/proc/cpuinfo")), re.MULTILINE)
    return name[1] if name else platform.processor() or platform.machine()


def _cgroups() -> list[Path]:
    """The folders with the limits of this process: those of its control group, and of the container."""
    own = re.search(r"^0::/(.*)$", _read(Path("/proc/self/cgroup")), re.MULTILINE)
    return [CGROUP / own[1], CGROUP] if own and own[1] else [CGROUP]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
