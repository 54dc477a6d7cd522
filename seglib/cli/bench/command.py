"""``python -m seglib bench``"""

import json
import os
import sys
from argparse import Namespace

from seglib.cli.bench.apart import run_apart
from seglib.cli.bench.report import in_words, times_faster, write_image
from seglib.cli.bench.walk import Walk


def run_command(options: Namespace) -> int:
    """``bench``: measure, and print the report. Returns 0; raises UsageError if it cannot be measured."""
    walk = Walk(
        model=options.model,
        device=options.device,
        runtime=options.runtime,
        precision=options.precision,
        sees=options.sees,
        source=options.source,
        size=options.size,
        effect=options.effect,
        frames=options.frames,
    )
    _tell(f"measuring {options.model} …")
    result = run_apart(walk)
    article = None
    if options.article:
        _tell("measuring the article's loop, which takes seconds for a frame …")
        article = run_apart(walk, options.article)
        result |= {"article": article, "times_faster": times_faster(result, article)}
    print(json.dumps(result, indent=2) if options.json else in_words(result, article))
    if options.picture:
        write_image(options.picture, result)
        _tell(f"wrote {options.picture}")
    return 0


def _tell(line: str) -> None:
    if sys.stderr.isatty() or os.environ.get("CI"):
        print(line, file=sys.stderr)
