"""Rows of the newest origin in, forecast rows out. Pure: no file, no registry, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from turo.forecast.draws.fleet_draws import Drawn
from turo.forecast.draws.window import Window
from turo.forecast.flags import LOOKS_GONE, ask, flag
from turo.forecast.forecast_columns import FORECASTS, with_columns
from turo.forecast.report.reasons import COLUMNS, reasons
from turo.models.derived import RESERVATIONS, REVENUE
from turo.table import names
from turo.table.targets import BOOKED_DAYS, TARGET

DERIVED = ("derived_reservations", "derived_revenue")


@dataclass(frozen=True)
class Stamp:
    """Where and when a forecast comes from.

    Attributes:
        source: how booking dates are known (exact, snapshot, id_bound, none), several joined by `+`.
        digest: of the table the rows come from.
        now: UTC, naive.
    """

    source: str
    digest: str
    now: datetime


def score(
    window: Window, stamp: Stamp, drawn: Drawn | None = None, *, explained: bool = True
) -> pl.DataFrame:
    """Forecast of one horizon, a row a vehicle, columns as FORECASTS.

    Args:
        drawn: where a vehicle's numbers come from, if it has draws; else they are the champion's.
        explained: False leaves the reasons null, which cost more than the forecast.
    """
    rows, champion = window.rows, window.champion
    model = champion.forecaster
    outlook = model.outlook(window.features)
    derived = model.derived(window.features, outlook.mean)
    known = TARGET[model.target]
    said = rows.select("vehicle_id", "origin_date").with_columns(
        pl.Series("mean", outlook.mean),
        pl.Series("median", outlook.median),
        pl.Series("low", outlook.low).fill_nan(None),
        pl.Series("high", outlook.high).fill_nan(None),
        _optional(rows, known.on_books).alias("on_books"),
        _optional(rows, known.last_year).alias("last_year"),
        _optional(rows, "base_price_day"),
        *(_derived(derived, name, len(rows)) for name in (RESERVATIONS, REVENUE)),
        *(reasons(window) if explained else (pl.lit(None, pl.String).alias(name) for name in COLUMNS)),
    )
    scored = said if drawn is None else _as_drawn(said, drawn.by_vehicle())
    days = pl.lit(model.target == BOOKED_DAYS)
    here = ~pl.col(names.LOOKS_GONE)
    share = (pl.col("mean") / pl.col("available_days")).clip(upper_bound=1.0)
    named = scored.join(window.vehicles, "vehicle_id", how="left", maintain_order="left").with_columns(
        pl.lit(model.horizon_days).alias("horizon_days"),
        (pl.col("origin_date") + timedelta(days=model.horizon_days)).alias("window_end"),
        pl.lit(model.target).alias("target"),
        pl.lit(champion.name).alias("model"),
        pl.lit(champion.version).alias("version"),
        pl.lit(champion.run_id).alias("run_id"),
        pl.lit(champion.method).alias("method"),
        pl.lit(champion.why).alias("chosen_because"),
        pl.lit(champion.below_baseline).alias("below_baseline"),
        pl.when(days & here & (pl.col("available_days") > 0)).then(share).alias("utilization"),
        pl.when(here).then(pl.col("mean") - pl.col("last_year")).alias("change"),
        *(pl.when(here).then(pl.col(name)).alias(name) for name in DERIVED),
        pl.lit(stamp.source).alias("booked_at_source"),
        pl.lit(stamp.digest).alias("data_digest"),
        pl.lit(stamp.now).alias("created_at"),
    )
    flags = pl.when(here).then(pl.when(days).then(flag(pl.col("available_days"), pl.col("utilization"))))
    flagged = named.with_columns(flags.otherwise(pl.lit(LOOKS_GONE)).alias("flag")).with_columns(
        pl.when(~here).then(ask(pl.col("last_trip"))).alias("advice")  # else see `turo.forecast.advising`
    )
    return with_columns(flagged, FORECASTS)


def _as_drawn(said: pl.DataFrame, drawn: pl.DataFrame) -> pl.DataFrame:
    """What the draws say in the place of what the champion said; the interval within what is possible."""
    names = [name for name in drawn.columns if name != "vehicle_id"]
    joined = said.join(
        drawn.rename({name: f"drawn_{name}" for name in names}),
        "vehicle_id",
        how="left",
        maintain_order="left",
    ).with_columns(
        pl.coalesce(f"drawn_{name}", *([name] if name in said.columns else [])).alias(name) for name in names
    )
    has = pl.col("most").is_not_null()
    return joined.with_columns(
        pl.when(has).then(pl.min_horizontal("low", "median")).otherwise("low").alias("low"),
        pl.when(has)
        .then(pl.max_horizontal(pl.min_horizontal("high", "most"), "median"))
        .otherwise("high")
        .alias("high"),
    )


def _derived(found: dict[str, np.ndarray], name: str, rows: int) -> pl.Series:
    """Null where it is not known."""
    values = found.get(name, np.full(rows, np.nan))
    return pl.Series(f"derived_{name}", values).fill_nan(None)


def _optional(rows: pl.DataFrame, name: str) -> pl.Series:
    """A column as float64 with nulls, all null where the table lacks it."""
    if name in rows.columns:
        return rows[name].cast(pl.Float64).fill_nan(None)
    return pl.Series(name, [None] * len(rows), dtype=pl.Float64)
