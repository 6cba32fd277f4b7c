"""Whether an archive fits onto its disk, before it is begun: a full one stops PostgreSQL as well."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from turo.errors import ServiceError
from turo.operate.backup.archive_name import archives
from turo.operate.backup.archive_writer import IN_MEMORY
from turo.operate.backup.databases import PostgreSQL
from turo.operate.backup.folder_snapshot import files
from turo.operate.backup.places import DATABASES, Places

# Bytes left to the services, or a twentieth of a small disk: the doctor's limit for an error.
RESERVE = 1 << 30
REMEDY = (
    "Remove old archives there (`docker compose exec operator turo backup --list` names them), `docker "
    "system prune`, or give that disk more room; then try again. BACKUPS_KEPT says how many are kept from "
    "then on."
)


def check_room(here: Places) -> None:
    """Let a backup begin where its archive, and the largest copy beside it, leave the reserve free.

    Databases and large files are copied whole beside the archive, one after the other.

    Raises:
        ServiceError: the disk has less room, or PostgreSQL does not answer.
    """
    disk = shutil.disk_usage(here.backups)
    sizes = _files(here)
    archive = _archive(here, sizes)
    spooled = max((size for size, _ in sizes if size > IN_MEMORY), default=0)
    copy = max([spooled, *_databases(here)])
    reserve = min(RESERVE, disk.total // 20)
    if disk.free < (need := archive + copy + reserve):
        older = len(archives(here.backups))
        raise ServiceError(
            f"{here.backups} has {_mib(disk.free)} free, and a backup needs {_mib(need)}: {_mib(archive)} "
            f"for the archive, {_mib(copy)} for a copy of the largest database or file meanwhile, "
            f"{_mib(reserve)} that must stay free for the services. None was begun; "
            f"older ones ({older}) are intact.",
            REMEDY,
        )


def _archive(here: Places, sizes: list[tuple[int, float]]) -> int:
    """Bytes: as many as the newest has, or as came since; at most what all that goes into the first one has.

    Args:
        sizes: of `_files`.
    """
    found = archives(here.backups)
    if not found:
        return sum(size for size, _ in sizes) + sum(_databases(here))
    newest = found[0]
    since = newest.made_at.timestamp()
    return max(newest.path.stat().st_size, sum(size for size, written in sizes if written > since))


def _files(here: Places) -> list[tuple[int, float]]:
    """Bytes of each that goes into an archive, and when it was written (Unix time)."""
    told = list[tuple[int, float]]()
    for folder in (here.artifacts, here.datas):
        for path in () if folder is None else files(folder)[0]:
            with suppress(FileNotFoundError):  # removed meanwhile
                seen = path.stat()
                told.append((seen.st_size, seen.st_mtime))
    return told


def _databases(here: Places) -> list[int]:
    own = [] if here.mlflow_database is None else [_size(here.mlflow_database)]
    return [*own, *(PostgreSQL(here.postgres).sizes(DATABASES) if here.postgres else ())]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"
