"""Every number of a run."""

from dataclasses import dataclass

Shape = tuple[int, int]  # height, width


@dataclass(frozen=True)
class Recipe:
    """What a run does: everything but the data folder and the run's folder.

    Attributes
    ----------
    steps, batch
        Optimiser steps, and pictures in each.
    rate, start_rate
        Largest learning rate of AdamW; what the weights that the run starts from get of it, a factor.
    warmup, decay, clip, average
        Steps until the largest rate; weight decay; largest length of the gradient; decay of the averaged weights.
    seed
        Of everything random.
    shapes, small_shapes, small_steps
        Sizes of a batch's pictures, (height, width), each as often as it is listed; smaller ones for so many steps at
        the start, when most is learned from little (progressive resizing).
    own
        Probability that people keep their own background; without people: ``empty``. The others stand in a room.
    groups
        How often a picture is made of a labelled street photo, of another, of a portrait, of a webcam frame.
    close
        Probability that a standing person is framed as before a webcam, from head to chest; that a clothing picture
        shows a head.
    several
        Probability of a second person in a room, and of a third after that.
    things
        Mean number of things (chairs, screens, lamps) behind and beside people.
    before
        Probability of a thing in front of people.
    backlit
        Probability that people in a room have a light of their own.
    light, camera
        Probability that the light is changed; that the camera blurs, makes noise and compresses.
    edge
        How much more a pixel within two pixels of an outline counts.
    dice, coarse
        Weights of the Dice loss and of the loss of the coarse output.
    class_weight
        ``clothing``: classes are weighted by their frequency to the power of minus this.
    border
        ``clothing``: width in pixels of what is ignored where two classes meet.
    scale
        ``clothing``: the smallest and the largest size of a photo, as a factor.
    """

    steps: int
    batch: int
    rate: float
    start_rate: float
    shapes: tuple[Shape, ...]
    small_shapes: tuple[Shape, ...] = ()
    small_steps: int = 0
    warmup: int = 100
    decay: float = 0.02
    clip: float = 5.0
    average: float = 0.998
    seed: int = 1
    own: float = 0.4
    empty: float = 0.06
    groups: tuple[float, float, float, float] = (0.44, 0.18, 0.28, 0.1)
    close: float = 0.65
    several: float = 0.18
    things: float = 1.6
    before: float = 0.06
    backlit: float = 0.3
    light: float = 0.75
    camera: float = 0.6
    edge: float = 3.0
    dice: float = 0.5
    coarse: float = 0.3
    class_weight: float = 0.35
    border: int = 1
    scale: tuple[float, float] = (0.65, 2.2)


RECIPES = {
    "portrait": Recipe(
        steps=4400,
        batch=16,
        rate=1.5e-3,
        start_rate=0.5,
        shapes=((192, 256),) * 4 + ((160, 288), (288, 192), (288, 192)),
        small_shapes=((128, 160),) * 4 + ((96, 192), (192, 128), (192, 128)),
        small_steps=2600,
    ),
    "clothing": Recipe(
        steps=1200,
        batch=12,
        rate=1e-3,
        start_rate=0.5,
        warmup=50,
        close=0.35,
        average=0.995,
        shapes=((256, 256), (320, 192)),
    ),
}
