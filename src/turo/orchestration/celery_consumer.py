"""Celery's consumer that bears the loss of its queue. Named in `AIRFLOW__CELERY__EXTRA_CELERY_CONFIG`.

Celery asks a lost queue again after 2, 4, 6 … 30 s and has no setting for it: one that was away for a minute
would be back for ten seconds before a worker notices. It then forgets which of its processes work: the next
task is handed to one that trains, and waits until that is done, though three others are idle.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from celery.concurrency.asynpool import AsynPool
from celery.worker.consumer.consumer import Consumer as CelerysConsumer

PAUSE_S = 2.0


class Consumer(CelerysConsumer):
    """What Celery calls for each connection of a worker."""

    def ensure_connected(self, conn: Any) -> Any:
        """The connection once it stands; tries are counted and told as ever."""
        pauses = {"interval_start": PAUSE_S, "interval_step": 0, "interval_max": PAUSE_S}
        conn.ensure_connection = partial(conn.ensure_connection, **pauses)
        return super().ensure_connected(conn)

    def on_close(self) -> None:
        """After a connection: what has not begun is forgotten, the queue hands it out again; nothing else."""
        super().on_close()
        processes = getattr(self.pool, "_pool", None)
        if isinstance(processes, AsynPool):  # other kinds of pools remember nothing of it
            begun = [job for job in processes._cache.values() if job._accepted and job._write_to]
            processes._busy_workers.update(job._write_to.inqW_fd for job in begun)
