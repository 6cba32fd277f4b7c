"""Databases out and in again, by their own tools: pg_dump and pg_restore, and SQLite's backup."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from turo.errors import ConfigError, InputError, ServiceError
from turo.patience import Patience

LONGEST_S = 3600  # of one dump
LOCKED = Patience(0.5, within_s=20.0, longest_pause_s=2.0)
TABLES = (
    "SELECT count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
    "WHERE relkind IN ('r', 'p', 'v', 'm', 'S') "
    "AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'"
)
CLIENTS = (
    "SELECT DISTINCT usename FROM pg_stat_activity WHERE backend_type = 'client backend' "
    "AND pid <> pg_backend_pid() AND usename IN ({roles}) ORDER BY 1"
)
SIZES = "SELECT pg_database_size(datname) FROM pg_database WHERE datname IN ({names}) ORDER BY 1"
# But the one that makes the backup.
RUNS = (
    "SELECT dag_id || ' ' || run_id FROM dag_run WHERE state IN ('queued', 'running') "
    "AND dag_id <> 'nightly_backup' ORDER BY 1"
)


@dataclass(frozen=True)
class PostgreSQL:
    """A server, asked by the programs of PostgreSQL's client.

    Args:
        connection: words of libpq for a superuser, without a database; a password only by `passfile=`.
    """

    connection: str

    def dump(self, database: str, target: Path) -> None:
        """Write a database as it is at one moment.

        Raises:
            ServiceError: the server does not answer or refuses.
        """
        # Compressed with all else in the archive. A migration that holds its tables is waited for a minute.
        options = ["--format=custom", "--compress=0", "--lock-wait-timeout=60s"]
        self._run("pg_dump", database, [*options, "--file", str(target)], f"{database} cannot be dumped")

    def restore(self, database: str, owner: str, source: Path) -> None:
        """Fill an empty database; it is as before where that fails.

        Raises:
            ServiceError: as `dump`; also where the server does not understand the dump.
        """
        options = [
            "--no-owner",
            f"--role={owner}",
            "--no-privileges",
            "--exit-on-error",
            "--single-transaction",
        ]
        self._run("pg_restore", database, [*options, str(source)], f"{database} cannot be restored")

    def empty(self, database: str) -> None:
        """Take everything out of a database."""
        statements = "DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION pg_database_owner;"
        self.query(database, f"{statements} GRANT USAGE ON SCHEMA public TO PUBLIC;")

    def tables(self, database: str) -> int:
        """How many tables, views and sequences it has."""
        return int(self.query(database, TABLES)[0])

    def clients(self, roles: Sequence[str]) -> list[str]:
        """Those of the roles that are connected."""
        return self.query("postgres", CLIENTS.format(roles=", ".join(f"'{role}'" for role in roles)))

    def dag_runs_under_way(self) -> list[str]:
        """`dag_id run_id` of each; none where Airflow has not made its tables."""
        if not self.query("airflow", "SELECT 1 FROM pg_class WHERE relname = 'dag_run'"):
            return []
        return self.query("airflow", RUNS)

    def sizes(self, databases: Iterable[str]) -> list[int]:
        """Bytes of those databases that are there, smallest first."""
        names = ", ".join(f"'{name}'" for name in databases)
        return [int(line) for line in self.query("postgres", SIZES.format(names=names))]

    def version(self) -> str:
        """Of the server, as 17.6."""
        return self.query("postgres", "SHOW server_version")[0].split()[0]

    def set_passwords(self, passwords: Mapping[str, str]) -> None:
        """Give roles other passwords, all of them or none."""
        statements = "".join(
            f"ALTER ROLE {role} PASSWORD '{password.replace(chr(39), chr(39) * 2)}';\n"
            for role, password in passwords.items()
        )
        self.query("postgres", f"BEGIN;\n{statements}COMMIT;\n")

    def query(self, database: str, sql: str) -> list[str]:
        """Lines of what a statement answers. It goes in by standard input: all processes see arguments."""
        options = ["--no-psqlrc", "--set=ON_ERROR_STOP=1", "--quiet", "--tuples-only", "--no-align"]
        return self._run("psql", database, options, "PostgreSQL cannot be asked", sql).splitlines()

    def _run(self, program: str, database: str, options: Sequence[str], failed: str, text: str = "") -> str:
        command = [program, "--no-password", f"--dbname={self.connection} dbname={database}", *options]
        try:
            done = subprocess.run(  # noqa: S603 - built here
                command, input=text, capture_output=True, text=True, check=True, timeout=LONGEST_S
            )
        except FileNotFoundError as error:
            raise ConfigError(
                f"{program} is not installed here.",
                "Run it in the operator's container: `docker compose exec operator turo backup`.",
            ) from error
        except subprocess.TimeoutExpired as error:
            raise ServiceError(f"{failed}: no end within {LONGEST_S} s.", _REMEDY) from error
        except subprocess.CalledProcessError as error:
            lines = [line for line in error.stderr.splitlines() if line.strip()] or [
                f"exit {error.returncode}"
            ]
            raise ServiceError(f"{failed}: {' '.join(lines[:3])}.", _REMEDY) from error
        return done.stdout


_REMEDY = "Is the postgres service healthy (`docker compose ps postgres`), and has its disk space left?"


def copy_sqlite(source: Path, target: Path) -> bool:
    """Copy a database as it is at one moment, while others write to it.

    Returns:
        False where there is none.

    Raises:
        ServiceError: it stays locked.
        InputError: it is damaged, or no database.
    """
    if not source.exists():
        return False

    try:
        LOCKED.retry(lambda: _copy(source, target), sqlite3.OperationalError)
        with contextlib.closing(sqlite3.connect(target)) as new:
            told = [row[0] for row in new.execute("PRAGMA quick_check(3)")]
    except sqlite3.OperationalError as error:
        raise ServiceError(
            f"{source} cannot be copied: {error}.", "Wait until MLflow is idle, or restart it, and try again."
        ) from error
    except sqlite3.DatabaseError as error:
        told = [str(error)]
    if told != ["ok"]:
        raise InputError(
            f"{source} is damaged: {told[0]}.",
            "A backup of it would be worthless: restore the newest archive (or `sqlite3 FILE .recover`).",
        )
    return True


def _copy(source: Path, target: Path) -> None:
    try:
        with (
            contextlib.closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as old,
            contextlib.closing(sqlite3.connect(target)) as new,
        ):
            old.backup(new)  # all pages in one step: a later writer would make it begin anew
    except sqlite3.OperationalError as error:
        if not error.sqlite_errorname.startswith("SQLITE_READONLY"):
            raise
        _copy_with_journal(source, target)


def _copy_with_journal(source: Path, target: Path) -> None:
    """Copy a database whose writer died in the middle, with the journal by which whoever opens it next undoes
    the half; who may only read cannot, in its own place.

    Raises:
        sqlite3.OperationalError: it was written to meanwhile.
    """
    own, its_copy = Path(f"{source}-journal"), Path(f"{target}-journal")

    def seen() -> list[tuple[int, int, int]]:
        try:
            told = [path.stat() for path in (source, own)]
        except FileNotFoundError as error:
            raise sqlite3.OperationalError(f"{error.filename} is gone") from error
        return [(one.st_ino, one.st_size, one.st_mtime_ns) for one in told]

    before = seen()
    shutil.copyfile(source, target)
    shutil.copyfile(own, its_copy)
    if seen() != before:
        raise sqlite3.OperationalError("it was opened meanwhile")
