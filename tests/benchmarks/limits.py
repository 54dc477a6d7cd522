"""Fail if seglib has become slower or larger: ``python tests/benchmarks/limits.py``.

Processor time is compared as a ratio to a reference operation in the same run, so that other programs and other
machines change little. Each limit is about twice what was measured when it was set. An improvement may lower them.
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
MEGABYTES = 450  # peak memory of a process that runs the pipeline with portrait


def main() -> int:
    """Print a line for each measurement; returns 1 if one is over its limit."""
    rows = [*stage_rows(), *start_rows(), memory_row()]
    for what, value, limit in rows:
        print(f"{'ok  ' if value <= limit else 'OVER'} {value:8.2f}  limit {limit:8.2f}  {what}")
    return int(any(value > limit for _, value, limit in rows))


def stage_rows() -> list[tuple[str, float, float]]:
    """Each stage against the reference, the minimum of several rounds."""
    import cv2
    from stages import reference, stages

    cv2.setNumThreads(1)  # waiting threads would count as work
    functions = {"reference": reference("640x480"), **stages("640x480")}
    minimum = dict.fromkeys(functions, float("inf"))
    for _ in range(15):
        for name, function in functions.items():
            minimum[name] = min(minimum[name], processor_time(function))
    return [(f"{name} / reference", minimum[name] / minimum["reference"], limit) for name, limit in STAGES.items()]


def start_rows() -> list[tuple[str, float, float]]:
    """Each start against the reference, the minimum of several rounds."""
    codes = ["import numpy, cv2", *STARTS]
    minimum = dict.fromkeys(codes, float("inf"))
    for _ in range(4):
        for code in codes:
            minimum[code] = min(minimum[code], process_time(code))
    return [(f"{code} / {codes[0]}", minimum[code] / minimum[codes[0]], limit) for code, limit in STARTS.items()]


def memory_row() -> tuple[str, float, float]:
    """The peak of a fresh process."""
    from seglib.cli.bench import BenchOptions
    from seglib.cli.bench.child_process import measure_in_child

    peak = measure_in_child(BenchOptions(frames=30))["peak_megabytes"]
    return ("megabytes of the pipeline with portrait", peak or 0.0, MEGABYTES)


def processor_time(function: Callable[[], object], calls: int = 5) -> float:
    """Seconds of processor time that some calls take."""
    start = time.process_time()
    for _ in range(calls):
        function()
    return time.process_time() - start


def process_time(code: str) -> float:
    """Seconds of processor time of a new process that runs the code."""
    measured = f"import time\n{code}\nprint(time.process_time())"
    done = subprocess.run([sys.executable, "-c", measured], cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


if __name__ == "__main__":
    sys.exit(main())
