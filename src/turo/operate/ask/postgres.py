"""Asks PostgreSQL by its own client, as the superuser: room on its volume, and whether passwords agree."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from turo.errors import ServiceError

if TYPE_CHECKING:
    from turo.settings import Settings

# Free KiB below which it is full, as for all disks (`operate/doctor/checks/running/rooms.py`): a share of
# it, a GiB at most.
SHARE, MOST_KIB = 0.05, 1 << 20
# Run by the server in its data folder. Nothing is written, and nothing logged unless it is full.
ROOM = (
    "COPY (SELECT 1) TO PROGRAM "
    """'cat >/dev/null; df -Pk . | awk ''NR == 2 {seen = 1; """
    f"""full = $4 < {SHARE} * $2 && $4 < {MOST_KIB}}} """
    """END {exit seen ? full : 3}'''"""
)
ROLES = {
    "airflow": "airflow",
    "mlflow": "mlflow",
    "celery_results": "celery_results",
    "turo": "forecasts",
    "exporter": "postgres",
}
TIGHT = "child process exited with exit code 1"  # any other number: the server has no df or no awk
REFUSED = "password authentication failed"


def full(settings: Settings) -> bool:
    """Whether its volume is full, or nearly.

    Raises:
        ServiceError: it does not answer, or refuses the superuser.
    """
    said = _psql(settings.operator_postgres, ROOM, settings.answer_within_s)
    if not said:
        return False
    if TIGHT in said:
        return True
    raise ServiceError(
        f"PostgreSQL says: {said}",
        "`docker compose logs postgres` tells why; `docker compose up -d --wait postgres` starts it.",
    )


def strangers(settings: Settings) -> list[str]:
    """Roles that PostgreSQL refuses with the vault's password; what else keeps it is not told here.

    Raises:
        ServiceError: a secret cannot be read.
    """
    folder = settings.operator_secrets
    if folder is None:
        return []
    try:
        lines = [f"*:*:*:{role}:{(folder / f'postgres_{role}').read_text().strip()}\n" for role in ROLES]
    except OSError as error:
        raise ServiceError(
            f"The secrets of the operator cannot be read: {error}.",
            "`docker compose up -d --force-recreate bootstrap operator` hands them out again.",
        ) from error
    with tempfile.TemporaryDirectory() as place:
        passfile = Path(place) / "pgpass"
        passfile.touch(0o600)
        passfile.write_text("".join(lines))
        return [
            role
            for role, database in ROLES.items()
            if REFUSED
            in _psql(
                _as(settings.operator_postgres, role, database, passfile),
                "SELECT 1",
                settings.answer_within_s,
            )
        ]


def _as(words: str, role: str, database: str, passfile: Path) -> str:
    kept = re.sub(r"\b(user|passfile|dbname|password)=\S+ ?", "", words).strip()
    return f"{kept} user={role} dbname={database} passfile={passfile}"


def _psql(connection: str, statement: str, seconds: float) -> str:
    """What it complains of; empty where it does as it is told."""
    command = [
        "psql",
        "--no-psqlrc",
        "--no-password",
        "--quiet",
        "--tuples-only",
        "-c",
        statement,
        connection,
    ]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program
            command, capture_output=True, text=True, timeout=seconds, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return f"nothing within {seconds:g} s"
    except OSError as error:
        return f"psql cannot be started ({error})"
    return " ".join(done.stderr.split())[:300] if done.returncode else ""
