"""Histograms of the training rows: what live requests are compared with to notice drift."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from turo.models.encoding import Columns, Field

BINS = 10
WEEKS = 52  # a whole year, so that the season alone is not taken for drift


def recent_rows(rows: pl.DataFrame) -> np.ndarray:
    """Row numbers of the last year of origins; all rows where there are no dates."""
    if "origin_date" not in rows.columns:
        return np.arange(len(rows))
    origins = rows["origin_date"].to_numpy().astype("datetime64[D]")
    return np.flatnonzero(origins > origins.max() - np.timedelta64(7 * WEEKS, "D"))


def histograms(fields: tuple[Field, ...], columns: Columns, predicted: np.ndarray) -> dict[str, Any]:
    """Plain values for a JSON file.

    Returns:
        rows; numbers: {name: {edges, counts, missing}} where value v belongs to bin
        `searchsorted(edges, v, side="right")` (edges are inner quantile borders, one fewer than counts);
        categories: {name: {counts: {value: n}, missing}}; prediction: like a number.
    """
    return {
        "schema": 1,
        "rows": len(predicted),
        "numbers": {f.name: histogram(columns[f.name]) for f in fields if f.kind == "number"},
        "categories": {f.name: _counts(columns[f.name]) for f in fields if f.kind == "category"},
        "prediction": histogram(predicted),
    }


def histogram(values: np.ndarray) -> dict[str, Any]:
    """Counts in bins of about equal size; many equal values share a bin, so there may be fewer than ten."""
    known = values[np.isfinite(values)]
    edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS)) if known.size else np.empty(0)
    counts = np.bincount(np.searchsorted(edges, known, side="right"), minlength=len(edges) + 1)
    return {"edges": edges.tolist(), "counts": counts.tolist(), "missing": int(values.size - known.size)}


def _counts(values: np.ndarray) -> dict[str, Any]:
    known = [value for value in values.tolist() if value is not None]
    names, counts = np.unique(np.array(known, dtype=str), return_counts=True)
    return {
        "counts": dict(zip(names.tolist(), counts.tolist(), strict=True)),
        "missing": len(values) - len(known),
    }
