"""What must survive: Ray going away, another database behind MLflow."""

from __future__ import annotations

import time

import httpx
import pytest
from compose_stack import MODELS, Stack, figures, served_versions, wait_for

pytestmark = pytest.mark.stack


def all_answer(serve: str) -> bool:
    return all(httpx.get(f"{serve}/{name}", timeout=5).status_code == 200 for name in MODELS)


def test_routes_come_back_after_ray_is_killed(stack: Stack, serve: str) -> None:
    before = served_versions(serve)
    began = time.monotonic()
    stack.compose("kill", "-s", "SIGKILL", "ray")
    stack.compose("up", "-d", "--no-recreate", "ray")
    wait_for("four routes after a killed Ray head", lambda: all_answer(serve), timeout=240)
    figures["Ray head killed to four answering routes"] = f"{time.monotonic() - began:.0f} s"
    assert served_versions(serve) == before


def test_mlflow_on_postgresql_serves_as_well(stack: Stack, serve: str) -> None:
    """Another BACKEND_URI is an empty registry: the models are trained anew while the old ones serve on.

    Two are waited for: what differs from the first start is the database, not the model.
    """
    before = runs(serve)
    stack.environment["BACKEND_URI"] = "postgresql+psycopg2://mlflow@postgres/mlflow"
    stack.up(wait=False)

    def renewed() -> set[str] | None:
        versions = served_versions(serve)
        found = {n for n, run in runs(serve).items() if run != before[n] and versions[n] == "1"}
        return found if len(found) >= 2 else None

    found = wait_for("first versions of two models", renewed, timeout=900, period=3)
    models = stack.execute("postgres", "psql", "-U", "postgres", "-d", "mlflow", "-Atc", MODELS_THERE)
    assert found <= set(models.split())


def runs(serve: str) -> dict[str, str]:
    """The MLflow run of the version that each route answers with."""
    return {name: httpx.get(f"{serve}/{name}", timeout=30).json()["run_id"] for name in MODELS}


MODELS_THERE = "select name from registered_models"
