"""The fleet's total of each judged Monday: expected, come true, and where the difference came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from turo.forecast.forecast_columns import FLEET, MONDAYS, MONDAYS_KEY, with_columns
from turo.forecast.live.error_split import LEAST_PAST, Books, filled, split, usual
from turo.forecast.live.fleet_books import FleetBooks
from turo.forecast.live.judged_forecasts import WINDOW, newest_mondays
from turo.table.targets import BOOKED_DAYS, TARGET
from turo.words import by_number, counted

LOOK_BACK = 52  # Mondays that "usual" is learnt from
VERSION = [*WINDOW, "model", "version"]


def totals_of(pairs: pl.DataFrame, totals: pl.DataFrame) -> pl.DataFrame:
    """Columns of MONDAYS up to `error`, a row a target, horizon, Monday and model.

    Args:
        pairs: columns of FORECASTS and `actual`, one version of a model a Monday.
        totals: columns of TOTALS as they were kept; a range of other vehicles than those judged is left out.
    """
    summed = pairs.group_by(VERSION, maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("vehicles"),
        *(_sum(name).alias(name) for name in ("on_books", "mean", "actual")),
    )
    ranges = (
        totals.filter(pl.col("level") == FLEET)
        .unique(VERSION, keep="last", maintain_order=True)
        .select(*VERSION, "vehicles", "q10", "q90")
    )
    joined = summed.join(ranges, [*VERSION, "vehicles"], how="left", maintain_order="left").rename(
        {"mean": "forecast"}
    )
    named = joined.with_columns((pl.col("actual") - pl.col("forecast")).alias("error"))
    return with_columns(named, MONDAYS).sort(*MONDAYS_KEY, "model")


@dataclass
class Splitter:
    """Splits the errors of one horizon's Mondays.

    Args:
        books: of the fleet, from its reservations.
        pairs: all forecasts of the horizon whose windows are over, one a Monday, with `actual`.
    """

    books: FleetBooks
    horizon: int
    pairs: Mapping[date, pl.DataFrame]
    _known: dict[date, Books | None] = field(default_factory=dict)

    def of(self, origin: date) -> dict[str, Any]:
        """`volume`, `lead_time`, `cancellation` of a Monday, or `not_split`: why they are not known."""
        rows = self.pairs[origin]
        if reason := self._unknown(origin, rows):
            return {"not_split": reason}
        past = [found for found in map(self._past, self._mondays_over_by(origin)) if found is not None]
        known = usual(past)
        if known is None:
            return {"not_split": self._too_few(len(filled(past)))}
        return vars(split(float(rows["mean"].sum()), self._forecast_books(origin, rows), known))

    def _unknown(self, origin: date, rows: pl.DataFrame) -> str:
        if rows["on_books"].null_count() or rows["mean"].null_count():
            return "The forecast was kept by an earlier release, without its mean or the books."
        if undated := self.books.undated(origin, self.horizon):
            has = by_number(undated, "has", "have")
            return f"{counted(undated, 'trip')} of the window {has} no booking date."
        return ""

    def _too_few(self, known: int) -> str:
        return (
            f"What is usual is known from {counted(known, 'earlier window')} with bookings, {LEAST_PAST} are "
            "needed. "
            "Where cancellations have no date, only windows count of which the forecast was kept."
        )

    def _mondays_over_by(self, origin: date) -> Iterable[date]:
        newest = origin - timedelta(weeks=-(-self.horizon // 7))
        return (newest - timedelta(weeks=back) for back in range(LOOK_BACK))

    def _past(self, origin: date) -> Books | None:
        """What a forecast knew that was kept, else what the reservations tell of the origin."""
        if origin not in self._known:
            rows = self.pairs.get(origin)
            if rows is not None and not self._unknown(origin, rows):
                self._known[origin] = self._forecast_books(origin, rows)
            else:
                self._known[origin] = self.books.computed(origin, self.horizon)
        return self._known[origin]

    def _forecast_books(self, origin: date, rows: pl.DataFrame) -> Books:
        """The vehicles of the forecast; what it did not know of was booked later, whatever dates say now."""
        on_books = rows["on_books"].to_numpy()
        kept = self.books.kept(origin, self.horizon, rows["vehicle_id"].to_list())
        return Books(
            float(on_books.sum()), float(np.minimum(kept, on_books).sum()), float(rows["actual"].sum())
        )


def split_mondays(pairs: pl.DataFrame, mondays: pl.DataFrame, books: FleetBooks) -> pl.DataFrame:
    """The Mondays (columns of MONDAYS) with the parts of their errors, or why there are none.

    Args:
        pairs: of all Mondays, one forecast each, with `actual`.
    """
    found = [mondays.clear()]
    for (target, horizon), rows in mondays.group_by(["target", "horizon_days"], maintain_order=True):
        if target != BOOKED_DAYS:
            reason = f"Only booked days are split, not {TARGET[str(target)].noun}."
            found.append(rows.with_columns(pl.lit(reason).alias("not_split")))
            continue
        mine = pairs.filter(target=target, horizon_days=horizon)
        by_origin = {part["origin_date"][0]: part for part in mine.partition_by("origin_date")}
        splitter = Splitter(books, int(str(horizon)), by_origin)
        parts = [{**row, **splitter.of(row["origin_date"])} for row in rows.iter_rows(named=True)]
        found.append(pl.DataFrame(parts, schema=MONDAYS))
    return pl.concat(found)


def fleet_mondays(together: pl.DataFrame, totals: pl.DataFrame, books: FleetBooks) -> pl.DataFrame:
    """Columns of MONDAYS of the last 13 Mondays, of the forecasts that were made last.

    Args:
        together: all forecasts whose windows are over, one a Monday, with `actual`.
        totals: columns of TOTALS as they were kept.
    """
    return split_mondays(together, totals_of(newest_mondays(together), totals), books)


def _sum(name: str) -> pl.Expr:
    """Null where one vehicle's number is not known: a sum of the others would be of another fleet."""
    return pl.when(pl.col(name).null_count() == 0).then(pl.col(name).sum())
