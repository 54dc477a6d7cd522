"""Fail if seglib has become slower or larger: python tests/benchmarks/limits.py

Processor time is compared, not the clock's, as a ratio to a reference operation in the same run, so that other programs
and other machines change little. Each limit is about twice what was measured when it was set; only what slows down by
that much is caught. A change for the better may lower them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ |= {"SEGLIB_OFFLINE": "1", "SEGLIB_SOURCE": "clip"}
ROOT = Path(__file__).resolve().parents[2]

# Processor time of a stage of one 640 × 480 frame / that of OpenCV's plain blur of it.
STAGES = {"predict": 8.0, "mask": 4.0, "blur": 2.0, "replace": 0.5, "encode": 0.6}
# Processor time of a new process that runs this / that of one that imports numpy and OpenCV.
STARTS = {"import seglib": 0.5, "import seglib; seglib.load_model().mask(seglib.sample_frame())": 8.0}
MEGABYTES = 450  # the most that a process may hold that walks frames with portrait


def main() -> int:
    """Measure, print a line each, and return 1 if something is over its limit."""
    rows = [*stage_rows(), *start_rows(), memory_row()]
    for what, value, limit in rows:
        print(f"{'ok  ' if value <= limit else 'OVER'} {value:8.2f}  limit {limit:8.2f}  {what}")
    return int(any(value > limit for _, value, limit in rows))


def stage_rows() -> list[tuple[str, float, float]]:
    """Each stage against the reference, the least of several turns."""
    import cv2
    from stages import reference, stages

    cv2.setNumThreads(1)  # threads that wait for one another would count as work
    functions = {"reference": reference("640x480"), **stages("640x480")}
    least = dict.fromkeys(functions, float("inf"))
    for _ in range(15):
        for name, function in functions.items():
            least[name] = min(least[name], processor_time(function))
    return [(f"{name} / reference", least[name] / least["reference"], limit) for name, limit in STAGES.items()]


def start_rows() -> list[tuple[str, float, float]]:
    """Each way to start against the reference, the least of several turns."""
    codes = ["import numpy, cv2", *STARTS]
    least = dict.fromkeys(codes, float("inf"))
    for _ in range(4):
        for code in codes:
            least[code] = min(least[code], process_time(code))
    return [(f"{code} / {codes[0]}", least[code] / least[codes[0]], limit) for code, limit in STARTS.items()]


def memory_row() -> tuple[str, float, float]:
    """The peak of a fresh process that walks some frames."""
    from seglib.cli.bench.apart import run_apart
    from seglib.cli.bench.walk import Walk

    peak = run_apart(Walk(frames=30))["peak_megabytes"]
    return ("megabytes of the walk with portrait", peak or 0.0, MEGABYTES)


def processor_time(function: Callable[[], object], calls: int = 5) -> float:
    """Seconds of all threads of this process for some calls."""
    start = time.process_time()
    for _ in range(calls):
        function()
    return time.process_time() - start


def process_time(code: str) -> float:
    """Seconds of all threads of a new process that runs the code."""
    measured = f"import time\n{code}\nprint(time.process_time())"
    done = subprocess.run([sys.executable, "-c", measured], cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


if __name__ == "__main__":
    sys.exit(main())
