"""A data folder per test, and `load` to read it."""

import pytest

from turo.data.load import load_tables
from turo.settings import Settings


@pytest.fixture
def load(tmp_path):
    """Read `tmp_path` with the given settings."""

    def read(**overrides):
        return load_tables(Settings(**({"data_dir": str(tmp_path)} | overrides)))

    return read
