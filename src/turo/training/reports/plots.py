"""Pictures of a backtest, as PNG files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from turo.models.spread import QUANTILE_NAMES, QUANTILES, TOLERANCE
from turo.training.evaluation.backtest import ACTUAL, PREDICTION, Backtest

SIZE = (8.0, 4.5)
SHOWN_FEATURES = 20


def draw(result: Backtest, importance: pl.DataFrame, name: str, unit: str, folder: Path) -> None:
    """Write forecast_vs_actual, error_by_week, error_by_class, interval_calibration and importance."""
    forecast_vs_actual(result, name, unit, folder / "forecast_vs_actual.png")
    if "origin_date" in result.holdout.columns:
        error_by_week(result, name, unit, folder / "error_by_week.png")
    if "class" in result.holdout.columns:
        error_by_class(result, name, unit, folder / "error_by_class.png")
    interval_calibration(result, name, folder / "interval_calibration.png")
    importance_bars(importance, name, folder / "importance.png")


@contextmanager
def _figure(path: Path, title: str, x: str, y: str) -> Iterator[Any]:
    import matplotlib.figure  # no pyplot: no global state, no display

    figure = matplotlib.figure.Figure(figsize=SIZE, layout="constrained")
    axes = figure.add_subplot(title=title, xlabel=x, ylabel=y)
    yield axes
    figure.savefig(path, dpi=110)


def forecast_vs_actual(result: Backtest, name: str, unit: str, path: Path) -> None:
    """Each hold-out row as a point; on the diagonal the forecast was right."""
    y, predicted = result.holdout[ACTUAL].to_numpy(), result.holdout[PREDICTION].to_numpy()
    with _figure(path, f"{name}: forecast against actual", f"forecast ({unit})", f"actual ({unit})") as axes:
        axes.scatter(predicted, y, s=6, alpha=0.3, linewidths=0)
        ends = [0.0, float(max(y.max(), predicted.max()))]
        axes.plot(ends, ends, color="black", linewidth=1)


def error_by_week(result: Backtest, name: str, unit: str, path: Path) -> None:
    """Mean absolute error by hold-out week: how it grows with distance from the last row trained on."""
    groups = _errors(result).group_by("origin_date").mean().sort("origin_date")
    with _figure(path, f"{name}: error by hold-out week", "origin", f"mean absolute error ({unit})") as axes:
        for column in groups.columns[1:]:
            axes.plot(groups["origin_date"].to_list(), groups[column].to_list(), marker="o", label=column)
        axes.legend()
        axes.tick_params(axis="x", rotation=30)


def error_by_horizon(errors: Mapping[str, Mapping[int, float]], metric: str, unit: str, path: Path) -> None:
    """One line a forecaster over the days of the horizon; a single horizon is a column of points."""
    with _figure(path, "Error by horizon", "horizon (days)", f"{metric.upper()} ({unit})") as axes:
        for title, by_days in errors.items():
            days = sorted(by_days)
            axes.plot(days, [by_days[day] for day in days], marker="o", label=title)
        axes.legend()


def error_by_class(result: Backtest, name: str, unit: str, path: Path) -> None:
    """Mean absolute error by vehicle class."""
    errors = _errors(result).with_columns(result.holdout["class"].fill_null("unknown"))
    shown = [column for column in ("model", "on the books") if column in errors.columns]
    groups = errors.group_by("class").agg(pl.col(shown).mean()).sort("class")
    places, width = np.arange(len(groups)), 0.8 / len(shown)
    with _figure(path, f"{name}: error by class", "class", f"mean absolute error ({unit})") as axes:
        for number, column in enumerate(shown):
            offset = (number - (len(shown) - 1) / 2) * width
            axes.bar(places + offset, groups[column].to_list(), width, label=column)
        axes.set_xticks(places, groups["class"].to_list())
        axes.legend()


def interval_calibration(result: Backtest, name: str, path: Path) -> None:
    """Share of hold-out rows that came out no higher than each quantile; atoms lie above the line."""
    y = result.holdout[ACTUAL].to_numpy()
    known = [result.holdout[quantile].to_numpy() + TOLERANCE for quantile in QUANTILE_NAMES]
    measured = [float((y <= quantile).mean()) for quantile in known]
    with _figure(path, f"{name}: calibration of the quantiles", "quantile", "came out no higher") as axes:
        axes.plot(QUANTILES, measured, marker="o")
        axes.plot([0.0, 1.0], [0.0, 1.0], color="black", linewidth=1)


def importance_bars(importance: pl.DataFrame, name: str, path: Path) -> None:
    """The features whose shuffling costs most."""
    top = importance.head(SHOWN_FEATURES).reverse()
    with _figure(path, f"{name}: permutation importance", "error added by shuffling", "") as axes:
        axes.barh(top["feature"].to_list(), top["importance"].to_list())
        axes.tick_params(axis="y", labelsize=7)


def _errors(result: Backtest) -> pl.DataFrame:
    y = pl.col(ACTUAL)
    columns = [(y - pl.col(PREDICTION)).abs().alias("model")]
    if "baseline_on_the_books" in result.holdout.columns:
        columns.append((y - pl.col("baseline_on_the_books")).abs().alias("on the books"))
    return result.holdout.select(
        *(["origin_date"] if "origin_date" in result.holdout.columns else []), *columns
    )
