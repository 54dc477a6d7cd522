"""Measure in a process of its own: started fresh, and its memory is nobody else's."""

import json
import subprocess
import sys
from dataclasses import asdict
from typing import Any

from seglib.cli.bench.walk import Walk
from seglib.errors import UsageError

_CODE = """\
import time
start = time.perf_counter()
import seglib
seconds = time.perf_counter() - start
from seglib.cli.bench.apart import do_task
do_task(seconds)"""


def run_apart(walk: Walk, article_frames: int | None = None) -> dict[str, Any]:
    """measure_walk(walk), or with article_frames measure_article(walk, article_frames), in a new process.

    Raises UsageError with the last line that the process has said if it fails.
    """
    task = json.dumps({"walk": asdict(walk), "article_frames": article_frames})
    done = subprocess.run([sys.executable, "-c", _CODE], input=task, capture_output=True, text=True, encoding="utf-8")
    if done.returncode != 0:
        raise UsageError((done.stderr.strip().splitlines() or ["the measuring process ended without a word"])[-1])
    return dict(json.loads(done.stdout.splitlines()[-1]))


def do_task(import_seconds: float) -> None:
    """What the new process does: read the task, do it, print the result. import_seconds: for ``import seglib``."""
    task = json.load(sys.stdin)
    walk = Walk(**task["walk"] | {"size": tuple(task["walk"]["size"]) if task["walk"]["size"] else None})
    if task["article_frames"] is None:
        from seglib.cli.bench.walk import measure_walk

        result = {"import_seconds": import_seconds} | measure_walk(walk)
    else:
        from seglib.cli.bench.article import measure_article

        result = measure_article(walk, task["article_frames"])
    print(json.dumps(result))
