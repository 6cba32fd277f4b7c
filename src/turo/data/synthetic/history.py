"""Run the booking process of one car from its listing to the end: which requests find the car free."""

from __future__ import annotations

import heapq

import numpy as np

from turo.data.synthetic import demand
from turo.data.synthetic.demand import MAX_LEAD, OWNER, Requests
from turo.data.synthetic.vehicles import Ints
from turo.data.synthetic.world import World


def requests(world: World, car: int) -> Requests:
    """All requests one car gets up to the snapshot, in the order in which they are made."""
    cars, rng = world.cars, world.random(1, car)
    first = max(int(cars.listed[car]), 0)
    last = min(int(world.now + MAX_LEAD), world.calendar.days)
    days = np.arange(first, max(last, first))
    counts = rng.poisson(demand.expected(world, car, days))
    stream, day = (np.repeat(axis, counts.ravel()) for axis in _grid(days))
    asked = demand.settle(stream, demand.ask(stream, day, rng), float(cars.non_refundable[car]), rng)
    log_price = cars.log_price[car][demand.quarter(asked.booked)]
    kept = demand.price_kept(log_price, rng) & (demand.trip_days(asked) >= cars.min_days[car])
    kept |= asked.stream == OWNER
    kept &= (asked.booked >= first) & (asked.booked < world.now) & (asked.booked <= cars.gone[car])
    index = np.flatnonzero(kept)
    return asked.take(index[np.argsort(asked.booked[index], kind="stable")])


def accept(asked: Requests) -> Ints:
    """Indices of the requests that found every slot free; a cancellation frees its slots from then on."""
    calendar = 0  # one bit a slot
    freed: list[tuple[float, int]] = []
    accepted = []
    rows = zip(
        asked.booked.tolist(),
        asked.first_slot.tolist(),
        asked.last_slot.tolist(),
        asked.cancelled.tolist(),
        strict=True,
    )
    for row, (booked, first, last, cancelled) in enumerate(rows):
        while freed and freed[0][0] <= booked:
            calendar &= ~heapq.heappop(freed)[1]
        mask = ((1 << (last - first + 1)) - 1) << first
        if calendar & mask:
            continue
        calendar |= mask
        accepted.append(row)
        if cancelled < np.inf:
            heapq.heappush(freed, (cancelled, mask))
    return np.array(accepted, dtype=np.int64)


def bookings(world: World, car: int) -> Requests:
    """What was booked on one car by the snapshot. A host who leaves cancels what had not started."""
    asked = requests(world, car)
    made = asked.take(accept(asked))
    gone = world.cars.gone[car]
    dropped = (made.start >= gone) & (made.cancelled > gone)
    made.cancelled = np.where(dropped, gone, made.cancelled)
    return made


def _grid(days: Ints) -> tuple[Ints, Ints]:
    stream, day = np.meshgrid(np.arange(3), days, indexing="ij")
    return stream.ravel(), day.ravel()
