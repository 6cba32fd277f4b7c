"""The track record of a generated fleet as `turo replay` leaves it, made in this process, without Ray."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

from turo.data.tables import Tables
from turo.forecast.champions import Champion
from turo.replay import page
from turo.replay.figures import Figures
from turo.replay.one_monday import replayed
from turo.replay.outcome import with_outcome
from turo.replay.past_mondays import PastMondays
from turo.replay.ray_tasks import Plan
from turo.replay.refit import Method, Refit
from turo.settings import Settings
from turo.table.names import TRACK_RECORD_PAGE
from turo.training.project import Project


def write(
    settings: Settings, tables: Tables, champions: Sequence[Champion], main: int, now: datetime
) -> None:
    """The page of the Mondays 6, 5 and 1 weeks before the newest."""
    newest = date.fromordinal(tables.snapshot.toordinal() - tables.snapshot.weekday())
    days = [newest - timedelta(weeks=weeks) for weeks in (6, 5, 1)]
    method = Method(champions[0].name, Project("xgboost", "Trees.", {}), priced_books=True)
    fits = [Refit(champion.horizon_days, days[0], champion) for champion in champions]
    past = PastMondays(settings, tables)
    said = [replayed(past.at(day), fits, main, method.priced_books) for day in days]
    record = with_outcome(pl.concat(said, how="diagonal"), tables)
    plan = Plan(sorted(champion.horizon_days for champion in champions), main, 13, method)
    facts = page.Facts(record, Figures.of(record), [], plan, days, tables, now, settings.code_version)
    page.write(facts, Path(settings.data_dir) / TRACK_RECORD_PAGE)
