"""The vehicles of the week: at most seven to act on, and those to ask about instead."""

from __future__ import annotations

from datetime import date

import polars as pl

from turo.data.tables import Tables
from turo.forecast.advising.calendar_days import in_calendar
from turo.forecast.advising.open_days import Gap, open_days
from turo.forecast.advising.resting import resting
from turo.forecast.advising.shortfall import LEAST_SHORT, shortfalls
from turo.forecast.advising.to_do import to_do
from turo.forecast.draws.window import Window
from turo.forecast.flags import LOOKS_GONE
from turo.forecast.forecast_columns import CLASS
from turo.forecast.listed_vehicles import last_trips, newest_minimum
from turo.forecast.occupied_days import trips
from turo.table.targets import BOOKED_DAYS

MOST = 7
GONE, RESTING = "looks gone", "looks at rest"
TYPES: dict[str, type[pl.DataType]] = {
    "rank": pl.Int64,
    "vehicle_id": pl.String,
    "vehicle": pl.String,
    "money_at_stake": pl.Float64,
    "days_short": pl.Float64,
    "reason": pl.String,
    "to_do": pl.String,
    "class": pl.String,
    "on_books": pl.Float64,
    "expected": pl.Float64,
    "usual": pl.Float64,
    "own_level": pl.Float64,  # days: its own past year at this season; null where that is too short
    "class_now": pl.Float64,  # days, if it were let like the others of its class, or of the fleet
    "compared_with": pl.String,  # whose others these are; null where there are too few
    "calendar": pl.Float64,  # days that are in the calendar now
    "price_day": pl.Float64,
    "price_from": pl.String,  # own trips, class or fleet
}
ASKED: dict[str, type[pl.DataType]] = {
    "vehicle_id": pl.String,
    "vehicle": pl.String,
    "kind": pl.String,  # GONE or RESTING
    "last_trip": pl.Date,
    "on_books": pl.Float64,
    "expected": pl.Float64,
    "question": pl.String,
}


def to_act_on(
    forecasts: pl.DataFrame, source: Tables, window: Window, past: pl.DataFrame, gaps: pl.DataFrame
) -> pl.DataFrame:
    """At most MOST vehicles, most money at stake first; none where the target is not booked days.

    Args:
        forecasts: columns of FORECASTS; rows of the window's horizon count.
        source: the input as it is now.
        window: of the horizon that advice is about.
        past: of `turo.forecast.answers.past_year`.
        gaps: vehicle_id, service_slot, slot_start, slot_end: the rows of `turo.forecast.answers.gaps`.
    """
    if window.target != BOOKED_DAYS:
        return pl.DataFrame(schema=TYPES)
    rows = forecasts.filter(pl.col("horizon_days") == window.horizon_days)
    if rows.is_empty():
        return pl.DataFrame(schema=TYPES)
    silent = resting(rows, source)["vehicle_id"].implode()
    known = in_calendar(source, rows, window.horizon_days)
    # A forecast that knows less than the calendar says nothing of what is still to come.
    found = shortfalls(known, _classes(window), past).filter(
        pl.col("days_short") >= LEAST_SHORT, ~pl.col("vehicle_id").is_in(silent), pl.col("unseen") == 0
    )
    least, slots = _minimum_trips(source.vehicles), _service_slots(gaps)
    told = []
    for rank, row in enumerate(found.head(MOST).iter_rows(named=True), start=1):
        vehicle = row["vehicle_id"]
        free = open_days(source, vehicle, row["origin_date"], window.horizon_days)
        told.append(
            {
                **row,
                "rank": rank,
                "reason": row["reason_1"] or "",
                "to_do": to_do(row, free, least.get(vehicle), slots.get(vehicle)),
                "expected": row["mean"],
                "class_now": row["class_level"],
            }
        )
    chosen = [{name: row[name] for name in TYPES} for row in told]
    return pl.DataFrame(chosen, schema=TYPES)


def with_advice(forecasts: pl.DataFrame, named: pl.DataFrame, horizon: int) -> pl.DataFrame:
    """The forecasts with `advice` set in the horizon's rows of the vehicles to act on, `named`."""
    told = named.select("vehicle_id", "to_do", pl.lit(horizon, pl.Int64).alias("horizon_days"))
    joined = forecasts.join(told, ["vehicle_id", "horizon_days"], how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce("to_do", "advice").alias("advice")).drop("to_do")


def to_ask_about(forecasts: pl.DataFrame, source: Tables, horizon: int) -> pl.DataFrame:
    """Columns of ASKED: vehicles that look gone, then those that look at rest."""
    rows = forecasts.filter(pl.col("horizon_days") == horizon)
    gone = rows.filter(pl.col("flag").eq_missing(LOOKS_GONE)).with_columns(
        pl.lit(GONE).alias("kind"), pl.col("advice").alias("question")
    )
    never, last_day = pl.col("last_trip").is_null(), pl.col("last_trip").cast(pl.String)
    since = pl.when(never).then(pl.lit("yet")).otherwise(pl.concat_str(pl.lit("since "), last_day))
    silent = resting(rows, source).with_columns(
        pl.lit(RESTING).alias("kind"),
        pl.concat_str(
            pl.lit("no trip "),
            since,
            pl.lit(" and nothing booked: is it offered? If it rests, put the days into blocks.csv"),
        ).alias("question"),
    )
    last = _last_trips(source, rows)
    named = [
        part.drop("last_trip", strict=False)
        .join(last, "vehicle_id", how="left", maintain_order="left")
        .with_columns(pl.col("mean").alias("expected"))
        .select(pl.col(name).cast(kind) for name, kind in ASKED.items())
        for part in (gone, silent)
    ]
    return pl.concat(named)


def _last_trips(source: Tables, rows: pl.DataFrame) -> pl.DataFrame:
    return last_trips(trips(source.reservations), rows["origin_date"][0] if len(rows) else date.min)


def _classes(window: Window) -> pl.DataFrame:
    known = pl.col(CLASS).cast(pl.String) if CLASS in window.rows.columns else pl.lit(None, pl.String)
    return window.rows.select("vehicle_id", known.alias(CLASS))


def _minimum_trips(vehicles: pl.DataFrame) -> dict[str, float]:
    """As the file has them now: the newest line that says one."""
    return dict(newest_minimum(vehicles).rows())


def _service_slots(gaps: pl.DataFrame) -> dict[str, Gap]:
    chosen = gaps.filter("service_slot").select("vehicle_id", "slot_start", "slot_end")
    return {vehicle: Gap.of_days(first, last) for vehicle, first, last in chosen.rows()}
