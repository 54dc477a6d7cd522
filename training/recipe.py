"""How often what happens in a training picture."""

from dataclasses import dataclass


@dataclass
class Recipe:
    """How often what happens; for ablations, each can be switched off with 0."""

    pasted: float = 0.46  # people over another background
    empty: float = 0.06  # nobody
    close: float = 0.6  # head and shoulders rather than half or whole body
    taken: float = 0.6  # of the photos with their own background in upright pictures: framed as they were taken
    far: float = 0.2  # of the pasted: one to five people far away
    several: float = 0.25  # of the pasted: two or three people; of those far away twice as many: two to five
    surfaced: float = 0.3  # of the other backgrounds: rooms of photographed surfaces, where there are some
    drawn: float = 0.5  # of the rest: drawn rather than from a photo
    hidden: float = 0.15  # something in front of the person
    cluttered: float = 0.25  # of the other backgrounds: with odd shapes; a tenth as often in front of everything
    # Of the other backgrounds: with photographed things; of the pasted: with tiny ones on them; half as often behind
    # people in their own photo, a tenth as often in front of everything.
    objects: float = 0.3
    dressed: float = 0.4  # of the pasted: in other clothes, stripes, a collar, a hat; more often without a face
    rimmed: float = 0.25  # of the pasted: with a bright or coloured band along their outline, inside
    # Of the pasted whose face is seen: with things behind in the colours of their clothes, at their outline.
    alike: float = 0.25
    backlit: float = 0.12  # of the pasted: much darker than what is behind them
    good: float = 0.3  # taken with a good camera in good light
