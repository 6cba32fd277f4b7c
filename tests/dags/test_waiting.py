"""A DAG lets another one end first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import airflow_home
import pytest
from airflow_home import DAGS, TEST_DAGS


@pytest.fixture
def a_run_in_progress():
    """A run of example_dag that is never worked on."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState

    airflow_home.run(DAGS, "example_dag", {"cars": ["ab"]}, at=datetime.now(UTC) - timedelta(days=1))
    with create_session() as session:
        # Other tests may have run it as well: the newest is ours.
        found = session.query(DagRun).filter_by(dag_id="example_dag").order_by(DagRun.id.desc()).first()
        assert found is not None
        found.state = DagRunState.RUNNING
    yield
    with create_session() as session:
        session.query(DagRun).filter_by(dag_id="example_dag").update({"state": DagRunState.SUCCESS})


def test_it_goes_on_when_the_other_dag_is_idle() -> None:
    assert airflow_home.run(TEST_DAGS, "one_wait").state == "success"


@pytest.mark.usefixtures("a_run_in_progress")
def test_it_waits_while_a_run_is_under_way_and_gives_up_in_the_end() -> None:
    assert airflow_home.run(TEST_DAGS, "one_wait").state == "failed"
