"""Close MLflow runs of trainings that did not finish, trials included: as FAILED, or KILLED where ended."""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from turo.cluster.jobs import connect
from turo.errors import ServiceError
from turo.registry.client import client
from turo.settings import Settings

logger = logging.getLogger(__name__)

RAY_JOB = "turo.ray_job"  # tag: the job a run belongs to
PARENT = "mlflow.parentRunId"
ASK_S = 10.0
OVER = frozenset({None, "FAILED", "STOPPED", "SUCCEEDED"})


class Stopped(KeyboardInterrupt):
    """SIGTERM: how Ray ends a job. MLflow ends its project's process when it sees a KeyboardInterrupt."""


def ray_job(settings: Settings) -> str:
    """The id under which this process was submitted to Ray; empty if it was not."""
    try:
        return str(json.loads(settings.ray_job_config_json_env_var)["metadata"]["job_submission_id"])
    except (KeyError, TypeError, ValueError):
        return ""


def mark(settings: Settings) -> dict[str, str]:
    """The tag that says which Ray job a run belongs to, if any."""
    return {RAY_JOB: own} if (own := ray_job(settings)) else {}


@contextmanager
def killed_with_us(run_id: str) -> Iterator[None]:
    """If this process is told to end while the block runs, so are the run and those nested in it."""

    def stop(*_: int | FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough; SIGKILL follows if we are too slow
        raise Stopped

    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, stop) if main else None
    try:
        yield
    except KeyboardInterrupt as interrupt:
        end(run_id, "KILLED")
        if isinstance(interrupt, Stopped):
            sys.exit(128 + signal.SIGTERM)
        raise
    finally:
        if main:
            signal.signal(signal.SIGTERM, before)


def end(run_id: str, status: str) -> None:
    """Say of a run, and of the unfinished ones nested in it, how they ended: FAILED or KILLED."""
    mlflow_client = client()
    mlflow_client.set_terminated(run_id, status)
    experiment = mlflow_client.get_run(run_id).info.experiment_id
    wanted = f"tags.`{PARENT}` = '{run_id}' and attributes.status = 'RUNNING'"
    for child in mlflow_client.search_runs([experiment], wanted):
        mlflow_client.set_terminated(child.info.run_id, status)


def close_orphans(experiments: Sequence[str], status: Callable[[str], str | None], own: str = "") -> None:
    """Close the runs that say they run although their Ray job is over, as after a SIGKILL or a lost head.

    Args:
        experiments: ids.
        status: what Ray says of a job; None for one it does not know.
        own: the job that this process is.
    """
    if not experiments:
        return
    mlflow_client = client()
    running = f"attributes.status = 'RUNNING' and tags.`{RAY_JOB}` LIKE '_%'"
    try:
        for run in mlflow_client.search_runs(list(experiments), running):
            job = run.data.tags[RAY_JOB]
            if job != own and status(job) in OVER:
                logger.warning("Run %s says it runs, its Ray job %s is over: killed", run.info.run_id, job)
                end(run.info.run_id, "KILLED")
    except ServiceError as error:
        logger.warning("Runs that a lost job left behind are not looked for: %s", error)


def close_orphans_from_a_job(experiments: Sequence[str], settings: Settings) -> None:
    """`close_orphans`, where this process is a Ray job itself and so knows whom to ask."""
    if ray_job(settings):
        close_orphans_with(experiments, settings)


def close_orphans_of_models(names: Iterable[str], settings: Settings) -> None:
    """`close_orphans` the experiments of these models."""
    found = [client().get_experiment_by_name(name) for name in names]
    close_orphans_with([experiment.experiment_id for experiment in found if experiment], settings)


def close_orphans_with(experiments: Sequence[str], settings: Settings) -> None:
    """`close_orphans`, asking the cluster of the settings; a cluster that is away is not waited for."""
    hasty = settings.model_copy(update={"service_deadline_s": ASK_S})
    close_orphans(experiments, connect(hasty).status, ray_job(settings))
