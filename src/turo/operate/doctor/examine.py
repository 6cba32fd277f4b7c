"""Hold the facts against every check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from turo.operate.doctor.every_check import CHECKS
from turo.operate.doctor.facts import Facts
from turo.operate.doctor.finding import Check, Finding, Needs, Severity

WORST_FIRST = list(Severity)


@dataclass(frozen=True)
class Report:
    """What came of it: ids of the checks that were made and of those passed over, and the findings."""

    checked: tuple[str, ...]
    skipped: tuple[str, ...]
    findings: tuple[Finding, ...]
    fixed: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether there is an error among the findings."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """For programs: the front door, `turo doctor --json`."""
        return {
            "checked": list(self.checked),
            "skipped": list(self.skipped),
            "fixed": list(self.fixed),
            "findings": [
                {
                    "check": each.check,
                    "severity": each.severity.value,
                    "what": each.what,
                    "why": each.why,
                    "remedy": each.remedy,
                    "link": each.link,
                }
                for each in self.findings
            ],
        }


def examine(facts: Facts, checks: Sequence[Check] = CHECKS, fixed: Sequence[str] = ()) -> Report:
    """Every finding, the worst first."""
    made = [check for check in checks if _can_tell(check, facts)]
    found = [finding for check in made for finding in check.findings(facts)]
    found.sort(key=lambda finding: WORST_FIRST.index(finding.severity))
    skipped = tuple(check.id for check in checks if check not in made)
    return Report(tuple(check.id for check in made), skipped, tuple(found), tuple(fixed))


def _can_tell(check: Check, facts: Facts) -> bool:
    if check.needs is Needs.HOST:
        return facts.told
    if check.needs is Needs.STACK:
        return facts.stack is not None
    return check.needs is Needs.NOTHING or facts.told or facts.whole


def fix(facts: Facts, folder: Path, checks: Sequence[Check] = CHECKS) -> list[str]:
    """Do what is safe, and say each thing: what was done, or why it could not be."""
    said = []
    for check in checks:
        if check.fix is None or not _can_tell(check, facts):
            continue
        try:
            said += list(check.fix(facts, folder))
        except OSError as error:
            said.append(f"{check.id}: could not be mended here ({error}); do what its finding says")
    return said
