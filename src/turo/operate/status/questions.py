"""What `turo status` asks, all at the same time, and what came back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from turo.errors import ServiceError
from turo.operate.ask import airflow, mlflow, prometheus, serve
from turo.operate.ask.conversation import Place
from turo.operate.ask.side_by_side import Question, side_by_side

if TYPE_CHECKING:
    from turo.settings import Settings

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Answers:
    """One field a question: the answer, or the reason why there is none.

    Attributes:
        routes, champions: by model.
    """

    parts: list[airflow.Part] | ServiceError
    dags: list[airflow.ScheduledDag] | ServiceError
    listed: list[serve.ServedRoute] | ServiceError
    routes: dict[str, serve.ServedRoute | ServiceError]
    champions: dict[str, mlflow.Champion | ServiceError | None]
    refusals: dict[str, mlflow.Refusal] | ServiceError
    targets: list[prometheus.Target] | ServiceError
    alerts: list[prometheus.Alert] | ServiceError
    traffic: dict[str, prometheus.Traffic] | ServiceError


Dags = Callable[..., list[airflow.ScheduledDag]]


def ask(settings: Settings, dags: Dags = airflow.dags) -> Answers:
    """Ask everything; takes as long as the slowest, and no longer than the limit.

    Args:
        dags: asks for them; Airflow counts logins, so whoever has them already brings them.
    """

    def of(place: Place, ask: Callable[..., Any], *more: str) -> Question[Any]:
        return Question(f"{place.name} at {place.shown}", partial(ask, settings, *more))

    names = settings.model_names
    at_airflow, at_mlflow = airflow.place(settings), mlflow.place(settings)
    at_serve, at_prometheus = serve.place(settings), prometheus.place(settings)
    single = {
        "parts": of(at_airflow, airflow.parts),
        "dags": of(at_airflow, dags),
        "listed": of(at_serve, serve.listed),
        "refusals": of(at_mlflow, mlflow.refusals),
        "targets": of(at_prometheus, prometheus.targets),
        "alerts": of(at_prometheus, prometheus.alerts),
        "traffic": of(at_prometheus, prometheus.traffic),
    }
    routes = {("route", name): of(at_serve, serve.route, name) for name in names}
    champions = {("champion", name): of(at_mlflow, mlflow.champion, name) for name in names}
    found: dict[Any, Any] = side_by_side({**single, **routes, **champions}, settings.answer_within_s)
    return Answers(
        **{key: found[key] for key in single},
        routes={name: found["route", name] for name in names},
        champions={name: found["champion", name] for name in names},
    )


def problem(*answers: object) -> ServiceError | None:
    """The first that is none."""
    return next((answer for answer in answers if isinstance(answer, ServiceError)), None)


def known(answer: Sequence[Answer] | ServiceError) -> Sequence[Answer]:
    """What was answered; nothing where nothing was."""
    return () if isinstance(answer, ServiceError) else answer
