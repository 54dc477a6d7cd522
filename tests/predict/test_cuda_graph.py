"""CUDAGraphs' bookkeeping, on any machine: a stand-in for a graph does the same work on the CPU."""

from collections.abc import Callable
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch import Tensor

from seglib.predict import cuda_graph
from seglib.predict.cuda_graph import MOST_GRAPHS, CUDAGraphs


class FakeGraph:
    captured = 0

    def __init__(self, work: Callable[[Tensor], Tensor], shape: tuple[int, ...], device: object, pool: object) -> None:
        FakeGraph.captured += 1
        self.work, self.shape = work, shape

    def __call__(self, frames: list[np.ndarray]) -> np.ndarray:
        assert (len(frames), *frames[0].shape) == self.shape
        return self.work(torch.from_numpy(np.stack(frames))).numpy()


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> CUDAGraphs:
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: None)
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
    monkeypatch.setattr(cuda_graph, "Graph", FakeGraph)
    FakeGraph.captured = 0
    return CUDAGraphs(torch.device("cpu"))


def mean(frames: Tensor) -> Tensor:
    return frames.float().mean((1, 2, 3))


def grey(level: int, height: int = 4) -> np.ndarray:
    return np.full((height, 5, 3), level, np.uint8)


def test_the_second_time_is_captured_and_the_first_is_not(graphs: CUDAGraphs) -> None:
    for level, captured in ((1, 0), (2, 1), (3, 1), (4, 1)):
        assert graphs.run([grey(level)], mean, "mean") == [level]
        assert FakeGraph.captured == captured
    other = [("sum", [grey(5)]), ("mean", [grey(5), grey(6)]), ("mean", [grey(5, height=6)])]
    for captured, (key, frames) in enumerate(other, start=2):  # another key, number of frames, size
        for _ in range(2):
            np.testing.assert_array_equal(graphs.run(frames, mean, key), [frame[0, 0, 0] for frame in frames])
        assert FakeGraph.captured == captured


def test_the_longest_unused_graph_goes(graphs: CUDAGraphs) -> None:
    for key in [*range(MOST_GRAPHS), *range(MOST_GRAPHS), 0, "one more"]:
        graphs.run([grey(1)], mean, key)
    assert FakeGraph.captured == MOST_GRAPHS
    graphs.run([grey(1)], mean, 0)
    assert FakeGraph.captured == MOST_GRAPHS, "number 0 was just used"
    for _ in range(2):
        graphs.run([grey(1)], mean, 1)
    assert FakeGraph.captured == MOST_GRAPHS + 1, "number 1 went"


def test_what_cannot_be_captured_runs_kernel_by_kernel(graphs: CUDAGraphs, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def fails(*arguments: object) -> None:
        tried.append(arguments)
        raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr(cuda_graph, "Graph", fails)
    assert [graphs.run([grey(level)], mean, "mean")[0] for level in range(5)] == list(range(5))
    assert len(tried) == 1


def test_an_error_of_the_work_is_raised_each_time(graphs: CUDAGraphs) -> None:
    def broken(frames: Tensor) -> Tensor:
        raise ValueError("no such layer")

    for _ in range(3):
        with pytest.raises(ValueError, match="no such layer"):
            graphs.run([grey(1)], broken, "broken")
