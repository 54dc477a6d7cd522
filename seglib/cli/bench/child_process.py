"""Measure in a fresh process, so that its start is timed and its memory holds nothing else."""

import json
import subprocess
import sys
from dataclasses import asdict
from typing import Any

from seglib.cli.bench.measure import BenchOptions, measure_pipeline
from seglib.errors import CameraUnavailable, SourceError, UsageError

_CODE = """\
import time
start = time.perf_counter()
import seglib
seconds = time.perf_counter() - start
from seglib.cli.bench.child_process import answer_request
answer_request(seconds)"""


def measure_in_child(options: BenchOptions, article_frames: int | None = None) -> dict[str, Any]:
    """Measure in a new process: seglib, or with ``article_frames`` the article's loop.

    Raises
    ------
    UsageError
        If something cannot be measured, with the reason.
    """
    request = json.dumps({"options": asdict(options), "article_frames": article_frames})
    done = subprocess.run(
        [sys.executable, "-c", _CODE], input=request, capture_output=True, text=True, encoding="utf-8", check=False
    )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        raise UsageError(f"the measuring process ended with exit code {done.returncode}: {reason}")
    result = dict(json.loads(done.stdout.splitlines()[-1]))
    if "error" in result:
        raise UsageError(result["error"])
    return result


def answer_request(import_seconds: float) -> None:
    """Run in the new process: read the request, measure, print the result. ``import_seconds``: of ``import seglib``."""
    request = json.load(sys.stdin)
    size = request["options"].pop("size")
    options = BenchOptions(**request["options"], size=tuple(size) if size else None)
    try:
        if request["article_frames"] is None:
            result = {"import_seconds": import_seconds} | measure_pipeline(options)
        else:
            from seglib.cli.bench.article import measure_article  # imports PyTorch

            result = measure_article(options, request["article_frames"])
    except (CameraUnavailable, SourceError, ValueError) as error:  # their messages say what to do
        result = {"error": str(error)}
    print(json.dumps(result))
