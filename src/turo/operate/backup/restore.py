"""`turo restore`: an archive into an empty stack, wholly or not at all.

Everything is read and checked before anything is touched, and put beside its place before anything takes its
place. Then come databases, files, secrets. A step that fails takes back those before it.
"""

from __future__ import annotations

import errno
import logging
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from turo.errors import ConfigError, ServiceError
from turo.operate.backup.archive_reader import read_archive, verify
from turo.operate.backup.configuration import lay_out
from turo.operate.backup.databases import PostgreSQL
from turo.operate.backup.empty_stack import aside, check_empty, check_quiet, check_store, check_versions
from turo.operate.backup.folder_snapshot import REPLACED
from turo.operate.backup.lock import working_folder
from turo.operate.backup.manifest import Manifest
from turo.operate.backup.places import DATABASES, Places, places
from turo.operate.backup.unpack import Unpacked

if TYPE_CHECKING:
    from turo.settings import Settings

logger = logging.getLogger(__name__)

ROLE = "postgres_"  # how the secrets of PostgreSQL's roles begin
SUPERUSER, ITS_ROLE = "superuser", "postgres"


@dataclass(frozen=True)
class Restored:
    """What was brought back, and what is left to do.

    Attributes:
        notes: of the backup, then of the restore, in sentences.
    """

    archive: str
    made_at: str
    members: int
    notes: tuple[str, ...]


def find_archive(named: str, settings: Settings) -> Path:
    """The archive of that name or path; a bare name is looked for among the backups."""
    path = Path(named)
    beside = settings.backups_dir / path.name
    return path if path.exists() or not beside.exists() else beside


def may_restore(archive: Path, settings: Settings) -> Manifest:
    """Read the whole archive and look at the stack; changes nothing.

    Raises:
        InputError: the archive is damaged, foreign, or of a newer version.
        ConfigError: the stack is not empty, or keeps its registry elsewhere.
        ServiceError: something runs.
    """
    here = places(settings)
    manifest = verify(archive)
    check_versions(manifest, here.project)
    check_store(manifest, here)
    dumps = [name for name in manifest.members if name.startswith("postgres/")]
    if dumps and not here.postgres:
        raise ConfigError(
            "The archive has databases of PostgreSQL, and there is none here.",
            "Restore it in the stack: `docker compose run --rm restore ARCHIVE`.",
        )
    if settings.vault_dir is None and any(name.startswith("secrets/") for name in manifest.members):
        raise ConfigError(
            "The archive has secrets, which only the service `restore` may bring back.",
            "Run `docker compose run --rm restore ARCHIVE`.",
        )
    server = PostgreSQL(here.postgres) if here.postgres else None
    check_quiet(settings, server)
    check_empty(here, server)
    return manifest


def restore(archive: Path, settings: Settings) -> Restored:
    """Bring everything back.

    Raises:
        as `may_restore`; ServiceError where a step fails: then everything is as it was.
    """
    here = places(settings)
    with working_folder(here.backups, "restore") as work, ExitStack() as stages:
        manifest = may_restore(archive, settings)
        try:
            unpacked = Unpacked(here, work, stages)
            read_archive(archive, unpacked.take)
            with ExitStack() as undo:
                _databases(work, here, undo)
                digests = {name: member.sha256 for name, member in manifest.members.items()}
                replaced = aside(here, digests)
                unpacked.put_in_place(undo, replaced)
                notes = [
                    *manifest.notes,
                    *_told(here, replaced),
                    *lay_out(work / "project", here, archive),
                ]
                _secrets(work / "secrets", here, settings.vault_dir, undo)
                undo.pop_all()  # nothing failed: nothing is taken back
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise ServiceError(
                f"The disk is full ({error}): nothing was restored, the stack is as empty as before.",
                "Free some space and run it again.",
            ) from error
    return Restored(archive.name, manifest.made_at, len(manifest.members), tuple(notes))


def _databases(work: Path, here: Places, undo: ExitStack) -> None:
    server = PostgreSQL(here.postgres)
    for database, owner in DATABASES.items():
        dump = work / "postgres" / f"{database}.dump"
        if dump.exists():
            undo.callback(server.empty, database)
            server.restore(database, owner, dump)
            logger.info("Database %s is back", database)


def _secrets(found: Path, here: Places, vault: Path | None, undo: ExitStack) -> None:
    """Into the vault, which the next start hands out; PostgreSQL's roles get their passwords now."""
    if vault is None or not found.is_dir():
        return
    new = {path.name: path.read_text() for path in found.iterdir() if path.name not in NOT_OF_VAULT}
    old = {path.name: path.read_text() for path in vault.iterdir() if path.name in new}
    undo.callback(_write_secrets, vault, old)
    _write_secrets(vault, new)
    roles = {name.removeprefix(ROLE): value for name, value in new.items() if name.startswith(ROLE)}
    roles = {ITS_ROLE if role == SUPERUSER else role: value for role, value in roles.items()}
    if here.postgres and roles:
        PostgreSQL(here.postgres).set_passwords(roles)  # the last step: one transaction, all of them or none


NOT_OF_VAULT = ("pgpass",)  # made of a secret


def _write_secrets(vault: Path, values: dict[str, str]) -> None:
    for name, value in values.items():
        temporary = vault / f".{name}"
        temporary.write_text(value)
        temporary.chmod(0o400)
        temporary.replace(vault / name)


def _told(here: Places, replaced: list[Path]) -> list[str]:
    names = ", ".join(path.name for path in replaced)
    return (
        [f"What lay in {here.datas} before ({names}) is in {here.datas}/{REPLACED} now."] if replaced else []
    )
