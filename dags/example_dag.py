"""The smallest useful DAG: copy it to start your own. Needs neither Ray nor data.

Three tasks pass values to each other as ordinary function calls; the middle one runs once per item.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import Param, dag, task

VEHICLES = ["Tesla Model 3", "Toyota Prius", "Jeep Wrangler"]


@task
def list_vehicles(params: dict[str, list[str]]) -> list[str]:
    """What the trigger form says, one item a line."""
    return params["vehicles"]


@task
def measure(vehicle: str) -> int:
    """Stands for work on one item; the items run side by side."""
    return len(vehicle)


@task
def report(lengths: list[int]) -> str:
    """Take all results together."""
    return f"{len(lengths)} vehicles, {sum(lengths)} letters"


@dag(
    schedule=None,
    catchup=False,
    params={
        "vehicles": Param(VEHICLES, type="array", items={"type": "string"}, description="One vehicle a line.")
    },
    default_args={
        # Together longer than Airflow's API server may be away.
        "retries": 4,
        "retry_delay": timedelta(seconds=30),
        "retry_exponential_backoff": 2,
        "execution_timeout": timedelta(minutes=5),
    },
    doc_md=__doc__,
    tags=["example"],
)
def example_dag() -> None:
    """List, measure each, report."""
    lengths = measure.expand(vehicle=list_vehicles())
    report(lengths)


example_dag()
