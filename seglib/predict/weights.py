"""Where a model's weights come from: part of the package, found on this machine, or downloaded.

A weights file is used only after its SHA-256 was compared with the eight digits in its name
(``deeplabv3_resnet101_coco-586e9e4e.pth``), every time, wherever it lies. It is looked for in this order:

1. the folder that the environment variable SEGLIB_WEIGHTS names (a USB stick, a shared disk): only ever read
2. the cache: the folder that SEGLIB_CACHE names, else the usual one of the operating system
3. torch hub's own folder, for those who followed the article: only ever read
4. the internet, into the cache

SEGLIB_OFFLINE=1 turns all four off: then there are only the embedded weights, whatever this machine has.
"""

from __future__ import annotations

import hashlib
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from seglib._internal.atomic_files import AtomicFile
from seglib.errors import WeightsUnavailable

if TYPE_CHECKING:
    import torch

# Seconds to wait for a connection, and for the next byte: a slow download may go on, a stalled one may not.
TIMEOUT = (5.0, 15.0)

# What urllib3 and the operating system put into their messages for programs: HTTPSConnection(host=…): [Errno 111] …
_OBJECTS = re.compile(r"\bHTTPS?Connection(Pool)?\([^)]*\): |<[^>]*>: |\[Errno -?\d+\] ")

DATA = Path(__file__).parents[1] / "data"


def embedded_weights(name: str = "portrait") -> Path:
    """Return the weights file of an embedded model.

    Raises WeightsUnavailable if it is missing, or its length is not what its header says.
    """
    from safetensors import safe_open

    path = DATA / f"{name}.safetensors"
    try:
        with safe_open(path, framework="numpy"):
            return path
    except Exception as error:  # SafetensorError derives from Exception itself
        raise WeightsUnavailable(f"{path} is missing or damaged ({error}); reinstall seglib.") from error


def weights_file(url: str, *, download: bool = True, progress: bool = True, megabytes: float | None = None) -> Path:
    """Find a verified copy of a weights file on this machine, or else download one into the cache.

    Warns about every damaged copy that it meets; the cache's own is removed, nobody else's is touched.

    Parameters
    ----------
    url
        Its last part is the file's name, which ends in at least eight digits of the file's SHA-256.
    download
        False looks on this machine only.
    progress
        Show a progress bar on stderr while downloading.
    megabytes
        Size of the file, for the progress bar and error messages.

    Raises
    ------
    WeightsUnavailable
        Saying why, and how to get the file by hand.
    ValueError
        If the name has no hash.
    """
    remote = _RemoteFile.from_url(url, megabytes)
    if is_offline():
        raise remote.unavailable("SEGLIB_OFFLINE is set, which allows only what seglib ships; unset it")
    notes = []
    for path in remote.copies():
        fault = remote.fault(path)
        if fault is None:
            return path
        notes.append(f"{path} {fault}; {_discard(path)}")
        warnings.warn(notes[-1], stacklevel=2)
    if not download:
        raise remote.unavailable("it is not on this machine, and no download was asked for", notes)
    return _download(remote, progress, notes)


def read_state_dict(path: Path) -> dict[str, torch.Tensor]:
    """Read the tensors of a weights file, .safetensors or written by torch.save, to the CPU.

    Never runs code that the file contains: ``torch.load`` without ``weights_only`` would.
    Raises WeightsUnavailable naming the file if it is damaged or holds anything but named tensors.
    """
    import torch
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, weights_only=True, map_location="cpu")
    except UnpicklingError as error:  # torch's own text shows the reader how to load the file unsafely
        raise WeightsUnavailable(f"{path} is damaged, or holds objects that may run code; refused") from error
    except Exception as error:  # a damaged file ends in any of a dozen types
        raise WeightsUnavailable(f"{path} cannot be read as weights: {error}") from error
    if isinstance(state, dict) and all(isinstance(value, torch.Tensor) for value in state.values()):
        return state
    raise WeightsUnavailable(f"{path} holds a {type(state).__name__} not a dict of named tensors")


def is_offline() -> bool:
    """Return whether SEGLIB_OFFLINE forbids downloads and caches."""
    return os.environ.get("SEGLIB_OFFLINE", "").lower() not in ("", "0", "false")


def cache_folder() -> Path:
    """Return the folder that downloads go to; it may not exist yet."""
    import pooch

    return _folder_from("SEGLIB_CACHE") or pooch.os_cache("seglib")


def _folder_from(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(value).expanduser().absolute() if value else None


def _hub_folder() -> Path:
    """Where torch.hub keeps downloads, computed as torch does, which takes seconds to import."""
    home = _folder_from("TORCH_HOME") or (_folder_from("XDG_CACHE_HOME") or Path.home() / ".cache") / "torch"
    return home / "hub" / "checkpoints"


@dataclass(frozen=True)
class _RemoteFile:
    """A published weights file: its name, its hash, and the error that says how to get it by hand."""

    url: str
    name: str
    sha256: str  # its first digits
    megabytes: float | None

    @classmethod
    def from_url(cls, url: str, megabytes: float | None) -> _RemoteFile:
        name = urlsplit(url).path.rpartition("/")[2]
        match = re.fullmatch(r"[\w.-]*-([0-9a-f]{8,64})\.\w+", name)
        if not match:
            raise ValueError(f"{url!r} does not end like 'name-0123abcd.pth', so its hash cannot be checked")
        return cls(url, name, match[1], megabytes)

    def copies(self) -> Iterator[Path]:
        """List the files of this name on this machine, the best place first."""
        for folder in (_folder_from("SEGLIB_WEIGHTS"), cache_folder(), _hub_folder()):
            if folder and os.path.exists(folder / self.name):
                yield folder / self.name

    def fault(self, path: Path) -> str | None:
        """Return what is wrong with the copy at this path, in words; None if it is the published file."""
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                size = file.tell()
        except OSError as error:
            return f"cannot be read ({error.strerror})"
        if digest.startswith(self.sha256):
            return None
        return f"is damaged ({size:,} bytes whose SHA-256 begins {digest[:8]}, not {self.sha256})"

    def unavailable(self, reason: str, notes: Sequence[str] = ()) -> WeightsUnavailable:
        """Make the error: what is missing, why, and what the user can do."""
        size = f" ({self.megabytes:.0f} MB)" if self.megabytes else ""
        cache = cache_folder()
        elsewhere = os.environ.get("SEGLIB_WEIGHTS") or "not set"
        lines = [
            f"{self.name}{size} is not available: {reason}.",
            *notes,
            "To fetch it by hand:",
            f'    curl -L -o "{cache / self.name}" --create-dirs {self.url}',
            f"or copy it into {cache}, or into the folder that SEGLIB_WEIGHTS names (now {elsewhere}).",
            'The model "portrait" needs no download.',
        ]
        return WeightsUnavailable("\n".join(lines))


def _discard(path: Path) -> str:
    """Remove a damaged file if it lies in our cache, and return what became of it."""
    if path.parent != cache_folder():
        return "left as it is, not used"
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        return f"not used, and it could not be removed ({error.strerror})"
    return "removed"


def _download(remote: _RemoteFile, progress: bool, notes: Sequence[str]) -> Path:
    """Fetch the file into the cache; under its final name it is whole and verified, or it is not there."""
    final = cache_folder() / remote.name
    try:
        file = AtomicFile(final)  # a cache that cannot be written shows now, not after the download
        try:
            _fetch(remote, file.part, progress)
            if fault := remote.fault(file.part):
                raise remote.unavailable(f"what came {fault}; some networks send a login page instead", notes)
            _commit(file, remote)
        finally:
            file.discard()
    except (OSError, ValueError) as error:  # the errors of requests are OSErrors
        raise remote.unavailable(_reason(error, final.parent), notes) from error
    return final


def _commit(file: AtomicFile, remote: _RemoteFile) -> None:
    try:
        file.commit()
    except OSError:  # Windows refuses while another process, which was faster, reads its copy
        if remote.fault(file.path):
            raise


def _fetch(remote: _RemoteFile, target: Path, progress: bool) -> None:
    from pooch import HTTPDownloader
    from tqdm import tqdm

    total = round((remote.megabytes or 1) * 1e6)  # pooch corrects it when the server has told the true length
    with tqdm(total=total, desc=remote.name, unit="B", unit_scale=True, disable=not progress) as bar:
        HTTPDownloader(progressbar=bar, chunk_size=2**16, timeout=TIMEOUT)(remote.url, str(target), None)


def _reason(error: Exception, cache: Path) -> str:
    """Why a download failed, in words for people who do not know urllib3."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.exceptions.SSLError) or "CA certificate" in str(error):
        file = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or "not set"
        return (
            "the server's certificate is not trusted. Behind a company's proxy, REQUESTS_CA_BUNDLE must name the file "
            f"with the company's certificates, in PEM form (now {file})"
        )
    if "timed out" in str(error):
        return f"the server stalled (longest wait: {TIMEOUT[0]:g} s to connect, {TIMEOUT[1]:g} s for data)"
    if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
        return f"cannot write to {cache} ({error.strerror}); SEGLIB_CACHE=FOLDER names another place"
    # requests and urllib3 each wrap what happened ("connection refused"); the wrappings say nothing
    cause = error.args[0] if error.args else error
    cause = getattr(cause, "reason", cause)
    words = "; ".join(str(arg) for arg in getattr(cause, "args", [cause]))
    return "the connection failed: " + _OBJECTS.sub("", words)
