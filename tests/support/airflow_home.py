"""An Airflow of the tests' own: import this before Airflow, it reads its configuration at import."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

REPOSITORY = Path(__file__).resolve().parents[2]
DAGS = REPOSITORY / "dags"
TEST_DAGS = Path(__file__).parent / "dags"
LOCAL_BUNDLE = "airflow.dag_processing.bundles.local.LocalDagBundle"

if "airflow.configuration" in sys.modules:
    raise RuntimeError("Airflow was imported before airflow_home: it would use the developer's own folder.")
HOME = Path(tempfile.mkdtemp(prefix="turo-airflow-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
(HOME / "airflow.cfg").touch()
for name in [name for name in os.environ if name.startswith("AIRFLOW")]:
    del os.environ[name]
os.environ |= {
    "AIRFLOW_HOME": str(HOME),
    "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__FERNET_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(
        [
            {"name": folder.parent.name, "classpath": LOCAL_BUNDLE, "kwargs": {"path": str(folder)}}
            for folder in (DAGS, TEST_DAGS)
        ]
    ),
}


@cache
def database() -> None:
    """Make the database, as `airflow_init` does."""
    from turo.orchestration.initialise import initialise

    initialise({"RAY_ADDRESS": "ray://nowhere:10001"})


@cache
def dag(folder: Path, dag_id: str) -> Any:
    """A DAG from its file, without delay between tries."""
    from datetime import timedelta

    from airflow.dag_processing.dagbag import DagBag

    found = DagBag(folder / f"{dag_id}.py", collect_dags=True)
    assert not found.import_errors, found.import_errors
    for operator in found.dags[dag_id].task_dict.values():
        operator.retry_delay = timedelta(0)
    return found.dags[dag_id]


def run(folder: Path, dag_id: str, conf: dict[str, Any] | None = None, at: datetime | None = None) -> Run:
    """Run a DAG to its end in this process, with Airflow's own scheduling decisions."""
    database()
    moment = at or datetime.now(UTC)
    with patch.dict(os.environ):  # what Airflow tells each task there, whose process this one is
        return Run(dag(folder, dag_id).test(run_conf=conf, logical_date=moment, run_after=moment))


class Run:
    """What became of a DAG run."""

    def __init__(self, dag_run: Any) -> None:
        self.run_id: str = dag_run.run_id
        self.state: str = dag_run.state
        self._tasks = dag_run.get_task_instances()

    def states(self, task_id: str) -> dict[str, str]:
        """State of a task by the name of its mapped instance ("" where it is not mapped)."""
        return {ti.rendered_map_index or "": ti.state for ti in self._tasks if ti.task_id == task_id}

    def all_states(self, task_id: str) -> list[str | None]:
        """States of all mapped instances; those that never ran have no name yet."""
        return [ti.state for ti in self._tasks if ti.task_id == task_id]

    def xcom(self, task_id: str, map_index: int = -1) -> Any:
        """What the task returned."""
        ti = next(t for t in self._tasks if t.task_id == task_id and t.map_index == map_index)
        return ti.xcom_pull(task_ids=task_id, map_indexes=map_index)
