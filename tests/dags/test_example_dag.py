"""The example runs to its end without any other service."""

from __future__ import annotations

import airflow_home


def test_the_example_passes_values_from_task_to_task() -> None:
    run = airflow_home.run(airflow_home.DAGS, "example_dag", {"vehicles": ["ab", "cde"]})
    assert run.state == "success"
    assert run.xcom("report") == "2 vehicles, 5 letters"
