"""What guests pay: list price, season, weekend, discounts. Amounts are the host's share in dollars."""

from __future__ import annotations

import numpy as np

from turo.data.synthetic.demand import Requests, quarter
from turo.data.synthetic.vehicles import Floats, Ints
from turo.data.synthetic.world import World

NON_REFUNDABLE_OFF = 0.10
WEEKEND_UPLIFT = 0.22


def gross(world: World, vehicle: int, asked: Requests, log_price: Floats, start: Floats) -> Floats:
    """Trip price in full: days times list price, dearer in season and on Friday and Saturday nights.

    Args:
        log_price: deviation from the vehicle's usual price when the trip was booked.
        start: start on the calendar's scale, whatever scale `asked` is on.
    """
    nights = np.maximum(np.ceil(asked.end - asked.start - 1e-9), 1).astype(np.int64)
    day = np.clip(start.astype(np.int64), 0, world.calendar.days - 1)
    weekend = _weekend_nights(day % 7 + nights) - _weekend_nights(day % 7)
    level = world.vehicles.price[vehicle] * world.vehicles.host_share[vehicle] * np.exp(log_price)
    return level * world.calendar.season[day] ** 0.4 * (nights + WEEKEND_UPLIFT * weekend)


def off(asked: Requests) -> Floats:
    """Share taken off: for 3, 7 and 30 days and more, and for giving up the refund."""
    length = asked.end - asked.start
    return np.select([length > 29, length > 6, length > 2], [0.15, 0.10, 0.05], 0.0) + (
        asked.cheap * NON_REFUNDABLE_OFF
    )


def base(world: World, vehicle: int, asked: Requests, log_price: Floats, start: Floats) -> Floats:
    """Trip price less discounts."""
    return gross(world, vehicle, asked, log_price, start) * (1 - off(asked))


def booked_base(world: World, vehicle: int, made: Requests) -> Floats:
    """Base revenue of bookings that were made at the prices of their day."""
    return base(world, vehicle, made, world.vehicles.log_price[vehicle][quarter(made.booked)], made.start)


def _weekend_nights(days: Ints) -> Ints:
    return 2 * (days // 7) + np.clip(days % 7 - 4, 0, 2)
