"""The machine, as doctor.sh tells of it: what is too old, too small, taken, or off."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

Doctor = Callable[..., dict[str, Any]]
GIB, IN_KIB = 1 << 30, 1 << 20

# (check, severity, what the host says, .env, words of what is said)
WRONG: list[tuple[str, str, dict[str, str], str, str]] = [
    ("docker-version", "error", {"docker": "24.0.7"}, "", "Docker is 24.0.7; 26 or newer"),
    ("compose-version", "error", {"compose": "v2.29.1"}, "", "Docker Compose is v2.29.1; 2.40 or newer"),
    ("memory", "error", {"memory": str(4 * GIB)}, "",
     "has 4.0 GiB of memory; the stack takes 6 without work (5 with one replica of each model), and 2"),
    ("memory", "error", {"memory": str(6 * GIB)}, "", "has 6.0 GiB of memory; the stack takes 6"),
    ("memory", "warning", {"memory": str(65 * GIB // 10 + 1)}, "", "less than RAY_MEM_LIMIT=7g"),
    ("memory", "warning", {"memory": str(8 * GIB)}, "", "less than RAY_MEM_LIMIT=7g"),
    ("memory", "warning", {"memory": str(24 * GIB)}, "RAY_MEM_LIMIT=23g\n", "less than RAY_MEM_LIMIT=23g"),
    ("processors", "error", {}, "SERVE_REPLICA_CPUS=1\n", "8 replicas at SERVE_REPLICA_CPUS=1 reserve 8"),
    ("processors", "error", {}, "RAY_NUM_CPUS=1\nSERVE_REPLICA_CPUS=0.5\n", "reserve 4 of 1 processor."),
    ("disk-space", "error", {"free_docker": str(2 * IN_KIB)}, "", "2.0 GiB are free where docker are kept"),
    ("disk-space", "warning", {"free_docker": str(9 * IN_KIB), "free_project": str(9 * IN_KIB)}, "",
     "9.0 GiB are free where docker and project are kept"),
    ("port-taken", "error", {"listening": "22 sshd|8080 nginx"}, "",
     "Port 8080 (AIRFLOW_PORT) is taken by nginx"),
    ("port-taken", "error", {"listening": "5000 "}, "",
     "Port 5000 (MLFLOW_PORT) is taken by a program of another"),
    ("port-taken", "error", {"published": "- web 0.0.0.0:3000->80/tcp, [::]:3000->80/tcp"}, "",
     "Port 3000 (GRAFANA_PORT) is taken by the container web"),
    ("port-taken", "error", {"published": "other other-ray-1 127.0.0.1:8000-8002->8000-8002/tcp"},
     "SERVE_PORT=8001\n", "Port 8001 (SERVE_PORT) is taken by the container other-ray-1"),
    ("port-taken", "error", {"listening": "192.168.1.9:8080 caddy|127.0.0.1:8080 nginx"}, "",
     "Port 8080 (AIRFLOW_PORT) is taken by nginx"),
    ("port-taken", "error", {"listening": "*:8080 nginx"}, "", "Port 8080 (AIRFLOW_PORT) is taken by nginx"),
    ("port-taken", "error", {"listening": "0.0.0.0:8080 nginx"}, "", "is taken by nginx"),
    ("port-taken", "error", {"listening": ":::8080 nginx"}, "", "is taken by nginx"),
    ("port-taken", "error", {"listening": "[::ffff:127.0.0.1]:8080 java"}, "", "is taken by java"),
    ("port-taken", "error", {"listening": "192.168.1.9:8080 nginx"},
     "BIND_ADDRESS=0.0.0.0\nALLOW_INSECURE=1\n",
     "Port 8080 (AIRFLOW_PORT) is taken by nginx"),
    ("port-taken", "error", {"listening": "[::1]:8080 nginx"}, "BIND_ADDRESS=[::1]\n", "is taken by nginx"),
    ("port-taken", "error", {"listening": "127.0.0.1:6380 redis"}, "BIND_ADDRESS=[::1]\n",
     "Port 6380 (RAY_GCS_PORT) is taken by redis"),
    ("port-taken", "error", {"shell": "AIRFLOW_PORT", "given": "AIRFLOW_PORT=18080",
                             "listening": "*:18080 nginx"}, "",
     "Port 18080 (AIRFLOW_PORT) is taken by nginx"),
    ("port-taken", "error", {"published": "- web 127.0.0.1:3000->80/tcp"}, "",
     "Port 3000 (GRAFANA_PORT) is taken by the container web"),
    ("clock", "warning", {"outside_seconds": str(-5 * 86400)}, "",
     "The clock is 5 days ahead against that of a server outside"),
    ("clock", "warning", {"now_seconds": "7200"}, "",
     "The clock inside containers is 2 hours behind against that of the host"),
    ("folders", "error", {"unwritable": "datas"}, "", "datas/ cannot be written by you"),
    ("shell-variable", "warning", {"shell": "HOME|SERVE_PORT"}, "SERVE_PORT=8000\n",
     "SERVE_PORT is exported by this shell, and wins over the line in .env"),
    ("proxy", "warning", {"shell": "http_proxy", "no_proxy": "10.0.0.0/8"}, "",
     "NO_PROXY does not name localhost"),
]  # fmt: skip

RIGHT: list[tuple[dict[str, str], str]] = [
    ({"docker": "26.0.0", "compose": "2.40.0"}, ""),
    ({"docker": "", "compose": "", "memory": "", "processors": "", "free_docker": "", "now": ""}, ""),
    ({"memory": str(10 * GIB)}, ""),
    ({"memory": str(8 * GIB)}, "RAY_MEM_LIMIT=5g\n"),
    ({"memory": str(7 * GIB)}, "RAY_MEM_LIMIT=4g\nSERVE_MIN_REPLICAS=1\nSERVE_MAX_REPLICAS=1\n"),
    ({"processors": "1"}, ""),
    ({"published": "turo turo-ray-1 127.0.0.1:8000->8000/tcp", "listening": "8000 docker-proxy"}, ""),
    ({"project": "mine", "published": "mine mine-ray-1 [::1]:8000->8000/tcp"}, ""),
    ({"published": "mine mine-ray-1 127.0.0.1:8000->8000/tcp"}, "COMPOSE_PROJECT_NAME=mine\n"),
    ({"listening": "8080 nginx"}, "AIRFLOW_PORT=8081\n"),
    ({"listening": "192.168.1.9:8080 nginx|[::1]:8000 python|[::]:3000 node|127.0.0.53%lo:5000 x"}, ""),
    ({"listening": "127.0.0.1:8080 nginx"}, "BIND_ADDRESS=[::1]\n"),
    ({"published": "- web 192.168.1.9:8080->80/tcp"}, ""),
    ({"published": "- dns 0.0.0.0:8080->53/udp, [::]:8080->53/udp, 3000/tcp"}, ""),
    ({"outside_seconds": "-20"}, ""),
    ({"shell": "HTTP_PROXY|NO_PROXY", "no_proxy": "localhost,127.0.0.1"}, ""),
]


@pytest.mark.parametrize(("check", "severity", "host", "env", "words"), WRONG)
def test_what_is_wrong_is_named(
    doctor: Doctor, check: str, severity: str, host: dict[str, str], env: str, words: str
) -> None:
    told = doctor(env, host=host)
    found = [each for each in told["findings"] if each["check"] == check]
    assert any(words in each["what"] for each in found), told["findings"]
    assert {each["severity"] for each in found} == {severity}
    assert told["exit"] == (severity == "error")


@pytest.mark.parametrize(("host", "env"), RIGHT)
def test_what_is_right_is_left_alone(doctor: Doctor, host: dict[str, str], env: str) -> None:
    assert doctor(env, host=host)["findings"] == []


@pytest.mark.parametrize(
    ("gib", "remedy"),
    [
        (9, "Or set RAY_MEM_LIMIT=6g in .env."),
        (8, "Or set RAY_MEM_LIMIT=5g in .env."),
        (7.6, "Or set RAY_MEM_LIMIT=5g in .env."),  # what one of 8 says of itself
        (7.4, "Or set RAY_MEM_LIMIT=4g in .env, and SERVE_MIN_REPLICAS and SERVE_MAX_REPLICAS to 1."),
        (6.6, "Or set RAY_MEM_LIMIT=4g in .env, and SERVE_MIN_REPLICAS and SERVE_MAX_REPLICAS to 1."),
        (6, "stop what else runs on the machine."),
    ],
)
def test_a_limit_that_is_proposed_fits(doctor: Doctor, gib: float, remedy: str) -> None:
    host = {"memory": str(int(gib * GIB))}
    (found,) = doctor(host=host)["findings"]
    assert found["remedy"].endswith(remedy)
    if limit := re.search(r"RAY_MEM_LIMIT=\S+", remedy):  # who does as he is told is told no more
        fewer = "SERVE_MIN_REPLICAS=1\nSERVE_MAX_REPLICAS=1\n" if "REPLICAS" in remedy else ""
        assert doctor(f"{limit[0]}\n{fewer}", host=host)["findings"] == []


def test_the_port_that_is_proposed_is_free(doctor: Doctor) -> None:
    taken = "8080 nginx|8081 caddy|8083 python"
    (found,) = doctor("SERVE_PORT=8082\n", host={"listening": taken})["findings"]
    assert "Set AIRFLOW_PORT=8084 in .env" in found["remedy"]


def test_a_port_that_the_shell_exports_cannot_be_moved_in_env_alone(doctor: Doctor) -> None:
    host = {"shell": "SERVE_PORT", "given": "SERVE_PORT=8000", "listening": "127.0.0.1:8000 python"}
    found = [
        one for one in doctor("SERVE_PORT=8002\n", host=host)["findings"] if one["check"] == "port-taken"
    ]
    assert [one["remedy"] for one in found] == [
        "unset SERVE_PORT, which this shell exports, and set SERVE_PORT=8001 in .env, or stop python."
    ]


def test_a_file_of_the_future_tells_of_a_clock_that_went_back(doctor: Doctor, project: Path) -> None:
    path = project / "datas/reservations.csv"
    os.utime(path, (time.time() + 5 * 86400,) * 2)
    (found,) = doctor(told=False)["findings"]
    assert found["check"] == "clock"
    assert "datas/reservations.csv was changed" in found["what"]
    assert "5 days ahead of the clock" in found["what"]


def test_rights_for_the_containers_are_missed_only_after_a_first_start(doctor: Doctor, project: Path) -> None:
    (project / "mlruns").chmod(0o755)  # this test's user is not 1000
    if (project / "mlruns").stat().st_uid == 1000:
        (project / "mlruns").chmod(0o555)
    assert doctor()["findings"] == []  # bootstrap gives them
    (found,) = doctor(host={"volumes": "turo_secrets_vault"})["findings"]
    assert "mlruns/ cannot be written by user 1000" in found["what"]
    assert doctor(host={"volumes": "turo_secrets_vault", "system": "Darwin"})["findings"] == []


def test_ends_of_life_are_counted_to_the_day(doctor: Doctor, project: Path) -> None:
    def ending(days: int) -> list[tuple[str, str]]:
        day = datetime.now(UTC).date() + timedelta(days=days)
        (project / "versions.toml").write_text(f'[redis]\nline = "8.2"\nends = {day}\n')
        return [(each["severity"], each["what"]) for each in doctor(told=False)["findings"]]

    assert ending(61) == []
    ((severity, what),) = ending(60)
    assert severity == "warning"
    assert "in 60 days" in what
    assert ending(0)[0][0] == "warning"
    ((severity, what),) = ending(-1)
    assert severity == "error"
    assert "1 day ago" in what
