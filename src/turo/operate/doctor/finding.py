"""What a check is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from turo.operate.doctor.facts import Facts

RUNBOOK = "docs/runbook.md"


class Severity(StrEnum):
    """How bad: an error stops or loses something, a warning will, a note only puzzles."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Needs(StrEnum):
    """What must be known for a check to mean something."""

    NOTHING = ""
    HOST = "host"  # what doctor.sh tells of the machine
    STACK = "stack"  # what the running stack tells
    PROJECT = "project"  # the project's folder with its .env, or doctor.sh's word of it


@dataclass(frozen=True)
class Trouble:
    """One thing that a check saw.

    Attributes:
        what: what is so, with the value met.
        why: what comes of it.
        remedy: what to do, as an imperative.
        severity: where it differs from that of its check.
    """

    what: str
    why: str
    remedy: str
    severity: Severity | None = None


@dataclass(frozen=True)
class Finding:
    """A trouble under the name of its check, with the section of the runbook."""

    check: str
    severity: Severity
    what: str
    why: str
    remedy: str

    @property
    def link(self) -> str:
        """Where the runbook tells more."""
        return f"{RUNBOOK}#{self.check}"


@dataclass(frozen=True)
class Check:
    """One question to the facts.

    Attributes:
        id: such as `disk-space`; also the heading of its section in the runbook.
        severity: of what it finds, unless a trouble says otherwise.
        looks_at: what it looks at, in a few words.
        judge: the troubles in the facts; pure.
        needs: what must be known, or the check is passed over and said to be.
        fix: does what is safe in the project's folder, and says each thing it did; None where nothing is.
    """

    id: str
    severity: Severity
    looks_at: str
    judge: Callable[[Facts], Iterable[Trouble]]
    needs: Needs = Needs.NOTHING
    fix: Callable[[Facts, Path], Iterable[str]] | None = None

    def findings(self, facts: Facts) -> list[Finding]:
        """What it finds, named after it."""
        return [
            Finding(self.id, trouble.severity or self.severity, trouble.what, trouble.why, trouble.remedy)
            for trouble in self.judge(facts)
        ]
