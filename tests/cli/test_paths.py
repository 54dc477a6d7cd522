"""Which file becomes which."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from seglib.cli.batch import BatchOptions
from seglib.cli.paths import plan
from seglib.errors import UsageError


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("there", "in/deeper", "empty", "sub"):
        Path(folder).mkdir(parents=True)
    inside = ("in/b.mp4", "in/a.MKV", "in/notes.txt", "in/.hidden.mp4", "in/b.unfinished.mp4", "in/deeper/c.mp4")
    for name in ("talk.mp4", "talk.mkv", "talk.v2.mp4", "c.avi", "d.webm", "e.mov", "f.m4v", "sub/TALK.mp4", *inside):
        Path(name).touch()
    Image.new("RGB", (4, 4)).save("photo.jpg")
    Image.new("RGB", (4, 4)).save("g.bmp")


BLUR, CUT = BatchOptions(), BatchOptions("cutout")


@pytest.mark.parametrize(
    ("sources", "target", "options", "outputs"),
    [
        ("talk.mp4", "a.mp4", BLUR, "a.mp4"),
        ("talk.mp4", "there", BLUR, "there/talk.mp4"),
        ("talk.mp4", "new/", BLUR, "new/talk.mp4"),
        ("talk.mp4 talk.v2.mp4", "out", BLUR, "out/talk.mp4 out/talk.v2.mp4"),
        (
            "talk.mkv c.avi d.webm e.mov f.m4v photo.jpg g.bmp",
            "out",
            BLUR,
            "out/talk.mp4 out/c.mp4 out/d.webm out/e.mov out/f.m4v out/photo.jpg out/g.png",
        ),
        ("talk.mp4 c.avi", "out", BatchOptions(codec="vp9"), "out/talk.webm out/c.webm"),
        ("d.webm", "out/", BatchOptions(codec="h264"), "out/d.mp4"),
        ("photo.jpg", "out/", BatchOptions("mask"), "out/photo.png"),
        ("talk.mp4 photo.jpg", "out", CUT, "out/talk.webm out/photo.png"),
        ("talk.mp4", "pictures", CUT, "pictures"),
        ("talk.mp4 talk.v2.mp4", "out", BatchOptions("cutout", codec="png"), "out/talk out/talk_v2"),
        ("in", "out", BLUR, "out/a.mp4 out/b.mp4"),
        ("in talk.mp4", "in/deeper", BLUR, "in/deeper/a.mp4 in/deeper/b.mp4 in/deeper/talk.mp4"),
    ],
)
def test_sources_become_outputs(sources: str, target: str, options: BatchOptions, outputs: str) -> None:
    tasks = plan(sources.split(), target, options, force=True)
    assert [task.dst for task in tasks] == [Path(name).absolute() for name in outputs.split()]
    assert all(task.src.is_absolute() and task.options is options and task.overwrite for task in tasks)


@pytest.mark.parametrize(
    ("sources", "target", "options", "words"),
    [
        ("talk.mp4 talk.mkv", "out/", BLUR, "would both become"),
        ("talk.mp4 sub/TALK.mp4", "out/", BLUR, "would both become"),
        ("talk.mp4 photo.jpg", "out.mp4", BLUR, "several files; name a folder"),
        ("sub", "out.mp4", BLUR, "several files; name a folder"),
        ("empty", "out/", BLUR, "holds no video"),
        ("talk.mp4", "out", BLUR, "name a folder"),
        ("talk.mp4", "out.avi", BLUR, "name a folder"),
        ("talk.mp4", "talk.mp4", BLUR, "one of the sources"),
        ("talk.mp4", ".", BLUR, "one of the sources"),
        ("talk.mp4", "out.mp4", BatchOptions(codec="vp9"), "vp9"),
        ("talk.mp4", "out.mp4", BatchOptions(crf=99), "51"),
        ("talk.mp4", "out.webm", BatchOptions(crf=-1), "63"),
        ("talk.mp4", "out.mp4", CUT, "folder"),
        ("talk.mp4", "out", BatchOptions("cutout", crf=20), "crf"),
        ("talk.mp4", "out.webm", BatchOptions("cutout", codec="png"), "png"),
    ],
)
def test_names_that_do_not_go_together(sources: str, target: str, options: BatchOptions, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        plan(sources.split(), target, options)
    assert (options.crf is None) or ("such as out/" not in str(caught.value)), "a folder would not change that"
