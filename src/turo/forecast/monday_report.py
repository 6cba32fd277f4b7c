"""The report of a Monday: every answer, the page, and the folder of the rows behind it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from turo.forecast.answers.all_answers import all_answers
from turo.forecast.answers.answer import Facts
from turo.forecast.answers.vehicle_files import vehicle_files
from turo.forecast.champions import Champion
from turo.forecast.freshness import late
from turo.forecast.output import report_files, store
from turo.forecast.report import page
from turo.forecast.report.booked_weeks import booked_weeks
from turo.prepare import watched_inputs
from turo.settings import Settings
from turo.table.names import COSTS, TRACK_RECORD_PAGE


def write(
    settings: Settings,
    known: Facts,
    champions: Sequence[Champion],
    accuracy: pl.DataFrame,
    notes: Sequence[str],
) -> None:
    """Answer, and write page and rows; `made.json`, written last, says what belongs together.

    Args:
        champions: one a horizon, as `known.windows`.
        accuracy: columns of ACCURACY.
        notes: what else the page must say.
    """
    horizons = [champion.horizon_days for champion in champions]
    table = known.horizon_tables[horizons.index(known.main)]
    vehicles = known.forecasts["vehicle_id"].unique().sort().to_list()
    moment = known.forecasts["created_at"].max()
    assert isinstance(moment, datetime)  # noqa: S101 - a forecast has rows
    # Before it is read: one that is replaced meanwhile asks for another report.
    costs = watched_inputs.digests(known.folder, [COSTS]).get(COSTS, "")
    told = all_answers(known)
    facts = page.Facts(
        forecasts=known.forecasts,
        totals=known.totals,
        booked=booked_weeks(known.tables.reservations, vehicles, known.origin),
        champions=champions,
        accuracy=accuracy,
        live=known.live,
        manifest=table.manifest,
        code_version=settings.code_version,
        main=known.main,
        notes=[*notes, *late(known.origin, moment)],
        track_record=TRACK_RECORD_PAGE if (known.folder / TRACK_RECORD_PAGE).is_file() else "",
        answers=told,
    )
    page.write(facts, known.folder / page.FILE)
    about = {
        "origin": known.origin,
        "made": moment,
        "main": known.main,
        "snapshot": known.tables.snapshot,
        "code_version": settings.code_version,
        "data_digest": table.digest,
        "costs": costs,
    }
    behind = {answer.key: answer.rows for answer in told} | vehicle_files(known)
    report_files.write(known.folder, behind, about, beside=(store.CSV, store.TOTALS_CSV, page.FILE))
