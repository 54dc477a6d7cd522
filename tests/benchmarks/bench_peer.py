"""The whole call ``model.mask`` on a 640×480 frame against MediaPipe's selfie segmentation, in turns.

    python tests/benchmarks/bench_peer.py PEER_PYTHON [ROUNDS]

PEER_PYTHON is the Python of an environment with mediapipe 0.10.21 (training/README.md). Both processes stay; in each
round each of them works through twenty calls, and the figures are medians over the rounds. "blurred" adds what both
need for a video call: the simplest blur of the background, and a JPEG.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np

CALLS = 20
FRAME = Path(__file__).resolve().parents[2] / "seglib" / "data" / "astronaut.png"


def serve(name: str) -> None:
    """Answer each line on standard input with the wall and the processor time of a call, in milliseconds."""
    frame = np.ascontiguousarray(cv2.imread(str(FRAME))[..., ::-1])
    if name == "peer":
        import mediapipe  # type: ignore[import-not-found]

        peer = mediapipe.solutions.selfie_segmentation.SelfieSegmentation(model_selection=0)

        def mask() -> np.ndarray:
            return peer.process(frame).segmentation_mask
    else:
        import seglib

        model = seglib.load_model()

        def mask() -> np.ndarray:
            return model.mask(frame)

    def blurred() -> np.ndarray:
        if name != "peer":
            return cv2.imencode(".jpg", seglib.blur_background(frame, mask())[..., ::-1])[1]
        soft = mask()[..., None]
        return cv2.imencode(".jpg", (soft * frame + (1 - soft) * cv2.GaussianBlur(frame, (51, 51), 0))[..., ::-1])[1]

    for line in sys.stdin:
        call = {"mask": mask, "blurred": blurred}[line.strip()]
        call()
        wall, processor = time.perf_counter(), time.process_time()
        for _ in range(CALLS):
            call()
        print((time.perf_counter() - wall) / CALLS * 1e3, (time.process_time() - processor) / CALLS * 1e3, flush=True)


def main(peer_python: str, rounds: int = 15) -> None:
    """Time both in turns."""
    servers = {
        name: subprocess.Popen(
            [python, __file__, "--serve", name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name, python in (("peer", peer_python), ("seglib", sys.executable))
    }
    for what in ("mask", "blurred"):
        times: dict[str, list[list[float]]] = {name: [] for name in servers}
        for _ in range(rounds):
            for name, server in servers.items():
                print(what, file=server.stdin, flush=True)
                times[name].append([float(value) for value in server.stdout.readline().split()])
        for column, kind in enumerate(("wall", "processor")):
            peer, ours = ([row[column] for row in times[name]] for name in ("peer", "seglib"))
            ratio = statistics.median(b / a for a, b in zip(peer, ours, strict=True))
            medians = f"peer {statistics.median(peer):.1f} ms, seglib {statistics.median(ours):.1f} ms"
            print(f"{what}, {kind} time: {medians}, ratio {ratio:.2f}")
    for server in servers.values():
        server.stdin.close()


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        serve(sys.argv[2])
    else:
        main(sys.argv[1], *map(int, sys.argv[2:]))
