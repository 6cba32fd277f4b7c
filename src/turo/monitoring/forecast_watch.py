"""How right the forecasts were, from the files of the newest one: gauges that outlive its run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from turo.forecast.forecast_columns import FORECASTS, LIVE, Types, with_columns
from turo.forecast.output import store
from turo.monitoring.statsd import Sample

FIGURES = (
    "mondays",
    "coverage",
    "bias",
    "mae",
    "best_baseline_mae",
    "behind_baseline",
    "total_bias",
    "total_coverage",
    "total_mondays",
    "recent_coverage",
    "recent_mondays",
    "recent_vehicles",
)
LAST = "last_monday_timestamp_seconds"  # its midnight in UTC, seconds since 1970
LABELS = ("target", "horizon_days")
Tell = Callable[[pl.DataFrame], list[Sample]]
Stamp = tuple[int, int]  # of a file: when it was changed (ns), its bytes

logger = logging.getLogger(__name__)


@dataclass
class ForecastWatch:
    """Reads the forecast's files again whenever they were replaced; without them there are no gauges.

    A file that cannot be read tells nothing and is tried again at every call; each problem is logged once.
    """

    data_dir: str
    _seen: dict[str, tuple[Stamp, list[Sample]]] = field(default_factory=dict)
    _problems: dict[str, str] = field(default_factory=dict)

    def samples(self) -> list[Sample]:
        """Gauges by target, horizon and model: `all` is the forecast made last of each Monday."""
        return self._of(store.LIVE_CSV, LIVE, _figures) + self._of(store.CSV, FORECASTS, _made)

    def _of(self, name: str, types: Types, tell: Tell) -> list[Sample]:
        path = Path(self.data_dir) / name
        try:
            facts = path.stat()
            stamp = facts.st_mtime_ns, facts.st_size
            if name not in self._seen or self._seen[name][0] != stamp:
                self._seen[name] = stamp, tell(_read(path, types))
        except FileNotFoundError:
            self._forget(name, "")
        except (pl.exceptions.PolarsError, OSError) as error:
            self._forget(name, f"{path} cannot be read, so its gauges are missing: {error}")
        else:
            self._problems.pop(name, None)
        return self._seen[name][1] if name in self._seen else []

    def _forget(self, name: str, problem: str) -> None:
        """Drop what a file told; say why unless that was said last time or nothing is wrong."""
        self._seen.pop(name, None)
        if problem and problem != self._problems.get(name):
            logger.warning(problem)
        self._problems[name] = problem


def _read(path: Path, types: Types) -> pl.DataFrame:
    table = pl.read_csv(path, schema_overrides=types)
    if lacking := [name for name in LABELS if name not in table.columns]:
        raise pl.exceptions.ColumnNotFoundError(f"no column {', '.join(lacking)}")
    return with_columns(table, types)


def _figures(live: pl.DataFrame) -> list[Sample]:
    # Without their newest Monday the figures of forecasts that stopped would look like those of today.
    last = pl.col("last").cast(pl.Datetime).dt.epoch("s").alias(LAST)
    return [
        Sample(f"forecast_{name}", float(row[name]), labels)
        for row in live.with_columns(last).drop_nulls([*LABELS, "model"]).iter_rows(named=True)
        for labels in [_labels(row) | {"model": row["model"]}]
        for name in (*FIGURES, LAST)
        if row[name] is not None
    ]


def _made(forecasts: pl.DataFrame) -> list[Sample]:
    newest = forecasts.group_by(LABELS).agg(pl.col("created_at").max()).drop_nulls()
    return [
        Sample("forecast_made_timestamp_seconds", _seconds(row["created_at"]), _labels(row))
        for row in newest.sort(LABELS).iter_rows(named=True)
    ]


def _labels(row: dict[str, Any]) -> dict[str, str]:
    return {name: str(row[name]) for name in LABELS}


def _seconds(moment: datetime) -> float:
    return moment.replace(tzinfo=UTC).timestamp()
