"""One answer to each exercise of 02_predict.ipynb. Yours may look different and be as good."""

import numpy as np


def prepare(frame):
    """Give the network's input, (1, 3, H, W) float32, as torchvision prepares it."""
    mean = np.array([0.485, 0.456, 0.406], np.float32)
    std = np.array([0.229, 0.224, 0.225], np.float32)
    scaled = frame.astype(np.float32) / 255  # (H, W, 3)
    normal = (scaled - mean) / std  # colours are last, so the three numbers fit as they are
    return normal.transpose(2, 0, 1)[np.newaxis]  # (1, 3, H, W)


def softmax(scores):
    """Give the probabilities of the classes, (C, H, W), for scores of any size."""
    powers = np.exp(scores - scores.max(axis=0))  # the largest power is 1: nothing overflows
    return powers / powers.sum(axis=0)


def class_iou(labels, truth, number):
    """Give the IoU of one class, 1 if neither picture has it."""
    found, true = labels == number, truth == number
    union = (found | true).sum()
    return (found & true).sum() / union if union else 1.0


def confusion_matrix(labels, truth, classes):
    """Count the pixels of each true class (row) that got each class (column), without void."""
    matrix = np.zeros((classes, classes), int)
    counted = truth != 255
    np.add.at(matrix, (truth[counted], labels[counted]), 1)  # unlike +=, it counts every pair
    return matrix
