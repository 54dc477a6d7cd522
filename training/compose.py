"""Training pictures of ``portrait``: people before their own background or in rooms with furniture, or nobody."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from training.augment import Random, gradient, photographed, placement, relit, warp
from training.data import Bytes, Floats, Photo, read_rgb, read_rgba
from training.recipe import Recipe, Shape

HEAD = 0.25  # of a standing person's height: head and shoulders
EMPTIES = 0.15  # of the photographed rooms: a real room with its people taken out
Layer = tuple[Bytes, Bytes]  # (H, W, 3) RGB and (H, W) opacity


@dataclass(frozen=True)
class Sources:
    """What pictures are made of."""

    groups: tuple[list[Photo], ...]  # the four that Recipe.groups weights
    rooms: list[Bytes]  # (h, w, 3), views of rooms and landscapes without people
    surfaces: list[Bytes]  # (h, w, 3), of walls, floors, doors
    empties: list[Bytes]  # (h, w, 3), real rooms whose people were taken out
    things: list[Bytes]  # (h, w, 4), cut-out furniture


def open_sources(data: Path, photos: list[Photo]) -> Sources:
    """Read everything into memory, about a gigabyte."""
    folders = ("street/", "images/", "close/", "webcam/")
    groups = tuple([photo for photo in photos if photo.name.startswith(folder)] for folder in folders)
    rooms, surfaces, empties = (
        [read_rgb(path) for path in sorted((data / "rooms").glob(f"{kind}_*.jpg"))]
        for kind in ("panorama", "surface", "empty")
    )
    return Sources(groups, rooms, surfaces, empties, [read_rgba(path) for path in sorted(data.glob("things/*.png"))])


def sample(
    rng: Random, sources: Sources, shape: Shape, recipe: Recipe, partial: float = 0.0
) -> tuple[Bytes, Bytes, Bytes]:
    """A picture, (H, W, 3) RGB, the opacity of its people, (H, W), and how far that is believed, (H, W).

    partial is the chance that a person is seen through a window anywhere on them.
    """
    kind = rng.random()
    if kind < recipe.own:
        image, alpha, trust = framed(rng, pick(rng, sources, recipe), shape, rng.random() < partial)
        background = image
        layers = [(image, alpha)]
        wall = 0.35  # many keep their surroundings as they are
    else:
        background = room(rng, sources, shape)
        count = 0
        if kind >= recipe.own + recipe.empty:
            second, third = rng.random(2) < recipe.several
            count = 1 + second * (1 + third)
        layers = []
        for _ in range(count):
            photo = pick(rng, sources, recipe)
            if rng.random() < partial:
                person, alpha, _ = framed(rng, photo, shape, partial=True)
                layers.append((person, tightened(alpha)))
            else:
                layers.append(cut_out(rng, photo, shape, recipe, count > 1))
        trust, wall = np.full(shape, 255, np.uint8), 1.0
    if layers and layers[0][0] is not background and rng.random() < 0.4:
        layers = [(matched(rng, person, background), alpha) for person, alpha in layers]
    if layers and kind >= recipe.own and rng.random() < recipe.backlit:
        layers = [(relit(rng, person), alpha) for person, alpha in layers]
    count = rng.poisson(recipe.things) if rng.random() < wall else 0
    background = background.copy()
    for _ in range(count):
        put(background, thing(rng, sources, shape))
    if rng.random() < 0.3 and kind >= recipe.own:
        background = blurred(background, float(np.exp(rng.uniform(np.log(0.6), np.log(5)))))
    image, target = background, np.zeros(shape, np.uint8)
    for person, alpha in layers:
        if rng.random() < 0.3 and kind >= recipe.own:
            shadow(rng, image, alpha)
        put(image, (person, alpha))
        target = np.maximum(target, alpha)
    if rng.random() < recipe.before:
        cover, alpha = thing(rng, sources, shape, low=True)
        put(image, (cover, alpha))
        target = np.minimum(target, 255 - alpha)
    if rng.random() < recipe.light:
        image = relit(rng, image)
    if rng.random() < recipe.camera:
        image = photographed(rng, image)
    return image, target, trust


def pick(rng: Random, sources: Sources, recipe: Recipe) -> Photo:
    """A photo of a random group."""
    group = sources.groups[rng.choice(len(recipe.groups), p=recipe.groups)]
    return group[rng.integers(len(group))]


def framed(rng: Random, photo: Photo, shape: Shape, partial: bool) -> tuple[Bytes, Bytes, Bytes]:
    """A crop of a photo that lies inside it but for turned corners, which are not believed.

    One that is partial may show any part of the person, so an arm, a shoulder, or a body without its head.
    """
    height, width = photo.target.shape
    inside = np.argwhere(photo.target > 127)
    cover = max(shape[0] / height, shape[1] / width)
    zoom = rng.uniform(0, 1) if partial else abs(rng.normal(0, 0.15 if height < 1.2 * width else 0.35))
    scale = cover * np.exp(zoom)  # portraits are close already
    half = np.array([shape[1], shape[0]]) / (2 * scale)
    if partial and len(inside):
        centre = inside[rng.integers(len(inside))][::-1] + rng.uniform(-0.9, 0.9, 2) * half
    else:
        head = len(inside) and rng.random() < 0.6  # is seen most often
        top = inside[0, 0] if head else rng.uniform(0, height)
        centre = np.array([rng.uniform(0.35, 0.65) * width, top + half[1] * rng.uniform(0.5, 1)])
    centre = np.clip(centre, half, np.maximum(half, np.array([width, height]) - half))
    matrix = placement(rng, tuple(centre), (shape[1] / 2, shape[0] / 2), scale, turn=4)
    return (
        warp(photo.image, matrix, shape, cv2.BORDER_REPLICATE),
        warp(photo.target, matrix, shape, cv2.BORDER_REPLICATE),
        warp(photo.trust, matrix, shape),
    )


def cut_out(rng: Random, photo: Photo, shape: Shape, recipe: Recipe, beside: bool) -> Layer:
    """A person where a webcam would show them: cut off by the lower edge, or whole and farther away."""
    height, width = photo.target.shape
    inside = photo.target > 127
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.uint8)
    top, bottom, left, right = rows[0], rows[-1], columns[0], columns[-1]
    tall = bottom - top
    cut_low = bottom >= height - 3
    at_side = left <= 2 or right >= width - 3
    head = float(np.flatnonzero(inside[top : top + max(4, tall // 7)].any(axis=0)).mean())
    if cut_low:
        seen = rng.uniform(0.6, 0.97)  # of what the photo shows, so that the lower edge is outside
    elif rng.random() < recipe.close:
        seen = rng.uniform(HEAD, 0.62)
    else:
        seen = rng.uniform(0.9, 2.2)
    over = rng.uniform(-0.1, 0.45) if seen < 0.9 else rng.uniform(0.02, 0.2)  # above the head, of the picture
    scale = shape[0] * (1 - over) / (seen * tall)
    x = shape[1] * (rng.uniform(-0.05, 1.05) if beside else np.clip(rng.normal(0.5, 0.2), -0.05, 1.05))
    if at_side and cut_low:  # the photo covers the picture, or its side would show as a straight cut
        scale = max(scale, shape[1] / width * 1.02)
        x = np.clip(x, shape[1] - (width - head) * scale, head * scale)
    matrix = placement(rng, (head, top), (x, over * shape[0]), scale, 3 if cut_low or at_side else 9)
    return warp(photo.image, matrix, shape, cv2.BORDER_REPLICATE), tightened(warp(photo.target, matrix, shape))


def tightened(alpha: Bytes) -> Bytes:
    """A mask narrower by about half a pixel, and soft: at the edge there are colours of the old background."""
    soft = cv2.GaussianBlur(alpha, (0, 0), 0.7).astype(np.float32)
    return np.asarray(np.clip((soft - 90) * (255 / 150), 0, 255), np.uint8)


def matched(rng: Random, person: Bytes, background: Bytes) -> Bytes:
    """The person part of the way in the light of the background."""
    there, here = (image.reshape(-1, 3).mean(axis=0) + 20 for image in (background, person))
    gain = np.clip(there / here, 0.4, 2.5) ** rng.uniform(0, 0.8)
    return np.asarray(np.clip(person * gain, 0, 255), np.uint8)


def put(image: Bytes, layer: Layer) -> None:
    """Composite a layer over the image, in place."""
    colour, alpha = layer
    part = alpha.astype(np.float32)[..., None] / 255
    image[:] = (part * colour + (1 - part) * image + 0.5).astype(np.uint8)


def thing(rng: Random, sources: Sources, shape: Shape, low: bool = False) -> Layer:
    """A thing anywhere, or a piece of a surface with straight sides: a chair back, a screen, a door, a shelf.

    low puts it at the lower edge, as a table's things before a person.
    """
    height, width = shape
    size = height * np.exp(rng.uniform(np.log(0.15), np.log(1.3)))
    at = (rng.uniform(-0.05, 1.05) * width, (rng.uniform(0.85, 1.1) if low else rng.uniform(0.1, 1.1)) * height)
    if rng.random() < 0.7:
        image = sources.things[rng.integers(len(sources.things))]
        long_side = max(image.shape[:2])
    else:
        surface = sources.surfaces[rng.integers(len(sources.surfaces))]
        size_of_board = (int(rng.uniform(40, 128)), int(rng.uniform(40, 128)))
        small = cv2.resize(surface, size_of_board, interpolation=cv2.INTER_AREA)
        image = np.dstack([rectangle(rng, np.asarray(small, np.uint8)), np.full(small.shape[:2], 255, np.uint8)])
        long_side = 128
    centre = (image.shape[1] / 2, image.shape[0] / 2)
    moved = warp(image, placement(rng, centre, at, size / long_side, 6), shape)
    light = rng.uniform(0.15, 1.15) * np.exp(rng.normal(0, 0.12, 3))  # office chairs are dark
    return np.asarray(np.clip(moved[..., :3] * light, 0, 255), np.uint8), moved[..., 3]


def rectangle(rng: Random, surface: Bytes) -> Bytes:
    """The surface as a board: often plain, often with a frame, as a screen, a picture or a window."""
    image = surface.copy()
    if rng.random() < 0.5:
        image[:] = rng.uniform(0, 255, 3) if rng.random() < 0.5 else rng.uniform(0, 60)
    if rng.random() < 0.6:
        rim = max(2, int(rng.uniform(0.03, 0.15) * min(image.shape[:2])))
        image[rim:-rim, rim:-rim] = rng.uniform(0, 255, 3)
    return image


def room(rng: Random, sources: Sources, shape: Shape) -> Bytes:
    """A picture without people: a photographed room, or a wall and a floor."""
    kind = rng.random()
    if kind < 0.4:
        return piece(rng, sources.empties if rng.random() < EMPTIES else sources.rooms, shape)
    if kind < 0.65:
        return piece(rng, sources.surfaces, shape)
    wall = plain(rng, shape) if rng.random() < 0.6 else piece(rng, sources.surfaces, shape)
    if rng.random() < 0.6:
        floor = plain(rng, shape) if rng.random() < 0.4 else piece(rng, sources.surfaces, shape)
        line = int(rng.uniform(0.45, 0.95) * shape[0])
        wall[line:] = floor[line:]
    return wall


def piece(rng: Random, pictures: list[Bytes], shape: Shape) -> Bytes:
    """A random crop of a random picture."""
    image = pictures[rng.integers(len(pictures))]
    height, width = image.shape[:2]
    scale = max(shape[0] / height, shape[1] / width) * np.exp(rng.uniform(0, 0.7))
    half = np.array([shape[1], shape[0]]) / (2 * scale)
    centre = rng.uniform(half, np.array([width, height]) - half + 1e-6)
    matrix = placement(rng, tuple(centre), (shape[1] / 2, shape[0] / 2), scale, turn=3)
    return warp(image, matrix, shape, cv2.BORDER_REFLECT_101)


def plain(rng: Random, shape: Shape) -> Bytes:
    """A painted wall, light on one side."""
    colour = rng.uniform(30, 240) + rng.normal(0, 25, 3)
    wall = colour * (1 + rng.uniform(0, 0.4) * gradient(rng, shape)[..., None])
    return np.asarray(np.clip(wall, 0, 255), np.uint8)


def blurred(image: Bytes, sigma: float) -> Bytes:
    """Out of focus."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def shadow(rng: Random, image: Bytes, alpha: Bytes) -> None:
    """Darken the image beside the person, in place, as a shadow on the wall does."""
    height, width = alpha.shape
    move: Floats = np.array([[1, 0, rng.normal(0, 0.07) * width], [0, 1, rng.normal(0.03, 0.05) * height]], np.float32)
    cast = blurred(warp(alpha, move, (height, width)), float(np.exp(rng.uniform(0, 2.5))))
    image[:] = (image * (1 - rng.uniform(0.1, 0.6) * cast[..., None].astype(np.float32) / 255)).astype(np.uint8)
