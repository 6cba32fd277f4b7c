"""The local Ray of the session."""

from __future__ import annotations

import pytest
from local_ray import LocalRay, start


@pytest.fixture(scope="module")
def local_ray(request: pytest.FixtureRequest) -> LocalRay:
    return start(request.config)
