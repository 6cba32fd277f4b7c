"""A DAG lets another one end first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import airflow_home
import pytest
from airflow_home import DAGS, TEST_DAGS


@pytest.fixture
def a_run():
    """Gives the newest run of example_dag, which is never worked on, a state, and its tasks another."""
    from airflow.models.dag import DagModel
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    airflow_home.run(DAGS, "example_dag", {"vehicles": ["ab"]}, at=datetime.now(UTC) - timedelta(days=1))

    def is_now(state: str, tasks: str = "success", paused: bool = False) -> None:
        with create_session() as session:
            # Other tests may have run it as well: the newest is ours.
            found = session.query(DagRun).filter_by(dag_id="example_dag").order_by(DagRun.id.desc()).first()
            assert found is not None
            found.state = state
            mine = session.query(TaskInstance).filter_by(dag_id="example_dag", run_id=found.run_id)
            mine.update({"state": tasks})
            session.query(DagModel).filter_by(dag_id="example_dag").update({"is_paused": paused})

    yield is_now
    is_now("success")


def test_it_goes_on_when_the_other_dag_is_idle() -> None:
    assert airflow_home.run(TEST_DAGS, "one_wait").state == "success"


@pytest.mark.parametrize("state", ["queued", "running"])
def test_it_waits_while_a_run_is_under_way_and_gives_up_in_the_end(
    a_run: Callable[..., None], state: str
) -> None:
    a_run(state)
    assert airflow_home.run(TEST_DAGS, "one_wait").state == "failed"


@pytest.mark.parametrize("state", ["queued", "running"])
def test_it_does_not_wait_for_a_run_of_a_paused_dag(a_run: Callable[..., None], state: str) -> None:
    """Airflow starts nothing more of it until somebody takes the pause away."""
    a_run(state, paused=True)
    assert airflow_home.run(TEST_DAGS, "one_wait").state == "success"


def test_it_waits_for_a_task_that_a_paused_dag_has_in_hand(a_run: Callable[..., None]) -> None:
    a_run("running", tasks="running", paused=True)
    assert airflow_home.run(TEST_DAGS, "one_wait").state == "failed"
