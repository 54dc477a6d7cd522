"""Batches of training pictures, each a function of the seed and its number alone, so any run can be resumed."""

from collections import defaultdict, deque
from collections.abc import Iterator

import cv2
import numpy as np
import torch
from augment import Recipe, sample
from data import Photos
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample
from torch.utils.data import DataLoader, Dataset

# (H, W) of the network's input as the package makes it from webcams, phones and photos, and how often each comes:
# 16:9, 4:3, square, 3:4, 2:3 and 9:16 upright. A batch has one shape.
SHAPES = {
    (192, 336): 0.12,
    (224, 288): 0.36,
    (256, 256): 0.08,
    (288, 224): 0.12,
    (320, 208): 0.27,
    (336, 192): 0.05,
}
# About the same at three quarters, for the first part of a run: twice as many pictures in the same time. Multiples of
# 32, so that nothing is spent on the network's padding.
SMALL_SHAPES = {
    (96, 192): 0.12,
    (128, 192): 0.27,
    (160, 192): 0.23,
    (192, 192): 0.08,
    (192, 128): 0.3,
}
Batch = tuple[Tensor, Tensor, Tensor]


class Batches(Dataset[Batch]):
    """Batch number n of a run: images (N, 3, H, W), targets and trust (N, 1, H, W), uint8.

    size: pictures in a batch. small: the number of batches at the start whose pictures are smaller.
    share: (k, n) makes every n-th picture of a batch from number k on, for process k of n.
    """

    def __init__(
        self, photos: Photos, seed: int, size: int, small: int, recipe: Recipe, share: tuple[int, int] = (0, 1)
    ) -> None:
        self.photos, self.seed, self.size, self.small, self.recipe = photos, seed, size, small, recipe
        self.share = share

    def __getitem__(self, number: int) -> Batch:
        cv2.setNumThreads(1)  # here, for it runs in every worker
        chance = np.random.default_rng([self.seed, number])
        table = SMALL_SHAPES if number < self.small else SHAPES
        shape = list(table)[chance.choice(len(table), p=list(table.values()))]
        first, every = self.share
        made = [sample(rng, self.photos, shape, self.recipe) for rng in chance.spawn(self.size)[first::every]]
        images, targets, trust = (torch.from_numpy(np.stack(part)) for part in zip(*made, strict=True))
        return images.permute(0, 3, 1, 2), targets[:, None], trust[:, None]


def stream(
    batches: Batches, first: int, last: int, workers: int, device: torch.device, again: int = 0
) -> Iterator[Batch]:
    """Batches first to last - 1 in order, made ahead of time by the workers, as float32 on the device.

    again: with each come that many of the last ones of its shape, varied: where making pictures takes longer than
    learning from them, that costs nothing. They are not kept with a run, so one that is resumed begins without them.
    """
    loader = DataLoader(
        batches,
        batch_size=None,
        sampler=range(first, last),
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        pin_memory=device.type == "cuda",
    )
    mean = torch.tensor((0.485, 0.456, 0.406), device=device).view(1, 3, 1, 1) * 255
    std = torch.tensor((0.229, 0.224, 0.225), device=device).view(1, 3, 1, 1) * 255
    seen: defaultdict[torch.Size, deque[Batch]] = defaultdict(lambda: deque(maxlen=again))
    for number, made in enumerate(loader, first):
        images, targets, trust = (x.to(device, non_blocking=True).float() for x in made)
        before = seen[images.shape]
        before.extend([(images, targets, trust)] * (again - len(before)))  # GPUs prepare for each size of batch
        rng = np.random.default_rng([batches.seed, number, 1])
        parts = [(images, targets, trust), *(varied(rng, *batch) for batch in before)]
        before.append(parts[0])
        images, targets, trust = (torch.cat(part) for part in zip(*parts, strict=True))
        images = ((images - mean) / std).contiguous(memory_format=torch.channels_last)
        yield images, targets / 255, trust / 255


def varied(rng: np.random.Generator, images: Tensor, targets: Tensor, trust: Tensor) -> Batch:
    """The same pictures moved, turned, scaled, perhaps mirrored, in another light: float tensors of 0 to 255.

    Where a picture ends it is mirrored, and nothing is believed there.
    """
    count, _, height, width = images.shape
    angle, scale = np.deg2rad(rng.normal(0, 8, count)), np.exp(rng.normal(-0.1, 0.15, count))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * scale  # (2, 2, N)
    turn[0, 1], turn[1, 0] = turn[0, 1] * height / width, turn[1, 0] * width / height  # both sides count as 2 here
    turn[:, 0] *= rng.choice((-1, 1), count)
    where = np.concatenate([turn, rng.uniform(-0.2, 0.2, (2, 1, count))], axis=1).transpose(2, 0, 1)
    grid = affine_grid(torch.from_numpy(where).to(images), list(images.shape), align_corners=False)
    moved = grid_sample(torch.cat([images, targets], 1), grid, padding_mode="reflection", align_corners=False)
    trust = grid_sample(trust, grid, align_corners=False)
    light = rng.uniform(0.6, 1.4, (count, 1, 1, 1)) * np.exp(rng.normal(0, 0.1, (count, 3, 1, 1)))
    return (moved[:, :3] * torch.from_numpy(light).to(images)).clamp(max=255), moved[:, 3:], trust
