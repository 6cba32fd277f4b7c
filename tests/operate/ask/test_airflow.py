"""Airflow: its parts without a login, its DAGs with one."""

from __future__ import annotations

from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from asked_services import NOW, Services, dag

from turo.errors import ServiceError
from turo.operate.ask import airflow
from turo.operate.ask.airflow import Part, ScheduledDag

RUNS = "dags/{dag_id}/dagRuns"  # of all DAGs where that is ~


def test_its_parts_as_it_says_they_are(platform: Services, tmp_path: Path) -> None:
    settings = platform.settings(tmp_path, airflow_admin_password="of no matter here")
    heard = NOW - timedelta(seconds=5)
    assert airflow.parts(settings) == [
        Part("postgres", True),
        Part("airflow_scheduler", True, heard),
        Part("airflow_triggerer", True, heard),
        Part("airflow_dag-processor", True, heard),
    ]


def test_a_part_that_was_never_there_is_not_healthy(platform: Services, tmp_path: Path) -> None:
    _, health = platform.airflow["/api/v2/monitor/health"]
    never = {"status": None, "latest_triggerer_heartbeat": None}
    platform.airflow["/api/v2/monitor/health"] = 200, {**health, "triggerer": never, "dag_processor": None}
    found = {part.name: part.healthy for part in airflow.parts(platform.settings(tmp_path))}
    assert [name for name, healthy in found.items() if not healthy] == [
        "airflow_triggerer",
        "airflow_dag-processor",
    ]


def test_the_next_dag_comes_first_and_those_without_a_time_last(platform: Services, tmp_path: Path) -> None:
    told = [dag("by_hand"), dag("late", 9), dag("soon", 2), dag("asleep", 1, paused=True)]
    platform.airflow["/api/v2/dags"] = 200, {"dags": told, "total_entries": 4}
    found = airflow.dags(platform.settings(tmp_path))
    assert [one.dag_id for one in found] == ["asleep", "soon", "late", "by_hand"]
    soon = ScheduledDag("soon", False, "At 06:00, only on Monday", NOW + timedelta(hours=2))
    assert (found[0].paused, found[1]) == (True, soon)


def test_a_wrong_login_is_said_as_such_without_the_password(platform: Services, tmp_path: Path) -> None:
    with pytest.raises(ServiceError) as told:
        airflow.dags(platform.settings(tmp_path, airflow_admin_password="s3cret"))
    assert told.value.what == "Airflow refuses the login of 'admin': user or password is wrong."
    assert "AIRFLOW_ADMIN_PASSWORD" in told.value.remedy
    assert "s3cret" not in str(told.value)


def test_too_many_logins_are_no_wrong_login(platform: Services, tmp_path: Path) -> None:
    def limited(_: Any) -> tuple[int, Any]:
        return 429, {"detail": "5 per 40 second"}

    from asked_services import service

    with (
        service(limited) as url,
        pytest.raises(ServiceError, match=r"429 \(Too Many Requests\): 5 per 40 sec"),
    ):
        airflow.dags(platform.settings(tmp_path, airflow_url=url))


@pytest.mark.parametrize("when", ["2026-11-30T06:00:00", "soon", {}])
def test_a_time_without_a_zone_or_none_at_all_is_no_time(
    platform: Services, tmp_path: Path, when: object
) -> None:
    platform.airflow["/api/v2/dags"] = 200, {"dags": [{**dag("a"), "next_dagrun_run_after": when}]}
    with pytest.raises(ServiceError, match=r"dags\.0\.next_dagrun_run_after is not as expected"):
        airflow.dags(platform.settings(tmp_path))


def test_what_is_read_is_in_airflow_s_own_description() -> None:
    """Fields and addresses, in the version that is installed."""
    package = find_spec("airflow")  # not imported, which would take seconds
    assert package is not None
    assert package.origin is not None
    path = Path(package.origin).parent / "api_fastapi/core_api/openapi/v2-rest-api-generated.yaml"
    described = yaml.load(path.read_text(), yaml.CSafeLoader)
    dags, health = (described["paths"][f"/api/v2/{name}"]["get"] for name in ("dags", "monitor/health"))
    assert {"limit", "exclude_stale"} <= {one["name"] for one in dags["parameters"]}
    assert "security" not in health
    runs, faults = (described["paths"][f"/api/v2/{name}"]["get"] for name in (RUNS, "importErrors"))
    assert {"limit", "order_by"} <= {one["name"] for one in runs["parameters"]}
    assert "limit" in {one["name"] for one in faults["parameters"]}
    assert "security" not in described["paths"]["/api/v2/version"]["get"]
    forms = {
        name: set(form["properties"])
        for name, form in described["components"]["schemas"].items()
        if "properties" in form
    }
    assert forms["DAGResponse"] >= {"dag_id", "is_paused", "timetable_description", "next_dagrun_run_after"}
    assert forms["HealthInfoResponse"] >= {"metadatabase", "scheduler", "triggerer", "dag_processor"}
    assert forms["DAGRunResponse"] >= {"dag_id", "dag_run_id", "state"}
    assert forms["DAGRunCollectionResponse"] >= {"dag_runs"}
    assert forms["ImportErrorResponse"] >= {"filename", "stack_trace"}
    assert forms["ImportErrorCollectionResponse"] >= {"import_errors"}
    assert forms["VersionInfo"] >= {"version"}
    for part, form in (
        ("scheduler", "Scheduler"),
        ("triggerer", "Triggerer"),
        ("dag_processor", "DagProcessor"),
    ):
        assert forms[f"{form}InfoResponse"] >= {"status", f"latest_{part}_heartbeat"}
