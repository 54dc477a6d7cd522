"""seglib.cutout and where process_video writes it: RGBA pictures and VP9 with alpha, read back by others."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace
from films import Picture, Tone, heard, make_film, noisy, smooth, times
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

import seglib
from seglib import CutOut, SourceError, VideoReport, process_video, write_image
from seglib.arrays import Frame, Mask

pytestmark = pytest.mark.usefixtures("nothing_is_left_running")


class Sweep:
    """Stands in for a model: keeps a part of every frame that grows from left to right, with a soft edge."""

    batch = 1

    def __init__(self) -> None:
        self.count = 0

    def masks(self, frames: list[Frame], keep: object, size: object = None) -> np.ndarray:
        masks = [sweep(self.count + number, *frame.shape[:2]) for number, frame in enumerate(frames)]
        self.count += len(frames)
        return np.stack(masks)


def sweep(number: int, height: int = 96, width: int = 128) -> Mask:
    edge = 40 + 5 * number
    return np.tile(np.clip((edge - np.arange(width)) / 16, 0, 1).astype(np.float32), (height, 1))


def run(source: Path, target: Path, effect: object | None = None, **options: object) -> VideoReport:
    quick = {"model": Sweep(), "clean": False, "steady": False, "progress": False}
    return process_video(source, target, effect or CutOut(), **(quick | options))


def pictures(folder: Path) -> list[NDArray[np.uint8]]:
    """As an editor finds them: numbered from 1 without a gap, and nothing else."""
    names = sorted(os.listdir(folder))
    assert names == [f"{number:06}.png" for number in range(1, len(names) + 1)]
    found = []
    for name in names:
        with Image.open(folder / name) as image:
            assert image.mode == "RGBA"
            found.append(np.asarray(image))
    return found


def with_alpha(path: Path) -> list[NDArray[np.uint8]]:
    """The pictures of a WebM by the decoder that reads alpha; FFmpeg's own VP9 decoder drops it."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        decoder = av.CodecContext.create("libvpx-vp9", "r")
        decoder.extradata = stream.codec_context.extradata
        found = []
        for packet in container.demux(stream):
            for picture in decoder.decode(packet if packet.size else None):
                assert picture.format.name == "yuva420p"
                found.append(picture.to_ndarray(format="rgba"))
    return found


# ---- the effect --------------------------------------------------------------------------------------------


def test_the_person_keeps_every_colour_and_alpha_is_the_mask() -> None:
    frame, mask = seglib.sample_frame(), seglib.sample_mask()
    before = frame.copy(), mask.copy()
    output = CutOut()(frame, mask)
    assert output.shape == (480, 640, 4)
    assert output.dtype == np.uint8
    np.testing.assert_array_equal(output[..., 3], np.rint(mask * 255))
    np.testing.assert_array_equal(output[mask == 1][:, :3], frame[mask == 1])
    np.testing.assert_array_equal(frame, before[0])
    np.testing.assert_array_equal(mask, before[1])


def disc(soft: float) -> Mask:
    y, x = np.mgrid[:360, :480]
    return np.clip((110 - np.hypot(y - 180, x - 240)) / soft + 0.5, 0, 1).astype(np.float32)


@pytest.mark.parametrize("soft", [3, 6, 12])
def test_no_rim_of_the_room_is_seen_on_a_new_background(soft: float) -> None:
    """A person and a room of known colours: what should be seen on blue is known, too."""
    mask = disc(soft)
    person = Image.fromarray((smooth(0, 360, 480) // 3 + np.uint8([140, 60, 0])).astype(np.uint8))
    room = Image.fromarray((smooth(9, 360, 480) // 3 + np.uint8([0, 140, 140])).astype(np.uint8))
    stencil = Image.fromarray(np.rint(mask * 255).astype(np.uint8))
    blue = Image.new("RGB", (480, 360), "blue")
    frame = np.asarray(Image.composite(person, room, stencil))
    expected = np.asarray(Image.composite(person, blue, stencil)).astype(int)

    def error(output: NDArray[np.uint8]) -> float:
        seen = Image.alpha_composite(blue.convert("RGBA"), Image.fromarray(output)).convert("RGB")
        return float(np.abs(np.asarray(seen) - expected)[(mask > 0) & (mask < 1)].mean())

    naive = np.dstack([frame, np.asarray(stencil)])
    assert error(naive) > 12
    assert error(CutOut()(frame, mask)) < 0.25 * error(naive)


def test_nothing_of_the_room_is_left_under_the_transparency() -> None:
    """Who ignores alpha, as some players do, still does not see the room."""
    mask = disc(4)
    first, second = noisy(0, 360, 480), noisy(1, 360, 480)
    second[mask > 0] = first[mask > 0]
    outputs = [CutOut()(frame, mask) for frame in (first, second)]
    np.testing.assert_array_equal(outputs[0][mask == 0], outputs[1][mask == 0])
    far = np.hypot(*(np.mgrid[:360, :480] - np.array([180, 240])[:, None, None])) > 140
    assert not outputs[0][far].any()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([bool, np.float32, np.float64]), st.integers(0, 3))
def test_every_size_and_kind_of_mask(height: int, width: int, dtype: type, seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    mask = [np.zeros, np.ones][seed]((height, width)) if seed < 2 else rng.random((height, width))
    mask = (mask > 0.5) if dtype is bool else mask.astype(dtype)
    output = CutOut()(frame, mask)
    np.testing.assert_array_equal(output[..., 3], np.rint(mask.astype(np.float32) * 255))
    np.testing.assert_array_equal(output[output[..., 3] == 255][:, :3], frame[output[..., 3] == 255])
    if seed == 0:
        assert not output.any()


def test_frames_and_masks_that_are_none_are_refused() -> None:
    frame = smooth(0)
    with pytest.raises(ValueError, match="^frame is"):
        CutOut()(frame / 255, sweep(0))
    with pytest.raises(ValueError, match=r"\(95, 128\).*\(96, 128"):
        CutOut()(frame, sweep(0, 95))
    with pytest.raises(ValueError, match="NaN"):
        CutOut()(frame, sweep(0) * np.nan)


def test_it_can_be_pickled() -> None:
    copy = pickle.loads(pickle.dumps(CutOut()))
    assert copy.transparent
    np.testing.assert_array_equal(copy(smooth(0), sweep(3)), CutOut()(smooth(0), sweep(3)))


def test_a_cut_out_frame_is_written_as_png_and_as_nothing_else(tmp_path: Path) -> None:
    output = CutOut()(smooth(0), sweep(3))
    with Image.open(write_image(tmp_path / "p.png", output)) as image:
        assert image.mode == "RGBA"
        np.testing.assert_array_equal(np.asarray(image), output)
    with pytest.raises(ValueError, match="alpha"):
        write_image(tmp_path / "p.jpg", output)


# ---- a folder of pictures ----------------------------------------------------------------------------------


class Kept(CutOut):
    """Remembers what it returned, and what it saw at the target while it worked."""

    def __init__(self, target: Path) -> None:
        self.target, self.outputs, self.there = target, [], set()

    def __call__(self, frame: Frame, mask: Mask) -> Frame:
        self.there.add(self.target.exists())
        self.outputs.append(super().__call__(frame, mask))
        return self.outputs[-1]


@pytest.mark.parametrize("size", [(96, 128), (95, 127)], ids=["even", "odd"])
def test_a_name_without_an_ending_becomes_a_folder_of_all_frames(tmp_path: Path, size: tuple[int, int]) -> None:
    source = make_film(tmp_path / "in.mkv", 12, draw=lambda n: smooth(n, *size), codec="ffv1", pixels="bgr0")
    effect = Kept(tmp_path / "new" / "cut")
    report = run(source, str(effect.target), effect)
    found = pictures(effect.target)
    assert len(found) == 12
    np.testing.assert_array_equal(found, effect.outputs)
    for number, picture in enumerate(found):
        np.testing.assert_array_equal(picture[..., 3], np.rint(sweep(number, *size) * 255))
    assert effect.there == {False}, "the folder gets its name when it is complete"
    assert (report.path, report.frames, report.complete, report.audio) == (effect.target, 12, True, "none")
    assert report.seconds == pytest.approx(0.4)
    assert os.listdir(tmp_path / "new") == ["cut"]


def test_an_empty_folder_may_be_there(film: Path, tmp_path: Path) -> None:
    (tmp_path / "cut").mkdir()
    assert run(film, tmp_path / "cut").frames == len(pictures(tmp_path / "cut")) == 15


def test_older_pictures_are_replaced_on_request_only_and_survive_an_error(film: Path, tmp_path: Path) -> None:
    target = tmp_path / "cut"
    target.mkdir()
    for number in range(1, 31):
        (target / f"{number:06}.png").write_bytes(b"an older picture")
    with pytest.raises(FileExistsError, match="30 pictures; overwrite=True"):
        run(film, target)
    with pytest.raises(ZeroDivisionError):
        run(film, target, failing_at(7, ZeroDivisionError()), overwrite=True)
    assert {path.read_bytes() for path in target.iterdir()} == {b"an older picture"}
    assert run(film, target, overwrite=True).frames == len(pictures(target)) == 15
    assert sorted(os.listdir(tmp_path)) == ["cut", "in.mp4"]


def failing_at(number: int, error: BaseException) -> CutOut:
    class Failing(CutOut):
        count = 0

        def __call__(self, frame: Frame, mask: Mask) -> Frame:
            self.count += 1
            if self.count > number:
                raise error
            return super().__call__(frame, mask)

    return Failing()


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_that_holds_anything_else_is_never_replaced(film: Path, tmp_path: Path, overwrite: bool) -> None:
    """The source itself among it."""
    (tmp_path / "000001.png").touch()
    (tmp_path / "thesis").mkdir()
    (tmp_path / "file").write_text("a file")
    for target, words in {tmp_path: "holds file, which is no", tmp_path / "file": "is a file, not a folder"}.items():
        with pytest.raises(FileExistsError, match=words):
            run(film, target, overwrite=overwrite)
    assert sorted(os.listdir(tmp_path)) == ["000001.png", "file", "in.mp4", "thesis"]


def test_what_somebody_put_there_meanwhile_is_not_lost(film: Path, tmp_path: Path) -> None:
    class Busy(CutOut):
        def __call__(self, frame: Frame, mask: Mask) -> Frame:
            (tmp_path / "cut").mkdir(exist_ok=True)
            (tmp_path / "cut" / "thesis.txt").write_text("years of work")
            return super().__call__(frame, mask)

    with pytest.raises(FileExistsError, match=r"thesis\.txt"):
        run(film, tmp_path / "cut", Busy())
    assert (tmp_path / "cut" / "thesis.txt").read_text() == "years of work"
    assert sorted(os.listdir(tmp_path)) == ["cut", "in.mp4"]


@pytest.mark.parametrize("wrong", [{"crf": 20}, {"codec": "vp9"}])
def test_pictures_have_no_codec(film: Path, tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="codec and crf are for video files"):
        run(film, tmp_path / "cut", **wrong)
    assert os.listdir(tmp_path) == ["in.mp4"]


@pytest.mark.parametrize("name", ["cut", "cut.webm"])
def test_an_interrupt_leaves_what_is_done(film: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(KeyboardInterrupt, match=rf"{name} holds the first 7 frames, 0\.2 s"):
        run(film, tmp_path / name, failing_at(7, KeyboardInterrupt()))
    found = pictures(tmp_path / name) if name == "cut" else with_alpha(tmp_path / name)
    assert len(found) == 7
    with pytest.raises(KeyboardInterrupt, match="before the first frame"):
        run(film, tmp_path / f"other_{name}", failing_at(0, KeyboardInterrupt()))
    assert sorted(os.listdir(tmp_path)) == [name, "in.mp4"]


@pytest.mark.parametrize("name", ["cut", "cut.webm"])
def test_an_error_leaves_nothing(film: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(ZeroDivisionError):
        run(film, tmp_path / name, failing_at(7, ZeroDivisionError()))
    assert os.listdir(tmp_path) == ["in.mp4"]


def test_of_a_broken_source_nothing_or_the_frames_before_the_break(tmp_path: Path) -> None:
    source = make_film(tmp_path / "in.mkv", 40, draw=noisy)
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    with pytest.raises(SourceError, match=r"in\.mkv"):
        run(source, tmp_path / "cut")
    assert os.listdir(tmp_path) == ["in.mkv"]
    report = run(source, tmp_path / "cut", keep_broken=True)
    assert not report.complete
    assert 15 < report.frames == len(pictures(tmp_path / "cut")) < 25


def test_a_full_disk_is_an_os_error_and_leaves_nothing(tmp_path: Path) -> None:
    """A limit on the size of files is the full disk that a test may cause."""
    resource = pytest.importorskip("resource", reason="POSIX only")
    source = make_film(tmp_path / "in.mp4", 9, draw=noisy)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, hard))
    try:
        with pytest.raises(OSError, match=r"too large: '.*/cut'$"):
            run(source, tmp_path / "cut")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(tmp_path) == ["in.mp4"]


# ---- VP9 with alpha ----------------------------------------------------------------------------------------

BT709 = {"colorspace": 1, "color_primaries": 1, "color_trc": 1}
BT601 = {"colorspace": 6, "color_primaries": 6, "color_trc": 6}


@pytest.mark.parametrize(("marks", "matrix"), [(BT709, Colorspace.ITU709), (BT601, Colorspace.ITU601)])
@pytest.mark.parametrize("levels", [ColorRange.MPEG, ColorRange.JPEG], ids=["limited", "full"])
def test_every_frame_of_a_webm_has_its_own_alpha_and_the_right_colours(
    tmp_path: Path, marks: dict[str, int], matrix: Colorspace, levels: ColorRange
) -> None:
    marks = marks | {"color_range": int(levels)}
    source = make_film(tmp_path / "in.mp4", 12, marks=marks, matrix=matrix, levels=levels)
    report = run(source, tmp_path / "cut.webm", crf=10)
    with av.open(str(report.path)) as container:
        stream = container.streams.video[0]
        assert stream.metadata["alpha_mode"] == "1", "which tells browsers and editors to look for it"
        assert int(stream.codec_context.colorspace) == marks["colorspace"]
        assert int(stream.codec_context.color_range) == int(levels)
    found = with_alpha(report.path)
    assert len(found) == report.frames == 12
    with seglib.open_source(source) as old, seglib.open_source(report.path) as new:
        for number, (before, after, picture) in enumerate(zip(old, new, found, strict=True)):
            expected = np.rint(sweep(number) * 255)
            assert np.abs(picture[..., 3] - expected).max() <= 24
            assert np.abs(picture[..., 3] - expected).mean() < 2
            solid = slice(0, 16 + 5 * number)  # columns
            assert np.abs(before[:, solid].astype(int) - after[:, solid]).mean() < 4


def test_its_sound_and_times_come_along(tmp_path: Path) -> None:
    uneven = [0, 40, 45, 200, 233, 266, 300, 900, 910]
    source = make_film(tmp_path / "in.mkv", 9, times=uneven, base=Fraction(1, 1000), tones=[Tone("libopus", seconds=1)])
    report = run(source, tmp_path / "cut.webm")
    assert report.audio == "copied"
    assert times(report.path) == pytest.approx([time / 1000 for time in uneven], abs=1e-6)
    assert heard(report.path)[1:] == pytest.approx(heard(source)[1:], abs=0.05)
    assert len(with_alpha(report.path)) == 9


def test_an_opaque_webm_has_no_alpha(film: Path, tmp_path: Path) -> None:
    report = run(film, tmp_path / "out.webm", lambda frame, mask: frame)
    with av.open(str(report.path)) as container:
        assert "alpha_mode" not in container.streams.video[0].metadata


# ---- what cannot be ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cut.mp4", "cut.MOV", "cut.m4v", "cut.avi", "cut.png"])
def test_other_files_have_no_alpha_and_the_two_ways_are_named_before_anything_is_loaded(
    film: Path, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ValueError, match=r"cannot hold transparency.*\.webm.*folder of PNG pictures.*cut$"):
        run(film, tmp_path / name, model="no such model")
    assert os.listdir(tmp_path) == ["in.mp4"]


def with_mark(transparent: bool, effect: Callable[..., object]) -> Callable[..., object]:
    effect.transparent = transparent
    return effect


def test_ones_own_effect_may_be_transparent(film: Path, tmp_path: Path) -> None:
    half = with_mark(True, lambda frame, mask: np.dstack([frame, np.full(frame.shape[:2], 128, np.uint8)]))
    run(film, tmp_path / "half", half)
    assert {int(picture[..., 3].min()) for picture in pictures(tmp_path / "half")} == {128}


def test_an_effect_that_returns_other_channels_than_it_says_is_told(film: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"returned \(96, 128, 3\) uint8 for frame 0, not \(96, 128, 4\)"):
        run(film, tmp_path / "cut", with_mark(True, lambda frame, mask: frame))
    with pytest.raises(ValueError, match=r"returned \(96, 128, 4\) uint8 for frame 0, not \(96, 128, 3\)"):
        run(film, tmp_path / "cut.webm", lambda frame, mask: CutOut()(frame, mask))
    with pytest.raises(ValueError, match=r"must end in one of \.mp4"):
        run(film, tmp_path / "cut", lambda frame, mask: frame)
    assert os.listdir(tmp_path) == ["in.mp4"]


def test_with_the_embedded_model_on_the_recorded_frame(tmp_path: Path) -> None:
    def person(number: int) -> Picture:
        return np.roll(seglib.sample_frame()[::2, ::2], number, axis=1)

    source = make_film(tmp_path / "in.mp4", 3, draw=person)
    process_video(source, tmp_path / "cut", CutOut(), progress=False)
    alpha, truth = pictures(tmp_path / "cut")[0][..., 3] / 255, seglib.sample_mask()[::2, ::2]
    assert seglib.iou(alpha, truth) > 0.8
