"""Totals of the fleet and of each class, summed draw by draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from turo.forecast.draws.fleet_draws import Drawn, Draws, statistics
from turo.forecast.draws.window import Window
from turo.forecast.flags import LOOKS_GONE
from turo.forecast.forecast_columns import BESIDE_MEDIAN, CLASS, FLEET, TOTALS, with_columns
from turo.models.derived import RESERVATIONS, REVENUE

DERIVED = (RESERVATIONS, REVENUE)
ENDS = ("mean", "q10", "q90")  # of what is derived


def totals(windows: Sequence[Window], forecasts: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """Columns of TOTALS: the fleet and its classes by horizon, without the vehicles that look gone.

    Args:
        windows: of which the rows know the class.
        forecasts: columns of FORECASTS, of the same windows.
    """
    found = []
    for window in windows:
        rows = forecasts.filter(
            pl.col("horizon_days") == window.horizon_days, pl.col("flag").ne_missing(LOOKS_GONE)
        )
        drawn = draws.by_horizon.get(window.horizon_days)
        first = forecasts.filter(pl.col("horizon_days") == window.horizon_days).row(0, named=True)
        stamp = {name: first[name] for name in TOTALS if name in first}
        found += [
            {**stamp, "level": level, "name": name, **_total(part, drawn)}
            for level, name, part in _groups(window, rows)
        ]
    return with_columns(pl.DataFrame(found, infer_schema_length=None), TOTALS)


def _groups(window: Window, rows: pl.DataFrame) -> list[tuple[str, str, pl.DataFrame]]:
    """Level, name and rows of what is added up; vehicles without a class are in the fleet only."""
    groups = [(FLEET, "", rows)]
    if CLASS not in window.rows.columns:
        return groups
    classes = window.rows.select("vehicle_id", pl.col(CLASS).cast(pl.String))
    named = rows.join(classes, "vehicle_id", how="left", maintain_order="left")
    names = named[CLASS].drop_nulls().unique().sort()
    return groups + [(CLASS, name, named.filter(pl.col(CLASS) == name)) for name in names]


def _total(rows: pl.DataFrame, drawn: Drawn | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "vehicles": len(rows),
        **{name: rows[name].sum() for name in ("on_books", "available_days", "mean")},
        **dict.fromkeys(("median", *BESIDE_MEDIAN)),
    }
    for name in DERIVED:
        known = rows[f"derived_{name}"]
        found[f"{name}_vehicles"] = known.count()
        found[f"{name}_mean"] = known.sum() if known.count() else None
    if drawn is None:
        return found
    place = {vehicle: number for number, vehicle in enumerate(drawn.vehicles)}
    at = np.array([place[vehicle] for vehicle in rows["vehicle_id"]], dtype=np.intp)
    found |= {name: float(value) for name, value in statistics(drawn.values[at].sum(axis=0)).items()}
    for name, values in drawn.derived.items():
        known = values[at][np.isfinite(values[at]).all(axis=1)]
        if len(known):
            told = statistics(known.sum(axis=0))
            found |= {f"{name}_{end}": float(told[end]) for end in ENDS}
    return found
