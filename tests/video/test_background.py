"""ReplaceWithVideo: another video as the background, in a loop or held, at its own speed. On real files."""

from __future__ import annotations

import gc
import os
import pickle
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from fake_models import FakeModel, nobody
from films import Picture, Tone, make_film, noisy, smooth
from PIL import Image

import seglib
from seglib import Replace, SourceError, fit_image, process_video, replace_background
from seglib.video import ReplaceWithVideo

FRAME, NOBODY = np.full((48, 64, 3), 250, np.uint8), np.zeros((48, 64), np.float32)


def plain(number: int) -> Picture:
    """A grey that tells the number of its frame, 0 to 19."""
    return np.full((48, 64, 3), 20 + 10 * number, np.uint8)


def number_of(picture: Picture) -> int:
    return round((float(picture.mean()) - 20) / 10)


def run(source: Path, target: Path, effect: object, **options: object) -> list[int]:
    """The numbers of the background's frames in the new file."""
    quick = {"model": FakeModel(nobody), "clean": False, "steady": False, "progress": False, "overwrite": True}
    process_video(source, target, effect, **(quick | options))
    with seglib.open_source(target) as frames:
        return [number_of(frame) for frame in frames]


def held(folder: Path) -> list[str]:
    """The files of a folder that this process has open."""
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("only Linux tells which files are open")
    paths = [os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
    return [path for path in paths if path.startswith(str(folder))]


@pytest.fixture(autouse=True)
def _no_file_is_left_open(tmp_path: Path) -> Iterator[None]:
    yield
    gc.collect()
    assert held(tmp_path) == []


@pytest.fixture
def waves(tmp_path: Path) -> Path:
    return make_film(tmp_path / "waves.mp4", 5, draw=plain)


# ---- one frame after the other -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "expected"), [("loop", [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]), ("hold", [0, 1, 2, 3, 4, 4, 4, 4])]
)
def test_without_a_time_every_frame_gets_the_next_one(waves: Path, end: str, expected: list[int]) -> None:
    effect = ReplaceWithVideo(str(waves), end)
    assert [number_of(effect(FRAME, NOBODY)) for _ in expected] == expected


@pytest.mark.parametrize("end", ["loop", "hold"])
def test_a_video_of_one_frame_will_do(tmp_path: Path, end: str) -> None:
    effect = ReplaceWithVideo(make_film(tmp_path / "in.mp4", 1, draw=plain), end)
    assert [number_of(effect(FRAME, NOBODY, time)) for time in (None, None, 0.0, 7.0, 7.1)] == [0] * 5


@pytest.mark.parametrize("fit", ["cover", "contain", "stretch"])
def test_every_output_is_what_replace_background_makes(tmp_path: Path, fit: str) -> None:
    path = make_film(tmp_path / "in.mp4", 3)
    frame, mask = seglib.sample_frame()[::4, ::4], seglib.sample_mask()[::4, ::4]
    before = frame.copy(), mask.copy()
    effect = ReplaceWithVideo(path, fit=fit)
    with seglib.open_source(path) as pictures:
        for picture in pictures:
            np.testing.assert_array_equal(effect(frame, mask), replace_background(frame, mask, picture, fit))
    np.testing.assert_array_equal(frame, before[0])
    np.testing.assert_array_equal(mask, before[1])


def test_frames_may_change_their_size_also_behind_one_frame_of_the_background(tmp_path: Path) -> None:
    path = make_film(tmp_path / "in.mp4", 4)
    effect, timed = ReplaceWithVideo(path), ReplaceWithVideo(path)
    with seglib.open_source(path) as frames:
        pictures = list(frames)
    for shape, picture in zip([(30, 40), (40, 30), (96, 128), (30, 40)], pictures, strict=True):
        frame, mask = np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.float32)
        np.testing.assert_array_equal(effect(frame, mask), fit_image(picture, shape))
        output = timed(frame, mask, time=0.0)
        np.testing.assert_array_equal(output, fit_image(pictures[0], shape))
        output[:] = 255  # which must not change the next one


# ---- at its own speed --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [10, 30, 60, Fraction(30000, 1001)])
@pytest.mark.parametrize("end", ["loop", "hold"])
def test_it_moves_at_its_own_speed_behind_a_video_of_another_rate(tmp_path: Path, rate: Fraction, end: str) -> None:
    film = make_film(tmp_path / "in.mp4", 25)
    waves = make_film(tmp_path / "waves.mp4", 10, rate, plain)
    begun = [int((Fraction(number, 30) + Fraction(1, 500)) * rate) for number in range(25)]
    expected = [number % 10 if end == "loop" else min(number, 9) for number in begun]
    effect = ReplaceWithVideo(waves, end)
    for _ in range(2):
        assert run(film, tmp_path / "out.mp4", effect) == expected, "from the start behind every video"
    effect.close()


MS = Fraction(1, 1000)
EVEN = [round(1000 * number / 30) for number in range(20)]


@pytest.mark.parametrize(
    ("shown", "begins", "base"),
    [
        ([0, 40, 45, 200, 233, 266, 300, 700, 710, 1350], list(range(0, 2000, 100)), MS),
        (EVEN, [0, 100, 500, 550], MS),
        (EVEN, EVEN, MS),  # Matroska rounds to milliseconds
        (EVEN, [50, 51, 52, 53, 54], Fraction(1, 30)),  # a clock that starts late
    ],
    ids=["uneven video", "uneven background", "rounded", "late"],
)
def test_the_times_of_both_videos_are_kept(tmp_path: Path, shown: list[int], begins: list[int], base: Fraction) -> None:
    film = make_film(tmp_path / "in.mkv", len(shown), times=shown, base=MS)
    waves = make_film(tmp_path / "waves.mkv", len(begins), draw=plain, times=begins, base=base)
    seconds = [float((begin - begins[0]) * base) for begin in begins]
    expected = [max(i for i, begin in enumerate(seconds) if begin <= time / 1000 + 0.002) for time in shown]
    assert run(film, tmp_path / "out.mp4", ReplaceWithVideo(waves, "hold")) == expected


# ---- letting go, and going elsewhere -----------------------------------------------------------------------


def test_the_file_is_open_only_while_it_plays(waves: Path, tmp_path: Path) -> None:
    effect = ReplaceWithVideo(waves, "hold")
    assert held(tmp_path) == []
    effect(FRAME, NOBODY)
    assert held(tmp_path) == [str(waves)]
    effect.close()
    effect.close()
    assert held(tmp_path) == []
    assert [number_of(effect(FRAME, NOBODY)) for _ in range(5)] == [0, 1, 2, 3, 4]
    assert held(tmp_path) == [], "the last frame is held, the file is not"


def test_a_pickled_copy_plays_from_the_start(waves: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(waves.parent)
    effect = ReplaceWithVideo("waves.mp4", "hold", fit="contain")
    fresh = pickle.dumps(effect)
    effect(FRAME, NOBODY)
    used = pickle.dumps(effect)
    monkeypatch.chdir("/")
    for copy in (pickle.loads(fresh), pickle.loads(used)):
        assert (copy.end, copy.fit) == ("hold", "contain")
        assert [number_of(copy(FRAME, NOBODY)) for _ in range(6)] == [0, 1, 2, 3, 4, 4]
    assert number_of(effect(FRAME, NOBODY)) == 1, "and the first one goes on"


# ---- what is wrong -----------------------------------------------------------------------------------------


def test_what_is_no_video_is_told_before_the_first_frame(tmp_path: Path) -> None:
    Image.fromarray(smooth(0)).save(tmp_path / "beach.mp4", "PNG")
    (tmp_path / "text.mp4").write_text("hello, world\n" * 300)
    make_film(tmp_path / "none.mkv", count=0, tones=[Tone()])
    broken = make_film(tmp_path / "broken.mp4", 30, draw=noisy)
    broken.write_bytes(broken.read_bytes()[:-2000])  # without its index, which stands at the end
    for name, words in {
        "absent.mp4": "absent.mp4",
        "beach.mp4": r'Replace\(".*beach.mp4"\)',
        "text.mp4": "text.mp4",
        "none.mkv": "no frame|no video",
        "broken.mp4": "broken.mp4",
    }.items():
        with pytest.raises(SourceError, match=words):
            ReplaceWithVideo(tmp_path / name)


@pytest.mark.parametrize("name", ["waves.mp4", "waves.mpg", "waves"])
def test_a_video_given_as_an_image_is_told_the_effect_for_it(tmp_path: Path, name: str) -> None:
    video = make_film(tmp_path / "in.mpg" if name.endswith("mpg") else tmp_path / "in.mp4", 5, codec="mpeg2video")
    video.rename(tmp_path / name)
    with pytest.raises(SourceError, match=rf'ReplaceWithVideo\("{re.escape(str(tmp_path / name))}"\)'):
        Replace(tmp_path / name)


@pytest.mark.parametrize(("wrong", "known"), [({"end": "stop"}, "loop, hold"), ({"fit": "crop"}, "cover, contain")])
def test_an_unknown_choice_is_told_at_once_with_the_known_ones(waves: Path, wrong: dict[str, str], known: str) -> None:
    with pytest.raises(ValueError, match=known):
        ReplaceWithVideo(waves, **wrong)


def test_frames_and_masks_that_are_none_are_refused_and_cost_no_background(waves: Path) -> None:
    effect = ReplaceWithVideo(waves)
    with pytest.raises(ValueError, match="^frame is"):
        effect(FRAME / 255, NOBODY)
    with pytest.raises(ValueError, match="^mask is"):
        effect(FRAME, NOBODY[:10])
    assert number_of(effect(FRAME, NOBODY)) == 0


def test_a_background_that_breaks_off_says_so_there(tmp_path: Path) -> None:
    """keep_broken is about a damaged source; here the source is whole."""
    breaking = make_film(tmp_path / "breaking.mkv", 60, draw=noisy)
    breaking.write_bytes(breaking.read_bytes()[: breaking.stat().st_size // 2])
    effect, done = ReplaceWithVideo(breaking), 0
    with pytest.raises(SourceError, match=r"breaking\.mkv"):
        for done in range(60):  # noqa: B007
            effect(FRAME, NOBODY)
    assert 20 < done < 40
    assert held(tmp_path) == []
    film = make_film(tmp_path / "in.mp4", 60)
    for keep_broken in (False, True):
        with pytest.raises(SourceError, match=r"breaking\.mkv") as caught:
            run(film, tmp_path / "out.mp4", effect, keep_broken=keep_broken)
        assert "raised by the effect at frame" in caught.value.__notes__[0]
        assert not (tmp_path / "out.mp4").exists()


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps open files from vanishing")
def test_one_that_vanishes_while_it_plays_is_told_when_it_starts_anew(waves: Path) -> None:
    effect = ReplaceWithVideo(waves)
    effect(FRAME, NOBODY)
    waves.unlink()
    with pytest.raises(SourceError, match=r"waves\.mp4"):
        for _ in range(6):
            effect(FRAME, NOBODY)
