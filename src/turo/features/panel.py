"""The two passes over one part of the fleet: its share of the fleet's sums, then its finished rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from turo.features import fleet_context as fleets
from turo.features.calendar import calendar
from turo.features.cancellations_and_own_use import cancellations, own_use
from turo.features.fleet_part import Part
from turo.features.inactive_vehicles import looks_gone
from turo.features.known_trips.prefix_sums import PrefixSums
from turo.features.known_trips.trips import Trips
from turo.features.labels import labels
from turo.features.on_the_books import on_the_books
from turo.features.scope import LAGS, TRAINING_LAG, Scope
from turo.features.time import DAY, NEVER, Floats, Ints
from turo.features.vehicle_history import lags, past
from turo.features.vehicles import Vehicles
from turo.table.names import HORIZON, IN_TRAINING, LOOKS_GONE, ORIGIN, VEHICLE
from turo.table.targets import BOOKED_DAYS, TARGETS

DECIMALS = 9  # of days and money: far below a second and a cent, and it keeps the CSV small


@dataclass(frozen=True)
class _Known:
    vehicles: Vehicles
    trips: Trips
    prefix_sums: PrefixSums
    since: Ints  # (vehicles, origins): start of the history that the file holds, or of the listing if later
    view: fleets.View


def sums(part: Part, scope: Scope) -> fleets.Fleet:
    """First pass: what this part adds to the fleet's sums."""
    known = _known(part, scope)
    return fleets.sums(known.view, scope)


def table(part: Part, scope: Scope, fleet: fleets.Fleet) -> pl.DataFrame:
    """Second pass: the finished rows, sorted by vehicle_id and origin_date."""
    known = _known(part, scope)
    vehicles = known.vehicles
    vehicle, origin = np.nonzero(known.view.active)
    dense = lags(known.view.features, known.since, scope)
    dense |= fleets.context(fleet, known.view, scope)
    dense |= _past_pickup(known.view.pickup, scope)
    dense |= cancellations(known.trips, scope, len(vehicles)) | own_use(part.blocks, vehicles, scope)
    dense |= _tenure(known, scope) | vehicles.valid_at(scope)
    stays = known.trips.left == NEVER
    final = (
        known.prefix_sums
        if np.array_equal(stays, known.trips.counted)
        else _prefix_sums(known.trips.take(known.trips.counted), len(vehicles), scope)
    )
    targets = labels(final, scope)
    dates = calendar(scope.origins, scope.horizon_days, scope.holidays)
    ready = scope.origins - known.since >= TRAINING_LAG
    inactive = looks_gone(known.trips, vehicles.listed_to, known.since, scope)
    trained = ready & ~np.isnan(targets[BOOKED_DAYS]) & ~inactive
    numbers = {name: values[origin] for name, values in dates.items()}
    numbers |= {name: values[vehicle, origin] for name, values in dense.items() if not name.startswith("_")}
    columns: dict[str, pl.Series | Floats | Ints] = {
        VEHICLE: vehicles.ids.gather(vehicle),
        ORIGIN: pl.Series(scope.origins[origin] // DAY, dtype=pl.Int32).cast(pl.Date),
        HORIZON: pl.Series(np.full(len(vehicle), scope.horizon_days), dtype=pl.Int32),
        IN_TRAINING: pl.Series(trained[vehicle, origin].astype(np.int8)),
        LOOKS_GONE: pl.Series(inactive[vehicle, origin].astype(np.int8)),
        **{name: vehicles.names[name].gather(vehicle) for name in vehicles.names.columns},
        **{name: _rounded(values) for name, values in sorted(numbers.items())},
        **{name: _rounded(targets[name][vehicle, origin]) for name in TARGETS},
    }
    return pl.DataFrame(columns).with_columns(pl.col(pl.Float64).fill_nan(None))


def _known(part: Part, scope: Scope) -> _Known:
    vehicles = Vehicles.of(part.vehicles, part.rows, scope.classes)
    trips = Trips.of(part.rows, vehicles.ids)
    first_known = np.full(len(vehicles), NEVER)
    np.minimum.at(first_known, trips.vehicle, trips.known)
    active = vehicles.active(first_known, scope)
    listed = np.where(vehicles.listed_from == NEVER, np.iinfo(np.int64).min, vehicles.listed_from)
    since = np.maximum(scope.history_start[None, :], listed[:, None])
    prefix_sums = _prefix_sums(trips.take(trips.left == NEVER), len(vehicles), scope)
    features = past(prefix_sums, trips, scope) | on_the_books(trips, scope, len(vehicles))
    pickup = fleets.pickup_since(features, active, scope)
    return _Known(
        vehicles, trips, prefix_sums, since, fleets.View(features, pickup, active, vehicles.class_number)
    )


def _prefix_sums(trips: Trips, vehicle_count: int, scope: Scope) -> PrefixSums:
    return PrefixSums.of(trips, trips.vehicle, vehicle_count, scope.instants)


def _past_pickup(pickup: Floats, scope: Scope) -> dict[str, Floats]:
    """Mean pickup of the vehicle itself over its last windows that are over (at most LAGS in a row)."""
    shifted = [fleets.shifted(pickup, k * scope.lead_weeks) for k in range(LAGS)]
    counted = sum(~np.isnan(values) for values in shifted)
    total = np.nansum(np.stack(shifted), axis=0)
    return {"past_pickup": np.where(counted > 0, total / np.maximum(counted, 1), np.nan)}


def _tenure(known: _Known, scope: Scope) -> dict[str, Floats]:
    """Days in the fleet, days of known history, and the vehicle's age by its model year."""
    first_known = np.full(len(known.vehicles), NEVER)
    np.minimum.at(first_known, known.trips.vehicle, known.trips.known)
    listed = np.where(known.vehicles.listed_from == NEVER, first_known, known.vehicles.listed_from)
    year = 1970 + scope.origins / (365.25 * DAY)
    return {
        "tenure_days": (scope.origins - listed[:, None]) / DAY,
        "history_days": np.maximum(scope.origins - known.since, 0) / DAY,
        "age_years": year - known.vehicles.year[:, None],
    }


def _rounded(values: Floats) -> Floats:
    return np.asarray(np.round(values, DECIMALS) + 0.0, dtype=np.float64)  # + 0.0 turns -0.0 into 0.0
