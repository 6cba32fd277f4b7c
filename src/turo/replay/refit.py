"""A model as it would have been trained on a past Monday, from what was known then."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

import polars as pl

from turo.data.canonical_statuses import cancelled
from turo.data.tables import Tables
from turo.errors import InputError, TrainingError
from turo.features.build import of_tables
from turo.features.labels import REVENUE_DELAY
from turo.features.time import instant
from turo.forecast.champions import Champion
from turo.replay.past_mondays import PastMonday
from turo.table.model_columns import feature_columns
from turo.table.names import HORIZON, IN_TRAINING, ORIGIN, VEHICLE
from turo.table.targets import BOOKED_DAYS, REVENUE, TARGETS
from turo.training import ensemble
from turo.training.artifacts import final_model, places_of
from turo.training.evaluation.backtest import backtest
from turo.training.project import Options, Project
from turo.training.recipe import Recipe
from turo.training.run_facts import check_history
from turo.training.training_rows import TrainingTable

THREADS = 1  # the same numbers on any machine; the processors are busy with other Mondays


@dataclass(frozen=True)
class Method:
    """How models are made: `name` of MODEL_NAMES, and its project, of which the defaults count.

    `priced_books`: see `turo.features.build.build`; a fact of all files.
    """

    name: str
    project: Project
    priced_books: bool


@dataclass(frozen=True)
class Refit:
    """What a training on a Monday came to.

    Attributes:
        champion: the model; None where nothing could be trained.
        refused: why not.
    """

    horizon_days: int
    day: date
    champion: Champion | None
    refused: str = ""


def refit(monday: PastMonday, horizon: int, method: Method) -> Refit:
    """Train and test as `turo train` does, on the table that `turo prepare` would have made that Monday."""
    try:
        table = training_table(monday, horizon, method.priced_books)
        check_history(table)
        recipe = Recipe.of(table, method.project.kind, method.project.params, Options().seed)
        recipe, _, folds = ensemble.weighed(method.project, replace(recipe, threads=THREADS), table)
        result = backtest(table, recipe, folds)
        model = final_model(recipe.fit(table.columns(), table.y), table, recipe, result, {})
    except (InputError, TrainingError) as error:
        return Refit(horizon, monday.day, None, error.what)
    # Reservations and revenue are in no track record: their draws would be made for nothing.
    model = replace(model, derivation=None)
    champion = Champion(method.name, f"{monday.day}", "", model, metrics={}, places=places_of(table, result))
    return Refit(horizon, monday.day, champion)


def training_table(monday: PastMonday, horizon: int, priced_books: bool) -> TrainingTable:
    """The rows that could train that Monday: those whose window was over.

    Raises:
        InputError: the horizon is longer than the history.
        TrainingError: no row can train.
    """
    tables = monday.tables
    frame = of_tables(tables, horizon, priced_books=priced_books)
    rows = _labelled(frame, monday.day).sort(ORIGIN, VEHICLE)
    if rows.is_empty():
        raise TrainingError("No window was over yet for which the history before it is known.")
    return TrainingTable(
        rows=rows,
        features=tuple(feature_columns(rows.columns)),
        target=BOOKED_DAYS,
        horizon_days=horizon,
        profile=tables.profile,
        snapshot=monday.day.isoformat(),
        digest="",
        manifest=_manifest(tables, monday.day),
    )


def _labelled(frame: pl.DataFrame, day: date) -> pl.DataFrame:
    """Rows to train on; what `prepare` labels only after the Monday is not known."""
    delay = timedelta(microseconds=REVENUE_DELAY)
    at = datetime.combine(day, time())
    end = pl.col(ORIGIN).cast(pl.Datetime("us")) + pl.duration(days=pl.col(HORIZON))
    told = {name: end + (delay if name == REVENUE else timedelta()) <= at for name in TARGETS}
    known = frame.with_columns(pl.when(over).then(name).alias(name) for name, over in told.items())
    return known.filter(pl.col(IN_TRAINING) == 1, pl.col(BOOKED_DAYS).is_not_null())


def _manifest(tables: Tables, day: date) -> dict[str, Any]:
    return {"rows": {"finished_trips": finished_trips(tables.reservations, day)}}


def finished_trips(reservations: pl.DataFrame, day: date) -> int:
    """Trips that had ended by then and were not cancelled."""
    at = instant(day)
    return reservations.filter(~cancelled(), pl.col("trip_end").dt.epoch("us") <= at).height
