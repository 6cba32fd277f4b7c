"""Time between the return of a vehicle and its next pickup, and bookings that overlap."""

from __future__ import annotations

import numpy as np
import polars as pl

from turo.features.known_trips.intervals import latest_before
from turo.features.time import DAY
from turo.forecast.answers.gap_history.weekly_view import AHEAD, WeeklyView

HOUR = DAY // 24


def tight_turn_arounds(view: WeeklyView, hours: float) -> pl.DataFrame:
    """Returns with fewer than so many hours to a pickup of the `AHEAD` days after the view's last look.

    A trip that was returned within so many hours before the look counts as well: its vehicle may still have
    to be cleaned. The return is the latest of all trips that were picked up before.

    Returns:
        vehicle (number in `view.vehicles`), returned, next_pickup (µs), hours, below 0 where both overlap.
    """
    last = len(view.looks) - 1
    now, trips = view.looks[last], view.trips
    row, look = view.on_books()
    reach = now - int(hours * HOUR)
    returned = np.flatnonzero(trips.counted & (trips.end <= now) & (trips.end > reach))
    mine = trips.take(np.union1d(row[look == last], returned))
    mine = mine.take(view.active[mine.vehicle, last])
    mine = mine.take(np.lexsort((mine.end, mine.start, mine.vehicle)))
    latest = latest_before(mine.vehicle, mine.end, reach)
    between = (mine.start - latest) / HOUR
    # What was picked up before the look matters only if another trip still holds the vehicle.
    due = np.where(mine.start >= now, latest > reach, (latest > now) & (mine.end > now) & (between < 0))
    wanted = due & (mine.start < now + AHEAD * DAY) & (between < hours)
    return pl.DataFrame(
        {
            "vehicle": mine.vehicle[wanted],
            "returned": latest[wanted],
            "next_pickup": mine.start[wanted],
            "hours": between[wanted],
        }
    )
