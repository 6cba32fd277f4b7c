"""Each route: what it serves, whether that is the champion, and when it was last asked and last refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from turo.errors import ServiceError
from turo.operate.ask.mlflow import Champion, Refusal
from turo.operate.ask.prometheus import Traffic
from turo.operate.ask.serve import ServedRoute
from turo.operate.status.questions import Answers, known

Told = TypeVar("Told")


@dataclass(frozen=True)
class RouteState:
    """One route; texts are empty and moments None where they are not known.

    Attributes:
        version: what it serves.
        champion: what it should serve.
        trained_at: the end of the training of the version that it serves.
        snapshot: the day of the data that it was trained on.
        last_request: when it was last asked, within a day, to two minutes.
        last_refused, outcome: when it last refused a request, and how: invalid, overloaded, error.
        counted: whether Prometheus told of requests, or that there were none.
        refusal: the version that could not be served last, when and why.
        logged: whether the decision log told of refusals, or that there were none.
        notes: what is to be known of it, a sentence each; where it does not answer, the reason first.
    """

    name: str
    answers: bool
    version: str = ""
    champion: str = ""
    trained_at: datetime | None = None
    snapshot: str = ""
    last_request: datetime | None = None
    last_refused: datetime | None = None
    outcome: str = ""
    counted: bool = False
    refusal: Refusal | None = None
    logged: bool = False
    notes: tuple[str, ...] = ()


def route_states(names: Iterable[str], answers: Answers) -> list[RouteState]:
    """The routes of MODEL_NAMES, then those that are served beside them."""
    configured = [_state(name, answers.routes[name], answers) for name in names]
    further = [route for route in known(answers.listed) if route.name not in answers.routes]
    return [*configured, *(_state(route.name, route, answers) for route in further)]


def _state(name: str, told: ServedRoute | ServiceError, answers: Answers) -> RouteState:
    traffic = _of(answers.traffic, name) or Traffic()
    champion = answers.champions.get(name)
    best = champion if isinstance(champion, Champion) else None
    served = None if isinstance(told, ServiceError) else told
    own = best if served and best and best.run_id == served.run_id else None
    return RouteState(
        name,
        served is not None,
        served.version if served else "",
        best.version if best else "",
        own.trained_at if own else None,
        ((served.fleet.snapshot if served and served.fleet else "") or "")[:10],
        traffic.last_request,
        traffic.last_refused,
        traffic.outcome,
        not isinstance(answers.traffic, ServiceError),
        _of(answers.refusals, name),
        not isinstance(answers.refusals, ServiceError),
        tuple(_notes(name, told, champion)),
    )


def _of(told: dict[str, Told] | ServiceError, name: str) -> Told | None:
    return None if isinstance(told, ServiceError) else told.get(name)


def _notes(name: str, told: ServedRoute | ServiceError, champion: object) -> Iterable[str]:
    if isinstance(told, ServiceError):
        yield str(told)
        return
    if isinstance(champion, Champion) and champion.version != told.version:
        yield f"{name} serves version {told.version}; its champion is version {champion.version}."
    if told.warning:
        yield f"{name}: {told.warning}"
    if told.refused:
        reason = told.refused.get("reason", "")
        yield f"{name} version {told.refused.get('version', '')} was refused, another one serves on: {reason}"
