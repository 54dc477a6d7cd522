"""The GPU's runner, held to the CPU's: on any machine on PyTorch's CPU device, and on CUDA where there is one."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from itertools import islice

import numpy as np
import pytest
import torch
from networks import SMALLEST, TinyNetwork, noise

import seglib
from seglib import load_model
from seglib.predict.gpu_runner import GPURunner
from seglib.predict.preprocessing import ShorterSide
from seglib.predict.registry import untrained_model
from seglib.predict.torch_runtime import torch_runner

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
SIZE = (640, 480)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return seglib.sample_frame()


def on(device: str, precision: str = "float32") -> GPURunner:
    model = load_model(runtime="torch")
    return GPURunner(model.preprocess, model.network, device, precision, fuse=True)


@pytest.mark.parametrize("name", ["portrait", SMALLEST])
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=needs_cuda)])
def test_it_answers_as_the_cpus_runner(name: str, device: str, photo: np.ndarray) -> None:
    torch.manual_seed(5)
    model = load_model(runtime="torch") if name == "portrait" else untrained_model(name, device="cpu", size=96)
    gpu = GPURunner(model.preprocess, model.network, device, fuse=True)
    cpu = torch_runner(model.preprocess, model.network, "cpu")
    frames = [photo, np.ascontiguousarray(photo[::-1])]
    for _ in range(1 if device == "cpu" else 3):  # a GPU runs kernel by kernel, then captures, then replays
        for channels in ((1,), (0,)):
            for size in (SIZE, (40, 30)):
                found, expected = (runner.mask_probabilities(frames, channels, size) for runner in (gpu, cpu))
                assert (found.shape, found.dtype) == (expected.shape, np.float32)
                # Where several pixels become one, PyTorch averages over wider neighbourhoods than OpenCV.
                assert np.abs(found - expected).mean() < (0.01 if size == (40, 30) else 5e-3)
        assert (gpu.argmax(photo) == cpu.argmax(photo)).mean() > 0.995
        probabilities = gpu.probabilities(photo)
        assert np.abs(probabilities - cpu.probabilities(photo)).mean() < 5e-3
        np.testing.assert_allclose(probabilities.sum(axis=0), 1, atol=1e-5)


def test_it_leaves_the_models_network_as_it_was() -> None:
    network = TinyNetwork()
    before = deepcopy(network.state_dict())
    runner = GPURunner(ShorterSide(None), network, "cpu", "bfloat16", fuse=True)
    assert runner.precision == "bfloat16"
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())


def test_half_precision_is_near() -> None:
    runners = (GPURunner(ShorterSide(None), TinyNetwork(), "cpu", precision) for precision in ("float32", "bfloat16"))
    exact, half = (runner.mask_probabilities([noise(64, 96)], (1,), (96, 64)) for runner in runners)
    assert 0 < np.abs(exact - half).mean() < 0.01


def test_it_can_be_pickled() -> None:
    runner = GPURunner(ShorterSide(None), TinyNetwork(), "cpu")
    frame = noise(64, 96)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(runner)).argmax(frame), runner.argmax(frame))


# ---- on a GPU -----------------------------------------------------------------------------------------------


@needs_cuda
def test_a_replayed_graph_answers_for_the_new_frame_in_a_new_array(photo: np.ndarray) -> None:
    runner = on("cuda", "bfloat16")
    first, second, third = (runner.mask_probabilities([photo], (1,), SIZE) for _ in range(3))
    np.testing.assert_allclose(first, second, atol=0.01)
    np.testing.assert_array_equal(second, third)
    mirrored = runner.mask_probabilities([np.ascontiguousarray(photo[:, ::-1])], (1,), SIZE)
    assert seglib.iou(mirrored[0, :, ::-1], second[0]) > 0.98
    assert seglib.iou(mirrored[0], second[0]) < 0.95
    mirrored[:] = 0
    np.testing.assert_array_equal(runner.mask_probabilities([photo], (1,), SIZE), second)


@needs_cuda
def test_many_sizes_are_answered_again_after_their_graphs_are_gone(photo: np.ndarray) -> None:
    runner = on("cuda")
    sizes = [(64 + number, 48) for number in range(12)]
    expected = [runner.mask_probabilities([photo], (1,), size) for size in sizes for _ in range(2)][::2]
    for size, mask in zip(sizes, expected, strict=True):
        np.testing.assert_allclose(runner.mask_probabilities([photo], (1,), size), mask, atol=1e-4)


@needs_cuda
def test_many_threads_get_their_own_masks(photo: np.ndarray) -> None:
    runner = on("cuda", "bfloat16")
    frames = [np.ascontiguousarray(np.roll(photo, 80 * number, axis=1)) for number in range(4)]
    expected = [runner.mask_probabilities([frame], (1,), SIZE) for frame in frames]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: runner.mask_probabilities([frames[n % 4]], (1,), SIZE), range(80)))
    for number, mask in enumerate(found):
        np.testing.assert_allclose(mask, expected[number % 4], atol=0.02)


@needs_cuda
def test_other_work_on_the_gpu_does_not_spoil_a_capture(photo: np.ndarray) -> None:
    stop, runner = threading.Event(), on("cuda", "bfloat16")

    def other_work() -> int:
        a = torch.randn(256, 256, device="cuda")
        count = 0
        while not stop.is_set():
            (a @ torch.empty(256, 256, device="cuda").fill_(1)).sum().item()
            count += 1
        return count

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(other_work)
        masks = [runner.mask_probabilities([photo], (1,), (640 - number // 3, 480)) for number in range(12)]
        stop.set()
    assert other.result() > 0
    assert all(np.abs(mask[0, :, 0] - masks[0][0, :, 0]).mean() < 0.02 for mask in masks)


@needs_cuda
@pytest.mark.parametrize("precision", ["float32", "half"])
def test_the_clip_is_cut_out_as_on_a_cpu(precision: str) -> None:
    model, cpu = load_model(device="cuda", precision=precision), load_model(runtime="torch")
    with seglib.open_source("clip") as frames:
        clip = list(islice(frames, 0, 144, 10))  # from frame 144 on it is black
    found, expected = model.masks(clip), np.stack([cpu.mask(frame) for frame in clip])
    assert np.abs(found - expected).mean() < (0.01 if precision == "float32" else 0.03)
    for truth, one, other in zip(islice(seglib.sample_clip_masks(), 0, 144, 10), found, expected, strict=True):
        assert abs(seglib.iou(one, truth) - seglib.iou(other, truth)) < 0.02
    for count in (1, 3, 8):  # batches of any number
        np.testing.assert_allclose(model.masks(clip[:count]), found[:count], atol=0.05)
    again = pickle.loads(pickle.dumps(model))
    assert again.device == "cuda"
    np.testing.assert_allclose(again.mask(clip[0]), found[0], atol=0.05)
