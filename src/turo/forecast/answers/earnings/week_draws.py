"""How much of what a vehicle earned may be chance: weeks of the past year drawn again and again.

Neighbouring weeks share trips, so runs of four weeks are drawn together (circular block bootstrap). A vehicle
is drawn together with its class, week by week: what was a good week for both is no difference between them.
"""

from __future__ import annotations

import numpy as np

from turo.features.time import Floats, Ints
from turo.forecast.answers.earnings.earned import Earned

DRAWS, SEED, RUN = 999, 20, 4
FEWEST = 13  # weeks a vehicle must have been listed
ROUNDING = 1e-6  # of sums from which a vehicle was taken away
STUDENT = (1.96**2 + 1) / 4  # first term of Student's quantile at 19 of 20
LEVELS = (0.025, 0.975)  # 19 of 20


def rates(earned: Earned) -> Floats:
    """Money per available day: the price of a booked day x the share of days booked."""
    return _ratio(earned.money, earned.priced) * _ratio(earned.booked, earned.available)


def others(earned: Earned, group: Ints) -> Earned:
    """Of each vehicle, the sums over all others of its class; zeros where there are none."""
    classes = group == np.unique(group)[:, None]
    member = classes.astype(np.float64)
    place = np.argmax(classes, axis=0)

    def rest(values: Floats) -> Floats:
        left = (member @ values)[place] - values
        return np.where(left > ROUNDING, left, 0.0)

    return Earned(rest(earned.money), rest(earned.priced), rest(earned.booked), rest(earned.available))


def deviations(weekly: Earned) -> Floats:
    """(vehicles, weeks): what each week adds to the year's money per available day beyond its share."""
    money = _filled(weekly)
    total, days = money.sum(axis=1, keepdims=True), weekly.available.sum(axis=1, keepdims=True)
    rate = _ratio(total, days)
    listed = np.maximum((weekly.available > 0).sum(axis=1, keepdims=True), 1)
    return np.nan_to_num((money - rate * weekly.available) / np.where(days > 0, days / listed, 1))


def drawn_range(deviation: Floats, listed: Ints, weeks: int) -> tuple[Floats, Floats]:
    """How far the mean of so many weeks may lie from its true one, (vehicles,) each; nan with few weeks.

    Args:
        deviation: (vehicles, weeks) of the past year, the newest last.
        listed: of how many of the newest weeks each vehicle was listed.
    """
    low, high = np.full(len(deviation), np.nan), np.full(len(deviation), np.nan)
    for length in np.unique(listed[listed >= FEWEST]):
        members = np.flatnonzero(listed == length)
        taken = min(weeks, int(length))
        random = np.random.default_rng([SEED, int(length), weeks])
        starts = random.integers(length, size=(DRAWS, -(-taken // RUN)))
        week = ((starts[:, :, None] + np.arange(RUN)) % length).reshape(DRAWS, -1)[:, :taken]
        share = np.zeros((DRAWS, length))
        np.add.at(share, (np.arange(DRAWS)[:, None], week), 1 / taken)
        means = share @ deviation[members, -length:].T
        low[members], high[members] = np.quantile(means, LEVELS, axis=0) * _wider(length / RUN)
    return low, high


def _wider(runs: float) -> float:
    """By how much so few runs understate what varies: Student's quantile over the normal one, n over n - 1.

    Without it vehicles that are alike are told apart twice as often as the interval says.
    """
    return float(np.sqrt(runs / (runs - 1)) * (1 + STUDENT / (runs - 1)))


def _filled(weekly: Earned) -> Floats:
    """Money, days without a known price at the vehicle's own of the year."""
    price = np.nan_to_num(_ratio(weekly.money.sum(axis=1), weekly.priced.sum(axis=1)))[:, None]
    return weekly.money + price * np.maximum(weekly.booked - weekly.priced, 0)


def _ratio(over: Floats, under: Floats) -> Floats:
    return np.where(under > 0, over / np.where(under > 0, under, 1), np.nan)
