"""The panes of a result as one picture, read back by Pillow."""

import io

import numpy as np
import pytest
from live_fakes import SHAPE
from PIL import Image

import seglib
from seglib.live.jpeg import encode_jpeg, lay_out
from seglib.pipeline import Result


def test_the_jpeg_shows_the_panes_in_their_order_and_colours() -> None:
    red = np.full(SHAPE, (200, 20, 40), np.uint8)
    result = Result(red, np.ones(SHAPE[:2], np.float32), red[..., ::-1].copy(), np.full(SHAPE[:2], 15, np.uint8))
    jpeg = encode_jpeg(lay_out(result, ("input", "result", "mask", "labels")))
    with Image.open(io.BytesIO(jpeg)) as image:
        seen = np.asarray(image.convert("RGB")).astype(int)
    assert seen.shape == (96, 128, 3)
    colours = {
        (20, 30): (200, 20, 40),
        (20, 94): (40, 20, 200),
        (70, 30): (255, 255, 255),
        (70, 94): tuple(seglib.CLASS_COLOURS[15]),
    }
    for place, colour in colours.items():
        assert np.abs(seen[place] - colour).max() < 12


@pytest.mark.parametrize(
    ("panes", "width", "shape"),
    [
        (("result",), None, (480, 640, 3)),
        (("result",), 320, (240, 320, 3)),
        (("result", "mask"), 400, (150, 400, 3)),
        (("result",), 2000, (480, 640, 3)),
        (("result", "input", "mask"), None, (480, 1920, 3)),
    ],
)
def test_no_more_pixels_are_sent_than_the_page_shows(
    panes: tuple[str, ...], width: int | None, shape: tuple[int, ...]
) -> None:
    frame = np.zeros((480, 640, 3), np.uint8)
    assert lay_out(Result(frame, np.zeros((480, 640), np.float32), frame), panes, width).shape == shape
