"""Draws of what may come true together: vehicles of one week, and windows of several lengths.

A good week is good for most vehicles, and days that are booked in the next 28 count in the next 90 as well.
So each draw takes one past week: where what came true then lay in its own forecast distribution, for all
windows of a vehicle at once. The ranks of these places say in which order each vehicle's possible values
are dealt to the draws (Schaake shuffle, Clark et al. 2004): a vehicle's own distribution stays what it was,
but for what `nested` changes, and what is added up over vehicles carries what they have in common.

Forty weeks hold three windows of 90 days that do not overlap, and three windows show less than what can come.
So what weeks have in common is dealt wider, as a forecast from a sample of that size is (Student's t).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri, stdtrit

DRAWS = 999  # odd: the middle one is the median
MIN_ORIGINS = 8  # past weeks, below which nothing is known of what they have in common
WEEK = 7  # days between origins
LEAST_WINDOWS = 2.0  # windows that do not overlap: a sample of less has no spread
RANGE = 0.9  # upper end of the range of 80 %, for which the widening is right


class PastPlaces(NamedTuple):
    """Where what came true lay in its own forecast distribution.

    Attributes:
        origins: week of each place (places,), any sortable values.
        places: 0 to 1 (places, windows), of one vehicle and week each.
        days: lengths of the windows (windows,).
    """

    origins: np.ndarray
    places: np.ndarray
    days: Sequence[int]


def levels(known: PastPlaces, rows: int, seed: int, draws: int = DRAWS) -> np.ndarray:
    """Probability levels (rows, windows, draws) at which the rows' distributions are to be read.

    Along the draws each row and window has every level (k + 1/2) / draws once.

    Args:
        known: without any places, rows and windows are taken to have nothing in common.
        rows: vehicles to forecast.
    """
    generator = np.random.default_rng(seed)
    if not len(known.places):
        drawn = generator.random((rows, draws, len(known.days)))
    else:
        past = _Past.of(known)
        weeks = generator.permutation(np.arange(draws) % len(past.first))  # each about as often as any other
        drawn = np.stack([past.deal(week, rows, generator) for week in weeks], axis=1)
    # The same place may be drawn again: ties fall in random order.
    drawn = drawn + generator.random(drawn.shape) * 1e-9
    ranks = np.argsort(np.argsort(drawn, axis=1), axis=1)
    return ((ranks + 0.5) / draws).transpose(0, 2, 1)


@dataclass(frozen=True)
class _Past:
    """Past places, sorted by week.

    Attributes:
        first, count: where each week begins (weeks,), and how many places it has.
        common: what the places of a week have in common (weeks, windows), without what is chance.
        own: how far each place is from the mean of its week.
        wider: what is added to the places of a week (weeks, windows), for few windows show too little.
    """

    places: np.ndarray
    first: np.ndarray
    count: np.ndarray
    common: np.ndarray
    own: np.ndarray
    wider: np.ndarray

    @classmethod
    def of(cls, known: PastPlaces) -> _Past:
        """Sort by week and tell what is common from what is chance."""
        origins = known.origins
        ordered = known.places[np.argsort(origins, kind="stable")]
        _, first, week, count = np.unique(
            np.sort(origins), return_index=True, return_inverse=True, return_counts=True
        )
        grand = ordered.mean(axis=0)
        means = np.add.reduceat(ordered, first, axis=0) / count[:, None]
        if len(first) == len(ordered):  # one place a week does not tell what is common from chance
            common = np.broadcast_to(grand, means.shape)
            return cls(ordered, first, count, common, ordered - grand, np.zeros(means.shape))
        own = ordered - means[week]
        # Means of few places differ by chance alone: only what exceeds that is common (James and Stein).
        chance = (own**2).sum(axis=0) / (len(own) - len(first)) * (1 / count).mean()
        spread = means.var(axis=0)
        apart = np.maximum(len(first) * WEEK / np.asarray(known.days), LEAST_WINDOWS)
        common = grand + _share(spread, chance) * (means - grand)
        # The spread of so few windows may as well be larger, by its own standard error.
        likely = _share(spread * (1 + np.sqrt(2 / apart)), chance)
        return cls(ordered, first, count, common, own, (_widening(apart) - 1) * likely * (means - grand))

    def deal(self, week: int, rows: int, generator: np.random.Generator) -> np.ndarray:
        """A place of that week for each row (rows, windows).

        None stands for two rows: that would let the chance of single vehicles look like something they have
        in common. Where the week had fewer vehicles, the others get what it had in common, and what is a
        vehicle's own from any week.
        """
        members = int(self.count[week])
        dealt = self.places[self.first[week] + generator.permutation(members)[:rows]]
        more = rows - len(dealt)
        if more > 0:
            others = self.common[week] + self.own[generator.integers(0, len(self.own), more)]
            dealt = np.concatenate([dealt, others])
        return dealt + self.wider[week]


def _share(spread: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """How much of what weeks differ by is no chance (windows,), 0 to 1."""
    return np.divide(spread - chance, spread, out=np.zeros_like(spread), where=spread > chance)


def _widening(windows: np.ndarray) -> np.ndarray:
    """A new value's range by that of a normal sample of so many, as a multiple of the sample's own range."""
    return stdtrit(windows - 1, RANGE) / ndtri(RANGE) * np.sqrt(1 + 1 / windows)


def nested(values: np.ndarray, horizons: Sequence[int], bounded: bool) -> np.ndarray:
    """Values (rows, windows, draws) of which each window holds what the shorter ones hold.

    Args:
        horizons: lengths of the windows in days, ascending.
        bounded: whether a day more can add one at most (booked days).
    """
    fitted = values.copy()
    for place in range(1, len(horizons)):
        least = fitted[:, place - 1]
        most = least + (horizons[place] - horizons[place - 1]) if bounded else np.inf
        fitted[:, place] = np.clip(fitted[:, place], least, most)
    return fitted
