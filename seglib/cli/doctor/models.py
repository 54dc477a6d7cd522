"""Checks of the models: are their weights true, and how fast is the embedded one?"""

from __future__ import annotations

import hashlib
import os
import re
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from seglib.cli.doctor.report import Finding, ok, problem, warning
from seglib.predict.weights import EMBEDDED, cache_folder, is_offline

SUMS = EMBEDDED.parent / "SHA256SUMS"  # of every file that seglib brings along, made by recipes/checksums.py
PATIENCE = 3.0  # seconds for reading weights; a slow disk should not make the doctor slow
SLOW = 100.0  # milliseconds a frame above which live video is no fun
_NAME = re.compile(r"(?:deeplabv3|fcn|lraspp)\w*-([0-9a-f]{8,64})\.pth")


def check_weights() -> Finding:
    """Are the files that seglib brings along, and the weights that were downloaded, what they should be?"""
    broken = [name for name, digest in _promised() if _sha256(EMBEDDED.parent / name) != digest]
    if broken:
        mend = f"install seglib again; in a checkout: git restore {' '.join(f'seglib/data/{name}' for name in broken)}"
        return problem(f"damaged or missing in {EMBEDDED.parent}: {', '.join(broken)}", mend)
    if is_offline():
        return ok("the embedded ones are whole; SEGLIB_OFFLINE is set, so others are not used")
    shared = os.environ.get("SEGLIB_WEIGHTS")
    if shared and not Path(shared).expanduser().is_dir():
        return warning(f"SEGLIB_WEIGHTS names {shared}, which is no folder", "set it to the right one, or unset it")
    true, false, unread = _downloaded()
    found = f"embedded: whole; others: {_count(true, 'whole')}" + (f", {_count(unread, 'not read')}" if unread else "")
    if false:
        name = false[0].name.partition("_coco")[0]
        return warning(f"{found}; damaged: {', '.join(map(str, false))}", f"python -m seglib fetch {name}")
    return ok(found if true or unread else "embedded: whole; others: none yet, and none is needed")


def true_weights() -> list[Path]:
    """The weights in the shared folder and in the cache that are what their names say, however long it takes."""
    found = {path.name: path for path in _weights_files() if (_sha256(path) or "").startswith(_hash_in(path))}
    return list(found.values())


def check_speed() -> Finding:
    """How long the embedded model takes for a frame, on the recorded one: the median of a second's runs."""
    try:
        from seglib.predict import load_model
        from seglib.samples import sample_frame
    except Exception as error:  # a broken package has had its line already
        return warning(f"not measured: {type(error).__name__}: {error}", "see above")
    model, frame = load_model(progress=False), sample_frame()
    times: list[float] = []
    for _ in range(3):  # the first runs also prepare
        model.mask(frame)
    while sum(times) < 1 and len(times) < 30:
        start = time.perf_counter()
        model.mask(frame)
        times.append(time.perf_counter() - start)
    milliseconds = 1000 * statistics.median(times)
    how = getattr(model, "runtime", None) or "PyTorch"
    found = (
        f"portrait takes {milliseconds:.0f} ms for a frame of 640×480 with {how} on {getattr(model, 'device', 'cpu')}"
    )
    if milliseconds > SLOW:
        mend = "close other programs; load_model(size=160) is faster and coarser"
        return warning(f"{found}: live video will stutter", mend)
    return ok(found)


def _promised() -> Iterator[tuple[str, str]]:
    for line in SUMS.read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        yield name, digest


def _downloaded() -> tuple[list[Path], list[Path], list[Path]]:
    """Weights in the shared folder and in the cache: whole, damaged, and not read for want of time."""
    true: list[Path] = []
    false: list[Path] = []
    unread: list[Path] = []
    start = time.monotonic()
    for path in _weights_files():
        if time.monotonic() - start > PATIENCE:
            unread.append(path)
        else:
            whole = (_sha256(path) or "").startswith(_hash_in(path))
            (true if whole else false).append(path)
    return true, false, unread


def _weights_files() -> Iterator[Path]:
    shared = os.environ.get("SEGLIB_WEIGHTS")
    for folder in (Path(shared).expanduser() if shared else None, cache_folder()):
        if folder and folder.is_dir():
            yield from sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def _hash_in(path: Path) -> str:
    match = _NAME.fullmatch(path.name)
    return match[1] if match else "no hash in the name"


def _sha256(path: Path) -> str | None:
    """The file's hash; None if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _count(paths: list[Path], what: str) -> str:
    return f"{len(paths)} {what}"
