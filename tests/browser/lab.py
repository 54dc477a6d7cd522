"""A JupyterLab on this machine's loopback that knows nothing of the person who runs the tests, and leaves nothing."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests

# Without these, a popup asks each new person whether to fetch news, over the buttons that a test wants to press.
SETTINGS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
# Another name of this machine. Chromium trusts "localhost" without https, but not this one.
PLAIN_NAME = "lab.test"


@dataclass
class Lab:
    """A running JupyterLab. folder: what it serves. pid: its process. port: on 127.0.0.1."""

    folder: Path
    pid: int
    port: int
    token: str

    def address(self, notebook: str, host: str = "localhost", front_end: str = "lab") -> str:
        """Where the page of a notebook is, in JupyterLab ("lab"), Notebook 7 ("notebook") or "nbclassic".

        Each address of JupyterLab opens a workspace of its own, without yesterday's tabs.
        """
        path = {
            "lab": f"lab/workspaces/{Path(notebook).stem}-{secrets.token_hex(3)}/tree/{notebook}?reset&",
            "notebook": f"notebooks/{notebook}?",
            "nbclassic": f"nbclassic/notebooks/{notebook}?",
        }[front_end]
        return f"http://{host}:{self.port}/{path}token={self.token}"

    def api(self, path: str) -> str:
        return f"http://localhost:{self.port}/api/{path}?token={self.token}"

    def end_kernels(self, notebook: str) -> None:
        """End the kernel of one notebook; its session goes with it."""
        for session in requests.get(self.api("sessions"), timeout=30).json():
            if session["path"].endswith(notebook):
                requests.delete(self.api(f"sessions/{session['id']}"), timeout=30)


@contextmanager
def jupyterlab(folder: Path) -> Iterator[Lab]:
    """Start JupyterLab on a folder; it and all its kernels are ended on the way out."""
    with tempfile.TemporaryDirectory(prefix="seglib-lab-", ignore_cleanup_errors=True) as home:
        log = Path(home, "lab.log")
        token = secrets.token_hex(16)
        with log.open("wb") as output:
            server = psutil.Popen(
                _command(folder), cwd=folder, env=_environment(Path(home), token), stdout=output, stderr=output
            )
        try:
            yield Lab(folder, server.pid, _port(server, Path(home), log), token)
        finally:
            _end(server)


def _command(folder: Path) -> list[str]:
    options = {
        "ServerApp.root_dir": str(folder),
        "ServerApp.port": "0",  # the system chooses a free one
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.open_browser": "False",
        "ServerApp.allow_root": "True",
        "ServerApp.disable_check_xsrf": "True",
        "ServerApp.local_hostnames": f"['localhost', '{PLAIN_NAME}']",
        "ServerApp.shutdown_no_activity_timeout": "900",  # if the tests are killed before they can end it
        "MappingKernelManager.cull_idle_timeout": "600",
        "MappingKernelManager.cull_connected": "True",
        "LabApp.expose_app_in_browser": "True",  # a test asks the page's own model what it shows
        "JupyterNotebookApp.expose_app_in_browser": "True",
        "LabApp.news_url": "None",
        "LabApp.check_for_updates_class": "jupyterlab.handlers.announcements.NeverCheckForUpdate",
    }
    return [sys.executable, "-m", "jupyterlab", *(f"--{name}={value}" for name, value in options.items())]


def _environment(home: Path, token: str) -> dict[str, str]:
    """The environment of this process, with a home of its own. Kernels inherit it."""
    settings = home / "lab" / "settings"
    for plugin, values in SETTINGS.items():
        extension, name = plugin.split(":")
        place = settings / extension / f"{name}.jupyterlab-settings"
        place.parent.mkdir(parents=True)
        place.write_text(json.dumps(values), encoding="utf-8")
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")  # matplotlib's list of fonts takes long
    mine = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "JPY_", "COLAB_"))}
    return mine | {
        "HOME": str(home),
        "XDG_CACHE_HOME": cache,
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(settings),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "lab" / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_TOKEN": token,
        "SEGLIB_OFFLINE": "1",
        "SEGLIB_SOURCE": "clip",
        "PYTHONUNBUFFERED": "1",
    }


def _port(server: psutil.Popen, home: Path, log: Path, seconds: float = 120) -> int:
    """The port, which the server writes into a file once it listens."""
    place = home / "runtime" / f"jpserver-{server.pid}.json"
    until = time.monotonic() + seconds
    while time.monotonic() < until and server.poll() is None:
        try:
            told: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
            return int(told["port"])
        except (OSError, ValueError):  # not yet, or half written
            time.sleep(0.1)
    _end(server)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(encoding='utf-8', errors='replace')[-3000:]}")


def _end(server: psutil.Popen) -> None:
    """Ask the server to end, which ends its kernels; then make sure of all of them."""
    try:
        family = [server, *server.children(recursive=True)]
    except psutil.NoSuchProcess:
        family = [server]
    if server.poll() is None:
        server.terminate()
    try:
        server.wait(15)
    except subprocess.TimeoutExpired:
        server.kill()
    except psutil.TimeoutExpired:
        server.kill()
    for process in family[1:]:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(family[1:], timeout=10)
