"""training/: the split, the pictures, the losses, the scores, and a run that is stopped and resumed."""

import dataclasses
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torchvision.models import mobilenet_v2

from training import compose, data, evaluate, losses, tasks, train
from training.package import CLASS_NAMES, NETWORKS, recorded
from training.recipe import RECIPES, Stage

SHAPE = (64, 96)
TINY = {
    "stages": (
        Stage(2, horizon=4),
        Stage(2, horizon=2, partial=0.5, portraits=0.5, class_dice=0.5, restart=True, blend=0.5),
    ),
    "batch": 2,
    "shapes": (SHAPE,),
    "small_shapes": (),
}


def write(path: Path, picture: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), picture)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the recorded frame as every photo."""
    root = tmp_path_factory.mktemp("data")
    _, frame, mask = next(recorded())
    image = cv2.resize(frame[..., ::-1], (144, 96), interpolation=cv2.INTER_AREA)
    person = cv2.resize(np.round(255 * mask).astype(np.uint8), (144, 96), interpolation=cv2.INTER_AREA)
    photos = {"images": [f"{n:04d}" for n in range(1, 25)], "close": [f"{n:02d}" for n in range(12)]}
    photos["webcam"] = ["eat_01", "eat_02", "no_01", "no_02", "bird_01"]
    for part, names in photos.items():
        for name in names:
            write(root / part / f"{name}.jpg", image)
            for teacher in ("peer", "first"):
                write(root / teacher / part / f"{name}.png", person)
            if part != "images":
                write(root / part / "masks" / f"{name}.png", person)
    for name in photos["images"][:22]:
        write(root / "masks" / f"{name}.png", (person > 127) * np.uint8(255))
        write(root / "parts" / f"{name}.png", (person > 127) * np.uint8(3))
    for kind in ("panorama", "surface", "empty"):
        write(root / "rooms" / f"{kind}_0000.jpg", np.full((60, 80, 3), 90, np.uint8))
    write(root / "things" / "0000.png", np.full((32, 32, 4), 200, np.uint8))
    write_starts(root / "start")
    return root


def write_starts(start: Path) -> None:
    """Random weights under the names of the files that runs start from."""
    start.mkdir()
    torch.manual_seed(0)
    flat: dict[str, torch.Tensor] = {}  # the file has a block's layers in one row, torchvision in groups of three
    for number, block in enumerate(mobilenet_v2(weights=None).features):
        layers = [layer for layer in block.modules() if not list(layer.children())]
        prefix = f"features.{number}." + ("conv." if 0 < number < 18 else "")
        for place, layer in enumerate(layers):
            flat |= {f"{prefix}{place}.{name}": value for name, value in layer.state_dict().items()}
    torch.save(flat, start / "mobilenet_v2.pt")
    backbone = NETWORKS["clothing"].build().get_submodule("backbone").state_dict()
    save_file({f"backbone.{name}": value for name, value in backbone.items()}, start / "portrait_v1.safetensors")


@pytest.fixture(scope="module")
def sources(folder: Path) -> compose.Sources:
    return tasks.Task("portrait", folder).sources()


def test_nothing_that_is_validated_on_is_trained_on(folder: Path) -> None:
    for split in (data.street, data.close, data.webcam):
        training, validation = (set(split(folder, validation)) for validation in (False, True))
        assert training
        assert validation
        assert not training & validation
    trained = {photo.name for photo in data.portrait_training(folder)}
    photos = [photo for judged in evaluate.portrait_sets(folder).values() for photo in judged]
    judged = {photo.name.replace("images/", "street/") for photo in photos if not photo.name.startswith("partial/")}
    assert len(judged) == 3 + 2 + 2
    assert not trained & judged
    assert not any(name.endswith("1") for name in trained if name.startswith("street/"))


def test_the_partial_set_shows_parts_of_the_other_validation_photos(folder: Path) -> None:
    sets = evaluate.portrait_sets(folder)
    whole = {photo.name.replace("/", "_"): photo for photo in sets["street"] + sets["close"]}
    assert sets["partial"]
    for part in sets["partial"]:
        photo = whole[Path(part.name).name.rsplit("_", 1)[0]]
        assert part.image.shape == (*part.target.shape, 3)
        assert part.target.any()
        assert part.target.size < photo.target.size
        found = cv2.matchTemplate(photo.image, part.image, cv2.TM_SQDIFF)
        _, _, (left, top), _ = cv2.minMaxLoc(found)
        height, width = part.target.shape
        np.testing.assert_array_equal(part.target, photo.target[top : top + height, left : left + width])


def test_a_photo_whose_masks_disagree_is_not_trained_on(folder: Path, tmp_path: Path) -> None:
    changed = tmp_path / "data"
    shutil.copytree(folder, changed)
    for teacher in ("peer", "first"):
        mask = data.read_grey(changed / teacher / "close" / "05.png")
        write(changed / teacher / "close" / "05.png", np.roll(mask, 60, axis=1))
    names = {photo.name for photo in data.portrait_training(changed)}
    assert "close/05" not in names
    assert "close/06" in names


def test_pictures_fit_their_targets_and_depend_on_the_seed_only(sources: compose.Sources) -> None:
    shares = []
    for seed in range(40):
        image, target, trust = compose.sample(np.random.default_rng(seed), sources, SHAPE, RECIPES["portrait"], 0.5)
        assert image.shape == (*SHAPE, 3)
        assert target.shape == trust.shape == SHAPE
        assert image.dtype == target.dtype == trust.dtype == np.uint8
        again = compose.sample(np.random.default_rng(seed), sources, SHAPE, RECIPES["portrait"], 0.5)
        assert all(np.array_equal(a, b) for a, b in zip((image, target, trust), again, strict=True))
        shares.append((target > 127).mean())
    assert min(shares) == 0
    assert np.median(shares) > 0.1


def test_a_layer_covers_as_much_as_its_opacity_says(sources: compose.Sources) -> None:
    photo = dataclasses.replace(sources.groups[0][0], image=np.full_like(sources.groups[0][0].image, 255))
    layer = compose.cut_out(np.random.default_rng(3), photo, SHAPE, RECIPES["portrait"], beside=False)
    image = np.zeros((*SHAPE, 3), np.uint8)
    compose.put(image, layer)
    np.testing.assert_array_equal(image, np.repeat(layer[1][..., None], 3, axis=2))


def test_class_borders_are_ignored() -> None:
    classes = np.zeros((20, 20), np.uint8)
    classes[:, 10:] = 3
    bordered = tasks.bordered(classes, 1)
    assert (bordered[:, 9:11] == losses.IGNORED).all()
    assert (bordered[:, :9] == 0).all()
    assert (bordered[:, 11:] == 3).all()


def test_the_loss_is_small_for_the_truth_and_blind_where_nothing_is_believed() -> None:
    target = torch.zeros(2, 1, 32, 32)
    target[:, :, 8:24, 8:24] = 1
    trust = torch.ones_like(target)
    recipe = RECIPES["portrait"]

    def loss(mask: torch.Tensor, trust: torch.Tensor) -> float:
        coarse = torch.nn.functional.avg_pool2d(mask, 16)
        return float(losses.portrait_loss({"out": 20 * mask - 10, "coarse": 20 * coarse - 10}, target, trust, recipe))

    wrong = target.clone()
    wrong[:, :, :4, :4] = 1
    hidden = trust.clone()
    hidden[:, :, :16, :16] = 0
    assert loss(target, trust) < loss(wrong, trust)
    assert loss(wrong, hidden) == pytest.approx(loss(target, hidden), abs=1e-3)


def test_of_a_portrait_only_a_choice_of_classes_is_told() -> None:
    target = torch.full((1, 8, 8), losses.UPPER)
    target[:, :, :4] = 0
    target[:, 0] = losses.IGNORED

    def loss(name: str) -> float:
        logits = torch.zeros(1, len(CLASS_NAMES), 8, 8)
        logits[:, 0, :, :4] = logits[:, CLASS_NAMES.index(name), :, 4:] = 20
        return float(losses.clothing_loss({"out": logits}, target, torch.ones(9), 0.5, 0.5))

    assert loss("skin") == loss("top") < loss("shoes") - 1


def test_frozen_blocks_stay_as_they_are(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stages = (Stage(2, horizon=2, frozen=2),)
    monkeypatch.setitem(RECIPES, "clothing", dataclasses.replace(RECIPES["clothing"], **TINY | {"stages": stages}))
    task = tasks.Task("clothing", folder)
    assert train.train(task, tmp_path, torch.device("cpu"), 0, [])
    before, after = (
        load_file(folder / "start" / "portrait_v1.safetensors"),
        load_file(tmp_path / "clothing.safetensors"),
    )
    same = {key.split(".")[1]: True for key in before if key in after}
    for key in before.keys() & after.keys():
        same[key.split(".")[1]] &= torch.equal(before[key].half(), after[key])
    assert [int(block) for block, value in same.items() if value] == [0, 1]


def test_iou_and_far_errors() -> None:
    truth = np.zeros((100, 100), np.uint8)
    truth[20:60, 20:60] = 255
    mask = truth.copy()
    mask[90:, 90:] = 255
    mask[38:42, 38:42] = 0
    assert evaluate.iou(mask, truth) == pytest.approx((1600 - 16) / 1700)
    far, deep = evaluate.far_errors(mask, truth)
    assert far == pytest.approx(100 / 1600)
    assert deep == pytest.approx(16 / 1600)
    assert evaluate.iou(0 * truth, 0 * truth) == 1


def test_clothing_scores_count_every_pixel(folder: Path) -> None:
    photo = data.clothing_photos(folder, validation=True)[0]
    counts = evaluate.clothing_counts(NETWORKS["clothing"].build().eval(), photo)
    np.testing.assert_array_equal(counts.sum(axis=1), np.bincount(photo.target.ravel(), minlength=len(CLASS_NAMES)))
    perfect = np.diag(counts.sum(axis=1))
    assert np.nanmin(evaluate.class_iou(perfect)) == 1


@pytest.mark.parametrize("shape", [(192, 256), (160, 288), (32, 64)])
@pytest.mark.parametrize(("name", "channels"), [("portrait", 1), ("clothing", len(CLASS_NAMES))])
def test_a_networks_output_has_the_size_of_its_input(name: str, channels: int, shape: tuple[int, int]) -> None:
    network = NETWORKS[name].build().eval()
    with torch.inference_mode():
        assert network(torch.randn(2, 3, *shape))["out"].shape == (2, channels, *shape)


@pytest.mark.parametrize("frame", [(360, 640), (480, 640), (640, 427), (9, 640)])
def test_the_input_is_a_multiple_of_the_stride_in_the_shape_of_the_frame(frame: tuple[int, int]) -> None:
    frames = torch.zeros(1, 3, *frame, dtype=torch.uint8)
    for name, stride, side in (("portrait", 32, 256), ("clothing", 16, 448)):
        height, width = NETWORKS[name].preprocess(frames).shape[-2:]
        assert height % stride == width % stride == 0
        assert height * width < 1.2 * side**2
        assert max(height, width) <= 2 * side + stride / 2


@pytest.mark.parametrize(("name", "megabytes"), [("portrait", 3), ("clothing", 5)])
def test_the_weights_are_small_enough_to_ship(name: str, megabytes: int) -> None:
    assert 2 * sum(value.numel() for value in NETWORKS[name].build().state_dict().values()) < 1e6 * megabytes


@pytest.mark.parametrize("name", ["portrait", "clothing"])
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(
    name: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RECIPES, name, dataclasses.replace(RECIPES[name], **TINY))
    monkeypatch.setattr(train, "LOG_EVERY", 1)
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    for run in (straight, broken):
        run.mkdir()
    cpu = torch.device("cpu")
    assert train.train(tasks.Task(name, folder), straight, cpu, 0, [])

    learn = train.Run.learn
    stops: list[int] = []

    def stopping(run: train.Run, batch: train.Batch, weights: torch.Tensor) -> float:
        loss = learn(run, batch, weights)
        if run.step == 2:
            stops.append(2)
        return loss

    monkeypatch.setattr(train.Run, "learn", stopping)
    assert not train.train(tasks.Task(name, folder), broken, cpu, 0, stops)
    monkeypatch.setattr(train.Run, "learn", learn)
    assert train.train(tasks.Task(name, folder), broken, cpu, 0, [])

    ours, theirs = (load_file(run / f"{name}.safetensors") for run in (broken, straight))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert {value.dtype for value in ours.values()} == {torch.float16}
    dataclasses.replace(NETWORKS[name], weights=broken / f"{name}.safetensors").load()
    assert (broken / "curves.png").exists()
