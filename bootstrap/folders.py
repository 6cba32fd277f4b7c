"""Host folders: containers write as user 1000, the host's user must still own the result in practice."""

from __future__ import annotations

import logging
import subprocess
from pathlib import Path

ML_USER = 1000
logger = logging.getLogger("bootstrap")


def commands(folder: Path, owner: int) -> list[list[str]]:
    """`setfacl` over what exists, and as the default for what comes. Links are never followed."""
    users = sorted({owner, ML_USER})
    now, later, files = (
        ",".join(f"{kind}{uid}:{rights}" for uid in users)
        for kind, rights in (("u:", "rwx"), ("d:u:", "rwx"), ("u:", "rw"))
    )
    files += ",m::rw"  # or files would seem executable to their group
    return [
        ["find", str(folder), "-type", "d", "-exec", "setfacl", "--modify", f"{now},{later}", "{}", "+"],
        ["find", str(folder), "-type", "f", "-exec", "setfacl", "--modify", files, "{}", "+"],
    ]


def share(folder: Path) -> None:
    """Let the folder's owner and user 1000 read, change and delete everything in it, whoever made it.

    Where the file system knows no access lists (macOS and Windows hosts map owners themselves) the folder
    is opened to all instead; the log says so.
    """
    owner = folder.stat().st_uid
    for command in commands(folder, owner):
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - built above
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["unknown"])[-1]
            logger.warning("%s: no access lists here (%s); open to every user instead", folder.name, reason)
            open_to_all(folder)
            return
    logger.info("%s: shared between user %s and the containers", folder.name, owner)


def open_to_all(folder: Path) -> None:
    """Second best: the sticky-less 0777 of a shared folder."""
    try:
        folder.chmod(0o777)
    except OSError as error:
        logger.warning("%s: %s; make it writable for user %s yourself", folder.name, error, ML_USER)
