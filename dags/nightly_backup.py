"""Every night at 03:30: all that cannot be made again, in one archive in `backups/`, while everything runs.

The service `operator` makes it; this run follows it and fails with its reason. The newest `BACKUPS_KEPT`
archives are kept. `NIGHTLY_BACKUP=0` turns the schedule off; triggering it by hand still works.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import CronTriggerTimetable, dag, task
from airflow.sdk.exceptions import AirflowFailException

from turo import settings
from turo.orchestration.set_up import set_up_at
from turo.orchestration.task_retries import PATIENT
from turo.zone import zone_of

SETTINGS = settings.load()
# In the host's night. The first start waits for the next; one in which the machine was off is made up for.
NIGHTLY = CronTriggerTimetable(
    "30 3 * * *", timezone=zone_of(SETTINGS.timezone).key, run_immediately=timedelta(0)
)


@task(execution_timeout=timedelta(hours=2))
def backup() -> dict[str, Any]:
    """Ask for a backup and follow it; a try that comes while one is under way follows that one."""
    from turo.errors import ConfigError, LastingError
    from turo.orchestration.backup_request import request_backup

    try:
        return request_backup(settings.load())
    except (ConfigError, LastingError) as error:  # another try would end the same way
        raise AirflowFailException(str(error)) from error


@dag(
    schedule=NIGHTLY if SETTINGS.nightly_backup else None,
    start_date=set_up_at(),
    catchup=False,
    max_active_runs=1,
    default_args=PATIENT,
    doc_md=__doc__,
    tags=["turo"],
)
def nightly_backup() -> None:
    """One task: the work is done where the files are."""
    backup()


nightly_backup()
