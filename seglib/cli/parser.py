"""The arguments of ``python -m seglib`` and their help texts."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from seglib import __version__

_FILES = """\
SRC: videos, pictures, or folders of them.
DST: with one SRC, a file (.mp4, .mov, .webm; for a picture .png or .jpg). With several, or if DST is an existing
folder or ends in a slash, a folder, in which every file keeps its name.
While a file is written, its name is NAME.unfinished.mp4. Ctrl-C ends that file early; it is playable and keeps that
name. With --skip-existing a second run makes only the files that are still missing.
With --scheduler all machines must find the files under the same paths. Ctrl-C cancels the files that wait; the workers
finish those that they have begun.
Exit code: 0 all done, 1 a file failed (the others are still made), 2 wrong arguments, 130 stopped by Ctrl-C."""

_CUTOUT = """\
An .mp4 file has no transparency. A video becomes a .webm file (VP9 with alpha) or, if DST is a new name without an
extension, a folder of PNG pictures, one per frame, without sound. With several SRC, --codec png makes such a folder of
each. A picture becomes a .png file."""

_BENCH = """\
Takes frames from the source to a JPEG, one after the other, and reports how long each stage takes; then overlaps the
stages, as videos are made, and reports the frames per second; then runs the loop of the article, and reports how many
times as fast seglib is. A model whose weights are not on this machine runs with random weights, which take as long.
Other programs that run at the same time make everything slower. Resizing the frames to --size is not counted.
--article 0 skips the article's loop."""

_DOCTOR = """\
Each line says ok, warning (it works, with a disadvantage) or problem (something does not work).
Exit code: 0 ready, perhaps with warnings, 1 a problem."""

_PROGRESS = """\
Reads what the checks printed in the notebooks as they were last saved; nothing is run. An exercise is right, wrong,
untouched (its cell is as it came) or never run.
DIR: the folder of the notebooks; without one, the current folder or its notebooks/. With several, one line for each."""

_BUNDLE = """\
DIR receives packages, weights, notebooks, samples, an installer, and START_HERE.html with the instructions.
This needs a network, the project's folder, and 3.2 GB on Linux, less on other systems. Files that were downloaded
before are not downloaded again. The packages are for this system and this Python; run the command on other systems
with the same DIR to add theirs.
For PyTorch's smaller CPU build, install it first, then use --as-installed and tell pip where the build comes from as
you did then, for instance in the environment variable PIP_EXTRA_INDEX_URL or PIP_FIND_LINKS.
Exit code: 0 done, 1 something could not be downloaded, 2 wrong arguments."""

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
    "cutout": """\
  seglib cutout talk.mp4 talk.webm
  seglib cutout talk.mp4 pictures
  seglib cutout monday.mp4 tuesday.mp4 cut/ --codec png
  seglib cutout photo.jpg photo.png""",
    "mask": """\
  seglib mask talk.mp4 matte.mp4
  seglib mask photos/ masks/""",
    "models": "  seglib models",
    "fetch": "  seglib fetch deeplabv3_resnet101 lraspp_mobilenet_v3_large",
    "samples": "  seglib samples samples/",
    "demo": "  seglib demo --out out --frames 30",
    "bench": """\
  seglib bench
  seglib bench --size 1280x720 --effect substitute --picture stages.png
  seglib bench --model deeplabv3_resnet101 --input-size 192 --precision half --frames 20
  seglib bench --json --article 0 > bench.json""",
    "doctor": """\
  seglib doctor
  seglib doctor --camera
  seglib doctor --json > report.json""",
    "progress": """\
  seglib progress
  seglib progress /home/*/seglib/notebooks
  seglib progress --json > progress.json""",
    "bundle": """\
  seglib bundle stick
  seglib bundle stick --python python3.12 --python python3.13
  seglib bundle stick --as-installed""",
}


def make_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; ``options.command`` is the name of the command."""
    parser = argparse.ArgumentParser(
        prog="seglib",
        description="Blur or replace the background behind people, in whole videos.",
        epilog=f"examples:\n{_EXAMPLES['']}\n\nseglib COMMAND --help explains a command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"seglib {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name: str, summary: str, more: str = "") -> argparse.ArgumentParser:
        epilog = "\n\n".join(filter(None, [more, f"examples:\n{_EXAMPLES[name]}"]))
        return commands.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    blur = add("blur", "blur the background", _FILES)
    blur.add_argument("--sigma", type=float, metavar="PIXELS", help="strength of the blur (a 60th of the height)")
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
    _add_file_options(
        add("cutout", "the person alone, with transparency around, for an editor", f"{_FILES}\n\n{_CUTOUT}"),
        codecs=("vp9", "png"),
    )
    _add_file_options(add("mask", "the mask itself, white where the frame is kept, for an editor", _FILES))
    add("models", "list the models, their sizes and the number of their classes")
    fetch = add("fetch", "download the weights of models, so that later runs need no network")
    fetch.add_argument("names", nargs="+", metavar="NAME", help="as listed by: seglib models")
    fetch.add_argument("--quiet", action="store_true", help="no progress bar")
    samples = add("samples", "copy the recorded frames, masks, clip and backgrounds into a folder")
    samples.add_argument("folder", type=Path, metavar="DIR", help="created if it does not exist")
    samples.add_argument("--force", action="store_true", help="replace other files of the same names")
    samples.add_argument("--quiet", action="store_true", help="print errors only")
    demo = add("demo", "blur and replace the recorded clip, without a browser or a screen")
    demo.add_argument("--out", type=Path, default=Path("out"), metavar="DIR", help="where files go (%(default)s)")
    demo.add_argument("--frames", type=_positive, metavar="N", help="only the first N frames of the clip")
    _add_bench_options(add("bench", "measure how fast this machine is, stage by stage, against the article", _BENCH))
    doctor = add("doctor", "check whether this machine is ready, and say how to fix what is not", _DOCTOR)
    doctor.add_argument("--camera", action="store_true", help="also open every camera and read a picture")
    doctor.add_argument("--json", action="store_true", help="for scripts")
    progress = add("progress", "show which exercises of the notebooks are solved", _PROGRESS)
    progress.add_argument("folders", nargs="*", type=Path, metavar="DIR", help="folders of notebooks")
    progress.add_argument("--json", action="store_true", help="for scripts, with the words of each check")
    bundle = add("bundle", "put everything that a room without a network needs into a folder, for a USB stick", _BUNDLE)
    bundle.add_argument("folder", type=Path, metavar="DIR", help="new, empty, or a bundle to bring up to date")
    bundle.add_argument(
        "--python", action="append", metavar="PROGRAM", help="packages for this Python; may be given several times"
    )
    bundle.add_argument(
        "--as-installed", action="store_true", help="packages in their installed versions, not those of constraints.txt"
    )
    return parser


def _add_file_options(parser: argparse.ArgumentParser, codecs: Sequence[str] = ("h264", "vp9")) -> None:
    parser.add_argument("sources", nargs="+", metavar="SRC", help="what to read")
    parser.add_argument("target", metavar="DST", help="what to write")
    _add_model_options(parser)
    parser.add_argument("--keep", default="person", metavar="A,B", help="the classes to keep (%(default)s)")
    parser.add_argument("--crf", type=int, metavar="N", help="quality; lower is better and larger (h264 20, vp9 32)")
    parser.add_argument("--codec", choices=codecs, help="needed in a folder only; else the extension of DST decides")
    parser.add_argument("--no-steady", dest="steady", action="store_false", help="do not smooth masks over time")
    parser.add_argument("--keep-broken", action="store_true", help="keep the part of a damaged video before the break")
    exclusive = parser.add_mutually_exclusive_group()
    exclusive.add_argument("--force", action="store_true", help="replace files that exist")
    exclusive.add_argument("--skip-existing", action="store_true", help="make only what does not exist yet")
    parser.add_argument("--quiet", action="store_true", help="print errors only")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="send the files to the workers of this Dask cluster")


def _add_bench_options(parser: argparse.ArgumentParser) -> None:
    _add_model_options(parser)
    parser.add_argument("--input-size", type=_positive, metavar="N", help="pixels of the network's input (the model's)")
    parser.add_argument("--size", type=_size, metavar="WxH", help="of the frames, as in 1280x720 (the source's)")
    parser.add_argument("--effect", choices=("blur", "substitute", "none"), default="blur", help="(%(default)s)")
    parser.add_argument("--source", type=_source, default="clip", metavar="X", help="a video or camera (%(default)s)")
    parser.add_argument("--frames", type=_positive, default=150, metavar="N", help="how many (%(default)s)")
    parser.add_argument("--article", type=_count, default=2, metavar="N", help="frames of its loop (%(default)s)")
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw the stages into a .png or .jpg")


def _add_model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default="portrait", metavar="NAME", help="as listed by: seglib models (%(default)s)")
    parser.add_argument("--device", metavar="NAME", help="where the model runs: cpu, cuda, mps (the fastest there is)")
    parser.add_argument(
        "--runtime", choices=("auto", "openvino", "torch"), default="auto", help="what runs the model (%(default)s)"
    )
    parser.add_argument(
        "--precision",
        choices=("float32", "bfloat16", "float16", "half"),
        help="type to compute in; half: 16 bits, faster and slightly less exact (half on CUDA only)",
    )


def _source(text: str) -> str | int:
    return int(text) if text.isdecimal() else text


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (_is_number(width, 1) and _is_number(height, 1)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 1280x720, width x height in pixels")
    return int(width), int(height)


def _positive(text: str) -> int:
    return _number(text, 1)


def _count(text: str) -> int:
    return _number(text, 0)


def _number(text: str, least: int) -> int:
    if not _is_number(text, least):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of {least} or more")
    return int(text)


def _is_number(text: str, least: int) -> bool:
    return text.isdecimal() and int(text) >= least
