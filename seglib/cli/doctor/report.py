"""The findings of the checks, one line each: as text for people, as JSON for scripts."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Literal

from seglib import __version__
from seglib.cli.plural import plural

Status = Literal["ok", "warning", "problem"]
STATUSES: tuple[Status, ...] = ("ok", "warning", "problem")  # from best to worst

_WIDTH = 80  # columns of a line, which fit into a terminal and into a notebook beside the list of files
_NAME = 16  # columns of a name


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes
    ----------
    status
        "ok"; "warning", the tutorial works with a disadvantage; "problem", something does not work.
    found
        What there is, in words.
    fix
        The command or the step that helps; "" if nothing is wrong.
    name
        What was checked; filled in by the caller of the check.
    """

    status: Status
    found: str
    fix: str = ""
    name: str = ""


def ok(found: str) -> Finding:
    """A finding without a fault."""
    return Finding("ok", found)


def warning(found: str, fix: str) -> Finding:
    """A finding of something that works with a disadvantage."""
    return Finding("warning", found, fix)


def problem(found: str, fix: str) -> Finding:
    """A finding of something that does not work."""
    return Finding("problem", found, fix)


@dataclass
class Report:
    """All findings; ``str(report)`` is the text for people.

    Attributes
    ----------
    findings
        In the order of the report; ``report["camera"]`` is the one with that name.
    seconds
        How long the checks took.
    brief
        Whether the text gives details only of what is not ok, so that it is the same on every machine that is ready.
    show_page
        Shows the line that a notebook page writes itself; called once, with the report.
    """

    findings: list[Finding]
    seconds: float
    brief: bool = False
    show_page: Callable[[], None] | None = field(default=None, repr=False)

    @property
    def status(self) -> Status:
        """The worst status of all findings."""
        return max((finding.status for finding in self.findings), key=STATUSES.index, default="ok")

    @property
    def ready(self) -> bool:
        """Whether the tutorial works on this machine: there is no problem."""
        return self.status != "problem"

    def __getitem__(self, name: str) -> Finding:
        return next(finding for finding in self.findings if finding.name == name)

    def replace(self, finding: Finding) -> None:
        """Replace the finding of the same name by a newer one."""
        names = [old.name for old in self.findings]
        self.findings[names.index(finding.name)] = finding

    def __str__(self) -> str:
        findings = [item for item in self.findings if self.show_page is None or item.name != "widgets"]
        return "\n".join([*(self._lines(finding) for finding in findings), self._verdict()])

    __repr__ = __str__

    def to_json(self) -> str:
        """For scripts: seglib, status, ready, seconds, and checks, a list of {name, status, found, fix}."""
        checks = [asdict(finding) for finding in self.findings]
        summary = {"seglib": __version__, "status": self.status, "ready": self.ready, "seconds": round(self.seconds, 1)}
        return json.dumps({**summary, "checks": checks}, indent=2, ensure_ascii=False)

    def _ipython_display_(self) -> None:
        print(self)
        if self.show_page is not None:
            self.show_page()
            self.show_page = None  # by the next time, the page has answered

    def _lines(self, finding: Finding) -> str:
        if self.brief and finding.status == "ok":
            return f"ok       {finding.name}"
        head = f"{finding.status:9}{finding.name:{_NAME}}"
        lines = textwrap.wrap(finding.found, _WIDTH - len(head)) or [""]
        text = "\n".join([head + lines[0], *(" " * len(head) + line for line in lines[1:])])
        return f"{text}\n         fix: {finding.fix}" if finding.fix else text  # one line, ready to be copied

    def _verdict(self) -> str:
        count = {status: sum(item.status == status for item in self.findings) for status in STATUSES}
        if count["problem"]:
            return f"Not ready: {plural(count['problem'], 'problem')} to fix."
        if count["warning"] and self.show_page is None:
            return f"This machine is ready, with {plural(count['warning'], 'warning')}."
        return "This machine is ready."
