"""Backgrounds drawn at random: rooms, patterns and textures, with nobody in them. No photo is involved.

They are rough on purpose and many: each lasts a few milliseconds. What matters is that they hold what a network
takes for people when it has only seen streets: stripes of flags, trunks, curtains, shelves, skin-coloured wood.
A picture is (H, W, 3) uint8 RGB; a colour is three numbers from 0 to 255.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Random = np.random.Generator

WALLS = (
    *((216, 208, 194), (235, 235, 232), (180, 190, 200), (150, 160, 150)),
    *((120, 100, 90), (70, 75, 85), (200, 180, 150)),
)
WOODS = ((141, 100, 70), (184, 138, 94), (91, 63, 44), (210, 170, 125), (226, 185, 150), (120, 70, 50))
DARK = ((35, 60, 130), (20, 30, 75), (40, 40, 50), (110, 20, 35))
FLAGS = ((190, 30, 45), (240, 240, 240), (35, 60, 130), (250, 205, 40), (20, 20, 20), (0, 120, 70), (230, 120, 40))


def scene(rng: Random, height: int, width: int) -> Bytes:
    """Draw one background: a room in half of the cases, else a gradient, a pattern or a texture."""
    painters: tuple[Callable[[Random, int, int], Bytes], ...] = (room, gradient, stripes, trunks, texture)
    painter = painters[rng.choice(len(painters), p=(0.55, 0.12, 0.13, 0.1, 0.1))]
    return painter(rng, height, width)


def room(rng: Random, height: int, width: int) -> Bytes:
    """A wall lit from one side, perhaps a floor, and two to seven things that stand or hang there."""
    image = gradient(rng, height, width, near(rng, WALLS, 25), spread=35)
    if rng.random() < 0.4:
        floor = round(height * rng.uniform(0.7, 0.95))
        image[floor:] = gradient(rng, height - floor, width, near(rng, WOODS, 25), spread=30)
    things = (window, shelf, shelf, frame, frame, door, cupboard, cupboard, curtain, lamp, plant, flag, flag, cushion)
    for _ in range(rng.integers(2, 8)):
        things[rng.integers(len(things))](rng, image)
    return image


def gradient(rng: Random, height: int, width: int, colour: Bytes | None = None, spread: float = 90) -> Bytes:
    """Four corners of colours near one, and what lies between."""
    middle = rng.uniform(0, 255, 3) if colour is None else colour.astype(float)
    corners = middle + rng.normal(0, 1, (2, 2, 1)) * spread / 2 + rng.normal(0, spread / 6, (2, 2, 3))
    return cv2.resize(np.clip(corners, 0, 255).astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)


def stripes(rng: Random, height: int, width: int) -> Bytes:
    """A flag or a wallpaper: bands of two to four colours in any direction, often waving."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    angle = rng.choice((0, np.pi / 2, rng.uniform(0, np.pi)))
    along = np.cos(angle) * x + np.sin(angle) * y
    across = np.cos(angle) * y - np.sin(angle) * x
    wave = rng.uniform(0, 12) * np.sin(across / rng.uniform(15, 90) + rng.uniform(0, 6))
    colours = near(rng, FLAGS, 20, int(rng.integers(2, 5)))  # (n, 3)
    image = colours[((along + wave + 1000) / rng.uniform(6, 60)).astype(int) % len(colours)]
    if rng.random() < 0.6:
        stars(rng, image, along + wave, across)
    folds = 1 + rng.uniform(0, 0.5) * np.sin(across / rng.uniform(8, 60) + wave / 9)
    return np.clip(image * folds[..., None], 0, 255).astype(np.uint8)


def stars(rng: Random, image: Bytes, along: Floats, across: Floats) -> None:
    """A corner of another colour, mostly dark, with light spots in rows, in place.

    along, across: (H, W), the cloth's own axes.
    """
    height, width = image.shape[:2]
    corner = (along * rng.choice((-1, 1)) > rng.uniform(-0.9, 0.5) * height) & (across > rng.uniform(-0.9, 0.5) * width)
    apart = rng.uniform(6, 40)
    spots = np.hypot(along % apart - apart / 2, across % apart - apart / 2) < apart * rng.uniform(0.15, 0.4)
    image[corner] = near(rng, DARK if rng.random() < 0.7 else FLAGS, 20)
    image[corner & spots] = near(rng, ((240, 240, 240), (250, 205, 40)), 15)


def trunks(rng: Random, height: int, width: int) -> Bytes:
    """Upright bars, dark or skin-coloured, rounded by light from one side, before noise: trees, posts, chair legs."""
    image = texture(rng, height, width)
    for _ in range(rng.integers(1, 7)):
        thick, x = int(rng.uniform(0.03, 0.2) * width) + 2, int(rng.uniform(-0.1, 1) * width)
        left, right = max(0, x), min(width, x + thick)
        if left < right:
            light = 0.6 + 0.8 * np.sin(np.linspace(rng.uniform(0, 1), rng.uniform(2, 3.1), right - left))
            bark = rng.uniform(0.8, 1.2, (height, 1, 1)) * light[None, :, None]
            image[:, left:right] = np.clip(bark * near(rng, WOODS, 30), 0, 255)
    return image


def texture(rng: Random, height: int, width: int) -> Bytes:
    """Clouds of noise in two colours, from coarse to fine: leaves, stone, cloth, carpet."""
    total = np.zeros((height, width), np.float32)
    coarse = 2 ** rng.uniform(1, 4)
    for octave in range(4):
        cells = (int(coarse * 2**octave) + 2, int(coarse * 2**octave * rng.uniform(0.5, 2)) + 2)
        total += cv2.resize(rng.random(cells, np.float32), (width, height)) * rng.uniform(0.3, 1) ** octave
    total = ((total - total.min()) / (np.ptp(total) + 1e-6))[..., None]
    first, second = rng.uniform(0, 255, (2, 3)).astype(np.float32)
    return (first + total * (second - first)).astype(np.uint8)


# ---- things in a room, painted onto the picture in place ------------------------------------------------


def near(rng: Random, colours: tuple[tuple[int, int, int], ...], sigma: float, count: int | None = None) -> Bytes:
    """One of the colours, or ``count`` of them, (3,) or (count, 3) uint8, each a little different every time."""
    picked = np.array(colours, float)[rng.integers(len(colours), size=count)]
    return np.clip(picked + rng.normal(0, sigma, picked.shape), 0, 255).astype(np.uint8)


def place(rng: Random, image: Bytes, wide: tuple[float, float], high: tuple[float, float]) -> Bytes:
    """A random rectangle of the picture to paint on, its sides in shares of the picture's."""
    height, width = image.shape[:2]
    w, h = max(4, int(rng.uniform(*wide) * width)), max(4, int(rng.uniform(*high) * height))
    left = int(rng.uniform(-0.1, 1 - 0.5 * w / width) * width)
    top = int(rng.uniform(-0.1, 1 - 0.5 * h / height) * height)
    return image[max(0, top) : max(4, top + h), max(0, left) : max(4, left + w)]


def window(rng: Random, image: Bytes) -> None:
    """Bright, with bars and something green or blue outside."""
    part = place(rng, image, (0.2, 0.5), (0.3, 0.7))
    part[:] = (245, 242, 236)
    edge = max(1, min(part.shape[:2]) // 14)
    inner = part[edge:-edge, edge:-edge]
    if inner.size:
        inner[:] = gradient(rng, *inner.shape[:2], np.array([rng.uniform(150, 230), 215, 225]), spread=70)
        middle = inner.shape[1] // 2
        inner[:, middle : middle + edge] = 235


def shelf(rng: Random, image: Bytes) -> None:
    """Boards with books of all colours."""
    part = place(rng, image, (0.2, 0.6), (0.3, 1.0))
    part[:] = near(rng, WOODS, 20) * np.float32(rng.uniform(0.4, 1))
    rows, board = int(rng.integers(2, 6)), near(rng, WOODS, 20)
    high = max(6, part.shape[0] // rows)
    for top in range(0, part.shape[0], high):
        x = 1
        while x < part.shape[1] - 2:
            thick = int(rng.integers(2, 11))
            tall = int(high * rng.uniform(0.45, 0.85))
            part[max(0, top + high - tall) : top + high - 2, x : x + thick] = rng.integers(0, 256, 3)
            x += thick + (0 if rng.random() < 0.8 else int(rng.integers(2, 25)))
        part[top + high - 2 : top + high] = board


def frame(rng: Random, image: Bytes) -> None:
    """A framed picture, a poster or a screen."""
    part = place(rng, image, (0.08, 0.35), (0.08, 0.4))
    part[:] = rng.integers(0, 256)
    edge = max(1, min(part.shape[:2]) // 10)
    inner = part[edge:-edge, edge:-edge]
    if inner.size:
        inner[:] = (gradient, stripes, texture)[rng.integers(3)](rng, *inner.shape[:2])


def door(rng: Random, image: Bytes) -> None:
    """A tall flat board of wood or paint."""
    part = place(rng, image, (0.15, 0.35), (0.7, 1.3))
    part[:] = gradient(rng, *part.shape[:2], near(rng, WOODS if rng.random() < 0.5 else WALLS, 20), spread=20)


def cupboard(rng: Random, image: Bytes) -> None:
    """Doors in pairs or drawers, with a gap round each and a handle: two bars close together are nobody far away."""
    part = place(rng, image, (0.3, 1.2), (0.15, 0.6))
    height, width = part.shape[:2]
    front, metal = near(rng, WOODS + WALLS, 20), near(rng, ((225, 215, 195), (190, 190, 195), (50, 45, 40)), 20)
    part[:] = gradient(rng, height, width, front, spread=20)
    gap, thick = (front * rng.uniform(0.3, 0.8)).tolist(), max(1, height // 60)
    wide, high = width // int(rng.integers(1, 8)) + 1, height // int(rng.integers(1, 4)) + 1
    drawers = rng.random() < 0.3
    apart = rng.uniform(0.03, 0.15)
    long, short = rng.uniform(0.1, 0.4) * (wide if drawers else high) / 2, rng.uniform(0.5, 2.5)
    for number, left in enumerate(range(0, width, wide)):
        x = left + wide * (0.5 if drawers else (1 - apart, apart)[number % 2])
        for top in range(0, height, high):
            cv2.rectangle(part, (left, top), (left + wide, top + high), gap, thick)
            y, half = top + high * (0.5 if drawers else 0.4), (long, short) if drawers else (short, long)
            corners = [(int(x + side * half[0]), int(y + side * half[1])) for side in (-1, 1)]
            cv2.rectangle(part, *corners, metal.tolist(), -1)


def curtain(rng: Random, image: Bytes) -> None:
    """Cloth in folds from top to bottom."""
    part = place(rng, image, (0.1, 0.4), (1.2, 1.5))
    columns = np.arange(part.shape[1])
    folds = 0.8 + 0.25 * np.sin(columns / rng.uniform(1.5, 6) + np.sin(columns / 11))
    part[:] = np.clip(folds[None, :, None] * rng.uniform(30, 250, 3), 0, 255)


def lamp(rng: Random, image: Bytes) -> None:
    """A bright shade on a thin pole, round as a head."""
    height, width = image.shape[:2]
    at = int(rng.uniform(0, width)), int(rng.uniform(0.05, 0.6) * height)
    radius = int(rng.uniform(0.03, 0.14) * height) + 2
    cv2.line(image, at, (at[0], height), (40, 38, 36), max(1, radius // 8))
    colour = tuple(int(v) for v in near(rng, ((250, 230, 185), (225, 180, 150), (60, 50, 45)), 12))
    cv2.ellipse(image, at, (radius, int(radius * rng.uniform(0.7, 1.4))), 0, 0, 360, colour, -1, cv2.LINE_AA)


def plant(rng: Random, image: Bytes) -> None:
    """Leaves around a point."""
    height, width = image.shape[:2]
    x, y, size = rng.uniform(0, width), rng.uniform(0.3, 1) * height, rng.uniform(0.05, 0.2) * height
    for _ in range(rng.integers(8, 30)):
        centre = int(x + rng.normal(0, size * 0.6)), int(y + rng.normal(0, size * 0.8))
        axes = int(size * rng.uniform(0.2, 0.5)) + 1, int(size * rng.uniform(0.05, 0.18)) + 1
        green = (int(rng.uniform(20, 110)), int(rng.uniform(70, 170)), int(rng.uniform(20, 90)))
        cv2.ellipse(image, centre, axes, rng.uniform(0, 360), 0, 360, green, -1, cv2.LINE_AA)


def flag(rng: Random, image: Bytes) -> None:
    """Striped cloth that hangs there."""
    part = place(rng, image, (0.15, 0.5), (0.3, 1.1))
    part[:] = stripes(rng, *part.shape[:2])


def cushion(rng: Random, image: Bytes) -> None:
    """The back of a chair or a sofa: a large rounded block at the lower edge. In a corner it would be a shoulder."""
    height, width = image.shape[:2]
    centre = int(rng.uniform(0.3, 0.7) * width), int(height * rng.uniform(0.75, 1.1))
    axes = int(width * rng.uniform(0.1, 0.4)), int(height * rng.uniform(0.15, 0.5))
    colour = tuple(int(v) for v in rng.integers(0, 256, 3))
    cv2.ellipse(image, centre, axes, 0, 0, 360, colour, -1, cv2.LINE_AA)
