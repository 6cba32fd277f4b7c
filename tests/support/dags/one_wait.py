"""One sensor that waits for example_dag; for the tests of it."""

from __future__ import annotations

from airflow.sdk import dag

from turo.orchestration.dag_sensor import OtherDagIdle


@dag(schedule=None)
def one_wait() -> None:
    """Wait."""
    OtherDagIdle(task_id="wait", other="example_dag", poke_interval=0.2, timeout=1)


one_wait()
