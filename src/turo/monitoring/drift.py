"""Has the world moved away from the training data? PSI and KS per feature, against the training rows.

The other side of `turo.training.reference`: every run logs histograms of its training rows as
`reference.json`, and `measure` compares rows seen in service with them.

PSI (population stability index) compares shares of bins: sum((p - q) * ln(p / q)). Under no drift its mean is
about (bins - 1) * (1/n + 1/m), so a fixed limit of 0.1 cries wolf on small samples. Hence two rules: below
`MINIMUM_SAMPLES` nothing is judged, and the limit is the larger of 0.1 and what resampling the reference
against itself exceeds once in a hundred times.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from turo.errors import InputError

SCHEMA = 1
MINIMUM_SAMPLES = 1000
LIMIT_FLOOR = 0.1
RESAMPLES = 500
PREDICTION = "prediction"  # the name under which the model's own output is compared


@dataclass(frozen=True)
class Drift:
    """One feature's distance from the training rows; psi, limit and ks are None below `MINIMUM_SAMPLES` rows.

    ks, the largest gap between the two distribution functions at the bins' borders, is None for categories.
    """

    feature: str
    samples: int
    psi: float | None = None
    limit: float | None = None
    ks: float | None = None

    @property
    def drifted(self) -> bool:
        """True where there is enough evidence that the feature has moved."""
        return self.psi is not None and self.limit is not None and self.psi > self.limit


def measure(reference: Mapping[str, Any], columns: Mapping[str, np.ndarray], seed: int = 0) -> list[Drift]:
    """Compare rows seen in service with a run's reference.

    Args:
        reference: the content of `reference.json`.
        columns: numbers as float64 (NaN = missing), categories as objects (None = missing); `prediction`, if
            given, is the model's output. What is on one side only is left out.
        seed: of the resampling behind the limits.

    Raises:
        InputError: the reference has another schema.
    """
    if reference.get("schema") != SCHEMA:
        raise InputError(
            f"The reference has schema {reference.get('schema')!r}, this code reads {SCHEMA}.",
            "Train the model again with this version.",
        )
    rng = np.random.default_rng(seed)
    return [_drift(name, then, now, ks, rng) for name, then, now, ks in _compared(reference, columns)]


def psi(then: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Population stability index of two arrays of counts over the same bins (last axis).

    Half a row is added to every bin, so that an empty one costs much but not everything.
    """
    p = (then + 0.5) / (then + 0.5).sum(axis=-1, keepdims=True)
    q = (now + 0.5) / (now + 0.5).sum(axis=-1, keepdims=True)
    return np.asarray(np.sum((q - p) * np.log(q / p), axis=-1))


Compared = tuple[str, np.ndarray, np.ndarray, float | None]  # name, counts then, counts now, KS


def _compared(reference: Mapping[str, Any], columns: Mapping[str, np.ndarray]) -> Iterator[Compared]:
    """Counts of every feature that both sides have, over the reference's bins."""
    for name, histogram in {**reference["numbers"], PREDICTION: reference["prediction"]}.items():
        if name in columns:
            then, now = _number_counts(histogram, np.asarray(columns[name], dtype=np.float64))
            yield name, then, now, _ks(then[:-1], now[:-1])
    for name, counts in reference["categories"].items():
        if name in columns:
            yield name, *_category_counts(counts, columns[name]), None


def _number_counts(histogram: Mapping[str, Any], values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows per bin then and now, missing ones last."""
    known = values[np.isfinite(values)]
    edges = histogram["edges"]
    inside = np.bincount(np.searchsorted(edges, known, side="right"), minlength=len(edges) + 1)
    then = np.array([*histogram["counts"], histogram["missing"]])
    return then, np.array([*inside, len(values) - len(known)])


def _category_counts(histogram: Mapping[str, Any], values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows per value then and now; last two: values that training never saw, and missing ones."""
    names, then = list(histogram["counts"]), list(histogram["counts"].values())
    place = {name: index for index, name in enumerate(names)}
    unseen, missing = len(names), len(names) + 1
    bins = [missing if value is None else place.get(value, unseen) for value in values]
    now = np.bincount(np.array(bins, dtype=np.int64), minlength=missing + 1)
    return np.array([*then, 0, histogram["missing"]]), now


def _drift(name: str, then: np.ndarray, now: np.ndarray, ks: float | None, rng: np.random.Generator) -> Drift:
    samples = int(now.sum())
    if samples < MINIMUM_SAMPLES:
        return Drift(name, samples)
    return Drift(name, samples, float(psi(then, now)), _limit(then, samples, rng), ks)


def _limit(then: np.ndarray, samples: int, rng: np.random.Generator) -> float:
    """What PSI exceeds once in a hundred times when both samples come from the reference."""
    shares = then / then.sum()
    first = rng.multinomial(int(then.sum()), shares, RESAMPLES)
    second = rng.multinomial(samples, shares, RESAMPLES)
    return max(LIMIT_FLOOR, float(np.quantile(psi(first, second), 0.99)))


def _ks(then: np.ndarray, now: np.ndarray) -> float | None:
    """Largest gap of the cumulative shares; None where one side has no value at all."""
    if not then.sum() or not now.sum():
        return None
    return float(np.max(np.abs(np.cumsum(then) / then.sum() - np.cumsum(now) / now.sum())))
