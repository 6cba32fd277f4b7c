"""One prepare, and one forecast, at a time in a folder."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from turo.errors import ServiceError
from turo.patience import Patience

PREPARE, FORECAST = "prepare", "forecast"
AT_ONCE = Patience(0.0, within_s=0.0)
A_FORECAST = Patience(1.0, within_s=900.0, longest_pause_s=5.0)  # one of 5,000 vehicles takes minutes

logger = logging.getLogger(__name__)


@contextmanager
def exclusive(folder: Path, step: str = PREPARE, patience: Patience = AT_ONCE) -> Iterator[None]:
    """Hold the folder's lock of a step; the kernel lets go of it when the process ends, however it ends.

    Args:
        folder: the data folder.
        step: PREPARE or FORECAST; one of each may go on at a time.
        patience: how long another one of the step is waited for.

    Raises:
        ServiceError: another one still holds it; says which process, where and since when.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / f".{step}.lock", os.O_RDWR | os.O_CREAT, 0o664)

    def take() -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def waits(_: BaseException) -> None:
        logger.info("Another %s is writing to %s: this one waits for it", step, folder)

    with os.fdopen(descriptor, "r+") as handle:
        try:
            patience.retry(take, BlockingIOError, waits)
        except BlockingIOError as error:
            holder = handle.read().strip() or "unknown"
            raise ServiceError(
                f"Another {step} is writing to {folder}: {holder}.", "Wait until it has ended and run again."
            ) from error
        handle.truncate()
        since = datetime.now(UTC).isoformat(timespec="seconds")
        handle.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": since}))
        handle.flush()
        yield


def is_free(folder: Path, step: str = PREPARE) -> bool:
    """Whether no process holds the folder's lock of a step; one that may not be looked at counts as held."""
    try:
        with (folder / f".{step}.lock").open("rb") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
