"""The commands that make files: what is in the files, what is printed, and what an interrupt leaves."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import pytest
from films import make_film
from PIL import Image

import seglib
from seglib.__main__ import main
from seglib.classes import class_numbers
from seglib.cli import batch
from seglib.cli.batch import BatchOptions
from seglib.video import Encoding

load_real_model = BatchOptions.load_model


class LeftHalf:
    """Stands in for a model: keeps the left half of every frame. ``stop_at``: the frame at which Ctrl-C is pressed."""

    batch = 1
    stop_at: int | None = None
    frames = 0

    def class_numbers(self, keep: Sequence[str]) -> list[int]:
        return class_numbers(keep)

    def masks(self, frames: Sequence[np.ndarray], keep: object, size: tuple[int, int]) -> np.ndarray:
        self.frames += 1
        if self.frames == self.stop_at:
            raise KeyboardInterrupt
        masks = np.zeros((len(frames), *size[::-1]), np.float32)
        masks[:, :, : size[0] // 2] = 1
        return masks


@pytest.fixture(autouse=True)
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LeftHalf:
    """The model that the commands load, in a folder with talk.mp4 and photo.jpg."""
    fake = LeftHalf()
    monkeypatch.setattr(BatchOptions, "load_model", lambda self: fake)
    monkeypatch.chdir(tmp_path)
    make_film(tmp_path / "talk.mp4")
    seglib.write_image("photo.jpg", seglib.sample_frame())
    return fake


def frames_of(path: Path | str) -> list[np.ndarray]:
    """Every frame of a video, decoded."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def listing(folder: str = ".") -> list[str]:
    return sorted(os.listdir(folder))


def pixels(path: str, mode: str = "RGB") -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert(mode)).astype(int)


# ---- what is made ------------------------------------------------------------------------------------------


def test_a_video_is_blurred_where_the_mask_does_not_keep_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["blur", "talk.mp4", "out.mp4", "--sigma", "30", "--crf", "4"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"wrote {Path('out.mp4').resolve()}: 15 frames, 0.5 s, no sound, ")
    assert err == ""
    for frame, output in zip(frames_of("talk.mp4"), frames_of("out.mp4"), strict=True):
        assert np.abs(frame.astype(int) - output)[:, :48].mean() < 3
        assert (output[:, 80:].std(axis=(0, 1)) < frame[:, 80:].std(axis=(0, 1)) / 1.5).all()
    assert listing() == ["out.mp4", "photo.jpg", "talk.mp4"]


def test_one_frame_is_one_frame(capsys: pytest.CaptureFixture[str]) -> None:
    make_film(Path("one.mp4"), count=1)
    assert main(["blur", "one.mp4", "out.mp4"]) == 0
    assert ": 1 frame, " in capsys.readouterr().out


def test_substitute_takes_colours_gradients_and_pictures() -> None:
    assert main(["substitute", "talk.mp4", "red.mp4", "--background", "red", "--crf", "4"]) == 0
    assert np.abs(frames_of("red.mp4")[3][:, 80:].astype(int) - (255, 0, 0)).mean() < 6
    assert main(["substitute", "photo.jpg", "g.png", "--background", "#000080, white"]) == 0
    column = pixels("g.png")[:, -1]
    assert np.abs(column[0] - (0, 0, 128)).max() < 3
    assert column[-1].min() > 250
    Image.new("RGB", (10, 40), "lime").save("lime.png")
    assert main(["substitute", "photo.jpg", "bars.png", "--background", "lime.png", "--fit", "contain"]) == 0
    right = pixels("bars.png")[:, 340:]
    assert right[:, -1].max() == 0, "a bar"
    assert (right[:, 30] == (0, 255, 0)).all()


@pytest.mark.parametrize(("end", "last"), [("loop", 40), ("hold", 160)])
def test_a_video_can_be_the_background(end: str, last: int) -> None:
    make_film(Path("waves.mp4"), count=5, draw=lambda number: np.full((48, 64, 3), 40 * number, np.uint8))
    line = ["substitute", "talk.mp4", "sea.mp4", "--background", "waves.mp4", "--end", end, "--crf", "4"]
    assert main(line) == 0
    values = [frame[:, 90:].mean() for frame in frames_of("sea.mp4")]
    assert values[:5] == pytest.approx([0, 40, 80, 120, 160], abs=4)
    assert values[11] == pytest.approx(last, abs=4)
    assert main(["substitute", "photo.jpg", "sea.png", "--background", "waves.mp4"]) == 0


def test_mask_shows_the_mask_white_on_black() -> None:
    assert main(["mask", "talk.mp4", "matte.mp4", "--no-steady"]) == 0
    for frame in frames_of("matte.mp4"):
        assert frame[:, :48].min() > 245
        assert frame[:, 80:].max() < 10
    assert main(["mask", "photo.jpg", "masks/"]) == 0
    assert pixels("masks/photo.png")[100, [10, -10]].tolist() == [[255] * 3, [0] * 3]


def test_a_cut_out_goes_to_a_webm_file_to_pictures_or_to_a_picture(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cutout", "talk.mp4", "talk.webm"]) == 0
    line = capsys.readouterr().out
    assert "128 × 96" in line
    assert re.search(r"\d kB \(\d+\.\d\d Mbit/s, the source \d+\.\d\d\)", line)
    assert "Firefox" in line, "where its transparency shows"
    with av.open("talk.webm") as container:
        assert container.streams.video[0].metadata["alpha_mode"] == "1"
    assert main(["cutout", "talk.mp4", "cut"]) == 0
    assert "sequence of 30 fps" in capsys.readouterr().out
    assert listing("cut") == [f"{number:06}.png" for number in range(1, 16)]
    assert main(["cutout", "photo.jpg", "photo.png"]) == 0
    for name in ("cut/000003.png", "photo.png"):
        alpha = pixels(name, "RGBA")[..., 3]
        assert (alpha[:, 10].min(), alpha[:, -10].max()) == (255, 0)
    assert listing() == ["cut", "photo.jpg", "photo.png", "talk.mp4", "talk.webm"]


def test_the_options_arrive(monkeypatch: pytest.MonkeyPatch, model: LeftHalf) -> None:
    seen: list[dict[str, object]] = []
    loaded: list[BatchOptions] = []

    def process(src: Path, dst: Path, effect: object, **options: object) -> object:
        seen.append({"effect": effect, **options})
        dst.write_bytes(b"made")
        return seglib.video.VideoReport(dst, 1, 1.0, 1.0, True, "none")

    monkeypatch.setattr(batch, "process_video", process)
    monkeypatch.setattr(BatchOptions, "load_model", lambda self: loaded.append(self) or model)
    how = "--model fcn_resnet50 --device cpu --runtime torch --precision half"
    line = "--sigma 3 --crf 30 --codec vp9 --no-steady --keep-broken --keep"
    assert main(["blur", "talk.mp4", "a.webm", *how.split(), *line.split(), "person, cat"]) == 0
    assert main(["blur", "talk.mp4", "b.mp4"]) == 0
    given, usual = seen
    assert (given["effect"], usual["effect"]) == (seglib.Blur(3), seglib.Blur())
    assert (given["keep"], usual["keep"]) == (("person", "cat"), ("person",))
    assert (given["encoding"], usual["encoding"]) == (Encoding("vp9", 30), Encoding())
    assert (given["steady"], usual["steady"]) == (False, True)
    assert (given["keep_broken"], usual["keep_broken"]) == (True, False)
    asked = [(options.model, options.device, options.runtime, options.precision) for options in loaded]
    assert asked[::2] == [("fcn_resnet50", "cpu", "torch", "half"), ("portrait", None, "auto", None)]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("blur talk.mp4 talk.mp4 --force", "one of the sources"),
        ("blur talk.mp4 out.mp4 --crf 99", "crf is 99"),
        ("blur talk.mp4 out.mp4 --sigma 0", "sigma is 0"),
        ("blur talk.mp4 out.mp4 --sigma nan", "sigma is nan"),
        ("blur talk.mp4 out.mp4 --keep persn", "person"),
        ("blur talk.mp4 out.mp4 --model portrat", "nearest first: portrait"),
        ("substitute talk.mp4 out.mp4 --background beach.jpg", "does not exist"),
        ("substitute talk.mp4 out.mp4 --background nawy", "navy"),
        ("blur talk.mp4 out.mp4 --scheduler nowhere", "nowhere"),
        ("fetch deeplab", "'deeplab'"),
    ],
)
def test_what_does_not_go_together_is_told_before_anything_is_done(
    line: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = listing()
    assert main(line.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"seglib {line.split()[0]}: ")
    assert len(err.splitlines()) == 1
    assert words in err
    assert listing() == before


def test_without_dask_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "distributed.comm", None)
    assert main(["blur", "talk.mp4", "out.mp4", "--scheduler", "tcp://127.0.0.1:8786"]) == 2
    assert ".[cluster]" in capsys.readouterr().err


# ---- failures, and files that exist ------------------------------------------------------------------------


def test_one_failure_does_not_keep_the_others_from_being_made(capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.mp4").write_bytes(b"no video at all")
    line = ["blur", "bad.mp4", "nowhere.mp4", "talk.mp4", "photo.jpg", "out"]
    assert main(line) == 1
    out, err = capsys.readouterr()
    assert [line.split()[:2] for line in out.splitlines()] == [["[3/4]", "wrote"], ["[4/4]", "wrote"]]
    first, second, total = err.splitlines()
    assert "[1/4]" in first
    assert "bad.mp4" in first
    assert str(Path("nowhere.mp4").resolve()) in second
    assert "2 of 4 files" in total
    assert listing("out") == ["photo.jpg", "talk.mp4"]
    assert main([*line, "--quiet", "--force"]) == 1
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 3)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("blur photo.jpg photo.mp4", ".png"),
        ("blur talk.mp4 file/below/out.mp4", "file"),
        ("samples file/below", "file"),
    ],
)
def test_what_cannot_be_written_is_one_line(line: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("mine")
    assert main(line.split()) == 1
    (message,) = capsys.readouterr().err.splitlines()
    assert words in message
    assert listing() == ["file", "photo.jpg", "talk.mp4"]


def test_nothing_is_replaced_without_force(capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.mp4").write_bytes(b"no video at all")
    for line in (["talk.mp4", "out.mp4"], ["bad.mp4", "out.mp4", "--force"]):
        Path("out.mp4").write_bytes(b"mine")
        assert main(["blur", *line]) == 1
        assert Path("out.mp4").read_bytes() == b"mine"
    assert "--force" in capsys.readouterr().err
    assert main(["blur", "talk.mp4", "out.mp4", "--skip-existing"]) == 0
    assert Path("out.mp4").read_bytes() == b"mine"
    assert main(["blur", "talk.mp4", "out.mp4", "--force"]) == 0
    assert len(frames_of("out.mp4")) == 15


def test_older_pictures_are_replaced_with_force_and_other_files_never(capsys: pytest.CaptureFixture[str]) -> None:
    Path("cut").mkdir()
    Path("cut/000077.png").touch()
    assert main(["cutout", "talk.mp4", "cut"]) == 1
    assert "--force" in capsys.readouterr().err
    assert main(["cutout", "talk.mp4", "cut", "--force"]) == 0
    assert listing("cut") == [f"{number:06}.png" for number in range(1, 16)]
    Path("thesis/talk").mkdir(parents=True)
    Path("thesis/talk/notes.txt").touch()
    assert main(["cutout", "talk.mp4", "thesis/", "--codec", "png", "--force"]) == 1
    assert "notes.txt" in capsys.readouterr().err
    assert listing("thesis/talk") == ["notes.txt"]


# ---- Ctrl-C ------------------------------------------------------------------------------------------------


def test_an_interrupt_leaves_a_playable_file_under_another_name_and_a_second_run_goes_on(
    model: LeftHalf, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        make_film(Path(name))
    model.stop_at = 15 + 6
    line = ["blur", "a.mp4", "b.mp4", "c.mp4", "out"]
    assert main(line) == 130
    how_far, how_many = capsys.readouterr().err.splitlines()
    assert "b.unfinished.mp4" in how_far
    assert "5 frames" in how_far
    assert "1 of 3 files" in how_many
    assert listing("out") == ["a.mp4", "b.unfinished.mp4"]
    assert len(frames_of("out/b.unfinished.mp4")) == 5

    first = Path("out/a.mp4").stat().st_mtime_ns
    assert main([*line, "--skip-existing"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["[1/2]", "[2/2]"]
    assert listing("out") == ["a.mp4", "b.mp4", "c.mp4"]
    assert [len(frames_of(f"out/{name}")) for name in listing("out")] == [15] * 3
    assert Path("out/a.mp4").stat().st_mtime_ns == first
    assert main([*line, "--skip-existing"]) == 0
    assert capsys.readouterr() == ("", "")


def test_an_interrupt_keeps_an_older_output(model: LeftHalf) -> None:
    Path("out.mp4").write_bytes(b"of last week")
    model.stop_at = 8
    assert main(["blur", "talk.mp4", "out.mp4", "--force"]) == 130
    assert Path("out.mp4").read_bytes() == b"of last week"
    assert len(frames_of("out.unfinished.mp4")) == 7


def test_an_interrupted_folder_of_pictures_has_another_name_and_a_second_run_replaces_it(model: LeftHalf) -> None:
    model.stop_at = 5
    assert main(["cutout", "talk.mp4", "cut"]) == 130
    assert listing() == ["cut-unfinished", "photo.jpg", "talk.mp4"]
    assert len(listing("cut-unfinished")) == 4
    left = Path(f".cut-unfinished.{'0a' * 16}.part")  # as kill -9 would leave it
    left.mkdir()
    (left / "000001.png").touch()
    assert main(["cutout", "talk.mp4", "cut"]) == 0
    assert listing() == ["cut", "photo.jpg", "talk.mp4"]


# ---- models and samples ------------------------------------------------------------------------------------


def test_models_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [row[0] for row in rows[1:-1]] == [row["name"] for row in seglib.model_table()]
    assert ["deeplabv3_resnet101", "245", "MB", "21", "67.4"] in rows


def test_fetch_says_where_the_weights_are_or_how_to_get_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fetch", "fcn_resnet50", "portrait"]) == 1, "the tests are offline"
    out, err = capsys.readouterr()
    assert Path(out.removeprefix("portrait: ").strip()).is_file()
    assert "fcn_resnet50_coco-1167a1af.pth" in err
    assert "SEGLIB_OFFLINE" in err


def test_fetch_hands_on_address_and_size(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    calls: list[tuple[str, dict[str, object]]] = []
    monkeypatch.setattr(
        "seglib.cli.commands.weights_file", lambda url, **options: calls.append((url, options)) or Path("w.pth")
    )
    assert main(["fetch", "fcn_resnet50", "--quiet"]) == 0
    assert capsys.readouterr().out == "fcn_resnet50: w.pth\n"
    ((url, options),) = calls
    assert url.endswith("fcn_resnet50_coco-1167a1af.pth")
    assert options == {"progress": False, "megabytes": pytest.approx(141.6, abs=1)}


@pytest.mark.parametrize(
    ("options", "code", "words"), [("--model fcn_resnet50", 1, "is not available"), ("--device tpu", 2, "'tpu'")]
)
def test_a_model_that_cannot_be_loaded_is_told_once(
    options: str, code: int, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(BatchOptions, "load_model", load_real_model)
    assert main(["blur", "talk.mp4", "photo.jpg", "out/", *options.split()]) == code
    assert capsys.readouterr().err.count(words) == 1
    assert listing() == ["photo.jpg", "talk.mp4"]


def test_samples_are_copied_and_nothing_of_mine_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["samples", "new/samples"]) == 0
    there = listing("new/samples")
    assert {"astronaut.png", "astronaut_mask.png", "clip.mp4", "background_beach.jpg", "README.md"} <= set(there)
    assert not [name for name in there if name.endswith((".safetensors", ".py", ".xml"))]
    assert len(capsys.readouterr().out.splitlines()) == len(there)
    np.testing.assert_array_equal(pixels("new/samples/astronaut.png"), seglib.sample_frame())
    assert main(["samples", "new/samples", "--quiet"]) == 0, "the same files are no reason to complain"
    Path("new/samples/clip.mp4").write_bytes(b"mine")
    assert main(["samples", "new/samples", "--quiet"]) == 1
    assert Path("new/samples/clip.mp4").read_bytes() == b"mine"
    assert main(["samples", "new/samples", "--quiet", "--force"]) == 0
    assert Path("new/samples/clip.mp4").stat().st_size > 1000


def test_with_the_real_model_people_stay_sharp_and_a_warning_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(BatchOptions, "load_model", load_real_model)
    assert main(["blur", "photo.jpg", "out.png", "--keep", "person,cat"]) == 0
    (warning,) = capsys.readouterr().err.splitlines()
    assert "cat" in warning
    change = np.abs(pixels("out.png") - pixels("photo.jpg")).mean(axis=2)
    assert np.median(change[seglib.sample_mask() > 0.99]) == 0
    assert change[seglib.sample_mask() < 0.01].mean() > 4
