"""What the operator tells Prometheus: how old the newest backup is, what is wrong, what ends when."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from turo import last_runs
from turo.operate.ask.certificate import Life
from turo.operate.backup.archive_name import archives, holes
from turo.operate.backup.make_backup import STEP

if TYPE_CHECKING:
    from turo.settings import Settings

SEVERITIES = ("error", "warning", "note")


def metrics(
    settings: Settings,
    running: bool,
    findings: Sequence[Mapping[str, Any]] | None,
    certificates: Mapping[str, Life | None],
) -> str:
    """A page in Prometheus's text format.

    Args:
        running: a backup is under way.
        findings: of the doctor, each with a `severity`; None where he was not asked yet.
        certificates: by host name, of the proxy in front; None where it shows none.
    """
    lines = [*_backups(settings, running), *_ends(settings.project_dir / "versions.toml")]
    lines += _lives(certificates)
    if findings is not None:
        counted = Counter(str(finding.get("severity")) for finding in findings)
        lines += _gauge(
            "turo_doctor_findings",
            "What the doctor found, by severity.",
            {f'severity="{severity}"': counted[severity] for severity in SEVERITIES},
        )
    return "\n".join(lines) + "\n"


def _backups(settings: Settings, running: bool) -> Iterator[str]:
    found = archives(settings.backups_dir)
    noted = next((run for run in last_runs.read(settings.backups_dir) if run.step == STEP), None)
    yield from _gauge(
        "turo_backup_expected", "1 where backups are made every night.", {"": int(settings.nightly_backup)}
    )
    yield from _gauge("turo_backups", "Archives that are kept.", {"": len(found)})
    yield from _gauge("turo_backup_running", "1 while a backup is under way.", {"": int(running)})
    failed = noted is not None and bool(noted.problem)
    yield from _gauge("turo_backup_last_failed", "1 where the last backup failed.", {"": int(failed)})
    if found:
        yield from _gauge(
            "turo_backup_last_success_timestamp_seconds",
            "When the newest archive was begun: nothing younger is in it.",
            {"": int(found[0].made_at.timestamp())},
        )
        yield from _gauge(
            "turo_backup_size_bytes", "Of the newest archive.", {"": found[0].path.stat().st_size}
        )
        yield from _gauge(
            "turo_backup_notes",
            "Of the newest archive: what could not be read, or was written to all the while.",
            {"": len(holes(settings.backups_dir))},
        )


def _ends(versions: Path) -> Iterator[str]:
    try:
        told = tomllib.loads(versions.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # the doctor says so
        return
    ends = {
        f'component="{name}",line="{entry.get("line", "")}"': int(
            datetime.combine(entry["ends"], time(), UTC).timestamp()
        )
        for name, entry in told.items()
        if isinstance(entry, dict) and type(entry.get("ends")) is date
    }
    if ends:
        yield from _gauge(
            "turo_end_of_life_timestamp_seconds",
            "When a component's line is no longer mended (versions.toml).",
            ends,
        )


def _lives(certificates: Mapping[str, Life | None]) -> Iterator[str]:
    if certificates:
        yield from _gauge(
            "turo_certificate_shown",
            "1 where the proxy shows a certificate for a host, 0 where it shows none.",
            {f'host="{host}"': int(life is not None) for host, life in certificates.items()},
        )
    lives = {host: life for host, life in certificates.items() if life}
    for name, told in (("begins", "start"), ("ends", "end")) if lives else ():
        yield from _gauge(
            f"turo_certificate_{told}_timestamp_seconds",
            f"When the certificate that the proxy shows for a host {name}.",
            {f'host="{host}"': int(getattr(life, name).timestamp()) for host, life in lives.items()},
        )


def _gauge(name: str, told: str, values: Mapping[str, int]) -> Iterator[str]:
    yield f"# HELP {name} {told}"
    yield f"# TYPE {name} gauge"
    for labels, value in values.items():
        yield f"{name}{'{' + labels + '}' if labels else ''} {value}"
