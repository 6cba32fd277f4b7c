"""Talk to Serve: read what runs and what its replicas report, apply a whole configuration, ask a route."""

from __future__ import annotations

from typing import Any

import httpx

from turo.cluster.dashboard import RayHttp, dashboard_url, last_line
from turo.errors import ServiceError
from turo.serving.replica.states import STATES_PATH, Outcome, Running, State, judge
from turo.serving.serve_config import MODEL_IMPORT, ModelSpec
from turo.settings import Settings

PATH = "/api/serve/applications/"
ROUTE_TIMEOUT_S = 10.0

States = dict[str, dict[str, State]]  # by application and replica


class Serve:
    """One cluster's Serve instance: its dashboard for deploying, its HTTP port for what replicas say."""

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
        return {name: _running(application) for name, application in found.items()}

    def apply(self, configuration: dict[str, Any]) -> None:
        """Make this the whole of what Serve runs.

        Raises:
            ServiceError: refused, or the dashboard does not answer.
        """
        answer = self._dashboard.call("PUT", PATH, json=configuration)
        if answer.is_error:
            raise ServiceError(f"Serve refused the configuration: {last_line(answer.text)}")

    def states(self) -> States:
        """What the replicas last reported to the catalog.

        Raises:
            ServiceError: the catalog does not tell; nothing is said about any model.
        """
        try:
            answer = self._routes.get(STATES_PATH)
            answer.raise_for_status()
            told = answer.json()["replicas"]
            found: States = {}
            for entry in told:
                found.setdefault(entry["name"], {})[entry["replica"]] = State.model_validate(entry)
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            why = (str(error).splitlines() or [repr(error)])[0]
            raise ServiceError(
                f"The catalog does not tell what the replicas serve: {why}.",
                "It is waited for; with SERVE_API_KEY set, mlflow and ray must have the same key.",
            ) from error
        return found

    def holds(self, spec: ModelSpec) -> bool:
        """Whether every replica that takes requests has said that it serves this version."""
        try:
            running, states = self.applications().get(spec.name), self.states().get(spec.name, {})
        except ServiceError:
            return False
        return judge(spec, running, states).outcome is Outcome.HOLDS

    def answers(self, spec: ModelSpec, example: dict[str, Any]) -> bool:
        """Whether the route answers a row of this version, as this version.

        Any other answer (of the version before, of a full queue, of a wrong key) says nothing of it.
        """
        try:
            answer = self._routes.post(f"/{spec.name}", json={"inputs": [example]})
            if (answer.status_code, answer.headers.get("X-Model-Version")) != (200, spec.version):
                return False
            return len(answer.json()["predictions"]) == 1
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return False


def _running(application: dict[str, Any]) -> Running:
    deployments = (application.get("deployments") or {}).values()
    replicas = {r["replica_id"]: r["state"] for d in deployments for r in d.get("replicas") or ()}
    # A deployment knows more than its application.
    parts = [application.get("message") or "", *(d.get("message") or "" for d in deployments)]
    return Running(application["status"], "\n".join(parts).strip(), _spec(application), replicas)


def _spec(application: dict[str, Any]) -> ModelSpec | None:
    config = application.get("deployed_app_config") or {}
    if config.get("import_path") != MODEL_IMPORT:
        return None
    return ModelSpec.model_validate(config["deployments"][0]["user_config"]["spec"])
