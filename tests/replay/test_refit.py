"""A training as of a past Monday is the one of `turo train`, members and weights of an ensemble included."""

from __future__ import annotations

import runpy
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from turo.data.load import load_tables
from turo.models.forecaster import Forecaster
from turo.replay.one_monday import replayed
from turo.replay.past_mondays import PastMondays
from turo.replay.refit import Method, refit
from turo.settings import load

REPOSITORY = Path(__file__).resolve().parents[2]
DAY = date(2026, 10, 12)


def test_an_ensemble_is_weighed_by_what_was_known_then(sample: Path) -> None:
    settings = load(data_dir=str(sample))
    monday = PastMondays(settings, load_tables(settings)).at(DAY)
    project = runpy.run_path(str(REPOSITORY / "mlflow/projects/ensemble/train.py"))["PROJECT"]
    found = refit(monday, 7, Method("Ensemble", project, priced_books=True))
    assert found.champion is not None, found.refused
    assert isinstance(found.champion.forecaster, Forecaster)
    assert found.champion.forecaster.kind == "ensemble"
    places = found.champion.places
    assert places is not None
    assert places.filter(pl.col("origin_date") >= DAY).is_empty()
    assert refit(monday, 90, Method("Ensemble", project, priced_books=True)).refused


def test_baselines_are_those_of_the_monday_however_old_the_training(sample: Path, monkeypatch) -> None:
    settings = load(data_dir=str(sample))
    past = PastMondays(settings, load_tables(settings))
    project = runpy.run_path(str(REPOSITORY / "mlflow/projects/xgboost/train.py"))["PROJECT"]
    method = Method("XGBoost", project, priced_books=True)
    monday, before = past.at(DAY), past.at(DAY - timedelta(weeks=8))
    fits = [refit(of, 7, method) for of in (before, monday)]
    # What a track record does not hold is not reckoned: reasons, and draws of reservations and revenue.
    for unused in ("turo.forecast.score.reasons", "turo.models.derived.Derivation.of"):
        monkeypatch.setattr(unused, lambda *_: pytest.fail("reckoned for nothing"))
    old, new = (replayed(monday, [fit], 7, True) for fit in fits)
    assert (old["version"][0], new["version"][0]) == (str(before.day), str(DAY))
    assert not old["mean"].equals(new["mean"])
    names = [name for name in new.columns if name.startswith("baseline_")]
    assert "baseline_books_and_pickup" in names
    assert old.select(names).equals(new.select(names))
    assert new["baseline_books_and_pickup"].null_count() == 0
