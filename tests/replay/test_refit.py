"""A training as of a past Monday is the one of `turo train`, members and weights of an ensemble included."""

from __future__ import annotations

import runpy
from datetime import date
from pathlib import Path

import polars as pl

from turo.data.load import load_tables
from turo.models.forecaster import Forecaster
from turo.replay.past_mondays import past_mondays
from turo.replay.refit import Method, refit
from turo.settings import load

REPOSITORY = Path(__file__).resolve().parents[2]
DAY = date(2026, 10, 12)


def test_an_ensemble_is_weighed_by_what_was_known_then(sample: Path) -> None:
    settings = load(data_dir=str(sample))
    (monday,) = past_mondays(settings, load_tables(settings), [DAY])
    project = runpy.run_path(str(REPOSITORY / "mlflow/projects/ensemble/train.py"))["PROJECT"]
    found = refit(monday, 7, Method("Ensemble", project, priced_books=True))
    assert found.champion is not None, found.refused
    assert isinstance(found.champion.forecaster, Forecaster)
    assert found.champion.forecaster.kind == "ensemble"
    places = found.champion.places
    assert places is not None
    assert places.filter(pl.col("origin_date") >= DAY).is_empty()
    assert refit(monday, 90, Method("Ensemble", project, priced_books=True)).refused
