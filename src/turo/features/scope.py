"""The scope of a run: origins, horizon, snapshot, and facts of the whole file that all parts share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import polars as pl

from turo.errors import InputError
from turo.features.calendar import federal_holidays
from turo.features.fleet_part import Part
from turo.features.known_trips.retention import Retention
from turo.features.known_trips.survival import Survival
from turo.features.time import DAY, NEVER, WEEK, Flags, Ints, as_date, first_at_or_after, instant, mondays

LAGS = 4
HISTORY_DAYS = (7, 28, 91)
LAST_YEAR = 364 * DAY  # 52 weeks: the same weekdays
TRAINING_LAG = 91 * DAY
DATED = ("list_price", "min_trip_days")  # today's values, features only where the file dates them


@dataclass(frozen=True)
class Scope:
    """Shared by all parts of one run; small enough to travel with every task."""

    snapshot: int
    horizon_days: int
    origins: Ints  # ascending, one week apart
    history_start: Ints  # per origin: earliest trip end among the rows known then; NEVER where there is none
    holidays: Ints  # days since 1970; drawn up once, the library is slow to load
    classes: tuple[str, ...]
    priced: bool  # is any price known?
    dated: tuple[str, ...]  # vehicle attributes that the file dates by valid_from
    blocked: bool  # is there a file of owner blocks?
    blocks_dated: bool  # does it say when each was made?
    books_priced: bool  # are the prices of cancelled rows known, so that revenue on the books leaks nothing?
    survival: Survival | None = None  # of trips on the books, where some cancellation has no date
    retention: Retention | None = None  # of trips on the books, where some trip was cancelled

    @property
    def horizon(self) -> int:
        """Length of the window in microseconds."""
        return self.horizon_days * DAY

    @property
    def newest(self) -> Flags:
        """(origins,): less than a week before the snapshot, which tells what is still on the books there.

        Only where the window is not over: no label may learn what was cancelled after its origin.
        """
        return _newest(self.origins, self.snapshot, self.horizon)

    @property
    def lead_weeks(self) -> int:
        """Weeks until the window of an origin is over, rounded up to the next origin."""
        return -(-self.horizon_days // 7)

    @cached_property
    def instants(self) -> Ints:
        """All instants that windows begin or end at, ascending: what prefix sums must cover."""
        horizon, over = self.horizon, self.lead_weeks * WEEK
        backward = [days * DAY for days in (0, *HISTORY_DAYS)] + [k * horizon for k in range(1, LAGS + 1)]
        backward += [LAST_YEAR, LAST_YEAR - horizon, over, over - horizon, -horizon]
        return np.unique(self.origins[:, None] - np.array(backward, dtype=np.int64))


def scope(  # noqa: PLR0913, PLR0917 - the facts of a run
    whole: Part,
    snapshot: datetime,
    horizon_days: int,
    books_priced: bool,
    origins: Ints | None = None,
    sightings: pl.DataFrame | None = None,
) -> Scope:
    """Fix what is shared by a run.

    Args:
        whole: the **whole** fleet.
        books_priced: see `trips.books_priced`; a fact of the whole file.
        origins: default every Monday from the first known booking to the snapshot; of given ones those before
            that booking are left out, save the last.
        sightings: exports that show trips booked (`turo.data.tables.SIGHTINGS`).

    Raises:
        InputError: there are no reservations, no origin, or no window of that length that has ended.
    """
    rows, vehicles, blocks = whole.rows, whole.vehicles, whole.blocks
    if rows.is_empty():
        raise InputError("There are no reservations to prepare.", "Check reservations.csv and rejected.csv.")
    at, first_known = instant(snapshot), int(rows["known"].min())  # type: ignore[arg-type]
    if origins is not None:
        # Where the whole table has no rows, there is nothing that fleet context and pickup may look back at.
        origins = origins[(origins >= first_known) | (origins == origins[-1])]
    else:
        origins = mondays(first_known, at)
        _check_history(origins, at, horizon_days, int(rows["end"].min()))  # type: ignore[arg-type]
    newest = _newest(origins, at, horizon_days * DAY)
    return Scope(
        snapshot=at,
        horizon_days=horizon_days,
        origins=origins,
        history_start=_history_start(rows, origins),
        holidays=federal_holidays(int(origins[0]) // DAY, int(origins[-1]) // DAY + horizon_days + 366),
        classes=tuple(vehicles["class"].drop_nulls().unique().sort()) if "class" in vehicles.columns else (),
        priced=rows["base"].null_count() < len(rows),
        dated=_dated(vehicles),
        blocked=blocks is not None,
        blocks_dated=blocks is not None
        and "created_at" in blocks.columns
        and not blocks["created_at"].has_nulls(),
        books_priced=books_priced,
        survival=Survival.of(rows, sightings, origins, newest) if rows["undated"].any() else None,
        retention=None if rows["counted"].all() else Retention.of(rows, origins),
    )


def _newest(origins: Ints, snapshot: int, horizon: int) -> Flags:
    return (snapshot - origins < WEEK) & (origins + horizon > snapshot)


def _dated(vehicles: pl.DataFrame) -> tuple[str, ...]:
    if "valid_from" not in vehicles.columns:
        return ()
    lines = vehicles.filter(pl.col("valid_from").is_not_null())
    return tuple(name for name in DATED if name in lines.columns and lines[name].null_count() < len(lines))


def _history_start(rows: pl.DataFrame, origins: Ints) -> Ints:
    known_from = first_at_or_after(origins, rows["known"].to_numpy())
    earliest = np.full(len(origins) + 1, NEVER)
    np.minimum.at(earliest, known_from, rows["end"].to_numpy())
    return np.minimum.accumulate(earliest)[:-1]


def _check_history(origins: Ints, snapshot: int, horizon_days: int, first_end: int) -> None:
    if len(origins) == 0:
        raise InputError(
            f"No Monday lies between the first known booking and the snapshot of {as_date(snapshot)}.",
            "Bring an export that covers more time, or set AS_OF to the day it was taken.",
        )
    if origins[0] + horizon_days * DAY > snapshot or first_end + horizon_days * DAY > snapshot:
        raise InputError(
            f"HORIZON_DAYS={horizon_days} is longer than the history, from {as_date(first_end)} to the "
            f"snapshot of {as_date(snapshot)}: no window has ended yet.",
            "Choose a shorter horizon or bring older trips.",
        )
