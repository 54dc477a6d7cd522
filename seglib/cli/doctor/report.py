"""What the checks found, one line each: as text for people, as JSON for scripts."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Literal

from seglib import __version__

Status = Literal["ok", "warning", "problem"]
STATUSES: tuple[Status, ...] = ("ok", "warning", "problem")  # from best to worst

_WIDTH = 80  # columns of a line, which fit into a terminal and into a notebook beside the list of files
_NAME = 16  # columns of a name


@dataclass(frozen=True)
class Finding:
    """What one check found.

    status: "ok"; "warning", the tutorial works but something is lost; "problem", something does not work.
    found: what is there, in words. mend: the command or the step that mends it, "" if there is nothing to mend.
    name: what was looked at; whoever runs the check fills it in.
    """

    status: Status
    found: str
    mend: str = ""
    name: str = ""


def ok(found: str) -> Finding:
    """All is well."""
    return Finding("ok", found)


def warning(found: str, mend: str) -> Finding:
    """It works, but something is lost."""
    return Finding("warning", found, mend)


def problem(found: str, mend: str) -> Finding:
    """Something does not work."""
    return Finding("problem", found, mend)


@dataclass
class Report:
    """All findings. str() is the text for people.

    seconds: how long the checks took. brief: the text tells details only of what is not ok, so that on every machine
    that is ready it is the same. show_page: shows the line that the page of a notebook writes itself, once.
    """

    findings: list[Finding]
    seconds: float
    brief: bool = False
    show_page: Callable[[], None] | None = field(default=None, repr=False)

    @property
    def status(self) -> Status:
        """The worst status of all."""
        return max((finding.status for finding in self.findings), key=STATUSES.index, default="ok")

    @property
    def ready(self) -> bool:
        """Whether the tutorial works on this machine: there is no problem."""
        return self.status != "problem"

    def __getitem__(self, name: str) -> Finding:
        return next(finding for finding in self.findings if finding.name == name)

    def replace(self, finding: Finding) -> None:
        """Put a newer finding in the place of the one with its name."""
        names = [old.name for old in self.findings]
        self.findings[names.index(finding.name)] = finding

    def __str__(self) -> str:
        findings = [item for item in self.findings if self.show_page is None or item.name != "widgets"]
        return "\n".join([*(self._lines(finding) for finding in findings), self._verdict()])

    __repr__ = __str__

    def to_json(self) -> str:
        """For scripts: seglib, status, ready, seconds, and checks, a list of {name, status, found, mend}."""
        checks = [asdict(finding) for finding in self.findings]
        whole = {"seglib": __version__, "status": self.status, "ready": self.ready, "seconds": round(self.seconds, 1)}
        return json.dumps({**whole, "checks": checks}, indent=2, ensure_ascii=False)

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
        return f"{text}\n         to mend: {finding.mend}" if finding.mend else text  # one line, ready to be copied

    def _verdict(self) -> str:
        count = {status: sum(item.status == status for item in self.findings) for status in STATUSES}
        if count["problem"]:
            return f"Not ready: {_number(count['problem'], 'problem')} to mend."
        if count["warning"] and self.show_page is None:
            return f"This machine is ready, with {_number(count['warning'], 'warning')}."
        return "This machine is ready."


def _number(count: int, word: str) -> str:
    return f"{count} {word}" + ("s" if count > 1 else "")
