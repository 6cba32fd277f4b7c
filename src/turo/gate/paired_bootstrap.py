"""Does a candidate lose to a champion? Resamples of whole vehicles and of whole weeks, at once.

Rows are not independent: the windows of one vehicle overlap from week to week, and a good or bad week is one
for every vehicle. So vehicles and weeks are drawn, not rows, and a row counts as often as its vehicle times
its week (pigeonhole bootstrap, Owen 2007). Weeks whose windows overlap are drawn together (circular blocks,
Politis and Romano 1992).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from turo.words import counted

RESAMPLES = 1000
LOSES = 0.9  # share of resamples in which the candidate is worse, from which on it has lost
MARGIN = 0.02  # share of the champion's error that the candidate may be worse by
WIDE_MARGIN = 0.10  # the same where there is little evidence
MIN_VEHICLES, MIN_ROWS = 3, 30  # below either the evidence is little
TOTAL_OFF = 0.03  # share by which the total over all vehicles may be off
DAYS = 7
LEAST_BLOCKS = 3  # of weeks: with one block there would be nothing to draw


@dataclass(frozen=True)
class Comparison:
    """Mean loss of both on the same rows, and how often the candidate was worse by more than the margin."""

    candidate: float
    champion: float
    share_worse: float
    rows: int
    vehicles: int

    @property
    def thin(self) -> bool:
        """Too little evidence for the usual margin."""
        return self.vehicles < MIN_VEHICLES or self.rows < MIN_ROWS

    @property
    def margin(self) -> float:
        """Share of the champion's error by which the candidate may be worse."""
        return WIDE_MARGIN if self.thin else MARGIN

    @property
    def evidence(self) -> str:
        """How little a comparison rests on, to end a sentence with; empty where it is enough."""
        if not self.thin:
            return ""
        return (
            f" (only {counted(self.vehicles, 'vehicle')} and {counted(self.rows, 'row')}, "
            f"at least {MIN_VEHICLES} and {MIN_ROWS} "
            f"are needed: compared with a margin of {self.margin:.0%} instead)"
        )

    @property
    def loses(self) -> bool:
        """Worse by more than the margin, and not by chance. A tie does not lose."""
        return self.candidate > self.champion * (1 + self.margin) and self.share_worse >= LOSES


@dataclass(frozen=True)
class Total:
    """By what share the totals over the same rows are off, and how often that was more than `TOTAL_OFF`.

    The rows are the same, so a week that was good or bad by chance moves both. One that is off where the
    champion is not has therefore lost; where both are off, the one further off must be so in most resamples.
    """

    candidate: float
    champion: float
    share_off: float

    @property
    def loses(self) -> bool:
        """Off by too much where the champion is not, or by more than it is."""
        if abs(self.candidate) <= max(TOTAL_OFF, abs(self.champion)):
            return False
        return abs(self.champion) <= TOTAL_OFF or self.share_off >= LOSES


class Resamples:
    """Weights of the rows in each resample, and sums under them.

    Args:
        vehicles: the vehicle of each row.
        weeks: the origin of each row; None where rows have no date.
        horizon_days: length of the windows, by which they overlap.
    """

    def __init__(
        self, vehicles: np.ndarray, weeks: np.ndarray | None = None, horizon_days: int = 0, seed: int = 0
    ) -> None:
        generator = np.random.default_rng(seed)
        names, self._vehicle = np.unique(vehicles, return_inverse=True)
        dates, self._week = np.unique(
            np.zeros(len(vehicles)) if weeks is None else weeks, return_inverse=True
        )
        self.count = len(names)
        self._vehicles = generator.multinomial(
            self.count, np.full(self.count, 1 / self.count), size=RESAMPLES
        ).astype(np.float32)
        self._weeks = _blocks(len(dates), -(-horizon_days // DAYS), generator)
        # Drawing n vehicles from n varies too little by (n - 1) / n: it counts where vehicles are few.
        self._stretch = np.sqrt(self.count / (self.count - 1)) if self.count > 1 else 1.0

    def ratio(self, above: np.ndarray, below: np.ndarray) -> np.ndarray:
        """sum(above) / sum(below) in each resample; one that holds none of `below` has that of all rows."""
        observed = above.sum() / below.sum()
        total = self._sums(below)
        drawn = np.divide(self._sums(above), total, out=np.full(RESAMPLES, observed), where=total > 0)
        return observed + self._stretch * (drawn - observed)

    def _sums(self, values: np.ndarray) -> np.ndarray:
        cells = np.zeros((self.count, self._weeks.shape[1]))
        np.add.at(cells, (self._vehicle, self._week), values)
        return np.einsum("rw,rw->r", self._vehicles @ cells, self._weeks)


def compare(candidate: np.ndarray, champion: np.ndarray, resamples: Resamples) -> Comparison:
    """Compare two loss columns (rows,) row by row."""
    found = Comparison(float(candidate.mean()), float(champion.mean()), 0.0, len(candidate), resamples.count)
    beyond = candidate - champion * (1 + found.margin)
    worse = resamples.ratio(beyond, np.ones(len(beyond))) > 0
    return replace(found, share_worse=float(worse.mean()))


def totals(y: np.ndarray, candidate: np.ndarray, champion: np.ndarray, resamples: Resamples) -> Total | None:
    """How far the totals of two columns of expected values (rows,) are off; None where nothing was real."""
    if y.sum() <= 0:
        return None
    off = np.abs(resamples.ratio(candidate, y) - 1) > TOTAL_OFF
    return Total(float(candidate.sum() / y.sum() - 1), float(champion.sum() / y.sum() - 1), float(off.mean()))


def _blocks(weeks: int, length: int, generator: np.random.Generator) -> np.ndarray:
    """How often each week is drawn in each resample (RESAMPLES, weeks)."""
    length = max(1, min(length, weeks // LEAST_BLOCKS))
    starts = generator.integers(0, weeks, size=(RESAMPLES, -(-weeks // length), 1))
    drawn = ((starts + np.arange(length)) % weeks).reshape(RESAMPLES, -1)[:, :weeks]
    counts = np.zeros((RESAMPLES, weeks))
    np.add.at(counts, (np.arange(RESAMPLES)[:, None], drawn), 1)
    return counts
