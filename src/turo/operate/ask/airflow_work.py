"""Asks Airflow how its DAGs do, by one login: it counts logins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from turo.operate.ask.airflow import ScheduledDag, dags_of, logged_in

if TYPE_CHECKING:
    from turo.settings import Settings

FAILED = "failed"
OVER = ("success", FAILED)


@dataclass(frozen=True)
class Work:
    """What its parts do, for whoever looks for what is wrong.

    Attributes:
        version: of Airflow.
        import_errors: DAG file → the last line of what Python says of it.
        since: when the first run of all was due, ISO; empty where there was none.
        failed: DAG → id of its newest run that is over, of those that failed.
    """

    version: str
    dags: list[ScheduledDag]
    import_errors: dict[str, str]
    failed: dict[str, str]
    since: str = ""


@dataclass(frozen=True)
class _Version:
    version: str


@dataclass(frozen=True)
class _Fault:
    filename: str
    stack_trace: str


@dataclass(frozen=True)
class _Faults:
    import_errors: list[_Fault]


@dataclass(frozen=True)
class _Run:
    dag_id: str
    dag_run_id: str
    state: str
    run_after: str = ""


@dataclass(frozen=True)
class _Runs:
    dag_runs: list[_Run]


def work(settings: Settings) -> Work:
    """What its parts do, by one login; raises as `airflow.dags`."""
    talk = logged_in(settings)
    faults = talk.get(_Faults, "/api/v2/importErrors", limit=20).import_errors
    runs = talk.get(_Runs, "/api/v2/dags/~/dagRuns", order_by="-run_after", limit=100).dag_runs
    first = talk.get(_Runs, "/api/v2/dags/~/dagRuns", order_by="run_after", limit=1).dag_runs
    newest = dict[str, _Run]()
    for run in runs:
        if run.state in OVER:
            newest.setdefault(run.dag_id, run)
    dags = dags_of(talk)
    for dag_id in [dag.dag_id for dag in dags if dag.dag_id not in newest]:  # seldom ones, behind many others
        path = f"/api/v2/dags/{dag_id}/dagRuns"
        for run in talk.get(_Runs, path, order_by="-run_after", limit=1, state=list(OVER)).dag_runs:
            newest[dag_id] = run
    return Work(
        talk.get(_Version, "/api/v2/version").version,
        dags,
        {one.filename: (one.stack_trace.strip().splitlines() or [""])[-1] for one in faults},
        {dag_id: run.dag_run_id for dag_id, run in newest.items() if run.state == FAILED},
        first[0].run_after if first else "",
    )
