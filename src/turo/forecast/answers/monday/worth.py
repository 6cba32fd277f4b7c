"""What the fleet's number was worth on past Mondays: replayed ones where there are, else those kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from turo.forecast.forecast_columns import FLEET
from turo.models.spread import TOLERANCE
from turo.table.names import TRACK_RECORD
from turo.words import counted

MOST = 52  # Mondays
REPLAYED, KEPT = "replayed", "kept"
NOTHING = "No past Monday tells yet what this number is worth; turo replay forecasts the past 52."
_TYPES = {
    "origin_date": pl.Date,
    "horizon_days": pl.Int64,
    "level": pl.String,
    "vehicles": pl.Int64,
    "mean": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "actual": pl.Float64,
    "price_day": pl.Float64,
}


@dataclass(frozen=True)
class Worth:
    """Of the newest Mondays of one horizon whose windows are over.

    Attributes:
        mondays: how many.
        how: REPLAYED, or KEPT as they were made.
        off: by how many days the forecast missed, on average.
        off_share: that in sum, as a share of what came; None where nothing came.
        bias: sum of the forecasts over what came, less 1; None likewise.
        inside, ranged: Mondays that ended within the range, and those that had one.
        money: `off` times what a booked day brought; None where no price is known.
    """

    mondays: int
    how: str
    off: float
    off_share: float | None
    bias: float | None
    inside: int
    ranged: int
    money: float | None

    def told(self) -> str:
        """One sentence."""
        past = counted(self.mondays, "Monday")
        whose = "On the past" if self.how == REPLAYED else "As it was forecast on the past"
        text = f"{whose} {past} the same number missed by {counted(f'{self.off:,.0f}', 'day')} on average"
        if self.off_share is not None and self.bias is not None:
            way = "too much" if self.bias > 0 else "too little"
            text += f" ({100 * self.off_share:.1f} % of what came; in sum {100 * abs(self.bias):.1f} % {way})"
        if self.money is not None:
            text += f", worth {self.money:,.0f}"
        if self.ranged:
            text += f"; {self.inside} of {self.ranged} ended within the range, 8 of 10 should"
        few = " So few say little." if self.mondays < MOST // 4 else ""
        return f"{text}.{few}"


def read_record(folder: Path) -> tuple[pl.DataFrame, str]:
    """The fleet's rows of track-record.csv whose window is over, and why there are none ("" if no file)."""
    empty = pl.DataFrame(schema=_TYPES)
    path = folder / TRACK_RECORD
    if not path.is_file():
        return empty, ""
    try:
        rows = pl.read_csv(path, columns=list(_TYPES), schema_overrides=_TYPES)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = (str(error).splitlines() or [""])[0][:200]
        return empty, f"{TRACK_RECORD} cannot be read ({reason}); run turo replay again."
    return rows.filter(pl.col("level") == FLEET, pl.col("actual").is_not_null()), ""


def of_record(record: pl.DataFrame, horizon: int) -> Worth | None:
    """From the rows of `read_record`; None without a Monday of that horizon."""
    return _of(record.filter(pl.col("horizon_days") == horizon), REPLAYED)


def of_kept(mondays: pl.DataFrame, horizon: int, target: str) -> Worth | None:
    """From columns of MONDAYS; None without a Monday of that horizon."""
    mine = mondays.filter(pl.col("horizon_days") == horizon, pl.col("target") == target)
    named = mine.rename({"forecast": "mean", "q10": "low", "q90": "high"})
    return _of(named.with_columns(pl.lit(None, pl.Float64).alias("price_day")), KEPT)


def _of(rows: pl.DataFrame, how: str) -> Worth | None:
    known = rows.drop_nulls(["mean", "actual"]).sort("origin_date").tail(MOST)
    if known.is_empty():
        return None
    missed, came = known["mean"] - known["actual"], float(known["actual"].sum())
    ranged = known.drop_nulls(["low", "high"])
    near = TOLERANCE * pl.col("vehicles")
    inside = ranged.select(pl.col("actual").is_between(pl.col("low") - near, pl.col("high") + near).sum())
    priced = known.drop_nulls("price_day")
    days = float(priced["actual"].sum())
    price = float((priced["actual"] * priced["price_day"]).sum()) / days if days > 0 else None
    off = float(missed.abs().sum()) / len(known)
    return Worth(
        mondays=len(known),
        how=how,
        off=off,
        off_share=float(missed.abs().sum()) / came if came > 0 else None,
        bias=float(missed.sum()) / came if came > 0 else None,
        inside=int(inside.item() or 0),
        ranged=len(ranged),
        money=None if price is None else off * price,
    )
