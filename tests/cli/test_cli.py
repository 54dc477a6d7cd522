"""python -m seglib: which file becomes which, what is said, and the exit codes that scripts use."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from films import make_film
from PIL import Image

import seglib
from seglib.__main__ import _parser, main
from seglib.cli import batch
from seglib.cli.batch import Settings, Task, load_once
from seglib.cli.paths import plan
from seglib.images import write_image


class LeftHalf:
    """Stands in for a model: keeps the left half of every frame. stop_at: frame at which Ctrl-C is pressed."""

    batch = 1
    stop_at: int | None = None

    def __init__(self) -> None:
        self.frames = 0

    def masks(self, frames: list[np.ndarray], keep: object, size: object = None) -> np.ndarray:
        self.frames += 1
        if self.frames == self.stop_at:
            raise KeyboardInterrupt
        masks = np.zeros((len(frames), *frames[0].shape[:2]), np.float32)
        masks[:, :, : masks.shape[2] // 2] = 1
        return masks

    def mask(self, frame: np.ndarray, keep: object, size: object = None) -> np.ndarray:
        return self.masks([frame], keep)[0]


@pytest.fixture(autouse=True)
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LeftHalf:
    fake = LeftHalf()
    monkeypatch.setattr(batch, "load_once", lambda *how: fake)
    monkeypatch.setattr("seglib.cli.commands.load_once", lambda *how: fake)
    monkeypatch.chdir(tmp_path)
    make_film(tmp_path / "talk.mp4")
    write_image(tmp_path / "photo.jpg", seglib.sample_frame())
    return fake


def frames_of(path: Path | str) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def listing(folder: str = ".") -> list[str]:
    return sorted(os.listdir(folder))


# ---- what is made ------------------------------------------------------------------------------------------


def test_a_video_is_blurred_where_the_mask_does_not_keep_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["blur", "talk.mp4", "out.mp4", "--sigma", "30", "--crf", "4"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"wrote {Path('out.mp4').resolve()}: 15 frames, 0.5 s, no sound, ")
    assert err == ""
    before, after = frames_of("talk.mp4"), frames_of("out.mp4")
    assert len(after) == 15
    for frame, output in zip(before, after, strict=True):
        assert np.abs(frame.astype(int) - output)[:, :48].mean() < 3
        assert (output[:, 80:].std(axis=(0, 1)) < frame[:, 80:].std(axis=(0, 1)) / 1.5).all()
    assert listing() == ["out.mp4", "photo.jpg", "talk.mp4"]


def test_substitute_takes_colours_gradients_and_pictures() -> None:
    assert main(["substitute", "talk.mp4", "red.mp4", "--background", "red", "--crf", "4"]) == 0
    assert np.abs(frames_of("red.mp4")[3][:, 80:].astype(int) - (255, 0, 0)).mean() < 6
    assert main(["substitute", "photo.jpg", "g.png", "--background", "#000080,white"]) == 0
    with Image.open("g.png") as picture:
        column = np.asarray(picture)[:, -1].astype(int)
    assert np.abs(column[0] - (0, 0, 128)).max() < 3
    assert column[-1].min() > 250
    Image.new("RGB", (10, 40), "lime").save("lime.png")
    assert main(["substitute", "photo.jpg", "bars.png", "--background", "lime.png", "--fit", "contain"]) == 0
    with Image.open("bars.png") as picture:
        right = np.asarray(picture)[:, 330:].astype(int)
    assert right[:, -1].max() == 0, "a bar"
    assert (right[:, 40] == (0, 255, 0)).all()


def flat(number: int) -> np.ndarray:
    return np.full((48, 64, 3), 40 * number, np.uint8)


@pytest.mark.parametrize(("end", "last"), [("loop", 40), ("hold", 160)])
def test_a_video_can_be_the_background(end: str, last: int) -> None:
    make_film(Path("waves.mp4"), count=5, draw=flat)  # 0, 40 … 160
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
    assert listing("masks") == ["photo.png"]
    with Image.open("masks/photo.png") as picture:
        mask = np.asarray(picture)
    assert mask[100, 10].tolist() == [255] * 3
    assert mask[100, -10].tolist() == [0] * 3


def test_a_cut_out_goes_to_a_webm_file_to_pictures_or_to_a_picture() -> None:
    assert main(["cutout", "talk.mp4", "talk.webm"]) == 0
    with av.open("talk.webm") as container:
        assert container.streams.video[0].metadata["alpha_mode"] == "1"
    assert main(["cutout", "talk.mp4", "cut"]) == 0
    assert listing("cut") == [f"{number:06}.png" for number in range(1, 16)]
    assert main(["cutout", "photo.jpg", "photo.png"]) == 0
    for name in ("cut/000003.png", "photo.png"):
        with Image.open(name) as picture:
            alpha = np.asarray(picture.convert("RGBA"))[..., 3]
        assert alpha[:, 10].min() == 255
        assert alpha[:, -10].max() == 0
    assert listing() == ["cut", "photo.jpg", "photo.png", "talk.mp4", "talk.webm"]


def test_older_pictures_are_replaced_with_force_only(capsys: pytest.CaptureFixture[str]) -> None:
    Path("cut").mkdir()
    Path("cut/000077.png").touch()
    assert main(["cutout", "talk.mp4", "cut"]) == 1
    assert "--force replaces it" in capsys.readouterr().err
    assert main(["cutout", "talk.mp4", "cut", "--skip-existing"]) == 0
    assert listing("cut") == ["000077.png"]
    assert main(["cutout", "talk.mp4", "cut", "--force"]) == 0
    assert listing("cut") == [f"{number:06}.png" for number in range(1, 16)]
    Path("thesis").mkdir()
    Path("thesis/talk").mkdir()
    Path("thesis/talk/notes.txt").touch()
    assert main(["cutout", "talk.mp4", "thesis/", "--codec", "png", "--force"]) == 1
    assert "holds notes.txt" in capsys.readouterr().err
    assert listing("thesis/talk") == ["notes.txt"]


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


def test_the_options_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[object, dict[str, object]]] = []

    def process(src: Path, dst: Path, effect: object, **options: object) -> object:
        seen.append((effect, options))
        dst.write_bytes(b"made")
        return seglib.VideoReport(dst, 1, 1.0, 1.0, True, "none")

    monkeypatch.setattr(batch, "process_video", process)
    line = "--sigma 3 --keep person,cat --model fcn_resnet50 --crf 30 --codec vp9 --no-steady --keep-broken"
    assert main(["blur", "talk.mp4", "a.webm", *line.split()]) == 0
    assert main(["blur", "talk.mp4", "b.mp4"]) == 0
    (effect, given), (usual, defaults) = seen
    assert effect == seglib.Blur(3)
    assert usual == seglib.Blur()
    assert {name: given[name] for name in ("keep", "crf", "codec", "steady", "keep_broken")} == {
        "keep": ("person", "cat"),
        "crf": 30,
        "codec": "vp9",
        "steady": False,
        "keep_broken": True,
    }
    assert (defaults["keep"], defaults["crf"], defaults["steady"]) == (("person",), None, True)


@pytest.mark.parametrize("command", ["blur", "substitute --background red", "cutout", "mask"])
def test_how_the_model_shall_run_arrives(command: str, model: LeftHalf, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[tuple[object, ...]] = set()

    def load(*how: object) -> LeftHalf:
        asked.add(how)
        return model

    monkeypatch.setattr(batch, "load_once", load)
    monkeypatch.setattr("seglib.cli.commands.load_once", load)
    name, *options = command.split()
    chosen = ["--device", "cpu", "--runtime", "torch", "--precision", "half"]
    assert main([name, "photo.jpg", "a.png", *options, *chosen]) == 0
    assert asked == {("portrait", "cpu", "torch", "half")}, "once for all, in the same words, or it is loaded twice"
    asked.clear()
    assert main([name, "talk.mp4", "b.webm", *options]) == 0
    assert asked == {("portrait", None, "auto", None)}


def test_the_model_computes_in_the_numbers_asked_for() -> None:
    for asked in ("single", "half"):
        model = seglib.load_model(runtime="openvino", precision=asked)
        assert load_once("portrait", None, "openvino", asked).precision == model.precision
    load_once.cache_clear()


# ---- which file becomes which ------------------------------------------------------------------------------


def names(tasks: list[Task]) -> dict[str, str]:
    here = Path.cwd()
    return {str(task.src.relative_to(here)): str(task.dst.relative_to(here)) for task in tasks}


def test_several_sources_go_into_a_folder_with_endings_that_can_be_written() -> None:
    for name in ("b.mkv", "c.avi", "d.webm", "e.mov", "f.m4v"):
        Path(name).touch()
    Image.new("RGB", (4, 4)).save("g.bmp")
    sources = ["talk.mp4", "b.mkv", "c.avi", "d.webm", "e.mov", "f.m4v", "photo.jpg", "g.bmp"]
    expected = ["talk.mp4", "b.mp4", "c.mp4", "d.webm", "e.mov", "f.m4v", "photo.jpg", "g.png"]
    planned = names(plan(sources, "out", Settings()))
    assert planned == {source: f"out/{name}" for source, name in zip(sources, expected, strict=True)}
    assert names(plan(["talk.mp4", "b.mkv"], "out", Settings(codec="vp9"))) == {
        "talk.mp4": "out/talk.webm",
        "b.mkv": "out/b.webm",
    }
    assert names(plan(["d.webm"], "out/", Settings(codec="h264"))) == {"d.webm": "out/d.mp4"}
    cut = Settings("cutout")
    assert names(plan(["talk.mp4", "photo.jpg"], "out", cut)) == {
        "talk.mp4": "out/talk.webm",
        "photo.jpg": "out/photo.png",
    }
    Path("talk.v2.mp4").touch()
    assert names(plan(["talk.mp4", "talk.v2.mp4"], "out", Settings("cutout", codec="png"))) == {
        "talk.mp4": "out/talk",
        "talk.v2.mp4": "out/talk_v2",
    }


def test_one_source_goes_to_a_file_or_into_a_folder() -> None:
    Path("there").mkdir()
    assert names(plan(["talk.mp4"], "a.mp4", Settings())) == {"talk.mp4": "a.mp4"}
    assert names(plan(["talk.mp4"], "there", Settings())) == {"talk.mp4": "there/talk.mp4"}
    assert names(plan(["talk.mp4"], "new/", Settings())) == {"talk.mp4": "new/talk.mp4"}


def test_a_folder_stands_for_the_videos_and_pictures_in_it() -> None:
    Path("in/deeper").mkdir(parents=True)
    for name in ("b.mp4", "a.MKV", "notes.txt", ".hidden.mp4", "b.unfinished.mp4", "deeper/c.mp4"):
        Path("in", name).touch()
    assert names(plan(["in"], "out", Settings())) == {"in/a.MKV": "out/a.mp4", "in/b.mp4": "out/b.mp4"}
    assert names(plan(["in", "talk.mp4"], "in/deeper", Settings()))["talk.mp4"] == "in/deeper/talk.mp4"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("blur talk.mp4 talk.mkv out/", "would both become"),
        ("blur talk.mp4 sub/TALK.mp4 out/", "would both become"),
        ("blur talk.mp4 photo.jpg out.mp4", "cannot be made of several files; name a folder"),
        ("blur sub out.mp4", "cannot be made of several files"),
        ("blur empty out/", "holds no video and no picture"),
        ("blur talk.mp4 out", "must end in one of .mp4"),
        ("blur talk.mp4 out.avi", "must end in one of .mp4"),
        ("blur talk.mp4 talk.mp4", "is one of the sources itself"),
        ("blur talk.mp4 talk.mp4 --force", "is one of the sources itself"),
        ("blur talk.mp4 . --force", "is one of the sources itself"),
        ("blur talk.mp4 out.mp4 --codec vp9", "vp9"),
        ("blur talk.mp4 out.mp4 --crf 52", "crf is 52"),
        ("blur talk.mp4 out.mp4 --sigma 0", "sigma is 0"),
        ("blur talk.mp4 out.mp4 --keep persn", "person"),
        ("blur talk.mp4 out.mp4 --model portrat", "portrait"),
        ("cutout talk.mp4 out.mp4", "cannot hold transparency"),
        ("cutout talk.mp4 out --crf 20", "codec and crf are for video files"),
        ("cutout talk.mp4 out.webm --codec png", "codec is 'png', but .webm holds vp9"),
        ("substitute talk.mp4 out.mp4 --background beach.jpg", "does not exist"),
        ("substitute talk.mp4 out.mp4 --background nawy", "did you mean navy"),
        ("fetch deeplab", "unknown model 'deeplab'"),
    ],
)
def test_what_does_not_go_together_is_told_before_anything_is_done(
    line: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("talk.mkv", "sub/TALK.mp4"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    Path("empty").mkdir()
    before = listing()
    assert main(line.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"seglib {line.split()[0]}: ")
    assert len(err.splitlines()) == 1
    assert words in err
    assert listing() == before


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("blur talk.mp4", "required: DST"),
        ("substitute talk.mp4 out.mp4", "required: --background"),
        ("substitute talk.mp4 out.mp4 --background red --fit crop", "invalid choice: 'crop'"),
        ("blur talk.mp4 out.mp4 --force --skip-existing", "not allowed with"),
        ("blur talk.mp4 out.mp4 --crf good", "invalid int value: 'good'"),
        ("fetch", "required: NAME"),
    ],
)
def test_argparse_refuses_the_rest(line: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(line.split())
    assert caught.value.code == 2
    assert words in capsys.readouterr().err


def test_without_dask_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main(["blur", "talk.mp4", "out.mp4", "--scheduler", "tcp://127.0.0.1:8786"]) == 2
    assert '-e ".[cluster]"' in capsys.readouterr().err


# ---- failures, and files that are there already ------------------------------------------------------------


def test_one_failure_does_not_keep_the_others_from_being_made(capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.mp4").write_bytes(b"no video at all")
    assert main(["blur", "bad.mp4", "nowhere.mp4", "talk.mp4", "photo.jpg", "out"]) == 1
    out, err = capsys.readouterr()
    assert [line.split()[:2] for line in out.splitlines()] == [["[3/4]", "wrote"], ["[4/4]", "wrote"]]
    lines = err.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("seglib: [1/4] ")
    assert "bad.mp4" in lines[0]
    assert f"{Path('nowhere.mp4').resolve()} does not exist" in lines[1]
    assert lines[2] == "seglib: 2 of 4 files failed"
    assert listing("out") == ["photo.jpg", "talk.mp4"]


def test_a_picture_does_not_become_a_video(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["blur", "photo.jpg", "photo.mp4"]) == 1
    assert "is a picture, so" in capsys.readouterr().err
    assert listing() == ["photo.jpg", "talk.mp4"]


def test_nothing_is_overwritten_without_force(capsys: pytest.CaptureFixture[str]) -> None:
    Path("out.mp4").write_bytes(b"mine")
    assert main(["blur", "talk.mp4", "out.mp4"]) == 1
    assert "exists; --force replaces it, --skip-existing leaves it" in capsys.readouterr().err
    assert Path("out.mp4").read_bytes() == b"mine"
    assert main(["blur", "talk.mp4", "out.mp4", "--force"]) == 0
    assert len(frames_of("out.mp4")) == 15


def test_a_failed_force_keeps_the_old_file() -> None:
    Path("out.mp4").write_bytes(b"mine")
    Path("bad.mp4").write_bytes(b"no video at all")
    assert main(["blur", "bad.mp4", "out.mp4", "--force"]) == 1
    assert Path("out.mp4").read_bytes() == b"mine"


def test_a_folder_that_cannot_be_made_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("mine")
    assert main(["blur", "talk.mp4", "file/below/out.mp4"]) == 1
    assert main(["samples", "file/below"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all("file" in line for line in lines)


def test_quiet_says_nothing_but_failures(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["blur", "talk.mp4", "nowhere.mp4", "out/", "--quiet"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 2


# ---- Ctrl-C and going on -----------------------------------------------------------------------------------


def test_an_interrupt_leaves_a_playable_file_under_another_name_and_a_second_run_goes_on(
    model: LeftHalf, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        make_film(Path(name))
    model.stop_at = 15 + 6
    assert main(["blur", "a.mp4", "b.mp4", "c.mp4", "out"]) == 130
    out, err = capsys.readouterr()
    assert "a.mp4: 15 frames" in out
    lines = err.splitlines()
    assert "b.unfinished.mp4 holds the first 5 frames" in lines[0]
    assert lines[1] == "seglib: 1 of 3 files are done; --skip-existing goes on from there"
    assert listing("out") == ["a.mp4", "b.unfinished.mp4"]
    assert len(frames_of("out/b.unfinished.mp4")) == 5

    first = Path("out/a.mp4").stat().st_mtime_ns
    assert main(["blur", "a.mp4", "b.mp4", "c.mp4", "out", "--skip-existing"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["[1/2]", "[2/2]"]
    assert listing("out") == ["a.mp4", "b.mp4", "c.mp4"]
    assert [len(frames_of(f"out/{name}")) for name in listing("out")] == [15] * 3
    assert Path("out/a.mp4").stat().st_mtime_ns == first
    assert main(["blur", "a.mp4", "b.mp4", "c.mp4", "out", "--skip-existing"]) == 0
    assert capsys.readouterr() == ("", "")


def test_an_interrupt_keeps_an_older_output(model: LeftHalf) -> None:
    Path("out.mp4").write_bytes(b"of last week")
    model.stop_at = 8
    assert main(["blur", "talk.mp4", "out.mp4", "--force"]) == 130
    assert Path("out.mp4").read_bytes() == b"of last week"
    assert len(frames_of("out.unfinished.mp4")) == 7


# ---- the small commands ------------------------------------------------------------------------------------


def test_models_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:-1]] == [row["name"] for row in seglib.model_table()]
    assert lines[2].split() == ["deeplabv3_resnet101", "245", "MB", "21", "67.4"]


def test_fetch_says_where_the_weights_are_or_how_to_get_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fetch", "portrait"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("portrait: ")
    assert Path(said.split(": ", 1)[1].strip()).is_file()
    assert main(["fetch", "fcn_resnet50", "portrait"]) == 1, "the tests are offline"
    out, err = capsys.readouterr()
    assert out.startswith("portrait: ")
    assert "fcn_resnet50_coco-1167a1af.pth" in err
    assert "SEGLIB_OFFLINE" in err


def test_fetch_hands_on_address_and_size(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    calls: list[tuple[str, dict[str, object]]] = []

    def find(url: str, **options: object) -> Path:
        calls.append((url, options))
        return Path("/there/weights.pth")

    monkeypatch.setattr("seglib.cli.commands.weights_file", find)
    assert main(["fetch", "fcn_resnet50", "--quiet"]) == 0
    assert capsys.readouterr().out == f"fcn_resnet50: {Path('/there/weights.pth')}\n"
    ((url, options),) = calls
    assert url == "https://download.pytorch.org/models/fcn_resnet50_coco-1167a1af.pth"
    assert options["progress"] is False
    assert options["megabytes"] == pytest.approx(141.6, abs=1)


def test_weights_that_are_missing_are_told_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("seglib.cli.commands.load_once", load_once)
    assert main(["blur", "talk.mp4", "photo.jpg", "out/", "--model", "fcn_resnet50"]) == 1
    assert capsys.readouterr().err.count("is not available") == 1
    assert listing() == ["photo.jpg", "talk.mp4"]


def test_a_device_that_is_not_there_is_a_wrong_argument(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("seglib.cli.commands.load_once", load_once)
    assert main(["blur", "talk.mp4", "out.mp4", "--device", "tpu"]) == 2
    assert "device 'tpu' is not on this machine" in capsys.readouterr().err
    assert main(["blur", "talk.mp4", "out.mp4", "--device", "cpu"]) == 0


def test_samples_are_copied_and_nothing_of_mine_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["samples", "new/samples"]) == 0
    there = listing("new/samples")
    assert {"astronaut.png", "astronaut_mask.png", "clip.mp4", "background_beach.jpg", "README.md"} <= set(there)
    assert not [name for name in there if name.endswith((".safetensors", ".py"))]
    assert len(capsys.readouterr().out.splitlines()) == len(there)
    with Image.open("new/samples/astronaut.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), seglib.sample_frame())
    assert main(["samples", "new/samples"]) == 0, "the same files are no reason to complain"
    Path("new/samples/clip.mp4").write_bytes(b"mine")
    assert main(["samples", "new/samples"]) == 1
    assert Path("new/samples/clip.mp4").read_bytes() == b"mine"
    assert main(["samples", "new/samples", "--force"]) == 0
    assert len(frames_of("new/samples/clip.mp4")) > 100


@pytest.mark.parametrize("command", ["", "blur", "substitute", "cutout", "mask", "models", "fetch", "samples", "demo"])
def test_help_has_examples_and_every_one_of_them_is_understood(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*command.split(), "--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    examples = [line.strip() for line in shown.partition("examples:")[2].splitlines() if line.startswith("  seglib ")]
    assert examples
    for example in examples:
        arguments = shlex.split(example)[1:]
        assert _parser().parse_args(arguments).command == arguments[0]
        assert command in ("", arguments[0])


def test_with_the_real_model_people_stay_sharp_and_a_warning_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(batch, "load_once", load_once)
    assert main(["blur", "photo.jpg", "out.png", "--keep", "person,cat"]) == 0
    assert capsys.readouterr().err == "seglib: portrait knows only background, person; it will find no cat\n"
    with Image.open(tmp_path / "out.png") as picture:
        output = np.asarray(picture).astype(int)
    with Image.open(tmp_path / "photo.jpg") as picture:
        change = np.abs(output - np.asarray(picture)).mean(axis=2)
    assert np.median(change[seglib.sample_mask() > 0.99]) == 0
    assert change[seglib.sample_mask() < 0.01].mean() > 4
