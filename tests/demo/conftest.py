"""One folder for the demos of the sample: a model that one of them has trained is there for the next."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where demos leave table, registry and models."""
    return tmp_path_factory.mktemp("demo")
