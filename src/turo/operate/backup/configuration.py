"""The user's own configuration of an archive, laid beside: no container may write to the checkout."""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from turo.files import sha256
from turo.operate.backup.archive_reader import Source, read_archive
from turo.operate.backup.lock import working_folder
from turo.operate.backup.places import Places, places

if TYPE_CHECKING:
    from turo.settings import Settings


def lay_beside(archive: Path, settings: Settings) -> list[str]:
    """Lay the archive's .env and overrides into the folder of backups, no more; what to do with them.

    Raises:
        InputError: the archive is damaged or foreign.
    """
    here = places(settings)
    with working_folder(here.backups, "restore") as work:

        def take(member: tarfile.TarInfo, source: Source) -> None:
            if member.name.startswith("project/"):
                target = work / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("xb") as handle:
                    shutil.copyfileobj(source, handle, 1 << 20)

        read_archive(archive, take)
        return lay_out(work / "project", here, archive)


def lay_out(found: Path, here: Places, archive: Path) -> list[str]:
    """The user's .env and overrides are his to put in place: no container may write to the checkout."""
    told = list[str]()
    for path in sorted(found.glob("*")):
        present = here.project / path.name
        if path.name == "versions.toml" or (present.is_file() and sha256(present) == sha256(path)):
            continue
        kept = here.backups / f"{archive.name.removesuffix('.tar.gz')}-{path.name.removeprefix('.')}"
        path.chmod(0o600)
        if os.geteuid() == 0:  # whose the folder is shall copy it
            owner = here.backups.stat()
            os.chown(path, owner.st_uid, owner.st_gid)
        path.replace(kept)
        told.append(
            f"{path.name} of the archive is not the one here: it lies in {kept}; "
            f"`cp backups/{kept.name} {path.name}` puts it in place."
        )
    return told
