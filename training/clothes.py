"""What people wear, made more varied than in the street: the silhouette says what is a person, not the cloth.

A picture is (H, W, 3) uint8 RGB; alpha is (H, W) float32 in [0, 1], 1 = the person.
"""

import cv2
import numpy as np
from framing import warp
from numpy.typing import NDArray
from objects import place
from rooms import flat, grain
from scenes import scene, stripes
from surfaces import Pictures

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Random = np.random.Generator


def dress(
    rng: Random, surfaces: Pictures, person: Bytes, alpha: Floats, behind: Floats, head: Floats
) -> tuple[Bytes, Floats]:
    """Below the head: other colours, stripes or a pattern with the cloth's own light and shade. A collar, a hat.

    surfaces: photographed ones, if there are any; some clothes look like one, some have its folds and its grain.
    behind: the picture, (H, W, 3), on which the person will be pasted; some clothes have the colour of something in it.
    head: (x, y) of its top and of the neck, (2, 2), inside the picture or not.
    Returns a new picture and a new alpha, since collars and hats stand out from the person; what is outside alpha does
    not matter, for it is not pasted.
    """
    if np.count_nonzero(alpha > 0.5) < 100:
        return person, alpha
    below = np.clip(_down(head, head[1], alpha.shape) / 0.2, 0, 1)[..., None]
    shade = cv2.cvtColor(person, cv2.COLOR_RGB2GRAY)[..., None].astype(np.float32)
    shade = shade / max(20.0, float(np.median(shade[alpha > 0.5])))
    if len(surfaces) and rng.random() < 0.4:
        shade *= grain(rng, surfaces, alpha.shape)
    cloth = _cloth(rng, surfaces, alpha, behind)
    if rng.random() < 0.4:
        cloth = np.where(_part(rng, alpha), _cloth(rng, surfaces, alpha, behind), cloth)
    share = rng.uniform(0.6, 1.0) * below
    out = np.clip(person + share * (cloth * shade - person), 0, 255).astype(np.uint8)
    if rng.random() < 0.85:
        alpha = _collar(rng, surfaces, out, alpha, behind, head)
    if rng.random() < 0.15:
        alpha = _hat(rng, surfaces, out, alpha, head)
    return out, alpha


def decorate(rng: Random, things: Pictures, person: Bytes, alpha: Floats) -> Bytes:
    """Small photographed things on somebody, like badges, ribbons, a print, a cap's emblem: no mask has holes there.

    Returns a new picture, or the same where there are no things.
    """
    rows, columns = np.nonzero(alpha > 0.9)
    if len(rows) < 100 or not len(things):
        return person
    out = person.copy()
    for spot in rng.integers(0, len(rows), rng.integers(1, 7)):
        size = np.sqrt(len(rows)) * np.exp(rng.uniform(*np.log((0.03, 0.3))))
        place(rng, things, out, (columns[spot], rows[spot]), size)
    return out


def rim(rng: Random, person: Floats, alpha: Floats) -> Floats:
    """A bright or coloured band just inside the outline: a lamp behind, the edge of a coat, the rim of a ring.

    Otherwise what is light and narrow beside something dark would mean the background. Either it runs along one side,
    as light from there falls, or all around. person: (H, W, 3) in [0, 255]. Returns a new picture.
    """
    wide = float(np.exp(rng.uniform(*np.log((0.008, 0.035)))) * len(alpha))
    if rng.random() < 0.5:
        angle = rng.uniform(0, 2 * np.pi)
        moved = np.float32([[1, 0, wide * np.cos(angle)], [0, 1, wide * np.sin(angle)]])
        inner = warp(alpha, moved, alpha.shape, cv2.BORDER_REPLICATE)
    else:
        across = 2 * round(wide) + 1
        inner = cv2.erode(alpha, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (across, across)))
    band = cv2.GaussianBlur(1 - np.minimum(inner, alpha), (0, 0), rng.uniform(0.3, 0.4 + 0.3 * wide))[..., None]
    tone = _strong(rng) if rng.random() < 0.4 else rng.uniform(140, 256) * np.exp(rng.normal(0, 0.1, 3))
    return person + np.float32(rng.uniform(0.4, 1)) * band * (np.minimum(tone, 255).astype(np.float32) - person)


def sharpen(rng: Random, surfaces: Pictures, person: Bytes, where: Floats) -> Bytes:
    """Undo some of the blur of an enlarged person, and give some the finest detail of a photographed surface.

    Otherwise blurred would mean a person who is near, and crisp would mean a thing.
    """
    scale = float(np.sqrt(abs(np.linalg.det(where[:, :2]))))
    if scale < 1.2:
        return person
    soft = cv2.GaussianBlur(person, (0, 0), 0.45 * scale)
    amount = rng.uniform(0, 1.6)
    person = cv2.addWeighted(person, 1 + amount, soft, -amount, 0)
    if len(surfaces) and rng.random() < 0.4:
        light = grain(rng, surfaces, person.shape[:2])
        fine = (light[..., 0] / cv2.GaussianBlur(light, (0, 0), 1.5 * scale)) ** np.float32(rng.uniform(0.1, 0.8))
        person = np.clip(person * fine[..., None], 0, 255).astype(np.uint8)
    return person


def _down(head: Floats, place: Floats, shape: tuple[int, int]) -> Floats:
    """How far below a place each pixel of the picture lies, along the body, (H, W); the head's height is 1."""
    along = (head[1] - head[0]) / ((head[1] - head[0]) ** 2).sum()
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    return np.asarray((x - place[0]) * along[0] + (y - place[1]) * along[1])


def _cloth(rng: Random, surfaces: Pictures, alpha: Floats, behind: Floats) -> Floats:
    """What clothes are made of, (H, W, 3) or one colour, (3,): plain, like a surface, in stripes or in a pattern."""
    height, width = alpha.shape
    kind = rng.random()
    if kind < 0.35:
        return _strong(rng)
    if kind < 0.55:
        return _near(rng, alpha, behind)
    if kind < 0.68 and len(surfaces):
        return flat(rng, surfaces, (height, width)).astype(np.float32)
    return (stripes if kind < 0.84 else scene)(rng, height, width).astype(np.float32)


def _part(rng: Random, alpha: Floats) -> NDArray[np.bool_]:
    """A band of the person, mostly upright, from a strap to a half, (H, W, 1): a sleeve, a waistcoat, an open coat."""
    rows, columns = np.nonzero(alpha > 0.5)
    spot, angle = rng.integers(len(rows)), rng.normal(0, 0.5)
    y, x = np.mgrid[: alpha.shape[0], : alpha.shape[1]].astype(np.float32)
    across = np.cos(angle) * (x - columns[spot]) + np.sin(angle) * (y - rows[spot])
    wide = np.sqrt(len(rows)) * np.exp(rng.uniform(*np.log((0.1, 2))))
    return ((across > 0) & (across < wide))[..., None]


def _strong(rng: Random) -> Floats:
    """A colour of any hue, often a strong one, (3,).

    Half of them are warm, like wood, bricks and earth, since such cloth is most easily taken for those.
    """
    hue = rng.integers(40) if rng.random() < 0.5 else rng.integers(180)  # of 180
    hsv = np.uint8([[[hue, rng.integers(60, 256), rng.integers(40, 256)]]])
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0].astype(np.float32)


def _near(rng: Random, alpha: Floats, behind: Floats) -> Floats:
    """The colour of something behind or beside the person, (3,)."""
    height, width = alpha.shape
    rows, columns = np.nonzero(alpha > 0.5)
    spot, (down, right) = rng.integers(len(rows)), rng.normal(0, 0.15 * height, 2)
    y, x = np.clip((rows[spot] + down, columns[spot] + right), 0, (height - 1, width - 1)).astype(int)
    return behind[y, x]


def _collar(rng: Random, surfaces: Pictures, image: Bytes, alpha: Floats, behind: Floats, head: Floats) -> Floats:
    """A collar, a hood, the ring of a helmet: an oval ring in bands, behind the neck and before the chest.

    In place. Returns the new alpha. What is seen in the ring beside the neck is its own, and darker,
    so that a light rim may be all that divides the dark inside from what is behind: it belongs to them, too.
    """
    high, tilt = _size(head)
    middle = head[1] + rng.uniform(-0.15, 0.4) * (head[1] - head[0])
    wide, angle = high * rng.uniform(0.3, 1), tilt + rng.normal(0, 8)
    axes = wide * np.array((1, rng.uniform(0.3, 0.9)))
    inner = 1 - min(0.7, high * rng.uniform(0.04, 0.25) / wide)
    kind = rng.random()
    tone = _strong(rng) if kind < 0.25 else _near(rng, alpha, behind) if kind < 0.65 else np.full(3, 255 * rng.random())
    layer, oval, hole = np.zeros_like(image), np.zeros(alpha.shape, np.uint8), np.zeros(alpha.shape, np.uint8)
    for share in (1, *sorted(rng.uniform(inner, 1, rng.integers(0, 5)), reverse=True)):  # bands, the outermost first
        lighter = rng.normal(0, 70) if share < 1 else rng.uniform(0, 180) * (rng.random() < 0.5)  # the rim, often
        band = tone + rng.normal(0, 15, 3) + lighter
        _fill(layer, middle, axes * share, angle, np.clip(band, 0, 255))
    _fill(layer, middle, axes * inner, angle, 0.8 * rng.random() ** 2 * tone)
    _fill(oval, middle, axes, angle, np.array([255]))
    _fill(hole, middle, axes * inner, angle, np.array([255]))
    if len(surfaces) and rng.random() < 0.6:
        layer = np.clip(layer * grain(rng, surfaces, alpha.shape), 0, 255).astype(np.uint8)
    before = np.where(_down(head, middle, alpha.shape) < 0, 0, 1 - hole / np.float32(255))
    whole = oval / np.float32(255)
    _put(image, layer, whole * np.maximum(before, 1 - alpha))
    return np.maximum(alpha, whole)


def _fill(picture: Bytes, middle: Floats, axes: Floats, angle: float, colour: Floats) -> None:
    """Paint an oval, in place. middle, axes: (x, y) and half its width and height, in pixels."""
    centre, size = (int(middle[0]), int(middle[1])), (int(axes[0]) + 1, int(axes[1]) + 1)
    cv2.ellipse(picture, centre, size, angle, 0, 360, colour.tolist(), -1, cv2.LINE_AA)


def _hat(rng: Random, surfaces: Pictures, image: Bytes, alpha: Floats, head: Floats) -> Floats:
    """A hat or a cap with its brim, in place. Returns the new alpha."""
    high, tilt = _size(head)
    middle = head[0] + rng.uniform(0.05, 0.35) * (head[1] - head[0])
    centre = (int(middle[0]), int(middle[1]))
    crown = int(high * rng.uniform(0.3, 0.45)) + 1, int(high * rng.uniform(0.2, 0.6)) + 1
    brim = high * np.array((rng.uniform(0.3, 0.65), rng.uniform(0.03, 0.14)))
    angle, colour = tilt + rng.normal(0, 10), _strong(rng) if rng.random() < 0.5 else np.full(3, rng.uniform(10, 240))
    layer, shape = np.empty_like(image), np.zeros(alpha.shape, np.uint8)
    light = grain(rng, surfaces, alpha.shape) if len(surfaces) else np.ones((*alpha.shape, 1), np.float32)
    layer[:] = np.clip(colour * light, 0, 255)
    cv2.ellipse(shape, centre, crown, angle, 180, 360, 255, -1, cv2.LINE_AA)
    _fill(layer, middle, brim, angle, colour * rng.uniform(0.3, 0.9))
    _fill(shape, middle, brim, angle, np.array([255]))
    hat = shape.astype(np.float32) / 255
    _put(image, layer, hat)
    return np.maximum(alpha, hat)


def _size(head: Floats) -> tuple[float, float]:
    """The height of a head in pixels and how far it leans, in degrees as OpenCV's ellipses count them."""
    x, y = head[1] - head[0]
    return float(np.hypot(x, y)), float(np.rad2deg(np.arctan2(-x, y)))


def _put(image: Bytes, layer: Bytes, alpha: Floats) -> None:
    """Put a layer over the picture, in place."""
    image[:] = image + alpha[..., None] * (layer.astype(np.float32) - image)
