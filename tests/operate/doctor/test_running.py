"""A stack that runs: each check is silent while all is well, and names what is wrong in one finding."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import threading
import time
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from asked_services import NOW, Services, dag, dag_run, node, route, services, vector, version
from local_ray import free_port
from shown_certificate import certificate, listener
from tools import REPOSITORY
from typer.testing import CliRunner

from turo import last_runs
from turo.cli import app
from turo.operate.ask import knock
from turo.operate.ask.prometheus import FIGURES, TARGETS
from turo.operate.backup.archive_name import note_holes
from turo.operate.doctor import ask_stack
from turo.operate.doctor.checks import exposed
from turo.operate.doctor.every_check import RUNNING_IDS
from turo.registry.decision_log import EXPERIMENT, PREFIX
from turo.registry.fleet_match import DIGEST

API = "/api/2.0/mlflow"
HOST = {
    "system": "Linux", "docker": "28.2.2", "compose": "2.40.3", "memory": str(24 << 30), "processors": "8",
    "free_project": str(100 << 20), "free_docker": str(100 << 20),
}  # fmt: skip
PSQL = '#!/bin/sh\nfor word; do last=$word; done\necho "$last" >>"$0.asked"\n[ -z "$PSQL_SAYS" ] || '
PSQL += '{ case "$last" in *"$PSQL_FOR"*) echo "$PSQL_SAYS" >&2; exit 1 ;; esac; }\n'


class Running:
    """The services, the folder, and the doctor before them."""

    def __init__(self, at: Services, project: Path, secrets: Path) -> None:
        self.at, self.project, self.secrets = at, project, secrets
        self.more: dict[str, Any] = {
            "operator_secrets": secrets,
            "backups_dir": project / "backups",
            "nightly_backup": True,
            "code_version": "abc",
        }

    def doctor(self, *words: str, **more: Any) -> dict[str, Any]:
        settings = self.at.settings(self.project / "datas", **self.more, **more)
        asked = ["doctor", "--json", "--folder", str(self.project), *words]
        done = CliRunner().invoke(app, asked, obj=settings, catch_exceptions=False)
        return {**json.loads(done.output), "exit": done.exit_code}

    def after_doctor_sh(
        self, env: str, host: Mapping[str, str] | None = None, **more: Any
    ) -> list[tuple[str, str]]:
        """What it finds by the word of doctor.sh, which starts it without the user's `.env`."""
        told = {**HOST, "now": str(int(time.time())), "env_base64": base64.b64encode(env.encode()).decode()}
        told |= host or {}
        facts = self.secrets / "facts.json"
        facts.write_text(json.dumps(told))
        found = self.doctor("--host-facts", str(facts), **more)["findings"]
        return [(one["check"], one["what"]) for one in found]

    def found(self, **more: Any) -> list[tuple[str, str]]:
        return [(one["check"], one["what"]) for one in self.doctor(**more)["findings"]]

    def backed_up(self, ago: timedelta) -> None:
        for old in (self.project / "backups").glob("*.tar.gz"):
            old.unlink()
        stamp = (datetime.now(UTC) - ago).strftime("%Y%m%dT%H%M%SZ")
        (self.project / f"backups/turo-{stamp}-0.1.0.tar.gz").touch()


@pytest.fixture
def running(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    shutil.copy(REPOSITORY / "uv.lock", project)
    manifest = {"digest": "abc", "created_at": NOW.isoformat(), "rows": {"prepared": 3}}
    (project / "datas/manifest.json").write_text(json.dumps(manifest))
    secrets = tmp_path_factory.mktemp("secrets")
    for name in ("redis", "ray", *(f"postgres_{role}" for role in
                 ("airflow", "mlflow", "celery_results", "turo", "exporter"))):  # fmt: skip
        (secrets / name).write_text(f"of {name}")
    with services() as at:
        at.serve["/"] = 200, {"models": [route("XGBoost"), route("KNN")], "code_version": "abc"}
        found = Running(at, project, secrets)
        found.backed_up(timedelta(hours=9))
        yield found


@contextmanager
def line(answer: bytes | None) -> Iterator[str]:
    """A server of bytes at host:port that always says this; None: takes calls and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            held = []
            while True:
                try:
                    taken, _ = server.accept()
                except OSError:
                    return
                held.append(taken)
                if answer is not None:
                    taken.recv(1000)
                    taken.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_all_is_well(running: Running) -> None:
    with line(b"+OK\r\n+PONG\r\n") as redis, line(b"N") as postgres:
        told = running.doctor(
            operator_looks_at=(("redis", f"redis://{redis}"), ("postgres", f"postgresql://{postgres}"))
        )
    assert (told["findings"], told["exit"]) == ([], 0)
    assert set(told["checked"]) >= RUNNING_IDS
    assert running.at.logins == 1  # Airflow lets five pass in forty seconds


Change = Callable[[Running], object]


def served(name: str, number: str = "3", **more: Any) -> Change:
    return lambda it: it.at.serve.update({f"/{name}": (200, route(name, number, **more))})


def at_airflow(path: str, **told: Any) -> Change:
    return lambda it: it.at.airflow.update({f"/api/v2/{path}": (200, told)})


def figure(name: str, value: float, **labels: str) -> Change:
    return lambda it: it.at.prometheus.update({FIGURES: vector(({"__name__": name, **labels}, value))})


def noted(step: str, sentence: str) -> Change:
    def note(it: Running) -> None:
        with pytest.raises(ValueError, match="full"), last_runs.noted(it.project / "datas", step):
            raise ValueError(sentence)

    return note


def trained_on(digest: str) -> Change:
    told = {"info": {"end_time": 10**12}, "data": {"tags": [{"key": DIGEST, "value": digest}]}}
    return lambda it: it.at.mlflow.update({f"{API}/runs/get run-KNN": (200, {"run": told})})


def health(**parts: str) -> Change:
    def ail(it: Running) -> None:
        told = it.at.airflow["/api/v2/monitor/health"][1]
        for name, status in parts.items():
            told[name]["status"] = status

    return ail


ALERT = {
    "state": "firing",
    "labels": {"alertname": "PostgresDown", "severity": "critical"},
    "annotations": {"summary": "PostgreSQL is away"},
}
SILENT = {
    "state": "firing",
    "labels": {"alertname": "AirflowSchedulerSilent", "severity": "critical"},
    "annotations": {"summary": "No heartbeat", "runbook_url": "prometheus/README.md#airflow-silent"},
}
WRONG: list[tuple[str, Change, str]] = [
    ("airflow-part", health(scheduler="unhealthy"), "Airflow says that airflow_scheduler is not healthy"),
    ("airflow-part", health(metadatabase="unhealthy"), "that postgres is not healthy"),
    (
        "service-answer",
        lambda it: setattr(it.at, "password", "other"),
        "Airflow refuses the login of 'admin'",
    ),
    ("service-answer", lambda it: setattr(it.at, "api_key", "k"), "Ray Serve wants a SERVE_API_KEY"),
    ("service-answer", lambda it: it.at.prometheus.update({TARGETS: (200, b"<html>")}), "is no JSON"),
    (
        "service-away",
        lambda it: it.at.mlflow.update({"/health": (500, b"no")}),
        "mlflow does not answer: it answers 500",
    ),
    (
        "host-allowed",
        lambda it: it.at.mlflow.update({f"{API}/experiments/get-by-name Default": (403, b"Invalid Host")}),
        "MLflow refuses who calls it localhost",
    ),
    (
        "versions",
        lambda it: it.at.mlflow.update({"/version": (200, b"3.17.0")}),
        "mlflow 3.17.0 runs; uv.lock names 3.18.0",
    ),
    (
        "versions",
        lambda it: it.at.ray.update({"/api/version": (200, {"ray_version": "2.59.0"})}),
        "ray 2.59.0 runs",
    ),
    ("versions", at_airflow("version", version="3.3.1"), "apache-airflow 3.3.1 runs"),
    (
        "versions",
        lambda it: it.more.update(code_version="def"),
        "Serve's image is of abc, the operator's of def",
    ),
    (
        "versions",
        lambda it: it.at.prometheus.update(
            {
                FIGURES: vector(
                    ({"__name__": "python_info", "job": "mlflow", "major": "3", "minor": "11"}, 1),
                    ({"__name__": "python_info", "job": "ray", "major": "3", "minor": "12"}, 1),
                )
            }
        ),
        "Python differs: mlflow has 3.11 and ray has 3.12",
    ),
    (
        "route-away",
        lambda it: it.at.serve.update({"/KNN": (503, {"detail": "No replica answers"})}),
        "The route of KNN does not answer",
    ),
    (
        "route-refused",
        served("KNN", refused={"version": "4", "reason": "its digest is wrong."}),
        "KNN version 4 was refused: its digest is wrong.",
    ),
    ("route-behind", served("KNN", "2"), "KNN serves version 2; its champion is version 3"),
    ("champion-data", trained_on("old"), "1 champion (KNN) trained on another table"),
    (
        "stack-disk",
        lambda it: it.at.ray.update({"/nodes": (200, {"data": {"summary": [node(free=1 << 20)]}})}),
        "0.0 of 2.0 GiB are free in /tmp/ray of ray",
    ),
    (
        "ray-room",
        figure("ray_object_store_memory", 2 << 30, Location="MMAP_DISK"),
        "2.0 GiB of Ray's objects lie on disk",
    ),
    (
        "ray-room",
        lambda it: it.at.prometheus.update(
            {
                FIGURES: vector(
                    ({"__name__": "ray_node_mem_used"}, 95), ({"__name__": "ray_node_mem_total"}, 100)
                )
            }
        ),
        "Ray's nodes use 95% of",
    ),
    (
        "ray-processors",
        figure("ray_resources", 1, Name="CPU", State="AVAILABLE"),
        "Replicas reserve 0.04 of Ray's 1 processor",
    ),
    (
        "import-errors",
        at_airflow(
            "importErrors",
            import_errors=[
                {
                    "filename": "prepare_data.py",
                    "stack_trace": "Traceback\n  File\nSyntaxError: invalid syntax\n",
                }
            ],
        ),
        "Airflow cannot read prepare_data.py: SyntaxError: invalid syntax.",
    ),
    (
        "dag-paused",
        at_airflow("dags", dags=[dag("prepare_data", paused=True), dag("new_files")]),
        "prepare_data is paused",
    ),
    (
        "failed-run",
        at_airflow(
            "dags/~/dagRuns",
            dag_runs=[
                dag_run("prepare_data", "running", "c"),
                dag_run("prepare_data", "failed", "b"),
                dag_run("prepare_data"),
            ],
        ),
        "The last run of prepare_data failed (b).",
    ),
    ("failed-step", noted("forecast", "The disk is full. Make room."), "The disk is full. Make room."),
    (
        "table-notes",
        lambda it: (it.project / "datas/manifest.json").write_text("{"),
        "manifest.json is damaged",
    ),
    ("backup-fresh", lambda it: it.backed_up(timedelta(days=3)), "The newest backup was made 3 days ago"),
    (
        "target-down",
        lambda it: it.at.prometheus.update(
            {
                TARGETS: vector(
                    ({"__name__": "up", "job": "ray", "instance": "ray:1"}, 0),
                    ({"__name__": "pg_up", "instance": "x"}, 1),
                )
            }
        ),
        "Prometheus reads nothing from ray (ray:1)",
    ),
    (
        "alert-firing",
        lambda it: it.at.prometheus.update({"/api/v1/alerts": (200, {"data": {"alerts": [ALERT]}})}),
        "The alert PostgresDown fires: PostgreSQL is away",
    ),
]


@pytest.mark.parametrize(("check", "change", "words"), WRONG)
def test_what_is_wrong_is_named(running: Running, check: str, change: Change, words: str) -> None:
    change(running)
    told = running.doctor()
    (found,) = [one for one in told["findings"] if one["check"] == check]
    assert words in found["what"]
    assert found["why"]
    assert found["remedy"]
    assert found["link"] == f"docs/runbook.md#{check}"
    assert told["exit"] == (1 if any(one["severity"] == "error" for one in told["findings"]) else 0)


@pytest.mark.parametrize(
    ("alert", "remedy"),
    [
        (SILENT, "prometheus/README.md#airflow-silent says what to do."),
        (ALERT, "Its rule names no runbook_url: see Alerts on Prometheus's page for the rule."),
    ],
)
def test_the_remedy_of_an_alert_is_where_its_rule_says(
    running: Running, alert: dict[str, Any], remedy: str
) -> None:
    """A section may be about several alerts, so its name is not the alert's."""
    running.at.prometheus["/api/v1/alerts"] = 200, {"data": {"alerts": [alert]}}
    (found,) = [one for one in running.doctor()["findings"] if one["check"] == "alert-firing"]
    assert found["remedy"] == remedy


def test_a_failed_run_that_was_made_good_is_forgotten(running: Running) -> None:
    runs = [dag_run("prepare_data"), dag_run("prepare_data", "failed", "b")]
    running.at.airflow["/api/v2/dags/~/dagRuns"] = 200, {"dag_runs": runs}
    assert running.found() == []


def test_a_rejected_version_is_no_fault_of_the_present_champion(running: Running) -> None:
    running.at.mlflow[f"{API}/registered-models/alias KNN"] = 200, {"model_version": version("KNN", "4")}
    running.at.serve["/KNN"] = 200, route("KNN", "4")
    assert running.found() == []


@pytest.mark.parametrize("service", ["airflow", "mlflow_tracking", "serve", "prometheus", "alertmanager"])
def test_a_service_that_is_gone_is_named_once(running: Running, service: str) -> None:
    name = "mlflow_tracking_uri" if service == "mlflow_tracking" else f"{service}_url"
    running.at.urls[name] = "http://127.0.0.1:9"
    told = running.found()
    containers = {"airflow": "airflow_api-server", "mlflow_tracking": "mlflow", "serve": "ray"}
    assert [check for check, _ in told] == ["service-away"]
    assert told[0][1].startswith(f"{containers.get(service, service)} does not answer: ")


def test_a_paused_service_takes_calls_and_says_nothing(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask_stack, "PATIENCE_S", 1.0)
    with line(None) as address:
        told = running.doctor(
            operator_looks_at=(
                ("postgres", f"postgresql://{address}"),
                ("redis", f"redis://{address}"),
                ("airflow_worker", f"http://{address}/"),
                ("jupyter", f"http://{address}/api"),
            )
        )["findings"]
    assert {one["what"] for one in told} == {
        f"{name} does not answer: no answer within 1 s."
        for name in ("postgres", "redis", "airflow_worker", "jupyter")
    }
    assert {one["what"].split()[0] for one in told if one["severity"] == "warning"} == {"jupyter"}
    assert all("docker compose unpause" in one["remedy"] for one in told)


def test_a_stack_that_does_not_run_is_passed_over_where_nobody_expects_it(running: Running) -> None:
    away = dict.fromkeys(running.at.urls, "http://127.0.0.1:9")
    running.at.urls |= away
    running.more["operator_secrets"] = None  # a laptop
    told = running.doctor()
    assert (told["findings"], set(told["skipped"]) >= RUNNING_IDS) == ([], True)
    running.more["operator_secrets"] = running.secrets
    assert {check for check, _ in running.found()} == {"service-away"}


def test_redis_that_refuses_the_vault_s_password(running: Running) -> None:
    with line(b"-WRONGPASS invalid username-password pair\r\n") as address:
        told = running.found(operator_looks_at=(("redis", f"redis://{address}"),))
    assert told == [("secrets-agree", "Redis refuses the password that the vault holds.")]


@pytest.mark.parametrize(
    ("says", "whom", "expected"),
    [
        ("ERROR: program failed\nDETAIL: child process exited with exit code 1", "user=postgres",
         ("stack-disk", "PostgreSQL's volume is full, or nearly.")),
        ('FATAL: password authentication failed for user "turo"', "user=turo ",
         ("secrets-agree", "PostgreSQL refuses the password of turo that the vault holds.")),
        ("FATAL: the database system is starting up", "user=postgres",
         ("service-answer", "PostgreSQL says: FATAL: the database system is starting up")),
    ],
)  # fmt: skip
def test_what_postgresql_says(
    running: Running, monkeypatch: pytest.MonkeyPatch, says: str, whom: str, expected: tuple[str, str]
) -> None:
    psql = running.secrets / "bin/psql"
    psql.parent.mkdir()
    psql.write_text(PSQL)
    psql.chmod(0o755)
    monkeypatch.setenv("PATH", f"{psql.parent}:{os.environ['PATH']}")
    words = "host=postgres user=postgres passfile=/x connect_timeout=5"
    assert running.found(operator_postgres=words) == []
    asked = set(Path(f"{psql}.asked").read_text().splitlines())
    assert words in asked
    assert any(one.startswith("host=postgres connect_timeout=5 user=turo dbname=forecasts ") for one in asked)
    monkeypatch.setenv("PSQL_SAYS", says)
    monkeypatch.setenv("PSQL_FOR", whom)
    assert running.found(operator_postgres=words) == [expected]


def test_ray_and_its_token(running: Running) -> None:
    running.at.token = "t"
    assert running.found(ray_auth_token="t") == []
    assert running.found(ray_auth_token="u") == [("service-answer", "Ray does not accept the token.")]


@pytest.mark.parametrize(
    ("ahead_s", "apart"),
    [(5 * 86400, "5 days ahead"), (3 * 3600 + 60, "3 hours ahead"), (-3 * 3600 - 60, "3 hours behind")],
)
def test_a_clock_that_is_off(
    running: Running, monkeypatch: pytest.MonkeyPatch, ahead_s: int, apart: str
) -> None:
    monkeypatch.setattr(knock, "time", SimpleNamespace(time=lambda: time.time() - ahead_s))
    told = running.found()
    assert {check for check, _ in told} == {"service-clock"}
    assert ("service-clock", f"The clock of mlflow is {apart}.") in told


def test_disks_and_owners(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(100 << 30, 99 << 30, 1 << 29))
    told = running.doctor()["findings"]
    assert {(one["check"], one["severity"]) for one in told} == {("stack-disk", "error")}
    assert told[0]["what"] == f"0.5 of 100.0 GiB are free in {running.project / 'datas'}."


def test_a_folder_that_belongs_to_root(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    (running.project / "datas/report").mkdir(mode=0o755)
    monkeypatch.setattr(ask_stack, "GROUP", -1)
    monkeypatch.setattr(ask_stack, "writable", lambda path: path.name != "report")
    assert running.found() == [("owners", f"User 1000 may not write to {running.project / 'datas/report'}.")]


def test_a_backup_that_lacks_something_is_told(running: Running) -> None:
    running.backed_up(timedelta())
    backups = running.project / "backups"
    (newest,) = backups.glob("*.tar.gz")
    note_holes(newest, ["datas/a.csv is no plain file: not in the archive.", "datas/b.csv cannot be read."])
    (found,) = running.doctor()["findings"]
    assert (found["check"], found["severity"]) == ("backup-whole", "warning")
    assert found["what"] == (
        "The newest backup is not whole: datas/a.csv is no plain file: not in the archive (and 1 more note)."
    )
    assert "docker compose exec operator turo backup" in found["remedy"]
    note_holes(newest, ["/opt/turo/project/.env cannot be read (Permission denied): not in the archive."])
    (found,) = running.doctor()["findings"]
    assert found["remedy"].startswith("setfacl -m u:1000:r .env lets containers read it")
    (backups / "notes.json").write_text("{")
    assert running.found() == []


@pytest.mark.parametrize(("old", "severity"), [(False, "note"), (True, "warning")])
def test_without_any_backup(running: Running, old: bool, severity: str) -> None:
    running.backed_up(timedelta())
    next((running.project / "backups").glob("*.tar.gz")).unlink()
    made = NOW - timedelta(days=3 if old else 0)
    manifest = {"digest": "abc", "created_at": made.isoformat()}
    (running.project / "datas/manifest.json").write_text(json.dumps(manifest))
    (found,) = running.doctor()["findings"]
    assert (found["what"], found["severity"]) == ("There is no backup.", severity)
    running.more["nightly_backup"] = False
    assert running.found() == []


def test_a_model_without_a_champion_waits(running: Running) -> None:
    running.at.serve["/KNN"] = 404, {"detail": "no such model"}
    del running.at.mlflow[f"{API}/registered-models/alias KNN"]
    (found,) = running.doctor()["findings"]
    assert (found["check"], found["severity"]) == ("route-away", "note")
    assert "It has no champion" in found["why"]


def test_in_its_container_it_knows_where_the_project_is(running: Running) -> None:
    settings = running.at.settings(running.project / "datas", project_dir=running.project, **running.more)
    done = CliRunner().invoke(app, ["doctor"], obj=settings, catch_exceptions=False)
    assert (done.exit_code, done.output.startswith("Nothing found in ")) == (0, True)


def refused(running: Running) -> None:
    running.at.mlflow[f"{API}/experiments/get-by-name Default"] = 403, b"Invalid Host"


def test_the_operator_goes_by_what_it_was_started_with(running: Running) -> None:
    refused(running)
    told = running.found(tracking_public_host="lab.example.com", tracking_public_port=15000)
    assert [what for _, what in told] == [
        "MLflow refuses who calls it lab.example.com:15000 (TRACKING_PUBLIC_HOST, MLFLOW_PORT)."
    ]


MODELS = "MODEL_NAMES=XGBoost,KNN\nMODEL_PATHS=xgboost,knn\n"


def test_logins_are_those_of_env(running: Running) -> None:
    running.at.password, running.at.api_key = "p", "k"
    env = f"{MODELS}AIRFLOW_ADMIN_PASSWORD=p\nSERVE_API_KEY=k\nNIGHTLY_BACKUP=0\n"
    running.backed_up(timedelta(days=9))
    assert running.after_doctor_sh(env) == []
    assert [check for check, _ in running.after_doctor_sh(f"{MODELS}NIGHTLY_BACKUP=0\n")] == [
        "service-answer",
        "service-answer",
    ]


def test_what_must_be_refused_is_tried_by_hand(running: Running) -> None:
    env = f"{MODELS}SERVE_API_KEY=k\n"
    left_open = [("secrets-agree", "SERVE_API_KEY is set, and Serve answers without it.")]
    assert running.after_doctor_sh(env) == left_open
    running.at.api_key, running.at.token = "k", "t"
    assert running.after_doctor_sh(env, ray_auth_token="t") == []
    running.at.token = ""
    told = running.after_doctor_sh(env, ray_auth_token="t")
    assert told == [("secrets-agree", "Ray takes a wrong token.")]


@pytest.mark.parametrize("serves", ["2", None])
def test_a_refusal_that_only_the_ledger_tells(running: Running, serves: str | None) -> None:
    tags = {"name": "KNN", "version": "3", "reason": "its digest is wrong.", "at": "x"}
    told = [{"key": f"{PREFIX}{name}", "value": value} for name, value in tags.items()]
    running.at.mlflow[f"{API}/experiments/get-by-name {EXPERIMENT}"] = (
        200,
        {"experiment": {"experiment_id": "1"}},
    )
    running.at.mlflow[f"{API}/runs/search"] = 200, {"runs": [{"info": {}, "data": {"tags": told}}]}
    assert running.found() == []  # it serves by now
    running.at.serve["/KNN"] = (200, route("KNN", serves)) if serves else (404, {"detail": "no such route"})
    assert ("route-refused", "KNN version 3 was refused: its digest is wrong.") in running.found()


def test_the_disk_of_docker_is_not_taken_for_rays_folder(running: Running) -> None:
    one = node()
    one["disk"]["/"] = {"total": 100 << 30, "free": 1 << 29}
    running.at.ray["/nodes"] = 200, {"data": {"summary": [one]}}
    assert running.found() == []


def test_a_seldom_dag_behind_a_hundred_runs_of_another_is_not_forgotten(running: Running) -> None:
    runs = [dag_run("prepare_data", run_id=str(number)) for number in range(100)]
    running.at.airflow["/api/v2/dags/~/dagRuns"] = 200, {"dag_runs": runs}
    failed = dag_run("forecast_fleet", "failed", "monday")
    running.at.airflow["/api/v2/dags/forecast_fleet/dagRuns"] = 200, {"dag_runs": [failed]}
    assert running.found() == [("failed-run", "The last run of forecast_fleet failed (monday).")]


def test_who_prepares_every_day_and_has_no_backup_is_warned(running: Running) -> None:
    for old in (running.project / "backups").glob("*.tar.gz"):
        old.unlink()
    manifest = {"digest": "abc", "created_at": datetime.now(UTC).isoformat(), "rows": {"prepared": 3}}
    (running.project / "datas/manifest.json").write_text(json.dumps(manifest))
    for days, severity in ((1, "note"), (3, "warning")):
        first = {**dag_run("prepare_data"), "run_after": (datetime.now(UTC) - timedelta(days)).isoformat()}
        running.at.airflow["/api/v2/dags/~/dagRuns"] = 200, {"dag_runs": [first]}
        (found,) = running.doctor()["findings"]
        assert (found["check"], found["severity"]) == ("backup-fresh", severity)


def test_a_version_that_kills_its_replicas_has_a_remedy_of_its_own(running: Running) -> None:
    refused = {"version": "3", "reason": "left alone for now, its replicas die: The replica died."}
    running.at.serve["/KNN"] = 200, route("KNN", "2", refused=refused)
    (found,) = running.doctor()["findings"]
    assert found["what"] == "KNN version 3 is left alone for now, its replicas die: The replica died."
    assert "RAY_MEM_LIMIT" in found["remedy"]


def test_doctor_sh_judges_the_values_of_env(running: Running) -> None:
    figure("ray_resources", 2, Name="CPU")(running)
    assert running.after_doctor_sh(MODELS) == []
    told = running.after_doctor_sh(f"{MODELS}SERVE_REPLICA_CPUS=0.6\nSERVE_MIN_REPLICAS=1\nAS_OF=never\n")
    assert "ray-processors" in {check for check, _ in told}


def test_behind_tls_doctor_sh_logs_in_at_mlflow(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = list[tuple[str, str]]()
    whole = ask_stack.ask

    def ask(settings: Any, *rest: Any, **more: Any) -> Any:
        seen.append((settings.mlflow_tracking_username, settings.mlflow_tracking_password))
        return whole(settings, *rest, **more)

    monkeypatch.setattr(ask_stack, "ask", ask)
    running.after_doctor_sh(f"{MODELS}MLFLOW_ADMIN_PASSWORD=twelve-chars\n")
    running.after_doctor_sh(f"{MODELS}TURO_DOMAIN=x.org\nMLFLOW_ADMIN_PASSWORD=twelve-chars\n")
    assert seen == [("", ""), ("admin", "twelve-chars")]


EXPOSED = f"{MODELS}TURO_DOMAIN=x.org\nAIRFLOW_ADMIN_PASSWORD=eight-ch\nGRAFANA_ADMIN_PASSWORD=eight-ch\n"
EXPOSED += "SERVE_API_KEY=eight-ch\nMLFLOW_ADMIN_PASSWORD=twelve-chars\n"
HOSTS = ("x.org", "airflow.x.org")


def behind_tls(running: Running, ends: datetime, refused: str = "") -> list[tuple[str, str]]:
    """What the operator finds whose proxy shows such a certificate for both names but the refused one."""
    _, file = certificate(ends, running.secrets)
    with listener(file, refused) as address:
        return running.found(tls_hosts=HOSTS, tls_proxy=address)


def test_a_name_behind_tls_without_a_certificate_is_told(running: Running) -> None:
    later = datetime.now(UTC) + timedelta(days=60)
    assert behind_tls(running, later) == []
    ((check, what),) = behind_tls(running, later, refused="airflow.x.org")
    assert check == "certificate"
    assert what.startswith("No certificate is shown for airflow.x.org: 127.0.0.1:")
    assert "INTERNAL_ERROR" in what
    ((check, what),) = running.found(tls_hosts=HOSTS, tls_proxy=f"127.0.0.1:{free_port()}")
    assert (check, what.split(":")[0]) == (
        "certificate",
        "No certificate is shown for x.org and airflow.x.org",
    )


def test_a_certificate_that_has_ended_is_told(running: Running) -> None:
    ended = datetime(2026, 11, 2, tzinfo=UTC)
    assert behind_tls(running, ended, "airflow.x.org")[0] == (
        "certificate",
        "The certificate of x.org ended on 2026-11-02.",
    )


def test_doctor_sh_asks_the_proxy_where_one_runs(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file by which it starts itself has no word of TLS."""
    monkeypatch.setattr(exposed, "SHOWS", f"127.0.0.1:{free_port()}")

    def told(containers: str) -> list[str]:
        found = running.after_doctor_sh(EXPOSED, {"containers": containers})
        return [check for check, _ in found if check in ("certificate", "exposed")]

    assert told("caddy running healthy 0 false 0") == ["certificate"]
    assert told("ray running healthy 0 false 0") == ["exposed"]


def test_a_stack_that_runs_behind_tls_is_not_told_to(running: Running, project: Path) -> None:
    """Started with -f, or with a COMPOSE_FILE of another shell."""
    (project / ".env").write_text(EXPOSED)
    (project / ".env").chmod(0o600)
    _, file = certificate(datetime.now(UTC) + timedelta(days=60), running.secrets)
    with listener(file) as address:
        assert running.found(tls_hosts=HOSTS, tls_proxy=address) == []
    ((check, what),) = running.found()
    assert (check, what) == (
        "exposed",
        "TURO_DOMAIN=x.org, but COMPOSE_FILE does not name docker-compose.tls.yml.",
    )


def test_doctor_sh_goes_by_the_public_name_of_env(running: Running) -> None:
    refused(running)
    env = f"{MODELS}TRACKING_PUBLIC_HOST=own.example.com\nMLFLOW_PORT=5001\n"
    told = running.after_doctor_sh(env, tracking_public_host="localhost", tracking_public_port=5000)
    assert (
        "host-allowed",
        "MLflow refuses who calls it own.example.com:5001 (TRACKING_PUBLIC_HOST, MLFLOW_PORT).",
    ) in told
