"""Scores of the hold-out by class of vehicle, and by how much of the window was booked when it was forecast.

The forecasts of a run all look equally far ahead, so what lead time does to them shows in the books: a
vehicle whose window is nearly booked has little left to be wrong about, one without a booking has it all.
Thirds of the window, not of the rows, so that groups mean the same in every run.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from turo.models.distribution import within
from turo.table.names import VEHICLE
from turo.table.targets import BOOKED_DAYS, on_the_books
from turo.training.evaluation.metrics import ratio

FILE = "scores_by_group.csv"
CLASS, BOOKS, ALL = "class", "on_the_books", "all"
FEW_VEHICLES = 10  # rows of one vehicle are much alike: below, a group's figures are mostly chance
UNKNOWN = "unknown"
THIRDS = ("nothing", "up to 1/3 of the days", "up to 2/3 of the days", "over 2/3 of the days")


def by_group(holdout: pl.DataFrame, horizon_days: int) -> pl.DataFrame:
    """group, name, rows, vehicles, few, coverage (of the 80 % interval), mae, crps, total_bias (a share).

    Args:
        holdout: see Backtest. Groups it has no column for are left out.
    """
    y, low, high = (holdout[name].to_numpy() for name in ("y", "low", "high"))
    measured = holdout.with_columns(
        pl.Series("inside", within(y, low, high)),
        (pl.col("prediction") - pl.col("y")).abs().alias("error"),
        pl.lit(ALL).alias("everything"),
    )
    found = [_scores(measured, ALL, "everything")]
    if CLASS in holdout.columns:
        named = measured.with_columns(pl.col(CLASS).cast(pl.String).fill_null(UNKNOWN))
        found.append(_scores(named, CLASS, CLASS))
    books = on_the_books(BOOKED_DAYS, holdout.columns)
    if books in holdout.columns and horizon_days:
        booked = holdout[books].cast(pl.Float64).fill_null(0.0).fill_nan(0.0).to_numpy()
        third = np.where(booked <= 0, 0, np.clip(np.ceil(booked / horizon_days * 3), 1, 3)).astype(int)
        found.append(_scores(measured.with_columns(pl.Series("third", third)), BOOKS, "third"))
    return pl.concat(found)


def figures(found: pl.DataFrame) -> dict[str, float]:
    """The least and the largest coverage among groups that are not few."""
    groups = found.filter(pl.col("group") != ALL, ~pl.col("few"))
    if groups.is_empty():
        return {}
    coverage = groups["coverage"].to_numpy()
    return {"group_coverage_min": float(coverage.min()), "group_coverage_max": float(coverage.max())}


def markdown(found: pl.DataFrame) -> str:
    """A table for the model card; groups that are mostly chance say so."""
    lines = ["| group | rows | vehicles | coverage | mae | crps | total |", "|---|---|---|---|---|---|---|"]
    for line in found.iter_rows(named=True):
        title = {ALL: "all", CLASS: "class {}", BOOKS: "on the books: {}"}[line["group"]].format(line["name"])
        few = " (few)" if line["few"] else ""
        bias = "" if line["total_bias"] is None else f"{line['total_bias']:+.1%}"
        lines.append(
            f"| {title} | {line['rows']} | {line['vehicles']}{few} | {line['coverage']:.1%} | "
            f"{line['mae']:.3f} | {line['crps']:.3f} | {bias} |"
        )
    return "\n".join(lines) + "\n"


def _scores(measured: pl.DataFrame, group: str, column: str) -> pl.DataFrame:
    lines = []
    for (name,), part in measured.sort(column, maintain_order=True).group_by(column, maintain_order=True):
        bias = ratio(float(part["mean"].sum()), float(part["y"].sum())) - 1
        vehicles = part[VEHICLE].n_unique()
        lines.append(
            {
                "group": group,
                "name": THIRDS[int(str(name))] if group == BOOKS else str(name),
                "rows": len(part),
                "vehicles": vehicles,
                "few": vehicles < FEW_VEHICLES,
                "coverage": part["inside"].to_numpy().mean(),
                "mae": part["error"].to_numpy().mean(),
                "crps": part["crps"].to_numpy().mean(),
                "total_bias": bias if np.isfinite(bias) else None,
            }
        )
    return pl.DataFrame(lines, schema_overrides={"total_bias": pl.Float64})
