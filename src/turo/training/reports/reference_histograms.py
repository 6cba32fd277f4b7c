"""Histograms of the training rows: what live requests are compared with to notice drift.

Requests are about one Monday, the training rows about a year of them, and one Monday differs from a year by
season and growth alone. Hence the reference also says how far single Mondays of the past lay from the year
before them: that much is no drift.

What is expected to be still booked (`…_alive`), and to be kept (`…_kept`), is whole trips at the newest
Monday, which requests are about, and parts of them at every earlier one: no Monday of the past tells how far
it may lie. What is on the books is judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from turo.models.encoding import Columns, Field
from turo.table.targets import ALIVE, KEPT
from turo.training.reports.stability_index import SCHEMA, psi

BINS = 10
WEEKS = 52  # a whole year, so that no season is missing
LEAST_POOL, LEAST_SINGLE = 26, 13  # weeks with rows; fewer do not tell what is usual
BETWEEN_TRAININGS = 4  # weeks that a model may serve on before it is trained again
MOST_ROWS = 200_000  # more vehicles would not make the histograms better


@dataclass(frozen=True)
class Weeks:
    """When rows were: their week (rows,), 0 = the oldest, and how far behind its year an origin lies."""

    of_row: np.ndarray
    gap: int

    @property
    def count(self) -> int:
        """Number of weeks from the oldest row to the newest."""
        return int(self.of_row.max()) + 1

    @property
    def pooled(self) -> np.ndarray:
        """(rows,) whether a row is of the newest year, which is the reference itself."""
        return np.asarray(self.of_row > self.of_row.max() - WEEKS)


def weeks_of(rows: pl.DataFrame, horizon_days: int) -> Weeks | None:
    """The weeks of prepared rows; None where they have no dates."""
    if "origin_date" not in rows.columns:
        return None
    origins = rows["origin_date"].to_numpy().astype("datetime64[D]").astype(np.int64)
    return Weeks((origins - origins.min()) // 7, -(-horizon_days // 7) + BETWEEN_TRAININGS)


def reference_rows(rows: pl.DataFrame, horizon_days: int) -> np.ndarray:
    """Row numbers of the newest two years of origins, of some of the vehicles where there are very many."""
    weeks = weeks_of(rows, horizon_days)
    if weeks is None:
        return np.arange(len(rows))
    chosen = weeks.of_row > weeks.of_row.max() - 2 * WEEKS - weeks.gap
    if (share := MOST_ROWS / int(chosen.sum())) < 1:
        numbers = rows["vehicle_id"].rank("dense").to_numpy()
        chosen &= np.random.default_rng(0).random(int(numbers.max()) + 1)[numbers] < share
    return np.flatnonzero(chosen)


def histograms(
    fields: tuple[Field, ...], columns: Columns, predicted: np.ndarray, weeks: Weeks | None = None
) -> dict[str, Any]:
    """Plain values for a JSON file.

    Returns:
        rows; numbers: {name: {edges, counts, missing, single}} where value v belongs to bin
        `searchsorted(edges, v, side="right")` (edges are inner quantile borders, one fewer than counts);
        categories: {name: {counts: {value: n}, missing, single}}; prediction: like a number. All of them
        count the newest year. `single` is the PSI of each past week against the year before it: empty without
        dates, null where the past cannot tell.
    """
    pooled = weeks.pooled if weeks else np.ones(len(predicted), dtype=bool)
    numbers = {f.name: columns[f.name] for f in fields if f.kind == "number"}
    return {
        "schema": SCHEMA,
        "rows": int(pooled.sum()),
        "numbers": {
            name: _number(values, pooled, weeks) | ({"single": None} if name.endswith((ALIVE, KEPT)) else {})
            for name, values in numbers.items()
        },
        "categories": {
            f.name: _category(columns[f.name], pooled, weeks) for f in fields if f.kind == "category"
        },
        "prediction": _number(predicted, pooled, weeks),
    }


def _number(values: np.ndarray, pooled: np.ndarray, weeks: Weeks | None) -> dict[str, Any]:
    """Bins of about equal size in the pool; many equal values share a bin, so there may be fewer than ten."""
    known = values[pooled & np.isfinite(values)]
    edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS)) if known.size else np.empty(0)
    missing = len(edges) + 1
    places = np.where(np.isfinite(values), np.searchsorted(edges, values, side="right"), missing)
    *counts, gaps = np.bincount(places[pooled], minlength=missing + 1).tolist()
    single = _single(places, missing + 1, weeks)
    return {"edges": edges.tolist(), "counts": counts, "missing": gaps, "single": single}


def _category(values: np.ndarray, pooled: np.ndarray, weeks: Weeks | None) -> dict[str, Any]:
    names = sorted({value for value in values[pooled].tolist() if value is not None})
    place = {name: index for index, name in enumerate(names)}
    unseen, missing = len(names), len(names) + 1
    places = np.array([missing if v is None else place.get(v, unseen) for v in values.tolist()])
    counts = np.bincount(places[pooled], minlength=missing + 1).tolist()
    single = _single(places, missing + 1, weeks)
    return {"counts": dict(zip(names, counts, strict=False)), "missing": counts[missing], "single": single}


def _single(places: np.ndarray, bins: int, weeks: Weeks | None) -> list[float] | None:
    """PSI of each week's rows against the year that ended `gap` weeks before, as a model would meet them."""
    if weeks is None:
        return []
    counts = np.bincount(weeks.of_row * bins + places, minlength=weeks.count * bins).reshape(-1, bins)
    found = []
    for week in range(weeks.gap + LEAST_POOL, weeks.count):
        pool = counts[max(0, week - weeks.gap - WEEKS + 1) : week - weeks.gap + 1]
        if counts[week].any() and np.count_nonzero(pool.any(axis=1)) >= LEAST_POOL:
            found.append(round(float(psi(pool.sum(axis=0), counts[week])), 4))
    return found[-WEEKS:] if len(found) >= LEAST_SINGLE else None
