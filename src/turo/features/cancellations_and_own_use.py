"""Features of cancellations, and of days on which owners kept their vehicles."""

from __future__ import annotations

import numpy as np
import polars as pl

from turo.features.known_trips.prefix_sums import PrefixSums, counted
from turo.features.known_trips.trips import Trips
from turo.features.on_the_books import on_the_books
from turo.features.scope import Scope
from turo.features.time import DAY, NEVER, Floats
from turo.features.vehicle_history import past
from turo.features.vehicles import Vehicles

CANCEL_DAYS = 91


def cancellations(trips: Trips, scope: Scope, vehicle_count: int) -> dict[str, Floats]:
    """Bookings that left the books in the 91 days before T (without a date: at the trip's start)."""
    cancelled = trips.take((trips.left != NEVER) & (trips.known < trips.left) & ~trips.revised)
    totals = counted(cancelled.vehicle, cancelled.left, vehicle_count, scope.instants)
    now, then = (np.searchsorted(scope.instants, scope.origins - back * DAY) for back in (0, CANCEL_DAYS))
    return {f"hist_cancels_{CANCEL_DAYS}": totals[:, now] - totals[:, then]}


def own_use(blocks: pl.DataFrame | None, vehicles: Vehicles, scope: Scope) -> dict[str, Floats]:
    """Days blocked by the owner: in the 28 days before T and, where `created_at` dates all blocks, ahead.

    Blocks are counted like trips that nobody cancels. One without a date of creation is known from its
    start only, so nothing can be said of the window.
    """
    if not scope.blocked:
        return {}
    trips = _as_trips(blocks, vehicles)
    prefix_sums = PrefixSums.of(trips, trips.vehicle, len(vehicles), scope.instants)
    features = {"own_days_28": past(prefix_sums, trips, scope)["hist_days_28"]}
    if scope.blocks_dated:
        features["own_days_ahead"] = on_the_books(trips, scope, len(vehicles))["otb_days"]
    return features


def _as_trips(blocks: pl.DataFrame | None, vehicles: Vehicles) -> Trips:
    if blocks is None or blocks.is_empty():
        none, no = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
        return Trips(none, none, none, none, none, none, none, none, no, no, no, no, np.zeros(0))
    start = pl.col("start").dt.epoch("us")
    created = pl.col("created_at").dt.epoch("us") if "created_at" in blocks.columns else start
    rows = blocks.filter(pl.col("vehicle_id").is_in(vehicles.ids.implode())).select(
        "vehicle_id",
        start,
        pl.col("end").dt.epoch("us"),
        pl.coalesce(created, start).alias("known"),
        *(pl.lit(NEVER, pl.Int64).alias(name) for name in ("left", "seen_from", "seen_to", "replaced")),
        pl.lit(True).alias("counted"),
        *(pl.lit(False).alias(name) for name in ("revised", "undated")),
        pl.lit(True).alias("firm"),
        pl.lit(0.0).alias("base"),
    )
    return Trips.of(rows.sort("vehicle_id", "start", "end", "known"), vehicles.ids)
