"""Checks of the models: whether their weights are undamaged, and how fast the embedded one is."""

from __future__ import annotations

import hashlib
import os
import re
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from seglib.cli.doctor.report import Finding, ok, problem, warning
from seglib.predict.weights import DATA, cache_folder, is_offline

SUMS = DATA / "SHA256SUMS"  # of every file in seglib/data, written by recipes/checksums.py
READ_SECONDS = 3.0  # for reading weights, however slow the disk is
SLOW = 100.0  # milliseconds per frame, above which live video stutters
_NAME = re.compile(r"(?:deeplabv3|fcn|lraspp)\w*-([0-9a-f]{8,64})\.pth")


def check_weights() -> Finding:
    """Compare the files of seglib and the downloaded weights with their checksums."""
    damaged = [name for name, digest in checksums() if _sha256(DATA / name) != digest]
    if damaged:
        fix = f"install seglib again; in a checkout: git restore {' '.join(f'seglib/data/{name}' for name in damaged)}"
        return problem(f"damaged or missing in {DATA}: {', '.join(damaged)}", fix)
    if is_offline():
        return ok("embedded: undamaged; others are not used, since SEGLIB_OFFLINE is set")
    shared = os.environ.get("SEGLIB_WEIGHTS")
    if shared and not Path(shared).expanduser().is_dir():
        return warning(f"SEGLIB_WEIGHTS names {shared}, which is not a folder", "set it to a folder, or unset it")
    good, bad, unread = _downloaded()
    found = f"embedded: undamaged; others: {len(good)} undamaged" + (f", {len(unread)} not read" if unread else "")
    if bad:
        name = bad[0].name.partition("_coco")[0]
        return warning(f"{found}; damaged: {', '.join(map(str, bad))}", f"python -m seglib fetch {name}")
    return ok(found if good or unread else "embedded: undamaged; others: none yet, and none is needed")


def undamaged_weights() -> list[Path]:
    """The weights in the shared folder and in the cache that match the hashes in their names."""
    return list({path.name: path for path in _weights_files() if _is_undamaged(path)}.values())


def check_speed() -> Finding:
    """Time the embedded model on the recorded frame: the median of the runs within a second."""
    try:
        from seglib.predict import load_model
        from seglib.samples import sample_frame
    except Exception as error:  # a broken package has a finding of its own
        return warning(f"not measured: {type(error).__name__}: {error}", "see above")
    model, frame = load_model(progress=False), sample_frame()
    times: list[float] = []
    for _ in range(3):  # the first runs also allocate memory
        model.mask(frame)
    while sum(times) < 1 and len(times) < 30:
        start = time.perf_counter()
        model.mask(frame)
        times.append(time.perf_counter() - start)
    milliseconds = 1000 * statistics.median(times)
    found = f"portrait takes {milliseconds:.0f} ms for a frame of 640×480 with {model.runtime} on {model.device}"
    if milliseconds > SLOW:
        fix = "close other programs; load_model(size=160) is faster and coarser"
        return warning(f"{found}: live video will stutter", fix)
    return ok(found)


def checksums() -> Iterator[tuple[str, str]]:
    """Name and SHA-256 of every file in seglib/data, as it should be."""
    for line in SUMS.read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        yield name, digest


def _downloaded() -> tuple[list[Path], list[Path], list[Path]]:
    """Weights in the shared folder and in the cache: undamaged, damaged, and not read in time."""
    good: list[Path] = []
    bad: list[Path] = []
    unread: list[Path] = []
    start = time.monotonic()
    for path in _weights_files():
        if time.monotonic() - start > READ_SECONDS:
            unread.append(path)
        else:
            (good if _is_undamaged(path) else bad).append(path)
    return good, bad, unread


def _weights_files() -> Iterator[Path]:
    shared = os.environ.get("SEGLIB_WEIGHTS")
    for folder in (Path(shared).expanduser() if shared else None, cache_folder()):
        if folder and folder.is_dir():
            yield from sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def _is_undamaged(path: Path) -> bool:
    match = _NAME.fullmatch(path.name)
    return bool(match and (_sha256(path) or "").startswith(match[1]))


def _sha256(path: Path) -> str | None:
    """The hash of a file; None if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
