"""The columns of track-record.csv."""

from __future__ import annotations

import polars as pl

from turo.forecast.forecast_columns import BESIDE_MEDIAN, FLEET, Types
from turo.table.names import LOOKS_GONE

BASELINE = "baseline_"
VEHICLE = "vehicle"
LEVELS = (FLEET, VEHICLE)  # the column `level`

SAID: Types = {  # on the Monday, by what was known then
    "origin_date": pl.Date,
    "horizon_days": pl.Int64,
    "window_end": pl.Date,  # exclusive
    "level": pl.String,  # fleet or vehicle
    "vehicle_id": pl.String,  # null for the fleet
    "vehicle": pl.String,  # make, model and year
    "vehicles": pl.Int64,  # added up
    LOOKS_GONE: pl.Boolean,  # such a vehicle is in no total
    "model": pl.String,
    "version": pl.String,  # the Monday of its training
    "known_by": pl.String,  # how it is known what was known then: see `turo.replay.past_mondays`
    "on_books": pl.Float64,  # booked days known on the Monday
    "mean": pl.Float64,  # expected, may be added up
    "median": pl.Float64,
    **BESIDE_MEDIAN,
    "low": pl.Float64,  # 80 % of what comes true shall lie between low and high
    "high": pl.Float64,
    "available_days": pl.Float64,
}
TRUE: Types = {  # by what is known now; null while the window is not over
    "actual": pl.Float64,  # booked days; of the fleet null where one of its vehicles has none
    "actual_revenue": pl.Float64,  # of these days; null where a price is unknown
    "price_day": pl.Float64,  # of the fleet: revenue a booked day, over vehicles whose prices are known
}
NUMBERS = [name for name, kind in SAID.items() if kind == pl.Float64]


def ordered(frame: pl.DataFrame, types: Types = SAID) -> pl.DataFrame:
    """Exactly these columns, then the baselines of the frame in their order; absent ones are null."""
    baselines = [name for name in frame.columns if name.startswith(BASELINE)]
    return frame.select(
        *(
            (pl.col(name) if name in frame.columns else pl.lit(None)).cast(kind).alias(name)
            for name, kind in types.items()
        ),
        *baselines,
    )
