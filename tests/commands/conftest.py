"""A small sample in a data folder, and the command line on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from turo.cli import app
from turo.data.synthetic.generate import write_sample
from turo.settings import Settings

Turo = Callable[..., Result]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Input files of 3 vehicles over half a year."""
    folder = tmp_path / "datas"
    write_sample(folder, vehicles=3, years=0.5, seed=3, end=datetime(2026, 11, 24), horizons=())
    return folder


@pytest.fixture
def turo(data: Path) -> Turo:
    """Run `turo WORDS…` with that folder; other settings by name."""

    def run(*words: str | Path, **settings: object) -> Result:
        made = Settings(**{"data_dir": str(data), **settings})  # type: ignore[arg-type]
        return CliRunner().invoke(app, [str(word) for word in words], obj=made)

    return run
