"""Features of a vehicle's past at an origin T: what was known at T of the days before T.

The prefix sums of the trips that stay serve all origins. Rows that were known late, or were cancelled only
after their start, make the past look different at a few origins; those (vehicle, origin) pairs are counted
anew from the rows alive there.
"""

from __future__ import annotations

import numpy as np

from turo.features.known_trips.intervals import spans
from turo.features.known_trips.prefix_sums import CENTIS, PrefixSums
from turo.features.known_trips.trips import Trips
from turo.features.scope import HISTORY_DAYS, LAGS, LAST_YEAR, Scope
from turo.features.time import DAY, NEVER, WEEK, Floats, Ints, first_after, first_at_or_after

BLOCK = 500  # pairs counted anew at a time, to bound memory
REALISED = "_realised"  # booked days of the newest window that is over at T; input of the pickup features
UNPRICED = "_unpriced_"  # prefix: time in the window of trips without a known price
PAID, PAID_DAYS = "_paid", "_paid_days"  # hundredths of a cent and days of the priced trips ended before T


def past(sums: PrefixSums, trips: Trips, scope: Scope) -> dict[str, Floats]:
    """(vehicles, origins) arrays by feature; booked days as fractions of 24 h, money in the file's currency.

    Args:
        sums: of the trips that stay (`trips.left == NEVER`), one group a vehicle.
    """
    features = _measure(sums, scope.origins, scope)
    vehicle, origin = _revised(trips, scope)
    for begin in range(0, len(vehicle), BLOCK):
        pairs = slice(begin, begin + BLOCK)
        for name, values in _recount(trips, vehicle[pairs], origin[pairs], scope).items():
            features[name][vehicle[pairs], origin[pairs]] = values[:, 0]
    if scope.priced:
        _correct_revenue(features, trips, scope)
    return features


def lags(features: dict[str, Floats], since: Ints, scope: Scope) -> dict[str, Floats]:
    """Blank the lags that reach back before `since` (vehicles, origins) and add their mean and spread."""
    age = scope.origins - since
    lag_names = [f"lag_{k}" for k in range(1, LAGS + 1)]
    for k, name in enumerate(lag_names, start=1):
        features[name] = np.where(age >= k * scope.horizon, features[name], np.nan)
    for name in [name for name in features if name.startswith("lag_52w")]:
        known = (age >= LAST_YEAR) & (scope.horizon <= LAST_YEAR)
        features[name] = np.where(known, features[name], np.nan)
    windows = np.stack([features[name] for name in lag_names])
    counted = (~np.isnan(windows)).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nansum(windows, axis=0) / counted
        features["lag_mean"] = mean
        features["lag_sd"] = np.sqrt(np.nansum((windows - mean) ** 2, axis=0) / counted)
    return features


def _revised(trips: Trips, scope: Scope) -> tuple[Ints, Ints]:
    """The (vehicle, origin) pairs whose past, as known then, is not that of the trips that stay."""
    stays = trips.left == NEVER
    after_start = first_after(scope.origins, trips.start)
    known = first_at_or_after(scope.origins, trips.known)
    off_books = first_at_or_after(scope.origins, trips.left)
    first = np.where(stays, after_start, np.maximum(after_start, known))
    row, origin = spans(first, np.where(stays, known, off_books))
    code = np.unique(trips.vehicle[row] * len(scope.origins) + origin)
    return code // len(scope.origins), code % len(scope.origins)


def _recount(trips: Trips, vehicle: Ints, origin: Ints, scope: Scope) -> dict[str, Floats]:
    first = np.searchsorted(trips.vehicle, vehicle, side="left")
    pair, row = spans(first, np.searchsorted(trips.vehicle, vehicle, side="right"))
    at = scope.origins[origin]
    rows = trips.take(row)
    seen = rows.alive(at[pair]) & (rows.start < at[pair])
    rows, pair = rows.take(seen), pair[seen]
    sums = PrefixSums.of(rows, pair, len(vehicle), scope.instants)
    return _measure(sums, at[:, None], scope)


def _measure(sums: PrefixSums, at: Ints, scope: Scope) -> dict[str, Floats]:
    """All windows that end at or before `at`: (n,) for every group, or (groups, 1)."""
    horizon = scope.horizon

    def booked(start: Ints, end: Ints) -> Floats:
        return sums.within(sums.occupied, start, end) / DAY

    def begun(start: Ints, end: Ints) -> Floats:
        return sums.within(sums.started, start, end)

    def nonzero(values: Floats) -> Floats:
        return np.where(values > 0, values, np.nan)

    features = {f"hist_days_{days}": booked(at - days * DAY, at) for days in HISTORY_DAYS}
    features |= {f"hist_trips_{days}": begun(at - days * DAY, at) for days in HISTORY_DAYS[1:]}
    features |= {f"lag_{k}": booked(at - k * horizon, at - (k - 1) * horizon) for k in range(1, LAGS + 1)}
    year_ago = at - LAST_YEAR
    features["lag_52w"] = booked(year_ago, year_ago + horizon)
    features["lag_52w_trips"] = begun(year_ago, year_ago + horizon)
    over = at - scope.lead_weeks * WEEK
    features[REALISED] = booked(over, over + horizon)
    returned = sums.before(sums.returned, at)
    features["mean_trip_days"] = sums.before(sums.returned_time, at) / DAY / nonzero(returned)
    features["trips_ended"] = returned
    latest = sums.latest(at)
    features["days_since_return"] = np.where(
        np.isnan(latest), np.nan, np.maximum(at - np.nan_to_num(latest), 0) / DAY
    )
    if scope.priced:
        for name, (start, end) in _paid_windows(at, scope).items():
            features[name] = sums.within(sums.revenue, start, end)
            features[UNPRICED + name] = sums.within(sums.unpriced, start, end)
        features[PAID] = sums.before(sums.returned_base, at)
        features[PAID_DAYS] = sums.before(sums.returned_priced, at) / DAY
        features["base_price_day"] = features[PAID] / CENTIS / nonzero(features[PAID_DAYS])
    return features


def _paid_windows(at: Ints, scope: Scope) -> dict[str, tuple[Ints, Ints]]:
    """Start and end of the windows that revenue is counted in."""
    windows = {f"hist_revenue_{days}": (at - days * DAY, at) for days in HISTORY_DAYS[1:]}
    return windows | {"lag_52w_revenue": (at - LAST_YEAR, at - LAST_YEAR + scope.horizon)}


def _correct_revenue(features: dict[str, Floats], trips: Trips, scope: Scope) -> None:
    """Make revenue null where a price is unknown, and free of prices that were not known yet.

    A trip in progress whose price is not firm counts at the vehicle's own price per day, where it has one.
    """
    shape = features["base_price_day"].shape
    running = trips.take(~trips.firm)
    row, origin = spans(
        first_after(scope.origins, running.start), first_at_or_after(scope.origins, running.end)
    )
    rows, at = running.take(row), scope.origins[origin]
    alive = rows.alive(at)
    group = rows.vehicle * shape[1] + origin
    rate = rows.base / (rows.end - rows.start)

    def total(weight: Floats) -> Floats:
        return np.bincount(group, weight * alive, shape[0] * shape[1]).astype(np.float64).reshape(shape)

    for name, (start, end) in _paid_windows(at, scope).items():
        time = np.maximum(np.minimum(rows.end, end) - np.maximum(rows.start, start), 0).astype(np.float64)
        unpriced = features.pop(UNPRICED + name) - total(time * np.isnan(rate))
        estimate = total(time) / DAY * np.nan_to_num(features["base_price_day"])
        revenue = features[name] - total(time * np.nan_to_num(rate)) + estimate
        features[name] = np.where(unpriced > 0, np.nan, revenue)
