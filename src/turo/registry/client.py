"""MLflow's client, and a registered version as this platform sees it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from turo.settings import Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient

ABSENT = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}
_in_use: list[Settings] = []


@dataclass(frozen=True)
class Version:
    """One registered version. `model_uri` names its files for good, whatever the aliases do later."""

    name: str
    version: str
    run_id: str
    model_uri: str
    tags: dict[str, str]
    metrics: dict[str, float]


def use_mlflow(settings: Settings) -> None:
    """Say which MLflow this process talks to: once, where the settings were read.

    MLflow's library keeps one address a process, so this is not handed from function to function.
    """
    _in_use[:] = [settings]


def mlflow_settings() -> Settings:
    """What `use_mlflow` was told."""
    if not _in_use:
        raise RuntimeError(
            "Nobody said which MLflow to use: call use_mlflow(settings) where the settings are read."
        )
    return _in_use[0]


def client() -> MlflowClient:
    """MLflow's client for `MLFLOW_TRACKING_URI`."""
    import mlflow

    uri = mlflow_settings().mlflow_tracking_uri
    if mlflow.get_tracking_uri() != uri:
        mlflow.set_tracking_uri(uri)
    return mlflow.MlflowClient(uri)


def as_version(found: Any) -> Version:
    """From what MLflow's client returns; with the metrics of its run."""
    tracking_uri = mlflow_settings().mlflow_tracking_uri
    return Version(
        name=found.name,
        version=str(found.version),
        run_id=found.run_id,
        model_uri=found.source,
        tags=dict(found.tags),
        metrics=dict(_metrics(tracking_uri, found.run_id)) if found.run_id else {},
    )


def if_there(ask: Callable[[], Any]) -> Any:
    """What MLflow answers; None where it has no such thing."""
    from mlflow.exceptions import MlflowException

    try:
        return ask()
    except MlflowException as error:
        if error.error_code in ABSENT:
            return None
        raise


@functools.lru_cache(maxsize=256)
def _metrics(tracking_uri: str, run_id: str) -> dict[str, float]:
    """Metrics of a finished run do not change, and the reconciler asks every two seconds."""
    return client().get_run(run_id).data.metrics
