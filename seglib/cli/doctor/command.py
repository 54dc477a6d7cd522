"""``python -m seglib doctor`` and ``seglib.check_machine()``."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections.abc import Sequence

from seglib.cli.doctor.child_process import CHECKS, run_checks
from seglib.cli.doctor.report import Report


def check_machine(*, camera: bool = False, brief: bool = False, checks: Sequence[str] | None = None) -> Report:
    """Check whether this machine is ready for the tutorial.

    All checks together take about ten seconds. In a notebook the page also says whether widgets work in it.

    Parameters
    ----------
    camera
        Also open every camera and read a picture. By default cameras are only listed.
    brief
        Show details only of what is not ok.
    checks
        Names of the checks to run, such as "camera"; by default all.

    Returns
    -------
    Report
        Its text gives the status of every check, ok, warning or problem, and how to fix what is wrong; ``ready`` is
        False if there is a problem.

    Raises
    ------
    ValueError
        If there is no check of that name. A check that fails is a finding of the report.

    Examples
    --------
    >>> report = seglib.check_machine(checks=["Python"], brief=True)
    >>> report.ready
    True
    >>> print(report)
    ok       Python
    This machine is ready.
    """
    names = list(CHECKS) if checks is None else list(checks)
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        raise ValueError(f"unknown check {unknown[0]!r}; known are {', '.join(CHECKS)}")
    start = time.monotonic()
    report = Report(run_checks(names, camera=camera), 0.0, brief)
    if "widgets" in names and "ipykernel" in sys.modules:  # ipykernel is loaded in every kernel
        _ask_page(report)
    report.seconds = time.monotonic() - start
    return report


def run_command(options: Namespace) -> int:
    """Print the report; returns 1 if there is a problem, else 0."""
    if sys.stderr.isatty():
        print("checking, which takes about ten seconds …", file=sys.stderr)
    report = check_machine(camera=options.camera)
    print(report.to_json() if options.json else report)
    return 0 if report.ready else 1


def _ask_page(report: Report) -> None:
    """Let the notebook page say whether it shows widgets."""
    try:
        from seglib.cli.doctor.page import RoundTrip, in_notebook, waiting

        if in_notebook():
            report.show_page = RoundTrip(report.replace).show
            report.replace(waiting())
    except Exception:  # the report has a finding about the broken package
        return
