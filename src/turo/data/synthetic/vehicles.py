"""Draw the vehicles of a synthetic fleet: what each is, what it costs, how much it is asked for.

Time is a float in days; day 0 is `Calendar.first`. A mix of professional and casual hosts, airport and local
demand, prices by class, a per-vehicle random effect; figures from real exports, host advice and listings.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

QUARTER = 91  # days between two price changes of a vehicle
PRICE_SD = 0.08  # log price around the vehicle's own level, one draw a quarter
PRICE_LIMIT = 0.2
ELASTICITY = 1.2
LEAVE_RATE = 1 / 3650  # a vehicle leaves the fleet about once in ten years
RAMP_DAYS = 120.0  # a new listing starts at 60 % of its demand

# class: share of vehicles, daily list price of July 2020 (quartiles 1, 2, 3), makes with models and fuel
CLASSES: dict[str, tuple[float, tuple[float, float, float], tuple[tuple[str, str, str], ...]]] = {
    "car": (
        0.46,
        (40, 65, 115),
        (
            ("Toyota", "Corolla", "gas"),
            ("Honda", "Civic", "gas"),
            ("Volkswagen", "Jetta", "gas"),
            ("Toyota", "Prius", "hybrid"),
            ("Tesla", "Model 3", "electric"),
        ),
    ),
    "suv": (
        0.34,
        (52, 75, 112),
        (
            ("Jeep", "Wrangler", "gas"),
            ("Toyota", "RAV4", "hybrid"),
            ("Ford", "Explorer", "gas"),
            ("Land Rover", "Discovery", "gas"),
            ("Tesla", "Model Y", "electric"),
        ),
    ),
    "truck": (0.08, (56, 75, 95), (("Ford", "F-150", "gas"), ("Toyota", "Tacoma", "gas"))),
    "minivan": (0.08, (45, 57, 72), (("Chrysler", "Pacifica", "gas"), ("Honda", "Odyssey", "gas"))),
    "van": (0.04, (79, 108, 133), (("Ford", "Transit", "gas"), ("Ram", "ProMaster", "gas"))),
}
PLACES = (
    ("FL", "America/New_York"),
    ("TX", "America/Chicago"),
    ("AZ", "America/Phoenix"),
    ("CA", "America/Los_Angeles"),
)


@dataclass(frozen=True)
class Vehicles:
    """Columns of the fleet, one entry a vehicle."""

    vehicle_id: list[str]
    make: list[str]
    model: list[str]
    year: Ints
    vehicle_class: list[str]
    fuel: list[str]
    place: Ints  # index into PLACES
    price: Floats  # list price a day, the vehicle's own level
    host_share: Floats
    min_days: Ints
    listed: Floats  # day it was listed (may be before day 0)
    left: Floats  # day it left, inf when it never does
    rate: Floats  # (vehicles, 3) requests a day: vacation, local, owner's own use
    log_price: Floats  # (vehicles, quarters) deviation of the price from the vehicle's level
    non_refundable: Floats  # share of bookings

    def __len__(self) -> int:
        return len(self.vehicle_id)


def draw(count: int, days: int, burn_in: int, first: date, rng: np.random.Generator) -> Vehicles:
    """Draw `count` vehicles for a history of `days` that starts `burn_in` days after day 0."""
    names = list(CLASSES)
    kind = rng.choice(len(names), count, p=[CLASSES[n][0] for n in names])
    picks = [CLASSES[names[k]][2][rng.integers(len(CLASSES[names[k]][2]))] for k in kind]
    fuel = [p[2] for p in picks]
    quartiles = np.array([CLASSES[names[k]][1] for k in kind])
    spread = np.log(quartiles[:, 2] / quartiles[:, 0]) / 1.349
    electric = np.where(np.array(fuel) == "electric", 1.4, 1.0)
    price = 1.15 * quartiles[:, 1] * electric * np.exp(np.clip(rng.normal(0, 1, count), -1.8, 1.8) * spread)
    professional = rng.random(count) < 0.30
    airport = rng.random(count) < np.where(professional, 0.6, 0.4)
    effect = rng.normal(0, 0.25, count)
    expensive = np.log(price / (1.15 * quartiles[:, 1]))
    load = np.where(professional, 6.0, 0.42) * np.exp(effect - 0.25 * expensive)  # asked vehicle-days per day
    vacation = np.where(airport, 0.85, 0.15)
    rate = np.stack(
        [
            load * vacation / 6.8,
            load * (1 - vacation) / 3.6,
            np.where(professional, 1 / 160, 1 / 70),
        ],
        axis=1,
    )
    early = rng.random(count) < 0.62
    listed = np.where(
        early, burn_in - rng.uniform(0, 500, count), burn_in + rng.uniform(0, max(days - 200, 1), count)
    ).round()
    left = np.maximum(listed, 0) + rng.exponential(1 / LEAVE_RATE, count)
    quarters = (days + burn_in + 200) // QUARTER + 2
    log_price = np.clip(rng.normal(0, PRICE_SD, (count, quarters)), -PRICE_LIMIT, PRICE_LIMIT)
    bought = [(first + timedelta(days=float(day))).year for day in listed]
    return Vehicles(
        vehicle_id=[str(i) for i in 1_000_000 + np.sort(rng.choice(2_000_000, count, replace=False))],
        make=[p[0] for p in picks],
        model=[p[1] for p in picks],
        year=np.array(bought) - rng.integers(0, 8, count),
        vehicle_class=[names[k] for k in kind],
        fuel=fuel,
        place=rng.integers(0, len(PLACES), count),
        price=price.round(0),
        host_share=rng.choice([0.60, 0.70, 0.75, 0.80, 0.85], count),
        min_days=rng.choice([1, 2, 3], count, p=[0.6, 0.3, 0.1]),
        listed=listed,
        left=left,
        rate=rate,
        log_price=log_price,
        non_refundable=rng.uniform(0.40, 0.58, count),
    )
