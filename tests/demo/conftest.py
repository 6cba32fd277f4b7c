"""One folder for all demos of a session: only the first of them trains."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where demos leave table, registry and models."""
    return tmp_path_factory.mktemp("demo")
