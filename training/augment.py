"""Training pictures that look like a webcam's, made of street photos: this module decides what goes where.

Nearly half keep the photo's own background, as many show people pasted over another one, the rest show nobody.
Everything is a function of the random generator it gets, so a run can be repeated and resumed.
"""

import cv2
import numpy as np
from backgrounds import alike, background, clutter, hide, objects
from clothes import decorate, dress, rim, sharpen
from data import Photos
from framing import FAR, as_taken, far_away, framing, head_and_neck, warp
from light import camera
from numpy.typing import NDArray
from recipe import Recipe

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Random = np.random.Generator


def sample(rng: Random, photos: Photos, shape: tuple[int, int], recipe: Recipe) -> tuple[Bytes, Bytes, Bytes]:
    """One training picture: image (H, W, 3), target (H, W), 255 = person, and trust (H, W).

    Trust is 255 where the target is a label, 128 where it is the teacher's, 0 where it is not to be believed.
    """
    kind = rng.random()
    if kind < recipe.empty:
        image = background(rng, photos, shape, recipe)
        target, trust = np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8)
    elif kind < recipe.empty + recipe.pasted:
        image, target = pasted(rng, photos, shape, recipe)
        trust = np.full(shape, 255, np.uint8)
    else:
        image, target, trust = framed(rng, photos, shape, recipe)
    if rng.random() < recipe.hidden:
        image, target = hide(rng, photos, image, target)
    if rng.random() < recipe.cluttered / 10:
        clutter(rng, photos, image, target)
    if rng.random() < recipe.objects / 10:
        objects(rng, photos, image, target)
    if rng.random() >= recipe.good:
        image = camera(rng, image)
    return np.ascontiguousarray(image), target, trust


def framed(rng: Random, photos: Photos, shape: tuple[int, int], recipe: Recipe) -> tuple[Bytes, Bytes, Bytes]:
    """A photo with its own background, cropped. Where it ends it is mirrored, and so is its mask."""
    photo = photos.pick(rng)
    upright = shape[0] > shape[1]
    taken = upright and rng.random() < recipe.taken
    where = as_taken(rng, photo, shape) if taken else framing(rng, photo, shape, recipe.close)
    image = warp(photo.image, where, shape, cv2.BORDER_REFLECT)
    planes = warp(photo.planes, where, shape, cv2.BORDER_REFLECT)
    if rng.random() < recipe.objects / 2:
        alpha, behind = planes[..., 2].astype(np.float32) / 255, image.copy()
        objects(rng, photos, behind)
        person = decorate(rng, photos.objects, image, alpha) if rng.random() < 0.5 else image
        image = (behind + alpha[..., None] * (person.astype(np.float32) - behind)).astype(np.uint8)
    believed = 255 if photo.labelled else 128
    return image, planes[..., 0], np.where(planes[..., 1] > 250, believed, 0).astype(np.uint8)


def pasted(rng: Random, photos: Photos, shape: tuple[int, int], recipe: Recipe) -> tuple[Bytes, Bytes]:
    """People over a background that was not theirs, one to three of them or, far away, up to five.

    The nearer ones hide the others.
    """
    far = rng.random() < recipe.far
    image = background(rng, photos, shape, recipe, far).astype(np.float32)
    target = np.zeros(shape, np.float32)
    several = rng.random() < (2 * recipe.several if far else recipe.several)
    count = int(rng.integers(2, 6 if far else 4)) if several else 1
    fill, ground = np.exp(rng.uniform(*np.log(FAR))), rng.uniform(0.5, 1.05)
    for place in rng.permutation(count):
        photo = photos.pick(rng)
        if far:
            where = far_away(rng, photo, shape, fill, max(fill, ground))
        else:
            where = framing(rng, photo, shape, recipe.close, 1 / count)
            where[0, 2] += shape[1] * ((place + 0.5) / count - 0.5)
        alpha = warp(photo.planes, where, shape, cv2.BORDER_CONSTANT)[..., 2].astype(np.float32) / 255
        person = sharpen(rng, photos.surfaces, warp(photo.image, where, shape, cv2.BORDER_REPLICATE), where)
        head = head_and_neck(photo, where)
        face = head.mean(0)
        seen = ((face >= 0) & (face < shape[::-1])).all()
        chance = recipe.dressed if seen else 1 - (1 - recipe.dressed) ** 3  # without a face, clothes are all there is
        if rng.random() < chance:
            person, alpha = dress(rng, photos.surfaces, person, alpha, image, head)
        if rng.random() < recipe.objects:
            person = decorate(rng, photos.objects, person, alpha)
        person = matched(rng, person, image, alpha)
        if rng.random() < recipe.backlit:
            person *= np.float32(rng.uniform(0.15, 0.6))
        if rng.random() < recipe.rimmed:
            person = rim(rng, person, alpha)
        if seen and rng.random() < recipe.alike:  # without a face, the colour is what tells
            alike(rng, photos, image, target, person, alpha)
        if rng.random() < 0.4:
            image *= 1 - rng.uniform(0.1, 0.7) * shadow(rng, alpha)[..., None]
        image += alpha[..., None] * (person - image)
        target = np.maximum(target, alpha)
    return image.astype(np.uint8), (target * 255).astype(np.uint8)


def matched(rng: Random, person: Bytes, image: Floats, alpha: Floats) -> Floats:
    """The person in the light of the background: its mean colour moved part of the way to the background's."""
    there = np.array(cv2.mean(image)[:3]) + 25
    here = np.array(cv2.mean(person, (alpha > 0.5).astype(np.uint8))[:3]) + 25
    gain = np.clip(there / here, 0.3, 3) ** (rng.uniform(0, 0.5) if rng.random() < 0.7 else rng.uniform(0.5, 1))
    return np.minimum(person * gain.astype(np.float32), 255)


def shadow(rng: Random, alpha: Floats) -> Floats:
    """What somebody throws on a wall or the ground behind, (H, W) in [0, 1]: beside them, leaning, soft or sharp."""
    width = alpha.shape[1]
    lean, high = rng.normal(0, 0.4), rng.uniform(0.5, 1.1)  # about the feet, or where the picture ends
    foot = float(np.flatnonzero(alpha.max(1) > 0.5)[-1:].sum())
    where = np.float32([[1, lean, rng.normal(0, 0.08) * width - lean * foot], [0, high, (1 - high) * foot]])
    thrown = warp(alpha, where, alpha.shape, cv2.BORDER_CONSTANT)
    small = cv2.resize(thrown, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), float(np.exp(rng.uniform(np.log(0.4), np.log(10)))))
    return cv2.resize(small, alpha.shape[::-1], interpolation=cv2.INTER_LINEAR)
