"""Checks of devices that seglib can use but does not need: graphics cards and cameras."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from seglib.cli.doctor.report import Finding, ok, warning

DEV, PROC, SYS = Path("/dev"), Path("/proc"), Path("/sys/class/video4linux")
SIZES = ((640, 480), (1280, 720), (1920, 1080))  # requested from a camera, which takes the nearest that it supports
_SERVERS = ("JUPYTERHUB_USER", "BINDER_SERVICE_HOST", "COLAB_RELEASE_TAG")
_LISTERS = {
    "darwin": ["system_profiler", "-json", "SPCameraDataType"],
    "win32": [
        *("powershell", "-NoProfile", "-Command"),
        "Get-CimInstance Win32_PnPEntity -Filter \"PNPClass='Camera' OR PNPClass='Image'\" | % Name",
    ],
}


def check_gpu() -> Finding:
    """Check for a graphics card by computing on it in PyTorch."""
    try:
        import torch
    except Exception:
        return warning("not checked, because PyTorch cannot be imported", "see PyTorch above")
    if torch.cuda.is_available():
        card = torch.cuda.get_device_properties(0)
        return _compute(f"{card.name}, {card.total_memory / 1e9:.0f} GB", "cuda", "CUDA_VISIBLE_DEVICES= hides it")
    if torch.backends.mps.is_available():
        return _compute("Apple's (MPS)", "mps", "PYTORCH_ENABLE_MPS_FALLBACK=1 lets the CPU run what the GPU cannot")
    if name := _nvidia_card():
        build = f"PyTorch {torch.__version__} is a CPU build"
        why = build if torch.version.cuda is None else "its driver may be too old"
        fix = "not needed; if you want it, see https://pytorch.org/get-started/locally/ and update the driver"
        return warning(f"{name} is there, but PyTorch cannot use it: {why}", fix)
    return ok("none, and none is needed")


def _compute(found: str, device: str, fix: str) -> Finding:
    """Run the operations of a segmentation network on a device: convolution, resizing, argmax."""
    import torch
    from torch.nn import functional

    try:
        frames, kernel = torch.ones(1, 3, 8, 8, device=device), torch.ones(2, 3, 3, 3, device=device)
        logits = functional.conv2d(frames, kernel)
        functional.interpolate(logits, size=(8, 8), mode="bilinear", align_corners=False).argmax(1).sum().item()
    except RuntimeError as error:  # NotImplementedError, of an operation that the device lacks, is one of them
        return warning(f"{found}, but it cannot compute: {str(error).splitlines()[0]}", fix)
    return ok(f"{found}, works with PyTorch")


def check_cameras() -> Finding:
    """List the cameras, and the programs that hold them, without opening any."""
    server = next((name for name in _SERVERS if name in os.environ), None)
    if server:
        return ok("this Python runs on a server, which has none; to use your own, allow it in the browser")
    if sys.platform != "linux":
        names = _listed_by_system()
        return ok(f"{', '.join(names)} (not opened; --camera tries them)" if names else _NONE)
    if not video_devices():
        return ok(_NONE)
    return _first_fault() or ok(f"{_camera_names()} (not opened; --camera tries them)")


_NONE = "none found, and none is needed: everything works on the recorded clip"


def try_cameras() -> Finding:
    """Open every camera, read a picture, and release the camera."""
    chosen = os.environ.get("SEGLIB_SOURCE", "")
    if chosen:
        return warning(f"not opened, because SEGLIB_SOURCE is {chosen!r}", "unset SEGLIB_SOURCE")
    numbers = video_devices() if sys.platform == "linux" else range(max(1, len(_listed_by_system())))
    if not numbers:
        return ok(_NONE)
    found, faults = [], []
    for number in numbers:
        text, fix = _try_camera(number)
        found.append(text)
        faults += [fix] * bool(fix)
    return warning("; ".join(found), faults[0]) if faults else ok("; ".join(found))


def video_devices() -> list[int]:
    """Numbers of the cameras that Linux lists. A webcam has a second device, which gives no pictures."""
    numbers = sorted(int(path.name[5:]) for path in DEV.glob("video*") if path.name[5:].isdecimal())
    return [number for number in numbers if _read(SYS / f"video{number}" / "index") in ("", "0")]


def holders(device: Path) -> list[str]:
    """The programs of this user that hold a device open, as in "zoom (process 1234)"."""
    names = []
    for process in PROC.iterdir():
        if process.name.isdecimal() and int(process.name) != os.getpid() and _holds(process, device):
            names.append(f"{_read(process / 'comm')} (process {process.name})")
    return names


def _holds(process: Path, device: Path) -> bool:
    try:
        return any(os.path.realpath(link) == os.path.realpath(device) for link in (process / "fd").iterdir())
    except OSError:  # it belongs to another user, or has just ended
        return False


def _first_fault() -> Finding | None:
    for number in video_devices():
        device = DEV / f"video{number}"
        if held := holders(device):
            return warning(f"{_camera_names()}; {device} is held by {', '.join(held)}", "close that program")
        if not os.access(device, os.R_OK | os.W_OK):
            fix = "sudo usermod -aG video $USER, then log in again"
            return warning(f"{_camera_names()}; you may not use {device}", fix)
    return None


def _camera_names() -> str:
    names = [(number, _read(SYS / f"video{number}" / "name")) for number in video_devices()]
    return ", ".join(f"{number}: {name or 'camera'}" for number, name in names)


def _try_camera(number: int) -> tuple[str, str]:
    """What a camera gives, and how to fix it if that is not a picture; "" if it is."""
    import cv2

    from seglib.capture.camera import start_camera
    from seglib.errors import CameraUnavailable

    try:
        camera, first = start_camera(number, size=None)
    except CameraUnavailable as error:
        held = holders(DEV / f"video{number}") if sys.platform == "linux" else []
        what, fix = str(error).splitlines()[:2]
        return (f"{what} It is held by {', '.join(held)}.", "close that program") if held else (what, fix)
    try:
        sizes = {first.shape[1::-1]} if first is not None else set()
        for width, height in SIZES:
            camera.set(cv2.CAP_PROP_FRAME_WIDTH, width)
            camera.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
            sizes.add((int(camera.get(cv2.CAP_PROP_FRAME_WIDTH)), int(camera.get(cv2.CAP_PROP_FRAME_HEIGHT))))
        sizes.discard((0, 0))  # of a driver that reports no size
    finally:
        camera.release()
    found = f"camera {number} gives " + ", ".join(f"{width}×{height}" for width, height in sorted(sizes))
    if first is not None and first.max() < 16:  # of 255: only the noise of the sensor
        return f"{found}, but the picture is black", "open its cover, or switch it on"
    return found, ""


def _listed_by_system() -> list[str]:
    """Names of the cameras on macOS and Windows, from a tool of the system, which opens none."""
    try:
        done = subprocess.run(_LISTERS[sys.platform], capture_output=True, timeout=10, check=True, text=True)
        if sys.platform == "darwin":
            return [str(camera["_name"]) for camera in json.loads(done.stdout)["SPCameraDataType"]]
    except (OSError, KeyError, ValueError, subprocess.SubprocessError):
        return []
    return done.stdout.split("\n")[:-1]


def _nvidia_card() -> str:
    """The name of NVIDIA's card, "" if there is none."""
    program = shutil.which("nvidia-smi")
    if not program:
        return ""
    try:
        query = [program, "--query-gpu=name", "--format=csv,noheader"]
        return subprocess.run(query, capture_output=True, timeout=10, check=True, text=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
