"""What to expect of each vehicle: bookings of the next 7, 28 and 90 days, with a report for the host.

Runs when `prepare_data` has made a new table, and every Monday. The best of the served models forecasts
their horizon; for the others a model of that kind is trained where it is missing or the table changed. A
horizon whose training fails is left out of the report and fails this run, but does not take the others away.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from airflow.sdk import (
    Asset,
    AssetOrTimeSchedule,
    CronTriggerTimetable,
    Param,
    XComArg,
    dag,
    task,
    task_group,
)

from turo import settings
from turo.forecast.output.report_due import CRON
from turo.orchestration.dag_sensor import OtherDagIdle
from turo.orchestration.ray_job import RayJobOperator
from turo.orchestration.set_up import set_up_at
from turo.orchestration.task_retries import PATIENT
from turo.zone import zone_of

logger = logging.getLogger(__name__)

SETTINGS = settings.load()
MODELS = list(SETTINGS.model_names)
HORIZONS = sorted({7, 28, 90, *SETTINGS.forecast_horizons})
TABLE = Asset(name="turo_table", uri="turo://datas/datas.parquet")
# The first start waits for the next Monday: its forecast comes from the asset. A Monday on which the machine
# was off is made up for.
WEEKLY = CronTriggerTimetable(CRON, timezone=zone_of(SETTINGS.timezone).key, run_immediately=timedelta(0))

RUN_KEY = "{{ run_id }}.{{ ti.max_tries }}"
CHOICE = ["--model", "{{ params.model }}", "--horizons", "{{ params.horizons | join(',') }}"]
PARAMS = {
    "model": Param(
        SETTINGS.asked_model(),
        type="string",
        enum=[settings.BEST_MODEL, *MODELS],
        title="Model",
        description="Whose champions make the forecast; auto: for each horizon the one of the best score.",
    ),
    "horizons": Param(
        list(SETTINGS.forecast_horizons),
        type="array",
        items={"type": "integer", "enum": HORIZONS},
        examples=HORIZONS,
        minItems=1,
        uniqueItems=True,
        title="Horizons",
        description="Days ahead.",
    ),
}


@task_group
def improve(name: str, path: str, option: str, env: dict[str, str]) -> None:
    """Train the model of one horizon and hold it against the gate."""
    train = RayJobOperator(
        task_id="train",
        command=["turo", "train", name, "--path", path, "-P", option, "--run-key", RUN_KEY],
        env=env,
        item=name,
        multiple_outputs=True,
        pool="trainings",
        execution_timeout=timedelta(hours=4),
    )
    RayJobOperator(
        task_id="register_and_gate",
        command=["turo", "promote", name, "--run-id", XComArg(train, "run_id"), "--run-key", RUN_KEY],
        env=env,
        item=name,
        execution_timeout=timedelta(minutes=30),
    )


@task(trigger_rule="none_failed", execution_timeout=timedelta(minutes=5))
def tell(made: dict[str, Any]) -> None:
    """Say what was forecast; not reached, so that the run fails, where a training failed."""
    logger.info("Forecast %s", made)


@dag(
    schedule=AssetOrTimeSchedule(timetable=WEEKLY, assets=[TABLE]),
    start_date=set_up_at(),
    catchup=False,
    max_active_runs=1,
    params=PARAMS,
    default_args=PATIENT,
    doc_md=__doc__,
    tags=["turo"],
)
def forecast_fleet() -> None:
    """Tables, models, forecast."""
    # The new champions of prepare_data shall make the forecast; and it needs the processors until then.
    idle = OtherDagIdle(task_id="wait_for_prepare_data", other="prepare_data")
    tables = RayJobOperator(
        task_id="prepare_horizons",
        command=["turo", "horizons", *CHOICE],
        execution_timeout=timedelta(hours=2),
    )
    forecast = RayJobOperator(
        task_id="forecast",
        command=["turo", "forecast", *CHOICE],
        trigger_rule="all_done",
        execution_timeout=timedelta(hours=1),
    )
    trained = improve.expand_kwargs(tables.output)
    idle >> tables
    trained >> forecast
    trained >> tell(forecast.output)


forecast_fleet()
