"""The command line: ``python -m seglib blur talk.mp4 blurred.mp4``."""

from __future__ import annotations  # so that the doctor can tell users of an old Python about it

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from importlib import import_module

from seglib.cli.parser import make_parser
from seglib.errors import UsageError

# command -> the function that runs it: function(options) -> exit code. Imported when it is asked for, since --help
# should not wait for PyTorch.
_FUNCTIONS = {
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
    "progress": "progress.run_command",
    "bundle": "bundle.run_command",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    try:
        try:
            return _run(make_parser().parse_args(arguments))
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # the reader has stopped, as in: seglib models | head -1
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more when it exits
        return 1


def _run(options: Namespace) -> int:
    module, _, function = _FUNCTIONS[options.command].rpartition(".")
    try:
        return int(getattr(import_module(f"seglib.cli.{module}"), function)(options))
    except BrokenPipeError:
        raise
    except UsageError as error:
        print(f"seglib {options.command}: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else error
        print(f"seglib: {reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; nothing unfinished was left behind", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
