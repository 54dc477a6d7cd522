"""The embedded network against torchvision's LR-ASPP, whose weights it can carry."""

import pytest
import torch
from torchvision.models.segmentation import lraspp_mobilenet_v3_large

import seglib
from seglib import portrait
from seglib.weights import embedded_weights, read_state_dict


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = portrait.build().eval()
    for layer in network.modules():  # statistics that are not those of an untrained network
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 2)
    torch.nn.init.normal_(network.last.weight, 0, 0.1)
    return network.requires_grad_(False)


@pytest.mark.parametrize("shape", [(192, 256), (144, 256), (256, 176), (16, 256), (97, 33), (1, 1)])
def test_the_answer_has_the_size_of_the_input(network, shape) -> None:
    assert network(torch.randn(2, 3, *shape))["out"].shape == (2, 1, *shape)


def test_padding_repeats_the_lower_and_the_right_edge(network) -> None:
    images = torch.randn(1, 3, 144, 240)
    padded = torch.cat([images, images[:, :, -1:].expand(-1, -1, 16, -1)], dim=2)
    padded = torch.cat([padded, padded[..., -1:].expand(-1, -1, -1, 16)], dim=3)
    torch.testing.assert_close(network(images)["out"], network(padded)["out"][..., :144, :240])


def test_the_backbone_sees_what_torchvisions_sees_at_every_second_place() -> None:
    """With the trained weights. Not the same to the last digit: the means of squeeze-and-excitation are over fewer."""
    mine = portrait.build().eval()
    theirs = lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=1)
    weights = read_state_dict(embedded_weights())
    mine.load_state_dict(weights, strict=False)
    missing = theirs.eval().load_state_dict(weights, strict=False).missing_keys
    assert all(name.endswith("num_batches_tracked") for name in missing)  # all of torchvision's names are ours
    images = torch.from_numpy(seglib.sample_frame()).permute(2, 0, 1)[None]
    with torch.inference_mode():
        images = portrait.Preprocess()(images)
        high, _ = mine._features(images)
        expected = theirs.backbone(images)["high"][..., ::2, ::2]
    difference = (high - expected).abs().mean() / expected.abs().mean()
    assert difference < 0.05  # an eighth and more without the spread kernel


def test_before_training_the_decoder_corrects_nothing() -> None:
    torch.manual_seed(1)
    fresh = portrait.build().eval()
    with torch.inference_mode():
        answers = fresh(torch.randn(1, 3, 64, 96))
        bilinear = torch.nn.Upsample(scale_factor=8, mode="bilinear")(answers["coarse"])
    torch.testing.assert_close(answers["out"], bilinear)


def test_the_embedded_weights_fit_name_by_name() -> None:
    names = {name for name in portrait.build().state_dict() if not name.endswith("num_batches_tracked")}
    assert set(read_state_dict(embedded_weights())) == names


def test_it_is_small_enough_to_ship() -> None:
    assert embedded_weights().stat().st_size <= 8_000_000
    assert portrait.card()["parameters"] < 3_500_000


SHAPES = {(360, 640): (192, 336), (480, 640): (224, 288), (640, 427): (320, 208), (9, 640): (16, 512)}


@pytest.mark.parametrize(("frame", "expected"), SHAPES.items())
def test_the_shape_of_the_input_is_near_the_frames(frame, expected) -> None:
    assert portrait.Preprocess()(torch.zeros(1, 3, *frame, dtype=torch.uint8)).shape[-2:] == expected
