"""One backup or restore at a time in a folder of backups."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from turo.errors import ConfigError, ServiceError

LOCK = ".lock"
WORK = ".making-"  # how folders of unfinished work begin


def _opened(path: Path) -> tuple[int, str]:
    """The lock's descriptor and mode: whoever made it, everybody else who may come here locks it too."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except PermissionError:
        return os.open(path, os.O_RDONLY), "r"  # of another user: enough to lock it
    if os.fstat(descriptor).st_uid == os.geteuid():
        os.fchmod(descriptor, 0o666)  # whatever the umask says: there may be no access lists here
    return descriptor, "r+"


@contextmanager
def working_folder(backups: Path, what: str) -> Iterator[Path]:
    """An empty folder inside `backups` of one process, removed afterwards, as is what a killed one left.

    Args:
        what: backup or restore, for whoever comes meanwhile.

    Raises:
        ServiceError: another one is under way.
        ConfigError: nothing can be written there.
    """
    try:
        descriptor, mode = _opened(backups / LOCK)
    except OSError as error:
        raise ConfigError(
            f"{backups} cannot be written to: {error.strerror}.",
            "Make the folder backups/ beside docker-compose.yml, then `docker compose run --rm bootstrap`, "
            "which shares it with the containers.",
        ) from error
    with os.fdopen(descriptor, mode) as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ServiceError(
                f"Another one is under way in {backups}: {handle.read().strip() or 'just begun'}.",
                "Wait until it has ended, then try again.",
            ) from error
        if handle.writable():
            handle.truncate()
            since = datetime.now(UTC).isoformat(timespec="seconds")
            handle.write(
                json.dumps({"what": what, "host": socket.gethostname(), "pid": os.getpid(), "since": since})
            )
            handle.flush()
        for leftover in backups.glob(f"{WORK}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=WORK, dir=backups) as folder:
            yield Path(folder)
