"""seglib.predict.gpu_runner, fused and recorded, held to PyTorch's plain layers and to the walk on a CPU."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from copy import deepcopy
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import seglib
from seglib import load_model
from seglib.capture.sources import open_source
from seglib.predict import TORCHVISION_MODELS
from seglib.predict import cuda_graph as recorded
from seglib.predict import gpu_runner as gpu
from seglib.predict import torchvision_models as published
from seglib.predict.conv_fusion import _ConvReLU, _JoinedBottleneck, fused
from seglib.predict.gpu_runner import GPURunner
from seglib.predict.registry import portrait_module, untrained_model
from seglib.predict.torch_runtime import run_with_torch
from seglib.samples import sample_clip_masks

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def experienced(network: nn.Module) -> nn.Module:
    """As if it had been trained: every normalisation has numbers of its own."""
    torch.manual_seed(3)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 2)
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, 0, 0.1)
    return network.eval().requires_grad_(False)


@pytest.fixture(scope="module", params=("portrait", *TORCHVISION_MODELS))
def network(request: pytest.FixtureRequest) -> nn.Module:
    name = request.param
    if name == "portrait":
        return portrait_module()
    return experienced(published.without_aux(published.build(name)))


@pytest.fixture
def cudnn(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cuDNN's joined steps compute, in plain layers."""

    def conv_relu(x: Tensor, weight: Tensor, *how: Any) -> Tensor:
        return F.relu(F.conv2d(x, weight, *how))

    def conv_add_relu(x: Tensor, weight: Tensor, add: Tensor, times: float, *how: Any) -> Tensor:
        return F.relu(F.conv2d(x, weight, *how) + times * add)

    monkeypatch.setattr(torch, "cudnn_convolution_relu", conv_relu)
    monkeypatch.setattr(torch, "cudnn_convolution_add_relu", conv_add_relu)


def scores(network: nn.Module, inputs: Tensor) -> Tensor:
    with torch.inference_mode():
        found: Tensor = network(inputs)["out"]
    return found


@pytest.mark.parametrize("cuda", [False, True])
def test_the_same_in_fewer_steps(network: nn.Module, cuda: bool, cudnn: None) -> None:
    inputs = torch.randn(2, 3, 64, 96)
    expected = scores(network, inputs)
    found = scores(fused(deepcopy(network), cuda), inputs)
    assert (found - expected).abs().max() < 1e-4 * expected.abs().max()


def test_the_networks_of_resnet_have_few_steps_left() -> None:
    network = fused(experienced(published.without_aux(published.build("deeplabv3_resnet50"))), True)
    kinds = [type(layer) for layer in network.modules()]
    assert kinds.count(_JoinedBottleneck) == 3 + 4 + 6 + 3, "all of ResNet-50's blocks"
    assert kinds.count(_ConvReLU) == 3 * 16 + 8
    assert nn.BatchNorm2d not in kinds
    assert nn.ReLU not in kinds


def test_what_looks_like_a_pair_but_is_none_stays() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3, groups=4), nn.ReLU())
    experienced(network)
    inputs = torch.randn(1, 3, 9, 9)
    expected = network(inputs)
    torch.testing.assert_close(fused(deepcopy(network), False)(inputs), expected)
    assert [type(layer) for layer in fused(network, True)] == [
        *(_ConvReLU, nn.Identity, nn.BatchNorm2d),
        *(nn.Conv2d, nn.ReLU),
    ]


# ---- the walk, on whatever device ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return seglib.sample_frame()


def on(device: str, half: bool = False) -> GPURunner:
    model = load_model(runtime="torch")
    return GPURunner(model.preprocess, deepcopy(model.network).to(device), device, half)


@pytest.mark.parametrize("name", ["portrait", "lraspp_mobilenet_v3_large"])
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=needs_cuda)])
def test_the_walk_of_a_gpu_is_that_of_a_cpu(name: str, device: str, photo: np.ndarray) -> None:
    torch.manual_seed(5)
    model = load_model(runtime="torch") if name == "portrait" else untrained_model(name, device="cpu", size=96)
    ours = GPURunner(model.preprocess, deepcopy(model.network).to(device), device, half=False)
    cpu = run_with_torch(model.network, model.preprocess)
    turned = np.ascontiguousarray(photo[::-1])
    for _ in range(3):  # a GPU does it step by step, then records it, then plays it
        for channels in ((1,), (0,), (0, 1), ()):
            for size in ((640, 480), (320, 240), (40, 30)):
                found = ours.mask_probabilities([photo, turned], channels, size)
                expected = cpu.mask_probabilities([photo, turned], channels, size)
                assert (found.shape, found.dtype) == (expected.shape, np.float32)
                # Where several pixels become one, PyTorch averages over wider neighbourhoods than OpenCV.
                assert np.abs(found - expected).mean() < (0.01 if size == (40, 30) else 1e-3)
        assert (ours.argmax(photo) == cpu.argmax(photo)).mean() > 0.999
        assert ours.argmax(photo).dtype == np.uint8
        probabilities = ours.probabilities(photo)
        assert np.abs(probabilities - cpu.probabilities(photo)).mean() < 1e-3
        np.testing.assert_allclose(probabilities.sum(axis=0), 1, atol=1e-5)


def test_the_models_network_is_left_as_it_was() -> None:
    module = portrait_module()
    before = deepcopy(module.state_dict())
    GPURunner(load_model().preprocess, module, "cpu", half=True)
    assert all(torch.equal(before[key], value) for key, value in module.state_dict().items())


def test_half_precision_is_near(photo: np.ndarray) -> None:
    exact, half = (on("cpu", half).mask_probabilities([photo], (1,), (640, 480)) for half in (False, True))
    assert 0 < np.abs(exact - half).mean() < 0.003


@pytest.mark.parametrize("channels", [(0,), (15,), (3, 4, 5), (0, 20), (1, 3, 4, 9, 20), tuple(range(1, 21))])
def test_a_share_of_many_channels_is_their_sum_in_the_softmax(channels: tuple[int, ...]) -> None:
    torch.manual_seed(1)
    scores = 5 * torch.randn(2, 21, 7, 9)
    expected = torch.softmax(scores, 1)[:, list(channels)].sum(1)
    torch.testing.assert_close(gpu._shares(scores, channels, (9, 7)), expected, atol=1e-5, rtol=1e-4)


# ---- the recorder's books -----------------------------------------------------------------------------------


class Noted:
    """In a recording's place: the same work, done on the CPU, and noted."""

    made = 0

    def __init__(self, work: Callable[[Tensor], Tensor], shape: tuple[int, ...], device: object, pool: object) -> None:
        Noted.made += 1
        self.work, self.shape = work, shape

    def __call__(self, frames: list[np.ndarray]) -> np.ndarray:
        assert (len(frames), *frames[0].shape) == self.shape
        return self.work(torch.from_numpy(np.stack(frames))).numpy()


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> recorded.Recorder:
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: None)
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
    monkeypatch.setattr(recorded, "Recording", Noted)
    Noted.made = 0
    return recorded.Recorder(torch.device("cpu"))


def mean(frames: Tensor) -> Tensor:
    return frames.float().mean((1, 2, 3))


def grey(level: int, height: int = 4) -> np.ndarray:
    return np.full((height, 5, 3), level, np.uint8)


def test_what_is_asked_again_is_recorded_and_what_is_asked_once_is_not(recorder: recorded.Recorder) -> None:
    for level, made in ((1, 0), (2, 1), (3, 1), (4, 1)):
        assert recorder([grey(level)], mean, "mean") == [level]
        assert Noted.made == made
    for question, frames in (("sum", [grey(5)]), ("mean", [grey(5), grey(6)]), ("mean", [grey(5, height=6)])):
        recorder(frames, mean, question)
        assert Noted.made == made, "another question, number of frames, or size"
        recorder(frames, mean, question)
        made += 1
        assert Noted.made == made


def test_the_recording_that_rested_longest_goes(recorder: recorded.Recorder) -> None:
    for number in range(recorded._MOST):
        for _ in range(2):
            recorder([grey(1)], mean, number)
    recorder([grey(1)], mean, 0)
    recorder([grey(1)], mean, "one more")
    made = Noted.made
    recorder([grey(1)], mean, 0)
    assert Noted.made == made, "number 0 was just used"
    recorder([grey(1)], mean, 1)
    recorder([grey(1)], mean, 1)
    assert Noted.made == made + 1, "number 1 went"
    assert len(recorder._kept) == recorded._MOST


def test_what_cannot_be_recorded_is_done_step_by_step(
    recorder: recorded.Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def fails(*arguments: object) -> None:
        tried.append(arguments)
        raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr(recorded, "Recording", fails)
    assert [recorder([grey(level)], mean, "mean")[0] for level in range(5)] == list(range(5))
    assert len(tried) == 1


def test_an_error_of_the_work_is_told_each_time(recorder: recorded.Recorder) -> None:
    def broken(frames: Tensor) -> Tensor:
        raise ValueError("no such layer")

    for _ in range(3):
        with pytest.raises(ValueError, match="no such layer"):
            recorder([grey(1)], broken, "broken")


# ---- on a GPU -----------------------------------------------------------------------------------------------


@needs_cuda
def test_the_first_time_is_done_the_second_recorded_the_third_played(photo: np.ndarray) -> None:
    runner = on("cuda", half=True)
    kept = runner._recorder._kept
    first = runner.mask_probabilities([photo], (1,), (640, 480))
    assert list(kept.values()) == [None]
    second = runner.mask_probabilities([photo], (1,), (640, 480))
    (recording,) = kept.values()
    assert isinstance(recording, recorded.Recording)
    np.testing.assert_allclose(first, second, atol=0.01)
    flipped = np.ascontiguousarray(photo[:, ::-1])
    mirrored = runner.mask_probabilities([flipped], (1,), (640, 480))
    assert list(kept.values()) == [recording], "another frame of the same size is played, not recorded"
    assert seglib.iou(mirrored[0, :, ::-1], second[0]) > 0.98
    assert seglib.iou(mirrored[0], second[0]) < 0.95, "and it is the new frame's mask"
    again = runner.mask_probabilities([photo], (1,), (640, 480))
    np.testing.assert_array_equal(again, second)
    assert again is not second
    mirrored[:] = 0
    np.testing.assert_array_equal(runner.mask_probabilities([photo], (1,), (640, 480)), second)


@needs_cuda
def test_few_recordings_are_kept_and_the_oldest_goes(photo: np.ndarray) -> None:
    runner = on("cuda")
    kept = runner._recorder._kept
    expected = {}
    for number in range(recorded._MOST + 3):
        size = (64 + number, 48)
        expected[size] = runner.mask_probabilities([photo], (1,), size)
        runner.mask_probabilities([photo], (1,), size)
        assert len(kept) <= recorded._MOST
    for size, mask in expected.items():  # those that are gone are done anew
        np.testing.assert_allclose(runner.mask_probabilities([photo], (1,), size), mask, atol=1e-4)


@needs_cuda
def test_many_threads_get_their_own_masks(photo: np.ndarray) -> None:
    runner = on("cuda", half=True)
    frames = [np.ascontiguousarray(np.roll(photo, 80 * number, axis=1)) for number in range(4)]
    expected = [runner.mask_probabilities([frame], (1,), (640, 480)) for frame in frames]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: runner.mask_probabilities([frames[n % 4]], (1,), (640, 480)), range(80)))
    for number, mask in enumerate(found):
        np.testing.assert_allclose(mask, expected[number % 4], atol=0.02)


@needs_cuda
def test_a_model_on_a_gpu_can_be_pickled(photo: np.ndarray) -> None:
    model = load_model(device="cuda")
    before = [model.mask(photo) for _ in range(3)]
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_allclose(copied.mask(photo), before[-1], atol=0.01)
    assert copied.device == "cuda"


@needs_cuda
@pytest.mark.parametrize("precision", ["single", "half"])
def test_the_clip_is_cut_out_as_on_a_cpu(precision: str) -> None:
    model, cpu = load_model(device="cuda", precision=precision), load_model(runtime="torch")
    with open_source("clip") as frames:
        clip = list(islice(frames, 0, 144, 10))  # from frame 144 on it is black
    truths = list(islice(sample_clip_masks(), 0, 144, 10))
    found = model.masks(clip)
    expected = np.stack([cpu.mask(frame) for frame in clip])
    assert np.abs(found - expected).mean() < (0.01 if precision == "single" else 0.03)
    for one, other in zip(found, expected, strict=True):
        if (other > 0.5).any():
            assert seglib.iou(one, other) > 0.98
    quality = [np.mean([seglib.iou(*pair) for pair in zip(masks, truths, strict=True)]) for masks in (found, expected)]
    assert abs(quality[0] - quality[1]) < 0.005
    for count in (1, 3, 8):  # batches of any number
        np.testing.assert_allclose(model.masks(clip[:count]), found[:count], atol=0.05)


@needs_cuda
def test_joined_steps_give_the_scores_of_plain_ones(network: nn.Module) -> None:
    plain = deepcopy(network).cuda()
    inputs = torch.randn(1, 3, 256, 320, device="cuda")
    expected = scores(plain, inputs)
    half = fused(deepcopy(plain), True).to(torch.bfloat16, memory_format=torch.channels_last)
    found = scores(half, inputs.bfloat16().contiguous(memory_format=torch.channels_last)).float()
    assert (found - expected).norm() < 0.03 * expected.norm()


@needs_cuda
def test_another_threads_work_does_not_spoil_a_recording(photo: np.ndarray) -> None:
    done: list[int] = []

    def busy(until: Callable[[], bool]) -> None:
        a = torch.randn(256, 256, device="cuda")
        while not until():
            torch.empty(int(np.random.default_rng(len(done)).integers(1, 10**6)), device="cuda").fill_(1)
            (a @ a).sum().item()
            done.append(1)

    runner, stop = on("cuda", half=True), []
    with ThreadPoolExecutor(1) as pool:
        pool.submit(busy, lambda: bool(stop))
        masks = [runner.mask_probabilities([photo], (1,), (640 - number // 3, 480)) for number in range(12)]
        stop.append(1)
    assert len(done) > 0
    assert all(np.abs(mask[0, :, 0] - masks[0][0, :, 0]).mean() < 0.02 for mask in masks)
