"""The oracle: what the best forecaster would expect, given the books at the origin and the true parameters.

Requests are Poisson processes, so the future of a vehicle depends on its past only through the bookings that
stand at the origin. For every vehicle and origin the rest of the booking process is simulated many times:
standing bookings may still be cancelled, new requests compete for the free slots, price changes and the host
leaving are drawn, not known. Mean and median over the simulations are the forecasts that minimise squared
and absolute error; their quantiles are the distribution that no forecast can better.

Sources of error: the Monte Carlo error of the mean (sd of the target over the root of the number of
simulations), and requests that start more than `TAIL` days after the window, which could only stand in
the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from turo.data.synthetic import demand, prices
from turo.data.synthetic.demand import OWNER, Requests
from turo.data.synthetic.oracle_totals import DIGITS, Sums, quantiles
from turo.data.synthetic.simulate import Run, play
from turo.data.synthetic.vehicles import LEAVE_RATE, PRICE_LIMIT, PRICE_SD, QUARTER, Floats, Ints
from turo.data.synthetic.world import World
from turo.table.targets import BOOKED_DAYS, TARGETS

TAIL = 8  # days after the window in which trips may stand in the way
SIMULATIONS = 100


@dataclass(frozen=True)
class Task:
    """One vehicle at several origins (days on the calendar's scale), for one horizon in days."""

    world: World
    vehicle: int
    origins: Ints
    horizon: int

    @property
    def size(self) -> int:
        """Number of simulations, `SIMULATIONS` in a row for each origin."""
        return len(self.origins) * SIMULATIONS


def expectations(
    world: World, made: list[Requests], horizons: tuple[int, ...]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What is true of every vehicle, and of booked days in sum, on each Monday for each horizon.

    Returns:
        one row per vehicle, Monday and horizon: the mean of each target, its median (`<target>_median`), and
            the quantiles of booked days (`q05` … `q95`);
        one row per horizon, Monday and level (fleet, class): mean and quantiles of the same vehicles' booked
            days, added up within each simulation.
    """
    mondays = np.arange(int(np.ceil(world.start / 7)) * 7, int(world.now) + 1, 7)
    sums = {horizon: Sums(world, mondays, horizon, SIMULATIONS) for horizon in horizons}
    frames = []
    for vehicle in range(len(world.vehicles)):
        known = (mondays >= world.vehicles.listed[vehicle]) & (mondays <= world.vehicles.left[vehicle])
        for horizon in sums if known.any() else ():
            values = simulate(Task(world, vehicle, mondays[known], horizon), made[vehicle])
            days = values[:, :, TARGETS.index(BOOKED_DAYS)]
            sums[horizon].add(vehicle, known, days)
            columns = {t: values[:, :, k].mean(axis=1) for k, t in enumerate(TARGETS)}
            columns |= {f"{t}_median": np.median(values[:, :, k], axis=1) for k, t in enumerate(TARGETS)}
            columns |= quantiles(days)
            dates = [world.calendar.first + timedelta(days=int(day)) for day in mondays[known]]
            keys = {
                "vehicle_id": world.vehicles.vehicle_id[vehicle],
                "origin_date": dates,
                "horizon_days": horizon,
            }
            rounded = {name: column.round(DIGITS) for name, column in columns.items()}
            frames.append(pl.DataFrame(keys | rounded))
    return pl.concat(frames), pl.concat(found.table() for found in sums.values())


def simulate(task: Task, made: Requests) -> Floats:
    """Targets of every simulation, shape (origins, simulations, 3)."""
    rng = task.world.random(3, task.vehicle, task.horizon)
    leaves = rng.exponential(1 / LEAVE_RATE, task.size)
    run = _standing(task, made, rng).join(_coming(task, leaves, rng))
    accepted = play(run, task.size, 2 * (task.horizon + TAIL))
    asked = run.requests
    counts = accepted & (asked.cancelled == np.inf) & (asked.stream != OWNER) & (asked.start < task.horizon)
    counts &= (asked.start < leaves[run.sim]) | (asked.start < 0)
    inside = np.clip(np.minimum(asked.end, task.horizon) - np.maximum(asked.start, 0), 0, None) * counts
    started = counts & (asked.start >= 0)
    revenue = inside / (asked.end - asked.start) * run.base
    sums = [np.bincount(run.sim, weights, task.size) for weights in (inside, started, revenue)]
    return np.stack(sums, axis=1).astype(np.float64).reshape(len(task.origins), SIMULATIONS, len(TARGETS))


def _coming(task: Task, leaves: Floats, rng: np.random.Generator) -> Run:
    """Requests made after the origin that start in the window or shortly after it."""
    vehicles, origins, reach = task.world.vehicles, task.origins, task.horizon + TAIL
    days = (origins[:, None] + np.arange(reach)).ravel()
    by_stream = demand.expected(task.world, task.vehicle, days).reshape(3, len(origins), reach)
    mean = by_stream.transpose(1, 0, 2).reshape(len(origins), 3 * reach)
    # Poisson numbers for all simulations of an origin, dealt out at random, are Poisson in each of them.
    counts = rng.poisson(mean * SIMULATIONS).ravel()
    row, cell = np.divmod(np.repeat(np.arange(counts.size), counts), 3 * reach)
    stream, day = np.divmod(cell, reach)
    sim = row * SIMULATIONS + rng.integers(0, SIMULATIONS, len(row))
    slot, start, lead = demand.draw_starts(stream, day, rng)
    index = np.flatnonzero((start > lead) & (start - lead <= leaves[sim]))
    log_price = _prices(task, sim[index], (start - lead)[index], rng)
    kept = demand.price_kept(log_price, rng) | (stream[index] == OWNER)
    index, log_price = index[kept], log_price[kept]
    asked = (slot[index], start[index], lead[index])
    made = demand.draw_outcomes(stream[index], asked, float(vehicles.non_refundable[task.vehicle]), rng)
    long = np.flatnonzero(
        (demand.trip_days(made) >= vehicles.min_days[task.vehicle]) | (made.stream == OWNER)
    )
    made, index, log_price = made.take(long), index[long], log_price[long]
    base = prices.base(task.world, task.vehicle, made, log_price, made.start + origins[row[index]])
    return Run(sim[index], made, base, np.zeros(len(index), bool))


def _prices(task: Task, sim: Ints, booked: Floats, rng: np.random.Generator) -> Floats:
    """Price deviation met by each request: the one that holds at the origin, later quarters drawn."""
    origin = task.origins[sim // SIMULATIONS]
    ahead = demand.quarter(booked + origin) - origin // QUARTER
    drawn = np.clip(rng.normal(0, PRICE_SD, (task.size, 3)), -PRICE_LIMIT, PRICE_LIMIT)
    known = task.world.vehicles.log_price[task.vehicle][origin // QUARTER]
    return np.where(ahead <= 0, known, drawn[sim, np.clip(ahead - 1, 0, 2)])


def _standing(task: Task, made: Requests, rng: np.random.Generator) -> Run:
    """Bookings on the books at each origin, once a simulation, each with a fresh draw of its cancellation."""
    at = task.origins[:, None].astype(float)
    row, index = np.nonzero((made.booked <= at) & (made.cancelled > at) & (made.end > at))
    sim = (row[:, None] * SIMULATIONS + np.arange(SIMULATIONS)).ravel()
    asked = made.take(np.repeat(index, SIMULATIONS))
    origin = np.repeat(task.origins[row], SIMULATIONS)
    lead = asked.start - asked.booked
    elapsed = np.clip((origin - asked.booked) / lead, 0, 1)
    share = np.where(asked.stream == OWNER, 0.0, demand.cancel_share(lead))
    cancels = rng.random(len(sim)) < share * (1 - elapsed) / (1 - share * elapsed)
    instant = (asked.start - origin) * rng.random(len(sim))
    moved = Requests(
        stream=asked.stream,
        booked=np.full(len(sim), -1.0),
        start=asked.start - origin,
        end=asked.end - origin,
        first_slot=np.maximum(asked.first_slot - 2 * origin, 0),
        last_slot=asked.last_slot - 2 * origin,
        cancelled=np.where(cancels & (asked.start > origin), instant, np.inf),
        cheap=asked.cheap,
    )
    base = prices.booked_base(task.world, task.vehicle, made)[np.repeat(index, SIMULATIONS)]
    return Run(sim, moved, base, np.ones(len(sim), bool))
