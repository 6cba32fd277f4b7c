"""Prometheus: targets, alerts, and the query for each route's last request, by Prometheus itself."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from asked_services import NOW, Services, vector
from tools import program

from turo.errors import ServiceError
from turo.operate.ask import prometheus
from turo.operate.ask.prometheus import COUNTER, LAST_ANSWERS, TARGETS, Alert, Target, Traffic


def test_targets_and_what_exporters_reach(platform: Services, tmp_path: Path) -> None:
    platform.prometheus[TARGETS] = vector(
        ({"__name__": "up", "job": "ray", "instance": "ray:1"}, 0),
        ({"__name__": "up", "job": "mlflow", "instance": "mlflow:5000"}, 1),
        ({"__name__": "up", "job": "redis-exporter", "instance": "redis-exporter:9121"}, 1),
        ({"__name__": "redis_up", "job": "redis-exporter", "instance": "redis-exporter:9121"}, 0),
    )
    assert prometheus.targets(platform.settings(tmp_path)) == [
        Target("mlflow", "mlflow:5000", True),
        Target("ray", "ray:1", False),
        Target("redis", "redis-exporter:9121", False),
        Target("redis-exporter", "redis-exporter:9121", True),
    ]


def test_alerts_that_fire_the_critical_ones_first(platform: Services, tmp_path: Path) -> None:
    def alert(name: str, severity: str, state: str) -> dict[str, object]:
        labels = {"alertname": name, "severity": severity}
        return {
            "labels": labels,
            "annotations": {"summary": f"{name} it is", "runbook_url": f"README.md#{name}"},
            "state": state,
            "value": "1e+00",
        }

    told = [
        alert("A", "warning", "firing"),
        alert("B", "critical", "pending"),
        alert("C", "critical", "firing"),
    ]
    platform.prometheus["/api/v1/alerts"] = 200, {"status": "success", "data": {"alerts": told}}
    found = prometheus.alerts(platform.settings(tmp_path))
    assert found == [
        Alert("C", "critical", "C it is", "README.md#C"),
        Alert("A", "warning", "A it is", "README.md#A"),
    ]


def test_the_last_request_and_the_last_that_was_refused(platform: Services, tmp_path: Path) -> None:
    ago = [(NOW - timedelta(minutes=minutes)) for minutes in (1, 5, 9)]
    platform.prometheus[LAST_ANSWERS] = vector(
        ({"model": "KNN", "outcome": "invalid"}, ago[2].timestamp()),
        ({"model": "KNN", "outcome": "overloaded"}, ago[1].timestamp()),
        ({"model": "KNN", "outcome": "ok"}, ago[0].timestamp()),
        ({"model": "SVR", "outcome": "ok"}, float("nan")),
        ({"model": "CatBoost", "outcome": "error"}, ago[0].timestamp()),
    )
    assert prometheus.traffic(platform.settings(tmp_path)) == {
        "KNN": Traffic(ago[0], ago[1], "overloaded"),
        "CatBoost": Traffic(ago[0], ago[0], "error"),
    }


def test_a_query_that_is_refused(platform: Services, tmp_path: Path) -> None:
    platform.prometheus[TARGETS] = 422, {"status": "error", "errorType": "bad_data", "error": "parse error"}
    with pytest.raises(ServiceError, match=r"422 .*parse error"):
        prometheus.targets(platform.settings(tmp_path))


@pytest.mark.parametrize(
    ("counter", "up", "minute"),
    [
        ("5x180", "1x180", None),  # counted long ago
        ("5x60 6x120", "1x180", 61),  # once, after an hour
        ("_x60 1x120", "1x180", 61),  # the first request of all
        ("5x60 _x20 5x100", "1x60 _x20 1x100", None),  # nothing was read meanwhile
    ],
)
def test_the_minute_of_the_last_request(tmp_path: Path, counter: str, up: str, minute: int | None) -> None:
    samples = [] if minute is None else [{"labels": '{model="KNN", outcome="ok"}', "value": 60 * minute}]
    case = {
        "interval": "1m",
        "input_series": [
            {"series": f'{COUNTER}{{model="KNN", outcome="ok", replica="r1"}}', "values": counter},
            {"series": 'up{job="ray", instance="ray:1"}', "values": up},
        ],
        "promql_expr_test": [{"expr": LAST_ANSWERS, "eval_time": "3h", "exp_samples": samples}],
    }
    path = tmp_path / "case.yml"
    path.write_text(yaml.safe_dump({"rule_files": [], "evaluation_interval": "1m", "tests": [case]}))
    done = subprocess.run([program("promtool"), "test", "rules", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_moments_are_in_utc() -> None:
    assert prometheus.since_1970(0) == datetime(1970, 1, 1, tzinfo=UTC)
