"""seglib.predict.weights against a real HTTP server on this machine that misbehaves in all the ways servers do."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import io
import os
import pickle
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from networks import SMALLEST
from torch import nn

from seglib import WeightsUnavailable, load_model
from seglib.predict import weights
from seglib.predict.torchvision_models import untrained_network

ROOT = Path(weights.__file__).parents[1]
Behaviour = Callable[["Handler"], None]


class Server(http.server.ThreadingHTTPServer):
    """Serves one file, well or badly: `behaviour(handler)` answers each request."""

    daemon_threads = True

    def __init__(self, name: str, body: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.name, self.body = name, body
        self.behaviour: Behaviour = whole
        self.requests: list[str] = []
        self.test_is_over = threading.Event()

    scheme = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}/models/{self.name}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        with contextlib.suppress(ConnectionError):  # some tests make the client hang up
            self.server.behaviour(self)

    def start(self, length: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Nothing: the tests read stderr."""


def whole(handler: Handler) -> None:
    handler.start(len(handler.server.body))
    handler.wfile.write(handler.server.body)


def truncated(handler: Handler) -> None:
    handler.start(len(handler.server.body))
    handler.wfile.write(handler.server.body[: len(handler.server.body) // 2])


def stalled(handler: Handler) -> None:
    truncated(handler)
    handler.server.test_is_over.wait(60)


def changed(handler: Handler) -> None:
    """One bit differs."""
    body = bytearray(handler.server.body)
    body[len(body) // 2] ^= 1
    handler.start(len(body))
    handler.wfile.write(body)


def status(code: int) -> Behaviour:
    return lambda handler: handler.send_error(code)


def checkpoint(network: nn.Module) -> bytes:
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    return file.getvalue()


@pytest.fixture(scope="module")
def body() -> bytes:
    """A checkpoint of 400 kB."""
    return checkpoint(nn.Linear(1000, 100))


@contextlib.contextmanager
def serving(body: bytes) -> Iterator[Server]:
    server = Server(f"network-{hashlib.sha256(body).hexdigest()[:8]}.pth", body)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.test_is_over.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def server(body: bytes) -> Iterator[Server]:
    with serving(body) as server:
        yield server


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture(autouse=True)
def _machine(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with nothing in any of the places, whatever the one that runs the tests has."""
    monkeypatch.setenv("SEGLIB_CACHE", str(cache))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("SEGLIB_WEIGHTS", raising=False)
    monkeypatch.delenv("SEGLIB_OFFLINE", raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("no_proxy", "*")


def put(folder: Path, name: str, content: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    return path


def fails(url: str) -> str:
    """What weights_file says when it cannot get the file; every message must help the reader on."""
    with pytest.raises(WeightsUnavailable) as caught:
        weights.weights_file(url, progress=False)
    message = str(caught.value)
    path = weights.cache_folder() / url.rpartition("/")[2]
    assert f'curl -L -o "{path}" --create-dirs {url}' in message
    assert "SEGLIB_WEIGHTS" in message
    assert '"portrait" needs no download' in message
    return message


# ---- downloads ---------------------------------------------------------------------------------------------


def test_download_then_cache(server: Server, cache: Path) -> None:
    path = weights.weights_file(server.url, progress=False)
    assert path == cache / server.name
    assert path.read_bytes() == server.body
    assert os.listdir(cache) == [server.name]
    assert weights.weights_file(server.url, progress=False) == path
    assert len(server.requests) == 1


def test_the_downloaded_file_has_the_permissions_of_any_new_file(server: Server, tmp_path: Path) -> None:
    """An instructor fills a shared cache; the others must be able to read it."""
    path = weights.weights_file(server.url, progress=False)
    assert path.stat().st_mode == put(tmp_path, "any", b"").stat().st_mode


@pytest.mark.parametrize("progress", [True, False])
def test_progress_bar(server: Server, capfd: pytest.CaptureFixture[str], progress: bool) -> None:
    weights.weights_file(server.url, progress=progress)
    out, err = capfd.readouterr()
    assert out == ""
    assert (f"{server.name}: 100%" in err) if progress else (err == "")


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        (truncated, "IncompleteRead"),
        (changed, r"bytes whose SHA-256 begins [0-9a-f]{{8}}, not {sha256}"),
        (status(403), "403 Forbidden"),
        (status(404), "404 Not Found"),
        (stalled, "stalled"),
    ],
    ids=["truncated", "changed", "403", "404", "stalled"],
)
def test_failed_download(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch, behaviour: Behaviour, why: str
) -> None:
    monkeypatch.setattr(weights, "TIMEOUT", (5.0, 0.3))
    server.behaviour = behaviour
    message = fails(server.url)
    assert re.search(why.format(sha256=hashlib.sha256(server.body).hexdigest()[:8]), message)
    assert len(server.requests) == 1, "one attempt, then the reader decides"
    assert os.listdir(cache) == []


def test_server_gone(server: Server) -> None:
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        port = nobody_listens.getsockname()[1]
        message = fails(server.url.replace(str(server.server_port), str(port)))
        assert "refused" in message.lower()
        assert "HTTPConnection" not in message
        assert "Errno" not in message


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """The certificate of a company that signs for its proxy, which no system knows."""
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    path = tmp_path / "company.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=company -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([*command.split(), "-keyout", f"{path}.key", "-out", str(path)], check=True, capture_output=True)
    return path


@pytest.fixture
def proxy(server: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server behind HTTPS."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, f"{certificate}.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.scheme = "https"
    return server


def test_behind_a_companys_certificate_the_variable_is_named_and_obeyed(
    proxy: Server, certificate: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))  # which requests does not read
    message = fails(proxy.url)
    assert "certificate" in message
    assert "HTTPSConnection" not in message
    [variable] = set(re.findall(r"\w+_CA_\w+", message))
    monkeypatch.setenv(variable, str(certificate.with_name("no such file")))
    again = fails(proxy.url)
    assert variable in again
    assert "no such file" in again
    monkeypatch.setenv(variable, str(certificate))
    assert weights.weights_file(proxy.url, progress=False) == cache / proxy.name


def test_the_error_keeps_its_cause_and_tells_the_size(server: Server) -> None:
    server.behaviour = status(403)
    with pytest.raises(WeightsUnavailable, match=r"pth \(233 MB\) is not available") as caught:
        weights.weights_file(server.url, progress=False, megabytes=233)
    assert "403" in str(caught.value.__cause__)


DOWNLOAD = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin without it
from seglib.predict import weights
weights.weights_file(sys.argv[1], progress=False)
"""


@pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGINT to send")
def test_interrupt_leaves_nothing(server: Server, cache: Path) -> None:
    seen: list[str] = []

    def interrupted(handler: Handler) -> None:
        truncated(handler)
        seen.extend(os.listdir(cache))
        process.send_signal(signal.SIGINT)
        server.test_is_over.wait(60)

    server.behaviour = interrupted
    command = [sys.executable, "-c", DOWNLOAD, server.url]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        _, error = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "KeyboardInterrupt" in error
    assert len(seen) == 1
    assert seen[0] != server.name
    assert os.listdir(cache) == []


@pytest.mark.parametrize("cached", [None, b"damaged"], ids=["empty cache", "damaged cache"])
def test_two_processes_at_once(server: Server, cache: Path, cached: bytes | None) -> None:
    if cached:
        put(cache, server.name, cached)
    both_are_asking = threading.Barrier(2)

    def together(handler: Handler) -> None:
        """The one gets its file while the other is in the middle of its download."""
        is_slower = both_are_asking.wait(60) == 1
        half = len(server.body) // 2
        handler.start(len(server.body))
        handler.wfile.write(server.body[:half])
        while is_slower and not (cache / server.name).exists() and not server.test_is_over.wait(0.01):
            pass
        handler.wfile.write(server.body[half:])

    server.behaviour = together
    code = "import sys, seglib.predict.weights; print(seglib.predict.weights.weights_file(sys.argv[1], progress=False))"
    command = [sys.executable, "-c", code, server.url]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert outputs == [str(cache / server.name)] * 2
    assert (cache / server.name).read_bytes() == server.body
    assert os.listdir(cache) == [server.name]


def test_another_process_was_faster_and_the_file_is_in_use(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows refuses to replace an open file; if the copy in place is true, all is well."""

    def refuse(source: Path, target: Path) -> None:
        put(cache, server.name, other_copy)
        raise PermissionError(13, "in use")

    monkeypatch.setattr(os, "replace", refuse)
    other_copy = server.body
    assert weights.weights_file(server.url, progress=False) == cache / server.name
    (cache / server.name).unlink()
    other_copy = b"not whole"
    assert "in use" in fails(server.url)
    assert os.listdir(cache) == [server.name], "the other process's file is its own affair"


# ---- a cache that cannot be written ------------------------------------------------------------------------


def test_cache_cannot_be_made(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGLIB_CACHE", str(put(tmp_path, "a_file", b"") / "cache"))
    assert "cannot write to" in fails(server.url)
    assert server.requests == [], "found out before the download"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes everywhere")
def test_read_only_cache(server: Server, cache: Path) -> None:
    cache.mkdir(mode=0o555)
    assert "cannot write to" in fails(server.url)
    assert server.requests == [], "found out before the download"


def test_disk_full(server: Server, cache: Path) -> None:
    """A limit on the size of files is the disk-full that a test may cause."""
    resource = pytest.importorskip("resource", reason="POSIX only")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(server.body) // 2, hard))
    try:
        message = fails(server.url)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert f"cannot write to {cache} (File too large)" in message
    assert "SEGLIB_CACHE=" in message
    assert os.listdir(cache) == []


# ---- what is on this machine already -----------------------------------------------------------------------


def test_damaged_cache_is_mended(server: Server, cache: Path) -> None:
    path = put(cache, server.name, server.body[:1000])
    with pytest.warns(UserWarning, match="1,000 bytes.*removed"):
        assert weights.weights_file(server.url, progress=False) == path
    assert path.read_bytes() == server.body
    assert len(server.requests) == 1


def test_damaged_cache_without_server(server: Server, cache: Path) -> None:
    path = put(cache, server.name, server.body[:-1])
    server.behaviour = status(503)
    with pytest.warns(UserWarning, match="damaged"):
        message = fails(server.url)
    assert f"{path} is damaged" in message
    assert "; removed" in message
    assert "503" in message
    assert os.listdir(cache) == []


@pytest.mark.parametrize("place", ["SEGLIB_WEIGHTS", "torch hub"])
def test_a_copy_elsewhere_is_used_where_it_is(
    server: Server, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    path = put(_folder(place, tmp_path, monkeypatch), server.name, server.body)
    assert weights.weights_file(server.url, progress=False) == path
    assert server.requests == []
    assert not cache.exists()
    assert os.listdir(path.parent) == [server.name]
    assert path.read_bytes() == server.body


@pytest.mark.parametrize("place", ["SEGLIB_WEIGHTS", "torch hub"])
def test_a_damaged_copy_elsewhere_is_left_alone_and_not_used(
    server: Server, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    damaged = put(_folder(place, tmp_path, monkeypatch), server.name, b"damaged")
    with pytest.warns(UserWarning, match="left as it is, not used"):
        assert weights.weights_file(server.url, progress=False) == cache / server.name
    (cache / server.name).unlink()
    server.behaviour = status(403)
    with pytest.warns(UserWarning, match="left as it is, not used"):
        assert f"{damaged} is damaged" in fails(server.url)
    assert damaged.read_bytes() == b"damaged"
    assert os.listdir(damaged.parent) == [server.name]


def test_the_first_place_wins(server: Server, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in _copies_everywhere(server, cache, tmp_path, monkeypatch):
        assert weights.weights_file(server.url, progress=False) == path
        path.unlink()
    assert server.requests == []


@pytest.mark.parametrize("variable", ["TORCH_HOME", "XDG_CACHE_HOME", "HOME"])
def test_torch_hub_folder_is_torchs_own(
    variable: str, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is worked out without torch, so it is held equal to what torch says."""
    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name in (variable, "USERPROFILE"):  # the home folder on Windows
        monkeypatch.setenv(name, str(tmp_path))
    path = put(Path(torch.hub.get_dir()) / "checkpoints", server.name, server.body)
    assert tmp_path in path.parents
    assert weights.weights_file(server.url, progress=False) == path
    assert server.requests == []


@pytest.mark.parametrize("value", ["1", "true", "yes"])
def test_offline_means_only_what_is_embedded(
    server: Server, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    _copies_everywhere(server, cache, tmp_path, monkeypatch)
    monkeypatch.setenv("SEGLIB_OFFLINE", value)
    assert "SEGLIB_OFFLINE" in fails(server.url)
    assert server.requests == []


@pytest.mark.parametrize("value", ["", "0", "false", "False"])
def test_offline_can_be_turned_off(server: Server, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SEGLIB_OFFLINE", value)
    assert weights.weights_file(server.url, progress=False).exists()


@pytest.mark.parametrize("name", ["weights.pth", "weights-12ab.pth", "", "..", "weights-0123abcd"])
def test_a_name_without_hash_is_refused(server: Server, name: str) -> None:
    with pytest.raises(ValueError, match="hash cannot be checked"):
        weights.weights_file(server.url.replace(server.name, name))
    assert server.requests == []


def _folder(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if place == "torch hub":
        return tmp_path / "torch" / "hub" / "checkpoints"
    monkeypatch.setenv("SEGLIB_WEIGHTS", str(tmp_path / "stick"))
    return tmp_path / "stick"


def _copies_everywhere(server: Server, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    stick, hub = (_folder(place, tmp_path, monkeypatch) for place in ("SEGLIB_WEIGHTS", "torch hub"))
    return [put(folder, server.name, server.body) for folder in (stick, cache, hub)]


# ---- reading -----------------------------------------------------------------------------------------------


def test_both_formats_give_the_tensors_that_went_in(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    state = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(1, dtype=torch.float16)}
    torch.save(state, tmp_path / "x.pth")
    save_file(state, tmp_path / "x.safetensors")
    for path in (tmp_path / "x.pth", tmp_path / "x.safetensors"):
        read = weights.read_state_dict(path)
        assert read.keys() == state.keys()
        for key, tensor in state.items():
            torch.testing.assert_close(read[key], tensor, rtol=0, atol=0)


class Payload:
    """Unpickled, it makes a folder: whatever code an attacker likes."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (self.path,)


def test_a_file_that_brings_code_is_refused_and_the_code_does_not_run(tmp_path: Path) -> None:
    effect = tmp_path / "the code ran"
    raw = put(tmp_path, "raw.pth", pickle.dumps({"a": Payload(effect)}, protocol=2))
    zipped = tmp_path / "zipped.pth"
    torch.save({"a": Payload(effect)}, zipped)
    for path in (raw, zipped):
        with pytest.raises(WeightsUnavailable, match=r"(raw|zipped)\.pth.*refused"):
            weights.read_state_dict(path)
        assert not effect.exists()
    torch.load(zipped, weights_only=False)  # the payload is live: this is what weights_only spared us
    assert effect.exists()


def test_damaged_files_are_named(tmp_path: Path, body: bytes) -> None:
    from safetensors.torch import save

    whole_files = {".safetensors": save({"a": torch.zeros(1000)}), ".pth": body}
    for suffix, content in whole_files.items():
        for name, damage in (("half", content[: len(content) // 2]), ("empty", b""), ("page", b"<html>")):
            with pytest.raises(WeightsUnavailable, match=name + suffix):
                weights.read_state_dict(put(tmp_path, name + suffix, damage))
        with pytest.raises(WeightsUnavailable, match="absent" + suffix):
            weights.read_state_dict(tmp_path / ("absent" + suffix))


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3}], ids=["list", "no tensors"])
def test_something_else_than_tensors_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(WeightsUnavailable, match=r"other\.pth holds a (list|dict)"):
        weights.read_state_dict(tmp_path / "other.pth")


def test_embedded_weights_are_whole() -> None:
    assert len(weights.read_state_dict(weights.embedded_weights("portrait"))) > 100


@pytest.mark.parametrize("kept", [None, 0, 100, -1], ids=["missing", "empty", "header cut", "last byte lost"])
def test_damaged_embedded_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int | None) -> None:
    if kept is not None:
        put(tmp_path, "portrait.safetensors", weights.embedded_weights().read_bytes()[:kept])
    monkeypatch.setattr(weights, "DATA", tmp_path)
    with pytest.raises(WeightsUnavailable, match="reinstall seglib"):
        weights.embedded_weights()


def test_import_is_light() -> None:
    code = "import sys, seglib.predict.weights; print({'torch', 'pooch', 'requests', 'openvino'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "set()", done.stderr


def test_load_model_downloads_checks_and_reads(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = untrained_network(SMALLEST).module()
    with serving(checkpoint(network)) as server:
        monkeypatch.setattr("seglib.predict.torchvision_models.weights_url", lambda name: server.url)
        loaded = load_model(SMALLEST, device="cpu", runtime="torch", size=64).network
    assert os.listdir(cache) == [server.name]
    assert all(torch.equal(value, network.state_dict()[key]) for key, value in loaded.state_dict().items())
