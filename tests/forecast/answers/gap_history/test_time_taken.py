"""Open and taken time against a count of hours, whatever lies over what."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
from answer_facts import blocked, fleet_tables
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_fleet import trip

from turo.features.time import DAY, instant
from turo.forecast.answers.gap_history.base_rates import Covered
from turo.forecast.answers.gap_history.open_gaps import spaces
from turo.forecast.answers.gap_history.weekly_view import WeeklyView

NOW = datetime(2026, 11, 23)
HOUR = DAY // 24
SPANS = st.tuples(st.integers(0, 2), st.integers(-60, 300), st.integers(1, 200))  # vehicle, start, length


@given(st.lists(SPANS, max_size=12), SPANS)
def test_taken_days_are_those_of_the_union(
    rows: list[tuple[int, int, int]], asked: tuple[int, int, int]
) -> None:
    vehicle, start, length = (np.array([row[k] for row in rows], np.int64) for k in range(3))
    covered = Covered.of(vehicle, start * HOUR, (start + length) * HOUR)
    whose, begin, hours = asked
    window = (np.array([values], np.int64) for values in (whose, begin * HOUR, (begin + hours) * HOUR))
    taken = {hour for v, s, n in rows if v == whose for hour in range(s, s + n)}
    assert covered.days(*window)[0] * 24 == len(taken & set(range(begin, begin + hours)))


@settings(max_examples=40, deadline=None)
@given(st.lists(SPANS, min_size=1, max_size=8), st.lists(SPANS, max_size=3))
def test_open_and_taken_time_make_up_the_weeks(
    trips: list[tuple[int, int, int]], keeps: list[tuple[int, int, int]]
) -> None:
    def moments(start: int, length: int) -> tuple[str, str]:
        begin = NOW + timedelta(hours=start)
        return begin.isoformat(), (begin + timedelta(hours=length)).isoformat()

    rows = [
        trip(f"v{v}", *moments(s, n), (NOW - timedelta(days=20)).isoformat(), "booked") for v, s, n in trips
    ]
    own = blocked(*((f"v{v}", *moments(s, n), None) for v, s, n in keeps))
    tables = fleet_tables(rows, NOW.isoformat(), own)
    view = WeeklyView.of(tables, weeks=1)
    found = spaces(view, own)
    ids = view.vehicles.ids.to_list()
    for number, name in enumerate(ids):
        taken = {h for v, s, n in [*trips, *keeps] if f"v{v}" == name for h in range(s, s + n)}
        mine = found.filter(pl.col("vehicle") == number)
        opened = {
            hour
            for start, end in mine.select("start", "end").rows()
            for hour in range((start - instant(NOW)) // HOUR, (end - instant(NOW)) // HOUR)
        }
        assert opened == set(range(28 * 24)) - taken
