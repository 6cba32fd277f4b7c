"""Talk to Serve: read what runs, apply a whole configuration, ask a route the way a caller would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import httpx

from turo.errors import ServiceError
from turo.ray_http import RayHttp, dashboard_url, last_line
from turo.serving.spec import ModelSpec, served
from turo.settings import Settings

PATH = "/api/serve/applications/"
ROUTE_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Running:
    """One application as Serve reports it."""

    status: str  # DEPLOYING, RUNNING, DEPLOY_FAILED, UNHEALTHY, DELETING, NOT_STARTED
    message: str
    spec: ModelSpec | None


class Proof(NamedTuple):
    """Whether a version answers at its route; if it has been refused there, why."""

    answers: bool
    refusal: str | None = None


class Serve:
    """One cluster's Serve instance: its dashboard for deploying, its HTTP port for proof."""

    def __init__(self, settings: Settings) -> None:
        address = settings.ray_dashboard_url or dashboard_url(
            settings.ray_address, settings.ray_dashboard_port
        )
        self._dashboard = RayHttp(address, settings.token(), deadline_s=0.0)  # the next tick tries again
        headers = {"X-API-Key": settings.serve_api_key} if settings.serve_api_key else {}
        self._routes = httpx.Client(
            base_url=settings.serve_url, timeout=ROUTE_TIMEOUT_S, headers=headers, trust_env=False
        )

    def applications(self) -> dict[str, Running]:
        """Every application by name; empty where Serve has not been started.

        Raises:
            ServiceError: the dashboard does not answer.
        """
        answer = self._dashboard.call("GET", PATH)
        if answer.is_error:
            raise ServiceError(f"Serve's state cannot be read: {last_line(answer.text)}")
        found = answer.json()["applications"]
        return {name: Running(a["status"], _message(a), served(a)) for name, a in found.items()}

    def apply(self, configuration: dict[str, Any]) -> None:
        """Make this the whole of what Serve runs.

        Raises:
            ServiceError: refused, or the dashboard does not answer.
        """
        answer = self._dashboard.call("PUT", PATH, json=configuration)
        if answer.is_error:
            raise ServiceError(f"Serve refused the configuration: {last_line(answer.text)}")

    def prove(self, spec: ModelSpec) -> Proof:
        """Ask the route what it serves, and for a prediction of its own example."""
        try:
            about = self._routes.get(f"/{spec.name}", headers={"Accept": "application/json"})
            if about.status_code != httpx.codes.OK:
                return Proof(False)
            told = about.json()
            refused = told.get("refused") or {}
            if refused.get("version") == spec.version:
                return Proof(False, refused["reason"])
            answer = self._routes.post(f"/{spec.name}", json=told["example"])
            version = answer.headers.get("X-Model-Version")
            predictions = answer.json().get("predictions")
        except (httpx.HTTPError, ValueError, KeyError):
            return Proof(False)  # not there yet; the deadline decides
        if version != spec.version:
            return Proof(False)
        if answer.status_code != httpx.codes.OK or not isinstance(predictions, list) or len(predictions) != 1:
            return Proof(False, f"POST of its example answers {answer.status_code}: {answer.text[:200]}")
        return Proof(True)


def _message(application: dict[str, Any]) -> str:
    """Why an application is as it is; its deployment knows more than the application itself."""
    parts = [d.get("message") or "" for d in (application.get("deployments") or {}).values()]
    return "\n".join([application.get("message") or "", *parts]).strip()
