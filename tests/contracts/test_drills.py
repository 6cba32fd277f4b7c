"""The drills leave no service out, name checks that exist, and lines that may warn have their reasons."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from airflow_api import AirflowApi
from compose_file import compose_config
from compose_stack import REPOSITORY, Stack
from drill import OF_SERVICES, OF_THE_HOST, Drill, World
from drill_table import WAVES
from json_server import Answer, json_server
from loud_lines import READER, allowed, files, loud, parted, shapes
from request_loop import RequestLoop
from small_disks import OVERLAY, overlay

from turo.operate.doctor.every_check import CHECKS

ONCE = {"bootstrap", "airflow_init", "restore"}
ADDED = {"ray-worker"}  # it goes and comes in tests/stack/test_2_scaling.py
LINES = {
    "2026-11-28 15:00:00,123 WARNING turo.gate: nothing was written": True,
    "Traceback (most recent call last):": True,
    "2026-11-28 15:00:00.1 UTC [71] FATAL:  the database system is starting up": True,
    "1:M 28 Nov 2026 15:00:00.000 # WARNING: an older version": True,
    "/opt/x.py:7: FutureWarning: uvicorn is preferred": True,
    "2026-11-28T15:00:00.1Z [warning  ] No heartbeat [airflow.jobs] loc=job.py:1": True,
    'time=2026-11-28T15:00:00Z level=ERROR source=main.go:1 msg="x"': True,
    'level=warn msg="slow"': True,
    '{"level":"error","msg":"x"}': True,
    "[2026-11-28 15:00:00,123 W 71 71] (raylet) node is slow": True,
    "[ALERT]    (71) : Binding for frontend http: cannot bind socket": True,
    "[NOTICE]   (71) : haproxy version is 3.0": False,
    "Exception ignored in: <function Client.__del__ at 0x7f>": True,
    "OSError: [Errno 28] No space left on device": True,
    "sqlalchemy.exc.OperationalError: (psycopg.OperationalError) server closed": True,
    "a task ended with no OSError: it was well": False,
    "2026-11-28 15:00:00,123 INFO turo.serving: 0 errors, no warning": False,
    "[2026-11-28 15:00:00,123 I 71 71] (raylet) started": False,
    'time=2026-11-28T15:00:00Z level=INFO msg="error budget rules loaded"': False,
    '10.0.0.1 - "GET /api/v2/importErrors HTTP/1.1" 200': False,
    "2026-11-28T15:00:00.1Z [info     ] 0 import errors": False,
}


def drilled(kind: str) -> set[str]:
    """Services that some drill of a kind takes away."""
    names = [drill.name for wave in WAVES.values() for drill in wave]
    return {one for name in names if name.endswith(kind) for one in name.removesuffix(kind).split(" + ")}


@pytest.mark.parametrize("kind", [" killed", " paused"])
def test_every_service_is_taken_away(kind: str) -> None:
    services = set(compose_config("docker-compose.yml")["services"]) - ONCE - ADDED
    assert drilled(kind) == services


def test_what_the_doctor_must_name_is_a_check() -> None:
    ids = {check.id for check in CHECKS}
    assert ids >= OF_SERVICES | OF_THE_HOST
    for wave in WAVES.values():
        for drill in wave:
            assert drill.names.keys() <= ids, drill.name


def test_no_drill_is_told_under_the_name_of_another() -> None:
    names = [drill.name for wave in WAVES.values() for drill in wave]
    assert len(set(names)) == len(names)


def test_small_disks_take_the_place_of_the_large_ones(tmp_path: Path) -> None:
    file = tmp_path / OVERLAY
    file.write_text(overlay("local", {"datas": 30, "postgres": 100}))
    told = compose_config("docker-compose.yml", str(file))
    mounts = {
        (name, mount["target"]): mount
        for name, service in told["services"].items()
        for mount in service.get("volumes", [])
    }
    for name, target, source in (
        ("ray", "/opt/turo/datas", "small_datas"),
        ("operator", "/opt/turo/datas", "small_datas"),
        ("postgres", "/var/lib/postgresql/data", "small_postgres"),
        ("copier", "/to/datas", "small_datas"),
        ("copier", "/from/postgres", "postgres_data"),
    ):
        assert (mounts[name, target]["type"], mounts[name, target]["source"]) == ("volume", source)
    assert mounts["copier", "/from/datas"]["source"] == str(REPOSITORY / "datas")
    assert mounts["ray", "/run/secrets/ray"]["source"] == "secrets_ray"
    assert told["volumes"]["small_datas"]["driver_opts"]["o"] == "size=94m"


def world() -> World:
    """Nobody is asked anything in it."""
    address = "http://127.0.0.1:9"
    stack = Stack(REPOSITORY, "no-such-project")
    return World(stack, AirflowApi(address, "", ""), address, RequestLoop(address, {}))


def a_drill(harm: Callable[[World], None], healed: list[str], well: bool, aim_s: float = 1.0) -> Drill:
    def probe(world: World, healing: datetime) -> Callable[[], object]:
        return lambda: well

    return Drill("of a test", harm, lambda world: healed.append("yes"), probe, aim_s)


@pytest.fixture(autouse=True)
def own_figures(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    found: dict[str, str] = {}
    monkeypatch.setattr("drill.figures", found)
    return found


def test_what_was_harmed_is_healed_though_the_harm_failed_half_way() -> None:
    healed: list[str] = []

    def harm(world: World) -> None:
        raise AssertionError("half-way")

    with pytest.raises(AssertionError, match="half-way"):
        a_drill(harm, healed, well=True).run(world())
    assert healed == ["yes"]


def test_a_drill_tells_its_line_and_what_took_too_long(own_figures: dict[str, str]) -> None:
    met = world()
    a_drill(lambda world: None, [], well=True).run(met)
    assert met.failures == []
    assert "useful work 0 s after (aimed at 1), routes {}" in own_figures["drill: of a test"]
    a_drill(lambda world: None, [], well=False, aim_s=0.1).run(met)
    assert [line.split(":")[0] for line in met.failures] == ["of a test"]
    assert "not within 0 s" in met.failures[0]


def test_an_answer_that_is_not_allowed_is_told() -> None:
    met = world()

    def harm(world: World) -> None:
        world.loop.statuses["503"] += 1

    a_drill(harm, [], well=True).run(met)
    (told,) = met.failures
    assert "routes answered ['503']" in told


@pytest.mark.parametrize(("line", "warns"), LINES.items())
def test_a_line_that_warns_is_known_by_its_form(line: str, warns: bool) -> None:
    assert loud("ray", f"a line before\n{line}\n", []) == ([line] if warns else [])


def test_files_are_read_with_their_paths(tmp_path: Path) -> None:
    (tmp_path / "serve").mkdir()
    (tmp_path / "raylet.out").write_text("one\ntwo\fthree\n")
    (tmp_path / "serve/replica.log").write_bytes(b"\xff four\n")
    command = [sys.executable, "-c", READER, str(tmp_path)]
    told = files(subprocess.run(command, capture_output=True, check=True).stdout.decode())
    assert {path: text.split() for path, text in told.items()} == {
        "raylet.out": ["one", "two", "three"],
        "serve/replica.log": ["\ufffd", "four"],
    }


def test_lines_that_differ_in_numbers_are_told_once() -> None:
    lines = [
        "10:00:01 WARNING run 4b1f09ac22 waits",
        "10:00:02 WARNING run 99ac00ff11 waits",
        "10:00:03 ERROR",
    ]
    assert shapes(lines) == {lines[0]: 2, lines[2]: 1}


def test_a_line_is_let_pass_for_its_service_only() -> None:
    (line,) = [line for line, _ in LINES.items() if "FutureWarning" in line]
    known = allowed()
    mine = type(known[0])(
        frozenset({"mlflow"}), re.compile("uvicorn is preferred"), "Gunicorn was measured faster."
    )
    assert loud("mlflow", line, [*known, mine]) == []
    assert loud("ray", line, [*known, mine]) == [line]


def test_lines_that_may_be_there_have_reasons_and_services() -> None:
    services = set(compose_config("docker-compose.yml")["services"])
    for one in [*allowed(), *allowed("late")]:
        assert one.services and one.services <= services
        assert len(one.reason) > 20, one


LATE = {
    "redis-exporter": 'time="2026-11-29T02:13:14Z" level=error msg="Couldn\'t connect to redis instance"',
    "postgres-exporter": "time=2026-11-29T00:46:21.732Z level=ERROR source=collector.go:191 "
    'err="error querying postgresql version: read tcp 172.19.0.7:40190->172.19.0.3:5432: i/o timeout"',
}


@pytest.mark.parametrize(("service", "line"), LATE.items())
def test_an_answer_that_comes_late_is_let_pass_on_a_busy_machine_and_not_at_rest(
    service: str, line: str
) -> None:
    log = f"2026-11-29T02:13:59.9Z {line}\n2026-11-29T02:14:00.1Z {line}\n"
    busy, at_rest = parted(log, datetime(2026, 11, 29, 2, 14, tzinfo=UTC))
    assert loud(service, busy, [*allowed(), *allowed("late")]) == []
    assert loud(service, at_rest, allowed()) == [line]


def test_what_alertmanager_says_of_a_feature_that_is_asked_for_is_let_pass() -> None:
    feature = "--enable-feature=receiver-name-in-metrics"
    assert feature in compose_config("docker-compose.yml")["services"]["alertmanager"]["command"]
    told = (
        "time=2026-11-28T15:00:00.1Z level=WARN source=featurecontrol.go:112"
        ' msg="Experimental receiver name in metrics enabled"'
    )
    other = told.replace("receiver name in metrics", "classic mode")
    assert loud("alertmanager", f"{told}\n{other}\n", allowed()) == [other]


def test_a_stack_with_new_keys_is_logged_in_at_anew() -> None:
    """Its volumes are forgotten between the stack's own tests and the drills."""
    known = {"signed": False}

    def answer(method: str, path: str, _: Any) -> Answer:
        if path == "/auth/token":
            known["signed"] = True
            return 201, {"access_token": "new"}, {}
        return (200, {"dags": []}, {}) if known["signed"] else (403, {"detail": "Invalid JWT token"}, {})

    with json_server(answer) as url:
        airflow = AirflowApi(url, "admin", "admin")
        assert airflow.get("/dags") == {"dags": []}
        known["signed"] = False
        assert airflow.get("/dags") == {"dags": []}
