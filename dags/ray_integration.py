"""Is the Ray cluster reachable from Airflow? Runs a task on every node over Ray Client, reports versions.

The address is the Variable RAY_ADDRESS (Admin > Variables), read when the task runs.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task

from turo.orchestration.task_retries import PATIENT

LIMIT = timedelta(minutes=5)


@task(execution_timeout=LIMIT)
def probe_nodes() -> dict[str, Any]:
    """Who answered: node ids, host names, versions of Ray and Python there and here."""
    from turo.orchestration.ray_job import ray_address
    from turo.orchestration.ray_probe import probe

    return probe(ray_address())


@task(execution_timeout=LIMIT)
def compare_versions(report: dict[str, Any]) -> str:
    """Every node runs the Ray and the Python minor version of this client, else this fails by name."""
    here = report["client"]
    minor = here["python"].rsplit(".", 1)[0]
    strange = [
        node
        for node in report["nodes"]
        if node["ray"] != here["ray"] or node["python"].rsplit(".", 1)[0] != minor
    ]
    if strange:
        raise ValueError(f"Airflow has Ray {here['ray']} on Python {here['python']}; not so {strange}.")
    return f"{len(report['nodes'])} nodes with Ray {here['ray']} on Python {minor}"


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args=PATIENT,
    doc_md=__doc__,
    tags=["turo", "check"],
)
def ray_integration() -> None:
    """Probe every node, compare versions."""
    compare_versions(probe_nodes())


ray_integration()
