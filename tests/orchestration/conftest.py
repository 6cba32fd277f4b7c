"""The local Ray of the session, and an Airflow that uses it."""

from __future__ import annotations

import pytest
from local_ray import LocalRay, start


@pytest.fixture(scope="module")
def local_ray(request: pytest.FixtureRequest) -> LocalRay:
    return start(request.config)


@pytest.fixture
def ray_variables(local_ray: LocalRay, monkeypatch: pytest.MonkeyPatch) -> LocalRay:
    """What the worker's environment and Admin > Variables hold."""
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", local_ray.token)
    monkeypatch.setenv("AIRFLOW_VAR_RAY_ADDRESS", local_ray.url)
    return local_ray
