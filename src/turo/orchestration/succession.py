"""Decides whether the Ray job of a task that is told to end is stopped, or left to the task's next try.

Airflow tells a try to end in two very different cases: somebody cancelled the task, or Airflow has not heard
of the try for a while (its worker or the API server was away) and has another one follow. Only what Airflow
says of the task now tells them apart: a try has often ended before the next one has begun.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from turo.cluster.job_ids import is_attempt
from turo.cluster.jobs import ENDED, Jobs
from turo.patience import Patience

logger = logging.getLogger(__name__)

END_WITHIN_S = 30.0
UNKNOWN = "unknown"  # Airflow does not answer
REMOVED = "removed"
TO_COME = frozenset({"up_for_retry", "scheduled", "queued"})


def state_now(ti: Any) -> str | None:
    """What Airflow says of the task, whichever try it is at; None for one that was cleared."""
    mapped = ti.map_index is not None and ti.map_index >= 0
    try:
        found = ti.get_task_states(
            dag_id=ti.dag_id,
            map_index=ti.map_index if mapped else None,
            task_ids=[ti.task_id],
            run_ids=[ti.run_id],
        )
    except Exception as error:  # whatever it is: nothing is known of the task
        logger.warning("Airflow does not say what became of this task: %s", error)
        return UNKNOWN
    return found.get(ti.run_id, {}).get(f"{ti.task_id}_{ti.map_index}" if mapped else ti.task_id, REMOVED)


def another_follows(state: str | None, *, tries_left: bool, overdue: bool) -> bool:
    """Whether a try of this task is there, or will come, that attaches to the same Ray job.

    Args:
        state: what Airflow says of the task now. Failed, successful, skipped: somebody set it so.
            `restarting` or None: it was cleared, and what follows works on a job of its own.
        tries_left: Airflow follows this try with another if it fails.
        overdue: the try ran longer than it may, so its job did as well.
    """
    if state in TO_COME:
        return True
    if state == UNKNOWN:
        return tries_left
    # Either the next try runs already, or it is this one that runs and that something outside ends.
    return state == "running" and tries_left and not overdue


def end_leftovers(cluster: Jobs, name: str, metadata: Mapping[str, str]) -> None:
    """Stop what runs with this metadata but is no attempt of the job `name`, and wait until it has ended.

    A task that is cleared works on a new job; the old one may have outlived the worker that could stop it.
    """
    left = [
        job["submission_id"]
        for job in cluster.all()
        if job["status"] not in ENDED
        and metadata.items() <= (job["metadata"] or {}).items()
        and not is_attempt(job["submission_id"], name)
    ]
    for job in left:
        logger.info("Stopping Ray job %s, left behind by an earlier run of this task", job)
        cluster.stop(job)
    Patience(cluster.poll_s, END_WITHIN_S).poll(lambda: all(cluster.status(job) in ENDED for job in left))
