"""training/: which photos are learned from and what is believed of them, the pictures made of them, stop and resume."""

from __future__ import annotations

import copy
import csv
import importlib
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

import seglib

TRAINING = Path(__file__).resolve().parents[1] / "training"
MODULES = (
    *("data", "surfaces", "objects", "framing", "clothes", "rooms", "scenes", "backgrounds", "recipe", "augment"),
    *("batches", "evaluate", "align", "mix", "sharpen", "peer"),
)
SHAPE = (96, 128)


@pytest.fixture(scope="module")
def code() -> Iterator[dict[str, ModuleType]]:
    """The modules of the training folder; mediapipe, which needs an environment of its own, is an empty one."""
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(TRAINING))
        patch.setitem(sys.modules, "mediapipe", ModuleType("mediapipe"))
        yield {name: importlib.import_module(name) for name in MODULES}
    for name, module in list(sys.modules.items()):
        if name not in before and str(TRAINING) in str(getattr(module, "__file__", "")):
            del sys.modules[name]


def upright(image: NDArray[Any]) -> NDArray[Any]:
    """A recorded frame, squeezed into the shape of a street photo."""
    return cv2.resize(image, (276, 416), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder as training/README.md describes it: 12 labelled photos, 2 with the teacher's masks only."""
    root = tmp_path_factory.mktemp("photos")
    for part in ("images", "masks", "teacher", "closer"):
        (root / part).mkdir()
    for number in (*range(1, 13), 21, 22):
        name = ("astronaut", "hopper")[number % 2]
        picture, mask = upright(seglib.sample_frame(name)), upright(seglib.sample_mask(name))
        grey = np.round(255 * mask).astype(np.uint8)
        cv2.imwrite(str(root / "images" / f"{number:04d}.jpg"), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        kind = "masks" if number < 20 else "teacher"
        cv2.imwrite(str(root / kind / f"{number:04d}.png"), grey)
    somebody = np.zeros((416, 276), np.uint8)
    somebody[10:50, 5:25] = 255  # far from the person, in a corner
    cv2.imwrite(str(root / "closer" / "0002.png"), somebody)
    return root


@pytest.fixture(scope="module")
def photos(code: dict[str, ModuleType], folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return code["data"].open_photos(folder, tmp_path_factory.mktemp("cache"))


# ---- the photos --------------------------------------------------------------------------------------------


def test_no_photo_of_the_validation_split_is_learned_from(photos: Any, folder: Path, code: Any) -> None:
    learned = set(photos.index["number"])
    assert learned == {2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 21, 22}
    held = {int(image.stem) for image, _ in code["data"].validation_photos(folder)}
    assert held == {1, 11}
    assert not learned & held


def test_masks_are_moved_back_to_where_the_people_are(folder: Path, code: Any) -> None:
    data = code["data"]
    for number, labelled, lies in ((2, True, data.LABELS_LIE), (21, False, data.TEACHER_LIES)):
        path = folder / "images" / f"{number:04d}.jpg"
        there, moved = (
            data.read_photo(path, labelled, aligned).planes[..., 0].astype(np.float32) / 255
            for aligned in (False, True)
        )
        assert code["align"].lies(there, moved) == pytest.approx((-lies[0], -lies[1]), abs=0.1)


@pytest.mark.parametrize("by", [(0.0, 0.0), (0.3, 0.0), (-0.5, 0.4)])
def test_align_finds_how_far_a_mask_lies(by: tuple[float, float], code: Any) -> None:
    truth = upright(seglib.sample_mask())
    assert code["align"].lies(truth, code["data"].moved(truth, by)) == pytest.approx(by, abs=0.1)


def test_align_looks_at_no_validation_photo(folder: Path, code: Any) -> None:
    assert len(list(code["align"].pairs(folder, "masks", 1))) == 10
    assert len(list(code["align"].pairs(folder, "masks", 4))) == 3
    assert len(list(code["align"].pairs(folder, "teacher", 1))) == 2


def test_a_label_is_believed_but_where_somebody_is_seen_behind_is_no_empty_street(photos: Any) -> None:
    by_number = {int(row["number"]): photos[place] for place, row in enumerate(photos.index)}
    for number in (2, 4):
        assert (by_number[number].planes[..., 1] == 255).all()
    others = by_number[2].planes[..., 3]
    assert (others[15:45, 8:22] == 255).all()
    assert np.count_nonzero(others) < 60 * 40, "only there"
    assert not by_number[4].planes[..., 3].any()


def test_who_is_cut_off_by_the_side_of_a_photo_is_not_called_background(
    folder: Path, tmp_path: Path, code: Any
) -> None:
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
        (tmp_path / part / f"0002.{'jpg' if part == 'images' else 'png'}").write_bytes(
            next((folder / part).glob("0002.*")).read_bytes()
        )
    (tmp_path / "closer").mkdir()
    seen = np.zeros((416, 276), np.uint8)
    seen[10:50, 0:20] = seen[60:90, 8:20] = 255  # one is cut off by the left side, one is not
    seen[0:8, 250:262] = 255  # that reaches the upper side, where nobody comes from
    cv2.imwrite(str(tmp_path / "closer" / "0002.png"), seen)
    photo = code["data"].read_photo(tmp_path / "images" / "0002.jpg", True)
    believed, others = photo.planes[..., 1], photo.planes[..., 3]
    assert (believed[10:50, 0:20] == 0).all()
    assert (believed[60:90, 8:20] == 255).all()
    assert (believed[0:8, 250:262] == 255).all()
    assert (believed == 0).sum() == 40 * 20
    assert (others[seen > 0] == 255).all(), "no empty street, either of them"


def test_the_cut_out_lies_within_the_target(photos: Any) -> None:
    for number in range(len(photos)):
        planes = photos[number].planes
        assert (planes[..., 2] > 127).sum() > 1000
        assert (planes[..., 0][planes[..., 2] > 127] > 127).mean() > 0.999


def test_looking_closer_covers_the_whole_picture(code: Any) -> None:
    peer = code["peer"]
    for shape in ((416, 276), (100, 101), (33, 400)):
        frame = np.zeros((*shape, 3), np.uint8)
        assert (peer.closest(frame, lambda piece: np.ones(piece.shape[:2], np.float32)) == 1).all()
        assert (peer.closest(frame, lambda piece: np.zeros(piece.shape[:2], np.float32)) == 0).all()
    frame[10:20, 300:310] = 255
    found = peer.closest(frame, lambda piece: (piece[..., 0] > 127).astype(np.float32))
    assert (found[11:19, 301:309] > 0.9).all()
    assert (found > 0.5).sum() < 200


# ---- rooms of surfaces -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def surfaces(code: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Twelve plain surfaces, each of a colour of its own, none of them black."""
    folder = tmp_path_factory.mktemp("surfaces")
    for number in range(12):
        colour = np.random.default_rng(number).integers(60, 256, 3, np.uint8)
        cv2.imwrite(str(folder / f"{number:04d}.jpg"), np.broadcast_to(colour, (130 + number, 140, 3)))
    code["surfaces"].keep(folder.glob("*.jpg"), folder / "surfaces.bin")
    return code["surfaces"].Pictures(folder / "surfaces.bin")


def test_surfaces_are_read_back_as_they_were(surfaces: Any) -> None:
    assert len(surfaces) == 12
    seen = {surfaces.pick(np.random.default_rng(seed)).shape for seed in range(200)}
    assert seen == {(130 + number, 140, 3) for number in range(12)}
    colours = np.random.default_rng(0).integers(60, 256, 3, np.uint8)[::-1]  # OpenCV wrote BGR
    first = next(s for s in map(surfaces.pick, map(np.random.default_rng, range(200))) if len(s) == 130)
    assert np.abs(first.astype(int) - colours).max() < 4


def test_a_grey_surface_is_one_and_a_thing_without_opacity_is_none(tmp_path: Path, code: Any) -> None:
    grey = np.random.default_rng(0).integers(0, 255, (130, 140), np.uint8)
    for name in ("grey.jpg", "grey.png"):
        cv2.imwrite(str(tmp_path / name), grey)
    code["surfaces"].keep([tmp_path / "grey.jpg"], tmp_path / "surfaces.bin")
    picture = code["surfaces"].Pictures(tmp_path / "surfaces.bin").pick(np.random.default_rng(0))
    assert picture.shape == (130, 140, 3)
    assert np.ptp(picture, axis=-1).max() == 0
    with pytest.raises(ValueError, match=r"grey\.png is no picture with 4 channels"):
        code["surfaces"].keep([tmp_path / "grey.png"], tmp_path / "objects.bin", 4)


def test_without_surfaces_there_are_no_rooms(photos: Any, code: Any) -> None:
    assert len(photos.surfaces) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(code["backgrounds"], "room", lambda *args: pytest.fail("there is nothing to cover it with"))
        for seed in range(30):
            code["backgrounds"].background(
                np.random.default_rng(seed), photos, SHAPE, code["recipe"].Recipe(surfaced=1)
            )


@pytest.mark.parametrize("shape", [(96, 128), (160, 96)])
def test_a_room_is_covered_everywhere_and_the_seed_decides_it(shape: tuple[int, int], surfaces: Any, code: Any) -> None:
    for seed in range(40):
        room, again = (code["rooms"].room(np.random.default_rng(seed), surfaces, shape) for _ in range(2))
        assert (room.shape, room.dtype) == ((*shape, 3), np.uint8)
        assert (room.max(-1) > 0).all()
        np.testing.assert_array_equal(room, again)
        assert code["rooms"].flat(np.random.default_rng(seed), surfaces, shape).min() > 50


def test_rays_meet_a_box_where_it_is(code: Any) -> None:
    """Every ray that is said to enter does so on the box's surface, on the named side; the others pass it by."""
    rng = np.random.default_rng(5)
    rays = rng.normal(0, 1, (3, 40, 50)).astype(np.float32)
    rays[:, 0, 0] = (0, 0, 1)  # along an axis
    for box in ([(-1.0, -0.5, 2), (0.5, 1, 3)], [(-1.0, -2, -1), (2, 1, 3)]):
        least, greatest = box = np.array(box)
        first, last, side = code["rooms"].through(rays, box)
        inside = (least < 0).all()
        reached = np.full(last.shape, True) if inside else (first < last) & (first > 0)
        assert inside or 0 < reached.mean() < 1
        points = np.moveaxis(rays * (last if inside else first), 0, -1)[reached]
        assert (points > least - 1e-4).all()
        assert (points < greatest + 1e-4).all()
        wall = np.concatenate([least, greatest])[side[reached]]
        np.testing.assert_allclose(points[np.arange(len(points)), side[reached] % 3], wall, atol=1e-4)
        along = np.moveaxis(rays, 0, -1)[~reached][:, None] * np.linspace(0, 30, 3000)[:, None]
        assert not ((along > least + 0.02) & (along < greatest - 0.02)).all(-1).any()


def test_surfaces_come_out_of_folders_and_zip_files(tmp_path: Path, monkeypatch: Any, code: Any) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (900, 300, 3), np.uint8)
    encoded = cv2.imencode(".png", picture)[1].tobytes()
    (tmp_path / "from" / "tex_pics").mkdir(parents=True)
    (tmp_path / "from" / "wood.png").write_bytes(encoded)
    (tmp_path / "from" / "tex_pics" / "poster.png").write_bytes(encoded)
    (tmp_path / "from" / "broken.jpg").write_bytes(encoded[:40])
    (tmp_path / "from" / "notes.txt").write_text("no picture")
    with zipfile.ZipFile(tmp_path / "from" / "more.pk3", "w") as archive:
        archive.writestr("textures/brick.png", encoded)
        archive.writestr("textures/brick_nm.png", encoded)
        archive.writestr("textures/plain.png", cv2.imencode(".png", np.full((200, 200, 3), 90, np.uint8))[1].tobytes())
    monkeypatch.setattr(sys, "argv", ["surfaces.py", str(tmp_path / "from"), str(tmp_path / "to")])
    code["surfaces"].main()
    written = sorted((tmp_path / "to").iterdir())
    assert [path.name for path in written] == ["0001.jpg", "0002.jpg"]
    assert {cv2.imread(str(path)).shape for path in written} == {(512, 171, 3)}


# ---- photographed things -----------------------------------------------------------------------------------


def cut_out(number: int) -> NDArray[np.uint8]:
    """BGRA: a disc of many bright colours, as a photographed thing has."""
    colours = np.random.default_rng(number).integers(150, 256, (90, 110, 4), np.uint8)
    colours[..., 3] = cv2.circle(np.zeros((90, 110), np.uint8), (55, 45), 40, 255, -1)
    return colours


@pytest.fixture(scope="module")
def crowded(photos: Any, code: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The photos, with three photographed things beside them."""
    folder = tmp_path_factory.mktemp("objects")
    for number in range(3):
        cv2.imwrite(str(folder / f"{number}.png"), cut_out(number))
    code["surfaces"].keep(folder.glob("*.png"), folder / "objects.bin", 4)
    more = copy.copy(photos)
    more.objects = code["surfaces"].Pictures(folder / "objects.bin", 4)
    return more


def test_photographed_things_are_read_back_with_their_opacity(crowded: Any) -> None:
    assert len(crowded.objects) == 3
    seen = [crowded.objects.pick(np.random.default_rng(seed)) for seed in range(30)]
    for number in range(3):
        expected = cv2.cvtColor(cut_out(number), cv2.COLOR_BGRA2RGBA)
        assert any(np.array_equal(picture, expected) for picture in seen)


def test_who_is_behind_a_thing_is_not_seen(crowded: Any, photos: Any, code: Any) -> None:
    kept = []
    for seed in range(40):
        image, target = np.full((96, 128, 3), 7, np.uint8), np.full((96, 128), 255, np.uint8)
        code["backgrounds"].objects(np.random.default_rng(seed), crowded, image, target)
        assert (image[target == 255] == 7).all(), "what is seen of the person is as it was"
        assert (image[target == 0] > 30).mean() > 0.9 if (target == 0).any() else True
        kept.append((target == 255).mean())
    assert 0.3 < np.mean(kept) < 0.95
    image = np.full((96, 128, 3), 7, np.uint8)
    code["backgrounds"].objects(np.random.default_rng(0), photos, image)
    assert (image == 7).all(), "where there are no things, nothing happens"


@pytest.mark.parametrize("name", ["objects", "hide"])
def test_what_is_before_people_keeps_off_the_corners(name: str, crowded: Any, code: Any) -> None:
    cut_off = []
    for seed in range(100):
        image, target = np.full((96, 128, 3), 77, np.uint8), np.full((96, 128), 255, np.uint8)
        made = getattr(code["backgrounds"], name)(np.random.default_rng(seed), crowded, image, target)
        corners = (target if made is None else made[1])[72:, [0, -1]] < 128
        cut_off.append(corners.any(0).sum() == 1)  # tables go from side to side, others are shorter
    assert np.mean(cut_off) < 0.05


def test_things_behind_somebody_do_not_change_who_that_is(crowded: Any, code: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(code["augment"], "decorate", lambda rng, things, person, alpha: person)
    changed = []
    for seed in range(40):
        image, plain = (
            code["augment"].framed(np.random.default_rng(seed), crowded, SHAPE, code["recipe"].Recipe(objects=share))
            for share in (3, 0)
        )
        for with_things, without in zip(image[1:], plain[1:], strict=True):
            np.testing.assert_array_equal(with_things, without)
        inside = cv2.erode(plain[1], np.ones((15, 15), np.uint8)) == 255
        difference = np.abs(image[0].astype(int) - plain[0]).max(-1)
        assert difference[inside].max(initial=0) <= 1
        changed.append(difference[plain[1] == 0].mean() if (plain[1] == 0).any() else 0)
    assert np.median(changed) > 3


def test_things_in_the_colour_of_somebodys_clothes_touch_them_and_are_nobody(photos: Any, code: Any) -> None:
    alpha = cv2.circle(np.zeros((96, 128), np.float32), (64, 60), 25, 1, -1)
    person = np.full((96, 128, 3), (200, 60, 20), np.float32)
    person[alpha == 0] = (0, 0, 255)  # what was beside them in their photo
    nearest = cv2.distanceTransform((alpha == 0).astype(np.uint8), cv2.DIST_L2, 5)
    beside, covered = [], []
    for seed in range(60):
        image, target = np.full((96, 128, 3), 128, np.float32), np.ones((96, 128), np.float32)
        code["backgrounds"].alike(np.random.default_rng(seed), photos, image, target, person, alpha)
        assert image.min() >= 0
        assert image.max() <= 255
        assert (image[target == 1] == 128).all(), "where nothing is, all is as it was"
        colours = image[target == 0]
        direction = colours / np.linalg.norm(colours, axis=1, keepdims=True)
        assert (direction @ (200, 60, 20) > 0.97 * np.linalg.norm((200, 60, 20))).all()
        things = (target < 0.5) & (alpha == 0)
        beside.append(nearest[things].min() <= 2 if things.any() else False)
        covered.append((target < 0.5).mean())
    assert np.mean(beside) > 0.7
    assert 0.01 < np.mean(covered) < 0.3
    nothing = np.full((96, 128, 3), 128, np.float32)
    code["backgrounds"].alike(np.random.default_rng(0), photos, nothing, np.ones((96, 128)), person, 0 * alpha)
    assert (nothing == 128).all()


def test_a_thing_lies_where_it_is_put_also_across_the_edge(crowded: Any, code: Any) -> None:
    place, touched = code["objects"].place, 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        centre, size = rng.uniform((-40, -40), (170, 140)), rng.uniform(5, 90)
        wide, target = np.full((296, 328, 3), 7, np.uint8), np.full((296, 328), 255, np.uint8)
        place(np.random.default_rng(seed), crowded.objects, wide, centre + 100, size, target)
        image, part = np.full((96, 128, 3), 7, np.uint8), np.full((96, 128), 255, np.uint8)
        place(np.random.default_rng(seed), crowded.objects, image, centre, size, part)
        assert np.abs(image.astype(int) - wide[100:196, 100:228]).max() <= 12, "as a piece of a larger picture"
        np.testing.assert_allclose(part, target[100:196, 100:228], atol=12)
        touched += (part < 255).any()
        rows, columns = np.nonzero(target < 128)
        if len(rows):
            assert np.abs(np.array([columns.mean(), rows.mean()]) - centre - 100).max() < size / 4 + 1
    assert 10 < touched < 40


@pytest.fixture
def rough(tmp_path: Path, code: Any) -> Any:
    """One surface, all noise."""
    cv2.imwrite(str(tmp_path / "rough.png"), np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8))
    code["surfaces"].keep([tmp_path / "rough.png"], tmp_path / "surfaces.bin")
    return code["surfaces"].Pictures(tmp_path / "surfaces.bin")


def test_clothes_hide_no_head_but_under_a_hat_and_some_have_a_grain(photos: Any, rough: Any, code: Any) -> None:
    alpha = np.zeros((96, 128), np.float32)
    alpha[15:45, 54:74] = alpha[45:, 30:100] = 1  # a head, and below it much wider
    person = np.full((96, 128, 3), 120, np.uint8)
    none = code["surfaces"].Pictures(photos.surfaces.file)
    behind = np.full((96, 128, 3), (40, 200, 90), np.float32)
    head, away_up = np.float32([[64, 15], [64, 45]]), np.float32([[64, -150], [64, -110]])
    flat, two, bare, larger, alike = {False: 0, True: 0}, 0, 0, [], 0
    for things in (none, rough):
        for seed in range(60):
            worn, covered = code["clothes"].dress(np.random.default_rng(seed), things, person, alpha, behind, head)
            assert (worn.shape, worn.dtype) == (person.shape, np.uint8)
            assert (covered.shape, covered.dtype) == (alpha.shape, np.float32)
            assert (covered >= alpha).all()
            assert covered.max() <= 1
            assert cv2.connectedComponents((covered > 0.5).astype(np.uint8))[0] == 2, "what stands out is not apart"
            bare += (worn[15:25, 56:72] == 120).all()
            larger.append(covered.sum() / alpha.sum())
            assert (worn[70:] != 120).any()
            all_of_it, same = code["clothes"].dress(np.random.default_rng(seed), things, person, alpha, behind, away_up)
            assert (same == alpha).all(), "of whom the head is not in the picture, no hat is, nor a collar"
            assert (all_of_it[15:25, 56:72] != 120).any()
            flat[len(things) > 0] += np.ptp(all_of_it, axis=(0, 1)).max() < 3
            two += len(np.unique(all_of_it.reshape(-1, 3), axis=0)) == 2
            away = all_of_it.mean((0, 1)) - 120
            alike += np.dot(away, (-80, 80, -30)) > 0.98 * np.linalg.norm(away) * np.linalg.norm((-80, 80, -30))
    assert 80 < bare < 115, "a seventh wear a hat"
    assert 62 < sum(share > 1.005 for share in larger) < 92, "most of the collars stand out"
    assert max(larger) < 1.6
    assert 15 < alike < 60, "a fifth have the colour of what is behind"
    assert 12 < flat[False] < 32, "a third of the clothes of a plain cloth are of one colour"
    assert 2 < two < 16, "an eighth are of two"
    assert 6 < flat[True] < 0.8 * flat[False], "and of those, photographed surfaces give some a grain"
    unchanged, nobody = code["clothes"].dress(np.random.default_rng(0), none, person, 0 * alpha, behind, head)
    assert (unchanged == 120).all()
    assert not nobody.any()


def test_a_rim_is_narrow_inside_the_outline_and_not_where_the_picture_cuts_somebody_off(code: Any) -> None:
    alpha = np.zeros((200, 128), np.float32)
    alpha[60:, 30:100] = 1
    person = np.full((200, 128, 3), 20, np.float32)
    depth = cv2.distanceTransform((alpha > 0).astype(np.uint8), cv2.DIST_L2, 5)
    at_the_edge = []
    for seed in range(60):
        lit = code["clothes"].rim(np.random.default_rng(seed), person, alpha)
        assert (lit.shape, lit.dtype) == (person.shape, np.float32)
        assert lit.min() >= 0
        assert lit.max() <= 255
        change = np.abs(lit - 20).max(-1)
        assert change[depth > 0.035 * 200 + 8].max() < 8, "narrow, and not at the lower side of the picture"
        at_the_edge.append([change[60:190, 31].mean(), change[60:190, 98].mean(), change[61, 35:95].mean()])
    lit_sides = np.array(at_the_edge) > 20
    assert lit_sides.any(1).mean() > 0.85
    assert 0.2 < lit_sides.all(1).mean() < 0.8, "all around, or from one side"
    assert (lit_sides.mean(0) > 0.4).all()


def test_the_clothes_of_who_lies_begin_at_the_neck(photos: Any, code: Any) -> None:
    alpha = np.ones((96, 128), np.float32)
    person, behind = np.full((96, 128, 3), 120, np.uint8), np.full((96, 128, 3), 10, np.float32)
    lying = np.float32([[5, 48], [45, 48]])  # the head at the left
    heads, bodies = [], []
    for seed in range(20):
        worn, _ = code["clothes"].dress(np.random.default_rng(seed), photos.surfaces, person, alpha, behind, lying)
        heads.append((worn[:, 8:25] != 120).any())
        bodies.append((worn[:, 60:] != 120).any())
    assert all(bodies)
    assert sum(heads) < 10, "under a hat, a hood"


def test_the_neck_of_a_photo_is_found_in_the_picture(photos: Any, code: Any) -> None:
    photo = photos[0]
    _, top, _, bottom = photo.box
    same = np.float32([[1, 0, 0], [0, 1, 0]])
    assert code["framing"].head_and_neck(photo, same) == pytest.approx(
        np.array([(photo.head, top), (photo.head, top + 0.165 * (bottom - top))]), abs=0.01
    )
    turned = np.float32([[0, -2, 300], [2, 0, 7]])  # a quarter to the right, twice as large
    (head_x, head_y), (neck_x, neck_y) = code["framing"].head_and_neck(photo, turned)
    assert (head_x, head_y) == pytest.approx((300 - 2 * top, 2 * photo.head + 7), abs=0.01)
    assert neck_x == pytest.approx(head_x - 2 * 0.165 * (bottom - top), abs=0.01)
    assert neck_y == pytest.approx(head_y, abs=0.01)


def test_who_is_enlarged_gets_fine_detail_and_keeps_light_and_colour(photos: Any, rough: Any, code: Any) -> None:
    none = code["surfaces"].Pictures(photos.surfaces.file)
    person = cv2.GaussianBlur(upright(seglib.sample_frame()), (0, 0), 3)

    def detail(picture: NDArray[Any]) -> float:
        return float(cv2.Laplacian(picture, cv2.CV_32F).std())

    near, far = np.float32([[3, 0, 0], [0, 3, 0]]), np.float32([[1, 0, 0], [0, 1, 0]])
    assert code["clothes"].sharpen(np.random.default_rng(0), rough, person, far) is person
    made = {}
    for name, surfaces in {"none": none, "rough": rough}.items():
        pictures = [code["clothes"].sharpen(np.random.default_rng(seed), surfaces, person, near) for seed in range(30)]
        made[name] = np.array([detail(picture) for picture in pictures])
        for picture in pictures:
            assert np.abs(picture.mean((0, 1)) - person.mean((0, 1))).max() < 12
    assert np.median(made["none"]) > 1.3 * detail(person)
    assert (made["rough"] > 2 * made["none"].max()).sum() >= 6, "about two fifths have the surface's grain"


def test_small_things_are_put_on_somebody(crowded: Any, photos: Any, code: Any) -> None:
    alpha, changed = np.zeros((96, 128), np.float32), []
    alpha[20:, 40:90] = 1
    for seed in range(30):
        person = np.full((96, 128, 3), 7, np.uint8)
        decorated = code["clothes"].decorate(np.random.default_rng(seed), crowded.objects, person, alpha)
        assert (person == 7).all()
        assert (decorated.shape, decorated.dtype) == (person.shape, np.uint8)
        changed.append((decorated != 7).any(-1)[alpha > 0].mean())
    assert 0 < min(changed) < np.median(changed) < 0.3
    assert (code["clothes"].decorate(np.random.default_rng(0), photos.objects, person, alpha) == 7).all()
    assert (code["clothes"].decorate(np.random.default_rng(0), crowded.objects, person, 0 * alpha) == 7).all()


def test_of_a_thin_thing_made_tiny_a_line_is_left(code: Any) -> None:
    where = np.float32([[0.02, 0, 10], [0, 0.02, 10]])
    small = code["framing"].warp(np.full((400, 3, 3), 255, np.uint8), where, (30, 30), cv2.BORDER_CONSTANT)
    assert small[10:18, 9:12].max() > 0


def test_of_some_only_a_shoulder_is_left(photos: Any, code: Any) -> None:
    seen = []
    for seed in range(400):
        photo = photos[0]
        where = code["framing"].framing(np.random.default_rng(seed), photo, SHAPE, close=1, room=1)
        x, _ = where @ (photo.head, photo.box[1], 1)
        if not 0 < x < SHAPE[1]:  # the head is not in the picture
            person = code["framing"].warp(photo.planes, where, SHAPE, cv2.BORDER_CONSTANT)[..., 0] > 127
            seen.append((person.any(), person[SHAPE[0] // 3 :].any() and not person[: SHAPE[0] // 3].any()))
    somebody, low = np.mean(seen, axis=0)
    assert 230 < len(seen) < 310
    assert somebody > 0.75
    assert low > 0.3, "a shoulder low in the corner"


def test_who_shows_no_face_is_dressed_most_often(photos: Any, code: Any, monkeypatch: Any) -> None:
    augment, people = code["augment"], []  # of each: is a face seen, is it dressed, is a thing alike beside it?
    find, dress = augment.head_and_neck, augment.dress

    def found(*args: Any) -> Any:
        head = find(*args)
        people.append([bool(((head.mean(0) >= 0) & (head.mean(0) < SHAPE[::-1])).all()), False, False])
        return head

    def dressed(*args: Any) -> Any:
        people[-1][1] = True
        return dress(*args)

    monkeypatch.setattr(augment, "head_and_neck", found)

    def alike(*args: Any) -> None:
        people[-1][2] = True

    monkeypatch.setattr(augment, "alike", alike)
    monkeypatch.setattr(augment, "dress", dressed)
    for share, seldom, often in ((0, (0, 0), (0, 0)), (0.5, (0.35, 0.65), (0.75, 1))):
        people.clear()
        for seed in range(200):
            recipe = code["recipe"].Recipe(dressed=share, several=0, alike=share)
            augment.pasted(np.random.default_rng(seed), photos, SHAPE, recipe)
        faces, worn, beside = np.array(people).T
        assert 0.2 < faces.mean() < 0.9
        assert seldom[0] <= worn[faces].mean() <= seldom[1]
        assert often[0] <= worn[~faces].mean() <= often[1]
        assert seldom[0] <= beside[faces].mean() <= seldom[1]
        assert not beside[~faces].any(), "without a face, the colour is what tells"


def test_objects_are_photos_and_no_people(tmp_path: Path, monkeypatch: Any, code: Any) -> None:
    large = cv2.resize(cut_out(1), (880, 720), interpolation=cv2.INTER_NEAREST)
    drawn, whole = cut_out(1), cut_out(1)
    drawn[..., :3], whole[..., 3] = 90, 255
    names = {"animals/dog.png": large, "people/anna.png": cut_out(1), "toys/drawn.png": drawn, "toys/square.png": whole}
    names |= {"toys/small.png": cut_out(1)[:50], "toys/opaque.png": cut_out(1)[..., :3]}
    for name, picture in names.items():
        (tmp_path / "from" / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / "from" / name), picture)
    (tmp_path / "from" / "broken.png").write_bytes(b"no picture")
    monkeypatch.setattr(sys, "argv", ["objects.py", str(tmp_path / "from"), str(tmp_path / "to")])
    code["objects"].main()
    (written,) = sorted((tmp_path / "to").iterdir())
    picture = cv2.imread(str(written), cv2.IMREAD_UNCHANGED)
    assert (written.name, picture.shape) == ("0001.png", (262, 320, 4))
    assert 0.45 < (picture[..., 3] > 127).mean() < np.pi * 40**2 / (90 * 110), "cut a little narrower"


# ---- the pictures ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(96, 128), (160, 96), (128, 128)])
def test_a_picture_is_what_it_promises_and_the_seed_decides_it(shape: tuple[int, int], photos: Any, code: Any) -> None:
    augment = code["augment"]
    for seed in range(40):
        first, again = (
            augment.sample(np.random.default_rng(seed), photos, shape, code["recipe"].Recipe()) for _ in range(2)
        )
        image, target, trust = first
        assert (image.shape, target.shape, trust.shape) == ((*shape, 3), shape, shape)
        assert {part.dtype for part in first} == {np.dtype(np.uint8)}
        assert set(np.unique(trust)) <= {0, 128, 255}
        for one, other in zip(first, again, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("shape", [(96, 128), (128, 96), (5, 300), (12, 12)])
def test_a_cupboard_has_fronts_and_handles_and_fits_anywhere(shape: tuple[int, int], code: Any) -> None:
    colours = []
    for seed in range(40):
        picture = np.full((*shape, 3), (0, 0, 255), np.uint8)
        code["scenes"].cupboard(np.random.default_rng(seed), picture)
        drawn = picture[(picture != (0, 0, 255)).any(-1)]
        assert len(drawn)
        colours.append(len(np.unique(drawn, axis=0)))
    if min(shape) > 50:
        assert np.median(colours) > 10, "a front lit unevenly, gaps, handles"


def test_empty_pictures_hold_nobody(photos: Any, code: Any) -> None:
    augment = code["augment"]
    for seed in range(20):
        _, target, _ = augment.sample(
            np.random.default_rng(seed), photos, SHAPE, code["recipe"].Recipe(empty=1, pasted=0)
        )
        assert not target.any()


def test_people_far_away_are_small_and_close_ones_fill_the_picture(photos: Any, code: Any, monkeypatch: Any) -> None:
    augment = code["augment"]
    recipe = {"empty": 0, "pasted": 1, "several": 0, "hidden": 0, "cluttered": 0}
    covered = {}
    monkeypatch.setattr(code["framing"], "GOING", 0)  # of whoever is going little is left, however close
    for name, more in {"far": {"far": 1}, "close": {"far": 0, "close": 1}}.items():
        made = [
            augment.sample(np.random.default_rng(seed), photos, SHAPE, code["recipe"].Recipe(**recipe, **more))[1]
            for seed in range(40)
        ]
        covered[name] = [np.mean(target > 127) for target in made]
    assert np.median(covered["far"]) < 0.15
    assert np.median(covered["close"]) > 0.25
    assert np.mean(np.array(covered["far"]) > 0) > 0.8, "most of them are in the picture"


def test_a_photo_as_it_was_taken_shows_hardly_less(photos: Any, code: Any) -> None:
    framing, kept = code["framing"], []
    for seed in range(30):
        photo = photos[seed % len(photos)]
        where = framing.as_taken(np.random.default_rng(seed), photo, (156, 104))
        person = framing.warp(photo.planes, where, (156, 104), cv2.BORDER_CONSTANT)[..., 0] > 127
        scale = abs(np.linalg.det(where[:, :2]))
        kept.append(person.sum() / ((photo.planes[..., 0] > 127).sum() * scale))
        assert 0.8 < scale / (156 / 416) ** 2 < 2
    assert min(kept) > 0.6
    assert np.median(kept) > 0.8


def test_a_shadow_begins_at_the_feet_and_darkens_no_more_than_all(code: Any) -> None:
    alpha = np.zeros((120, 160), np.float32)
    alpha[30:100, 55:105] = 1
    for seed in range(50):
        shadow = code["augment"].shadow(np.random.default_rng(seed), alpha)
        assert shadow.shape == alpha.shape
        assert -1e-5 < shadow.min() <= shadow.max() < 1 + 1e-5
        assert shadow[30:100].max() > 0.3
    assert not code["augment"].shadow(np.random.default_rng(0), np.zeros_like(alpha)).any(), "nobody throws none"


def test_odd_shapes_cover_a_part_and_who_is_behind_them_is_not_seen(photos: Any, code: Any) -> None:
    kept, covered = [], []
    for seed in range(60):
        image, target = np.full((96, 128, 3), 77, np.uint8), np.full((96, 128), 255, np.uint8)
        assert code["backgrounds"].clutter(np.random.default_rng(seed), photos, image, target) is None
        assert (image[target == 255] == 77).all(), "what is seen of the person is as it was"
        kept.append((target == 255).mean())
        covered.append((image[target == 0] != 77).mean() if (target == 0).any() else 1)
        alone = np.full_like(image, 77)
        code["backgrounds"].clutter(np.random.default_rng(seed), photos, alone)
        np.testing.assert_array_equal(alone, image, "the same shapes, whoever is behind them")
    assert np.mean(covered) > 0.9
    assert 0.2 < np.mean(kept) < 0.9
    assert np.mean(np.array(kept) < 1) > 0.9


def test_some_are_turned_far_and_most_are_not(photos: Any, code: Any) -> None:
    framing, turned = code["framing"], []
    for seed in range(600):
        where = framing.framing(np.random.default_rng(seed), photos[0], SHAPE, close=0.5, room=1)
        turned.append(abs(np.rad2deg(np.arctan2(where[1, 0], abs(where[0, 0])))))
    assert np.median(turned) < 10
    assert 0.01 < np.mean(np.array(turned) > 50) < 0.08


def test_a_good_camera_adds_no_faults(photos: Any, code: Any) -> None:
    augment = code["augment"]
    same = dict.fromkeys((0, 1), 0)
    for good in same:
        recipe = code["recipe"].Recipe(good=good, empty=0, pasted=0, hidden=0, cluttered=0)
        for seed in range(30):
            image = augment.sample(np.random.default_rng(seed), photos, SHAPE, recipe)[0]
            rng = np.random.default_rng(seed)
            rng.random()  # what kind of picture it becomes
            same[good] += np.array_equal(image, augment.framed(rng, photos, SHAPE, recipe)[0])
    assert same[1] == 30
    assert same[0] < 10


def test_what_is_made_much_smaller_does_not_glitter(code: Any) -> None:
    """Single black and white columns, shrunk to a twentieth, are grey: nothing is skipped."""
    lines = np.zeros((800, 800, 3), np.uint8)
    lines[:, ::2] = 255
    where = np.float32([[0.05, 0, 0], [0, 0.05, 0]])
    small = code["framing"].warp(lines, where, (40, 40), cv2.BORDER_REFLECT)
    assert np.abs(small.astype(int) - 127).max() < 5


def test_processes_share_a_batch_and_leave_nothing_out(photos: Any, code: Any) -> None:
    batches, recipe = code["batches"], code["recipe"].Recipe()
    whole = batches.Batches(photos, 3, 6, 100, recipe)[7]
    halves = [batches.Batches(photos, 3, 6, 100, recipe, (place, 2))[7] for place in range(2)]
    for part, *shares in zip(whole, *halves, strict=True):
        for place, share in enumerate(shares):
            assert torch.equal(part[place::2], share)


def test_what_is_seen_again_is_moved_with_its_target(code: Any) -> None:
    target = torch.zeros(6, 1, 64, 96)
    target[:, :, 20:50, 30:70] = 255
    images, trust = target.repeat(1, 3, 1, 1), torch.full_like(target, 128)
    moved, mask, believed = code["batches"].varied(np.random.default_rng(1), images, target, trust)
    assert [part.shape for part in (moved, mask, believed)] == [part.shape for part in (images, target, trust)]
    assert (moved[(mask > 254).expand_as(moved)] > 255 * 0.3).all()
    assert (moved[(mask < 1).expand_as(moved)] < 2).all()
    for one in mask:
        assert 0.4 < (one > 127).float().mean() / (target[0] > 127).float().mean() < 2
    assert all((mask[0] - other).abs().max() > 100 for other in mask[1:]), "each in its own way"
    assert moved.max() <= 255
    outside = believed < 1
    assert 0 < outside.float().mean() < 0.5
    assert believed[:, :, 28:36, 40:56].min() > 127, "the middle of the picture is inside"
    for part, same in zip(
        code["batches"].varied(np.random.default_rng(1), images, target, trust), (moved, mask, believed), strict=True
    ):
        assert torch.equal(part, same)


def test_new_pictures_come_first_and_older_ones_with_them(photos: Any, code: Any, monkeypatch: Any) -> None:
    def darker(_: Any, images: torch.Tensor, targets: torch.Tensor, trust: torch.Tensor) -> Any:
        return images, targets / 2, trust  # so that it is seen whether older ones, and only these, were varied

    monkeypatch.setattr(code["batches"], "varied", darker)
    source = code["batches"].Batches(photos, 3, 2, 100, code["recipe"].Recipe())
    cpu = torch.device("cpu")
    plain = list(code["batches"].stream(source, 0, 12, 0, cpu))
    again = list(code["batches"].stream(source, 0, 12, 0, cpu, 2))
    of_shape: dict[Any, list[int]] = {}
    for number, (one, more) in enumerate(zip(plain, again, strict=True)):
        earlier = of_shape.setdefault(one[0].shape, [])
        last_two = [earlier[-2], earlier[-1]] if len(earlier) > 1 else 2 * (earlier or [number])
        for part, (new, larger) in enumerate(zip(one, more, strict=True)):
            assert larger.shape == (6, *new.shape[1:])
            assert torch.equal(larger[:2], new)
            older = torch.cat([plain[seen][part] for seen in last_two])
            torch.testing.assert_close(larger[2:], older / 2 if part == 1 else older)
        earlier.append(number)
    assert max(map(len, of_shape.values())) > 2


# ---- the figures -------------------------------------------------------------------------------------------


def test_the_faults_and_the_iou_make_one(code: Any) -> None:
    truth = np.zeros((128, 256), np.float32)
    truth[40:100, 60:120] = 1
    wider, elsewhere, hole = truth.copy(), truth.copy(), truth.copy()
    wider[40:100, 120:124] = 1
    elsewhere[20:40, 200:240] = 1
    hole[60:80, 80:100] = 0
    covered = truth.sum()
    whole = {"near": 0.0, "missed": 0.0, "extra": 0.0}
    for mask, wrong in (
        (truth, {}),
        (wider, {"near": 240 / (covered + 240)}),
        (elsewhere, {"extra": 800 / (covered + 800)}),
        (hole, {"missed": 400 / covered}),
        (np.zeros_like(truth), {"near": 1 - 48 * 48 / covered, "missed": 48 * 48 / covered}),
    ):
        found = code["evaluate"].faults(mask, truth)
        assert found == pytest.approx(whole | wrong, abs=1e-6)
        assert sum(found.values()) + seglib.iou(mask, truth) == pytest.approx(1)
    assert code["evaluate"].faults(truth * 0, truth * 0) == whole


def test_who_is_leaving_is_judged_in_six_colours(code: Any, tmp_path: Path) -> None:
    shown = list(code["evaluate"].pictures(tmp_path, "leaving"))
    clip = {name: frame for name, frame, _ in code["evaluate"].pictures(tmp_path, "clip")}
    assert len(shown) == 20 * 6
    for name, picture, mask in shown:
        frame, turn = clip[name[:3]], int(name[4:])
        assert (picture[mask == 0] == frame[mask == 0]).all(), "the room stays as it is"
        difference = np.abs(picture.astype(int) - frame)[mask == 1].mean()
        assert (difference < 2) if turn == 0 else (difference > 8), (name, difference)
    assert min(mask.mean() for _, _, mask in shown) < 0.04, "of some a shoulder is left"


# ---- the weights -------------------------------------------------------------------------------------------


def test_the_mean_of_weights_lies_between_them_and_is_one_of_the_same_network(code: Any) -> None:
    mean_of = code["mix"].mean_of
    ours = load_file(seglib.weights.EMBEDDED)
    theirs = {name: tensor + 1 for name, tensor in ours.items()}
    mean = mean_of([ours, theirs, theirs])
    assert mean.keys() == ours.keys()
    for name, tensor in mean.items():
        assert tensor.dtype == torch.float16
        torch.testing.assert_close(tensor.float(), ours[name].float() + 2 / 3, rtol=2e-3, atol=2e-3)
    assert all(torch.equal(mean_of([ours])[name], ours[name]) for name in ours)
    first = next(iter(ours))
    for wrong in ({**ours, first: ours[first][:1]}, {name: ours[name] for name in list(ours)[1:]}):
        with pytest.raises(ValueError, match="different networks"):
            mean_of([ours, wrong])


def test_a_sharper_network_decides_alike_and_is_surer(code: Any, tmp_path: Path, monkeypatch: Any) -> None:
    network = code["evaluate"].load_network(seglib.weights.EMBEDDED).eval()
    frame = torch.from_numpy(np.random.default_rng(0).normal(0, 1, (1, 3, 64, 96))).float()
    with torch.inference_mode():
        before = network(frame)["out"]
        out = tmp_path / "sharp.safetensors"
        argv = ["sharpen.py", str(seglib.weights.EMBEDDED), "--times", "2", "--out", str(out)]
        monkeypatch.setattr(sys, "argv", argv)
        code["sharpen"].main()
        after = code["evaluate"].load_network(out).eval()(frame)["out"]
    torch.testing.assert_close(after, 2 * before, rtol=1e-3, atol=1e-3)
    assert {tensor.dtype for tensor in load_file(out).values()} == {torch.float16}


# ---- the run -----------------------------------------------------------------------------------------------


def start(folder: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(TRAINING / "train_portrait.py"), str(folder), "--out", str(out)]
    short = "--steps 10 --batch 2 --small-steps 10 --workers 0 --log-every 1 --validate-every 10 --validate-photos 1"
    command += [*short.split(), "--save-seconds", "0", *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def losses(out: Path) -> list[tuple[str, str]]:
    if not (out / "log.csv").exists():
        return []
    with open(out / "log.csv", newline="") as file:
        return [(row["step"], row["loss"]) for row in csv.DictReader(file)]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM that a program could answer")
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(folder: Path, tmp_path: Path) -> None:
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    run = start(folder, straight)
    assert run.communicate(timeout=240)[0]
    assert run.returncode == 0
    assert [step for step, _ in losses(straight)] == [str(step) for step in range(1, 11)]

    run = start(folder, broken)
    deadline = time.monotonic() + 120
    while len(losses(broken)) < 3 and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    run.send_signal(signal.SIGTERM)
    assert "the same command goes on from here" in run.communicate(timeout=120)[0]
    assert 3 <= len(losses(broken)) < 10, "it stopped in the middle"
    assert "going on from step" in start(folder, broken).communicate(timeout=240)[0]

    assert losses(broken) == losses(straight)
    ours, theirs = (load_file(out / "portrait_latest.safetensors") for out in (broken, straight))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert (straight / "curves.png").stat().st_size > 1000


def test_a_run_can_end_by_the_clock(folder: Path, tmp_path: Path) -> None:
    run = start(folder, tmp_path, "--steps", "100000", "--minutes", "0.05", "--again", "1")
    told = run.communicate(timeout=240)[0]
    assert run.returncode == 0, told
    assert "the same command goes on" not in told
    with open(tmp_path / "log.csv", newline="") as file:
        last = list(csv.DictReader(file))[-1]
    assert 3 <= float(last["seconds"]) < 60
    assert float(last["rate"]) == 0, "its schedule is done"
    assert last["validation_iou"]
    assert (tmp_path / "portrait_latest.safetensors").exists()


def test_several_processes_have_several_clocks(folder: Path, tmp_path: Path) -> None:
    run = start(folder, tmp_path, "--minutes", "1", "--processes", "2")
    assert "--minutes needs --processes 1" in run.communicate(timeout=120)[0]
    assert run.returncode == 2
