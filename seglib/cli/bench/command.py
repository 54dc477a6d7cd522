"""``python -m seglib bench``."""

import json
import os
import sys
from argparse import Namespace
from pathlib import Path

from seglib.cli.bench.child_process import measure_in_child
from seglib.cli.bench.measure import BenchOptions
from seglib.cli.bench.report import times_faster, to_text, write_chart
from seglib.errors import UsageError

_PICTURES = (".png", ".jpg", ".jpeg", ".svg", ".pdf")


def run_command(options: Namespace) -> int:
    """Measure, and print the report; returns 0."""
    if options.picture:
        _check_picture(options.picture)
    bench = BenchOptions(
        model=options.model,
        device=options.device,
        runtime=options.runtime,
        precision=options.precision,
        input_size=options.input_size,
        source=options.source,
        size=options.size,
        effect=options.effect,
        frames=options.frames,
    )
    _tell(f"measuring {options.model} …")
    result = measure_in_child(bench)
    article = None
    if options.article:
        _tell("measuring the article's loop, which takes seconds per frame …")
        article = measure_in_child(bench, options.article)
        result |= {"article": article, "times_faster": times_faster(result, article)}
    print(json.dumps(result, indent=2) if options.json else to_text(result, article))
    if options.picture:
        write_chart(options.picture, result)
        _tell(f"wrote {options.picture}")
    return 0


def _check_picture(path: Path) -> None:
    """Raise UsageError before the measurement, which takes minutes, if the chart cannot be written afterwards."""
    if path.suffix.lower() not in _PICTURES:
        raise UsageError(f"{path} must end in one of {', '.join(_PICTURES)}")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path.absolute().parent} is not a folder, so {path.name} cannot be written there")


def _tell(line: str) -> None:
    if sys.stderr.isatty() or os.environ.get("CI"):
        print(line, file=sys.stderr)
