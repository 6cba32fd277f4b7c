"""Hold the kept forecasts of the last 13 Mondays against what came true; two files tell it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from turo.data.tables import Tables
from turo.forecast.forecast_columns import ALL_MODELS, LIVE, MONDAYS
from turo.forecast.horizon_tables import HorizonTable, data_folder
from turo.forecast.live import accuracy, baselines_then, judged_forecasts
from turo.forecast.live.fleet_books import FleetBooks
from turo.forecast.live.judged_forecasts import JUDGED, RECENT_MONDAYS, WINDOW
from turo.forecast.live.mondays import fleet_mondays, totals_of
from turo.forecast.live.quantile_scores import scores
from turo.forecast.output import store
from turo.models.spread import TOLERANCE
from turo.settings import Settings

logger = logging.getLogger(__name__)

INSIDE = pl.col("actual").is_between(pl.col("low") - TOLERANCE, pl.col("high") + TOLERANCE)
PARTS = ("volume", "lead_time", "cancellation")


@dataclass(frozen=True)
class Live:
    """How right the forecasts of the last Mondays were.

    Attributes:
        summary: columns of LIVE.
        mondays: columns of MONDAYS.
        problems: what must be said of kept files that could not be used.
    """

    summary: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LIVE))
    mondays: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=MONDAYS))
    problems: list[str] = field(default_factory=list)


def record(settings: Settings, tables: Sequence[HorizonTable], source: Tables, totals: pl.DataFrame) -> Live:
    """Keep the totals just made, judge what was kept before, and write both files."""
    folder = data_folder(settings)
    store.append_totals(totals, folder)
    kept = store.read_kept(folder)
    for problem in kept.problems:
        logger.warning("%s", problem)
    live = judge(kept, accuracy.all_tables(settings, tables, kept.forecasts), source)
    store.write_csv(live.summary, folder / store.LIVE_CSV)
    store.write_csv(live.mondays, folder / store.MONDAYS_CSV)
    return live


def judge(kept: store.Kept, tables: Sequence[HorizonTable], source: Tables) -> Live:
    """Compare the kept forecasts with what the tables say came true.

    Args:
        tables: one a horizon; forecasts of other horizons are not judged.
        source: the input as it is now, from which booking dates are taken.
    """
    pairs = judged_forecasts.made_last(kept.forecasts, tables)
    if pairs.is_empty():
        return Live(problems=kept.problems)
    together = judged_forecasts.of_all_models(pairs)
    mondays = fleet_mondays(together, kept.totals, FleetBooks(source))
    by_model = _with_baselines(judged_forecasts.by_model(pairs), tables)
    found = [
        _line(str(model), rows, totals_of(rows, kept.totals), mondays)
        for (_, _, model), rows in by_model.group_by(["target", "horizon_days", JUDGED], maintain_order=True)
    ]
    summary = pl.DataFrame(found, schema=LIVE)
    together_first = ("target", "horizon_days", pl.col("model") != ALL_MODELS, "model")
    return Live(summary.sort(together_first), mondays, kept.problems)


def _with_baselines(rows: pl.DataFrame, tables: Sequence[HorizonTable]) -> pl.DataFrame:
    parts = [rows.clear()]
    for (target, horizon), judged in rows.group_by(["target", "horizon_days"], maintain_order=True):
        table = next(table for table in tables if table.horizon_days == horizon)
        origins = judged["origin_date"].unique().sort().to_list()
        said = baselines_then.said(table, str(target), origins)
        parts.append(judged.join(said, ["vehicle_id", "origin_date"], how="left", maintain_order="left"))
    return pl.concat(parts, how="diagonal_relaxed")


def _line(model: str, rows: pl.DataFrame, totals: pl.DataFrame, mondays: pl.DataFrame) -> dict[str, Any]:
    """One row of LIVE."""
    last, first = rows["origin_date"].max(), rows["origin_date"].min()
    key, baseline_mae = baselines_then.best(rows)
    recent = judged_forecasts.newest_mondays(rows, RECENT_MONDAYS)
    measured: dict[str, Any] = rows.select(
        INSIDE.mean().alias("coverage"),
        (pl.col("mean") - pl.col("actual")).mean().alias("bias"),
        (pl.col("median") - pl.col("actual")).abs().mean().alias("mae"),
        (pl.col("on_books") - pl.col("actual")).abs().mean().alias("on_books_mae"),
    ).row(0, named=True)
    return {
        "target": rows["target"][0],
        "horizon_days": rows["horizon_days"][0],
        "model": model,
        "last": last,
        "first": first,
        "mondays": rows["origin_date"].n_unique(),
        "rows": len(rows),
        **measured,
        "best_baseline": key,
        "best_baseline_mae": baseline_mae,
        "behind_baseline": baselines_then.behind(rows, key),
        **scores(rows),
        **_of_totals(totals),
        "recent_coverage": recent.select(INSIDE.mean()).item(),
        "recent_mondays": recent["origin_date"].n_unique(),
        "recent_vehicles": recent["vehicle_id"].n_unique(),
        **_of_splits(totals, mondays),
    }


def _of_totals(totals: pl.DataFrame) -> dict[str, Any]:
    known = totals.drop_nulls(["forecast", "actual"])
    ranged = totals.drop_nulls(["q10", "q90"])
    near = TOLERANCE * pl.col("vehicles")
    inside = ranged.select(pl.col("actual").is_between(pl.col("q10") - near, pl.col("q90") + near).mean())
    actual = float(known["actual"].sum())
    return {
        "total_bias": float(known["forecast"].sum()) / actual - 1 if actual > 0 else None,
        "total_coverage": inside.item(),
        "total_mondays": len(ranged),
    }


def _of_splits(totals: pl.DataFrame, mondays: pl.DataFrame) -> dict[str, Any]:
    """Mean parts of the Mondays whose forecast made last is this one."""
    mine = mondays.join(totals, [*WINDOW, "model", "version"], how="semi").sort("origin_date")
    known = mine.drop_nulls(list(PARTS))
    reasons = mine["not_split"].drop_nulls()
    return {
        **{name: known[name].mean() for name in ("error", *PARTS)},
        "split_mondays": len(known),
        "not_split": reasons[-1] if len(reasons) else None,
    }
