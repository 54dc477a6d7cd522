"""The two things that are trained: what their pictures, loss and validation are."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from training.augment import Random, photographed, placement, relit, warp
from training.compose import Sources, open_sources, put, room, sample
from training.data import SURE, Bytes, clothing_photos, masked_portraits, portrait_training
from training.evaluate import class_iou, clothing_counts, find, iou, portrait_sets
from training.losses import IGNORED, UPPER, clothing_loss, portrait_loss
from training.package import CLASS_NAMES, NETWORKS
from training.recipe import RECIPES, Recipe, Shape
from training.start import start_clothing, start_portrait

VALIDATE_EACH = 2  # of so many photos one is judged during a run; the report takes all
HAIR = CLASS_NAMES.index("hair")
PORTRAIT_SCALE = (0.5, 1.3)  # the smallest and largest size of a portrait of 512 pixels, as a factor
INDOORS = 0.35  # probability that the person of a clothing picture stands in a room


@dataclass
class Task:
    """A network to train, "portrait" or "clothing", and its data folder."""

    name: str
    data: Path

    def __post_init__(self) -> None:
        self.recipe: Recipe = RECIPES[self.name]
        self.package = NETWORKS[self.name]

    def sources(self) -> Sources:
        """Read the training photos, and what stands behind people."""
        if self.name == "portrait":
            return open_sources(self.data, portrait_training(self.data))
        return open_sources(self.data, clothing_photos(self.data) + masked_portraits(self.data))

    def start(self, network: nn.Module) -> list[nn.Parameter]:
        """Fill the part of the network that was trained on something else; returns its parameters."""
        return (start_portrait if self.name == "portrait" else start_clothing)(network, self.data)

    def picture(self, rng: Random, sources: Sources, shape: Shape, step: int) -> tuple[Bytes, Bytes, Bytes]:
        """A training picture of a step, (H, W, 3), its target and its trust, both (H, W)."""
        if self.name == "portrait":
            return sample(rng, sources, shape, self.recipe, self.recipe.stage(step)[0].partial)
        stage, _ = self.recipe.stage(step)
        if stage.portraits and rng.random() < stage.portraits:
            image, target = upper_picture(rng, sources, shape)
        else:
            image, target = clothing_picture(rng, sources, shape, self.recipe, stage.scale)
        if rng.random() < self.recipe.light:
            image = relit(rng, image)
        if rng.random() < self.recipe.camera:
            image = photographed(rng, image)
        return image, target, np.full_like(target, 255)

    def loss(self, outputs: dict[str, Tensor], target: Tensor, trust: Tensor, weights: Tensor, step: int) -> Tensor:
        """A scalar, of a step. target and trust: (N, H, W) uint8; weights: of the classes."""
        if self.name == "clothing":
            return clothing_loss(
                outputs, target.long(), weights, self.recipe.stage(step)[0].class_dice, self.recipe.upper
            )
        opacity, believed = (part[:, None].float() / 255 for part in (target, trust))
        return portrait_loss(outputs, opacity, believed, self.recipe)

    def class_weights(self, sources: Sources) -> Tensor:
        """What each class counts in the loss: the rarer, the more; their mean is 1. One number for ``portrait``."""
        if self.name == "portrait":
            return torch.ones(1)
        counts = np.zeros(len(CLASS_NAMES))
        for photo in sources.groups[0]:
            counts += np.bincount(photo.target.ravel(), minlength=len(CLASS_NAMES))
        weights = np.maximum(counts, 1) ** -self.recipe.class_weight
        return torch.tensor(weights / weights.mean(), dtype=torch.float32)

    def adjusted(self, state: dict[str, Tensor], weights: Tensor) -> dict[str, Tensor]:
        """The network's state as it ships.

        ``clothing``: the class weights of the loss are taken out of the last bias (Menon et al., 2021), and what the
        recipe says of accessory. ``portrait``: the logits are multiplied by the recipe's sharpness.
        """
        if self.name == "clothing":
            surplus = weights.log()
            surplus[CLASS_NAMES.index("accessory")] += self.recipe.accessory
            return {**state, "classifier.4.bias": state["classifier.4.bias"] - surplus}
        return {name: x * self.recipe.sharpness if name.startswith("last.") else x for name, x in state.items()}

    def validate(self, network: nn.Module) -> dict[str, float]:
        """The scores on a part of the validation sets, by name."""
        if self.name == "clothing":
            photos = clothing_photos(self.data, validation=True)[::VALIDATE_EACH]
            counts = np.sum([clothing_counts(network, photo) for photo in photos], axis=0)
            return {"mean": float(np.nanmean(class_iou(counts)))}
        sets = {name: photos[::VALIDATE_EACH] for name, photos in portrait_sets(self.data).items()}
        return {name: float(np.mean([iou(find(network, p.image), p.target) for p in sets[name]])) for name in sets}


def clothing_picture(
    rng: Random, sources: Sources, shape: Shape, recipe: Recipe, scale: tuple[float, float]
) -> tuple[Bytes, Bytes]:
    """A labelled photo, moved, scaled, now and then in a room; (H, W, 3) and class numbers, (H, W)."""
    photo = sources.groups[0][rng.integers(len(sources.groups[0]))]
    looked_at = photo.target == HAIR if rng.random() < recipe.close else photo.target > 0
    person = np.argwhere(looked_at)
    middle = person[rng.integers(len(person))] if len(person) else np.array(photo.target.shape) / 2
    at = (rng.uniform(0.25, 0.75) * shape[1], rng.uniform(0.25, 0.75) * shape[0])
    matrix = placement(rng, (middle[1], middle[0]), at, float(np.exp(rng.uniform(*np.log(scale)))))
    image, classes = warp(photo.image, matrix, shape), bordered(photo.target, recipe.border)
    target = cv2.warpAffine(classes, matrix, shape[::-1], flags=cv2.INTER_NEAREST, borderValue=IGNORED)
    if rng.random() < INDOORS:
        alpha = warp((photo.target > 0) * np.uint8(255), matrix, shape)
        cut_out, image = image, room(rng, sources, shape)
        put(image, (cut_out, alpha))
        target[(target == IGNORED) & (alpha == 0)] = 0
    return image, np.asarray(target, np.uint8)


def upper_picture(rng: Random, sources: Sources, shape: Shape) -> tuple[Bytes, Bytes]:
    """A portrait, moved and scaled; (H, W, 3), and UPPER, background, or IGNORED where its mask is unsure."""
    portraits = sources.groups[2]
    photo = portraits[rng.integers(len(portraits))]
    person = np.argwhere(photo.target > 127)
    y, x = person[rng.integers(len(person))]
    at = (rng.uniform(0.25, 0.75) * shape[1], rng.uniform(0.25, 0.75) * shape[0])
    matrix = placement(rng, (x, y), at, float(np.exp(rng.uniform(*np.log(PORTRAIT_SCALE)))))
    image, mask = (warp(part, matrix, shape) for part in (photo.image, photo.target))
    inside = warp(photo.trust, matrix, shape) == 255
    target = np.full(shape, IGNORED, np.uint8)
    target[inside & (mask < 255 * (1 - SURE))] = 0
    target[inside & (mask > 255 * SURE)] = UPPER
    return image, target


def bordered(classes: Bytes, width: int) -> Bytes:
    """The class numbers, IGNORED within ``width`` pixels of where two classes meet: there the labels are in doubt."""
    kernel = np.ones((2 * width + 1,) * 2, np.uint8)
    differ = cv2.dilate(classes, kernel) != cv2.erode(classes, kernel)
    return np.where(differ, IGNORED, classes).astype(np.uint8)
