"""Drop a file into `datas/`, and it happens: check it, prepare the table, train; the forecast follows.

Runs when the content of an input file changes (looked at every 30 s). A file that fails the check starts
nothing: the reason is in the log of `check` and on the front door. `WATCH_FILES=0` turns it off, and
a URL as DATA_DIR does, too.
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
                names=[SETTINGS.reservations_file, SETTINGS.vehicles_file, SETTINGS.blocks_file],
            ),
        )
    ],
)


@task.short_circuit(execution_timeout=timedelta(minutes=5))
def anything_new(found: dict[str, Any]) -> bool:
    """Go on, unless these very files were prepared meanwhile, or the ones of before are back."""
    return bool(found["news"])


@dag(
    schedule=[FILES] if SETTINGS.watch_files and "://" not in SETTINGS.data_dir else None,
    catchup=False,
    max_active_runs=1,
    default_args=PATIENT,
    doc_md=__doc__,
    tags=["turo"],
)
def new_files() -> None:
    """Check, then start prepare_data; forecast_fleet follows the table that it makes."""
    # One that was started by hand may be reading these very files.
    idle = OtherDagIdle(task_id="wait_for_prepare_data", other="prepare_data")
    check = RayJobOperator(
        task_id="check",
        command=["turo", "check", "--noted"],
        execution_timeout=timedelta(minutes=30),
    )
    start = TriggerDagRunOperator(
        task_id="start_prepare_data",
        trigger_dag_id="prepare_data",
        trigger_run_id="new_files__{{ run_id }}",  # a second try starts no second run
        skip_when_already_exists=True,
        execution_timeout=timedelta(minutes=5),
    )
    idle >> check
    anything_new(check.output) >> start


new_files()
