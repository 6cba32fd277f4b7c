"""What each baseline would have said of the Mondays that are judged, from what was known then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from math import sqrt
from typing import Any

import polars as pl

from turo.forecast.baselines.past_baselines import at_origins
from turo.forecast.horizon_tables import HorizonTable
from turo.table.names import ORIGIN, VEHICLE
from turo.training.evaluation.baselines import NAMES

PREFIX = "baseline_"  # of the columns
BOOKS = "on_the_books"
LOOK_BACK = timedelta(weeks=104)  # rows that means are taken from


def said(table: HorizonTable, target: str, origins: Sequence[date]) -> pl.DataFrame:
    """vehicle_id, origin_date and a column `baseline_<key>` for each baseline; null where it says nothing."""
    keys = {VEHICLE: pl.String, ORIGIN: pl.Date}
    nothing = pl.DataFrame(schema={**keys, **{f"{PREFIX}{key}": pl.Float64 for key in NAMES}})
    if not origins or target not in table.columns:
        return nothing
    recent = pl.col(ORIGIN).is_between(min(origins) - LOOK_BACK, max(origins))
    rows = table.prepared.frame(where=recent).sort(ORIGIN, VEHICLE)
    parts = [nothing]
    for here, found in at_origins(rows, target, table.horizon_days, origins):
        said_here = (pl.Series(f"{PREFIX}{key}", values).fill_nan(None) for key, values in found.items())
        named = rows[here].select(pl.col(name).cast(kind) for name, kind in keys.items())
        parts.append(named.with_columns(said_here))
    return pl.concat(parts, how="diagonal_relaxed")


def best(rows: pl.DataFrame) -> tuple[str | None, float | None]:
    """Key and MAE of the baseline with the least one, of those that have a value for each row.

    The books are those that the forecast itself knew.
    """
    known = rows.with_columns(pl.col("on_books").alias(f"{PREFIX}{BOOKS}"))
    names = [name for name in known.columns if name.startswith(PREFIX) and not known[name].null_count()]
    errors = {name: float((known[name] - known["actual"]).abs().mean()) for name in names}  # type: ignore[arg-type]
    if not errors:
        return None, None
    name = min(errors, key=lambda key: errors[key])
    return name.removeprefix(PREFIX), errors[name]


def behind(rows: pl.DataFrame, key: str | None) -> float | None:
    """How many standard errors the forecast's error is above that of a baseline; below 0 where it is better.

    Paired by row. Windows of one vehicle overlap, so each vehicle counts once. None for fewer than two
    vehicles and where all differ from the baseline by the same.
    """
    if key is None:
        return None
    said_then = pl.col("on_books" if key == BOOKS else f"{PREFIX}{key}")
    gap = (pl.col("median") - pl.col("actual")).abs() - (said_then - pl.col("actual")).abs()
    gaps = rows.group_by(VEHICLE).agg(gap.mean().alias("gap"))["gap"]
    spread: Any = gaps.std()
    mean: Any = gaps.mean()
    return float(mean) / (spread / sqrt(len(gaps))) if spread else None
