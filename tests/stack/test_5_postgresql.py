"""Another database behind MLflow than the one it began with."""

from __future__ import annotations

import httpx
import pytest
from compose_stack import MODELS, Stack, served_versions, wait_for

pytestmark = [pytest.mark.stack, pytest.mark.long]


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
