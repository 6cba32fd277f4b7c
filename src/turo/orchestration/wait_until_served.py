"""Wait until all that Ray Serve runs of a model serves the version that the registry calls champion."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from turo.errors import DeployError, ServiceError
from turo.patience import Patience

if TYPE_CHECKING:
    import httpx

    from turo.settings import Settings

logger = logging.getLogger(__name__)

PERIOD_S = 1.0
CHAMPION_ALIAS = "/api/2.0/mlflow/registered-models/alias"


def wait_until_served(name: str, settings: Settings, deadline_s: float = 600.0) -> dict[str, Any]:
    """Return once every replica of `name` serves the champion; deploying is the reconciler's business.

    Returns:
        `model`, `version`, `run_id`, `url` of what is served.

    Raises:
        DeployError: Serve refused that version (the old one serves on), or time is up.
        ServiceError: MLflow or Serve does not answer, or the model has no champion.
    """
    import httpx

    logging.getLogger("httpx").setLevel(logging.WARNING)  # it announces every request
    url = f"{settings.serve_url}/{name}"
    headers = {"Accept": "application/json"}
    with httpx.Client(timeout=10.0, trust_env=False, headers=headers) as client:
        last = Patience(PERIOD_S, deadline_s).poll(
            lambda: _look(name, url, settings, client), done=lambda look: look.about is not None
        )
    if last.about is None:
        raise DeployError(
            f"{url} does not answer as version {last.wanted} after {deadline_s:.0f} s; "
            f"last seen: {last.seen}.",
            "Is the mlflow service, which deploys, healthy? Its log says what it waits for.",
        )
    logger.info("%s answers with version %s", url, last.wanted)
    return {"model": name, "version": last.wanted, "run_id": last.about.get("run_id"), "url": url}


@dataclass(frozen=True)
class Look:
    """What the route of a model said once.

    Attributes:
        wanted: the version that should answer.
        seen: what did, in words.
        about: what that version said of itself; None unless all replicas serve it.
    """

    wanted: str
    seen: str
    about: dict[str, Any] | None = None


def _look(name: str, url: str, settings: Settings, client: httpx.Client) -> Look:
    from turo.serving.replica.states import STATES_PATH

    wanted = champion(name, settings, client)  # asked anew each time: somebody may roll back while we wait
    key = {"X-API-Key": settings.serve_api_key} if settings.serve_api_key else {}
    said = _ask(client, url, headers=key)
    if said is None:
        return Look(wanted, "nothing")
    if not said.is_success:
        return Look(wanted, f"HTTP {said.status_code}")
    about = said.json()
    seen = f"version {about['version']}"
    if str(about["version"]) == wanted:
        behind = _behind(name, wanted, _ask(client, f"{settings.serve_url}{STATES_PATH}", headers=key))
        return Look(wanted, f"{seen}, {behind}") if behind else Look(wanted, seen, about)
    refused = about.get("refused") or {}
    if str(refused.get("version")) == wanted:
        raise DeployError(
            f"{name} version {wanted} was refused, {seen} serves on: {refused.get('reason')}",
            "Read the log of the mlflow service; `turo rollback` gives the alias back.",
        )
    return Look(wanted, seen)


def _behind(name: str, wanted: str, said: httpx.Response | None) -> str:
    """Which replicas do not serve that version yet, in words: Serve exchanges one after the other.

    Args:
        said: what the catalog answered; it has the newest report of each replica.
    """
    if said is None or not said.is_success:
        return "and the catalog does not tell what each replica serves"
    told = [one["serves"] or {} for one in said.json()["replicas"] if one["name"] == name]
    behind = sum(str(spec.get("version")) != wanted for spec in told)
    return f"but {behind} of {len(told)} replicas do not serve it yet" if behind or not told else ""


def champion(name: str, settings: Settings, client: httpx.Client) -> str:
    """The version with the alias `champion`, over MLflow's REST interface (no MLflow library here)."""
    from turo.registry.aliases import CHAMPION
    from turo.registry.mlflow_login import mlflow_login

    query = {"name": name, "alias": CHAMPION}
    address = f"{settings.mlflow_tracking_uri}{CHAMPION_ALIAS}"
    answer = Patience(PERIOD_S, settings.service_deadline_s).poll(
        lambda: _ask(client, address, params=query, headers=mlflow_login(settings)),
        done=lambda answer: answer is not None,
    )
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


def _ask(client: httpx.Client, url: str, **more: Any) -> httpx.Response | None:
    """What comes back, unless it is nothing or "unavailable"."""
    import httpx

    try:
        answer = client.get(url, **more)
    except httpx.TransportError as error:
        logger.warning("No answer yet: %s", error)
        return None
    return answer if answer.status_code < 500 else None
