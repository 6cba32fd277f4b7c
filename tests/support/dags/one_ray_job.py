"""One Ray job that runs the code it is given; for the tests of the operator."""

from __future__ import annotations

from airflow.sdk import Param, dag

from turo.orchestration.ray_job import RayJobOperator


@dag(schedule=None, params={"code": Param("", type="string")})
def one_ray_job() -> None:
    """Run the code."""
    RayJobOperator(
        task_id="work",
        command=["python", "-u", "-c", "{{ params.code }}", "{{ run_id }}"],
        env={"WHO": "{{ dag.dag_id }}"},
        num_cpus=0.1,
    )


one_ray_job()
