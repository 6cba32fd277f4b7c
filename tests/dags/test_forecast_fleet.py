"""A whole run of forecast_fleet: real scheduling and Ray jobs; `turo` is a fake."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import airflow_home
import pytest
from airflow_home import DAGS
from local_ray import start

from turo.cluster.jobs import Jobs

BEHIND = "nice -n 15 "  # every job leaves the processor to serving


@pytest.mark.ray
@pytest.mark.parametrize(
    ("horizons", "state", "trained"),
    [
        ([7, 28], "success", {"": "skipped"}),
        ([7, 90], "failed", {"CatBoost-7d": "success", "SVR": "failed"}),
    ],
    ids=["nothing to train", "one training fails"],
)
def test_the_forecast_is_made_whatever_becomes_of_a_training(
    horizons: list[int],
    state: str,
    trained: dict[str, str],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ray = start(request.config)
    monkeypatch.setenv("RAY_AUTH_TOKEN", ray.token)
    monkeypatch.setenv("AIRFLOW_VAR_RAY_ADDRESS", ray.url)
    run = airflow_home.run(DAGS, "forecast_fleet", {"model": "CatBoost", "horizons": horizons})
    assert run.states("prepare_horizons") == {"": "success"}
    assert run.states("improve.train") == trained
    assert run.states("forecast") == {"": "success"}
    assert run.xcom("forecast") == {"vehicles": 3, "rows": 9}
    assert run.state == state

    listed = Jobs(ray.url, ray.token).all()
    mine = [job for job in listed if (job["metadata"] or {}).get("run_id") == run.run_id]
    commands = {job["entrypoint"].removeprefix(BEHIND): job["runtime_env"]["env_vars"] for job in mine}
    choice = f"--model CatBoost --horizons {horizons[0]},{horizons[1]}"
    assert f"turo horizons {choice}" in commands
    assert f"turo forecast {choice}" in commands
    if state == "failed":
        key = f"{run.run_id}.4"
        train = f"turo train CatBoost-7d --path /p -P target=y --run-key {key}"
        assert commands[train] == {"HORIZON_DAYS": "7"}
        promote = f"turo promote CatBoost-7d --run-id run-of-CatBoost-7d --run-key {key}"
        assert commands[promote] == {"HORIZON_DAYS": "7"}


@pytest.mark.parametrize(
    ("conf", "named"),
    [
        ({"model": "NoSuchModel"}, "NoSuchModel"),
        ({"horizons": []}, "horizons"),
        ({"horizons": [7, 7]}, "7"),
        ({"horizons": ["7; rm -rf /"]}, "rm -rf"),
    ],
)
def test_the_trigger_form_refuses_what_it_does_not_know(conf: dict[str, Any], named: str) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises((ParamValidationError, ValueError), match=named):
        airflow_home.run(DAGS, "forecast_fleet", conf)


def test_the_form_offers_the_best_model_and_each_by_name() -> None:
    asked = airflow_home.dag(DAGS, "forecast_fleet").params.get_param("model")
    assert (asked.value, asked.schema["enum"]) == ("auto", ["auto", "XGBoost", "SVR", "CatBoost", "KNN"])


def test_a_model_that_is_not_configured_is_named_where_airflow_shows_broken_dags(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from airflow.dag_processing.dagbag import DagBag

    monkeypatch.setenv("FORECAST_MODEL", "Prophet")
    (told,) = DagBag(DAGS / "forecast_fleet.py", collect_dags=True).import_errors.values()
    assert "FORECAST_MODEL: 'Prophet' is not configured" in told
    assert "MODEL_NAMES (XGBoost, SVR, CatBoost, KNN), or auto" in told


def test_it_starts_by_the_table_of_prepare_data_or_every_monday_and_not_at_once() -> None:
    dag = airflow_home.dag(DAGS, "forecast_fleet")
    produced = airflow_home.dag(DAGS, "prepare_data").get_task("prepare").outlets
    assert [(asset.name, asset.uri) for asset in dag.timetable.asset_condition.objects] == [
        (asset.name, asset.uri) for asset in produced
    ]
    weekly = dag.timetable.timetable
    assert weekly.expression == "0 5 * * MON"
    assert weekly.run_immediately == timedelta(0)


@pytest.mark.parametrize(("named", "used"), [("Europe/Berlin", "Europe/Berlin"), ("Mars/Olympus", "UTC")])
def test_its_monday_is_that_of_timezone(named: str, used: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a zone that does not exist the runs say so, as soon as they read the data: the DAG stays."""
    from airflow.dag_processing.dagbag import DagBag

    monkeypatch.setenv("TIMEZONE", named)
    bag = DagBag(DAGS / "forecast_fleet.py", collect_dags=True)
    assert not bag.import_errors
    weekly: Any = bag.dags["forecast_fleet"].timetable
    assert str(weekly.timetable.timezone) == used
