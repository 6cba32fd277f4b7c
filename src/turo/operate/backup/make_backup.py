"""`turo backup`: everything that cannot be made again, in one archive, while the stack runs.

Databases come first, files after: what MLflow's registry names was written before it was named, so the
artifacts that are read later hold it. Nothing removes one in between but `mlflow gc`.
"""

from __future__ import annotations

import errno
import logging
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from turo.errors import ServiceError
from turo.last_runs import noted
from turo.operate.backup.archive_name import archive_name, note_holes
from turo.operate.backup.archive_reader import verify
from turo.operate.backup.archive_writer import ArchiveWriter, archive_writer
from turo.operate.backup.databases import PostgreSQL, copy_sqlite
from turo.operate.backup.folder_snapshot import add_one_by_one, add_together, files
from turo.operate.backup.lock import working_folder
from turo.operate.backup.manifest import Manifest
from turo.operate.backup.places import DATABASES, PROJECT_FILES, Places, own_versions, places
from turo.operate.backup.retention import remove_old
from turo.operate.backup.room import check_room

if TYPE_CHECKING:
    from turo.settings import Settings

logger = logging.getLogger(__name__)

STEP = "backup"  # as it is noted in backups/last-runs
# Folders of datas/ each of whose files stands for itself, and which grow.
HISTORIES = ("predictions", "forecasts-history", "forecast-totals-history", "other-fleets", "last-runs")


@dataclass(frozen=True)
class Made:
    """A good new archive.

    Attributes:
        size: bytes of the archive.
        members: how many there are in it.
        notes: what is not in it, or not as it should be, in sentences.
        removed: names of older archives that were removed for it.
        seconds: how long it took.
    """

    path: Path
    size: int
    members: int
    notes: tuple[str, ...]
    removed: tuple[str, ...]
    seconds: float


def make_backup(settings: Settings, kept: bool = False) -> Made:
    """Make an archive, read it again from its first to its last byte, and only then give it its name.

    Args:
        kept: it is not removed for newer ones.

    Raises:
        ServiceError: another one is under way, a database does not answer, the disk is too full for it.
        ConfigError: the folder cannot be written to, a needed program is not here, or a model or secret
            cannot be read.
        InputError: MLflow's database is damaged.
    """
    here = places(settings)
    began = datetime.now(UTC)
    with working_folder(here.backups, STEP) as work, noted(here.backups, STEP):
        versions = own_versions(here.project, settings.code_version)
        final = here.backups / archive_name(began, versions["turo"], kept)
        half = work / final.name
        check_room(here)
        try:
            manifest = _write(half, work, here, began, versions)
            members = len(verify(half).members)
            # What lies elsewhere is so by the settings; the rest somebody should mend.
            note_holes(final, [note for note in manifest.notes if note not in here.unreached()])
            half.replace(final)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise _full(here.backups, error) from error
        for note in manifest.notes:
            logger.warning("%s", note)
        removed = remove_old(here.backups, settings.backups_kept, final)
        seconds = (datetime.now(UTC) - began).total_seconds()
    return Made(final, final.stat().st_size, members, manifest.notes, tuple(removed), seconds)


def _write(target: Path, work: Path, here: Places, began: datetime, versions: dict[str, str]) -> Manifest:
    with archive_writer(target, work) as archive:
        running = _databases(archive, work, here)
        notes = [*here.unreached(), *_folders(archive, here), *_small_files(archive, here)]
        manifest = Manifest(
            made_at=began.isoformat(timespec="seconds"),
            versions=versions | ({"postgres_server": running[0]} if running else {}),
            mlflow_store=here.mlflow_store,
            running=tuple(running[1:]),
            notes=tuple(notes),
            members=archive.members,
        )
        archive.finish(manifest)
    return manifest


def _databases(archive: ArchiveWriter, work: Path, here: Places) -> list[str]:
    """Version of the server, then the DAG runs that are under way; nothing without a server."""
    told = list[str]()
    if here.mlflow_database is not None:
        copy = work / "mlflow.db"
        if copy_sqlite(here.mlflow_database, copy):
            _move_in(archive, copy, "mlflow.db")
    if here.postgres:
        server = PostgreSQL(here.postgres)
        told = [server.version(), *server.dag_runs_under_way()]
        for database in DATABASES:
            dump = work / f"{database}.dump"
            server.dump(database, dump)
            _move_in(archive, dump, f"postgres/{database}.dump")
    return told


def _move_in(archive: ArchiveWriter, path: Path, name: str) -> None:
    with path.open("rb") as source:
        archive.add_still_file(name, source)
    path.unlink()


def _folders(archive: ArchiveWriter, here: Places) -> list[str]:
    notes = list[str]()
    if here.artifacts is not None:
        found, told = files(here.artifacts, needed=True)
        notes += [*told, *add_one_by_one(archive, here.artifacts, "artifacts", found, needed=True)]
    if here.datas is not None:
        base = here.datas
        histories = [base / name for name in HISTORIES]
        notes += add_together(
            archive, base, "datas", unless=lambda path: any(path.is_relative_to(each) for each in histories)
        )
        for folder in histories:
            found, told = files(folder)
            notes += [*told, *add_one_by_one(archive, base, "datas", found)]
    return notes


def _small_files(archive: ArchiveWriter, here: Places) -> list[str]:
    """The user's own configuration, and every secret."""
    wanted = [here.project / name for name in PROJECT_FILES]
    notes = add_one_by_one(archive, here.project, "project", [path for path in wanted if path.is_file()])
    if here.secrets is None:
        return notes
    secrets = sorted(path for path in here.secrets.iterdir() if path.is_file() and path.name[0] != ".")
    return notes + add_one_by_one(archive, here.secrets, "secrets", secrets, needed=True)


def _full(backups: Path, error: OSError) -> ServiceError:
    free = shutil.disk_usage(backups).free >> 20
    return ServiceError(
        f"The disk of {backups} is full ({error}; {free} MiB are free now): no archive was made, "
        "the older ones are intact.",
        "Free some space, or set BACKUPS_KEPT lower and remove old archives, then try again.",
    )
