"""Prometheus's files: every query parses, every alert is tested and explained, every target exists."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from monitoring_queries import REPOSITORY, all_queries, may_be_absent, metrics_of
from tools import program

FOLDER = REPOSITORY / "prometheus"
RULES = sorted((FOLDER / "rules").glob("*.yml"))
ALERTS = {
    rule["alert"]: rule
    for path in RULES
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
}


def run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_configuration_is_valid() -> None:
    run(program("promtool"), "check", "config", "--syntax-only", FOLDER / "prometheus.yml")


def test_alerts_fire_and_stay_silent_as_described() -> None:
    run(program("promtool"), "test", "rules", *sorted((FOLDER / "tests").glob("*.yml")))


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_has_a_firing_and_a_silent_case(name: str) -> None:
    cases = [case for path in (FOLDER / "tests").glob("*.yml") for case in _cases(path)]
    mentioned = [case for case in cases if name in re.split(r"[ ,]+", case)]
    assert any(re.search(r"\bfires?\b", case) for case in mentioned)
    assert any(re.search(r"\bsilent\b", case) for case in mentioned)


def _cases(path: Path) -> list[str]:
    return [case["name"] for case in yaml.safe_load(path.read_text())["tests"]]


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_says_what_to_do(name: str) -> None:
    rule = ALERTS[name]
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    file, anchor = rule["annotations"]["runbook_url"].split("#")
    headings = re.findall(r"^### (.+)$", (REPOSITORY / file).read_text(), re.MULTILINE)
    assert anchor in {heading.lower().replace(" ", "-") for heading in headings}


def test_every_query_of_dashboards_and_rules_parses(tmp_path: Path) -> None:
    """Written as recording rules, so that one run of promtool reads all of them."""
    queries = all_queries()
    assert len(queries) > 300
    rules = [{"record": f"query:{n}", "expr": expr} for n, (_, expr) in enumerate(queries)]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    run(program("promtool"), "check", "rules", "--lint=none", file)


def test_metrics_of_a_query_are_found_whatever_surrounds_them() -> None:
    query = """sum by (app, le) (rate(a_bucket{x=~"b|c{1}", le!=""}[5m])) / on (app) group_left(y)
        (d:e offset 10m or vector(0)) > 1e3 and topk(3, F_total unless g) * 60"""
    assert metrics_of(query) == {"a_bucket", "d:e", "F_total", "g"}


def test_what_our_own_boards_show_is_expected_to_exist() -> None:
    """Only failures, drift and alerts may be absent; a typing error must not hide behind the list."""
    ours = {
        metric for source, expr in all_queries() if source.startswith("turo-") for metric in metrics_of(expr)
    }
    excused = {metric for metric in ours if may_be_absent(metric)}
    assert excused == {
        "ALERTS",
        "airflow_dagrun_duration_failed_count",
        "airflow_task_instances_without_heartbeats_killed",
        "airflow_ti_failures",
        "alertmanager_notification_requests_failed_total",
        "alertmanager_notification_requests_total",
        "turo_feature_ks",
        "turo_feature_psi",
        "turo_feature_psi_limit",
        "turo_forecast_behind_baseline",
        "turo_forecast_best_baseline_mae",
        "turo_forecast_bias",
        "turo_forecast_coverage",
        "turo_forecast_feature_psi",
        "turo_forecast_feature_psi_limit",
        "turo_forecast_last_monday_timestamp_seconds",
        "turo_forecast_mae",
        "turo_forecast_made_timestamp_seconds",
        "turo_forecast_mondays",
        "turo_forecast_recent_coverage",
        "turo_forecast_recent_mondays",
        "turo_forecast_recent_vehicles",
        "turo_forecast_total_bias",
        "turo_forecast_total_coverage",
        "turo_forecast_total_mondays",
    }


def test_the_promised_latency_is_a_bucket_that_ray_counts() -> None:
    """A bound that is not counted has no series, and ServeSlow could never fire."""
    rules = (FOLDER / "rules" / "slo.yml").read_text()
    services = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]
    counted = services["ray"]["environment"]["RAY_SERVE_REQUEST_LATENCY_BUCKETS_MS"].split(",")
    (bound,) = set(re.findall(r'le=~"(\d+)\(', rules))
    assert bound in counted
    assert f"answered within {bound} ms" in rules
    assert f"more than {bound} ms" in ALERTS["ServeSlow"]["annotations"]["summary"]


def test_a_window_is_summed_over_samples_that_lie_as_far_apart_as_they_are_counted() -> None:
    groups = yaml.safe_load((FOLDER / "rules" / "slo.yml").read_text())["groups"]
    (interval,) = (group["interval"] for group in groups if group["name"] == "routes")
    for name in ("ServeErrors", "ServeSlow"):
        weights = re.findall(r"rate2m\[\d+h\]\) \* (\d+)", ALERTS[name]["expr"])
        assert [f"{seconds}s" for seconds in weights] == [interval, interval]


def test_targets_are_services_and_the_token_is_where_compose_mounts_it() -> None:
    services = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]
    jobs = {job["job_name"]: job for job in _configuration()["scrape_configs"]}
    databases, own = {"postgres", "redis"}, {"operator", "mlflow", "ray", "haproxy", "caddy"}
    assert set(jobs) == {"prometheus", "alertmanager", "statsd-exporter"} | databases | own
    for name, job in jobs.items():
        for target in (t for config in job.get("static_configs", []) for t in config["targets"]):
            assert target.split(":")[0] in {*services, "localhost"}, name
    (found,) = jobs["caddy"]["file_sd_configs"]
    assert found["files"] == ["/etc/prometheus/targets/*.yml"]  # mounted where the proxy is: test_exposed.py
    # Without the proxy the folder is there and names nobody: one that is missing is an error in the log.
    assert (FOLDER / "targets").is_dir() and not list((FOLDER / "targets").glob("*.yml"))
    (discovery,) = jobs["ray"]["http_sd_configs"]
    token = Path(discovery["authorization"]["credentials_file"])
    assert f"secrets_prometheus:{token.parent}:ro" in services["prometheus"]["volumes"]
    assert "./prometheus:/etc/prometheus:ro" in services["prometheus"]["volumes"]
    assert jobs["mlflow"]["metrics_path"] == "/mlflow-metrics"


def test_exporters_tell_of_a_server_that_hangs_before_prometheus_stops_waiting() -> None:
    """What they say after that is never scraped, and PostgresDown and RedisDown have nothing to fire on."""
    services = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]
    (waits,) = re.findall(r"^(\d+)s$", _configuration()["global"]["scrape_timeout"])
    limits = [
        *re.findall(r"--collection-timeout=(\d+)s", " ".join(services["postgres-exporter"]["command"])),
        *re.findall(
            r"connect_timeout=(\d+)", services["postgres-exporter"]["environment"]["DATA_SOURCE_URI"]
        ),
        *re.findall(r"--connection-timeout=(\d+)s", " ".join(services["redis-exporter"]["command"])),
    ]
    assert len(limits) == 3
    # Each may connect twice before it gives up.
    assert max(map(int, limits)) * 2 <= int(waits)
    hangs = re.search(r"scrape_duration_seconds\{job=\"postgres\"\} > (\d+)", ALERTS["PostgresDown"]["expr"])
    assert hangs and int(waits) - 2 < int(hangs[1]) < int(waits)


def _configuration() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    return loaded
