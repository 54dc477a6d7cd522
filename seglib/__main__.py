"""The command line: ``python -m seglib blur talk.mp4 blurred.mp4``."""

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
    "models": "  seglib models",
    "fetch": "  seglib fetch deeplabv3_resnet101 lraspp_mobilenet_v3_large",
    "samples": "  seglib samples samples/",
    "demo": "  seglib demo --out out --frames 30",
}


# command -> the module and function that do it: function(options) -> exit code. Imported when it is asked for, since
# --help should not wait for PyTorch.
_RUN = {
    "blur": "commands.make_files",
    "substitute": "commands.make_files",
    "mask": "commands.make_files",
    "models": "commands.list_models",
    "fetch": "commands.fetch_weights",
    "samples": "commands.copy_samples",
    "demo": "demo.run_command",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    module, function = _RUN[options.command].split(".")
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
    return parser


def _add_file_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", nargs="+", metavar="SRC", help="what to read")
    parser.add_argument("target", metavar="DST", help="what to write")
    parser.add_argument("--model", default="portrait", metavar="NAME", help="as listed by: seglib models (%(default)s)")
    parser.add_argument("--keep", default="person", metavar="A,B", help="the classes to keep (%(default)s)")
    parser.add_argument("--crf", type=int, metavar="N", help="quality; lower is better and larger (h264 20, vp9 32)")
    parser.add_argument("--codec", choices=("h264", "vp9"), help="the ending of DST decides; in a folder this does")
    parser.add_argument("--no-steady", dest="steady", action="store_false", help="do not smooth masks over time")
    parser.add_argument("--keep-broken", action="store_true", help="of a damaged video keep what is before the break")
    exclusive = parser.add_mutually_exclusive_group()
    exclusive.add_argument("--force", action="store_true", help="replace files that exist")
    exclusive.add_argument("--skip-existing", action="store_true", help="make only what does not exist yet")
    parser.add_argument("--quiet", action="store_true", help="say nothing but what fails")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="let the workers of this Dask cluster do it")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
