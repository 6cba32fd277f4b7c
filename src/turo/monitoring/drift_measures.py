"""Drift: PSI and KS per feature between rows seen in service and the training rows.

The other side of `turo.training.reports.reference_histograms`: every run logs histograms of its training
rows as `reference.json`, and `measure` compares rows seen in service with them.

PSI (population stability index) compares shares of bins: sum((p - q) * ln(p / q)). A fixed limit of 0.1
raises false alarms, for three reasons, and each has its rule:

- Under no drift the mean of PSI is about (bins - 1) * (1/n + 1/m). Below `MINIMUM_SAMPLES` requests nothing
  is judged, and the limit is at least what resampling the reference against itself exceeds once in a hundred
  times, for the effective number of rows: the same row asked ten times is one row.
- Requests are about one Monday, the reference is a year of them. To the limit is added what single Mondays of
  the past differed from the year before them, with a margin.
- A feature that tells the date (season, holidays, fleet context, age) differs so much from one Monday to the
  next that nothing can be learnt from it: it is shown, but has no limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from turo.errors import InputError
from turo.training.reports.stability_index import SCHEMA, psi

WITHOUT_SINGLE = 1  # written before single Mondays were looked at: shown, not judged
MINIMUM_SAMPLES = 1000
LIMIT_FLOOR = 0.1
SINGLE_MARGIN = 1.5  # times the most that a past Monday differed; tried on generated fleets, 7 to 90 days
SINGLE_MOST = 1.0  # a feature whose ordinary Mondays differ by more tells the date, not a drift
RESAMPLES = 500
PREDICTION = "prediction"  # the name under which the model's own output is compared


@dataclass(frozen=True)
class Drift:
    """One feature's distance from the training rows; psi, limit and ks are None where rows are too few.

    limit alone is None where the reference cannot tell what is usual. ks, the largest gap between the two
    distribution functions at the bins' borders, is None for categories.
    """

    feature: str
    samples: int
    psi: float | None = None
    limit: float | None = None
    ks: float | None = None


def measure(
    reference: Mapping[str, Any],
    columns: Mapping[str, np.ndarray],
    seed: int = 0,
    *,
    least: int = MINIMUM_SAMPLES,
    margin: float = SINGLE_MARGIN,
) -> list[Drift]:
    """Compare rows seen in service with a run's reference.

    Args:
        reference: the content of `reference.json`.
        columns: numbers as float64 (NaN = missing), categories as objects (None = missing); `prediction`, if
            given, is the model's output. What is on one side only is left out.
        seed: of the resampling behind the limits.
        least: rows below which nothing is judged.
        margin: how many times the most that a past Monday differed is no drift yet.

    Raises:
        InputError: the reference has another schema.
    """
    if reference.get("schema") not in {SCHEMA, WITHOUT_SINGLE}:
        raise InputError(
            f"The reference has schema {reference.get('schema')!r}, this code reads {SCHEMA}.",
            "Train the model again with this version.",
        )
    rng = np.random.default_rng(seed)
    parts = {name: part for name, part in _parts(reference).items() if name in columns}
    seen = {name: np.asarray(columns[name]) for name in parts}
    effective_rows = _effective_rows(seen)
    told = {name: _counts(part, seen[name]) for name, part in parts.items()}
    return [
        Drift(name, samples)
        if (samples := int(counts[1].sum())) < least
        else _drift(name, counts, effective_rows, _usual(parts[name].get("single"), margin), rng)
        for name, counts in told.items()
    ]


def _parts(reference: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The histograms by feature: numbers, the model's output, categories."""
    return {**reference["numbers"], PREDICTION: reference["prediction"], **reference["categories"]}


def _effective_rows(columns: Mapping[str, np.ndarray]) -> float:
    """Effective sample size (Kish): n for n different rows, fewer where some repeat."""
    import polars as pl

    if not columns:
        return 0.0
    frame = pl.DataFrame(
        {n: v.tolist() if v.dtype == object else v for n, v in columns.items()}, strict=False
    )
    times = frame.group_by(pl.all()).len()["len"].to_numpy().astype(np.float64)
    return float(times.sum() ** 2 / (times**2).sum()) if times.size else 0.0


Counts = tuple[np.ndarray, np.ndarray, float | None]  # then, now, KS


def _counts(histogram: Mapping[str, Any], values: np.ndarray) -> Counts:
    """Both sides over the reference's bins."""
    if "edges" not in histogram:
        return *_category_counts(histogram, values), None
    then, now = _number_counts(histogram, values.astype(np.float64))
    return then, now, _ks(then[:-1], now[:-1])


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


def _drift(
    name: str, counts: Counts, effective_rows: float, usual: float | None, rng: np.random.Generator
) -> Drift:
    then, now, ks = counts
    samples = int(now.sum())
    distance = float(psi(then, now * (effective_rows / samples)))
    return Drift(name, samples, distance, _limit(then, round(effective_rows), usual, rng), ks)


def _usual(single: list[float] | None, margin: float) -> float | None:
    """What one Monday may differ from a year; None where that cannot be told."""
    if single is None or max(single, default=0.0) > SINGLE_MOST:
        return None
    return margin * max(single, default=0.0)


def _limit(then: np.ndarray, rows: int, usual: float | None, rng: np.random.Generator) -> float | None:
    """What chance exceeds once in a hundred times, and what one Monday may differ from a year."""
    if usual is None:
        return None
    shares = then / then.sum()
    first = rng.multinomial(int(then.sum()), shares, RESAMPLES)
    second = rng.multinomial(rows, shares, RESAMPLES)
    chance = max(LIMIT_FLOOR, float(np.quantile(psi(first, second), 0.99)))
    return chance + usual


def _ks(then: np.ndarray, now: np.ndarray) -> float | None:
    """Largest gap of the cumulative shares; None where one side has no value at all."""
    if not then.sum() or not now.sum():
        return None
    return float(np.max(np.abs(np.cumsum(then) / then.sum() - np.cumsum(now) / now.sum())))
