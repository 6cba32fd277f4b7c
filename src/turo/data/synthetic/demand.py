"""Requests for one vehicle: when they start, how long, how early they are made, whether they cancel.

Three independent streams of requests reach a vehicle: vacation (airport), local, and its owner's own use.
Each is a Poisson process over (start day, lead time), so what comes after an instant is independent of what
came before, given the calendar at that instant. That is what makes the oracle a conditional expectation.

A day has two slots, morning and afternoon; a vehicle is free for a request when every slot from pickup to
return is. Clock times are drawn inside the slots, three hours or more apart between neighbouring slots.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from turo.data.synthetic.vehicles import ELASTICITY, PRICE_LIMIT, QUARTER, RAMP_DAYS, Floats, Ints
from turo.data.synthetic.world import World

VACATION, LOCAL, OWNER = 0, 1, 2
WEEK = np.array(
    [
        [0.9, 0.8, 0.9, 1.1, 1.3, 1.2, 0.8],  # Monday first
        [0.75, 0.75, 0.8, 1.0, 1.5, 1.4, 0.8],
        [1.0, 0.8, 0.8, 0.9, 1.2, 1.4, 0.9],
    ]
)
MORNING = np.array([7.5, 8.0, 8.5, 9.0, 9.5, 10.0, 10.0, 10.0, 10.5, 11.0]) / 24
AFTERNOON = np.array([14.0, 14.5, 15.0, 16.0, 16.5, 17.0, 18.0, 18.5, 19.0, 20.0]) / 24
MORNING_SHARE = 0.6
# (days, share): trip lengths of the two kinds of guests and of owners
LENGTHS = (
    {1: 0.01, 2: 0.03, 3: 0.14, 4: 0.15, 5: 0.07, 6: 0.07, 7: 0.26, 8: 0.12, 9: 0.04}
    | {10: 0.04, 12: 0.03, 14: 0.02, 18: 0.01, 28: 0.007, 60: 0.003},
    {1: 0.16, 2: 0.26, 3: 0.22, 4: 0.14, 5: 0.07, 6: 0.05, 7: 0.05, 10: 0.03, 21: 0.02},
    {1: 0.3, 2: 0.3, 3: 0.2, 5: 0.1, 7: 0.1},
)
MIN_LEAD, MAX_LEAD = 1 / 24, 95.0
LOCAL_MEDIAN, LOCAL_SIGMA = 1.3, 1.8
HOST_CANCEL = 0.006
PRICE_CAP = float(np.exp(ELASTICITY * PRICE_LIMIT))  # requests are drawn at this rate and thinned by price


@dataclass
class Requests:
    """Requests as parallel arrays; times in days on the calendar's scale, slots counted from day 0."""

    stream: Ints
    booked: Floats
    start: Floats
    end: Floats
    first_slot: Ints
    last_slot: Ints
    cancelled: Floats  # inf when it never is
    cheap: NDArray[np.bool_]  # booked without the right to a refund, for less

    def __len__(self) -> int:
        return len(self.booked)

    def take(self, index: Ints) -> Requests:
        return Requests(**{name: values[index] for name, values in vars(self).items()})


def expected(world: World, vehicle: int, days: Ints) -> Floats:
    """Mean number of requests (before thinning by price) per stream and start day, shape (3, len(days))."""
    ramp = 0.6 + 0.4 * np.clip((days - world.vehicles.listed[vehicle]) / RAMP_DAYS, 0, 1)
    week = WEEK / WEEK.mean(axis=1, keepdims=True)
    shape = world.calendar.demand[days] * ramp * week[:, days % 7]
    shape[OWNER] = 1.0
    mean: Floats = PRICE_CAP * world.vehicles.rate[vehicle][:, None] * shape
    return mean


def cancel_share(lead: Floats) -> Floats:
    """Probability that a booking made `lead` days ahead is cancelled: 8 % at short notice, 30 % far ahead."""
    guest = 0.07 + 0.25 / (1 + np.exp(-1.5 * (np.log(np.maximum(lead, 0.05)) - np.log(18.0))))
    return guest + HOST_CANCEL


def draw_starts(stream: Ints, day: Ints, rng: np.random.Generator) -> tuple[Ints, Floats, Floats]:
    """Draw first slot, start and lead time of requests for given streams and start days."""
    slot = 2 * day + (rng.random(len(day)) >= MORNING_SHARE)
    lead = np.empty(len(day))
    for kind in (VACATION, LOCAL, OWNER):
        mine = np.flatnonzero(stream == kind)
        lead[mine] = _leads(kind, rng.random(len(mine)))
    return slot, _clock(slot, rng), lead


def draw_outcomes(
    stream: Ints, asked: tuple[Ints, Floats, Floats], non_refundable: float, rng: np.random.Generator
) -> Requests:
    """Draw length, cancellation and refund of requests whose starts and lead times are drawn."""
    first_slot, start, lead = asked
    count = len(stream)
    length = np.empty(count, np.int64)
    for kind in (VACATION, LOCAL, OWNER):
        mine = np.flatnonzero(stream == kind)
        values, shares = np.array(list(LENGTHS[kind].items())).T
        length[mine] = values[np.searchsorted(np.cumsum(shares)[:-1], rng.random(len(mine)))]
    shift = np.searchsorted([0.25, 0.85], rng.random(count)) - 1
    last_slot = np.maximum(first_slot + 2 * length + shift, first_slot + 1)
    cancels = (rng.random(count) < cancel_share(lead)) & (stream != OWNER)
    return Requests(
        stream=stream,
        booked=start - lead,
        start=start,
        end=_clock(last_slot, rng),
        first_slot=first_slot,
        last_slot=last_slot,
        cancelled=np.where(cancels, start - lead * rng.random(count), np.inf),
        cheap=rng.random(count) < non_refundable,
    )


def price_kept(log_price: Floats, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Thin requests by the price met when booking: dearer than usual, fewer bookings."""
    return rng.random(len(log_price)) < np.exp(-ELASTICITY * log_price) / PRICE_CAP


def quarter(booked: Floats) -> Ints:
    """Index of the price that holds at an instant."""
    return (np.maximum(booked, 0) // QUARTER).astype(np.int64)


def trip_days(asked: Requests) -> Ints:
    """Days as Turo counts them: hours over 24, rounded up."""
    return np.ceil(asked.end - asked.start - 1e-9).astype(np.int64)


def _clock(slot: Ints, rng: np.random.Generator) -> Floats:
    pick = rng.integers(0, len(MORNING), len(slot))
    return (slot // 2).astype(np.float64) + np.where(slot % 2 == 0, MORNING[pick], AFTERNOON[pick])


def _leads(kind: int, u: Floats) -> Floats:
    """Days between booking and pickup: vacation p25 10, median 31, p90 80; local median 1.3; owner days."""
    if kind == VACATION:
        lead = MAX_LEAD * u**1.6
    elif kind == LOCAL:
        limit = ndtr(np.log(MAX_LEAD / LOCAL_MEDIAN) / LOCAL_SIGMA)
        lead = LOCAL_MEDIAN * np.exp(LOCAL_SIGMA * ndtri(np.maximum(u, 1e-9) * limit))
    else:
        lead = 30.0 * u
    return np.maximum(lead, MIN_LEAD)
