"""Labels: what happened in [T, T + horizon), by rows finally not cancelled; null where not yet complete."""

from __future__ import annotations

import numpy as np

from turo.features.known_trips.prefix_sums import Ledger
from turo.features.scope import Scope
from turo.features.time import DAY, Floats
from turo.table.names import BOOKED_DAYS, RESERVATIONS, REVENUE

REVENUE_DELAY = DAY  # revenue is labelled one day later


def labels(ledger: Ledger, scope: Scope) -> dict[str, Floats]:
    """(cars, origins) arrays by target.

    y_booked_days: union of the trips clipped to the window, in days. y_reservations: trips starting in the
    window. y_revenue: base revenue by each trip's share of time in the window; null if a price is unknown.

    Args:
        ledger: of all rows finally not cancelled, one group a car.
    """
    start = scope.origins
    end = start + scope.horizon
    complete = end <= scope.snapshot
    settled = (end <= scope.snapshot - REVENUE_DELAY) & scope.priced
    unpriced = ledger.within(ledger.unpriced, start, end) > 0
    return {
        BOOKED_DAYS: np.where(complete, ledger.within(ledger.occupied, start, end) / DAY, np.nan),
        RESERVATIONS: np.where(complete, ledger.within(ledger.started, start, end), np.nan),
        REVENUE: np.where(settled & ~unpriced, ledger.within(ledger.revenue, start, end), np.nan),
    }
