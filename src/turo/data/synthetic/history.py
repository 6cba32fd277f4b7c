"""The booking process of one vehicle from its listing to the end: which requests find it free."""

from __future__ import annotations

import heapq

import numpy as np

from turo.data.synthetic import demand
from turo.data.synthetic.demand import MAX_LEAD, OWNER, Requests
from turo.data.synthetic.vehicles import Ints
from turo.data.synthetic.world import World


def requests(world: World, vehicle: int) -> Requests:
    """All requests one vehicle gets up to the snapshot, in the order in which they are made."""
    vehicles, rng = world.vehicles, world.random(1, vehicle)
    first = max(int(vehicles.listed[vehicle]), 0)
    last = min(int(world.now + MAX_LEAD), world.calendar.days)
    days = np.arange(first, max(last, first))
    counts = rng.poisson(demand.expected(world, vehicle, days))
    stream, day = (np.repeat(axis, counts.ravel()) for axis in _grid(days))
    asked = demand.draw_outcomes(
        stream, demand.draw_starts(stream, day, rng), float(vehicles.non_refundable[vehicle]), rng
    )
    log_price = vehicles.log_price[vehicle][demand.quarter(asked.booked)]
    kept = demand.price_kept(log_price, rng) & (demand.trip_days(asked) >= vehicles.min_days[vehicle])
    kept |= asked.stream == OWNER
    kept &= (asked.booked >= first) & (asked.booked < world.now) & (asked.booked <= vehicles.left[vehicle])
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


def bookings(world: World, vehicle: int) -> Requests:
    """What was booked on one vehicle by the snapshot. A host who leaves cancels what had not started."""
    asked = requests(world, vehicle)
    made = asked.take(accept(asked))
    left = world.vehicles.left[vehicle]
    dropped = (made.start >= left) & (made.cancelled > left)
    made.cancelled = np.where(dropped, left, made.cancelled)
    return made


def _grid(days: Ints) -> tuple[Ints, Ints]:
    stream, day = np.meshgrid(np.arange(3), days, indexing="ij")
    return stream.ravel(), day.ravel()
