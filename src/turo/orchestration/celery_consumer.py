"""Celery's consumer that asks a lost queue again every two seconds, for as long as it takes.

Celery waits 2, 4, 6 … 30 s between its tries and has no setting for it: a queue that was away for a minute
would be back for ten seconds before a worker notices. Named in `AIRFLOW__CELERY__EXTRA_CELERY_CONFIG`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from celery.worker.consumer.consumer import Consumer as CelerysConsumer

PAUSE_S = 2.0


class Consumer(CelerysConsumer):
    """What Celery calls for each connection of a worker."""

    def ensure_connected(self, conn: Any) -> Any:
        """The connection once it stands; tries are counted and told as ever."""
        pauses = {"interval_start": PAUSE_S, "interval_step": 0, "interval_max": PAUSE_S}
        conn.ensure_connection = partial(conn.ensure_connection, **pauses)
        return super().ensure_connected(conn)
