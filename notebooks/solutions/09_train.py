"""One answer to each exercise of 09_train.ipynb. Yours may look different and be as good."""

import numpy as np
from torch.nn.functional import binary_cross_entropy_with_logits


def train_step(network, optimizer, pictures, answers):
    """Take one step of training on a batch and return its loss, a number."""
    loss = binary_cross_entropy_with_logits(network(pictures), answers)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def labelled_loss(probabilities, labels):
    """Give the mean cross-entropy of the pixels of (H, W) labels that are not 255."""
    rows, columns = np.nonzero(labels != 255)
    chosen = probabilities[labels[rows, columns], rows, columns]  # one for each labelled pixel
    return -np.log(chosen).mean()
