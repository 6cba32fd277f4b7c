"""The state of the whole platform, from what its services and the data folder tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from turo.operate.ask.airflow import Part, ScheduledDag
from turo.operate.ask.prometheus import Alert, Target
from turo.operate.status.ages import age
from turo.operate.status.data_folder import DataState, ForecastState
from turo.operate.status.machine import Room
from turo.operate.status.questions import Answers, known, problem
from turo.operate.status.routes import RouteState, route_states
from turo.words import by_number

if TYPE_CHECKING:
    from turo.settings import Settings


@dataclass(frozen=True)
class ServiceState:
    """One service by its name in the compose file: whether it answers, and what is to be said of it."""

    name: str
    answers: bool
    said: str


@dataclass(frozen=True)
class Status:
    """Everything on the screen; see the parts.

    Attributes:
        at: when it was asked.
    """

    at: datetime
    services: Sequence[ServiceState]
    routes: Sequence[RouteState]
    data: DataState
    forecast: ForecastState
    rooms: Sequence[Room]
    schedule: Sequence[ScheduledDag]
    alerts: Sequence[Alert]

    @property
    def all_answer(self) -> bool:
        """Whether every service and every route of MODEL_NAMES answers."""
        return all(one.answers for one in self.services) and all(one.answers for one in self.routes)

    def plain(self) -> dict[str, Any]:
        """As JSON has it: moments in UTC, ISO."""
        told: dict[str, Any] = _plain(asdict(self))
        return {**told, "all_answer": self.all_answer}


def status_of(
    settings: Settings,
    answers: Answers,
    folder: tuple[DataState, ForecastState],
    rooms: Sequence[Room],
    now: datetime,
) -> Status:
    """Put together what is known."""
    return Status(
        now,
        [*_airflow(answers, now), *_others(answers), *_targets(known(answers.targets))],
        route_states(settings.model_names, answers),
        *folder,
        rooms,
        known(answers.dags),
        known(answers.alerts),
    )


def _airflow(answers: Answers, now: datetime) -> Iterator[ServiceState]:
    """The API server and what it says of the other parts; a refused login is its word, too."""
    wrong = problem(answers.parts, answers.dags)
    yield ServiceState("airflow_api-server", wrong is None, str(wrong or "answers"))
    for part in known(answers.parts):
        yield ServiceState(part.name, part.healthy, _of_part(part, now))


def _of_part(part: Part, now: datetime) -> str:
    heard = f", heard {age(part.heard, now)}" if part.heard else ""
    if part.healthy:
        return f"healthy{heard}"
    return f"Airflow says that it is not healthy{heard}: `docker compose logs {part.name}` tells why."


def _others(answers: Answers) -> Iterator[ServiceState]:
    asked = {
        "mlflow": (answers.refusals, *answers.champions.values()),
        "ray": (answers.listed,),
        "prometheus": (answers.targets, answers.alerts, answers.traffic),
    }
    for name, told in asked.items():
        wrong = problem(*told)
        yield ServiceState(name, wrong is None, str(wrong or "answers"))


def _targets(targets: Sequence[Target]) -> Iterator[ServiceState]:
    """A line a name that Prometheus knows: its metrics are read at so many addresses."""
    for name in dict.fromkeys(target.name for target in targets):
        own = [target for target in targets if target.name == name]
        down = [target.instance for target in own if not target.up]
        said = f"{len(own) - len(down)} of {len(own)} {by_number(len(own), 'address', 'addresses')}"
        if down:
            said += f"; not {', '.join(down)}: Prometheus's page Status > Targets says why."
        yield ServiceState(f"metrics of {name}", not down, said)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else value
