"""Checks of the devices that seglib can use and needs none of: graphics cards and cameras."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from seglib.cli.doctor.report import Finding, ok, warning

DEV, PROC, SYS = Path("/dev"), Path("/proc"), Path("/sys/class/video4linux")
SIZES = ((640, 480), (1280, 720), (1920, 1080))  # what to ask a camera for; it gives the nearest that it has
_SERVERS = ("JUPYTERHUB_USER", "BINDER_SERVICE_HOST", "COLAB_RELEASE_TAG")
_LISTERS = {
    "darwin": ["system_profiler", "-json", "SPCameraDataType"],
    "win32": [
        *("powershell", "-NoProfile", "-Command"),
        "Get-CimInstance Win32_PnPEntity -Filter \"PNPClass='Camera' OR PNPClass='Image'\" | % Name",
    ],
}


def check_gpu() -> Finding:
    """A graphics card that PyTorch can use: tried, not only counted."""
    try:
        import torch
    except Exception:
        return warning("not checked, since PyTorch cannot be imported", "see PyTorch above")
    if torch.cuda.is_available():
        card = torch.cuda.get_device_properties(0)
        found = f"{card.name}, {card.total_memory / 1e9:.0f} GB"
        try:
            torch.ones(8, 8, device="cuda").matmul(torch.ones(8, 8, device="cuda")).sum().item()
        except RuntimeError as error:
            first = str(error).splitlines()[0]
            return warning(f"{found}, but it cannot compute: {first}", "CUDA_VISIBLE_DEVICES= hides it from seglib")
        return ok(f"{found}, works with PyTorch")
    if torch.backends.mps.is_available():
        return ok("Apple's, works with PyTorch (MPS)")
    card_name = _nvidia()
    if card_name:
        why = (
            f"PyTorch {torch.__version__} is a CPU build" if torch.version.cuda is None else "its driver may be too old"
        )
        mend = "not needed; if you want it, see https://pytorch.org/get-started/locally/ and update the driver"
        return warning(f"{card_name} is there, but PyTorch cannot use it: {why}", mend)
    return ok("none, and none is needed")


def check_cameras() -> Finding:
    """Which cameras the system lists, and who holds them. Opens none."""
    server = next((name for name in _SERVERS if name in os.environ), None)
    if server:
        return ok("this Python runs on a server, which has none; the camera of your browser is yours to allow there")
    if sys.platform != "linux":
        names = _listed()
        return ok(f"{', '.join(names)} (not opened; --camera tries them)" if names else _NONE)
    if not video_devices():
        return ok(_NONE)
    return _first_fault() or ok(f"{_named()} (not opened; --camera tries them)")


_NONE = "none found, and none is needed: everything works on the recorded clip"


def try_cameras() -> Finding:
    """Open every camera, read a picture, and let go of it again."""
    chosen = os.environ.get("SEGLIB_SOURCE", "")
    if chosen:
        return warning(f"not opened, since SEGLIB_SOURCE is {chosen!r}", "unset SEGLIB_SOURCE")
    numbers = video_devices() if sys.platform == "linux" else range(max(1, len(_listed())))
    if not numbers:
        return ok(_NONE)
    found, faults = [], []
    for number in numbers:
        text, mend = _try(number)
        found.append(text)
        faults += [mend] * bool(mend)
    return warning("; ".join(found), faults[0]) if faults else ok("; ".join(found))


def video_devices() -> list[int]:
    """Numbers of the cameras that Linux lists. A webcam has a second device, which gives no pictures."""
    numbers = sorted(int(path.name[5:]) for path in DEV.glob("video*") if path.name[5:].isdecimal())
    return [number for number in numbers if _read(SYS / f"video{number}" / "index") in ("", "0")]


def holders(device: Path) -> list[str]:
    """The programs that hold a device open, as far as this user may see them: "zoom (process 1234)"."""
    names = []
    for process in PROC.iterdir():
        if process.name.isdecimal() and int(process.name) != os.getpid() and _holds(process, device):
            names.append(f"{_read(process / 'comm')} (process {process.name})")
    return names


def _holds(process: Path, device: Path) -> bool:
    try:
        return any(os.path.realpath(link) == os.path.realpath(device) for link in (process / "fd").iterdir())
    except OSError:  # another user's, or it has just ended
        return False


def _first_fault() -> Finding | None:
    for number in video_devices():
        device = DEV / f"video{number}"
        if held := holders(device):
            return warning(f"{_named()}; {device} is held by {', '.join(held)}", "close that program")
        if not os.access(device, os.R_OK | os.W_OK):
            return warning(f"{_named()}; you may not use {device}", "sudo usermod -aG video $USER, then log in again")
    return None


def _named() -> str:
    names = [(number, _read(SYS / f"video{number}" / "name")) for number in video_devices()]
    return ", ".join(f"{number}: {name or 'camera'}" for number, name in names)


def _try(number: int) -> tuple[str, str]:
    """What a camera gives, and what to do if that is not a picture."""
    import cv2

    from seglib.capture.camera import start_camera
    from seglib.errors import CameraUnavailable

    try:
        camera, first = start_camera(number)
    except CameraUnavailable as error:
        held = holders(DEV / f"video{number}") if sys.platform == "linux" else []
        what, mend = str(error).splitlines()[:2]
        return (f"{what} It is held by {', '.join(held)}.", "close that program") if held else (what, mend)
    try:
        sizes = {first.shape[1::-1]} if first is not None else set()
        for width, height in SIZES:
            camera.set(cv2.CAP_PROP_FRAME_WIDTH, width)
            camera.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
            sizes.add((int(camera.get(cv2.CAP_PROP_FRAME_WIDTH)), int(camera.get(cv2.CAP_PROP_FRAME_HEIGHT))))
        sizes.discard((0, 0))  # a driver that does not say
    finally:
        camera.release()
    found = f"camera {number} gives " + ", ".join(f"{width}×{height}" for width, height in sorted(sizes))
    if first is not None and first.max() < 16:  # of 255: nothing but the noise of the sensor
        return f"{found}, but the picture is black", "open its cover, or the switch that turns it off"
    return found, ""


def _listed() -> list[str]:
    """Names of the cameras on macOS and Windows, by the system's own tool, which opens none."""
    try:
        done = subprocess.run(_LISTERS[sys.platform], capture_output=True, timeout=10, check=True, text=True)
        if sys.platform == "darwin":
            return [str(camera["_name"]) for camera in json.loads(done.stdout)["SPCameraDataType"]]
    except (OSError, KeyError, ValueError, subprocess.SubprocessError):
        return []
    return done.stdout.split("\n")[:-1]


def _nvidia() -> str:
    """What NVIDIA's own tool calls its card, "" if there is none."""
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
