"""Rooms, streets and furniture with nobody in them: boxes seen in perspective, covered with photographed surfaces.

Space is measured in metres from the camera: x to the right, y down, z ahead. A box is (2, 3): its least and its
greatest corner. Rays are (3, H, W): where each pixel looks.
"""

import cv2
import numpy as np
from framing import matrix, warp
from numpy.typing import NDArray
from surfaces import Pictures

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Random = np.random.Generator

NEAREST = 0.3  # metres: nothing stands closer to the camera
MOST = 7  # boxes in a room
HIDDEN = 6  # stands for a side where another box is in front
FAR = 15_000  # pixels of a surface: further away cv2.remap cannot count


def flat(rng: Random, surfaces: Pictures, shape: tuple[int, int]) -> Bytes:
    """One surface seen from the front, mirrored at its sides until it fills the picture."""
    surface = surfaces.pick(rng)
    scale = shape[0] / surface.shape[0] * float(np.exp(rng.uniform(*np.log((0.3, 1.5)))))
    source = (rng.uniform(0, surface.shape[1]), rng.uniform(0, surface.shape[0]))
    where = matrix(rng, source, (shape[1] / 2, shape[0] / 2), scale)
    return warp(surface, where, shape, cv2.BORDER_REFLECT)


def grain(rng: Random, surfaces: Pictures, shape: tuple[int, int]) -> Floats:
    """Folds, knit, fur: the light and shade of a photographed surface, (H, W, 1), about 1."""
    grey = cv2.cvtColor(flat(rng, surfaces, shape), cv2.COLOR_RGB2GRAY)[..., None].astype(np.float32) + 10
    return np.asarray((grey / grey.mean()) ** np.float32(rng.uniform(0.4, 1.6)))


def room(rng: Random, surfaces: Pictures, shape: tuple[int, int]) -> Bytes:
    """A room, or a street between houses, with some boxes in it: tables, shelves, columns, cars."""
    left, above, right = np.exp(rng.uniform(*np.log([(1, 0.7, 1), (8, 6, 8)])))
    floor, deep = rng.uniform(0.8, 2), rng.uniform(2, 9)
    rays = looks(rng, shape)
    _, nearest, side = through(rays, np.array([(-left, -above, -1), (right, floor, deep)]))
    image = np.zeros((*shape, 3), np.uint8)
    cover(rng, surfaces, image, rays * nearest, side)
    for _ in range(rng.integers(0, MOST + 1)):
        size = np.exp(rng.uniform(*np.log((0.15, 1.8)), 3))
        x, z = rng.uniform((-min(left, 3), 1), (min(right, 3), deep))
        box = np.array([(x - size[0] / 2, floor - size[1], z - size[2] / 2), (x + size[0] / 2, floor, z + size[2] / 2)])
        first, last, side = through(rays, box)
        seen = (first < last) & (first > NEAREST) & (first < nearest)
        if seen.any():
            cover(rng, surfaces, image, rays * first, np.where(seen, side, HIDDEN))
            np.copyto(nearest, first, where=seen)
    return image


def looks(rng: Random, shape: tuple[int, int]) -> Floats:
    """The rays of a camera that is turned, inclined and tilted a little, sometimes much."""
    height, width = shape
    focus = max(shape) * rng.uniform(0.6, 1.4)
    x, y = np.meshgrid((np.arange(width) - width / 2) / focus, (np.arange(height) - height / 2) / focus)
    rays = np.stack([x, y, np.ones_like(x)]).reshape(3, -1)
    pitch, yaw, roll = rng.normal(0, (0.25, 0.5, 0.6 if rng.random() < 0.1 else 0.06))  # radians
    turned = turn(yaw, 1) @ turn(pitch, 0) @ turn(roll, 2) @ rays
    return turned.reshape(3, height, width).astype(np.float32)


def turn(angle: float, axis: int) -> NDArray[np.float64]:
    """The (3, 3) matrix of a turn about an axis."""
    return np.asarray(cv2.Rodrigues(np.eye(3)[axis] * angle)[0])


def through(rays: Floats, box: NDArray[np.float64]) -> tuple[Floats, Floats, Bytes]:
    """Where rays enter and leave a box, in multiples of the ray, and through which side the camera sees it.

    Sides: 0 to 2 at the least x, y, z, 3 to 5 at the greatest. From inside of the box it is where the ray leaves.
    Source: Kay & Kajiya, "Ray tracing complex scenes", SIGGRAPH 1986.
    """
    least, greatest = box.astype(np.float32)[..., None, None]
    back = 1 / np.where(rays == 0, np.float32(1e-6), rays)
    one, other = least * back, greatest * back
    near, far = np.minimum(one, other), np.maximum(one, other)
    inside = bool((box[0] < 0).all() and (box[1] > 0).all())
    axis = far.argmin(0) if inside else near.argmax(0)
    ahead = np.choose(axis, rays > 0)
    return near.max(0), far.min(0), (axis + 3 * (ahead == inside)).astype(np.uint8)


def cover(rng: Random, surfaces: Pictures, image: Bytes, points: Floats, side: Bytes) -> None:
    """Paint what is seen at points (3, H, W) on the sides (H, W) of a box, in place, but for those that are HIDDEN.

    Each side gets a surface and a light of its own.
    """
    for which in np.flatnonzero(np.bincount(side.ravel())[:HIDDEN]):
        surface = surfaces.pick(rng)
        across, down = {0: (2, 1), 1: (0, 2), 2: (0, 1)}[int(which) % 3]
        scale = max(surface.shape) / np.exp(rng.uniform(*np.log((0.6, 4))))  # pixels in a metre
        left, top, width, height = cv2.boundingRect((side == which).view(np.uint8))
        part = (slice(top, top + height), slice(left, left + width))
        x, y = (np.clip(points[axis][part] * np.float32(scale), -FAR, FAR) for axis in (across, down))
        seen = cv2.remap(surface, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        light = np.exp(rng.normal(-0.2, 0.35)) * np.exp(rng.normal(0, 0.06, 3))
        lit = cv2.multiply(seen, (*light, 1.0), dtype=cv2.CV_8U)
        np.copyto(image[part], lit, where=(side[part] == which)[..., None])
