"""Which vehicles look gone (column `looks_gone`): sold or no longer let, though still in the files.

Their empty weeks say nothing of a vehicle that is for hire. As known at an origin T, a vehicle looks gone if
nothing is on its books, however far ahead, and its last trip ended longer ago than 56 days and three times
its mean interval between trips so far (91 days with fewer than three trips). One with a `listed_to`, of any
date, never does: that date says when it leaves. Cancelled trips do not count.
"""

from __future__ import annotations

import numpy as np

from turo.features.known_trips.intervals import spans
from turo.features.known_trips.trips import Trips
from turo.features.scope import Scope
from turo.features.time import DAY, NEVER, Flags, Ints, first_at_or_after

SILENT = 56 * DAY
INTERVALS = 3  # as many of the vehicle's own mean intervals
FEW_TRIPS, SILENT_WITH_FEW = 3, 91 * DAY
EARLIEST = -NEVER


def looks_gone(trips: Trips, listed_to: Ints, since: Ints, scope: Scope) -> Flags:
    """(vehicles, origins): does it look gone, by the rows known then?

    Args:
        trips: all rows, whatever became of them.
        listed_to: (vehicles,) instants, NEVER where the listing has no end.
        since: (vehicles, origins) start of the history that the file holds, or of the listing if later: a
            vehicle without any trip is silent from then on.
    """
    begun = np.maximum(trips.known, trips.start)
    shape = (len(listed_to), len(scope.origins))
    count = _counted(trips, begun, trips.left, shape, scope)
    first = -_latest(trips, begun, -trips.start, shape, scope)
    between = np.where(count > 1, _latest(trips, begun, trips.start, shape, scope) - first, 0)
    own = INTERVALS * (between // np.maximum(count - 1, 1))
    patience = np.where(count < FEW_TRIPS, SILENT_WITH_FEW, np.maximum(SILENT, own))
    silent = scope.origins - np.maximum(_latest(trips, begun, trips.end, shape, scope), since)
    booked = _booked(trips, shape, scope)
    if scope.newest.any():  # trips that the snapshot shows as cancelled are not on the books there
        booked = booked - _booked(trips.take(trips.undated), shape, scope) * scope.newest
    return (silent > patience) & (booked == 0) & (listed_to == NEVER)[:, None]


def _booked(trips: Trips, shape: tuple[int, int], scope: Scope) -> Ints:
    """(vehicles, origins): bookings known at T that have not ended."""
    return _counted(trips, trips.known, np.minimum(trips.left, trips.end), shape, scope)


def _counted(trips: Trips, start: Ints, end: Ints, shape: tuple[int, int], scope: Scope) -> Ints:
    """(vehicles, origins): rows with start <= T < end."""
    first, stop = (first_at_or_after(scope.origins, moments) for moments in (start, end))
    change = np.zeros((shape[0], shape[1] + 1), dtype=np.int64)
    some = first < stop
    np.add.at(change, (trips.vehicle[some], first[some]), 1)
    np.add.at(change, (trips.vehicle[some], stop[some]), -1)
    return np.cumsum(change, axis=1)[:, :-1]


def _latest(trips: Trips, begun: Ints, values: Ints, shape: tuple[int, int], scope: Scope) -> Ints:
    """(vehicles, origins): the largest value of the rows with begun <= T < left; EARLIEST where none is."""
    first, stop = (first_at_or_after(scope.origins, moments) for moments in (begun, trips.left))
    found = np.full((shape[0], shape[1] + 1), EARLIEST)
    stays = stop == shape[1]  # most rows: one running maximum instead of a repetition for each origin
    np.maximum.at(found, (trips.vehicle[stays], first[stays]), values[stays])
    found = np.maximum.accumulate(found, axis=1)[:, :-1]
    vehicle, value = trips.vehicle[~stays], values[~stays]
    row, origin = spans(first[~stays], stop[~stays])
    np.maximum.at(found, (vehicle[row], origin), value[row])
    return found
