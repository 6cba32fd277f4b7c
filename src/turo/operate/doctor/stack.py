"""What the running stack told, as plain values. Who asks: `ask_stack.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from turo.errors import ServiceError
from turo.last_runs import LastRun
from turo.operate.ask.airflow_work import Work
from turo.operate.ask.certificate import Life
from turo.operate.ask.knock import Knock
from turo.operate.ask.prometheus import Figure
from turo.operate.ask.ray import Cluster
from turo.operate.status.data_folder import DataState, ForecastState
from turo.operate.status.machine import Room
from turo.operate.status.questions import Answers

if TYPE_CHECKING:
    from turo.settings import Settings

# The names under which things are tried.
MLFLOW_VERSION, SERVE_OPEN, RAY_WRONG = "mlflow version", "serve without a key", "ray with a wrong token"
MLFLOW_PUBLIC = "mlflow under its public name"


@dataclass(frozen=True)
class Kept:
    """What lies in folders.

    Attributes:
        data, forecast: notes of the prepared table and of the newest forecast.
        digest: of the prepared table; empty where there is none.
        runs: how steps ended last, backups among them.
        rooms: of the disks that data and backups lie on.
        closed: folders and notes that user 1000 may not write to or read, a few at most.
        newest_backup: when the newest archive was begun.
        backup_holes: sentences on what the newest archive lacks.
        locked: versions that the lock file names, by package; empty without one.
    """

    data: DataState = field(default_factory=DataState)
    forecast: ForecastState = field(default_factory=ForecastState)
    digest: str = ""
    runs: Sequence[LastRun] = ()
    rooms: Sequence[Room] = ()
    closed: Sequence[str] = ()
    newest_backup: datetime | None = None
    backup_holes: Sequence[str] = ()
    locked: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Stack:
    """One field a question: the answer, or the reason why there is none.

    Attributes:
        settings: where everything was asked.
        answers: what `turo status` asks as well.
        knocks: service by its name in the compose file → whether anybody is in.
        code: commit or version that Serve's image was built from.
        tries: what was asked with and without a key, under one name or another; keys are the names above.
        full, strangers: of PostgreSQL; None where it is not ours to ask.
        certificates: by host name, those that the proxy in front shows; empty without TLS.
    """

    settings: Settings
    answers: Answers
    work: Work | ServiceError
    cluster: Cluster | ServiceError
    figures: Sequence[Figure] | ServiceError
    code: str | ServiceError
    knocks: Mapping[str, Knock]
    tries: Mapping[str, Knock]
    full: bool | ServiceError | None
    strangers: Sequence[str] | ServiceError | None
    kept: Kept
    certificates: Mapping[str, Life | ServiceError] = field(default_factory=dict)
