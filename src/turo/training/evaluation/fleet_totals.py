"""The fleet's total at each hold-out origin: its range, by the draws a forecast makes, and what came true."""

from __future__ import annotations

import numpy as np
import polars as pl

from turo.models.draws import MIN_ORIGINS, PastPlaces, levels
from turo.models.spread import TOLERANCE, Spread
from turo.table.names import ORIGIN

DRAWS = 501  # enough for the ends of a range; a forecast that is kept makes more
RANGE = (0.1, 0.5, 0.9)
FILE = "fleet_totals.csv"
SCHEMA = {
    ORIGIN: pl.Date,
    "vehicles": pl.Int64,
    "past_weeks": pl.Int64,
    "actual": pl.Float64,
    "mean": pl.Float64,
    "q10": pl.Float64,
    "q50": pl.Float64,
    "q90": pl.Float64,
    "inside": pl.Boolean,
}


def totals(
    origins: np.ndarray, y: np.ndarray, spread: Spread, places: pl.DataFrame, horizon_days: int
) -> pl.DataFrame:
    """Columns of SCHEMA, a row an origin, in the unit of the target.

    Args:
        origins: of the rows to add up (rows,), datetime64[D]; y and spread are of the same rows.
        places: origin_date and place of past forecasts. At each origin only those are drawn from whose
            windows were over by then; fewer than MIN_ORIGINS weeks of them, and vehicles are taken to have
            nothing in common.
    """
    known = places.drop_nulls()
    weeks, place = known[ORIGIN].to_numpy().astype("datetime64[D]"), known["place"].to_numpy()[:, None]
    over = weeks + np.timedelta64(horizon_days, "D")
    lines = []
    for origin in np.unique(origins):
        here, past = origins == origin, over <= origin
        count = len(np.unique(weeks[past]))
        if count < MIN_ORIGINS:
            past = np.zeros(len(past), dtype=bool)
        seed = origin.item().toordinal()
        known_then = PastPlaces(weeks[past], place[past], [horizon_days])
        asked = levels(known_then, int(here.sum()), seed, DRAWS)[:, 0]
        drawn = Spread(spread.values[here], spread.below[here]).quantiles(asked).sum(axis=0)
        low, median, high = np.quantile(drawn, RANGE, method="inverted_cdf").tolist()
        actual = float(y[here].sum())
        inside = low - TOLERANCE <= actual <= high + TOLERANCE
        mean = float(drawn.mean())
        lines.append((origin.item(), int(here.sum()), count, actual, mean, low, median, high, inside))
    return pl.DataFrame(lines, schema=SCHEMA, orient="row")


def figures(found: pl.DataFrame | None) -> dict[str, float]:
    """The share of origins whose total came true inside its range of 80 %, and how many there were."""
    if found is None or found.is_empty():
        return {}
    inside = found["inside"].to_numpy()
    return {"fleet_coverage": float(inside.mean()), "fleet_origins": float(len(found))}
