"""What every DAG file promises, and the trigger form of prepare_data."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from typing import Any

import airflow_home
import pytest
from airflow_home import DAGS

FILES = sorted(DAGS.glob("*.py"))
OUTAGE, FIRST_WAIT = timedelta(minutes=5), timedelta(seconds=30)
HEAVY = ("ray", "mlflow", "polars", "pandas", "numpy", "pyarrow", "sklearn", "xgboost", "catboost", "httpx")
PARSE = """
import runpy, sys, time
import airflow.sdk, httpx  # the DAG processor has them before it reads a file
for path in sys.argv[1:]:
    known, began = set(sys.modules), time.process_time()
    runpy.run_path(path)
    print(time.process_time() - began, *sorted({name.split('.')[0] for name in set(sys.modules) - known}))
"""


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.stem)
def dag(request: pytest.FixtureRequest) -> Any:
    return airflow_home.dag(DAGS, request.param.stem)


def test_all_files_parse_in_under_a_second_and_import_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", PARSE, *FILES], capture_output=True, text=True, check=True)
    for path, line in zip(FILES, done.stdout.splitlines(), strict=True):
        seconds, *modules = line.split()
        assert float(seconds) < 1, path.name
        assert not set(modules) & set(HEAVY), path.name


def test_each_file_is_one_described_dag_of_its_own_name(dag: Any) -> None:
    assert dag.doc_md
    assert dag.tags
    assert dag.max_active_runs == 1 or dag.dag_id == "example_dag"


def task_wait(task: Any, number: int) -> timedelta:
    """What Airflow waits at least before it tries a task again; `dag` has taken the first delay away."""
    wait = FIRST_WAIT * task.retry_exponential_backoff**number
    return min(wait, task.max_retry_delay or wait)


def test_every_task_is_retried_for_longer_than_an_outage_and_cannot_run_for_ever(dag: Any) -> None:
    for task in dag.tasks:
        waits = [task_wait(task, number) for number in range(task.retries)]
        assert sum(waits, timedelta(0)) > OUTAGE, task.task_id
        assert task.execution_timeout is not None, task.task_id
        assert task.execution_timeout <= timedelta(hours=4), task.task_id


@pytest.mark.parametrize(
    ("conf", "named"),
    [
        ({"models": ["XGBoost", "NoSuchModel"]}, "NoSuchModel"),
        ({"models": []}, "models"),
        ({"models": "XGBoost"}, "XGBoost"),
        ({"models": ["SVR", "SVR"]}, "SVR"),
        ({"target": "y_everything"}, "y_everything"),
        ({"horizon": 30}, "30"),
        ({"horizon": "28; rm -rf /"}, "rm -rf"),
        ({"tune_trials": -1}, "-1"),
    ],
)
def test_the_trigger_form_of_prepare_data_refuses_what_it_does_not_know(
    conf: dict[str, Any], named: str
) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises((ParamValidationError, ValueError), match=named):
        airflow_home.run(DAGS, "prepare_data", conf)


def test_the_trigger_form_offers_the_configured_models_and_fitting_choices() -> None:
    params = airflow_home.dag(DAGS, "prepare_data").params
    assert params["models"] == ["XGBoost", "SVR", "CatBoost", "KNN"]
    assert (params["target"], params["horizon"], params["tune_trials"]) == ("auto", 28, 0)
    schema = {name: params.get_param(name).schema for name in params}
    assert schema["models"]["examples"] == params["models"]  # makes the form a multi-select
    assert schema["target"]["enum"] == ["auto", "y_booked_days", "y_reservations", "y_revenue"]
    assert schema["horizon"]["enum"] == [7, 28, 90]


FORM = """
import json, runpy, sys
found = runpy.run_path(sys.argv[1])["PARAMS"]
print(json.dumps({name: [param.value, param.schema.get("enum")] for name, param in found.items()}))
"""


def test_the_trigger_form_starts_from_the_settings() -> None:
    """One default click trains what the first start trained."""
    environment = os.environ | {"HORIZON_DAYS": "14", "TARGET": "revenue", "MODEL_NAMES": "KNN"}
    command = [sys.executable, "-c", FORM, str(DAGS / "prepare_data.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    form = json.loads(done.stdout.splitlines()[-1])
    assert form["horizon"] == [14, [7, 14, 28, 90]]
    assert form["target"] == ["y_revenue", ["auto", "y_booked_days", "y_reservations", "y_revenue"]]
    assert form["models"][0] == ["KNN"]


def test_a_fifth_model_is_offered_by_both_forms() -> None:
    five = ["XGBoost", "SVR", "CatBoost", "KNN", "Ensemble"]
    environment = os.environ | {
        "MODEL_NAMES": ",".join(five),
        "MODEL_PATHS": "xgboost,svr,catboost,knn,ensemble",
    }
    offered = {}
    for dag_id in ("prepare_data", "forecast_fleet"):
        command = [sys.executable, "-c", FORM, str(DAGS / f"{dag_id}.py")]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        offered[dag_id] = json.loads(done.stdout.splitlines()[-1])
    assert offered["prepare_data"]["models"][0] == five
    assert offered["forecast_fleet"]["model"] == ["auto", ["auto", *five]]


def test_each_model_goes_its_own_way_after_the_table() -> None:
    dag = airflow_home.dag(DAGS, "prepare_data")
    assert dag.get_task("prepare").upstream_task_ids == {"choose_models"}
    assert dag.get_task("improve.train").upstream_task_ids == {"prepare", "choose_models"}
    gate = dag.get_task("improve.register_and_gate")
    assert gate.upstream_task_ids - {"choose_models"} == {"improve.train"}  # not: every model's training
    assert "improve.register_and_gate" in dag.get_task("improve.deploy_and_verify").upstream_task_ids
    assert dag.get_task("improve.train").pool == "trainings"
    assert [asset.name for asset in dag.get_task("prepare").outlets] == ["turo_table"]
