"""How right the forecasts of the last 13 Mondays were, as the report tells it."""

from __future__ import annotations

from typing import Any

import polars as pl

from turo.forecast.forecast_columns import ALL_MODELS
from turo.forecast.live.judged_forecasts import MOST_MONDAYS
from turo.training.evaluation.baselines import NAMES
from turo.words import by_number, counted


def live_mondays(summary: pl.DataFrame, target: str) -> dict[str, Any]:
    """`rows` (of LIVE, a horizon each, with `baseline`: its title) and `notes` in words.

    Args:
        summary: columns of LIVE; what single models did is left out.
    """
    rows = summary.filter(pl.col("model") == ALL_MODELS, pl.col("target") == target).to_dicts()
    for row in rows:
        row["baseline"] = NAMES.get(row["best_baseline"], row["best_baseline"])
    return {"rows": rows, "most": MOST_MONDAYS, "notes": [note for row in rows for note in _notes(row)]}


def _notes(row: dict[str, Any]) -> list[str]:
    window, mondays = counted(row["horizon_days"], "day"), row["mondays"]
    found = []
    if mondays < MOST_MONDAYS:
        found.append(
            f"{window}: {mondays} of {MOST_MONDAYS} Mondays {by_number(mondays, 'has', 'have')} a forecast "
            "whose window is over; shares of so few say little."
        )
    if row["total_mondays"] < mondays:
        found.append(f"{window}: the range of the fleet's total was kept on {row['total_mondays']} of them.")
    if row["not_split"]:
        found.append(
            f"{window}: the error is split on {row['split_mondays']} of {counted(mondays, 'Monday')}. "
            f"{row['not_split']}"
        )
    return found
