"""One answer to each exercise of 11_clinic.ipynb. Yours may look different and be as good."""

import cv2
import numpy as np
import torch

import seglib


def load_photo(path):
    """Read a photo for the network, (H, W, 3) uint8, RGB."""
    return cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)  # OpenCV reads BGR


def normalise(frame):
    """Prepare a frame for a network trained on ImageNet, (H, W, 3) float32."""
    mean = np.array([0.485, 0.456, 0.406], np.float32)
    std = np.array([0.229, 0.224, 0.225], np.float32)  # not the mean again
    return (frame / np.float32(255) - mean) / std


def person_probability(network, inputs):
    """Give the probability of person for each pixel, (H, W) float32."""
    network.eval()  # without it, dropout and batch norm behave as in training
    with torch.inference_mode():
        logits = network(inputs)["out"]  # (1, 21, H, W)
    return logits.softmax(dim=1)[0, 15].numpy()


def to_labels(logits, size):
    """Turn logits, (classes, h, w), into labels, (H, W) uint8, of a size (W, H)."""
    labels = logits.argmax(axis=0).astype(np.uint8)  # the axis of the classes
    return cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)


def half_size_mask(predict, frame):
    """Predict at half the size, and give a mask as large as the frame."""
    height, width = frame.shape[:2]
    small = cv2.resize(frame, (width // 2, height // 2))  # OpenCV takes the width first
    return cv2.resize(predict(small), (width, height))


def keep_frames(capture, count):
    """Return the first frames of a capture in a list."""
    frames = []
    for _ in range(count):
        image = capture.read()[1]  # a new array for each frame
        frames.append(image)
    return frames


def largest_object(labels):
    """Name the class with the most pixels, background left out."""
    counts = np.bincount(labels.ravel(), minlength=21)[1:]
    return seglib.VOC_CLASSES[counts.argmax() + 1]  # counts[0] belongs to class 1


def split_files(names, seed):
    """Split files such as film07_012.jpg: three quarters to train, one to validate."""
    films = np.random.default_rng(seed).permutation(sorted({name[:6] for name in names}))
    held_out = set(films[: len(films) // 4])
    train = [name for name in names if name[:6] not in held_out]
    return train, [name for name in names if name[:6] in held_out]


def change(before, after):
    """Measure how much two frames differ: the mean absolute difference in levels."""
    return np.abs(before.astype(np.int16) - after).mean()  # uint8 would wrap below 0


def compose(frame, mask, background):
    """Put the frame in front of a background, by a soft mask."""
    alpha = mask[..., np.newaxis]
    cutout = alpha * frame  # has been multiplied by alpha: not a second time
    return (cutout + (1 - alpha) * background).round().astype(np.uint8)
