"""The command line: ``python -m seglib blur talk.mp4 blurred.mp4``."""

from __future__ import annotations  # so that the doctor can tell users of an old Python about it

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from seglib import __version__
from seglib.errors import UsageError

_FILES = """\
SRC: videos, pictures, or folders of them.
DST: with one SRC, a file (.mp4, .mov, .webm; for a picture .png or .jpg). With several, or if DST is an existing
folder or ends in a slash, a folder, in which every file keeps its name.
A file is called NAME.unfinished.mp4 until it is whole. Ctrl-C ends that file where it is, playable, and leaves it
under that name; with --skip-existing a second run then makes what is still missing.
With --scheduler all machines must find the files under the same paths; Ctrl-C cancels what waits, and the workers
finish what they are at.
Exit code: 0 all done, 1 a file failed (the others are still made), 2 wrong arguments, 130 stopped by Ctrl-C."""

_CUTOUT = """\
An .mp4 file has no transparency. A video becomes a .webm file (VP9 with alpha), or if DST is a new name without an
ending, a folder of PNG pictures, one for every frame, without sound. With several SRC, --codec png makes such a folder
of each. A picture becomes a .png file."""

_BENCH = """\
Walks frames from the source to a JPEG, one after the other, and says how long each stage takes; then walks them with
the stages side by side, as videos are made, and says how many come in a second; then does what the article's own loop
does, so that the report says how many times as fast this is. A model whose weights are not on
this machine is measured with random ones, which take as long. Other programs that are at work make all of it slower.
Resizing frames to --size is not counted in the stages. With --article 0 the article's loop is left out."""

_DOCTOR = """\
Each line says ok, warning (it works, but something is lost) or problem (something does not work).
Exit code: 0 ready, perhaps with warnings, 1 a problem."""

_BUNDLE = """\
DIR gets packages, weights, notebooks, samples, an installer, and START_HERE.html, which says what to do.
It needs a network and the project's folder, and takes 3.2 GB on Linux, less elsewhere. What was fetched is not
fetched again. Packages are for this system and this Python; run it on other systems with the same DIR to add theirs.
PyTorch's small CPU build: install that first, then use --as-installed, and tell pip where it comes from in the same
way as then, for instance with the environment variable PIP_EXTRA_INDEX_URL or PIP_FIND_LINKS.
Exit code: 0 done, 1 something could not be had, 2 wrong arguments."""

_EXAMPLES = {
    "": """\
  seglib demo
  seglib blur talk.mp4 blurred.mp4
  seglib substitute talk.mp4 beach.mp4 --background beach.jpg
  seglib blur lectures/ blurred/ --skip-existing""",
    "blur": """\
  seglib blur talk.mp4 blurred.mp4
  seglib blur talk.mp4 small.webm --sigma 20 --crf 40
  seglib blur monday.mp4 tuesday.mkv photo.jpg blurred/
  seglib blur lectures/ blurred/ --skip-existing --scheduler tcp://10.0.0.5:8786""",
    "substitute": """\
  seglib substitute talk.mp4 beach.mp4 --background beach.jpg
  seglib substitute talk.mp4 sea.mp4 --background waves.mp4 --end hold
  seglib substitute talk.mp4 green.mp4 --background "#00b140"
  seglib substitute photo.jpg dusk.png --background navy,orange
  seglib substitute cat.mp4 moon.mp4 --background moon.png --keep person,cat --model deeplabv3_resnet50""",
    "mask": """\
  seglib mask talk.mp4 matte.mp4
  seglib mask photos/ masks/""",
    "cutout": """\
  seglib cutout talk.mp4 talk.webm
  seglib cutout talk.mp4 pictures
  seglib cutout monday.mp4 tuesday.mp4 cut/ --codec png
  seglib cutout photo.jpg photo.png""",
    "models": "  seglib models",
    "fetch": "  seglib fetch deeplabv3_resnet101 lraspp_mobilenet_v3_large",
    "samples": "  seglib samples samples/",
    "demo": "  seglib demo --out out --frames 30",
    "bench": """\
  seglib bench
  seglib bench --size 1280x720 --effect substitute --picture stages.png
  seglib bench --model deeplabv3_resnet101 --sees 192 --precision half --frames 20
  seglib bench --json --article 0 > bench.json""",
    "doctor": """\
  seglib doctor
  seglib doctor --camera
  seglib doctor --json > report.json""",
    "bundle": """\
  seglib bundle stick
  seglib bundle stick --python python3.12 --python python3.13
  seglib bundle stick --as-installed""",
}


# command -> the module and function that do it: function(options) -> exit code. Imported when it is asked for, since
# --help should not wait for PyTorch.
_RUN = {
    "blur": "commands.make_files",
    "substitute": "commands.make_files",
    "cutout": "commands.make_files",
    "mask": "commands.make_files",
    "models": "commands.list_models",
    "fetch": "commands.fetch_weights",
    "samples": "commands.copy_samples",
    "demo": "demo.run_command",
    "bench": "bench.command.run_command",
    "doctor": "doctor.command.run_command",
    "bundle": "bundle.run_command",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    module, _, function = _RUN[options.command].rpartition(".")
    try:
        return int(getattr(import_module(f"seglib.{module}"), function)(options))
    except UsageError as error:
        print(f"seglib {options.command}: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"seglib: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; nothing unfinished was left behind", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    text = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="seglib",
        description="Blur or replace the background behind people, in whole videos.",
        epilog=f"examples:\n{_EXAMPLES['']}\n\nseglib COMMAND --help tells more.",
        formatter_class=text,
    )
    parser.add_argument("--version", action="version", version=f"seglib {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name: str, summary: str, more: str = "") -> argparse.ArgumentParser:
        epilog = "\n\n".join(filter(None, [more, f"examples:\n{_EXAMPLES[name]}"]))
        return commands.add_parser(name, help=summary, description=summary, epilog=epilog, formatter_class=text)

    blur = add("blur", "blur the background", _FILES)
    blur.add_argument("--sigma", type=float, metavar="PIXELS", help="how strongly (a 60th of the height)")
    _add_file_options(blur)
    substitute = add("substitute", "show another background", _FILES)
    substitute.add_argument(
        "--background", required=True, metavar="X", help="a picture, a video, a colour, or two with a comma between"
    )
    substitute.add_argument(
        "--fit", choices=("cover", "contain", "stretch"), default="cover", help="how to fit a file (%(default)s)"
    )
    substitute.add_argument(
        "--end", choices=("loop", "hold"), default="loop", help="what follows a background video (%(default)s)"
    )
    _add_file_options(substitute)
    cutout = add("cutout", "the person alone, with transparency around, for use in an editor", f"{_FILES}\n\n{_CUTOUT}")
    _add_file_options(cutout, codecs=("vp9", "png"))
    mask = add("mask", "show the mask itself, white where the frame would be kept, for use in an editor", _FILES)
    _add_file_options(mask)
    add("models", "list the models, their sizes and what they find")
    fetch = add("fetch", "download the weights of models, so that later runs need no network")
    fetch.add_argument("names", nargs="+", metavar="NAME", help="as listed by: seglib models")
    fetch.add_argument("--quiet", action="store_true", help="no progress bar")
    samples = add("samples", "copy the recorded frames, masks, clip and backgrounds into a folder")
    samples.add_argument("folder", type=Path, metavar="DIR", help="made if need be")
    samples.add_argument("--force", action="store_true", help="replace other files of the same names")
    samples.add_argument("--quiet", action="store_true", help="say nothing but what fails")
    demo = add("demo", "blur and replace the recorded clip, without a browser or a screen")
    demo.add_argument(
        "--out", type=Path, default=Path("out"), metavar="FOLDER", help="where the files go (%(default)s)"
    )
    demo.add_argument("--frames", type=_positive, metavar="N", help="only the first N frames of the clip")
    _add_bench_options(add("bench", "measure how fast this machine is, stage by stage, and beside the article", _BENCH))
    doctor = add("doctor", "look whether this machine is ready, and say what mends it", _DOCTOR)
    doctor.add_argument("--camera", action="store_true", help="also open every camera and read a picture")
    doctor.add_argument("--json", action="store_true", help="for scripts")
    bundle = add("bundle", "put all that a room without a network needs into a folder, for a USB stick", _BUNDLE)
    bundle.add_argument("folder", type=Path, metavar="DIR", help="new, empty, or a bundle to bring up to date")
    bundle.add_argument(
        "--python",
        action="append",
        metavar="PROGRAM",
        help="fetch packages for this Python; may be given several times",
    )
    bundle.add_argument(
        "--as-installed",
        action="store_true",
        help="packages in the versions that are installed, not of constraints.txt",
    )
    return parser


def _add_file_options(parser: argparse.ArgumentParser, codecs: Sequence[str] = ("h264", "vp9")) -> None:
    parser.add_argument("sources", nargs="+", metavar="SRC", help="what to read")
    parser.add_argument("target", metavar="DST", help="what to write")
    parser.add_argument("--model", default="portrait", metavar="NAME", help="as listed by: seglib models (%(default)s)")
    parser.add_argument("--device", metavar="NAME", help="where the model runs: cpu, cuda, mps (the fastest there is)")
    parser.add_argument(
        "--runtime", choices=("auto", "openvino", "torch"), default="auto", help="who runs the model (%(default)s)"
    )
    parser.add_argument(
        "--precision",
        choices=("single", "half"),
        help="compute in 32 bits, or in 16, faster and a little less exact, where the device can (half on CUDA only)",
    )
    parser.add_argument("--keep", default="person", metavar="A,B", help="the classes to keep (%(default)s)")
    parser.add_argument("--crf", type=int, metavar="N", help="quality; lower is better and larger (h264 20, vp9 32)")
    parser.add_argument("--codec", choices=codecs, help="the ending of DST decides; in a folder this does")
    parser.add_argument("--no-steady", dest="steady", action="store_false", help="do not smooth masks over time")
    parser.add_argument("--keep-broken", action="store_true", help="of a damaged video keep what is before the break")
    exclusive = parser.add_mutually_exclusive_group()
    exclusive.add_argument("--force", action="store_true", help="replace files that exist")
    exclusive.add_argument("--skip-existing", action="store_true", help="make only what does not exist yet")
    parser.add_argument("--quiet", action="store_true", help="say nothing but what fails")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="let the workers of this Dask cluster do it")


def _add_bench_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default="portrait", metavar="NAME", help="as listed by: seglib models (%(default)s)")
    parser.add_argument("--size", type=_size, metavar="WxH", help="of the frames, as in 1280x720 (as they come)")
    parser.add_argument("--effect", choices=("blur", "substitute", "none"), default="blur", help="(%(default)s)")
    parser.add_argument("--source", default="clip", metavar="X", help="a video, a camera's number, clip (%(default)s)")
    parser.add_argument("--frames", type=_positive, default=150, metavar="N", help="how many (%(default)s)")
    parser.add_argument("--device", metavar="X", help="cpu, cuda or mps (what load_model takes by itself)")
    parser.add_argument("--runtime", choices=("auto", "openvino", "torch"), default="auto", help="(%(default)s)")
    parser.add_argument("--precision", choices=("single", "half"), help="32 or 16 bits (what load_model takes)")
    parser.add_argument("--sees", type=_positive, metavar="N", help="what the network sees: load_model's size")
    parser.add_argument(
        "--article", type=int, default=2, metavar="N", help="frames of the article's loop (%(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw the stages into a .png or .jpg")


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    return _positive(width), _positive(height)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
