"""What answers are made of, for fleets written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import polars as pl

from turo.data.tables import BLOCKS, REJECTED, VEHICLES, Tables, empty
from turo.forecast.advising.week_list import TYPES
from turo.forecast.answers.answer import Facts
from turo.forecast.answers.gap_history.gaps_now import GapsNow
from turo.forecast.forecast_columns import FORECASTS, TOTALS
from turo.forecast.live.track import Live
from turo.html.render import environment

MONDAY = date(2026, 11, 23)


def tables(
    reservations: pl.DataFrame, vehicles: pl.DataFrame | None = None, blocks: pl.DataFrame | None = None
) -> Tables:
    """Canonical input as of the day after `MONDAY`; columns that vehicles lack are null."""
    lines = pl.concat([empty(VEHICLES), pl.DataFrame() if vehicles is None else vehicles], how="diagonal")
    return Tables("canonical", reservations, lines, blocks, datetime(2026, 11, 24), empty(REJECTED))


def blocked(*days: tuple[str, str, str]) -> pl.DataFrame:
    """Blocks of (vehicle_id, start, end)."""
    rows = [(name, *map(datetime.fromisoformat, span), None) for name, *span in days]
    return pl.DataFrame(rows, schema=BLOCKS, orient="row")


def facts(source: Tables, folder: Path, gone: Sequence[str] = (), origin: date = MONDAY) -> Facts:
    """Every vehicle is forecast; those of `gone` look so."""
    ids = sorted({*source.reservations["vehicle_id"], *source.vehicles["vehicle_id"]})
    marked = ["looks_gone" if name in gone else "on_plan" for name in ids]
    forecasts = pl.DataFrame({"vehicle_id": ids, "flag": marked})
    return Facts(
        tables=source,
        origin=origin,
        main=28,
        forecasts=pl.concat([pl.DataFrame(schema=FORECASTS), forecasts], how="diagonal"),
        totals=pl.DataFrame(schema=TOTALS),
        history=pl.DataFrame(schema=FORECASTS),
        history_totals=pl.DataFrame(schema=TOTALS),
        live=Live(),
        horizon_tables=(),
        windows=(),
        past=pl.DataFrame(),
        gaps=GapsNow(pl.DataFrame(), 0, 0, 0, guessed=False, stated=False),
        named=pl.DataFrame(schema=TYPES),
        folder=folder,
    )


def section(key: str, answer: object) -> str:
    """The section of the report that shows an answer."""
    return environment().get_template(f"answers/{key}.html").render(answer=answer)
