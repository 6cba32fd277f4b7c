"""The report as lines for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from turo.operate.doctor.every_check import RUNNING_IDS as RUNNING
from turo.operate.doctor.examine import Report
from turo.operate.doctor.finding import Severity
from turo.words import counted, listed


def lines(report: Report) -> Iterator[str]:
    """What was mended, each finding with why and remedy, the count at the end."""
    for done in report.fixed:
        yield f"fixed    {done}"
    for found in report.findings:
        yield f"{found.severity:<8} {found.check}: {found.what}"
        yield f"         {found.why}"
        yield f"         > {found.remedy}"
        yield f"         {found.link}"
    many = Counter(found.severity for found in report.findings)
    kinds = [counted(many[severity], severity.value) for severity in Severity if many[severity]]
    yield f"{listed(kinds) or 'Nothing found'} in {counted(len(report.checked), 'check')}."
    running = [check for check in report.skipped if check in RUNNING]
    others = [check for check in report.skipped if check not in RUNNING]
    if running:
        yield f"Not looked at, the stack does not run: {', '.join(running)}."
    if others:
        yield f"Not looked at from here, ./doctor.sh does: {', '.join(others)}."
