"""Every query that dashboards and alert rules ask, ready for a Prometheus, and the metrics they need.

`all_queries()` is what a live test runs; `ABSENT_WHEN_IDLE` names what has no series until something happens.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
DASHBOARDS = REPOSITORY / "grafana" / "provisioning" / "dashboards" / "json"
RULES = REPOSITORY / "prometheus" / "rules"

# What Grafana puts in for its own variables with a scrape interval of 15 s and a board over one hour.
GRAFANA = {"__rate_interval": "1m", "__interval": "15s", "__range": "1h"}

# Regular expressions of metrics that may have no series on a healthy stack whose pipeline has run once and
# whose routes have answered, each with the reason.
ABSENT_WHEN_IDLE = {
    r"ALERTS": "no alert fires",
    r"ray_data_.*": "no Ray Data pipeline runs",
    r"ray_train_.*": "no Ray Train job runs",
    r"ray_placement_groups": "nobody asks for placement groups",
    r".*_gpus?_.*|ray_node_gram_.*|ray_tpu_.*": "there are no accelerators",
    r"ray_serve_.*grpc_.*": "the gRPC ingress is off",
    r"ray_serve_.*multiplexed?_.*": "no model is multiplexed",
    r"ray_serve_deployment_request_counter": "an older name, in a choice of Ray's own board",
    r"ray_serve_.*_error_.*|airflow_.*fail.*": "nothing has failed",
    r"autoscaler_recently_failed_nodes|ray_node_manager_unexpected_worker_failure_total": "no node died",
    r"ray_memory_manager_worker_eviction_total": "no task was killed for memory",
    r"airflow_task_instances_without_heartbeats_killed": "no task lost its worker",
    r"alertmanager_notification_requests_.*": "no receiver is set",
    r"turo_forecast_made_timestamp_seconds": "no forecast has been made",
    r"turo_forecast_feature_.*": "no forecast was made of enough vehicles by a model",
    r"turo_forecast_(?!made_).*": "no forecast's window is over",
    r"turo_backup_last_success_timestamp_seconds": "no backup has been made",
    r"turo_certificate_.*": "no host name is served with TLS",
    r"turo_feature_(psi|psi_limit|ks)": "drift is judged only where enough predictions were logged",
}

_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_KEYWORDS = {"and", "or", "unless", "bool", "offset", "inf", "nan", "start", "end", "atan2"}


def all_queries() -> list[tuple[str, str]]:
    """(where it stands, PromQL) of every panel, board variable and rule, Grafana's variables filled in."""
    return [*_of_dashboards(), *_of_rules()]


def metrics_of(query: str) -> set[str]:
    """Names of the metrics that a PromQL expression reads."""
    bare = re.sub(r'"(\\.|[^"\\])*"|\'(\\.|[^\'\\])*\'', "", query)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", bare)
    bare = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", bare)
    bare = re.sub(r"\b(group_left|group_right|by|without)\b|\boffset\s+\S+", " ", bare)
    bare = re.sub(r"(?<![\w:])[0-9][0-9a-z.]*", " ", bare)
    words = ((match.group(), bare[match.end() :].lstrip()) for match in _WORD.finditer(bare))
    return {word for word, rest in words if not rest.startswith("(") and word.lower() not in _KEYWORDS}


def may_be_absent(metric: str) -> str | None:
    """Why a healthy, idle stack may have no series of this name; None where it must have one."""
    return next((why for names, why in ABSENT_WHEN_IDLE.items() if re.fullmatch(names, metric)), None)


def panels(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All panels of a dashboard, those inside collapsed rows too."""
    for panel in board["panels"]:
        yield panel
        yield from panels({"panels": panel.get("panels") or []})


def _of_dashboards() -> Iterator[tuple[str, str]]:
    for path in sorted(DASHBOARDS.glob("*.json")):
        board = json.loads(path.read_text())
        variables = board["templating"]["list"]
        values = GRAFANA | {variable["name"]: _value(variable) for variable in variables}
        for variable in variables:
            if variable["type"] == "query":
                yield f"{path.name}: ${variable['name']}", _fill(_inner(variable["definition"]), values)
        for panel in panels(board):
            for target in panel.get("targets", []):
                yield f"{path.name}: {panel['title']}", _fill(target["expr"], values)


def _of_rules() -> Iterator[tuple[str, str]]:
    for path in sorted(RULES.glob("*.yml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                yield f"{path.name}: {rule.get('alert') or rule['record']}", rule["expr"]


def _value(variable: dict[str, Any]) -> str:
    """What Grafana inserts with the variable as it is when the board opens."""
    if variable["type"] == "interval":
        return str(variable["current"]["value"])
    return str(variable.get("allValue") or ".*")


def _inner(definition: str) -> str:
    """The PromQL inside `label_values(…, label)` or `query_result(…)`."""
    if found := re.fullmatch(r"label_values\((.*),\s*\w+\)", definition):
        return found.group(1)
    if found := re.fullmatch(r"query_result\((.*)\)", definition):
        return found.group(1)
    return definition


def _fill(query: str, values: dict[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        return values[match.group(1) or match.group(2)]

    return re.sub(r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))", value, query).strip()
