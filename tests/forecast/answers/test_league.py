"""League table: money per available day, against the class, and with costs what is left."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from facts_by_hand import MONDAY, blocked, facts, section, tables
from tiny_fleet import reservations, trip, vehicles

from turo.forecast.answers import league
from turo.forecast.answers.answer import Answer

Row = dict[str, Any]


def weekly(vehicle: str, price: float, count: int = 60, days: int = 3) -> list[Row]:
    """A trip of so many days in each of the weeks before `MONDAY`."""
    last = datetime(2026, 11, 17)
    starts = [last - timedelta(weeks=week) for week in range(count)]
    return [
        trip(
            vehicle,
            str(start),
            str(start + timedelta(days=days)),
            str(start - timedelta(days=5)),
            trip_price=price,
        )
        for start in starts
    ]


def fleet(*classes: str | None) -> pl.DataFrame:
    """Vehicles A, B, C … listed for long."""
    return vehicles(*((name, "2025-01-01", kind) for name, kind in zip("ABCDEF", classes, strict=False)))


def row(told: Answer, vehicle: str, days: int = 28) -> Row:
    return told.rows.row(
        by_predicate=(pl.col("vehicle_id") == vehicle) & (pl.col("window_days") == days), named=True
    )


def test_money_a_day_is_price_times_use_and_the_class_is_all_others(tmp_path: Path) -> None:
    rows = [*weekly("A", 150.0), *weekly("B", 90.0), *weekly("C", 30.0, days=1), *weekly("D", 999.0)]
    told = league.answer(facts(tables(reservations(rows), fleet("car", "car", "car", "suv")), tmp_path))
    a = row(told, "A")
    assert (a["price_day"], a["use"], a["available_days"]) == pytest.approx((50.0, 3 / 7, 28.0))
    assert a["earned_per_day"] == pytest.approx(150 / 7)
    assert a["class_earned_per_day"] == pytest.approx(60 / 7)  # of B and C together
    assert (a["class_price_day"], a["class_use"]) == pytest.approx((30.0, 2 / 7))
    assert a["difference"] == pytest.approx(90 / 7)
    d = row(told, "D")
    assert (d["class_use"], d["difference"], d["low"]) == (None, None, None)
    assert d["verdict"] == "not compared"
    assert told.missing == ["1 vehicle is alone in the class."]
    assert told.rows["window_days"].unique().sort().to_list() == [28, 91, 365]
    assert told.rows["vehicle_id"].to_list()[:4] == ["D", "A", "B", "C"]
    assert told.rows.columns == list(league.COLUMNS)


def test_what_always_differs_is_told_and_what_varies_alike_is_not(tmp_path: Path) -> None:
    changing = [60.0, 240.0, 10.0, 190.0, 120.0]
    rows = []
    for vehicle, place in (("A", 0), ("B", 2), ("C", 3)):
        for week, each in enumerate(weekly(vehicle, 0.0)):
            rows.append(each | {"trip_price": changing[(week + place) % 5] + 500 * (vehicle == "C")})
    told = league.answer(facts(tables(reservations(rows), fleet("car", "car", "car")), tmp_path))
    assert row(told, "C", 91)["verdict"] == "better"
    assert row(told, "C", 91)["low"] < row(told, "C", 91)["difference"] < row(told, "C", 91)["high"]
    rows = [each for each in rows if each["vehicle_id"] != "C"]
    alike = league.answer(facts(tables(reservations(rows), fleet("car", "car")), tmp_path))
    assert set(alike.rows["verdict"]) == {"cannot be told apart"}
    again = league.answer(facts(tables(reservations(rows), fleet("car", "car")), tmp_path))
    assert again.rows.equals(alike.rows)


def test_trips_count_by_the_days_inside_and_blocked_days_are_not_available(tmp_path: Path) -> None:
    rows = [
        trip("A", "2026-06-01T00:00", "2026-06-02T00:00", "2026-05-01T00:00"),
        trip(
            "A",
            "2026-10-24T00:00",
            "2026-10-28T00:00",
            "2026-10-01T00:00",
            trip_price=500.0,
            discounts=-100.0,
        ),
        trip("A", "2026-11-21T00:00", "2026-11-25T00:00", "2026-11-01T00:00", "in_progress", trip_price=80.0),
        trip("A", "2026-11-01T00:00", "2026-11-05T00:00", "2026-10-02T00:00", "guest_cancellation"),
    ]
    source = tables(reservations(rows), fleet("car"), blocked(("A", "2026-11-10", "2026-11-20")))
    a = row(league.answer(facts(source, tmp_path)), "A")
    assert a["available_days"] == 18.0
    assert a["use"] == pytest.approx(4 / 18)  # two days of the first trip, two of the last
    assert a["price_day"] == pytest.approx((2 * 100 + 2 * 20) / 4)


def test_a_vehicle_that_looks_gone_is_not_in_the_table(tmp_path: Path) -> None:
    source = tables(reservations([*weekly("A", 90.0), *weekly("B", 90.0)]), fleet("car", "car"))
    told = league.answer(facts(source, tmp_path, gone=["B"]))
    assert told.rows["vehicle_id"].unique().to_list() == ["A"]


def test_without_prices_and_classes_it_says_what_would_help(tmp_path: Path) -> None:
    rows = [
        each | {"trip_price": None, "total_earnings": None} for each in [*weekly("A", 1), *weekly("B", 1)]
    ]
    told = league.answer(facts(tables(reservations(rows), fleet(None, None)), tmp_path))
    assert row(told, "A")["use"] == pytest.approx(3 / 7)
    assert row(told, "A")["earned_per_day"] is None
    assert "trip_price would help" in told.missing[0]
    assert set(told.rows["verdict"]) == {"not compared"}
    assert told.missing[1] == "No vehicle has a class (column class of vehicles.csv)."
    page = section("league", told)
    assert "<table" not in page
    assert "told apart" not in page


def test_without_classes_the_others_are_those_of_the_fleet(tmp_path: Path) -> None:
    rows = [*weekly("A", 900.0), *weekly("B", 90.0)]
    told = league.answer(facts(tables(reservations(rows), fleet(None, None)), tmp_path))
    assert row(told, "A", 91)["verdict"] == "better"
    assert told.missing[0].endswith(": each is compared with the others of the fleet.")
    page = section("league", told)
    assert (
        "Over the 91 days before Monday, 23 November, whatever came since, 1 vehicle earned more than the "
        "others of the fleet and 1 less." in " ".join(page.split())
    )
    assert "To the others" in page
    assert "its class" not in page


def test_only_vehicles_of_the_table_are_counted_as_without_a_class(tmp_path: Path) -> None:
    rows = [each for name in "ABCD" for each in weekly(name, 90.0)]
    source = tables(reservations(rows), fleet("car", "car", None, None))
    assert league.answer(facts(source, tmp_path, gone=["C"])).missing == [
        "1 vehicle has no class (column class of vehicles.csv) and is compared with none that has one."
    ]


def test_one_vehicle_is_not_compared_and_nothing_says_it_was(tmp_path: Path) -> None:
    told = league.answer(facts(tables(reservations(weekly("A", 90.0)), fleet("car")), tmp_path))
    assert set(told.rows["verdict"]) == {"not compared"}
    page = section("league", told)
    assert "No vehicle is compared" in page
    assert "told apart" not in page


def test_those_not_compared_are_counted_apart(tmp_path: Path) -> None:
    rows = [*weekly("A", 90.0), *weekly("B", 90.0), *weekly("C", 90.0)]
    told = league.answer(facts(tables(reservations(rows), fleet("car", "car", "suv")), tmp_path))
    assert told.view["compared"] == 2
    page = " ".join(section("league", told).split())
    assert (
        "2 cannot be told apart from them: their difference may be chance. 1 vehicle is not compared." in page
    )


def test_without_costs_their_columns_are_absent(tmp_path: Path) -> None:
    told = league.answer(facts(tables(reservations(weekly("A", 90.0)), fleet("car")), tmp_path))
    assert not {"profit", "break_even_use", "payback_from"} & set(told.rows.columns)
    page = section("league", told)
    assert "Break-even" not in page
    assert "With a file costs.csv" in page


def test_costs_give_profit_break_even_use_and_payback(tmp_path: Path) -> None:
    (tmp_path / "costs.csv").write_text(
        "vehicle_id,purchase_price,purchase_date,monthly_cost\n"
        "A,10000,2025-11-24,304.375\n"  # 10 a day
        "B,1000,2025-11-24,304.375\n"
        "C,-1,2025-11-24,3.0\n"
        "<Z>,1,,\n"
    )
    rows = [*weekly("A", 210.0), *weekly("B", 210.0), *weekly("C", 210.0)]
    told = league.answer(facts(tables(reservations(rows), fleet("car", "car", "car")), tmp_path))
    a = row(told, "A")
    assert a["profit"] == pytest.approx(28 * 30 - 28 * 10)  # 30 a day come in
    assert a["break_even_use"] == pytest.approx(10 / 70)
    # 364 days of 20 are paid; the rest takes 136 days at 20 a day, and every week has been the same
    assert (a["payback_from"], a["payback_to"]) == (MONDAY + timedelta(days=136),) * 2
    # 50 days at 20 a day, seen on the next Monday
    assert row(told, "B")["payback_from"] == row(told, "B")["payback_to"] == date(2026, 1, 19)
    c = row(told, "C")
    assert (c["payback_from"], c["profit"]) == (None, pytest.approx(28 * (30 - 3 / 30.4375)))
    assert c["payback_known"] is False
    assert [sentence.split(":")[0] for sentence in told.missing] == [
        "costs.csv line 4",
        "costs.csv line 5",
        "costs.csv does not have cost_per_distance of 3 vehicles",
    ]
    page = section("league", told)
    assert "Break-even use" in page
    assert "&lt;Z&gt;" in page
    assert "<Z>" not in page


def test_a_loss_is_never_paid_back_and_an_older_purchase_is_not_told(tmp_path: Path) -> None:
    (tmp_path / "costs.csv").write_text(
        "vehicle_id,purchase_price,purchase_date,monthly_cost,cost_per_distance\n"
        "A,10000,2025-11-24,3000,0.2\nB,10000,2021-01-01,100,\n"
    )
    rows = [*weekly("A", 210.0), *weekly("B", 210.0)]
    lines = fleet("car", "car").with_columns(listed_from=date(2021, 1, 1))
    told = league.answer(facts(tables(reservations(rows), lines), tmp_path))
    assert row(told, "A")["profit"] < 0
    assert told.rows["payback_from"].null_count() == len(told.rows)
    assert (row(told, "A")["payback_known"], row(told, "B")["payback_known"]) == (True, False)
    page = section("league", told)
    assert page.count("not at these earnings") == 1
    loss = f"{abs(row(told, 'A', 365)['profit']):,.0f}"
    assert f"\N{MINUS SIGN}{loss}" in page
    assert f"-{loss}" not in page
    assert any(
        "The distance (column distance) of 1 vehicle is not known" in sentence for sentence in told.missing
    )
    assert any("No payback is told of 1 vehicle" in sentence for sentence in told.missing)


def test_what_costs_leave_out_is_told_and_no_other_file_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "costs.csv").write_text(
        "vehicle_id,purchase_price,monthly_cost\nA,10000,100\nB,9000,\nC,9000,90\n"
    )
    rows = [each for name in "ABC" for each in weekly(name, 90.0)]
    told = league.answer(facts(tables(reservations(rows), fleet("car", "car", "car")), tmp_path, gone=["C"]))
    assert told.missing == [
        "costs.csv does not have purchase_date of 2 vehicles: no payback is told of them.",
        "costs.csv does not have monthly_cost of 1 vehicle: no profit, break-even use or payback is told of "
        "it.",
        "costs.csv does not have cost_per_distance of 1 vehicle: its profit, break-even use and payback are "
        "before what distance costs.",
    ]
    assert not told.rows["payback_known"].any()
    assert "With a file costs.csv" not in section("league", told)


def test_a_costs_file_that_cannot_be_used_is_not_asked_for_again(tmp_path: Path) -> None:
    (tmp_path / "costs.csv").write_text("vehicle_id,purchase_price\nZ,10\n")
    told = league.answer(facts(tables(reservations(weekly("A", 90.0)), fleet("car")), tmp_path))
    assert "no vehicle of this fleet" in told.missing[-1]
    assert "With a file costs.csv" not in section("league", told)


def test_vehicles_that_are_alike_but_for_chance_are_rarely_told_apart(tmp_path: Path) -> None:
    rows, names = [], [f"V{number:02d}" for number in range(30)]
    for seed, name in enumerate(names):
        random, at = np.random.default_rng(seed), datetime(2025, 9, 1)
        while at < datetime(2026, 11, 23):
            at += timedelta(days=float(random.exponential(4)))
            days = int(random.choice([1, 2, 3, 4, 7, 7, 10, 21]))
            end = at + timedelta(days=days)
            rows.append(trip(name, str(at), str(end), str(at), trip_price=60.0 * days))
            at = end
    lines = vehicles(*((name, "2025-09-01", "car") for name in names))
    told = league.answer(facts(tables(reservations(rows), lines), tmp_path)).rows
    apart = told.group_by("window_days").agg((pl.col("verdict") != "cannot be told apart").mean())
    assert apart["verdict"].to_list() == pytest.approx([0.05] * 3, abs=0.08)


def test_a_vehicle_of_a_few_weeks_is_not_compared(tmp_path: Path) -> None:
    source = tables(reservations([*weekly("A", 900.0, count=9), *weekly("B", 90.0)]), fleet("car", "car"))
    young = source.vehicles.with_columns(
        listed_from=pl.when(pl.col("vehicle_id") == "A").then(date(2026, 9, 21)).otherwise("listed_from")
    )
    told = league.answer(facts(replace(source, vehicles=young), tmp_path))
    assert row(told, "A")["difference"] > 0
    assert (row(told, "A")["low"], row(told, "A")["verdict"]) == (None, "not compared")
