"""Which forecasts are judged: of the last 13 Mondays whose windows are over, of each the newest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import polars as pl

from turo.forecast.forecast_columns import ALL_MODELS, KEY
from turo.forecast.horizon_tables import HorizonTable
from turo.forecast.live import accuracy

MOST_MONDAYS = 13
RECENT_MONDAYS = 4  # of these the last, which say soonest that intervals have become too narrow
WINDOW = ["target", "horizon_days", "origin_date"]
JUDGED = "judged"  # column: ALL_MODELS, or the model itself


def made_last(forecasts: pl.DataFrame, tables: Sequence[HorizonTable]) -> pl.DataFrame:
    """Columns of FORECASTS and `actual` of all forecasts whose windows are over.

    Of the versions of a model that forecast the same Monday, the one that did so last.
    """
    pairs = accuracy.paired(forecasts, accuracy.actuals(forecasts, tables))
    once = pairs.unique(list(KEY), keep="last", maintain_order=True).filter(pl.col("median").is_not_null())
    return _last(once, [*WINDOW, "model"])


def of_all_models(pairs: pl.DataFrame) -> pl.DataFrame:
    """Of each Monday the forecast that was made last, by whichever model: the one that was in the report."""
    return _last(pairs, WINDOW)


def newest_mondays(pairs: pl.DataFrame, mondays: int = MOST_MONDAYS) -> pl.DataFrame:
    """Rows of the last Mondays of each target and horizon; forecasts may be of fewer."""
    last = pl.col("origin_date").max().over("target", "horizon_days")
    return pairs.filter(pl.col("origin_date") > last - timedelta(weeks=mondays))


def by_model(pairs: pl.DataFrame) -> pl.DataFrame:
    """The rows to judge with the column JUDGED: once for all models together, and once for each."""
    mondays = newest_mondays(pairs)
    together = of_all_models(mondays).with_columns(pl.lit(ALL_MODELS).alias(JUDGED))
    return pl.concat([together, mondays.with_columns(pl.col("model").alias(JUDGED))])


def _last(pairs: pl.DataFrame, group: list[str]) -> pl.DataFrame:
    """The rows of each group's forecast that was made last; equally new ones: of the later name."""
    named = ["created_at", "model", "version"]
    newest = (
        pairs.select(*group, *(name for name in named if name not in group))
        .unique()
        .sort(named, nulls_last=False)
        .unique(group, keep="last", maintain_order=True)
    )
    keys = list(dict.fromkeys([*group, *named]))
    return pairs.join(newest, keys, how="semi", nulls_equal=True, maintain_order="left")
