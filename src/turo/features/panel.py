"""One part of the fleet, end to end: its share of the fleet's sums, and its finished rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from turo.features import fleet_context as fleets
from turo.features.calendar import calendar
from turo.features.fleet_part import Part
from turo.features.inactive_vehicles import looks_gone
from turo.features.known_trips.prefix_sums import Ledger
from turo.features.known_trips.trips import Trips
from turo.features.on_the_books import on_the_books
from turo.features.recent import cancellations, own_use
from turo.features.scope import LAGS, TRAINING_LAG, Scope
from turo.features.targets import labels
from turo.features.time import DAY, NEVER, Flags, Floats, Ints
from turo.features.vehicle_history import lags, past
from turo.features.vehicles import Cars
from turo.table.names import BOOKED_DAYS, HORIZON, IN_TRAINING, LOOKS_GONE, ORIGIN, TARGETS, VEHICLE

DECIMALS = 9  # of days and money: far below a second and a cent, and it keeps the CSV small


@dataclass(frozen=True)
class _Known:
    cars: Cars
    trips: Trips
    ledger: Ledger
    since: Ints  # (cars, origins): start of the history that the file holds, or of the listing if later
    view: fleets.View


def sums(part: Part, scope: Scope) -> fleets.Fleet:
    """First pass: what this part adds to the fleet's sums."""
    known = _known(part, scope)
    return fleets.sums(known.view, scope)


def table(part: Part, scope: Scope, fleet: fleets.Fleet) -> pl.DataFrame:
    """Second pass: the finished rows, sorted by vehicle_id and origin_date."""
    known = _known(part, scope)
    cars = known.cars
    car, origin = np.nonzero(known.view.active)
    dense = lags(known.view.features, known.since, scope)
    dense |= fleets.context(fleet, known.view, scope)
    dense |= _past_pickup(known.view.pickup, scope)
    dense |= cancellations(known.trips, scope, len(cars)) | own_use(part.blocks, cars, scope)
    dense |= _tenure(known, scope) | cars.valid_at(scope)
    stays = known.trips.left == NEVER
    final = (
        known.ledger
        if np.array_equal(stays, known.trips.counted)
        else _ledger(known, known.trips.counted, scope)
    )
    targets = labels(final, scope)
    dates = calendar(scope.origins, scope.horizon_days, scope.holidays)
    ready = scope.origins - known.since >= TRAINING_LAG
    gone = looks_gone(known.trips, cars.listed_to, known.since, scope)
    trained = ready & ~np.isnan(targets[BOOKED_DAYS]) & ~gone
    numbers = {name: values[origin] for name, values in dates.items()}
    numbers |= {name: values[car, origin] for name, values in dense.items() if not name.startswith("_")}
    columns: dict[str, pl.Series | Floats | Ints] = {
        VEHICLE: cars.ids.gather(car),
        ORIGIN: pl.Series(scope.origins[origin] // DAY, dtype=pl.Int32).cast(pl.Date),
        HORIZON: pl.Series(np.full(len(car), scope.horizon_days), dtype=pl.Int32),
        IN_TRAINING: pl.Series(trained[car, origin].astype(np.int8)),
        LOOKS_GONE: pl.Series(gone[car, origin].astype(np.int8)),
        **{name: cars.names[name].gather(car) for name in cars.names.columns},
        **{name: _rounded(values) for name, values in sorted(numbers.items())},
        **{name: _rounded(targets[name][car, origin]) for name in TARGETS},
    }
    return pl.DataFrame(columns).with_columns(pl.col(pl.Float64).fill_nan(None))


def _known(part: Part, scope: Scope) -> _Known:
    cars = Cars.of(part.vehicles, part.rows, scope.classes)
    trips = Trips.of(part.rows, cars.ids)
    first_known = np.full(len(cars), NEVER)
    np.minimum.at(first_known, trips.car, trips.known)
    active = cars.active(first_known, scope)
    listed = np.where(cars.listed_from == NEVER, np.iinfo(np.int64).min, cars.listed_from)
    since = np.maximum(scope.history_start[None, :], listed[:, None])
    ledger = _ledger_of(trips.take(trips.left == NEVER), len(cars), scope)
    features = past(ledger, trips, scope) | on_the_books(trips, scope, len(cars))
    pickup = fleets.pickup_since(features, active, scope)
    return _Known(cars, trips, ledger, since, fleets.View(features, pickup, active, cars.class_number))


def _ledger(known: _Known, members: Flags, scope: Scope) -> Ledger:
    return _ledger_of(known.trips.take(members), len(known.cars), scope)


def _ledger_of(trips: Trips, cars: int, scope: Scope) -> Ledger:
    return Ledger.of(trips, trips.car, cars, scope.instants)


def _past_pickup(pickup: Floats, scope: Scope) -> dict[str, Floats]:
    """The car's own mean pickup over its last windows that are over (at most LAGS, one after the other)."""
    shifted = [fleets.shifted(pickup, k * scope.lead_weeks) for k in range(LAGS)]
    counted = sum(~np.isnan(values) for values in shifted)
    total = np.nansum(np.stack(shifted), axis=0)
    return {"past_pickup": np.where(counted > 0, total / np.maximum(counted, 1), np.nan)}


def _tenure(known: _Known, scope: Scope) -> dict[str, Floats]:
    """Days in the fleet, days of known history, and the car's age by its model year."""
    first_known = np.full(len(known.cars), NEVER)
    np.minimum.at(first_known, known.trips.car, known.trips.known)
    listed = np.where(known.cars.listed_from == NEVER, first_known, known.cars.listed_from)
    year = 1970 + scope.origins / (365.25 * DAY)
    return {
        "tenure_days": (scope.origins - listed[:, None]) / DAY,
        "history_days": np.maximum(scope.origins - known.since, 0) / DAY,
        "age_years": year - known.cars.year[:, None],
    }


def _rounded(values: Floats) -> Floats:
    return np.asarray(np.round(values, DECIMALS) + 0.0, dtype=np.float64)  # + 0.0 turns -0.0 into 0.0
