"""Asks MLflow's REST API: champions, when they were trained, and which versions were refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from turo.operate.ask.conversation import Conversation, Place, RefusedError
from turo.operate.ask.moments import since_1970
from turo.registry.aliases import CHAMPION
from turo.registry.client import ABSENT
from turo.registry.decision_log import EXPERIMENT, PREFIX, REFUSED
from turo.registry.mlflow_login import mlflow_login

if TYPE_CHECKING:
    from turo.settings import Settings

API = "/api/2.0/mlflow"
DIGEST = "turo.data_digest"  # as fleet_match.py has it, which loads a data library
LINES = 200  # of refusals, the newest
Form = TypeVar("Form")


@dataclass(frozen=True)
class Champion:
    """The version that should serve.

    Attributes:
        trained_at: when its training ended; None where its run is gone.
        data_digest: of the table that it was trained on; empty where that is not known.
    """

    version: str
    run_id: str
    trained_at: datetime | None
    data_digest: str = ""


@dataclass(frozen=True)
class Refusal:
    """The last version of a model that could not be served, when and why."""

    version: str
    at: str
    reason: str


@dataclass(frozen=True)
class _Version:
    version: str
    run_id: str = ""


@dataclass(frozen=True)
class _VersionAnswer:
    model_version: _Version


@dataclass(frozen=True)
class _Info:
    end_time: int | None = None


@dataclass(frozen=True)
class _Tag:
    key: str
    value: str


@dataclass(frozen=True)
class _Data:
    tags: list[_Tag] = field(default_factory=list)


@dataclass(frozen=True)
class _Run:
    info: _Info
    data: _Data = field(default_factory=_Data)


@dataclass(frozen=True)
class _RunAnswer:
    run: _Run


@dataclass(frozen=True)
class _Runs:
    runs: list[_Run] = field(default_factory=list)


@dataclass(frozen=True)
class _Experiment:
    experiment_id: str


@dataclass(frozen=True)
class _ExperimentAnswer:
    experiment: _Experiment


def place(settings: Settings) -> Place:
    """Where it is."""
    return Place(
        "MLflow", settings.mlflow_tracking_uri, "MLFLOW_TRACKING_URI", "mlflow", settings.answer_within_s
    )


def champion(settings: Settings, name: str) -> Champion | None:
    """A model's champion; None where it has none.

    Raises:
        ServiceError: MLflow does not answer.
    """
    talk = Conversation(place(settings), mlflow_login(settings))
    wanted = {"name": name, "alias": CHAMPION}
    found = _if_there(talk, _VersionAnswer, f"{API}/registered-models/alias", **wanted)
    if found is None:
        return None
    version = found.model_version
    run = _if_there(talk, _RunAnswer, f"{API}/runs/get", run_id=version.run_id) if version.run_id else None
    ended = run.run.info.end_time if run else None
    tags = {tag.key: tag.value for tag in run.run.data.tags} if run else {}
    trained_at = since_1970(ended / 1000) if ended else None
    return Champion(version.version, version.run_id, trained_at, tags.get(DIGEST, ""))


def refusals(settings: Settings) -> dict[str, Refusal]:
    """By model the newest refusal of a version in the decision log.

    Raises:
        ServiceError: MLflow does not answer.
    """
    talk = Conversation(place(settings), mlflow_login(settings))
    log = _if_there(talk, _ExperimentAnswer, f"{API}/experiments/get-by-name", experiment_name=EXPERIMENT)
    if log is None:
        return {}
    asked = {
        "experiment_ids": [log.experiment.experiment_id],
        "filter": f"tags.`{PREFIX}event` = '{REFUSED}'",
        "order_by": ["attributes.start_time DESC"],
        "max_results": LINES,
    }
    found = dict[str, Refusal]()
    for run in talk.post(_Runs, f"{API}/runs/search", asked).runs:
        told = {tag.key.removeprefix(PREFIX): tag.value for tag in run.data.tags}
        refusal = Refusal(told.get("version", ""), told.get("at", ""), told.get("reason", ""))
        found.setdefault(told.get("name", ""), refusal)
    return found


def _if_there(talk: Conversation, form: type[Form], path: str, **parameters: str) -> Form | None:
    """What MLflow answers; None where it knows no such thing."""
    try:
        return talk.get(form, path, **parameters)
    except RefusedError as error:
        # A model without the alias is a bad request to MLflow.
        if error.status == HTTPStatus.NOT_FOUND or (
            error.status == HTTPStatus.BAD_REQUEST and error.code in ABSENT
        ):
            return None
        raise
