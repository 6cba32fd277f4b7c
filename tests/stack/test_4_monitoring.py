"""Prometheus, Grafana's files and JupyterLab on the running stack, after a pipeline run and some requests."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
import yaml
from compose_stack import MODELS, Stack, figures, wait_for
from monitoring_queries import REPOSITORY, all_queries, may_be_absent, metrics_of

pytestmark = pytest.mark.stack
# All but those that another file has to name first: without docker-compose.tls.yml there is no such proxy.
JOBS = {
    job["job_name"]
    for job in yaml.safe_load((REPOSITORY / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    if "file_sd_configs" not in job
}
SERIES_LIMIT = 20_000
NOTEBOOK = "/notebooks/notebooks/explore.ipynb"


@pytest.fixture(scope="module")
def prometheus(stack: Stack) -> str:
    return stack.url("prometheus", 9090)


@pytest.fixture(scope="module")
def asked(stack: Stack, serve: str, examples: dict[str, Any]) -> None:
    """A few good and bad requests for every route, so that their metrics exist."""
    for name in MODELS:
        for _ in range(20):
            httpx.post(f"{serve}/{name}", json=examples[name], timeout=30).raise_for_status()
        assert httpx.post(f"{serve}/{name}", content=b"{", timeout=30).status_code == 400


def query(prometheus: str, expression: str) -> list[dict[str, Any]]:
    answer = httpx.post(f"{prometheus}/api/v1/query", data={"query": expression}, timeout=30).json()
    assert answer["status"] == "success", (expression, answer)
    result = answer["data"]["result"]
    return result if answer["data"]["resultType"] == "vector" else [{"value": result}]


def value(prometheus: str, expression: str) -> float:
    (one,) = query(prometheus, expression)
    return float(one["value"][1])


def test_every_target_is_up(prometheus: str) -> None:
    def down() -> dict[str, str] | bool:
        found = httpx.get(f"{prometheus}/api/v1/targets", timeout=10).json()["data"]["activeTargets"]
        bad = {t["scrapeUrl"]: t["lastError"] or t["health"] for t in found if t["health"] != "up"}
        assert not bad and {t["labels"]["job"] for t in found} >= JOBS, bad or found
        return True

    # A ray-worker that has just been taken away is listed until Ray has noticed.
    wait_for("every target up", down, timeout=120)


@pytest.mark.usefixtures("asked")
def test_every_metric_of_dashboards_and_rules_has_series(prometheus: str) -> None:
    needed: dict[str, str] = {}
    for source, expression in all_queries():
        for metric in metrics_of(expression):
            if may_be_absent(metric) is None:
                needed[metric] = source

    def complete() -> bool:
        names = httpx.get(f"{prometheus}/api/v1/label/__name__/values", timeout=30).json()["data"]
        missing = {metric: needed[metric] for metric in needed.keys() - set(names)}
        assert not missing, missing
        return True

    wait_for("series of every metric", complete, timeout=180, period=5)


def test_every_query_of_dashboards_and_rules_runs(prometheus: str) -> None:
    for _source, expression in all_queries():
        query(prometheus, expression)


def test_champions_are_what_is_served(prometheus: str) -> None:
    def equal() -> bool:
        same = 'turo_served_version == on (model) turo_registry_alias_version{alias="champion"}'
        assert {one["metric"]["model"] for one in query(prometheus, same)} == set(MODELS)
        return True

    wait_for("served versions equal to champions in the metrics", equal, timeout=60, period=2)


def test_no_critical_alert_fires_and_every_rule_is_healthy(prometheus: str) -> None:
    groups = httpx.get(f"{prometheus}/api/v1/rules", timeout=10).json()["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert [rule["name"] for rule in rules if rule["health"] == "err"] == []
    firing = 'ALERTS{alertstate="firing", severity="critical"}'
    assert [one["metric"]["alertname"] for one in query(prometheus, firing)] == []


def test_number_of_series(prometheus: str) -> None:
    series = value(prometheus, "prometheus_tsdb_head_series")
    figures["series in Prometheus"] = f"{series:.0f}"
    assert series < SERIES_LIMIT


def test_jupyter_wants_its_token_and_shows_it_in_the_log(stack: Stack) -> None:
    url = stack.url("jupyter", 8888)
    assert httpx.get(f"{url}/api/contents", timeout=30).status_code == 403
    assert httpx.get(f"{url}/api/contents", params={"token": "wrong"}, timeout=30).status_code == 403
    shown = rf"http://localhost:{url.rpartition(':')[2]}/lab\?token=(\w+)"
    (token, *_) = re.findall(shown, stack.logs("jupyter"))
    listed = httpx.get(f"{url}/api/contents", params={"token": token}, timeout=30)
    assert listed.status_code == 200
    assert {"notebooks", "datas", "projects", "mlruns"} <= {one["name"] for one in listed.json()["content"]}


def test_the_notebook_runs_in_its_container(stack: Stack) -> None:
    options = "--to notebook --execute --stdout --log-level ERROR --ExecutePreprocessor.timeout=300"
    made = stack.execute("jupyter", "jupyter", "nbconvert", *options.split(), NOTEBOOK)
    assert "'predictions': [" in made  # the dictionary as the notebook shows it
