"""The geometry, the light and the camera of a training picture."""

import cv2
import numpy as np

from training.data import Bytes, Floats
from training.recipe import Shape

Random = np.random.Generator


def warp(image: Bytes, matrix: Floats, shape: Shape, border: int = cv2.BORDER_CONSTANT) -> Bytes:
    """Move a picture by a (2, 3) matrix, from its (x, y) to those of a picture of this shape."""
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if scale < 0.6:  # skipping pixels would make fine patterns glitter
        image = np.asarray(cv2.blur(image, (round(1 / scale),) * 2))
    moved = cv2.warpAffine(image, matrix, shape[::-1], flags=cv2.INTER_LINEAR, borderMode=border)
    return np.asarray(moved, np.uint8)


def placement(
    rng: Random, source: tuple[float, float], target: tuple[float, float], scale: float, turn: float = 8.0
) -> Floats:
    """A (2, 3) matrix that puts the source (x, y) on the target, scaled, and turned, stretched and mirrored at random.

    turn is the standard deviation of the angle, in degrees.
    """
    angle = np.radians(rng.normal(0, turn))
    stretch = np.exp(rng.uniform(-0.08, 0.08))
    mirror = rng.choice((-1.0, 1.0))
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = scale * rotation @ np.diag([mirror * stretch, 1 / stretch])
    shift = np.array(target) - linear @ np.array(source)
    return np.column_stack([linear, shift]).astype(np.float32)


def relit(rng: Random, image: Bytes) -> Bytes:
    """Another exposure, contrast, saturation, colour cast, and light from one side."""
    x = image.astype(np.float32) / 255
    x = x ** np.exp(rng.normal(0, 0.3))
    grey = x.mean(axis=2, keepdims=True)
    saturation = 0.0 if rng.random() < 0.04 else rng.uniform(0.4, 1.5)
    x = grey + saturation * (x - grey)
    x = 0.5 + (x - 0.5) * rng.uniform(0.65, 1.25)
    x *= np.exp(rng.normal(0, 0.08, 3) + rng.normal(-0.1, 0.25)).astype(np.float32)
    if rng.random() < 0.3:
        x *= 1 + rng.uniform(0.1, 0.6) * gradient(rng, image.shape[:2])[..., None]
    return np.asarray(255 * np.clip(x, 0, 1), np.uint8)


def gradient(rng: Random, shape: Shape) -> Floats:
    """A plane through the picture, (H, W) in [-1, 1], that rises in a random direction."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    return np.asarray((np.cos(angle) * x + np.sin(angle) * y) / 1.42, np.float32)


def photographed(rng: Random, image: Bytes) -> Bytes:
    """A webcam's faults: blur, motion, noise, compression, and sharpening."""
    height, width = image.shape[:2]
    if rng.random() < 0.3:
        image = _as_bytes(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.2)))
    elif rng.random() < 0.2:
        factor = rng.uniform(0.45, 0.8)  # a stream of few pixels
        small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        image = _as_bytes(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))
    elif rng.random() < 0.25:
        soft = cv2.GaussianBlur(image, (0, 0), 1.0)
        image = _as_bytes(cv2.addWeighted(image, 1.7, soft, -0.7, 0))
    if rng.random() < 0.5:
        coarse = rng.normal(0, 1, (height, width, 3 if rng.random() < 0.5 else 1)).astype(np.float32)
        image = np.asarray(np.clip(image + rng.uniform(1, 12) * coarse, 0, 255), np.uint8)
    if rng.random() < 0.5:
        _, content = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.uniform(25, 90))])
        image = _as_bytes(cv2.imdecode(content, cv2.IMREAD_COLOR))
    return image


def _as_bytes(image: object) -> Bytes:
    return np.asarray(image, np.uint8)
