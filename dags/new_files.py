"""Drop a file into `datas/`, and it happens: check it, prepare the table, train; the forecast follows.

Runs when the content of an input file changes (looked at every 30 s). A file that fails the check starts
nothing: the reason is in the log of `check` and on the front door. `WATCH_FILES=0` turns it off.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Asset, AssetWatcher, dag

from turo import settings
from turo.orchestration.changed_files import ChangedFiles
from turo.orchestration.ray_job import RayJobOperator
from turo.orchestration.task_retries import PATIENT

SETTINGS = settings.load()
MOUNTED = "/opt/turo/datas"  # read-only, in the triggerer
FILES = Asset(
    name="turo_input_files",
    uri="turo://datas/input",
    watchers=[
        AssetWatcher(
            name="changed_files",
            trigger=ChangedFiles(
                folder=MOUNTED,
                names=[SETTINGS.reservations_file, SETTINGS.vehicles_file, SETTINGS.blocks_file],
            ),
        )
    ],
)


@dag(
    schedule=[FILES] if SETTINGS.watch_files else None,
    catchup=False,
    max_active_runs=1,
    default_args=PATIENT,
    doc_md=__doc__,
    tags=["turo"],
)
def new_files() -> None:
    """Check, then start prepare_data; forecast_fleet follows the table that it makes."""
    check = RayJobOperator(
        task_id="check",
        command=["turo", "check", "--noted"],
        execution_timeout=timedelta(minutes=30),
    )
    start = TriggerDagRunOperator(
        task_id="start_prepare_data",
        trigger_dag_id="prepare_data",
        execution_timeout=timedelta(minutes=5),
    )
    check >> start


new_files()
