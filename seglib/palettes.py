"""Labels and masks as images: palettes of class numbers, outlines, grey."""

import numpy as np
from numpy.typing import NDArray

from seglib.arrays import Frame, Labels, Mask, check_labels


def _voc_colours() -> NDArray[np.uint8]:
    """Compute the VOC palette, (256, 3): the bits of the class number, dealt to the channels, lowest bit first."""
    numbers = np.arange(256)
    colours = np.zeros((256, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            colours[:, channel] |= ((numbers >> (3 * bit + channel) & 1) << (7 - bit)).astype(np.uint8)
    return colours


# The palette of the VOC development kit (Everingham et al., 2010), in which most papers show their labels.
VOC_COLOURS = _voc_colours()
_VOID = 255  # VOC's number for "undecided"

# In VOC's palette many classes look alike to people with colour blindness, and some are nearly black. Here any two of
# the first 21 differ for everybody, and all but the background stand out from black. The first eight are Okabe and
# Ito's (2008), with white in place of black.
CLASS_COLOURS = VOC_COLOURS.copy()
CLASS_COLOURS[:21] = np.frombuffer(
    bytes.fromhex(
        "000000 e69f00 56b4e9 009e73 f0e442 0072b2 d55e00 cc79a7 ffffff 22eeff 88bb77"
        "6600ff 994433 cc0099 aa6644 8877ff bbff99 446677 bbddaa 777777 bbbbbb"
    ),
    np.uint8,
).reshape(21, 3)
CLASS_COLOURS[_VOID] = 96


def colour_labels(labels: Labels, colours: NDArray[np.uint8] = CLASS_COLOURS) -> Frame:
    """Return labels as an image in colour.

    Parameters
    ----------
    labels
        Class numbers, (H, W) integers from 0 to 255.
    colours
        A palette, (256, 3) uint8. The default can be told apart with colour blindness; ``VOC_COLOURS`` is the one
        that papers use.

    Returns
    -------
    Frame
        (H, W, 3) uint8.

    Examples
    --------
    >>> seglib.colour_labels(np.array([[0, 15]])).tolist()
    [[[0, 0, 0], [136, 119, 255]]]
    """
    return np.asarray(colours[check_labels(labels)], np.uint8)


def outlines(labels: Labels) -> NDArray[np.bool_]:
    """Where the class of a pixel differs from that of its right or lower neighbour."""
    outline = np.zeros(labels.shape, bool)
    outline[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    outline[:-1] |= labels[:-1] != labels[1:]
    return outline


def mask_to_frame(mask: Mask) -> Frame:
    """Return a mask, (H, W) float32, as a grey image, (H, W, 3) uint8: white where it is 1, black where it is 0."""
    import cv2

    grey = cv2.convertScaleAbs(mask, alpha=255)  # rounds
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)
