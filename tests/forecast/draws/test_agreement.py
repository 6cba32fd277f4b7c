"""Whatever a fleet looks like, its numbers agree with each other, draw by draw."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from hand_fleet import ORIGIN, make_ranged_champion, weeks
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from turo.forecast.champions import Champion
from turo.forecast.draws.fleet_draws import Draws, draw, statistics
from turo.forecast.draws.totals import totals
from turo.forecast.draws.window import Window
from turo.forecast.listed_vehicles import describe
from turo.forecast.score import Stamp, score

HORIZONS = (1, 7, 28, 90, 365)
STAMP = Stamp("exact", "digest", datetime(2026, 11, 24, 6))
NO_TRIPS = pl.DataFrame(
    schema={"vehicle_id": pl.String, "start": pl.Datetime("us"), "end": pl.Datetime("us")}
)

BEGIN = datetime(ORIGIN.year, ORIGIN.month, ORIGIN.day)
ADDED = ((0.0,), (-0.3, 0.0, 0.1), (-1.0, -0.1, 0.0, 1.0))  # shares of the window that come to the books
PAST = (None, weeks(5), weeks(20), weeks(20, vehicles=1))  # nothing, too little, enough, of one vehicle

vehicle = st.fixed_dictionaries({
    "class": st.sampled_from(["car", "suv", None]),
    "books": st.integers(0, 10),  # tenths of the window
    "leaves": st.sampled_from([None, None, 3, 14, 200]),  # days after the origin
    "blocked": st.sampled_from([0, 0, 5, 400]),  # days from the origin on
    "gone": st.sampled_from([False, False, False, True]),
    "price": st.sampled_from([None, 50.0]),
    "unknown_to": st.sampled_from([None, None, *HORIZONS]),  # a horizon whose table lacks it
})  # fmt: skip
fleets = st.lists(vehicle, min_size=1, max_size=6)
shape = st.tuples(st.sampled_from(ADDED), st.integers(0, len(PAST) - 1))
shapes = st.dictionaries(st.sampled_from(HORIZONS), shape, min_size=1)


@cache
def champion(horizon: int, added: tuple[float, ...], past: int) -> Champion:
    return make_ranged_champion(horizon, tuple(share * horizon for share in added), PAST[past])


def window_of(fleet: list[dict[str, Any]], horizon: int, added: tuple[float, ...], past: int) -> Window:
    """What one horizon is forecast from, as `forecast_fleet` puts it together."""
    here = [(f"V{number}", line) for number, line in enumerate(fleet) if line["unknown_to"] != horizon]
    ids = [name for name, _ in here]
    text = {"vehicle_id": pl.String, "class": pl.String, "base_price_day": pl.Float64}
    rows = pl.DataFrame(
        {
            "vehicle_id": ids,
            "origin_date": [ORIGIN] * len(here),
            "class": [line["class"] for _, line in here],
            "otb_days": [line["books"] * horizon / 10 for _, line in here],
            "otb_trips": [1.0] * len(here),
            "base_price_day": [line["price"] for _, line in here],
            "mean_trip_days": [4.0] * len(here),
            "looks_gone": [int(line["gone"]) for _, line in here],
        },
        schema_overrides=text,
    )
    listed = [None if line["leaves"] is None else ORIGIN + timedelta(line["leaves"]) for _, line in here]
    vehicles = pl.DataFrame(
        {"vehicle_id": ids, "listed_to": listed}, schema={"vehicle_id": pl.String, "listed_to": pl.Date}
    ).with_columns(
        *(pl.lit(None, pl.String).alias(name) for name in ("make", "model")),
        pl.lit(None, pl.Date).alias("valid_from"),
        pl.lit(None, pl.Int64).alias("year"),
    )
    blocked = [(name, BEGIN + timedelta(line["blocked"])) for name, line in here if line["blocked"]]
    blocks = pl.DataFrame(
        {
            "vehicle_id": [name for name, _ in blocked],
            "start": [BEGIN] * len(blocked),
            "end": [end for _, end in blocked],
            "created_at": [None] * len(blocked),
        },
        schema={"vehicle_id": pl.String, **dict.fromkeys(("start", "end", "created_at"), pl.Datetime("us"))},
    )
    described = describe(rows, vehicles, blocks, NO_TRIPS, horizon)
    return Window(rows, champion(horizon, added, past), described)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(fleet=fleets, shapes=shapes)
def test_all_numbers_agree(
    fleet: list[dict[str, Any]], shapes: dict[int, tuple[tuple[float, ...], int]]
) -> None:
    known = [days for days in shapes if any(line["unknown_to"] != days for line in fleet)]
    assume(known)
    windows = [window_of(fleet, days, *shapes[days]) for days in known]
    draws = draw(windows, 28)
    check_windows(draws)
    for window in windows:
        check_vehicles(window, draws)
    check_totals(windows, draws)


def check_windows(draws: Draws) -> None:
    """A window holds the shorter ones, and no draw has less than nothing or more than there is."""
    for drawn in draws.by_horizon.values():
        assert np.isfinite(drawn.values).all()
        assert drawn.values.min(initial=0) >= 0
        assert (drawn.values <= drawn.most[:, None] + 1e-9).all()
        for found in drawn.derived.values():
            assert np.nanmin(found) >= 0
    ordered = sorted(draws.by_horizon)
    for shorter, longer in pairwise(ordered):
        one, other = draws.by_horizon[shorter], draws.by_horizon[longer]
        for name in set(one.vehicles) & set(other.vehicles):
            here, there = one.vehicles.index(name), other.vehicles.index(name)
            more = other.values[there] - one.values[here]
            assert more.min() >= 0
            assert more.max() <= longer - shorter + 1e-9
            for key in set(one.derived) & set(other.derived):
                assert not (other.derived[key][there] < one.derived[key][here]).any()


def check_vehicles(window: Window, draws: Draws) -> None:
    """The columns of a vehicle are statistics of its draws."""
    drawn = draws.by_horizon.get(window.horizon_days)
    table = score(window, STAMP, drawn)
    here = table.filter(pl.col("flag") != "looks_gone")
    assert sorted(here["vehicle_id"]) == ([] if drawn is None else drawn.vehicles)
    for row in here.iter_rows(named=True):
        assert drawn is not None
        values = drawn.values[drawn.vehicles.index(row["vehicle_id"])]
        assert row["mean"] == pytest.approx(values.mean(), abs=1e-9)
        assert row["median"] == np.median(values)
        quantiles = [row[name] for name in ("q05", "q10", "q25", "median", "q75", "q90", "q95")]
        assert quantiles == sorted(quantiles)
        assert row["low"] <= row["median"] <= row["high"]
        assert (row["derived_revenue"] is None) == ("revenue" not in drawn.derived)
        if row["available_days"] >= row["on_books"]:
            assert row["q95"] <= row["available_days"] + 1e-9


def check_totals(windows: list[Window], draws: Draws) -> None:
    """Fleet and classes are the sums of their vehicles."""
    made = pl.concat([score(window, STAMP, draws.by_horizon.get(window.horizon_days)) for window in windows])
    summed = totals(windows, made, draws)
    for window in windows:
        drawn = draws.by_horizon.get(window.horizon_days)
        if drawn is None:
            continue
        classes = dict(window.rows.select("vehicle_id", "class").rows())
        for row in summed.filter(horizon_days=window.horizon_days).iter_rows(named=True):
            inside = [row["level"] == "fleet" or classes[name] == row["name"] for name in drawn.vehicles]
            assert row["vehicles"] == sum(inside)
            part = drawn.values[inside]
            for key, value in statistics(part.sum(axis=0)).items():
                assert row[key] == pytest.approx(value, abs=1e-9)
            assert row["mean"] == pytest.approx(part.mean(axis=1).sum(), abs=1e-6)
            for key, found in drawn.derived.items():
                assert row[f"{key}_mean"] == pytest.approx(found[inside].sum(axis=0).mean(), abs=1e-6)
