"""What is on the books at an origin T for its window [T, T + horizon), and the recent pickup of that window.

Sums over the rows alive at T that overlap the window. The pickup of the last k days is what is on the books
at T minus what was on them k days ago **for the same window**, so a cancellation counts against it.

Where the file does not date cancellations, trips stay on the books until their start; at the newest origin
those that the snapshot shows as cancelled are left out of everything, as if they had never been booked. The
columns `…_alive` are what one could expect to be still booked: each trip by its `survival`, at the newest
origin the same as without. A cancelled window that was booked again counts for both trips, so the days of
trips that overlap may add up to more than is on the books; those are the bound.

The columns `…_kept` look further: what of that can be expected not to be cancelled after T either, each trip
by its `retention`.
"""

from __future__ import annotations

import numpy as np

from turo.features.known_trips.intervals import spans, without_overlap
from turo.features.known_trips.trips import Trips
from turo.features.scope import Scope
from turo.features.time import DAY, Flags, Floats, Ints, first_after, first_at_or_after
from turo.table.targets import ALIVE, KEPT

PICKUP_DAYS = (7, 14)
NEAR_DAYS = (7, 14)  # the first days of the window, which are the least likely still to fill


def on_the_books(trips: Trips, scope: Scope, vehicle_count: int) -> dict[str, Floats]:
    """(vehicles, origins) arrays by feature; days as fractions of 24 h."""
    rows, group, origin = _overlaps(trips, scope)
    at = scope.origins[origin]
    shape = (vehicle_count, len(scope.origins))
    cells = vehicle_count * len(scope.origins)
    start, end = _clip(rows, at, scope.horizon)

    def total(weight: Floats) -> Floats:
        return np.bincount(group, weight, cells).astype(np.float64).reshape(shape)

    alive = rows.alive(at)
    inside = alive & (rows.start >= at)
    piece = _pieces(group, start, end, alive)
    days = total(np.maximum(end - piece, 0) * alive / DAY)
    features = {"otb_days": days, "otb_trips": total(inside.astype(np.float64))}
    features["otb_share"] = days / scope.horizon_days
    for near in (near for near in NEAR_DAYS if near < scope.horizon_days):
        close = np.minimum(end, near * DAY) - np.minimum(piece, near * DAY)
        features[f"otb_days_first_{near}"] = total(np.maximum(close, 0) * alive / DAY)
    for back in PICKUP_DAYS:
        then = rows.alive(at - back * DAY)
        before = total(np.maximum(end - _pieces(group, start, end, then), 0) * then / DAY)
        features[f"pickup_{back}"] = days - before
    if scope.books_priced:
        share = (end - start) / (rows.end - rows.start)
        revenue = np.where(alive, rows.base * share, 0.0)
        features["otb_revenue"] = total(revenue)

    def expected(chance: Floats, suffix: str) -> dict[str, Floats]:
        found = {"otb_days": np.minimum(total((end - start) * alive * chance / DAY), days)}
        found["otb_trips"] = total(inside * chance)
        if scope.books_priced:
            found["otb_revenue"] = total(revenue * chance)
        return {name + suffix: values for name, values in found.items()}

    booked = np.ones(len(rows))
    if scope.survival is not None:
        booked = scope.survival.alive(rows, origin, at)
        features |= expected(booked, ALIVE)
    if scope.retention is not None:
        features |= expected(booked * scope.retention.kept(rows, origin, at), KEPT)
    nearest = np.full(cells, np.inf)
    np.minimum.at(nearest, group[inside], start[inside] / DAY)
    features["days_to_next_start"] = np.where(np.isinf(nearest), np.nan, nearest).reshape(shape)
    return features


def _overlaps(trips: Trips, scope: Scope) -> tuple[Trips, Ints, Ints]:
    """Rows repeated for each origin whose window they overlap, if alive at it or a pickup instant before.

    Left out is what the snapshot shows as cancelled, where it may tell. Returns rows sorted by (vehicle,
    origin), then start; the group vehicle * origins + origin; the number of the origin.
    """
    first = np.maximum(
        first_at_or_after(scope.origins, trips.known), first_after(scope.origins, trips.start - scope.horizon)
    )
    until = np.minimum(trips.end, trips.left + max(PICKUP_DAYS) * DAY)
    row, origin = spans(first, first_at_or_after(scope.origins, until))
    hidden = trips.undated[row] & scope.newest[origin] & (scope.origins[origin] < trips.left[row])
    row, origin = row[~hidden], origin[~hidden]
    group = trips.vehicle[row] * len(scope.origins) + origin
    order = np.argsort(group, kind="stable")
    return trips.take(row[order]), group[order], origin[order]


def _clip(rows: Trips, at: Ints, horizon: int) -> tuple[Ints, Ints]:
    zero, end = np.int64(0), np.int64(horizon)
    return np.clip(rows.start - at, zero, end), np.clip(rows.end - at, zero, end)


def _pieces(group: Ints, start: Ints, end: Ints, members: Flags) -> Ints:
    """Starts of disjoint pieces of the union of the `members`; other rows do not cover anything."""
    return without_overlap(group, start, np.where(members, end, np.int64(-1)))
