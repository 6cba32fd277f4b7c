"""What an answer is, and what all of them are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from turo.data.tables import Tables
from turo.forecast.answers.gap_history.gaps_now import GapsNow
from turo.forecast.draws.window import Window
from turo.forecast.horizon_tables import HorizonTable
from turo.forecast.live.track import Live

UNDATED_SHARE = 0.02  # of bookings or cancellations without a date; above it no week's number is known


@dataclass(frozen=True)
class Facts:
    """What is known when the report is made.

    Attributes:
        tables: the input as it is now, canonical.
        origin: the Monday from which all horizons run.
        main: the horizon in days that pictures and advice are about.
        forecasts, totals: columns of FORECASTS and TOTALS, all horizons of this origin.
        history: columns of FORECASTS, every forecast kept, this one too.
        history_totals: likewise of TOTALS.
        live: how right the last Mondays were.
        horizon_tables, windows: one a horizon, in the same order; rows to score and what made the forecast.
        past: of `turo.forecast.answers.past_year`, of the main horizon.
        gaps: what is open now, and the days for service in it.
        named: columns of `turo.forecast.advising.week_list.TYPES`: whom the forecasts' advice is about.
        folder: the data folder, for optional input such as costs.csv.
    """

    tables: Tables
    origin: date
    main: int
    forecasts: pl.DataFrame
    totals: pl.DataFrame
    history: pl.DataFrame
    history_totals: pl.DataFrame
    live: Live
    horizon_tables: Sequence[HorizonTable]
    windows: Sequence[Window]
    past: pl.DataFrame
    gaps: GapsNow
    named: pl.DataFrame
    folder: Path


@dataclass(frozen=True)
class Answer:
    """One section of the report.

    Attributes:
        key: name of its template, `html/answers/<key>.html`, and of its file, `report/<key>.csv`.
        rows: everything behind what is said; the file.
        view: what the template shows of it, beside `rows`.
        missing: sentences on what cannot be told from these files, and what would help.
    """

    key: str
    rows: pl.DataFrame
    view: Mapping[str, Any] = field(default_factory=dict)
    missing: Sequence[str] = ()
