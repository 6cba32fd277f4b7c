"""Labels: what happened in [T, T + horizon), by rows finally not cancelled; null where not yet complete."""

from __future__ import annotations

import numpy as np

from turo.features.known_trips.prefix_sums import PrefixSums
from turo.features.scope import Scope
from turo.features.time import DAY, Floats
from turo.table.targets import BOOKED_DAYS, RESERVATIONS, REVENUE

REVENUE_DELAY = DAY  # revenue is labelled one day later


def labels(sums: PrefixSums, scope: Scope) -> dict[str, Floats]:
    """(vehicles, origins) arrays by target.

    y_booked_days: union of the trips clipped to the window, in days. y_reservations: trips starting in the
    window. y_revenue: base revenue by each trip's share of time in the window; null if a price is unknown.

    Args:
        sums: of all rows finally not cancelled, one group a vehicle.
    """
    start = scope.origins
    end = start + scope.horizon
    complete = end <= scope.snapshot
    revenue_complete = (end <= scope.snapshot - REVENUE_DELAY) & scope.priced
    unpriced = sums.within(sums.unpriced, start, end) > 0
    return {
        BOOKED_DAYS: np.where(complete, sums.within(sums.occupied, start, end) / DAY, np.nan),
        RESERVATIONS: np.where(complete, sums.within(sums.started, start, end), np.nan),
        REVENUE: np.where(revenue_complete & ~unpriced, sums.within(sums.revenue, start, end), np.nan),
    }
