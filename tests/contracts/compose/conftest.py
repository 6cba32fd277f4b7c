"""The full stack's compose file: as merged by Docker Compose, and as written."""

from __future__ import annotations

from typing import Any

import pytest
from compose_file import REPOSITORY, compose_config


@pytest.fixture(scope="session")
def services() -> dict[str, dict[str, Any]]:
    """Every service, merged and with defaults filled in."""
    return dict(compose_config("docker-compose.yml")["services"])


@pytest.fixture(scope="session")
def compose_text() -> str:
    return (REPOSITORY / "docker-compose.yml").read_text()
