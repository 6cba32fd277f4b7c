"""One self-contained page for a host: the answers of the week first, then what they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from turo.files import atomic_path
from turo.forecast.answers.answer import Answer
from turo.forecast.champions import Champion
from turo.forecast.flags import LOOKS_GONE
from turo.forecast.forecast_columns import CLASS
from turo.forecast.live.accuracy import summary
from turo.forecast.live.track import Live
from turo.forecast.report import pictures as svg
from turo.forecast.report.booked_weeks import LAST_YEAR, WEEKS, BookedWeeks
from turo.forecast.report.limits import limits, notices
from turo.forecast.report.live_mondays import live_mondays
from turo.forecast.report.skill import skill
from turo.html import render as html
from turo.table.targets import TARGET, bound

FILE = "report.html"
TEMPLATE = "report.html"
MOST_VEHICLES = 300  # drawn and listed; forecasts.csv has every one


@dataclass(frozen=True)
class Facts:
    """Everything the page shows.

    Attributes:
        forecasts: columns of FORECASTS, all horizons of one origin.
        totals: columns of TOTALS, of the same.
        accuracy: columns of ACCURACY; empty while no window is over.
        live: the same of the last Mondays, whoever forecast them.
        manifest: of the table that was scored.
        main: the horizon of the pictures and of the advice.
        notes: what else must be said, most urgent first.
        code_version: of what renders the page.
        track_record: the page of replayed Mondays beside this one; empty without.
        answers: sections with rows of their own, see turo.forecast.answers.
    """

    forecasts: pl.DataFrame
    totals: pl.DataFrame
    booked: BookedWeeks
    champions: Sequence[Champion]
    accuracy: pl.DataFrame
    manifest: dict[str, Any]
    main: int
    notes: Sequence[str] = field(default_factory=list)
    code_version: str = ""
    live: Live = field(default_factory=Live)
    track_record: str = ""
    answers: Sequence[Answer] = ()


def render(facts: Facts) -> str:
    """The page as HTML."""
    horizons = facts.forecasts["horizon_days"].unique().sort().to_list()
    here = facts.forecasts.filter(pl.col("flag").ne_missing(LOOKS_GONE))  # those are asked about, in no total
    by_horizon = {horizon: _ordered(here, horizon) for horizon in horizons}
    shown = by_horizon[facts.main].head(MOST_VEHICLES)
    labels = [_label(row) for row in shown.iter_rows(named=True)]
    order = [facts.booked.vehicles.index(vehicle) for vehicle in shown["vehicle_id"]]
    calendar = replace(facts.booked, by_vehicle=facts.booked.by_vehicle[order])
    target = facts.forecasts["target"][0]
    unit = TARGET[target].noun
    full = bound(target, facts.main) or _largest(shown)
    models = [{"champion": champion, **skill(champion.metrics)} for champion in facts.champions]
    judged = [
        (model["champion"].horizon_days, model["mae"], min(model["baselines"].values()))
        for model in models
        if model["mae"] is not None and model["baselines"]
    ]
    pictures = {
        "fleet": svg.fleet_weeks(facts.booked, facts.booked.past_first),
        "calendar": svg.calendar(calendar, labels),
        "bars": svg.bars(shown.to_dicts(), labels, full),
        "errors": svg.errors(judged, unit) if judged else "",
    }
    return html.render(
        TEMPLATE,
        origin=facts.booked.origin,
        manifest=facts.manifest,
        code_version=facts.code_version,
        made=facts.forecasts["created_at"].max(),
        main=facts.main,
        unit=unit,
        classes=_classes(facts.totals),
        pictures=pictures,
        tables={horizon: rows.head(MOST_VEHICLES).to_dicts() for horizon, rows in by_horizon.items()},
        vehicles=len(by_horizon[facts.main]),
        most=MOST_VEHICLES,
        models=models,
        accuracy=summary(facts.accuracy).to_dicts(),
        live=live_mondays(facts.live.summary, target),
        track_record=facts.track_record,
        answers=facts.answers,
        notices=[*facts.notes, *notices(facts.champions, facts.manifest)],
        limits=limits(facts.forecasts, facts.manifest),
        weeks=WEEKS,
        last_year_days=LAST_YEAR.days,
    )


def write(facts: Facts, path: Path) -> None:
    """Render into a file: the whole page or none."""
    page = render(facts)
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _ordered(forecasts: pl.DataFrame, horizon: int) -> pl.DataFrame:
    """Vehicles of one horizon: the few that the advice names first, and among them the emptiest."""
    rows = forecasts.filter(pl.col("horizon_days") == horizon)
    named = pl.col("advice").is_not_null()
    return rows.sort(
        named, "utilization", "mean", "vehicle_id", descending=[True, False, False, False], nulls_last=True
    )


def _largest(rows: pl.DataFrame) -> float:
    """The end of the scale where the target has no bound."""
    return max([1.0, *rows["high"].drop_nulls(), *rows["mean"], *rows["on_books"].drop_nulls()])


def _label(row: dict[str, Any]) -> str:
    return f"{row['vehicle'][:24]} {row['vehicle_id']}".strip()


def _classes(totals: pl.DataFrame) -> dict[int, list[dict[str, Any]]]:
    """Totals by horizon and class, where classes are known."""
    classes = totals.filter(level=CLASS).sort("horizon_days", "name")
    return {
        int(horizon): rows.to_dicts()
        for (horizon,), rows in classes.group_by(["horizon_days"], maintain_order=True)
    }
