"""Host folders: containers write as user 1000, the host's user must still own the result in practice."""

from __future__ import annotations

import logging
import os
import subprocess
from pathlib import Path

ML_USER = 1000
GONE = "No such file or directory"
WALKS = 3  # what was renamed during one is met by the next
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
    is opened to all instead; the log says so. The folder itself tells: what is wrong with something in it is
    only logged, and what others rename or delete meanwhile is not wrong.
    """
    owner = folder.stat().st_uid
    walks = commands(folder, owner)
    setfacl = walks[0][walks[0].index("setfacl") : walks[0].index("{}")]
    if refused := complaints([*setfacl, str(folder)]):
        logger.warning("%s: no access lists here (%s); open to every user instead", folder.name, refused[-1])
        open_to_all(folder)
        return
    for walk in walks:
        if lasting := walked(walk):
            logger.warning(
                "%s: not everything in it is shared (%d times, last: %s); give it to user %s or remove it",
                folder.name, len(lasting), lasting[-1], owner,
            )  # fmt: skip
    logger.info("%s: shared between user %s and the containers", folder.name, owner)


def walked(command: list[str]) -> list[str]:
    """What was wrong with anything the walk met, but for what was gone when its turn came."""
    told: list[str] = []
    for _ in range(WALKS):
        told = complaints(command)
        if not any(line.endswith(GONE) for line in told):
            break
    return [line for line in told if not line.endswith(GONE)]


def complaints(command: list[str]) -> list[str]:
    """What a command says is wrong, line by line; nothing if it succeeds."""
    english = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=english)  # noqa: S603
    except OSError as error:
        return [str(error)]
    return (done.stderr.strip().splitlines() or ["unknown"]) if done.returncode else []


def open_to_all(folder: Path) -> None:
    """Second best: the sticky-less 0777 of a shared folder."""
    try:
        folder.chmod(0o777)
    except OSError as error:
        logger.warning("%s: %s; make it writable for user %s yourself", folder.name, error, ML_USER)
