"""Create something in MLflow exactly once, even if its answer is lost.

A server that dies, or a proxy that gives up, after the work is done looks the same as one that did nothing.
So every creation has a key: after a failure MLflow is first searched for that key, and only where nothing has
it, the creation is repeated. MLflow's client would repeat the request blindly, or not at all.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from turo.environment import lent
from turo.patience import Patience
from turo.registry.client import client, mlflow_settings
from turo.registry.mlflow_ready import wait_for_mlflow

if TYPE_CHECKING:
    from mlflow import ActiveRun

logger = logging.getLogger(__name__)

CREATE_KEY = "turo.create_key"
TRANSIENT = {"DEADLINE_EXCEEDED", "INTERNAL_ERROR", "REQUEST_LIMIT_EXCEEDED", "TEMPORARILY_UNAVAILABLE"}
TAKEN = "RESOURCE_ALREADY_EXISTS"
PATIENCE_S, PAUSE_S = 180.0, 1.0
RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"

_environment = threading.Lock()
Made = TypeVar("Made")


def once(what: str, create: Callable[[], Made], find: Callable[[], Made | None]) -> Made:
    """What `find` finds, or else what `create` creates; one of it, even if an answer is lost.

    Raises:
        ServiceError: MLflow is away for longer than `SERVICE_DEADLINE_S`.
        MlflowException: it refuses, or still fails after three minutes.
    """
    from mlflow.exceptions import MlflowException

    def find_or_create() -> Made:
        if (found := find()) is not None:
            return found
        with _without_retries():
            return create()

    def wait(failure: MlflowException) -> None:
        logger.warning("MLflow gave no good answer (%s); looking whether %s was made", failure, what)
        wait_for_mlflow(mlflow_settings())

    try:
        return Patience(PAUSE_S, PATIENCE_S).retry(
            find_or_create,
            errors=lambda error: isinstance(error, MlflowException) and error.error_code in TRANSIENT,
            note=wait,
        )
    except MlflowException as failure:
        if failure.error_code not in TRANSIENT | {TAKEN} or (found := find()) is None:
            raise
        return found


def create_run(experiment_id: str, tags: Mapping[str, str] | None = None, run_name: str | None = None) -> str:
    """A new run; returns its id."""
    key, mlflow_client = uuid.uuid4().hex, client()

    def create() -> str:
        marked = {**(tags or {}), CREATE_KEY: key}
        return mlflow_client.create_run(experiment_id, tags=marked, run_name=run_name).info.run_id

    def find() -> str | None:
        found = mlflow_client.search_runs([experiment_id], f"tags.`{CREATE_KEY}` = '{key}'")
        return found[0].info.run_id if found else None

    return once(f"run {run_name or key}", create, find)


def start_run(experiment_name: str) -> ActiveRun:
    """`mlflow.start_run` of a new run in an experiment, which becomes the active one."""
    import mlflow
    from mlflow.tracking.context.registry import resolve_tags

    experiment_id = experiment(experiment_name)
    mlflow.set_experiment(experiment_id=experiment_id)
    return mlflow.start_run(create_run(experiment_id, resolve_tags()))


def start_nested_run(run_name: str) -> ActiveRun:
    """`mlflow.start_run` of a new run below the active one."""
    import mlflow
    from mlflow.tracking.context.registry import resolve_tags
    from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

    parent = mlflow.active_run()
    if parent is None:
        raise ValueError(f"run {run_name} has no run to be nested in")
    tags = resolve_tags({MLFLOW_PARENT_RUN_ID: parent.info.run_id})
    return mlflow.start_run(create_run(parent.info.experiment_id, tags, run_name), nested=True)


def experiment(name: str) -> str:
    """The experiment of this name, made now unless it is there; returns its id."""
    mlflow_client = client()

    def find() -> str | None:
        found = mlflow_client.get_experiment_by_name(name)
        return found.experiment_id if found else None

    return once(f"experiment {name}", lambda: mlflow_client.create_experiment(name), find)


def registered_model(name: str) -> None:
    """Make the registry know a name; it may know it already."""
    from mlflow.exceptions import MlflowException

    mlflow_client = client()

    def find() -> bool | None:
        try:
            mlflow_client.get_registered_model(name)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
        return True

    once(f"model {name}", lambda: bool(mlflow_client.create_registered_model(name)), find)


@contextmanager
def _without_retries() -> Iterator[None]:
    """MLflow's client does not retry in this block; it reads the number from the environment each time."""
    with _environment, lent({RETRIES: "0"}):
        yield
