"""Wait until Ray Serve answers with the version that the registry calls champion."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from turo.errors import DeployError, ServiceError

if TYPE_CHECKING:
    import httpx

    from turo.settings import Settings

logger = logging.getLogger(__name__)

PERIOD_S = 1.0
CHAMPION_ALIAS = "/api/2.0/mlflow/registered-models/alias"


def wait_until_served(name: str, settings: Settings, deadline_s: float = 600.0) -> dict[str, Any]:
    """Return once the route of `name` answers as the champion; deploying is the reconciler's business.

    Returns:
        `model`, `version`, `run_id`, `url` of what is served.

    Raises:
        DeployError: Serve refused that version (the old one serves on), or time is up.
        ServiceError: MLflow or Serve does not answer, or the model has no champion.
    """
    import httpx

    logging.getLogger("httpx").setLevel(logging.WARNING)  # it announces every request
    url, seen = f"{settings.serve_url}/{name}", "nothing"
    headers = {"X-API-Key": settings.serve_api_key} if settings.serve_api_key else {}
    end = time.monotonic() + deadline_s
    with httpx.Client(timeout=10.0, trust_env=False, headers={"Accept": "application/json"}) as client:
        while True:
            # Asked anew each time: somebody may roll back while we wait.
            wanted = champion(name, settings, client)
            said = _until(end, lambda: client.get(url, headers=headers))
            if said is not None and said.is_success:
                about = said.json()
                seen = f"version {about['version']}"
                if str(about["version"]) == wanted:
                    logger.info("%s answers with version %s", url, wanted)
                    return {"model": name, "version": wanted, "run_id": about.get("run_id"), "url": url}
                refused = about.get("refused") or {}
                if str(refused.get("version")) == wanted:
                    raise DeployError(
                        f"{name} version {wanted} was refused, {seen} serves on: {refused.get('reason')}",
                        "Read the log of the mlflow service; `turo rollback` gives the alias back.",
                    )
            elif said is not None:
                seen = f"HTTP {said.status_code}"
            if time.monotonic() > end:
                raise DeployError(
                    f"{url} does not answer as version {wanted} after {deadline_s:.0f} s; last seen: {seen}.",
                    "Is the mlflow service, which deploys, healthy? Its log says what it waits for.",
                )
            time.sleep(PERIOD_S)


def champion(name: str, settings: Settings, client: httpx.Client) -> str:
    """The version with the alias `champion`, over MLflow's REST interface (no MLflow library here)."""
    from turo.registry.aliases import CHAMPION

    end = time.monotonic() + settings.service_deadline_s
    query = {"name": name, "alias": CHAMPION}
    address = f"{settings.mlflow_tracking_uri}{CHAMPION_ALIAS}"
    answer = _until(end, lambda: client.get(address, params=query))
    if answer is None:
        raise ServiceError(
            f"MLflow at {settings.mlflow_tracking_uri} does not answer.",
            "Check that the mlflow service is healthy.",
        )
    if answer.is_error:
        raise ServiceError(
            f"MLflow at {settings.mlflow_tracking_uri} names no champion of {name}: {answer.text[:300]}",
            "Train and promote the model first.",
        )
    return str(answer.json()["model_version"]["version"])


def _until(end: float, ask: Callable[[], httpx.Response]) -> httpx.Response | None:
    """Ask until something other than "unavailable" comes back; None when time is up."""
    import httpx

    while True:
        try:
            answer = ask()
        except httpx.TransportError as error:
            logger.warning("No answer yet: %s", error)
        else:
            if answer.status_code < 500:
                return answer
        if time.monotonic() > end:
            return None
        time.sleep(PERIOD_S)
