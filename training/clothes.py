"""What people wear, made more varied than in the street: the silhouette says what is a person, not the cloth.

A picture is (H, W, 3) uint8 RGB; alpha is (H, W) float32 in [0, 1], 1 = the person.
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from objects import place
from rooms import flat
from scenes import scene, stripes
from surfaces import Pictures

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Random = np.random.Generator


def dress(rng: Random, surfaces: Pictures, person: Bytes, alpha: Floats, headless: bool = False) -> Bytes:
    """Below the head: another colour, stripes or a pattern with the cloth's own light and shade, or a thick ring.

    surfaces: photographed ones, if there are any; some clothes look like one, some have its folds and its grain.
    headless: the head is not in the picture, so all that is there is dressed.
    Returns a new picture; what is outside alpha does not matter, for it is not pasted.
    """
    rows, columns = np.nonzero(alpha > 0.5)
    if len(rows) < 100:
        return person
    neck = -alpha.shape[0] if headless else _neck(alpha, int(rows.min()))
    height, width = alpha.shape
    below = np.clip((np.arange(height, dtype=np.float32) - neck) / (0.03 * height), 0, 1)[:, None, None]
    shade = cv2.cvtColor(person, cv2.COLOR_RGB2GRAY)[..., None].astype(np.float32)
    shade = shade / max(20.0, float(np.median(shade[alpha > 0.5])))
    if len(surfaces) and rng.random() < 0.4:
        shade *= _grain(rng, surfaces, (height, width))
    kind = rng.random()
    if kind < 0.5:
        colour = np.broadcast_to(_strong(rng), person.shape)
    elif kind < 0.65 and len(surfaces):
        colour = flat(rng, surfaces, (height, width)).astype(np.float32)
    else:
        colour = (stripes if kind < 0.83 else scene)(rng, height, width).astype(np.float32)
    share = rng.uniform(0.6, 1.0) * below
    out = np.clip(person + share * (colour * shade - person), 0, 255).astype(np.uint8)
    if rng.random() < 0.25 and not headless:
        _ring(rng, out, (float(columns[rows < neck + 2].mean()), neck), neck - int(rows.min()))
    return out


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
        grain = _grain(rng, surfaces, person.shape[:2])
        fine = (grain[..., 0] / cv2.GaussianBlur(grain, (0, 0), 1.5 * scale)) ** np.float32(rng.uniform(0.1, 0.8))
        person = np.clip(person * fine[..., None], 0, 255).astype(np.uint8)
    return person


def _neck(alpha: Floats, top: int) -> int:
    """About where the head ends: where the person becomes much wider than it is near the top."""
    wide = (alpha > 0.5).sum(axis=1)
    reach = np.cumsum(wide[top:])
    head = np.maximum.accumulate(wide[top:])
    # A head is about 1.3 times as high as wide.
    after = np.nonzero(np.arange(len(reach)) > 1.3 * np.maximum(head, 4))[0]
    return top + int(after[0]) if len(after) else alpha.shape[0]


def _grain(rng: Random, surfaces: Pictures, shape: tuple[int, int]) -> Floats:
    """Folds, knit, fur: the light and shade of a photographed surface, (H, W, 1), about 1."""
    grey = cv2.cvtColor(flat(rng, surfaces, shape), cv2.COLOR_RGB2GRAY)[..., None].astype(np.float32) + 10
    return np.asarray((grey / grey.mean()) ** np.float32(rng.uniform(0.4, 1.6)))


def _strong(rng: Random) -> Floats:
    """A colour of any hue, often a strong one, (3,)."""
    hsv = np.uint8([[[rng.integers(180), rng.integers(60, 256), rng.integers(40, 256)]]])
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0].astype(np.float32)


def _ring(rng: Random, image: Bytes, neck: tuple[float, float], head: int) -> None:
    """A collar, a scarf, the ring of a helmet: an ellipse of two tones round the neck, in place; head: its height."""
    centre = (int(neck[0]), int(neck[1] + rng.uniform(0, 0.3) * head))
    axes = (int(head * rng.uniform(0.4, 1.1)) + 1, int(head * rng.uniform(0.2, 0.6)) + 1)
    tone = rng.integers(0, 256, 3) if rng.random() < 0.5 else np.full(3, rng.integers(0, 256))
    light = np.clip(tone + rng.normal(0, 60), 0, 255)
    thick, angle = max(2, int(head * rng.uniform(0.08, 0.4))), rng.normal(0, 8)
    for colour, width in ((tone, thick), (light, max(1, thick // 4))):
        cv2.ellipse(image, centre, axes, angle, 0, 360, colour.tolist(), width, cv2.LINE_AA)
