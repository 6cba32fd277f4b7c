"""The same days as last Monday's forecast saw them and as they look now, by vehicle.

Last Monday's window has begun: a week of it is over. Now is what was booked of that week, what is on the
books for the rest, and what is expected to come to these books. That is known at the ends of today's windows
(7, 28, 90 days) and drawn as a smooth rising line between them, by vehicle.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from turo.features.known_trips.trips import slim
from turo.features.time import WEEK, Floats, instant
from turo.forecast.answers.answer import Facts
from turo.forecast.flags import LOOKS_GONE
from turo.forecast.live.error_split import Books
from turo.forecast.occupied_days import taken_days
from turo.table.model_columns import arrays, feature_columns
from turo.table.names import LOOKS_GONE as GONE_COLUMN
from turo.words import counted

LAST = timedelta(days=7)
KEPT, AGAIN = "kept", "again"  # how last Monday's forecast is known: it was kept, or is made by today's model
_SAID: dict[str, type[pl.DataType]] = {"vehicle_id": pl.String, "expected_then": pl.Float64}


@dataclass(frozen=True)
class Then:
    """vehicle_id, expected_then of last Monday's window; `how` is empty where nothing is known."""

    rows: pl.DataFrame
    how: str = ""
    model: str = ""


def said_then(facts: Facts) -> Then:
    """What was forecast last Monday for the main horizon: as it was kept, else as today's model says it."""
    last = facts.origin - LAST
    target = facts.forecasts["target"][0]
    kept = facts.history.filter(origin_date=last, horizon_days=facts.main, target=target).drop_nulls(
        ["mean", "created_at"]
    )
    if len(kept):
        made = kept.filter(pl.col("created_at") == pl.col("created_at").max()).unique(
            "vehicle_id", keep="last", maintain_order=True
        )
        here = made.filter(pl.col("flag").ne_missing(LOOKS_GONE))
        model = f"{made['model'][0]} version {made['version'][0]}"
        return Then(here.select("vehicle_id", expected_then="mean"), KEPT, model)
    place = [table.horizon_days for table in facts.horizon_tables].index(facts.main)
    table, champion = facts.horizon_tables[place], facts.windows[place].champion
    rows = table.prepared.frame(where=pl.col("origin_date") == last).sort("vehicle_id")
    if GONE_COLUMN in rows.columns:
        rows = rows.filter(pl.col(GONE_COLUMN) == 0)
    if rows.is_empty():
        return Then(pl.DataFrame(schema=_SAID))
    mean = champion.forecaster.outlook(arrays(rows, feature_columns(rows.columns))).mean
    told = rows.select("vehicle_id", pl.Series("expected_then", mean))
    return Then(told, AGAIN, f"{champion.name} version {champion.version}")


@dataclass(frozen=True)
class Fleet:
    """Rows alive at a moment, by the rules of the features: what was on the books then."""

    slimmed: pl.DataFrame

    @classmethod
    def of(cls, facts: Facts) -> Fleet:
        """From the input as it is now."""
        source = facts.tables
        return cls(slim(source.reservations, source.revisions, source.sightings))

    def books(self, at: date, first: date, days: int, vehicles: list[str]) -> Floats:
        """Days (vehicles,) from `first` on that are on the books at `at`, the newest origin.

        A trip that is known to be cancelled, though not when, is not on them.
        """
        return self._taken(self._alive(at).filter(~pl.col("undated")), first, days, vehicles)

    def over_a_week(self, origin: date, horizon: int, vehicles: list[str]) -> tuple[float, float]:
        """Days of the window on the books at the origin, and of them those still there a week later.

        A trip whose dates were changed within the week counts as still there.
        """
        alive = self._alive(origin)
        still = alive.filter((pl.col("left") > instant(origin) + WEEK) | pl.col("revised"))
        before, after = (self._taken(rows, origin, horizon, vehicles).sum() for rows in (alive, still))
        return float(before), float(after)

    def _alive(self, at: date) -> pl.DataFrame:
        moment = instant(at)
        return self.slimmed.filter((pl.col("known") <= moment) & (moment < pl.col("left")))

    @staticmethod
    def _taken(rows: pl.DataFrame, first: date, days: int, vehicles: list[str]) -> Floats:
        dates = [pl.col(name).cast(pl.Datetime("us")) for name in ("start", "end")]
        return taken_days(rows.select("vehicle_id", *dates), vehicles, first, 1, days)[:, 0]


def expected_now(facts: Facts, books: Fleet, vehicles: list[str]) -> Floats:
    """Days (vehicles,) of last Monday's window by what is known at today's origin; NaN without a forecast."""
    rest = facts.main - LAST.days
    over = books.books(facts.origin, facts.origin - LAST, min(LAST.days, facts.main), vehicles)
    if rest <= 0:
        return over
    ahead = books.books(facts.origin, facts.origin, rest, vehicles)
    # More than the days that are left cannot come, whatever lies between the known ends.
    return over + np.minimum(ahead + _to_come(facts, rest, vehicles), np.maximum(ahead, rest))


def _to_come(facts: Facts, days: int, vehicles: list[str]) -> Floats:
    """What comes to today's books within so many days (vehicles,), between what the windows say."""
    from scipy.interpolate import PchipInterpolator

    ends, known = [0], [np.zeros(len(vehicles))]
    order = pl.DataFrame({"vehicle_id": vehicles}, schema={"vehicle_id": pl.String})
    for horizon in sorted(facts.forecasts["horizon_days"].unique()):
        rows = facts.forecasts.filter(horizon_days=horizon, target=facts.forecasts["target"][0])
        joined = order.join(rows, "vehicle_id", how="left", maintain_order="left")
        ends.append(horizon)
        known.append((joined["mean"] - joined["on_books"]).cast(pl.Float64).fill_null(np.nan).to_numpy())
    values = np.vstack(known)
    whole = np.isfinite(values).all(axis=0)
    found = np.full(len(vehicles), np.nan)
    if whole.any():
        found[whole] = PchipInterpolator(ends, values[:, whole], axis=0)(days)
    return found


def window_told(facts: Facts) -> str:
    """Last Monday's window in words."""
    last = facts.origin - LAST
    end = datetime.combine(last, time()) + timedelta(days=facts.main - 1)
    return f"{counted(facts.main, 'day')} from {last.day} {last:%b} to {end.day} {end:%b}"


def usual_week(books: Fleet, last: date, horizon: int, weeks: int, vehicles: list[str]) -> float | None:
    """Share of a window's books that is cancelled within a week, over past windows; None without any."""
    pairs = [
        books.over_a_week(last - timedelta(weeks=back), horizon, vehicles) for back in range(1, weeks + 1)
    ]
    total = sum(before for before, _ in pairs)
    return 1 - sum(after for _, after in pairs) / total if total > 0 else None


def as_it_looks(on_books: float, still: float, expected: float, lost: float, lost_week: float) -> Books:
    """The window as it looks a week later, for the split of the error.

    Args:
        on_books: days on the books last Monday.
        still: of these, those that are there now.
        expected: what is expected of the whole window now.
        lost: usual share of the books that is cancelled in the end.
        lost_week: usual share that is cancelled within the first week.
    """
    rest = 1 - (1 - lost) / (1 - lost_week) if lost_week < 1 else 0.0
    return Books(on_books=on_books, kept=still * (1 - min(max(rest, 0.0), 1.0)), actual=expected)
