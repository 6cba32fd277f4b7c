"""Asks Prometheus: whom it reaches, which alerts fire, and when each route was last asked something."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import AwareDatetime

from turo.operate.ask.conversation import Conversation, Place
from turo.operate.ask.moments import since_1970

if TYPE_CHECKING:
    from turo.settings import Settings

# Minutes of the past day in which a counter of a route grew. A new counter begins at what it counts first, so
# one that was not there two minutes ago counts as well, unless Prometheus itself read nothing then.
COUNTER = "ray_turo_prediction_requests_total"
LAST_ANSWERS = f"""\
max by (model, outcome) (max_over_time(timestamp(
  sum by (model, outcome) (increase({COUNTER}[2m])) > 0
  or count by (model, outcome) (
    ({COUNTER} unless {COUNTER} offset 2m) and on () (count(up{{job="ray"}} offset 2m) > 0)
  )
)[1d:1m]))"""
OF_EXPORTERS = {"pg_up": "postgres", "redis_up": "redis"}  # whom an exporter reaches
TARGETS = f'{{__name__=~"{"|".join(["up", *OF_EXPORTERS])}"}}'
# What the doctor looks at; of those with such a label only these: others are many.
FIGURES = (
    '{__name__=~"ray_resources|ray_object_store_memory|ray_node_mem_used|ray_node_mem_total|python_info",'
    'Name=~"CPU|",Location=~"MMAP_DISK|SPILLED|"}'
)
OK = "ok"  # the outcome of a request that was answered; all others are refusals


@dataclass(frozen=True)
class Target:
    """One address that Prometheus reads metrics from, or what an exporter there reads them from (`name`)."""

    name: str
    instance: str
    up: bool


@dataclass(frozen=True)
class Figure:
    """One series as it is now."""

    name: str
    labels: dict[str, str]
    value: float


@dataclass(frozen=True)
class Alert:
    """One that fires.

    Args:
        summary: its sentence.
        runbook: where its rule says what to do, a file of the repository or an address; may be empty.
        since: when it began to hold.
    """

    name: str
    severity: str
    summary: str
    runbook: str = ""
    since: datetime | None = None


@dataclass(frozen=True)
class Traffic:
    """When a route was last asked, and last refused (and how), within the past day; to two minutes."""

    last_request: datetime | None = None
    last_refused: datetime | None = None
    outcome: str = ""


@dataclass(frozen=True)
class _Series:
    metric: dict[str, str]
    value: tuple[float, str]

    @property
    def number(self) -> float:
        try:
            return float(self.value[1])
        except ValueError:
            return math.nan


@dataclass(frozen=True)
class _Vector:
    result: list[_Series]


@dataclass(frozen=True)
class _Query:
    data: _Vector


@dataclass(frozen=True)
class _Alert:
    state: str
    labels: dict[str, str]
    annotations: dict[str, str] = field(default_factory=dict)
    activeAt: AwareDatetime | None = None  # noqa: N815 - Prometheus's own name


@dataclass(frozen=True)
class _Alerts:
    alerts: list[_Alert]


@dataclass(frozen=True)
class _AlertAnswer:
    data: _Alerts


def place(settings: Settings) -> Place:
    """Where it is."""
    return Place(
        "Prometheus", settings.prometheus_url, "PROMETHEUS_URL", "prometheus", settings.answer_within_s
    )


def targets(settings: Settings) -> list[Target]:
    """Every address that it reads from.

    Raises:
        ServiceError: it does not answer.
    """
    found = [
        Target(_name(one.metric), one.metric.get("instance", ""), one.number == 1)
        for one in _query(settings, TARGETS)
    ]
    return sorted(found, key=lambda target: (target.name, target.instance))


def _name(metric: dict[str, str]) -> str:
    return OF_EXPORTERS.get(metric.get("__name__", ""), metric.get("job", ""))


def alerts(settings: Settings) -> list[Alert]:
    """Alerts that fire, the critical ones first.

    Raises:
        ServiceError: it does not answer.
    """
    told = Conversation(place(settings)).get(_AlertAnswer, "/api/v1/alerts").data.alerts
    found = [
        Alert(
            one.labels.get("alertname", ""),
            one.labels.get("severity", ""),
            one.annotations.get("summary", ""),
            one.annotations.get("runbook_url", ""),
            one.activeAt,
        )
        for one in told
        if one.state == "firing"
    ]
    return sorted(found, key=lambda alert: (alert.severity != "critical", alert.name, alert.summary))


def traffic(settings: Settings) -> dict[str, Traffic]:
    """By model when it was asked.

    Raises:
        ServiceError: it does not answer.
    """
    moments = dict[str, dict[str, datetime]]()
    for one in _query(settings, LAST_ANSWERS):
        if (at := since_1970(one.number)) is not None:
            moments.setdefault(one.metric.get("model", ""), {})[one.metric.get("outcome", "")] = at
    return {model: _traffic(of_model) for model, of_model in moments.items()}


def _traffic(moments: dict[str, datetime]) -> Traffic:
    refused = {outcome: at for outcome, at in moments.items() if outcome != OK}
    outcome = max(refused, key=lambda name: refused[name], default="")
    return Traffic(max(moments.values()), refused.get(outcome), outcome)


def figures(settings: Settings) -> list[Figure]:
    """What it knows of Ray's room and processors, and of interpreters.

    Raises:
        ServiceError: it does not answer.
    """
    found = _query(settings, FIGURES)
    return [Figure(one.metric.get("__name__", ""), one.metric, one.number) for one in found]


def _query(settings: Settings, expression: str) -> Sequence[_Series]:
    return Conversation(place(settings)).get(_Query, "/api/v1/query", query=expression).data.result
