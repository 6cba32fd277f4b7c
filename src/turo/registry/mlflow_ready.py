"""Wait for an MLflow server that is starting, instead of failing at the first refused connection."""

from __future__ import annotations

import logging
import operator

import httpx

from turo.errors import ServiceError
from turo.patience import Patience
from turo.settings import Settings

logger = logging.getLogger(__name__)

PERIOD_S = 1.0
TIMEOUT_S = 5.0


def wait_for_mlflow(settings: Settings) -> None:
    """Return once `MLFLOW_TRACKING_URI` answers; at once where it is a database rather than a server.

    Raises:
        ServiceError: no answer within `SERVICE_DEADLINE_S`.
    """
    uri = settings.mlflow_tracking_uri.rstrip("/")
    if not uri.startswith(("http://", "https://")):
        return
    problem = Patience(PERIOD_S, settings.service_deadline_s).poll(
        lambda: _problem(uri),
        done=operator.not_,
        note=lambda problem: logger.info("Waiting for MLflow at %s: %s", uri, problem),
    )
    if problem:
        raise ServiceError(
            f"MLflow at {uri} does not answer ({problem}); tried {settings.service_deadline_s:.0f} s.",
            "Check that the service runs and that MLFLOW_TRACKING_URI names it.",
        )


def _problem(uri: str) -> str:
    try:
        # No proxy lies between services.
        answer = httpx.get(f"{uri}/health", timeout=TIMEOUT_S, trust_env=False)
    except httpx.HTTPError as error:
        return f"{type(error).__name__}: {error}"
    return "" if answer.is_success else f"HTTP {answer.status_code}"
