"""What a camera does to a picture: light, colour, blur, noise, compression. Masks stay as they are.

A picture is (H, W, 3) uint8 RGB; every function returns a new one.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Random = np.random.Generator

_NOISE = np.random.default_rng(0).normal(0, 1, (512, 512, 3)).astype(np.float32)  # drawn once, cut anew every time


def camera(rng: Random, image: Bytes) -> Bytes:
    """Take the picture with a bad camera in bad light: each fault with its own chance."""
    if rng.random() < 0.35:
        image = uneven_light(rng, image)
    if rng.random() < 0.8:
        image = exposure(rng, image)
    if rng.random() < 0.12:  # a camera at night, or black and white
        image = np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    if rng.random() < 0.3:
        image = unsharp(rng, image)
    if rng.random() < 0.4:
        image = noise(rng, image)
    if rng.random() < 0.3:
        image = jpeg(rng, image)
    return image


def exposure(rng: Random, image: Bytes) -> Bytes:
    """Gamma, brightness, contrast and a colour cast as one table per channel, and saturation now and then."""
    if rng.random() < 0.3:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None].repeat(3, axis=2)
        share = rng.uniform(-0.4, 0.7)
        image = cv2.addWeighted(image, 1 - share, grey, share, 0)
    x = np.linspace(0, 1, 256)[:, None]
    x = x ** np.exp(rng.normal(0, 0.3)) * np.exp(rng.normal(0, 0.22)) * np.exp(rng.normal(0, 0.1, 3))
    x = (x - 0.5) * rng.uniform(0.65, 1.25) + 0.5 + rng.normal(0, 0.04)
    table = np.clip(x * 255, 0, 255).astype(np.uint8)  # (256, 3)
    return cv2.LUT(image, table[None])


def uneven_light(rng: Random, image: Bytes) -> Bytes:
    """A lamp or a window on one side: smooth coloured factors between the corners."""
    factors = np.exp(rng.normal(0, 0.35, (2, 2, 1)) + rng.normal(0, 0.06, (2, 2, 3))).astype(np.float32)
    factors = cv2.resize(factors, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return cv2.multiply(image, factors, dtype=cv2.CV_8U)


def unsharp(rng: Random, image: Bytes) -> Bytes:
    """Out of focus, moved, or enlarged from fewer pixels."""
    kind = rng.random()
    if kind < 0.5:
        return cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.8))
    height, width = image.shape[:2]
    if kind < 0.8:
        times = rng.uniform(1.2, 3)
        small = cv2.resize(image, (int(width / times), int(height / times)), interpolation=cv2.INTER_AREA)
        return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    length = int(rng.integers(3, 8))
    return cv2.blur(image, (length, 1) if rng.random() < 0.7 else (1, length))


def noise(rng: Random, image: Bytes) -> Bytes:
    """Grain of a sensor in little light, fine or coarse."""
    top, left = rng.integers(0, 512 - image.shape[0] + 1), rng.integers(0, 512 - image.shape[1] + 1)
    grain = _NOISE[top : top + image.shape[0], left : left + image.shape[1]]
    if rng.random() < 0.3:
        grain = cv2.blur(grain, (3, 3)) * 2
    return cv2.add(image, grain * np.float32(rng.uniform(1, 14)), dtype=cv2.CV_8U)


def jpeg(rng: Random, image: Bytes) -> Bytes:
    """Compress it as a video call does."""
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 90))])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
