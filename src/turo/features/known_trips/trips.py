"""Reservations reduced to what may enter a feature, and the one rule of what is known at an origin.

A row is **alive** at the origin T when `known <= T < left`:

| status at export | `cancelled_at` | known | left | alive at T |
|---|---|---|---|---|
| completed, booked, in_progress | absent | `booked_at` | never | from its booking on |
| guest_ or host_cancellation | absent | `booked_at` | its start | until its start |
| same, of an export | given | `booked_at` | it, or its start if earlier | until an export tells |
| any other | given | `booked_at` | `cancelled_at` | until it was cancelled, before or after its start |

The first two kinds of cancellation are **undated**: some time before `left`, nobody knows when. At the
newest origins (`Scope.newest`) the snapshot tells which they are, and they are not on the books.

Where exports of several days show that the dates of a reservation were changed, each version of them is a
row of its own, known until the next version is (`revised`) or it was cancelled; only the newest counts in
targets.

A missing `booked_at` means known at the trip's start, the latest moment a booking can be made. History before
T and the books after T are both sums over the rows alive at T: a trip in progress counts its part before T as
history and the rest as on the books. The status decides nothing else, save `counted`, which only targets use.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from turo.data.canonical_statuses import cancelled
from turo.data.tables import EXACT, ID_BOUND, INSTANT, SEEN
from turo.features.known_trips.booking_evidence import replaced, sighted
from turo.features.time import NEVER, Flags, Floats, Ints

EXPORTED = (ID_BOUND, SEEN)  # booking times that only an export has
_NUMBERS = ("start", "end", "known", "left", "seen_from", "seen_to", "replaced")
_FLAGS = ("counted", "revised", "undated", "firm")


def slim(
    reservations: pl.DataFrame,
    revisions: pl.DataFrame | None = None,
    sightings: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Canonical reservations → vehicle_id, the fields of `Trips` but `vehicle`; instants in µs.

    Sorted by vehicle and start, then all else.

    `base` is trip_price + discounts, null where it is unknown: absent, or 0 on a cancelled row. It is `firm`
    if it is the price as booked; an export shows the one a trip has in the end, which nobody knows before.
    """
    rows = reservations.with_columns(since=pl.lit(None, INSTANT), until=pl.lit(None, INSTANT))
    if revisions is not None and revisions.height:
        rows = _with_versions(rows, revisions)
    if sightings is not None and sightings.height:
        rows = rows.join(sighted(sightings), on="reservation_id", how="left", maintain_order="left")
    else:
        rows = rows.with_columns(pl.lit(None, pl.Int64).alias(name) for name in ("seen_from", "seen_to"))
    exported = pl.col("booked_at_source").is_in(EXPORTED)
    cancelled_at = pl.col("cancelled_at").dt.epoch("us")
    undated = without_date()
    start = pl.col("trip_start").dt.epoch("us")
    price = pl.when(cancelled() & (pl.col("trip_price") == 0)).then(None).otherwise(pl.col("trip_price"))
    left = pl.when(undated).then(pl.min_horizontal(cancelled_at, start)).otherwise(cancelled_at)
    left = left.fill_null(NEVER)
    slimmed = rows.select(
        pl.col("vehicle_id").cast(pl.String),
        start.alias("start"),
        pl.col("trip_end").dt.epoch("us").alias("end"),
        pl.max_horizontal(
            pl.coalesce(pl.col("booked_at").dt.epoch("us"), start), pl.col("since").dt.epoch("us")
        ).alias("known"),
        pl.min_horizontal(left, pl.col("until").dt.epoch("us")).alias("left"),
        (~cancelled() & pl.col("until").is_null()).alias("counted"),
        (pl.col("until").dt.epoch("us") < left).fill_null(False).alias("revised"),
        undated.alias("undated"),
        pl.col("seen_from").fill_null(NEVER),
        pl.col("seen_to").fill_null(NEVER),
        (~exported).alias("firm"),
        (price + pl.col("discounts").fill_null(0.0)).cast(pl.Float64).alias("base"),
        # the order of IDs is the order of booking; elsewhere an ID tells nothing
        pl.when(exported)
        .then(pl.col("reservation_id").cast(pl.Int64, strict=False))
        .fill_null(0)
        .alias("number"),
    ).sort("vehicle_id", *_NUMBERS[:-1], *_FLAGS, "base", "number")
    again = replaced(slimmed) if slimmed["undated"].any() else np.full(len(slimmed), NEVER)
    return slimmed.drop("number").with_columns(pl.Series("replaced", again))


def _with_versions(rows: pl.DataFrame, revisions: pl.DataFrame) -> pl.DataFrame:
    """Add the earlier versions; the newest is known from the end of the last of them."""
    versions = rows.drop(*revisions.columns[1:]).join(revisions, on="reservation_id", how="inner")
    last = revisions.group_by("reservation_id").agg(pl.col("until").max().alias("since"))
    newest = rows.drop("since").join(last, on="reservation_id", how="left", maintain_order="left")
    return pl.concat([newest.select(rows.columns), versions.select(rows.columns)])


def without_date() -> pl.Expr:
    """Canonical rows that were cancelled nobody knows when: no date, or only one before which it was."""
    exported = pl.col("booked_at_source").is_in(EXPORTED)
    return cancelled() & (pl.col("cancelled_at").is_null() | exported)


def books_priced(reservations: pl.DataFrame) -> bool:
    """Is revenue on the books safe: are bookings dated exactly, and the prices of all cancelled rows known?

    If not, a zero or a gap among the prices would tell at the origin what was cancelled later.
    """
    unknown = pl.col("trip_price").is_null() | (pl.col("trip_price") == 0)
    gap = unknown & cancelled()
    exact = (pl.col("booked_at_source") == EXACT).any()
    return bool(reservations.select(exact & pl.col("trip_price").is_not_null().any() & ~gap.any()).item())


@dataclass(frozen=True)
class Trips:
    """Rows as arrays of one length; `vehicle` is a row number of `Vehicles`, ascending, then by start.

    `undated`: cancelled, but nobody knows when. Exports from `seen_from` to `seen_to` show it booked; from
    `replaced` on, another booking of the vehicle for some of that time shows that it was cancelled.
    """

    vehicle: Ints
    start: Ints
    end: Ints
    known: Ints
    left: Ints
    seen_from: Ints
    seen_to: Ints
    replaced: Ints
    counted: Flags
    revised: Flags
    undated: Flags
    firm: Flags
    base: Floats

    @classmethod
    def of(cls, rows: pl.DataFrame, ids: pl.Series) -> Trips:
        """Arrays of slim rows; `ids` are the sorted, unique vehicle ids the vehicle numbers count in."""
        vehicle = ids.search_sorted(rows["vehicle_id"]).to_numpy().astype(np.int64)
        return cls(vehicle=vehicle, **{name: rows[name].to_numpy() for name in (*_NUMBERS, *_FLAGS, "base")})

    def take(self, rows: Ints | Flags) -> Trips:
        """The given rows, in the given order."""
        return Trips(**{name: values[rows] for name, values in vars(self).items()})

    def alive(self, at: Ints) -> Flags:
        """Row by row: is it alive at the instant `at`?"""
        return (self.known <= at) & (at < self.left)

    def __len__(self) -> int:
        return len(self.start)
