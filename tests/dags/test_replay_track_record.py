"""A whole run of replay_track_record: real scheduling and a Ray job; `turo` is a fake."""

from __future__ import annotations

from typing import Any

import airflow_home
import pytest
from airflow_home import DAGS
from local_ray import start

from turo.cluster.jobs import Jobs


@pytest.mark.ray
def test_it_replays_what_was_asked_for_on_ray(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = start(request.config)
    monkeypatch.setenv("RAY_AUTH_TOKEN", ray.token)
    monkeypatch.setenv("AIRFLOW_VAR_RAY_ADDRESS", ray.url)
    for conf, since in (({"since": "2025-11-24", "model": "KNN"}, "2025-11-24"), ({"model": "KNN"}, "''")):
        airflow_home.dag.cache_clear()  # a run in this process fills in the words of the command for good
        run = airflow_home.run(DAGS, "replay_track_record", conf)
        assert run.state == "success"
        assert run.xcom("replay") == {"mondays": 4}
        listed = Jobs(ray.url, ray.token).all()
        (mine,) = [job for job in listed if (job["metadata"] or {}).get("run_id") == run.run_id]
        assert mine["entrypoint"] == f"nice -n 15 turo replay --since {since} --model KNN"


@pytest.mark.parametrize(
    ("conf", "named"), [({"model": "NoSuchModel"}, "NoSuchModel"), ({"since": "; rm -rf /"}, "rm -rf")]
)
def test_the_trigger_form_refuses_what_it_does_not_know(conf: dict[str, Any], named: str) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises((ParamValidationError, ValueError), match=named):
        airflow_home.run(DAGS, "replay_track_record", conf)


def test_it_runs_by_hand_only() -> None:
    dag = airflow_home.dag(DAGS, "replay_track_record")
    assert type(dag.timetable).__name__ == "NullTimetable"
    assert dag.params["since"] is None
    assert dag.params.get_param("model").schema["enum"] == ["auto", "XGBoost", "SVR", "CatBoost", "KNN"]
