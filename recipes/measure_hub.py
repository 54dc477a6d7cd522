"""Measure memory and processor time of one, two and four learners at once; docs/HUB.md quotes the results.

    python recipes/measure_hub.py [--learners 1 2 4] [--weights FOLDER] [LESSON ...]

A LESSON is a notebook, run from top to bottom, or "live": 20 seconds of the live picture on the recorded clip, with a
page that takes every picture. Linux only, for /proc. Of memory that four kernels share, such as PyTorch's libraries,
RSS counts all for each of them, PSS a quarter, and USS nothing. So RSS is what the first learner on a machine costs,
and USS what each further one adds. Run it in an environment that no other program uses.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

here = Path(__file__).resolve().parents[1]
LIVE = """
import time
import seglib
from seglib.live import Loop

class Page:
    views, width = 1, 1280

    def wait_for_room(self, timeout, wanted=1):
        return True

    def show(self, jpeg, captured, panes):
        pass

loop = Loop("clip", display=Page(), frames=10**9)
loop.settings.change(model=seglib.load_model(), effect=seglib.Blur())
loop.start()
while not loop.stats()["processed"]:
    time.sleep(0.1)
first, work = loop.stats()["processed"], time.process_time()
time.sleep(20)
frames, work = loop.stats()["processed"] - first, time.process_time() - work
loop.stop()
print(f"{frames / 20:.1f} fps, {1000 * work / frames:.0f} ms of processor time a frame")
"""


def learn(lesson: str) -> None:
    """Run the lesson of one learner in a kernel, print a line when it is done, and keep the kernel until input ends."""
    import nbformat
    from nbclient import NotebookClient

    if lesson == "live":
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(LIVE)])
    else:
        notebook = nbformat.read(here / lesson, as_version=4)
    place = {"metadata": {"path": str(here / "notebooks")}}
    client = NotebookClient(notebook, kernel_name="python3", timeout=3600, resources=place)
    with client.setup_kernel():
        for number, cell in enumerate(notebook.cells):
            client.execute_cell(cell, number)
        printed = "".join(output.get("text", "") for output in notebook.cells[-1].get("outputs", []))
        print("done", printed.strip() if lesson == "live" else "", flush=True)
        sys.stdin.read()


def kernels(learners: list[subprocess.Popen]) -> list[psutil.Process]:
    """The kernels of these learners."""
    family = [child for learner in learners for child in psutil.Process(learner.pid).children(recursive=True)]
    return [process for process in family if "ipykernel_launcher" in " ".join(process.cmdline())]


def measure_memory(processes: list[psutil.Process]) -> list[float]:
    """RSS, PSS and USS of all processes together, in MB."""
    found = [process.memory_full_info() for process in processes]
    return [sum(getattr(item, kind) for item in found) / 1e6 for kind in ("rss", "pss", "uss")]


def measure(lesson: str, count: int) -> str:
    """A row of the table: what this many learners need at once."""
    command = [sys.executable, __file__, "--learner", lesson]
    start = time.monotonic()
    learners = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for _ in range(count)
    ]
    for learner in learners:
        os.set_blocking(learner.stdout.fileno(), False)
    peak, done = [0.0] * 3, {}
    while len(done) < count:
        time.sleep(0.25)
        try:
            peak = [max(pair) for pair in zip(peak, measure_memory(kernels(learners)), strict=True)]
        except psutil.NoSuchProcess:
            continue
        for number, learner in enumerate(learners):
            line = learner.stdout.readline()
            if line.startswith("done"):
                done[number] = line.removeprefix("done").strip()
            elif learner.poll() is not None:
                raise SystemExit(f"{lesson} failed for learner {number}")
    seconds = time.monotonic() - start
    work = sum(sum(process.cpu_times()[:2]) for process in kernels(learners))
    for learner in learners:
        learner.communicate("")
    columns = [*(f"{most / count:,.0f}" for most in peak), f"{work / count:.0f}"]
    return (
        f"| {Path(lesson).stem} | {count} | " + " | ".join(columns) + f" | {seconds:.0f} | {', '.join(done.values())} |"
    )


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("lessons", nargs="*", default=["notebooks/02_predict.ipynb", "notebooks/06_live.ipynb", "live"])
parser.add_argument("--learners", nargs="+", type=int, default=[1, 2, 4], metavar="N")
parser.add_argument(
    "--weights",
    type=Path,
    metavar="FOLDER",
    help="value of SEGLIB_WEIGHTS; by default only the embedded models",
)
parser.add_argument("--learner", metavar="LESSON", help=argparse.SUPPRESS)
options = parser.parse_args()
if options.learner:
    learn(options.learner)
    sys.exit()
os.environ["SEGLIB_SOURCE"] = "clip"
if options.weights:
    os.environ["SEGLIB_WEIGHTS"] = str(options.weights.resolve())
else:
    os.environ["SEGLIB_OFFLINE"] = "1"
print("| lesson | learners | RSS each, MB | PSS each, MB | USS each, MB | processor s each | s | |")
print("|---|---:|---:|---:|---:|---:|---:|---|")
for one in options.lessons:
    for many in options.learners:
        print(measure(one, many), flush=True)
