"""Where a person of a photo stands in a training picture: head and shoulders, half or whole, cut off or not.

A matrix is (2, 3) float32 and maps (x, y) of the photo to (x, y) of the picture; a shape is (H, W).
"""

import cv2
import numpy as np
from data import Photo
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Random = np.random.Generator

TURNED = 0.07  # the share of pictures and people that are turned far, like those who lie or lean, or a tilted camera
LEAVING = 0.45  # the share of people who lean out of the picture: tilted, at its side, their head low or not in it
GOING = 0.75  # of the close ones, the share of whom little is left at the side; of most of them no more than a shoulder
NECK = 0.165  # how far below the top of the head the neck is, in shares of a whole person's height
SHOULDER = 0.19  # and the shoulders
BESIDE = (0.02, 0.11)  # how far beside the middle of the head the picture ends when a shoulder is left, in the same
FAR = (0.15, 0.7)  # the height of people far away, in shares of the picture's


def framing(rng: Random, photo: Photo, shape: tuple[int, int], close: float, room: float = 0.0) -> Floats:
    """A (2, 3) matrix from the photo's pixels to the picture's: how a webcam, or a passer-by, would frame this person.

    close: the chance of head and shoulders. room: the share of the picture's width that the person may use; 0 when it
    stays in its photo, whose rows then fill the picture.
    """
    height, width = shape
    left, top, right, bottom = photo.box
    kind = rng.random()
    if kind < close:
        visible, fill = np.exp(rng.uniform(np.log(0.15), np.log(0.45))), rng.uniform(0.5, 1.1)
    elif kind < close + (1 - close) * 0.4:
        visible, fill = rng.uniform(0.4, 0.9), rng.uniform(0.6, 1.05)
    else:
        visible, fill = 1.0, rng.uniform(0.55, 1.0)
    scale = fill * height / (visible * (bottom - top))
    if room and visible == 1.0:  # the whole person is to be seen, also its width
        scale = min(scale, 1.1 * width * room / (right - left))
    leaving = rng.random() < LEAVING
    point = (photo.head, top)  # of the photo; (x, y) is where it comes to lie
    x = width * (0.5 + rng.normal(0, 0.5 if leaving else 0.14))
    y = height * (1 - fill) * (rng.uniform(0.2, 1) if visible == 1.0 else 1)
    if leaving:
        y += height * rng.uniform(0, 0.4)
    bulky = 1.0
    if kind < GOING * close:
        bulky = np.exp(rng.uniform(0, 0.35))  # the photos show few coats as wide as some are
        out, y = width * rng.uniform(-0.05, 0.35), height * rng.uniform(0, 0.8)
        if rng.random() < 0.6:  # the head is beyond the side, the shoulder low in the corner
            tall = bottom - top
            point = (photo.head, top + SHOULDER * tall)
            out, y = scale * tall * rng.uniform(*BESIDE), height * rng.uniform(0.55, 1)
        x = rng.choice((-out, width + out))
    if not room:
        rows = photo.image.shape[0]
        scale = max(scale, height / rows)
        y = np.clip(y, height - (rows - point[1]) * scale, point[1] * scale)
    return matrix(rng, point, (x, y), scale, _tilt(rng, 18 if leaving else 6), bulky)


def as_taken(rng: Random, photo: Photo, shape: tuple[int, int]) -> Floats:
    """A (2, 3) matrix for the photo as the photographer framed it, or hardly cropped."""
    height, width = shape
    rows, columns = photo.image.shape[:2]
    scale = height / rows * np.exp(rng.uniform(-0.05, 0.25))
    place = (rng.normal(0.5, 0.05) * width, rng.normal(0.5, 0.05) * height)
    return matrix(rng, (columns / 2, rows / 2), place, scale, _tilt(rng, 3))


def far_away(rng: Random, photo: Photo, shape: tuple[int, int], fill: float, ground: float) -> Floats:
    """A (2, 3) matrix for a whole person who stands somewhere in a wide view, perhaps half out of its side.

    fill: the person's height as a share of the picture's. ground: where the feet are, in shares from the top.
    """
    height, width = shape
    _, top, _, bottom = photo.box
    fill, ground = fill * np.exp(rng.normal(0, 0.1)), ground + rng.normal(0, 0.05) * fill
    scale = fill * height / (bottom - top)
    return matrix(rng, (photo.head, bottom), (rng.uniform(0, 1) * width, ground * height), scale)


def _tilt(rng: Random, usual: float) -> float:
    """The standard deviation of an angle, in degrees."""
    return 45 if rng.random() < TURNED else usual


def matrix(
    rng: Random,
    source: tuple[float, float],
    target: tuple[float, float],
    scale: float,
    tilt: float = 6,
    wider: float = 1,
) -> Floats:
    """Scale, stretch, tilt and perhaps mirror about a point of the photo, and move it to a point of the picture.

    tilt: the standard deviation of the angle in degrees. wider: so many times as wide, before anything is turned.
    """
    angle = np.deg2rad(rng.normal(0, tilt))
    stretch = np.exp(rng.normal(0, 0.08))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    mirror = -1 if rng.random() < 0.5 else 1
    linear = turn @ np.diag([mirror * scale * stretch * wider, scale / stretch])
    return np.column_stack([linear, np.array(target) - linear @ np.array(source)]).astype(np.float32)


def head_and_neck(photo: Photo, where: Floats) -> Floats:
    """(x, y) of the top of the head and of the neck in the picture, (2, 2) float32, inside it or not.

    The photos show whole people, so the person's height tells where the neck is.
    """
    _, top, _, bottom = photo.box
    points = np.array([(photo.head, y, 1) for y in (top, top + NECK * (bottom - top))])
    return (points @ where.T).astype(np.float32)


def warp(picture: Bytes, where: Floats, shape: tuple[int, int], border: int) -> Bytes:
    """The picture moved by the matrix onto one of the given shape; halved before while it shrinks to less than that."""
    while np.sqrt(abs(np.linalg.det(where[:, :2]))) < 0.5:
        half = (max(1, picture.shape[1] // 2), max(1, picture.shape[0] // 2))  # of what is thin, a line is left
        picture = cv2.resize(picture, half, interpolation=cv2.INTER_AREA)
        where = where * np.float32([2, 2, 1])
    return cv2.warpAffine(picture, where, shape[::-1], flags=cv2.INTER_LINEAR, borderMode=border)
