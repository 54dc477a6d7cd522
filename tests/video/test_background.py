"""seglib.video.background: another video as the background, in a loop or held, at its own speed. On real files."""

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
from av.video.reformatter import Colorspace
from films import Picture, Tone, make_film, noisy, smooth
from PIL import Image

import seglib
from seglib import Replace, ReplaceWithVideo, SourceError, fit_image, process_video, replace_background
from seglib.arrays import Frame

FRAME, NOBODY = np.full((48, 64, 3), 250, np.uint8), np.zeros((48, 64), np.float32)


class Nobody:
    """Stands in for a model that finds no person, so that only the background is seen."""

    batch = 1

    def masks(self, frames: list[Frame], keep: object, size: object = None) -> np.ndarray:
        return np.zeros((len(frames), *frames[0].shape[:2]), np.float32)


def plain(number: int) -> Picture:
    """A grey that tells the number of its frame, 0 to 19."""
    return np.full((48, 64, 3), 20 + 10 * number, np.uint8)


def number_of(picture: Picture) -> int:
    return round((float(picture.mean()) - 20) / 10)


def run(source: Path, target: Path, effect: object, **options: object) -> list[int]:
    """The numbers of the background's frames in the new file."""
    process_video(
        source, target, effect, model=Nobody(), clean=False, steady=False, progress=False, overwrite=True, **options
    )
    with seglib.open_source(target) as frames:
        return [number_of(frame) for frame in frames]


def held(folder: Path) -> list[str]:
    """The files of a folder that this process has open."""
    paths = [os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
    return [path for path in paths if path.startswith(str(folder))]


needs_proc = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="Linux tells which files are open")


@pytest.fixture(autouse=True)
def _no_file_is_left_open(tmp_path: Path) -> Iterator[None]:
    yield
    gc.collect()
    if os.path.isdir("/proc/self/fd"):
        assert held(tmp_path) == []


@pytest.fixture
def waves(tmp_path: Path) -> Path:
    return make_film(tmp_path / "waves.mp4", 5, draw=plain)


# ---- one frame after the other -----------------------------------------------------------------------------


def test_every_frame_gets_the_next_one_and_then_it_loops(waves: Path) -> None:
    effect = ReplaceWithVideo(waves)
    assert [number_of(effect(FRAME, NOBODY)) for _ in range(12)] == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]


def test_or_its_last_frame_is_held(waves: Path) -> None:
    effect = ReplaceWithVideo(str(waves), end="hold")
    assert [number_of(effect(FRAME, NOBODY)) for _ in range(8)] == [0, 1, 2, 3, 4, 4, 4, 4]


def test_a_film_of_one_frame_will_do(tmp_path: Path) -> None:
    for end in ("loop", "hold"):
        effect = ReplaceWithVideo(make_film(tmp_path / "in.mp4", 1, draw=plain), end)
        for shown_at in (None, None, 0.0, 7.0, 7.1):
            effect.shown_at = shown_at
            assert number_of(effect(FRAME, NOBODY)) == 0


def test_the_person_stays_in_front_and_every_output_is_what_replace_background_makes(tmp_path: Path) -> None:
    path = make_film(tmp_path / "in.mp4", 4)
    with seglib.open_source(path) as frames:
        pictures = list(frames)
    frame, mask = seglib.sample_frame(), seglib.sample_mask()
    before = frame.copy(), mask.copy()
    for fit in ("cover", "contain", "stretch"):
        effect = ReplaceWithVideo(path, fit=fit)
        for picture in pictures:
            output = effect(frame, mask)
            np.testing.assert_array_equal(output, replace_background(frame, mask, picture, fit))
            np.testing.assert_array_equal(output[mask == 1], frame[mask == 1])
    np.testing.assert_array_equal(frame, before[0])
    np.testing.assert_array_equal(mask, before[1])


def test_frames_may_change_their_size(tmp_path: Path) -> None:
    path = make_film(tmp_path / "in.mp4", 4)
    with seglib.open_source(path) as frames:
        pictures = list(frames)
    effect = ReplaceWithVideo(path)
    for shape, picture in zip([(30, 40), (40, 30), (96, 128), (30, 40)], pictures, strict=True):
        output = effect(np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.float32))
        np.testing.assert_array_equal(output, fit_image(picture, shape))
    effect.shown_at = 0.0  # and now behind one and the same frame
    for shape in [(30, 40), (40, 30)]:
        assert effect(np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.float32)).shape == (*shape, 3)


def test_changing_an_output_does_not_change_the_next_one(waves: Path) -> None:
    effect = ReplaceWithVideo(waves)
    for _ in range(3):
        effect.shown_at = 0.0
        output = effect(FRAME, NOBODY)
        assert number_of(output) == 0
        output[:] = 255


# ---- at its own speed --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [10, 15, 30, 60, Fraction(30000, 1001)])
@pytest.mark.parametrize("end", ["loop", "hold"])
def test_it_moves_at_its_own_speed_behind_a_film_of_another_rate(tmp_path: Path, rate: Fraction, end: str) -> None:
    film = make_film(tmp_path / "in.mp4", 25)
    waves = make_film(tmp_path / "waves.mp4", 10, rate, plain)
    begun = [int((Fraction(number, 30) + Fraction(1, 500)) * rate) for number in range(25)]
    expected = [number % 10 if end == "loop" else min(number, 9) for number in begun]
    assert run(film, tmp_path / "out.mp4", ReplaceWithVideo(waves, end)) == expected


def test_behind_a_film_with_uneven_times_it_moves_evenly(tmp_path: Path) -> None:
    times = [0, 40, 45, 200, 233, 266, 300, 700, 710, 1350]
    film = make_film(tmp_path / "in.mp4", 10, times=times, base=Fraction(1, 1000))
    waves = make_film(tmp_path / "waves.mp4", 20, 10, plain)
    expected = [int((time + 2) / 100) for time in times]
    assert run(film, tmp_path / "out.mp4", ReplaceWithVideo(waves)) == expected


def test_its_own_uneven_times_are_kept(tmp_path: Path) -> None:
    film = make_film(tmp_path / "in.mp4", 30)
    begins = [0, 100, 500, 550]
    waves = make_film(tmp_path / "waves.mkv", 4, draw=plain, times=begins, base=Fraction(1, 1000))
    expected = [max(i for i in range(4) if begins[i] <= 1000 * number / 30 + 2) for number in range(30)]
    assert run(film, tmp_path / "out.mp4", ReplaceWithVideo(waves, "hold")) == expected


@pytest.mark.parametrize("names", [("in.mkv", "waves.mp4"), ("in.mp4", "waves.mkv")])
def test_equal_rates_keep_step_though_matroska_rounds_to_milliseconds(tmp_path: Path, names: tuple[str, str]) -> None:
    film, waves = make_film(tmp_path / names[0], 20), make_film(tmp_path / names[1], 20, draw=plain)
    assert run(film, tmp_path / "out.mp4", ReplaceWithVideo(waves)) == list(range(20))


def test_a_background_whose_clock_starts_late_does_not_wait(tmp_path: Path) -> None:
    film = make_film(tmp_path / "in.mp4", 20)
    times = [50 + number for number in range(5)]
    waves = make_film(tmp_path / "waves.mkv", 5, draw=plain, times=times, base=Fraction(1, 30))
    assert run(film, tmp_path / "out.mp4", ReplaceWithVideo(waves)) == [0, 1, 2, 3, 4] * 4


def test_one_effect_plays_from_the_start_behind_every_film(tmp_path: Path) -> None:
    film, waves = make_film(tmp_path / "in.mp4", 7), make_film(tmp_path / "waves.mp4", 20, draw=plain)
    effect = ReplaceWithVideo(waves)
    for _ in range(2):
        assert run(film, tmp_path / "out.mp4", effect) == list(range(7))
        assert effect.shown_at is None, "and is free to be used elsewhere"


def test_an_error_on_the_way_frees_it_too(waves: Path, tmp_path: Path) -> None:
    effect = ReplaceWithVideo(waves)

    class Failing(Nobody):
        count = 0

        def masks(self, frames: list[Frame], keep: object, size: object = None) -> np.ndarray:
            self.count += 1
            if self.count == 3:
                raise ZeroDivisionError
            return super().masks(frames, keep)

    with pytest.raises(ZeroDivisionError):
        process_video(waves, tmp_path / "out.mp4", effect, model=Failing(), progress=False)
    assert effect.shown_at is None
    assert [number_of(effect(FRAME, NOBODY)) for _ in range(3)] == [2, 3, 4], "and it goes on where it was"


# ---- letting go, and going elsewhere -----------------------------------------------------------------------


@needs_proc
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
    other = ReplaceWithVideo(waves)
    other(FRAME, NOBODY)
    del other
    assert held(tmp_path) == []


def test_it_survives_pickling_in_the_middle_and_the_copy_plays_from_the_start(
    waves: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    (tmp_path / "empty.mp4").touch()
    make_film(tmp_path / "none.mkv", count=0, tones=[Tone()])
    marks = {"colorspace": 9, "color_primaries": 9, "color_trc": 16}
    make_film(tmp_path / "hdr.mp4", 3, pixels="yuv420p10le", marks=marks, matrix=Colorspace.BT2020)
    broken = make_film(tmp_path / "broken.mp4", 30, draw=noisy)
    broken.write_bytes(broken.read_bytes()[:-2000])  # without its index, which stands at the end
    for name, words in {
        "absent.mp4": "does not exist",
        "beach.mp4": r'is a picture, not a video; Replace\(".*beach.mp4"\)',
        "text.mp4": "neither a picture nor a video",
        "empty.mp4": "is empty",
        "none.mkv": "no frame|no video",
        "hdr.mp4": "HDR",
        "broken.mp4": "broken.mp4",
    }.items():
        with pytest.raises(SourceError, match=words):
            ReplaceWithVideo(tmp_path / name)


@pytest.mark.parametrize("name", ["waves.mp4", "waves.mpg", "waves"])
def test_a_video_given_as_a_picture_is_told_the_effect_for_it(tmp_path: Path, name: str) -> None:
    video = make_film(tmp_path / "in.mpg" if name.endswith("mpg") else tmp_path / "in.mp4", 5, codec="mpeg2video")
    video.rename(tmp_path / name)
    with pytest.raises(SourceError, match=rf'ReplaceWithVideo\("{re.escape(str(tmp_path / name))}"\)'):
        Replace(tmp_path / name)
    ReplaceWithVideo(tmp_path / name)
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:60])
    for other in ("cut.png", "absent.png"):
        with pytest.raises(SourceError) as caught:
            Replace(tmp_path / other)
        assert "ReplaceWithVideo" not in str(caught.value)


@pytest.mark.parametrize("wrong", [{"end": "stop"}, {"fit": "crop"}])
def test_an_unknown_choice_is_told_at_once_with_the_known_ones(waves: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"'stop'.*loop, hold|'crop'.*cover, contain"):
        ReplaceWithVideo(waves, **wrong)


def test_frames_and_masks_that_are_none_are_refused_and_cost_no_background(waves: Path) -> None:
    effect = ReplaceWithVideo(waves)
    with pytest.raises(ValueError, match="^frame is"):
        effect(FRAME / 255, NOBODY)
    with pytest.raises(ValueError, match="^mask is"):
        effect(FRAME, NOBODY[:10])
    assert number_of(effect(FRAME, NOBODY)) == 0


@pytest.fixture
def breaking(tmp_path: Path) -> Path:
    """Breaks off at about half of its 60 frames."""
    path = make_film(tmp_path / "breaking.mkv", 60, draw=noisy)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def test_one_that_breaks_off_says_so_there_and_can_be_played_again(breaking: Path, tmp_path: Path) -> None:
    effect = ReplaceWithVideo(breaking)
    for _ in range(2):
        done = 0
        with pytest.raises(SourceError, match=r"breaking\.mkv (breaks off|is damaged) after"):
            for _ in range(60):
                effect(FRAME, NOBODY)
                done += 1
        assert 20 < done < 40
        if os.path.isdir("/proc/self/fd"):
            assert held(tmp_path) == []


@pytest.mark.parametrize("keep_broken", [False, True])
def test_a_video_is_not_made_with_half_a_background(breaking: Path, tmp_path: Path, keep_broken: bool) -> None:
    """keep_broken is about a damaged source; here the source is whole."""
    film = make_film(tmp_path / "in.mp4", 60)
    with pytest.raises(SourceError, match=r"breaking\.mkv") as caught:
        run(film, tmp_path / "out.mp4", ReplaceWithVideo(breaking), keep_broken=keep_broken)
    assert "raised by the effect at frame" in caught.value.__notes__[0]
    assert not (tmp_path / "out.mp4").exists()


def test_one_that_vanishes_while_it_plays_is_told_when_it_starts_anew(waves: Path) -> None:
    if os.name != "posix":
        pytest.skip("Windows keeps open files from vanishing")
    effect = ReplaceWithVideo(waves)
    effect(FRAME, NOBODY)
    waves.unlink()
    with pytest.raises(SourceError, match="does not exist"):
        for _ in range(6):
            effect(FRAME, NOBODY)
