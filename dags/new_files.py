"""Drop a file into `datas/`, and it happens: check it, prepare the table, train; the forecast follows.

Runs when the content of an input file changes (looked at every 30 s), or an optional one is taken away. A
file that fails the check starts nothing: the reason is in the log of `check` and on the front door. Another
`costs.csv` makes a new report only. Triggered by hand, it prepares what is there unless the table was made of
it. `WATCH_FILES=0` turns it off, and a URL as DATA_DIR does, too.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Asset, AssetWatcher, dag, task

from turo import settings
from turo.orchestration.changed_files import ChangedFiles
from turo.orchestration.dag_sensor import OtherDagIdle
from turo.orchestration.ray_job import RayJobOperator
from turo.orchestration.task_retries import PATIENT

SETTINGS = settings.load()
FILES = Asset(
    name="turo_input_files",
    uri="turo://datas/input",
    watchers=[
        AssetWatcher(
            name="changed_files",
            trigger=ChangedFiles(
                folder=SETTINGS.data_dir,
                names=SETTINGS.input_files,
            ),
        )
    ],
)
# Of the run that is started: a second try starts no second one, a cleared task does.
RUN_ID = "new_files__{{ run_id }}.{{ ti.max_tries }}"


@task.short_circuit(execution_timeout=timedelta(minutes=5))
def anything_new(found: dict[str, Any]) -> bool:
    """Go on, unless the table is of these very files: prepared meanwhile, or the ones of before are back."""
    return bool(found["news"])


@task.short_circuit(execution_timeout=timedelta(minutes=5))
def other_costs(found: dict[str, Any]) -> bool:
    """Go on for another costs.csv alone; a new table brings its forecast with it."""
    return bool(found["costs"]) and not found["news"]


@dag(
    schedule=[FILES] if SETTINGS.watch_files and "://" not in SETTINGS.data_dir else None,
    catchup=False,
    max_active_runs=1,
    default_args=PATIENT,
    doc_md=__doc__,
    tags=["turo"],
)
def new_files() -> None:
    """Check, then start prepare_data, which forecast_fleet follows; or forecast_fleet alone."""
    # One that was started by hand may be reading these very files.
    idle = OtherDagIdle(task_id="wait_for_prepare_data", other="prepare_data")
    # The forecast of a table that was made just now reads costs.csv as well.
    forecast = OtherDagIdle(task_id="wait_for_forecast_fleet", other="forecast_fleet")
    check, check_again = (
        RayJobOperator(
            task_id=name,
            command=["turo", "check", "--noted"],
            execution_timeout=timedelta(minutes=30),
        )
        for name in ("check", "check_again")
    )
    start, again = (
        TriggerDagRunOperator(
            task_id=f"start_{other}",
            trigger_dag_id=other,
            trigger_run_id=RUN_ID,
            skip_when_already_exists=True,
            execution_timeout=timedelta(minutes=5),
        )
        for other in ("prepare_data", "forecast_fleet")
    )
    idle >> check
    anything_new(check.output) >> start
    other_costs(check.output) >> forecast >> check_again
    other_costs.override(task_id="still_other_costs")(check_again.output) >> again


new_files()
