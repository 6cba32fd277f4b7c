"""Backups on demand, one at a time, each followed by its id."""

from __future__ import annotations

import logging
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from turo.errors import TuroError, kind
from turo.operate.backup.make_backup import Made

logger = logging.getLogger(__name__)

REMEMBERED = 20
RUNNING, DONE, FAILED = "running", "done", "failed"


@dataclass(frozen=True)
class Job:
    """One backup that was asked for.

    Attributes:
        state: running, done or failed.
        archive: file name, once it is done.
        size: of the archive in bytes.
        problem, remedy: why it failed, and what to do.
        kind: of the error, as `turo.errors.kind` calls it.
    """

    id: str
    state: str = RUNNING
    archive: str = ""
    size: int = 0
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    problem: str = ""
    remedy: str = ""
    kind: str = ""


class BackupJobs:
    """Starts backups in a thread; whoever asks while one runs is told of that one.

    Args:
        make: makes a backup.
    """

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._jobs: OrderedDict[str, Job] = OrderedDict()

    def start(self) -> Job:
        """The backup that is under way, or a new one."""
        with self._lock:
            if running := self.running():
                return running
            job = Job(uuid.uuid4().hex)
            self._jobs[job.id] = job
            while len(self._jobs) > REMEMBERED:
                self._jobs.popitem(last=False)
        threading.Thread(target=self._run, args=(job,), name="backup", daemon=True).start()
        return job

    def get(self, job_id: str) -> Job | None:
        """None for one that never was, or is forgotten, as all are when the server starts anew."""
        return self._jobs.get(job_id)

    def running(self) -> Job | None:
        """The backup that is under way."""
        return next((job for job in reversed(self._jobs.values()) if job.state == RUNNING), None)

    def _run(self, job: Job) -> None:
        try:
            made = self._make()
        except TuroError as error:
            logger.error("Backup failed: %s", error)  # noqa: TRY400 - a user's error
            ended = replace(job, state=FAILED, problem=error.what, remedy=error.remedy, kind=kind(error))
        except Exception as error:
            logger.exception("Backup failed")
            ended = replace(
                job,
                state=FAILED,
                problem=f"{type(error).__name__}: {error}",
                remedy="`docker compose logs operator` has the traceback.",
                kind=type(error).__name__,
            )
        else:
            logger.info("Backup %s: %d bytes in %.0f s", made.path.name, made.size, made.seconds)
            ended = replace(
                job,
                state=DONE,
                archive=made.path.name,
                size=made.size,
                seconds=made.seconds,
                notes=made.notes,
            )
        with self._lock:
            self._jobs[job.id] = ended
