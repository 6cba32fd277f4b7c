"""Retry settings of tasks: they last longer than an outage of Airflow's API server.

While the API server is away a try that starts, ends or reports is lost after the patience of its worker,
which is at least 355 s (`AIRFLOW__WORKERS__*` in docker-compose.yml). The waits between the tries alone (30,
60, 120, 240 s, or up to twice that) add up to 450 s. How often a failed job runs is up to `RayJobOperator`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

PATIENT: dict[str, Any] = {
    "retries": 4,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": 2,
    "max_retry_delay": timedelta(minutes=5),
}
