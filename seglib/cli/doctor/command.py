"""The doctor's two doors: ``python -m seglib doctor`` and ``seglib.check_machine()``."""

from __future__ import annotations

import sys
import time
from argparse import Namespace

from seglib.cli.doctor.apart import CHECKS, run_apart
from seglib.cli.doctor.report import Report


def check_machine(*, camera: bool = False, brief: bool = False) -> Report:
    """Look whether this machine is ready for the tutorial; takes a few seconds.

    camera: also open every camera and read a picture; otherwise they are only listed, and none is opened.
    brief: the report tells details only of what is not ok.
    Returns a report: its text says of each check ok, warning or problem, with the command that mends it; `ready` is
    False if there is a problem. At the end of a notebook's cell it also lets the page say whether widgets work there.
    Raises nothing: what cannot be checked is a line of the report.
    """
    start = time.monotonic()
    report = Report(run_apart(list(CHECKS), camera=camera), 0.0, brief)
    if "ipykernel" in sys.modules:  # loaded in every kernel, and in no other Python
        _ask_page(report)
    report.seconds = time.monotonic() - start
    return report


def run_command(options: Namespace) -> int:
    """``doctor``: print the report; 0 if all is ok or there are but warnings, 1 if there is a problem."""
    if sys.stderr.isatty():
        print("checking, which takes a few seconds …", file=sys.stderr)
    report = check_machine(camera=options.camera)
    print(report.to_json() if options.json else report)
    return 0 if report.ready else 1


def _ask_page(report: Report) -> None:
    """Let the page tell by itself whether it shows widgets."""
    try:
        from seglib.cli.doctor.page import RoundTrip, in_notebook, waiting

        if in_notebook():
            report.show_page = RoundTrip(report.replace).show
            report.replace(waiting())
    except Exception:  # a broken package has had its line already
        return
