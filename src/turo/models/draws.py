"""Draws of what may come true together: vehicles of one week, and windows of several lengths.

A good week is good for most vehicles, and days that are booked in the next 28 count in the next 90 as well.
So each draw takes one past week: where what came true then lay in its own forecast distribution, for all
windows of a vehicle at once. The ranks of these places say in which order each vehicle's possible values
are dealt to the draws (Schaake shuffle, Clark et al. 2004): a vehicle's own distribution stays what it was,
but for what `nested` changes, and what is added up over vehicles carries what they have in common.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

DRAWS = 999  # odd: the middle one is the median
MIN_ORIGINS = 8  # past weeks, below which nothing is known of what they have in common


def levels(origins: np.ndarray, places: np.ndarray, rows: int, seed: int, draws: int = DRAWS) -> np.ndarray:
    """Probability levels (rows, windows, draws) at which the rows' distributions are to be read.

    Along the draws each row and window has every level (k + 1/2) / draws once.

    Args:
        origins: week of each past place (places,), any sortable values.
        places: 0 to 1 (places, windows), of one vehicle and week each; without any, rows and windows are
            taken to have nothing in common.
        rows: vehicles to forecast.
    """
    generator = np.random.default_rng(seed)
    if not len(places):
        drawn = generator.random((rows, draws, places.shape[1]))
    else:
        past = _Past.of(origins, places)
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
    """

    places: np.ndarray
    first: np.ndarray
    count: np.ndarray
    common: np.ndarray
    own: np.ndarray

    @classmethod
    def of(cls, origins: np.ndarray, places: np.ndarray) -> _Past:
        """Sort by week and tell what is common from what is chance."""
        ordered = places[np.argsort(origins, kind="stable")]
        _, first, week, count = np.unique(
            np.sort(origins), return_index=True, return_inverse=True, return_counts=True
        )
        grand = ordered.mean(axis=0)
        means = np.add.reduceat(ordered, first, axis=0) / count[:, None]
        if len(first) == len(ordered):  # one place a week does not tell what is common from chance
            return cls(ordered, first, count, np.broadcast_to(grand, means.shape), ordered - grand)
        own = ordered - means[week]
        # Means of few places differ by chance alone: only what exceeds that is common (James and Stein).
        chance = (own**2).sum(axis=0) / (len(own) - len(first)) * (1 / count).mean()
        spread = means.var(axis=0)
        share = np.divide(spread - chance, spread, out=np.zeros_like(spread), where=spread > chance)
        return cls(ordered, first, count, grand + share * (means - grand), own)

    def deal(self, week: int, rows: int, generator: np.random.Generator) -> np.ndarray:
        """A place of that week for each row (rows, windows).

        None stands for two rows: that would let the chance of single vehicles look like something they have
        in common. Where the week had fewer vehicles, the others get what it had in common, and what is a
        vehicle's own from any week.
        """
        members = int(self.count[week])
        dealt = self.places[self.first[week] + generator.permutation(members)[:rows]]
        more = rows - len(dealt)
        if more <= 0:
            return dealt
        return np.concatenate(
            [dealt, self.common[week] + self.own[generator.integers(0, len(self.own), more)]]
        )


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
