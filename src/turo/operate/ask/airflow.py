"""Asks Airflow's REST API: which of its parts live, and what runs next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from pydantic import AwareDatetime

from turo.errors import ServiceError
from turo.operate.ask.conversation import Conversation, Place, RefusedError

if TYPE_CHECKING:
    from turo.settings import Settings

HEALTHY = "healthy"


@dataclass(frozen=True)
class Part:
    """One part of Airflow, by the name of its container.

    Attributes:
        healthy: whether Airflow itself says so; a part that was never there is not.
        heard: when its heart was last heard beating; None for one that has none.
    """

    name: str
    healthy: bool
    heard: datetime | None = None


@dataclass(frozen=True)
class ScheduledDag:
    """One DAG.

    Attributes:
        schedule: in words; empty where it is only started by hand or by another DAG.
        next_run: when it runs next by the clock; None where no time is set for it.
    """

    dag_id: str
    paused: bool
    schedule: str = ""
    next_run: datetime | None = None


@dataclass(frozen=True)
class _Heart:
    status: str | None = None
    latest_scheduler_heartbeat: AwareDatetime | None = None
    latest_triggerer_heartbeat: AwareDatetime | None = None
    latest_dag_processor_heartbeat: AwareDatetime | None = None


@dataclass(frozen=True)
class _Health:
    metadatabase: _Heart
    scheduler: _Heart
    triggerer: _Heart
    dag_processor: _Heart | None = None


@dataclass(frozen=True)
class _Token:
    access_token: str


@dataclass(frozen=True)
class _Dag:
    dag_id: str
    is_paused: bool
    timetable_description: str | None = None
    next_dagrun_run_after: AwareDatetime | None = None


@dataclass(frozen=True)
class _Dags:
    dags: list[_Dag]


def place(settings: Settings) -> Place:
    """Where it is."""
    return Place(
        "Airflow", settings.airflow_url, "AIRFLOW_URL", "airflow_api-server", settings.answer_within_s
    )


def parts(settings: Settings) -> list[Part]:
    """Airflow's parts beside the API server that says this; asked without a login.

    Raises:
        ServiceError: the API server does not answer.
    """
    told = Conversation(place(settings)).get(_Health, "/api/v2/monitor/health")
    processor = told.dag_processor or _Heart()
    return [
        Part("postgres", told.metadatabase.status == HEALTHY),
        _part("airflow_scheduler", told.scheduler, told.scheduler.latest_scheduler_heartbeat),
        _part("airflow_triggerer", told.triggerer, told.triggerer.latest_triggerer_heartbeat),
        _part("airflow_dag-processor", processor, processor.latest_dag_processor_heartbeat),
    ]


def _part(name: str, heart: _Heart, heard: datetime | None) -> Part:
    return Part(name, heart.status == HEALTHY, heard)


def dags(settings: Settings) -> list[ScheduledDag]:
    """Every DAG that is there, the next to run first.

    Raises:
        ServiceError: it does not answer, or takes the login of AIRFLOW_ADMIN_USER for wrong.
    """
    return dags_of(logged_in(settings))


def logged_in(settings: Settings) -> Conversation:
    """A conversation as the administrator; raises as `dags`."""
    talk = Conversation(place(settings))
    talk.headers["Authorization"] = f"Bearer {_token(talk, settings)}"
    return talk


def dags_of(talk: Conversation) -> list[ScheduledDag]:
    """Every DAG that is there, the next to run first."""
    told = talk.get(_Dags, "/api/v2/dags", limit=100, exclude_stale=True)
    found = [
        ScheduledDag(
            dag.dag_id,
            dag.is_paused,
            dag.timetable_description or "",
            dag.next_dagrun_run_after,
        )
        for dag in told.dags
    ]
    return sorted(
        found, key=lambda dag: (dag.next_run is None, dag.next_run and dag.next_run.timestamp(), dag.dag_id)
    )


def _token(talk: Conversation, settings: Settings) -> str:
    login = {"username": settings.airflow_admin_user, "password": settings.airflow_admin_password}
    try:
        return talk.post(_Token, "/auth/token", login).access_token
    except RefusedError as error:
        if error.status not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise
        raise ServiceError(
            f"Airflow refuses the login of {settings.airflow_admin_user!r}: user or password is wrong.",
            "Set AIRFLOW_ADMIN_USER and AIRFLOW_ADMIN_PASSWORD to those of its administrator; a password in "
            ".env is given to the account by `docker compose up -d`.",
        ) from None
