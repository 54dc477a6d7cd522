"""Pictures with nobody in them, and things that hide people. A picture is (H, W, 3) uint8 RGB; a shape is (H, W)."""

import cv2
import numpy as np
from data import Photos
from framing import matrix, warp
from numpy.typing import NDArray
from objects import place
from recipe import Recipe
from rooms import flat, grain, room
from scenes import cupboard, scene

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]
Float32s = NDArray[np.float32]
Random = np.random.Generator

MOST_DOUBT = 0.003  # a strip of which more than this share may be somebody is no picture of nobody
TRIES = 5  # photos looked at for such a strip


def background(rng: Random, photos: Photos, shape: tuple[int, int], recipe: Recipe, wide: bool = False) -> Bytes:
    """A picture with nobody in it: a room, drawn, or from beside the person of a photo; half of them out of focus.

    wide: a view from further away, mostly sharp, half as often drawn.
    """
    if len(photos.surfaces) and rng.random() < recipe.surfaced:
        image = room(rng, photos.surfaces, shape)
    elif rng.random() < (recipe.drawn / 2 if wide else recipe.drawn):
        image = scene(rng, *shape)
    else:
        image = beside(rng, photos, shape, wide)
    if rng.random() < 0.15:
        cupboard(rng, image)
    if rng.random() < recipe.cluttered:
        clutter(rng, photos, image)
    if rng.random() < recipe.objects:
        objects(rng, photos, image)
    if rng.random() < 0.3:  # things beside and behind, as large as people
        thing(rng, photos, image)
    if rng.random() < (0.2 if wide else 0.5):
        image = cv2.GaussianBlur(image, (0, 0), float(np.exp(rng.uniform(np.log(0.5), np.log(6)))))
    return image


def beside(rng: Random, photos: Photos, shape: tuple[int, int], wide: bool = False) -> Bytes:
    """The wider strip at the left or right of a photo's person, mirrored at its sides until it fills the picture."""
    for _ in range(TRIES):
        photo = photos.pick(rng)
        left, _, right, _ = photo.box
        width = photo.image.shape[1]
        part = slice(0, max(left - 6, 0)) if left > width - right else slice(right + 6, width)
        strip, passers_by = photo.image[:, part], photo.planes[::4, part, 3] > 0
        if strip.shape[1] >= 24 and passers_by.mean() <= MOST_DOUBT:
            scale = float(np.exp(rng.uniform(*np.log((0.4, 1.0) if wide else (0.7, 2.2)))))
            source = (rng.uniform(0, strip.shape[1]), rng.uniform(0.2, 0.8) * strip.shape[0])
            where = matrix(rng, source, (shape[1] / 2, shape[0] / 2), scale)
            return warp(strip, where, shape, cv2.BORDER_REFLECT)
    return scene(rng, *shape)  # people fill the photos, or somebody is behind


def clutter(rng: Random, photos: Photos, image: Bytes, target: Bytes | None = None) -> None:
    """Put odd shapes on the picture, in place: not all that is near people is one.

    Up to eight boards, many-cornered pieces and rails, cut from a street, a drawn scene or a surface.
    target: (H, W), 255 = person; set to 0 where the shapes are in front.
    """
    height, width = image.shape[:2]
    stuff = anything(rng, photos, (height, width))
    shape = np.zeros((height, width), np.uint8)
    for _ in range(rng.integers(1, 9)):
        size = np.exp(rng.uniform(*np.log((0.06, 0.35)))) * height
        centre = inside(rng, width, height, 1.2 * size)
        form = rng.random()
        draw = board if form < 0.35 else piece if form < 0.7 else rails
        draw(rng, shape, centre, size)
    alpha = shape[..., None].astype(np.float32) / 255
    image[:] = image + alpha * (stuff.astype(np.float32) - image)
    if target is not None:
        np.minimum(target, 255 - shape, out=target)


def anything(rng: Random, photos: Photos, shape: tuple[int, int]) -> Bytes:
    """A picture of no person, to cut things from: a strip of street, a drawn scene, or one surface."""
    if chosen(rng, photos):
        return flat(rng, photos.surfaces, shape)
    return beside(rng, photos, shape) if rng.random() < 0.6 else scene(rng, *shape)


def inside(rng: Random, width: int, height: int, reach: float) -> Floats:
    """The middle of something that is no person, (x, y) in pixels, such that it mostly keeps off the picture's sides.

    What is cut off by a corner of a webcam's picture is more often somebody's shoulder. reach: of the thing, to the
    left and to the right, in pixels.
    """
    margin = np.clip(reach / width, 0.15, 0.4)
    return rng.uniform((margin, 0.15), (1 - margin, 0.85)) * (width, height)


def chosen(rng: Random, photos: Photos) -> bool:
    """Whether something is covered with a photographed surface; never where there are none."""
    return len(photos.surfaces) > 0 and rng.random() < 0.4


def board(rng: Random, shape: Bytes, centre: Floats, size: float) -> None:
    """Draw a leaning rectangle. shape: (H, W), becomes 255 there. centre: (x, y). size: in pixels."""
    corners = cv2.boxPoints((centre, (size * rng.uniform(0.2, 2.5), size), rng.normal(0, 20)))
    cv2.fillPoly(shape, [np.int32(corners)], 255, cv2.LINE_AA)


def piece(rng: Random, shape: Bytes, centre: Floats, size: float) -> None:
    """Draw something with three to nine corners, in turn round the centre, so that no two edges cross."""
    angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 10)))[:, None]
    corners = centre + size * rng.uniform(0.3, 1.2, angles.shape) * np.hstack([np.cos(angles), np.sin(angles)])
    cv2.fillPoly(shape, [np.int32(corners)], 255, cv2.LINE_AA)


def rails(rng: Random, shape: Bytes, centre: Floats, size: float) -> None:
    """Draw one to six lines that bend alike: a branch, a cable, a railing."""
    path = np.cumsum(rng.normal(rng.normal(0, 0.2, 2), 0.08, (9, 2)) * len(shape), axis=0)
    apart = np.arange(rng.integers(1, 7))[:, None] * rng.normal(0, size, 2)
    lines = [(path + centre + offset).astype(np.int32) for offset in apart]
    cv2.polylines(shape, lines, False, 255, max(1, int(size * rng.uniform(0.03, 0.4))), cv2.LINE_AA)


def thing(rng: Random, photos: Photos, image: Bytes) -> None:
    """One to three upright blocks, rounded at the top and lit from the side, in place."""
    height, width = image.shape[:2]
    for _ in range(rng.integers(1, 4)):
        wide, high = int(rng.uniform(0.06, 0.3) * width), int(rng.uniform(0.3, 0.95) * height)
        x, shape = int(inside(rng, width, height, wide / 2)[0]), np.zeros((height, width), np.uint8)
        cv2.rectangle(shape, (x - wide // 2, height - high + wide // 2), (x + wide // 2, height), 255, -1)
        axes = (wide // 2, int(wide * rng.uniform(0.2, 1.2)))
        cv2.ellipse(shape, (x, height - high + wide // 2), axes, 0, 0, 360, 255, -1, cv2.LINE_AA)
        light = 0.5 + 0.7 * np.sin((np.arange(width) - x) / (wide + 1) * 2 + rng.uniform(0.4, 2.4))
        alpha = shape[..., None].astype(np.float32) / 255
        block = flat(rng, photos.surfaces, (height, width)) if chosen(rng, photos) else scene(rng, height, width)
        image[:] = image + alpha * (np.clip(block * light[None, :, None], 0, 255) - image)


def objects(rng: Random, photos: Photos, image: Bytes, target: Bytes | None = None) -> None:
    """Put one to four photographed things on the picture, in place; nothing where there are none.

    target: (H, W), 255 = person; set to 0 where the things are in front.
    """
    height, width = image.shape[:2]
    for _ in range(rng.integers(1, 5) if len(photos.objects) else 0):
        size = float(np.exp(rng.uniform(*np.log((0.12, 0.8)))) * height)
        place(rng, photos.objects, image, inside(rng, width, height, size / 2), size, target)


def alike(rng: Random, photos: Photos, image: Float32s, target: Float32s, person: Float32s, alpha: Float32s) -> None:
    """Put one to three things in the colours of somebody's clothes, hair or skin behind them, in place.

    They lie at the outline near where the colour is from, like a flower pot beside an orange sleeve: what looks like
    the clothes and touches them is not one of them. image, person: (H, W, 3) in [0, 255]. alpha: (H, W) in [0, 1],
    where that person will be. target: (H, W) in [0, 1], 1 = people further away; set to 0 where the things are.
    """
    height, width = alpha.shape
    reach = int(rng.uniform(0.02, 0.08) * height) + 1
    inner = cv2.erode((alpha > 0.5).view(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    rows, columns = np.nonzero(cv2.morphologyEx(inner, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) & inner)
    for _ in range(rng.integers(1, 4) if len(rows) else 0):
        spot, size = rng.integers(len(rows)), float(np.exp(rng.uniform(*np.log((0.06, 0.3)))) * height)
        y, x = rows[spot], columns[spot]
        around = person[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3]
        colour = around.mean((0, 1)) * rng.uniform(0.5, 1.3) * np.exp(rng.normal(0, 0.08, 3))
        stuff = np.full(image.shape, colour, np.float32)
        if len(photos.surfaces) and rng.random() < 0.6:
            stuff *= grain(rng, photos.surfaces, alpha.shape)
        shape = np.zeros((height, width), np.uint8)
        draw = board if rng.random() < 0.5 else piece
        draw(rng, shape, np.array((x, y)) + rng.normal(0, 0.5 * size + reach, 2), size)
        if rng.random() < 0.5:  # out of focus
            shape = cv2.GaussianBlur(shape, (0, 0), float(np.exp(rng.uniform(np.log(0.5), np.log(3)))))
        there = shape.astype(np.float32) / 255
        image += there[..., None] * (np.clip(stuff, 0, 255) - image)
        target *= 1 - there


def hide(rng: Random, photos: Photos, image: Bytes, target: Bytes) -> tuple[Bytes, Bytes]:
    """Something before the camera: a piece of another background in the shape of an ellipse, a board or a table."""
    height, width = target.shape
    shape = np.zeros((height, width), np.uint8)
    axes = int(rng.uniform(0.03, 0.2) * width) + 1, int(rng.uniform(0.03, 0.25) * height) + 1
    centre = int(inside(rng, width, height, axes[0])[0]), int(rng.uniform(0.3, 1.1) * height)
    kind = rng.random()
    if kind < 0.35:
        cv2.ellipse(shape, centre, axes, rng.uniform(0, 180), 0, 360, 255, -1, cv2.LINE_AA)
    elif kind < 0.65:
        corners = cv2.boxPoints((centre, (2 * axes[0], 2 * axes[1]), rng.normal(0, 15)))
        cv2.fillConvexPoly(shape, corners.astype(np.int32), 255, cv2.LINE_AA)
    else:  # a table from side to side, or a shorter one
        (left, right), edge = rng.choice(((-0.1, 1.1), (0.1, 0.6), (0.4, 0.9))), rng.uniform(0.65, 1)
        ends = edge + rng.normal(0, 0.05), edge + rng.normal(0, 0.05)
        corners = np.array(((left, ends[0]), (right, ends[1]), (right, 2), (left, 2)))
        cv2.fillConvexPoly(shape, (corners * (width, height)).astype(np.int32), 255, cv2.LINE_AA)
    other = anything(rng, photos, (height, width))
    alpha = shape[..., None].astype(np.float32) / 255
    mixed = image + alpha * (other.astype(np.float32) - image)
    return mixed.astype(np.uint8), np.minimum(target, 255 - shape)
