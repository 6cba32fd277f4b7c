"""A trip earnings export dates neither bookings nor cancellations: what is told, and what is said of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from answer_facts import facts
from export_factory import Fleet, write

from turo import settings
from turo.data.load import load_tables
from turo.data.tables import Tables
from turo.forecast.answers import at_risk, gaps

NOW = datetime(2026, 2, 2)
FLEET = Fleet(vehicles=20, days=420)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    folder: Path = tmp_path_factory.mktemp("export")
    write(folder, FLEET.rows(NOW))
    return load_tables(settings.load(data_dir=str(folder), as_of=NOW.date().isoformat()))


def test_gaps_lie_between_the_trips_it_shows_and_chances_are_told(tables: Tables) -> None:
    answer = gaps.answer(facts(tables))
    booked = [
        (start, end)
        for _, vehicle, made, start, end, cancelled in FLEET.bookings
        if vehicle == 3 and made <= NOW < end and not (cancelled and cancelled <= NOW)
    ]
    mine = answer.rows.filter(vehicle_id="1000003")
    assert len(mine)
    for start, end in mine.select("start", "end").rows():
        assert all(until <= start or begin >= end for begin, until in booked)
    assert answer.rows["chance"].count() > 0
    assert answer.rows.filter(pl.col("cases") < 20)["chance"].count() == 0
    assert any("Some cancellations have no date" in text for text in answer.missing)


def test_what_is_at_risk_are_the_bookings_it_shows_as_booked(tables: Tables) -> None:
    answer = at_risk.answer(facts(tables))
    waiting = [
        (end - start) / timedelta(days=1)
        for _, _, made, start, end, cancelled in FLEET.bookings
        if made <= NOW and start > tables.snapshot and not (cancelled and cancelled <= NOW)
    ]
    assert answer.rows["bookings"].sum() == len(waiting)
    assert answer.rows["days"].sum() == pytest.approx(sum(waiting))
    lost = answer.rows["expected_days_lost"].sum()
    assert 0 < lost < 0.25 * sum(waiting)  # a fifth of all bookings is cancelled, some of them by now
    assert any("have no date" in text for text in answer.missing)


def test_its_calibration_says_what_past_books_hold(tables: Tables) -> None:
    answer = at_risk.calibration(facts(tables))
    assert len(answer.rows) == 10
    assert any("had been cancelled by then" in text for text in answer.missing)
