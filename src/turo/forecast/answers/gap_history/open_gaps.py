"""Open time between what is on the books of a vehicle, at each look of a `WeeklyView`."""

from __future__ import annotations

import numpy as np
import polars as pl

from turo.features.known_trips.intervals import latest_before, spans
from turo.features.time import DAY, NEVER, Flags, Ints, first_at_or_after
from turo.forecast.answers.gap_history.weekly_view import AHEAD, LEAST_DAYS, WeeklyView

TRIP, BLOCK, NOTHING, LISTING = 0, 1, 2, 3  # what bounds a gap
NEIGHBOURS = ("trip", "block", "open", "listing")
_KINDS = len(NEIGHBOURS)


def spaces(view: WeeklyView, blocks: pl.DataFrame | None, looks: Flags | None = None) -> pl.DataFrame:
    """All time between the ends and starts of trips and blocks that begins within `AHEAD` days of a look.

    Args:
        blocks: canonical; one without created_at counts as known since ever.
        looks: (looks,) the ones wanted; default all.

    Returns:
        vehicle (number in `view.vehicles`), look, at, start, end (cut after `AHEAD` days; all µs), room
        (days until what follows, not cut; null where nothing does), after, before (of `NEIGHBOURS`; after is
        null where the look itself is the start). Without length too, where a trip begins as another ends.
    """
    row, look = view.on_books()
    parts = [(view.trips.vehicle[row], look, view.trips.start[row], view.trips.end[row], TRIP)]
    if blocks is not None and blocks.height:
        parts.append(_blocked(view, blocks))
    vehicle, look = np.nonzero(view.active)
    far = np.full(len(vehicle), NEVER // _KINDS)
    parts.append((vehicle, look, far, far, NOTHING))
    vehicle, look = np.nonzero(view.active & _last(view) & (view.vehicles.listed_to != NEVER)[:, None])
    parts.append((vehicle, look, view.vehicles.listed_to[vehicle], far[: len(vehicle)], LISTING))
    vehicle, look, start, end = (np.concatenate([part[k] for part in parts]) for k in range(4))
    kind = np.repeat([part[4] for part in parts], [len(part[0]) for part in parts])
    wanted = view.active[vehicle, look] if looks is None else view.active[vehicle, look] & looks[look]
    taken = pl.DataFrame({"vehicle": vehicle, "look": look, "start": start, "end": end, "kind": kind})
    return _between(view, taken.filter(pl.Series(wanted)))


def _between(view: WeeklyView, taken: pl.DataFrame) -> pl.DataFrame:
    rows = taken.sort("vehicle", "look", "start", "kind")
    vehicle, look, start, end, kind = (rows[name].to_numpy() for name in rows.columns)
    # The kind rides on the end, so that the latest end tells what it is the end of.
    latest = latest_before(vehicle * len(view.looks) + look, end * _KINDS + kind, -_KINDS)
    at = view.looks[look]
    begins = np.maximum(latest // _KINDS, at)
    limit = at + AHEAD * DAY
    found = (start >= begins) & (begins < limit)
    open_end = start > limit
    columns = {
        "vehicle": vehicle,
        "look": look,
        "at": at,
        "start": begins,
        "end": np.minimum(start, limit),
        "room": np.where(kind == NOTHING, np.nan, (start - begins) / DAY),
        "after": np.where(latest // _KINDS > at, latest % _KINDS, NOTHING),
        "before": np.where(open_end, NOTHING, kind),
    }
    table = pl.DataFrame({name: values[found] for name, values in columns.items()})
    names = dict(enumerate(NEIGHBOURS))
    return table.with_columns(
        pl.col("room").fill_nan(None),
        pl.col("after").replace_strict(names | {NOTHING: None}, return_dtype=pl.String),
        pl.col("before").replace_strict(names, return_dtype=pl.String),
    )


def gaps(view: WeeklyView, blocks: pl.DataFrame | None, looks: Flags | None = None) -> pl.DataFrame:
    """The spaces long enough for a trip, with days (length), lead (days from the look) and fits.

    `fits`: is there room for the vehicle's shortest trip?
    """
    table = spaces(view, blocks, looks)
    length = (pl.col("end") - pl.col("start")) / DAY
    least = pl.Series(view.least_days).gather(table["vehicle"])
    return table.with_columns(
        length.alias("days"),
        ((pl.col("start") - pl.col("at")) / DAY).alias("lead"),
        least.alias("least_days"),
        (pl.col("room") >= least).fill_null(True).alias("fits"),
    ).filter(pl.col("days") >= LEAST_DAYS)


def _last(view: WeeklyView) -> Flags:
    """(looks,): a listing's end is known today; nobody knows since when."""
    return np.arange(len(view.looks)) == len(view.looks) - 1


def _blocked(view: WeeklyView, blocks: pl.DataFrame) -> tuple[Ints, Ints, Ints, Ints, int]:
    ids = view.vehicles.ids
    rows = blocks.filter(pl.col("vehicle_id").is_in(ids.implode()))
    vehicle = ids.search_sorted(rows["vehicle_id"]).to_numpy().astype(np.int64)
    start, end = (rows[name].dt.epoch("us").to_numpy() for name in ("start", "end"))
    known = np.full(len(rows), -NEVER)
    if "created_at" in rows.columns:
        known = rows["created_at"].dt.epoch("us").fill_null(-NEVER).to_numpy()
    row, look = spans(first_at_or_after(view.looks, known), first_at_or_after(view.looks, end))
    return vehicle[row], look, start[row], end[row], BLOCK
