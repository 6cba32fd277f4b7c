"""Draws of what may come true together: vehicles of one week, and windows of several lengths.

A good week is good for most vehicles, and days that are booked in the next 28 count in the next 90 as well.
So each draw takes one past week, as it was or mirrored, for what was too low may be too high next time: where
what came true then lay in its own forecast distribution, for all windows of a vehicle at once. The ranks of
these places say in which order each vehicle's possible values are dealt to the draws (Schaake shuffle, Clark
et al. 2004): a vehicle's own distribution stays what it was, but for what `nested` changes, and what is added
up over vehicles carries what they have in common.

Forty weeks hold few windows of 90 days that do not overlap, and few windows tell little. So what they have in
common is dealt wider, as a forecast from a sample of that size is (Student's t), and only as far as chance,
which so few show larger or smaller than it is, cannot explain it.
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
MIDDLE = 0.5  # where what comes true lies on average, if the distributions are right
LEAST_WINDOWS = 2.0  # that do not overlap: of less the spread cannot be told
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
        weeks = len(past.first)
        # Each week about as often as any other, as often for as against.
        turns = generator.permutation(np.arange(draws) % (2 * weeks))
        drawn = np.stack([past.deal(turn // weeks, turn % weeks, rows, generator) for turn in turns], axis=1)
    # The same place may be drawn again: ties fall in random order.
    drawn = drawn + generator.random(drawn.shape) * 1e-9
    ranks = np.argsort(np.argsort(drawn, axis=1), axis=1)
    return ((ranks + 0.5) / draws).transpose(0, 2, 1)


@dataclass(frozen=True)
class _Past:
    """What past weeks showed, sorted by week.

    Attributes:
        first, count: where each week begins (weeks,), and how many places it has.
        own: how far each place is from what its week had in common (places, windows).
        off: how far each place is from the middle (places, windows), its week's part wider where few windows
            tell it.
        common: that part (weeks, windows), without what is chance.
    """

    first: np.ndarray
    count: np.ndarray
    own: np.ndarray
    off: np.ndarray
    common: np.ndarray

    @classmethod
    def of(cls, known: PastPlaces) -> _Past:
        """Tell what is common from what is chance."""
        ordered = known.places[np.argsort(known.origins, kind="stable")]
        _, first, week, count = np.unique(
            np.sort(known.origins), return_index=True, return_inverse=True, return_counts=True
        )
        means = np.add.reduceat(ordered, first, axis=0) / count[:, None]
        off, own = means - MIDDLE, ordered - means[week]
        if len(first) == len(ordered):  # one place a week does not tell what is common from chance
            return cls(first, count, ordered - MIDDLE, ordered - MIDDLE, np.zeros(off.shape))
        own = own * np.sqrt(count / np.maximum(count - 1, 1))[week][:, None]
        apart = np.maximum(len(first) * WEEK / np.maximum(known.days, WEEK), LEAST_WINDOWS)
        spread, chance = (off**2).mean(axis=0), (own**2).mean(axis=0) * (1 / count).mean()
        # Of a sample the share that is not chance is less than it looks (James and Stein).
        by_chance = np.divide(chance * (1 + 2 / apart), spread, out=np.ones_like(spread), where=spread > 0)
        share, widening = np.maximum(1 - by_chance, 0.0), stdtrit(apart, RANGE) / ndtri(RANGE)
        added = off * (np.sqrt(1 - share + share * widening**2) - 1)
        return cls(first, count, own, ordered - MIDDLE + added[week], off * np.sqrt(share) * widening)

    def deal(self, against: int, week: int, rows: int, generator: np.random.Generator) -> np.ndarray:
        """A place for each row (rows, windows), on a scale of its own: only the order of draws counts.

        None of the week stands for two rows: that would let the chance of single vehicles look like something
        they have in common. Where the week had fewer vehicles, the others get what it had in common, and what
        is a vehicle's own from any week.

        Args:
            against: 1 to take the week for as bad as it was good.
        """
        sign, members = 1 - 2 * against, int(self.count[week])
        dealt = sign * self.off[self.first[week] + generator.permutation(members)[:rows]]
        more = rows - len(dealt)
        if more <= 0:
            return dealt
        others = self.own[generator.integers(0, len(self.own), more)] + sign * self.common[week]
        return np.concatenate([dealt, others])


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
