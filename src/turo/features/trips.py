"""Reservations reduced to what may enter a feature, and the one rule of what is known at an origin.

A row is **alive** at the origin T when `known <= T < left`:

| status at export | `cancelled_at` | known | left | alive at T |
|---|---|---|---|---|
| completed, booked, in_progress | absent | `booked_at` | never | from its booking on, for good |
| guest_ or host_cancellation | absent | `booked_at` | its start | on the books until its start, then gone |
| any | given | `booked_at` | `cancelled_at` | until it was cancelled, before or after its start |

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

from turo.data.tables import INSTANT
from turo.features.clock import NEVER, Flags, Floats, Ints

CANCELLED = ("guest_cancellation", "host_cancellation")
EXPORTED = ("id_bound", "snapshot")  # booking times that only an export has
_ORDER = ("vehicle_id", "start", "end", "known", "left", "counted", "revised", "firm", "base")


def slim(reservations: pl.DataFrame, revisions: pl.DataFrame | None = None) -> pl.DataFrame:
    """Canonical reservations → vehicle_id, start, end, known, left (µs), counted, revised, firm, base.

    Sorted by car and start, then all else.

    `base` is trip_price + discounts, null where it is unknown: absent, or 0 on a cancelled row. It is `firm`
    if it is the price as booked; an export shows the one a trip has in the end, which nobody knows before.
    """
    rows = reservations.with_columns(since=pl.lit(None, INSTANT), until=pl.lit(None, INSTANT))
    if revisions is not None and revisions.height:
        rows = _with_versions(rows, revisions)
    cancelled = pl.col("status").is_in(CANCELLED)
    start = pl.col("trip_start").dt.epoch("us")
    price = pl.when(cancelled & (pl.col("trip_price") == 0)).then(None).otherwise(pl.col("trip_price"))
    left = pl.coalesce(
        pl.col("cancelled_at").dt.epoch("us"),
        pl.when(cancelled).then(start).otherwise(pl.lit(NEVER, pl.Int64)),
    )
    return rows.select(
        pl.col("vehicle_id").cast(pl.String),
        start.alias("start"),
        pl.col("trip_end").dt.epoch("us").alias("end"),
        pl.max_horizontal(
            pl.coalesce(pl.col("booked_at").dt.epoch("us"), start), pl.col("since").dt.epoch("us")
        ).alias("known"),
        pl.min_horizontal(left, pl.col("until").dt.epoch("us")).alias("left"),
        (~cancelled & pl.col("until").is_null()).alias("counted"),
        (pl.col("until").dt.epoch("us") < left).fill_null(False).alias("revised"),
        (~pl.col("booked_at_source").is_in(EXPORTED)).alias("firm"),
        (price + pl.col("discounts").fill_null(0.0)).cast(pl.Float64).alias("base"),
    ).sort(*_ORDER)


def _with_versions(rows: pl.DataFrame, revisions: pl.DataFrame) -> pl.DataFrame:
    """Add the earlier versions; the newest is known from the end of the last of them."""
    versions = rows.drop(*revisions.columns[1:]).join(revisions, on="reservation_id", how="inner")
    last = revisions.group_by("reservation_id").agg(pl.col("until").max().alias("since"))
    newest = rows.drop("since").join(last, on="reservation_id", how="left", maintain_order="left")
    return pl.concat([newest.select(rows.columns), versions.select(rows.columns)])


def books_priced(reservations: pl.DataFrame) -> bool:
    """Is revenue on the books safe: are bookings dated exactly, and the prices of all cancelled rows known?

    If not, a zero or a gap among the prices would tell at the origin what was cancelled later.
    """
    unknown = pl.col("trip_price").is_null() | (pl.col("trip_price") == 0)
    gap = unknown & pl.col("status").is_in(CANCELLED)
    exact = (pl.col("booked_at_source") == "exact").any()
    return bool(reservations.select(exact & pl.col("trip_price").is_not_null().any() & ~gap.any()).item())


@dataclass(frozen=True)
class Trips:
    """Rows as arrays of one length; `car` is a row number of `Cars`, ascending, then by start."""

    car: Ints
    start: Ints
    end: Ints
    known: Ints
    left: Ints
    counted: Flags
    revised: Flags
    firm: Flags
    base: Floats

    @classmethod
    def of(cls, rows: pl.DataFrame, ids: pl.Series) -> Trips:
        """Arrays of slim rows; `ids` are the sorted, unique vehicle ids the car numbers count in."""
        numbers = {name: rows[name].to_numpy() for name in ("start", "end", "known", "left")}
        return cls(
            car=ids.search_sorted(rows["vehicle_id"]).to_numpy().astype(np.int64),
            counted=rows["counted"].to_numpy(),
            revised=rows["revised"].to_numpy(),
            firm=rows["firm"].to_numpy(),
            base=rows["base"].to_numpy(),
            **numbers,
        )

    def take(self, rows: Ints | Flags) -> Trips:
        """The given rows, in the given order."""
        return Trips(**{name: values[rows] for name, values in vars(self).items()})

    def alive(self, at: Ints) -> Flags:
        """Row by row: is it alive at the instant `at`?"""
        return (self.known <= at) & (at < self.left)

    def __len__(self) -> int:
        return len(self.start)
