"""`turo upgrade back`: an archive in the place of what a failed upgrade left, which is put aside."""

from __future__ import annotations

import logging
import os
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from turo.operate.backup.archive_reader import verify
from turo.operate.backup.databases import PostgreSQL
from turo.operate.backup.empty_stack import check_quiet, check_store, check_versions, contents
from turo.operate.backup.folder_snapshot import ASIDE
from turo.operate.backup.places import DATABASES, places
from turo.operate.backup.restore import Restored, restore

if TYPE_CHECKING:
    from turo.settings import Settings

logger = logging.getLogger(__name__)


def back(archive: Path, settings: Settings) -> Restored:
    """Bring the archive back; may be killed and run again.

    Databases are emptied. Files are put aside in their folder, below `.before-rollback/`: there may be some
    that no archive can have, such as those that only their owner may read.

    Raises:
        InputError: the archive is damaged or of a newer version; then nothing was touched.
        ServiceError: something runs, or a step failed: run it again.
    """
    here = places(settings)
    manifest = verify(archive)
    check_versions(manifest, here.project)
    check_store(manifest, here)
    server = PostgreSQL(here.postgres) if here.postgres else None
    check_quiet(settings, server)
    for database in DATABASES if server is not None else ():
        if server is not None:
            server.empty(database)
    made = archive.name.split("-")[1]
    folders = [here.datas, here.artifacts, here.mlflow_database and here.mlflow_database.parent]
    used = [folder for folder in folders if folder is not None and put_aside(folder, made)]
    done = restore(archive, settings)
    left = "What the failed upgrade left there is in {}: remove it when nobody misses it."
    told = [left.format(folder / ASIDE) for folder in used]
    return Restored(done.archive, done.made_at, done.members, (*done.notes, *told))


def put_aside(folder: Path, name: str) -> Path | None:
    """Move what is in a folder out of the way; where to, or None where there was nothing.

    What an earlier try put there stays: people may have worked since. This one goes beside, as `NAME-2`.
    """
    found = contents(folder)
    if not found:
        return None
    tries = (folder / ASIDE / (f"{name}-{n}" if n > 1 else name) for n in count(1))
    aside = next(each for each in tries if not any(os.path.lexists(each / one) for one in found))
    aside.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:  # whose the folder is may remove it
        owner = folder.stat()
        for made in (aside.parent, aside):
            os.chown(made, owner.st_uid, owner.st_gid)
    for each in found:
        (folder / each).replace(aside / each)
    logger.info("Put aside in %s: %s", aside, ", ".join(found))
    return aside
