"""What process_video writes plays in a notebook's page: decoded by the browser, of the right size, and running."""

from __future__ import annotations

import pytest
from page import OpenNotebook

PROCESS = """
from itertools import islice
from IPython.display import Video
import seglib
with seglib.open_source("clip") as clip, seglib.video.VideoWriter("short.mp4", fps=30) as short:
    for frame in islice(clip, 15):
        short.write(frame)
"""
PLAY = """
report = seglib.process_video("short.mp4", "{name}", seglib.Blur(), progress=False, overwrite=True)
Video("{name}", width=400)
"""
STATE = """(number) => {
    const video = document.querySelectorAll('.jp-Notebook video')[number];
    return [video.videoWidth, video.videoHeight, video.currentTime, video.error?.message ?? ''];
}"""


def test_h264_and_vp9_play_inline(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(PROCESS, PLAY.format(name="a.mp4"), PLAY.format(name="a.webm"))
    if not notebook.page.evaluate("document.createElement('video').canPlayType('video/mp4; codecs=avc1.42E01E')"):
        pytest.skip("this build of Chromium has no H.264; your system's chromium package has")
    notebook.run_all()
    for number in (0, 1):
        video = notebook.page.locator(".jp-Notebook video").nth(number)
        video.evaluate("video => { video.muted = true; video.loop = true; return video.play(); }")
        notebook.page.wait_for_function(
            f"() => document.querySelectorAll('.jp-Notebook video')[{number}].currentTime > 0.1"
        )
        width, height, _, error = notebook.page.evaluate(STATE, number)
        assert (width, height, error) == (640, 480, "")
        assert notebook.ask("report.frames") == 15
    assert notebook.errors == []
