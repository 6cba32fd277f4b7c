"""`turo status`: everything on one screen or as JSON, in time, whoever is away."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import datetime, timedelta, tzinfo
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from asked_services import NOW, TRAINED, Services, route, run, vector
from rich.console import Console
from typer.testing import CliRunner, Result

from turo import last_runs
from turo.cli import app
from turo.errors import InputError
from turo.operate.ask.conversation import SECONDS
from turo.operate.ask.prometheus import LAST_ANSWERS, TARGETS
from turo.operate.status import data_folder, page, questions, stack
from turo.settings import Settings


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the moment from which the services' answers count, however late the test begins."""

    class At(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> At:
            return cls.fromtimestamp(NOW.timestamp(), tz)

    monkeypatch.setattr("turo.commands.status.datetime", At)


def turo(settings: Settings, *words: str) -> Result:
    return CliRunner().invoke(app, ["status", *words], obj=settings)


def told(settings: Settings, exit_code: int = 0) -> dict[str, Any]:
    found = turo(settings, "--json")
    assert found.exit_code == exit_code, found.output
    read: dict[str, Any] = json.loads(found.output)
    assert read["all_answer"] is (exit_code == 0)
    return read


def by_name(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in rows}


def test_a_healthy_platform_in_json(platform: Services, datas: Path) -> None:
    found = told(platform.settings(datas))
    services = by_name(found["services"])
    assert list(services) == [
        "airflow_api-server",
        "postgres",
        "airflow_scheduler",
        "airflow_triggerer",
        "airflow_dag-processor",
        "mlflow",
        "ray",
        "prometheus",
        "metrics of ray",
    ]
    assert services["metrics of ray"]["said"] == "1 of 1 address"
    knn = by_name(found["routes"])["KNN"]
    assert (knn["version"], knn["champion"], knn["snapshot"]) == ("3", "3", "2026-11-24")
    assert knn["trained_at"] == TRAINED.isoformat(timespec="seconds")
    assert knn["last_request"] == (NOW - timedelta(minutes=2)).isoformat(timespec="seconds")
    assert (knn["last_refused"], knn["refusal"], knn["notes"]) == (None, None, [])
    data = {name: found["data"][name] for name in ("snapshot", "rows", "vehicles", "warnings", "problem")}
    assert data == {
        "snapshot": "2026-11-24T00:00:00",
        "rows": 18720,
        "vehicles": 120,
        "warnings": 1,
        "problem": "",
    }
    assert found["data"]["last_run"]["step"] == "prepare"
    assert (found["forecast"]["origin"], found["forecast"]["present"]) == ("2026-11-23", True)
    disk, memory = found["rooms"]
    assert 0 < disk["free"] <= disk["total"]
    assert memory["name"] == "memory"
    assert [one["dag_id"] for one in found["schedule"]] == ["forecast_fleet", "prepare_data"]


def test_one_screen_without_lines_or_colours_where_it_is_piped(platform: Services, datas: Path) -> None:
    found = turo(platform.settings(datas))
    assert found.exit_code == 0, found.output
    lines = found.output.splitlines()
    assert len(lines) <= 40
    assert found.output.isascii()
    assert max(map(len, lines)) <= 160
    rows = {line.split()[0]: line for line in lines if line}
    assert rows["/KNN"].split(maxsplit=2)[1:] == [
        "up",
        "3        3 days ago  2026-11-24  2 minutes ago  none in a day  none",
    ]
    assert "18,720 rows, 1 warning" in rows["data"]
    assert "in 5 hours" in rows["forecast_fleet"]
    assert "DOWN" not in found.output


@pytest.mark.parametrize("kind", ["away", "silent"])
def test_with_everything_away_it_says_so_and_waits_for_all_at_once(kind: str, tmp_path: Path) -> None:
    with ExitStack() as kept:
        servers = [kept.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(4)]
        urls = [f"http://127.0.0.1:{server.getsockname()[1]}" for server in servers]
        if kind == "away":
            kept.pop_all().close()
        names = ("airflow_url", "mlflow_tracking_uri", "serve_url", "prometheus_url")
        chosen: dict[str, Any] = {**dict(zip(names, urls, strict=True)), "data_dir": str(tmp_path / "no")}
        settings = Settings(**chosen)
        turo(settings)  # imports what it needs
        began = time.monotonic()
        found = told(settings, exit_code=1)
        assert time.monotonic() - began < len(servers) * SECONDS  # one after another would take that
    services = by_name(found["services"])
    assert list(services) == ["airflow_api-server", "mlflow", "ray", "prometheus"]
    said = "is not there: nothing answers" if kind == "away" else "did not answer within 1.3 s"
    assert all(said in one["said"] for one in services.values())
    assert "DATA_DIR" in found["data"]["problem"]
    assert [one["answers"] for one in found["routes"]] == [False] * 4


def test_one_service_away_leaves_the_others_as_they_are(platform: Services, datas: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        away = f"http://127.0.0.1:{server.getsockname()[1]}"
    found = told(platform.settings(datas, mlflow_tracking_uri=away), exit_code=1)
    assert [name for name, one in by_name(found["services"]).items() if not one["answers"]] == ["mlflow"]
    knn = by_name(found["routes"])["KNN"]
    assert (knn["answers"], knn["version"], knn["champion"], knn["trained_at"]) == (True, "3", "", None)
    shown = turo(platform.settings(datas, mlflow_tracking_uri=away)).output
    assert shown.count("MLflow is not there") == 1


def test_a_wrong_login_and_a_missing_key_are_said_as_such(platform: Services, datas: Path) -> None:
    platform.password, platform.api_key = "changed", "key"
    found = told(platform.settings(datas), exit_code=1)
    services = by_name(found["services"])
    assert "refuses the login of 'admin'" in services["airflow_api-server"]["said"]
    assert services["airflow_scheduler"]["answers"]
    assert "wants a SERVE_API_KEY, and none was given" in services["ray"]["said"]
    settings = platform.settings(datas, airflow_admin_password="changed", serve_api_key="key")
    assert turo(settings).exit_code == 0


def test_a_part_of_airflow_and_a_target_that_are_down(platform: Services, datas: Path) -> None:
    _, health = platform.airflow["/api/v2/monitor/health"]
    dead = {"status": "unhealthy", "latest_scheduler_heartbeat": (NOW - timedelta(minutes=7)).isoformat()}
    platform.airflow["/api/v2/monitor/health"] = 200, {**health, "scheduler": dead}
    up = {"__name__": "up", "job": "ray"}
    platform.prometheus[TARGETS] = vector(({**up, "instance": "ray:1"}, 1), ({**up, "instance": "ray:2"}, 0))
    services = by_name(told(platform.settings(datas), exit_code=1)["services"])
    assert (
        "not healthy, heard 7 minutes ago: `docker compose logs airflow_scheduler`"
        in (services["airflow_scheduler"]["said"])
    )
    assert services["metrics of ray"]["said"].startswith("1 of 2 addresses; not ray:2:")


def test_a_route_that_is_not_the_champion_s_or_refuses(platform: Services, datas: Path) -> None:
    refused = {"version": "4", "reason": "its digest is wrong"}
    platform.serve["/KNN"] = 200, {**route("KNN", "2", refused=refused), "run_id": "run-before"}
    platform.prometheus[LAST_ANSWERS] = vector(
        ({"model": "KNN", "outcome": "overloaded"}, (NOW - timedelta(hours=2)).timestamp())
    )
    at = (NOW - timedelta(days=2)).isoformat()
    entry = {"name": "KNN", "version": "4", "at": at, "reason": refused["reason"], "event": "refused"}
    line = run(NOW, **{f"turo.ledger.{key}": value for key, value in entry.items()})
    experiment = {"experiment": {"experiment_id": "7"}}
    platform.mlflow["/api/2.0/mlflow/experiments/get-by-name turo-ledger"] = 200, experiment
    platform.mlflow["/api/2.0/mlflow/runs/search"] = 200, {"runs": [line]}
    shown = turo(platform.settings(datas))
    assert shown.exit_code == 0, shown.output
    assert "2 hours ago (overloaded)" in shown.output
    assert "4, 2 days ago" in shown.output
    assert "KNN serves version 2; its champion is version 3." in shown.output
    assert "KNN version 4 was refused, another one serves on: its digest is wrong" in shown.output
    knn = by_name(told(platform.settings(datas))["routes"])["KNN"]
    assert (knn["trained_at"], knn["refusal"]["version"]) == (None, "4")


def test_a_configured_route_that_is_missing_and_one_that_nobody_configured(
    platform: Services, datas: Path
) -> None:
    platform.serve["/"] = 200, {"models": [route("XGBoost"), route("Old", "9")]}
    platform.serve["/KNN"] = 503, {"detail": "KNN has no version to serve yet."}
    routes = by_name(told(platform.settings(datas), exit_code=1)["routes"])
    assert list(routes) == ["XGBoost", "KNN", "Old"]
    assert "KNN has no version to serve yet" in routes["KNN"]["notes"][0]
    assert routes["Old"]["version"] == "9"


def test_on_a_terminal_it_has_colours(platform: Services, datas: Path) -> None:
    settings = platform.settings(datas)
    found = stack.status_of(settings, questions.ask(settings), data_folder.read(str(datas)), [], NOW)
    console = Console(file=StringIO(), force_terminal=True, width=120, color_system="standard")
    page.show(found, console)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b[32mup\x1b[0m" in shown
    assert "/KNN" in shown


def test_what_services_say_is_no_markup(platform: Services, datas: Path) -> None:
    platform.serve["/KNN"] = 200, route("KNN", warning="[/nothing] of [bold]that[/bold]")
    assert "KNN: [/nothing] of [bold]that[/bold]" in turo(platform.settings(datas)).output


def test_alerts_are_named(platform: Services, datas: Path) -> None:
    labels = {"alertname": "ServeErrors", "severity": "critical"}
    told = {"summary": "5 % of answers fail", "runbook_url": "prometheus/README.md#serveerrors"}
    named = {"labels": labels, "annotations": told, "state": "firing"}
    bare = {"labels": {"alertname": "Mine"}, "annotations": {"summary": "It is"}, "state": "firing"}
    platform.prometheus["/api/v1/alerts"] = 200, {"data": {"alerts": [named, bare]}}
    lines = turo(platform.settings(datas)).output.splitlines()
    said = "Alert ServeErrors (critical): 5 % of answers fail (prometheus/README.md#serveerrors)"
    assert said in lines
    assert "Alert Mine: It is" in lines


def test_a_failed_step_and_a_newer_table(platform: Services, datas: Path) -> None:
    with pytest.raises(InputError), last_runs.noted(datas, "prepare"):
        raise InputError("reservations.csv is empty.", "Bring one.")
    manifest = json.loads((datas / "manifest.json").read_text())
    (datas / "manifest.json").write_text(json.dumps({**manifest, "digest": "def"}))
    shown = turo(platform.settings(datas)).output
    assert "The last prepare failed: reservations.csv is empty. Bring one." in shown
    assert "The table was prepared anew after the forecast" in shown


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "No table was prepared yet: run the DAG prepare_data"),
        ('{"snapshot": "2026', "manifest.json is damaged: run the DAG prepare_data"),
        ("[1, 2]", "manifest.json is damaged: run the DAG prepare_data"),
        ('{"rows": 7, "warnings": "many", "snapshot": 5}', ""),
        ("[" * 100_000, "manifest.json is damaged"),
    ],
)
def test_a_manifest_that_is_missing_or_damaged(
    platform: Services, datas: Path, text: str | None, said: str
) -> None:
    if text is None:
        (datas / "manifest.json").unlink()
    else:
        (datas / "manifest.json").write_text(text)
    data = told(platform.settings(datas))["data"]
    assert said in data["problem"]
    assert (data["rows"], data["snapshot"]) == (None, "")
    assert turo(platform.settings(datas)).exit_code == 0


def test_a_url_as_data_folder_is_not_looked_at(platform: Services, datas: Path) -> None:
    found = told(platform.settings(datas).model_copy(update={"data_dir": "s3://fleet/datas"}))
    assert "DATA_DIR=s3://fleet/datas is no folder of this machine" in found["data"]["problem"]
    assert [room["name"] for room in found["rooms"]] == ["memory"]


def test_it_runs_where_only_the_thin_dependencies_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "import sys\n"
        "for name in ('mlflow', 'ray', 'polars', 'numpy', 'pandas', 'sqlalchemy', 'psutil', 'orjson'):\n"
        "    sys.modules[name] = None\n"
        "sys.argv[1:] = ['status', '--json']\n"
        "from turo.cli import main\n"
        "main()\n"
    )
    for name in ("AIRFLOW_URL", "MLFLOW_TRACKING_URI", "SERVE_URL", "PROMETHEUS_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["all_answer"] is False
    assert done.stderr == ""
