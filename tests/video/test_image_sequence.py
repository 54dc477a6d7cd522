"""Transparent effects: a folder of numbered PNG images, and VP9 with alpha."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange
from fake_models import FakeModel, soft_edge
from films import Tone, heard, make_film, noisy, smooth, times
from numpy.typing import NDArray
from PIL import Image

import seglib
from seglib import SourceError, process_video
from seglib.arrays import Frame, Mask
from seglib.video import CutOut, Encoding, VideoReport

pytestmark = [
    pytest.mark.usefixtures("nothing_is_left_running"),
    pytest.mark.filterwarnings("ignore:.*transparent parts"),
]

SmallDisk = Callable[[int], AbstractContextManager[None]]


def run(source: Path, target: Path, effect: object | None = None, **options: object) -> VideoReport:
    quick = {"model": FakeModel(soft_edge), "clean": False, "steady": False, "progress": False}
    return process_video(source, target, effect or CutOut(), **(quick | options))


def images(folder: Path) -> list[NDArray[np.uint8]]:
    """As an editor finds them: numbered from 1 without a gap, and nothing else."""
    names = sorted(os.listdir(folder))
    assert names == [f"{number:06}.png" for number in range(1, len(names) + 1)]
    found = [np.asarray(Image.open(folder / name)) for name in names]
    assert {image.shape[2] for image in found} == {4}
    return found


def with_alpha(path: Path) -> list[NDArray[np.uint8]]:
    """The frames of a WebM by the decoder that reads alpha; FFmpeg's own VP9 decoder drops it."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        decoder = av.CodecContext.create("libvpx-vp9", "r")
        decoder.extradata = stream.codec_context.extradata
        packets = list(container.demux(stream))
        return [
            picture.to_ndarray(format="rgba")
            for packet in packets
            for picture in decoder.decode(packet if packet.size else None)
        ]


class Failing(CutOut):
    """Raises at a frame."""

    def __init__(self, number: int, error: BaseException) -> None:
        self.left, self.error = number, error

    def __call__(self, frame: Frame, mask: Mask) -> Frame:
        if self.left == 0:
            raise self.error
        self.left -= 1
        return super().__call__(frame, mask)


@pytest.mark.parametrize("size", [(96, 128), (95, 127)], ids=["even", "odd"])
def test_a_name_without_an_extension_becomes_a_folder_of_all_frames(tmp_path: Path, size: tuple[int, int]) -> None:
    source = make_film(tmp_path / "in.mkv", 12, draw=lambda n: smooth(n, *size), codec="ffv1", pixels="bgr0")
    target, outputs = tmp_path / "new" / "cut", list[Frame]()

    class Kept(CutOut):
        def __call__(self, frame: Frame, mask: Mask) -> Frame:
            assert not target.exists(), "the folder gets its name when it is complete"
            outputs.append(super().__call__(frame, mask))
            return outputs[-1]

    report = run(source, str(target), Kept())
    np.testing.assert_array_equal(images(target), outputs)
    np.testing.assert_array_equal(outputs[3][..., 3], np.rint(soft_edge(3, *size) * 255))
    assert (report.path, report.frames, report.complete, report.audio) == (target, 12, True, "none")
    assert report.seconds == pytest.approx(0.4)
    assert os.listdir(tmp_path / "new") == ["cut"]


def test_older_images_are_replaced_on_request_only_and_survive_an_error(film: Path, tmp_path: Path) -> None:
    target = tmp_path / "cut"
    target.mkdir()
    assert run(film, target).frames == len(images(target)) == 15, "an empty folder may be there"
    (target / "000016.png").write_bytes(b"older")
    with pytest.raises(FileExistsError, match="16 images; overwrite=True"):
        run(film, target)
    with pytest.raises(ZeroDivisionError):
        run(film, target, Failing(7, ZeroDivisionError()), overwrite=True)
    assert (target / "000016.png").read_bytes() == b"older"
    assert run(film, target, overwrite=True).frames == len(images(target)) == 15
    assert sorted(os.listdir(tmp_path)) == ["cut", "in.mp4"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_that_holds_anything_else_is_never_replaced(film: Path, tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "000001.png").touch()
    (tmp_path / "file").write_text("a file")
    for target, words in {tmp_path: "holds file", tmp_path / "file": "is a file, not a folder"}.items():
        with pytest.raises(FileExistsError, match=words):
            run(film, target, overwrite=overwrite)

    class Busy(CutOut):
        def __call__(self, frame: Frame, mask: Mask) -> Frame:
            (tmp_path / "cut").mkdir(exist_ok=True)
            (tmp_path / "cut" / "thesis.txt").touch()
            return super().__call__(frame, mask)

    with pytest.raises(FileExistsError, match=r"thesis\.txt"):
        run(film, tmp_path / "cut", Busy(), overwrite=overwrite)
    assert os.listdir(tmp_path / "cut") == ["thesis.txt"]
    assert sorted(os.listdir(tmp_path)) == ["000001.png", "cut", "file", "in.mp4"]


@pytest.mark.parametrize("name", ["cut", "cut.webm"])
def test_an_interrupt_leaves_what_is_done_and_an_error_nothing(film: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(ZeroDivisionError):
        run(film, tmp_path / name, Failing(7, ZeroDivisionError()))
    with pytest.raises(KeyboardInterrupt, match="before the first frame"):
        run(film, tmp_path / name, Failing(0, KeyboardInterrupt()))
    assert os.listdir(tmp_path) == ["in.mp4"]
    with pytest.raises(KeyboardInterrupt, match=rf"{name} .* 7 frames, 0\.2 s"):
        run(film, tmp_path / name, Failing(7, KeyboardInterrupt()))
    assert len(images(tmp_path / name) if name == "cut" else with_alpha(tmp_path / name)) == 7


def test_of_a_broken_source_nothing_or_the_frames_before_the_break(tmp_path: Path) -> None:
    source = make_film(tmp_path / "in.mkv", 40, draw=noisy)
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    with pytest.raises(SourceError, match=r"in\.mkv"):
        run(source, tmp_path / "cut")
    assert os.listdir(tmp_path) == ["in.mkv"]
    report = run(source, tmp_path / "cut", keep_broken=True)
    assert not report.complete
    assert 15 < report.frames == len(images(tmp_path / "cut")) < 25


def test_a_full_disk_is_an_os_error_and_leaves_nothing(tmp_path: Path, small_disk: SmallDisk) -> None:
    source = make_film(tmp_path / "in.mp4", 9, draw=noisy)
    with small_disk(3_000), pytest.raises(OSError, match=r"too large: '.*/cut'$"):
        run(source, tmp_path / "cut")
    assert os.listdir(tmp_path) == ["in.mp4"]


@pytest.mark.parametrize("matrix", [1, 6], ids=["BT.709", "BT.601"])
@pytest.mark.parametrize("levels", [ColorRange.MPEG, ColorRange.JPEG], ids=["limited", "full"])
def test_a_webm_has_alpha_colours_times_and_audio(tmp_path: Path, matrix: int, levels: ColorRange) -> None:
    marks = {"colorspace": matrix, "color_primaries": matrix, "color_trc": matrix, "color_range": int(levels)}
    uneven = [0, 40, 45, 200, 233, 266, 300, 900, 910]
    tones = [Tone("libopus", seconds=1)]
    source = make_film(
        tmp_path / "in.mkv", 9, times=uneven, base=Fraction(1, 1000), tones=tones, marks=marks, levels=levels
    )
    report = run(source, tmp_path / "cut.webm", encoding=Encoding(crf=10))
    assert report.audio == "copied"
    assert times(report.path) == pytest.approx([time / 1000 for time in uneven], abs=1e-6)
    assert heard(report.path)[1:] == pytest.approx(heard(source)[1:], abs=0.05)
    with av.open(str(report.path)) as container:
        stream = container.streams.video[0]
        assert stream.metadata["alpha_mode"] == "1", "which tells browsers and editors to look for it"
        assert (int(stream.codec_context.colorspace), int(stream.codec_context.color_range)) == (matrix, int(levels))
    with seglib.open_source(source) as frames:
        for number, (before, after) in enumerate(zip(frames, with_alpha(report.path), strict=True)):
            alpha = np.rint(soft_edge(number) * 255)
            assert np.abs(after[..., 3] - alpha).max() <= 24
            assert np.abs(before[alpha == 255] - after[alpha == 255][..., :3].astype(int)).mean() < 6


@pytest.mark.parametrize("name", ["cut.mp4", "cut.MOV", "cut.avi", "cut.png"])
def test_other_files_have_no_alpha_which_is_told_before_anything_is_loaded(
    film: Path, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ValueError, match=r"transparency.*\.webm.*PNG.*cut$"):
        run(film, tmp_path / name, model="no such model")
    assert os.listdir(tmp_path) == ["in.mp4"]


@pytest.mark.parametrize("encoding", [Encoding(crf=20), Encoding("vp9")])
def test_images_have_no_codec(film: Path, tmp_path: Path, encoding: Encoding) -> None:
    with pytest.raises(ValueError, match="codec and crf"):
        run(film, tmp_path / "cut", encoding=encoding)
    assert os.listdir(tmp_path) == ["in.mp4"]


def test_only_a_transparent_effect_makes_images_and_alpha(film: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.mp4"):
        run(film, tmp_path / "cut", lambda frame, mask: frame)
    with pytest.raises(ValueError, match=r"\(96, 128, 4\).*\(96, 128, 3\)"):
        run(film, tmp_path / "cut.webm", lambda frame, mask: CutOut()(frame, mask))
    report = run(film, tmp_path / "out.webm", lambda frame, mask: frame)
    with av.open(str(report.path)) as container:
        assert "alpha_mode" not in container.streams.video[0].metadata
