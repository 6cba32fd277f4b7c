"""Features of the rest of the fleet: sums over all vehicles, less the vehicle's own share.

All sums are integers (microseconds, hundredths of a cent, counts): the same however the fleet was split.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import reduce

import numpy as np

from turo.features.scope import LAST_YEAR, Scope
from turo.features.time import DAY, WEEK, Flags, Floats, Ints
from turo.features.vehicle_history import PAID, PAID_DAYS, REALISED

NO_CLASS = -1


@dataclass(frozen=True)
class Fleet:
    """Sums over active vehicles; arrays are (origins,) or, by class, (classes, origins)."""

    vehicles: Ints
    occupied: Ints
    books: Ints
    picked: Ints  # vehicles with a window that is over
    pickup: Ints  # booked in that window beyond what was on the books at its start
    class_vehicles: Ints
    class_occupied: Ints
    paid: Ints
    paid_time: Ints

    def __add__(self, other: Fleet) -> Fleet:
        return Fleet(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    @classmethod
    def total(cls, parts: list[Fleet]) -> Fleet:
        """The whole fleet from its parts."""
        return reduce(lambda one, other: one + other, parts)


def pickup_since(features: dict[str, Floats], active: Flags, scope: Scope) -> Floats:
    """(vehicles, origins): booked days in the newest window that is over, less those on its books at first.

    NaN where the vehicle was not in the fleet then, or that origin is before the first one.
    """
    weeks = scope.lead_weeks
    result = np.full(active.shape, np.nan)
    if weeks < active.shape[1]:
        then = features["otb_days"][:, :-weeks]
        result[:, weeks:] = np.where(active[:, :-weeks], features[REALISED][:, weeks:] - then, np.nan)
    return result


@dataclass(frozen=True)
class View:
    """What the fleet's sums need of some vehicles: (vehicles, origins) arrays, class numbers or NO_CLASS."""

    features: dict[str, Floats]
    pickup: Floats
    active: Flags
    classes: Ints


def sums(view: View, scope: Scope) -> Fleet:
    """The part's share of the fleet's sums."""
    features, pickup, active, classes = view.features, view.pickup, view.active, view.classes
    picked = active & ~np.isnan(pickup)
    occupied = _whole(features["hist_days_28"], active, DAY)
    zero = np.zeros_like(occupied)
    paid = _whole(features[PAID], active, 1) if scope.priced else zero
    paid_time = _whole(features[PAID_DAYS], active, DAY) if scope.priced else zero

    def by_class(values: Ints) -> Ints:
        return np.stack(
            [values[classes == number].sum(axis=0) for number in range(len(scope.classes))] or [zero[0]]
        )

    return Fleet(
        vehicles=active.sum(axis=0),
        occupied=occupied.sum(axis=0),
        books=_whole(features["otb_days"], active, DAY).sum(axis=0),
        picked=picked.sum(axis=0),
        pickup=_whole(pickup, picked, DAY).sum(axis=0),
        class_vehicles=by_class(active.astype(np.int64)),
        class_occupied=by_class(occupied),
        paid=by_class(paid) if scope.classes else paid.sum(axis=0)[None, :],
        paid_time=by_class(paid_time) if scope.classes else paid_time.sum(axis=0)[None, :],
    )


def context(fleet: Fleet, view: View, scope: Scope) -> dict[str, Floats]:
    """(vehicles, origins) arrays by feature, each over the *other* active vehicles; NaN where none are."""
    features, pickup, active, classes = view.features, view.pickup, view.active, view.classes
    others = fleet.vehicles - active
    picked = active & ~np.isnan(pickup)
    occupied = _whole(features["hist_days_28"], active, DAY)
    books = fleet.books - _whole(features["otb_days"], active, DAY)
    peers = np.where(classes[:, None] == NO_CLASS, 0, fleet.class_vehicles[classes] - active)
    gained = _mean(fleet.pickup - _whole(pickup, picked, DAY), (fleet.picked - picked) * DAY)
    share = _mean(books, others * scope.horizon)
    result = {
        "fleet_active": others.astype(np.float64),
        "fleet_util_28": _mean(fleet.occupied - occupied, others * 28 * DAY),
        "class_util_28": _mean(fleet.class_occupied[classes] - occupied, peers * 28 * DAY),
        "fleet_otb_share": share,
        "fleet_pickup": gained,
        "fleet_otb_share_52w": shifted(share, LAST_YEAR // WEEK),
        "fleet_pickup_52w": shifted(gained, LAST_YEAR // WEEK - scope.lead_weeks),
    }
    if scope.priced:
        result["price_ratio_class"] = _price_ratio(fleet, view, scope)
    return result


def _price_ratio(fleet: Fleet, view: View, scope: Scope) -> Floats:
    """The vehicle's own base price per day over that of the other vehicles of its class."""
    features, active, classes = view.features, view.active, view.classes
    number = classes if scope.classes else np.zeros_like(classes)
    paid = fleet.paid[number] - _whole(features[PAID], active, 1)
    time = fleet.paid_time[number] - _whole(features[PAID_DAYS], active, DAY)
    own = _mean(features[PAID], features[PAID_DAYS])
    ratio = own / _positive(_mean(paid, time / DAY))
    return np.where((number == NO_CLASS)[:, None], np.nan, ratio)


def _whole(values: Floats, members: Flags, scale: int) -> Ints:
    return np.rint(np.where(members, values, 0) * scale).astype(np.int64)


def _mean(total: Ints | Floats, count: Ints | Floats) -> Floats:
    return np.where(count > 0, total / np.where(count > 0, count, 1), np.nan)


def _positive(values: Floats) -> Floats:
    return np.where(values > 0, values, np.nan)


def shifted(values: Floats, weeks: int) -> Floats:
    """Values of `weeks` origins ago, NaN before the first origin and for a negative shift (a leak)."""
    result = np.full(values.shape, np.nan)
    if 0 <= weeks < values.shape[1]:
        result[:, weeks:] = values[:, : values.shape[1] - weeks]
    return result
