"""Which rows train and which test: by origin date with a gap of one horizon, or by vehicle without dates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from turo.errors import TrainingError
from turo.training.enough_history import MIN_WEEKS
from turo.words import counted

HOLDOUT_WEEKS = 12
FOLDS = (5, 4)  # preferred, and accepted where the history is short
FOLD_WEEKS = 8
MIN_TRAIN_WEEKS = 4
VEHICLE_FOLDS = 5


@dataclass(frozen=True)
class Split:
    """Row numbers to fit on and to test on."""

    train: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class Plan:
    """Rolling folds, oldest first, and the hold-out after them; the hold-out is None without dates."""

    folds: tuple[Split, ...]
    holdout: Split | None


def by_origin(origins: np.ndarray, horizon_days: int) -> Plan:
    """Hold-out: the last 12 weekly origins. Folds: 4 or 5 blocks of origins before it, one after the other.

    A row may train for a test block only if its target window is over when the block's first origin comes, so
    that no training label reaches into a test window: the gap is one horizon, before the hold-out as well.

    Args:
        origins: origin date of each row, datetime64[D].

    Raises:
        TrainingError: too few labelled origins.
    """
    weeks = np.unique(origins)
    if len(weeks) < MIN_WEEKS:
        raise TrainingError(
            f"Only {counted(len(weeks), 'week')} whose outcome is known; {MIN_WEEKS} are needed.",
            "Bring a longer history, or forecast fewer days.",
        )
    gap = np.timedelta64(horizon_days, "D")
    holdout_weeks = weeks[-HOLDOUT_WEEKS:]
    before = weeks[weeks + gap <= holdout_weeks[0]]
    for count in FOLDS:
        widest = min(FOLD_WEEKS, len(before) // (2 * count))
        for width in range(max(1, widest), 0, -1):
            tested = before[-count * width :]
            if len(tested) == count * width and (weeks + gap <= tested[0]).sum() >= MIN_TRAIN_WEEKS:
                folds = tuple(_split(origins, block, gap) for block in np.split(tested, count))
                return Plan(folds, _split(origins, holdout_weeks, gap))
    raise TrainingError(
        f"{len(weeks)} weeks whose outcome is known do not leave {MIN_TRAIN_WEEKS} weeks to learn from "
        f"before {FOLDS[-1]} periods and the last {HOLDOUT_WEEKS} weeks to test on, with gaps of "
        f"{counted(horizon_days, 'day')}.",
        "Bring a longer history, or forecast fewer days.",
    )


def by_vehicle(rows: int, seed: int = 0) -> Plan:
    """Five folds of vehicles in random order; every row is tested once, by a model that has not seen it."""
    order = np.random.default_rng(seed).permutation(rows)
    parts = [np.sort(part) for part in np.array_split(order, VEHICLE_FOLDS)]
    everything = np.arange(rows)
    return Plan(tuple(Split(np.setdiff1d(everything, part), part) for part in parts), None)


def _split(origins: np.ndarray, block: np.ndarray, gap: np.timedelta64) -> Split:
    train = np.flatnonzero(origins + gap <= block[0])
    return Split(train, np.flatnonzero((origins >= block[0]) & (origins <= block[-1])))
