"""Trips that overlap, as pieces that do not: held against every moment one by one."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turo.forecast.answers.earnings.single_days import single_days

TYPES = {"vehicle_id": pl.String, "start": pl.Int64, "end": pl.Int64, "money": pl.Float64}
Trip = tuple[str, int, int, float | None]
MONEY = st.none() | st.floats(0, 1000)


@given(st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 12), st.integers(1, 5), MONEY), max_size=8))
@settings(max_examples=60, deadline=None)
def test_every_moment_has_the_mean_of_the_amounts_that_are_known(trips: list[Trip]) -> None:
    rows = [(name, start, start + length, money) for name, start, length, money in trips]
    pieces = single_days(pl.DataFrame(rows, schema=TYPES, orient="row")).rows()
    for vehicle in "AB":
        for moment in range(18):
            there = [
                None if money is None else money / (end - start)
                for name, start, end, money in rows
                if name == vehicle and start <= moment < end
            ]
            found = [
                None if money is None else money / (end - start)
                for name, start, end, money in pieces
                if name == vehicle and start <= moment < end
            ]
            known = [rate for rate in there if rate is not None]
            mean = sum(known) / len(known) if known else None
            assert len(found) == bool(there)
            assert not there or found[0] == (mean if mean is None else pytest.approx(mean, abs=1e-9))
