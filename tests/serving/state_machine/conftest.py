"""The machine over a model that is made once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings
from platform_machine import PlatformMachine
from platform_world import make_model

settings.register_profile("at-random")  # chosen by --hypothesis-profile, of the run that is other each time


@pytest.fixture(scope="session")
def made_model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A model folder and its digest."""
    folder = tmp_path_factory.mktemp("model")
    return folder, make_model(folder)


@pytest.fixture
def machine(tmp_path: Path, made_model: tuple[Path, str]) -> type[PlatformMachine]:
    """A machine whose worlds lie in this test's folder."""
    return type("Machine", (PlatformMachine,), {"folder": tmp_path, "model": made_model})
