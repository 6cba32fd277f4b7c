"""Trains again by itself when the models no longer see the world they learnt: starts `prepare_data`, once.

Looks every hour, only with `AUTO_RETRAIN=1`, for alerts that a retraining answers: inputs of the requests or
of the fleet forecast that have moved, and a fleet forecast that errs more than the best baseline. Every
candidate goes through the gate as always. Nothing starts while another `prepare_data` is under way, where one
that did not fail has begun since the alert did, within `RETRAIN_COOLDOWN_DAYS` of the last retraining, or for
input files that a retraining was started for already; but what was decided and never got started is made up
for. Why one was started is in the run's `reason` and in the decision log.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import CronTriggerTimetable, dag, task

from turo import settings
from turo.orchestration.dag_sensor import BUSY
from turo.orchestration.ray_job import RayJobOperator
from turo.orchestration.task_retries import PATIENT

logger = logging.getLogger(__name__)

SETTINGS = settings.load()
HOURLY = CronTriggerTimetable("17 * * * *", timezone="UTC", run_immediately=timedelta(0))
# Of the run that would be started: a second try starts no second one.
RUN_ID = "retrain__{{ run_id }}"


@task.short_circuit(execution_timeout=timedelta(minutes=5))
def look(ti: Any = None) -> str:
    """What speaks for a retraining, as JSON; empty, which ends the run, where nothing does or may."""
    from turo.operate.retrain import reasons

    chosen = settings.load()
    found = reasons.standing(chosen)
    for reason in found:
        logger.info("%s since %s: %s", reason.alert, reason.since, reason.what)
    if not found:
        logger.info("Nothing speaks for a retraining")
        return ""
    if not chosen.auto_retrain:
        logger.info("AUTO_RETRAIN is off: nothing is started")
        return ""
    if busy := ti.get_dr_count(dag_id="prepare_data", states=BUSY):
        logger.info("%d runs of prepare_data are under way: the next look tells what they changed", busy)
        return ""
    return reasons.to_text(found)


@task.short_circuit(execution_timeout=timedelta(minutes=5))
def due(decision: dict[str, Any], ti: Any = None) -> bool:
    """Go on where a retraining is due, or where the one that the decision log tells of was never started."""
    logger.info(decision["why"])
    if decision["start"]:
        return True
    decided = decision["run"]
    if not decided or ti.get_dr_count(dag_id="prepare_data", run_ids=[decided]):
        return False
    logger.warning("But there is no run %s of prepare_data: it is started now", decided)
    return True


@dag(
    schedule=HOURLY if SETTINGS.auto_retrain else None,
    catchup=False,
    max_active_runs=1,
    default_args=PATIENT,
    doc_md=__doc__,
    tags=["turo"],
)
def retrain() -> None:
    """Look, decide by what was done before, start."""
    decide = RayJobOperator(
        task_id="decide",
        command=["turo", "note-retraining", "--run", RUN_ID, "--reasons", look()],
        execution_timeout=timedelta(minutes=15),
    )
    start = TriggerDagRunOperator(
        task_id="start_prepare_data",
        trigger_dag_id="prepare_data",
        trigger_run_id="{{ ti.xcom_pull(task_ids='decide')['run'] }}",
        conf={"reason": "{{ ti.xcom_pull(task_ids='decide')['reason'] }}"},
        skip_when_already_exists=True,
        execution_timeout=timedelta(minutes=5),
    )
    due(decide.output) >> start


retrain()
