"""Open a camera within a deadline, or say why it is unavailable and what to do.

A camera can be missing, busy or forbidden, and some drivers then hang for ten seconds or more. So the driver is called
in a thread that is abandoned after the deadline. By default many cameras give 640 × 480 uncompressed pixels, and few of
them a second; so a larger size is asked for, compressed as Motion JPEG.
"""

import os
import queue
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np

from seglib.arrays import Frame
from seglib.errors import CameraUnavailable

# OpenCV reads both when it opens the first camera. Windows: the search for hardware transforms takes up to a minute.
# macOS: OpenCV's own request for permission works in the main thread only; opening the camera makes macOS ask as well.
os.environ.setdefault("OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS", "0")
os.environ.setdefault("OPENCV_AVFOUNDATION_SKIP_AUTH", "1")

# Seconds until a camera must have given its first frame. Windows' drivers start slowly.
DEADLINE = 4.8 if sys.platform == "win32" else 1.8

SIZE = (1280, 720)  # that is asked for

Started = tuple[cv2.VideoCapture, Frame | None]


def start_camera(number: int, size: tuple[int, int] | None = SIZE) -> Started:
    """Open a camera and read its first frame.

    Parameters
    ----------
    number
        Of the camera, from 0.
    size
        (width, height) to ask for; the driver takes the nearest that it has. None leaves size and format to it.

    Returns
    -------
    tuple
        The open camera and its first frame, BGR as OpenCV gives it.

    Raises
    ------
    CameraUnavailable
        After DEADLINE seconds at the latest.
    ValueError
        For a number below 0, or a size that is none.
    """
    if number < 0:  # OpenCV 5 crashes the whole process on it
        raise ValueError(f"camera number is {number}, but cameras count from 0")
    if size is not None and not (isinstance(size, Sequence) and len(size) == 2 and all(n > 0 for n in size)):
        raise ValueError(f"camera_size is {size!r}, but must be (width, height) in pixels, such as (640, 480), or None")
    results: queue.Queue[Started] = queue.Queue()
    timed_out = threading.Event()

    def call_driver() -> None:
        results.put(_open(number, size))
        if timed_out.is_set():
            _release(results)

    threading.Thread(target=call_driver, name=f"open camera {number}", daemon=True).start()
    try:
        camera, first = results.get(timeout=DEADLINE)
    except queue.Empty:
        timed_out.set()
        _release(results)  # if it arrived at the last moment
        raise _unavailable(number, f"gave no frame in {DEADLINE} seconds") from None
    if first is None:
        camera.release()
        raise _unavailable(number, "could not be opened")
    return camera, first


def on_a_hub() -> bool:
    """Whether Python seems to run on another machine than the user's browser."""
    return any(name in os.environ for name in ("JUPYTERHUB_USER", "BINDER_SERVICE_HOST", "COLAB_RELEASE_TAG"))


def _open(number: int, size: tuple[int, int] | None) -> Started:
    # OpenCV tries several drivers and logs an error for each; our message says it once.
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        for backend in [cv2.CAP_MSMF, cv2.CAP_DSHOW] if sys.platform == "win32" else [cv2.CAP_ANY]:
            for asked in dict.fromkeys([size, None]):  # a driver may agree to a size, and then give no frame
                camera = cv2.VideoCapture(number, backend)
                if not camera.isOpened():
                    break
                _ask(camera, asked)
                ok, first = camera.read()
                if ok and first is not None:
                    return camera, np.asarray(first, np.uint8)
                camera.release()
    finally:
        cv2.utils.logging.setLogLevel(level)
    return camera, None


def _ask(camera: cv2.VideoCapture, size: tuple[int, int] | None) -> None:
    """Ask for a size in Motion JPEG; the format first, since it decides which sizes there are."""
    if size is not None:
        camera.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        camera.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
        camera.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])


def _release(results: "queue.Queue[Started]") -> None:
    with suppress(queue.Empty):
        results.get_nowait()[0].release()


def _unavailable(number: int, what: str) -> CameraUnavailable:
    """Make the error: its message is for anybody, its note for whoever writes code."""
    error = CameraUnavailable(f"camera {number} {what}.\n{_advice(number)}")
    if on_a_hub():
        error.add_note("Your browser's camera: seglib.Live(source='browser'), or open_source('browser').")
    error.add_note("Without a camera: open_source('clip') plays the recorded clip.")
    return error


def _advice(number: int) -> str:
    """The likeliest cause on this machine, and the next step."""
    if on_a_hub():
        return (
            "Python runs on another machine than your browser, and that machine has no camera. "
            "Use your browser's camera instead."
        )
    if sys.platform == "linux":
        return _linux_advice(number)
    if sys.platform == "darwin":
        return (
            "If macOS asks whether your terminal may use the camera, allow it and start the camera again. If it does "
            "not ask, allow it in System Settings, Privacy & Security, Camera, then start your terminal again."
        )
    return "Close other programs that use the camera, and allow desktop apps in Settings, Privacy, Camera."


def _linux_advice(number: int) -> str:
    device = Path(f"/dev/video{number}")
    if not device.exists():
        there = sorted(int(p.name[5:]) for p in Path("/dev").glob("video*") if p.name[5:].isdecimal())
        return f"There is no {device}. " + (f"Try camera {there[0]}." if there else "No camera is plugged in.")
    if not os.access(device, os.R_OK | os.W_OK):
        return f"You may not use {device}: run 'sudo usermod -aG video $USER', then log out and in again."
    return "Another program may be using it: close video calls and other notebooks, or try another camera number."
