"""Every number of a run."""

from dataclasses import dataclass

Shape = tuple[int, int]  # height, width


@dataclass(frozen=True)
class Stage:
    """A part of a run, from one warm restart of the learning rate to the next (Loshchilov and Hutter, 2017)."""

    steps: int  # of the optimiser
    horizon: int  # steps in which a cosine takes the learning rate to zero; the stage may end before
    warmup: int = 1  # steps until the largest rate
    cooldown: int = 1  # steps at the end in which the rate falls to zero linearly (Hägele et al., 2024)
    small_steps: int = 0  # for so many steps pictures have the small sizes (progressive resizing)
    scale: tuple[float, float] = (1.0, 1.0)  # clothing: the smallest and largest size of a photo, as a factor
    portraits: float = 0.0  # clothing: chance of a portrait, whose pixels are background or one of UPPER_CLASSES
    class_dice: float = 0.0  # clothing: weight of the Dice loss of the classes
    frozen: int = 0  # clothing: so many blocks of the backbone, from the first, stay as they are
    partial: float = 0.0  # portrait: chance that a person is seen in part, as through a window anywhere on them
    restart: bool = False  # begins with the averaged weights and a new optimiser
    blend: float = (
        0.0  # share of the weights that a restart began with in those that are exported (Wortsman et al., 2022)
    )


@dataclass(frozen=True)
class Recipe:
    """What a run does: everything but the data folder and the run's folder. Chances are probabilities in [0, 1]."""

    stages: tuple[Stage, ...]
    batch: int  # pictures in each
    rate: float  # the largest learning rate of AdamW
    shapes: tuple[Shape, ...]  # sizes of a batch's pictures, each as often as it is listed
    small_shapes: tuple[Shape, ...] = ()  # the same in small steps
    start_rate: float = 0.5  # what the weights that the run starts from get of the rate
    decay: float = 0.02  # weight decay
    clip: float = 5.0  # largest length of the gradient
    average: float = 0.998  # decay of the averaged weights
    seed: int = 1  # of everything random

    # Pictures. The groups are labelled street photos, the other street photos, portraits, webcam frames.
    groups: tuple[float, float, float, float] = (0.44, 0.18, 0.28, 0.1)  # how often a person comes from each
    own: float = 0.4  # chance that people keep their own background
    empty: float = 0.06  # chance that there is nobody; else people stand in a room
    close: float = 0.65  # chance that a standing person is seen from head to chest; clothing: that a head is looked at
    several: float = 0.18  # chance of a second person in a room, and of a third after that
    things: float = 1.6  # mean number of chairs, screens, lamps behind and beside people
    before: float = 0.06  # chance of a thing in front of people
    backlit: float = 0.3  # chance that people in a room have a light of their own
    light: float = 0.75  # chance that the light of the picture is changed
    camera: float = 0.6  # chance that the camera blurs, makes noise and compresses

    # Losses, and what becomes of the answer.
    edge: float = 3.0  # how much more a pixel within two pixels of an outline counts
    dice: float = 0.5  # portrait: weight of the Dice loss
    coarse: float = 0.3  # weight of the coarse output's loss
    sharpness: float = 2.0  # portrait: the exported logits are multiplied by it: opacity is surer than probability
    class_weight: float = 0.35  # clothing: classes count by their frequency to the power of minus this
    upper: float = 0.5  # clothing: weight of what is known of portraits
    accessory: float = 2.0  # clothing: is taken off the exported logit of accessory, which portraits make too likely
    border: int = 1  # clothing: pixels on each side of where two classes meet that are ignored

    @property
    def steps(self) -> int:
        """Steps of all stages."""
        return sum(stage.steps for stage in self.stages)

    def stage(self, step: int) -> tuple[Stage, int]:
        """The stage of a step, and the number of the step in it; the last one after the run's end."""
        for stage in self.stages:
            if step < stage.steps:
                break
            step -= stage.steps
        else:
            step += stage.steps
        return stage, step


RECIPES = {
    "portrait": Recipe(
        stages=(
            Stage(3150, horizon=4400, warmup=100, cooldown=600, small_steps=2000),
            Stage(12_000, horizon=12_000, warmup=100, cooldown=600, small_steps=3000),
            Stage(
                8000, horizon=8000, warmup=200, cooldown=600, small_steps=2000, partial=0.35, restart=True, blend=0.5
            ),
        ),
        batch=16,
        rate=1.5e-3,
        shapes=((192, 256),) * 4 + ((160, 288), (288, 192), (288, 192)),
        small_shapes=((128, 160),) * 4 + ((96, 192), (192, 128), (192, 128)),
    ),
    "clothing": Recipe(
        stages=(
            Stage(1200, horizon=1200, warmup=50, small_steps=1200, scale=(0.65, 2.2)),
            Stage(300, horizon=1200, cooldown=250, small_steps=300, scale=(0.65, 4.0)),  # faces that fill the frame
            Stage(
                2250,
                horizon=2500,
                warmup=50,
                cooldown=200,
                scale=(0.8, 4.5),
                portraits=0.25,
                class_dice=0.5,
                frozen=4,
                restart=True,
            ),
        ),
        batch=12,
        rate=1e-3,
        shapes=((256, 256), (320, 256), (384, 224)),
        small_shapes=((256, 256), (320, 192)),
        average=0.995,
        close=0.35,
    ),
}
