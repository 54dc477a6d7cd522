"""Open the tutorial in JupyterLab; `make lab` runs this. Further arguments go on to JupyterLab."""

import json
import os
import sys
from pathlib import Path

from jupyterlab.labapp import main

import seglib  # noqa: F401  sets how PyTorch waits, also for cells that import torch first

project = Path(__file__).resolve().parents[1]
notebooks = project / "notebooks"
options = [
    str(notebooks),
    "--LabApp.default_url=/lab/tree/00_start.ipynb",  # the first notebook is open already
    # Nothing phones home: neither news nor an update check, so it is silent without a network too.
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
]
if hasattr(os, "geteuid") and os.geteuid() == 0:
    options.append("--allow-root")  # root in a container; Jupyter refuses otherwise
screen = sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
if not screen or os.environ.get("SSH_CONNECTION") or Path("/.dockerenv").exists():
    options.append("--no-browser")
    print("No screen here: open the http://127.0.0.1… address that appears below in a browser.", flush=True)

if Path(sys.prefix).parent == project:  # our own .venv, nobody else's environment
    # JupyterLab would ask each newcomer, in front of the first lesson, whether to fetch news.
    answers = Path(sys.prefix, "share", "jupyter", "lab", "settings", "overrides.json")
    answers.parent.mkdir(parents=True, exist_ok=True)
    wanted = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
    answers.write_text(json.dumps(wanted, indent=1), encoding="utf-8")

sys.exit(main(options + sys.argv[1:]))
