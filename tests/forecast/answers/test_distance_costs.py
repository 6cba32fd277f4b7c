"""What distance costs in the league table: as the file tells it, and filled in where it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from costs_by_hand import A_DAY, HEADER, row, told, weekly
from facts_by_hand import MONDAY, facts, section, tables
from hand_fleet import make_ranged_champion
from tiny_fleet import reservations, trip, vehicles

from turo.forecast.answers import league
from turo.forecast.fleet_forecast import forecast_fleet
from turo.settings import Settings


def test_profit_break_even_use_and_payback_are_after_what_distance_costs(tmp_path: Path) -> None:
    answer = told(tmp_path, f"A,10000,2025-11-24,{A_DAY},0.5\n", weekly("A", [90.0] * 60), "car")
    a = row(answer, "A")
    assert a["profit"] == pytest.approx(4 * 210 - 28 * 10 - 0.5 * 4 * 90)
    assert a["price_day"] == 70.0  # what guests paid
    assert a["break_even_use"] == pytest.approx(10 / (70 - 0.5 * 30))
    assert row(answer, "A", 365)["profit"] == pytest.approx(52 * 210 - 364 * 10 - 0.5 * 52 * 90)
    # 52 trips of 165 less 364 days of 10 are paid: 5,060 are left, at 165 / 7 - 10 a day
    assert (a["payback_from"], a["payback_to"]) == (MONDAY + timedelta(days=373),) * 2
    assert answer.missing == [
        "1 vehicle is alone in the class.",
        "What distance costs is in profit, break-even use and payback of 1 vehicle.",
    ]


def test_a_purchase_is_paid_back_once_trips_have_earned_it_after_their_distance(tmp_path: Path) -> None:
    rows = weekly("A", [90.0] * 60)
    early, late = (
        row(told(tmp_path, f"A,330,2025-11-24,0,{cost}\n", rows, "car"), "A")["payback_to"] for cost in (0, 1)
    )
    # trips of 25 Nov, 2 Dec, … leave 210, or 120; Mondays are looked at
    assert (str(early), str(late)) == ("2025-12-08", "2025-12-15")


def test_the_distance_of_a_trip_counts_by_its_days_in_the_window(tmp_path: Path) -> None:
    rows = [
        trip(
            "A", "2025-06-01T00:00", "2025-06-02T00:00", "2025-05-01T00:00", distance=9.0
        ),  # the file begins
        trip("A", "2026-06-01T00:00", "2026-06-02T00:00", "2026-05-01T00:00", distance=10.0),
        trip("A", "2026-10-24T00:00", "2026-10-28T00:00", "2026-10-01T00:00", distance=400.0),
        trip(
            "A", "2026-11-01T00:00", "2026-11-05T00:00", "2026-10-02T00:00", "host_cancellation", distance=7.0
        ),
    ]
    answer = told(tmp_path, "A,,,0,0.25\n", rows, "car")
    assert row(answer, "A")["profit"] == pytest.approx(50 - 0.25 * 200)
    assert row(answer, "A", 365)["profit"] == pytest.approx(200 - 0.25 * 410)


def test_unknown_distances_are_the_vehicles_own_or_with_few_trips_those_of_the_others(tmp_path: Path) -> None:
    rows = [
        *weekly("A", [90.0] * 60),
        *weekly("B", [None, None, 90.0, 90.0, *[60.0] * 56]),
        *weekly("C", [*[None] * 10, *[300.0] * 4, *[None] * 46]),
    ]
    costs = "".join(f"{name},,,{A_DAY},{cost}\n" for name, cost in (("A", 0.5), ("B", 1.0), ("C", 0.1)))
    answer = told(tmp_path, costs, rows, "car", "car", "car")
    own = (2 * 90 + 48 * 60) / (50 * 3)  # a booked day of the past 365 days
    assert row(answer, "B")["profit"] == pytest.approx(840 - 280 - (180 + 6 * own))
    peers = (52 * 90 + 2 * 90 + 48 * 60) / (3 * (52 + 50))
    assert row(answer, "C")["profit"] == pytest.approx(840 - 280 - 0.1 * 12 * peers)
    assert answer.missing == [
        "What distance costs is in profit, break-even use and payback of 3 vehicles. The distance of 50 of "
        "156 trips is not in the file and is filled in by a distance a booked day: of 2 by the vehicle's own "
        "of the past 365 days, of 48 by that of the others of its class, where fewer than 5 of its own trips "
        "have one."
    ]
    assert "50 of 156 trips" in section("league", answer)


def test_a_trip_still_going_on_has_no_distance_yet(tmp_path: Path) -> None:
    out = trip("A", "2026-11-21T00:00", "2026-11-25T00:00", "2026-11-01T00:00", "in_progress", distance=1.0)
    answer = told(tmp_path, "A,,,0,1\n", [*weekly("A", [90.0] * 60), out | {"trip_price": 400.0}])
    assert row(answer, "A")["profit"] == pytest.approx(4 * (210 - 90) + 2 * (100 - 30))
    assert "1 of 53 trips" in answer.missing[-1]
    assert answer.missing[-1].endswith("a distance a booked day: by the vehicle's own of the past 365 days.")


def test_where_no_distance_is_known_profit_is_before_it_and_that_is_said(tmp_path: Path) -> None:
    rows = [*weekly("A", [90.0] * 4), *weekly("B", [90.0, *[None] * 59]), *weekly("C", [None] * 60)]
    answer = told(tmp_path, "A,,,0,1\nB,,,0,1\nC,,,0,\n", rows, "suv", "suv", "suv")
    assert [row(answer, name)["profit"] for name in "ABC"] == pytest.approx([480.0, 840.0, 840.0])
    assert answer.missing[-3:] == [
        "What distance costs is in profit, break-even use and payback of 1 vehicle.",
        "costs.csv does not have cost_per_distance of 1 vehicle: its profit, break-even use and payback are "
        "before what distance costs.",
        "The distance (column distance) of 1 vehicle is not known of trips of the past 365 days, nor of 5 "
        "trips by which to fill it in: its profit, break-even use and payback are before what distance "
        "costs.",
    ]


def test_without_the_column_of_what_distance_costs_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "costs.csv").write_text(f"vehicle_id,monthly_cost\nA,{A_DAY}\n")
    source = tables(reservations(weekly("A", [90.0] * 60)), vehicles(("A", "2025-01-01", "car")))
    answer = league.answer(facts(source, tmp_path))
    assert row(answer, "A")["profit"] == pytest.approx(840 - 280)
    assert answer.missing[-1].startswith("costs.csv does not have cost_per_distance of 1 vehicle: its profit")


def test_few_distances_of_a_class_are_no_measure_and_the_words_name_what_was_used(tmp_path: Path) -> None:
    rows = [
        *weekly("A", [None] * 60),
        *weekly("B", [*[300.0] * 4, *[None] * 56]),
        *weekly("C", [90.0] * 60),
    ]
    answer = told(tmp_path, "A,,,0,1\nB,,,0,1\nC,,,0,1\n", rows, "car", "car", "suv")
    others = (4 * 300 + 52 * 90) / (3 * (4 + 52))
    assert row(answer, "A")["profit"] == pytest.approx(840 - 12 * others)
    assert row(answer, "B", 91)["profit"] == pytest.approx(13 * 210 - 4 * 300 - 9 * 90)  # by C alone
    assert answer.missing[-1] == (
        "What distance costs is in profit, break-even use and payback of 3 vehicles. The distance of 100 of "
        "156 trips is not in the file and is filled in by a distance a booked day: by that of the others of "
        "the fleet, where fewer than 5 of its own trips have one."
    )


def test_distances_known_long_ago_are_better_than_none(tmp_path: Path) -> None:
    answer = told(tmp_path, "A,1000,2025-01-06,0,1\n", weekly("A", [*[None] * 60, *[90.0] * 40]), "car")
    assert row(answer, "A")["profit"] == pytest.approx(840 - 360)
    assert answer.missing[-1].endswith("a distance a booked day: by the vehicle's own of all its past.")


@pytest.mark.parametrize("status", ["booked", "in_progress"])
def test_what_an_own_file_tells_of_trips_that_are_over_counts_whatever_their_status(
    tmp_path: Path, status: str
) -> None:
    answer = told(tmp_path, "A,,,0,1\n", weekly("A", [90.0] * 60, status=status), "car")
    assert row(answer, "A")["profit"] == pytest.approx(840 - 360)
    assert answer.missing[-1] == "What distance costs is in profit, break-even use and payback of 1 vehicle."


def test_an_export_tells_what_was_driven_so_far_of_a_trip_that_is_not_completed(tmp_path: Path) -> None:
    rows = [*weekly("A", [1.0], status="in_progress"), *weekly("A", [90.0] * 60)[1:]]
    (tmp_path / "costs.csv").write_text(HEADER + "A,,,0,1\n")
    source = tables(reservations(rows), vehicles(("A", "2025-01-01", "car")))
    answer = league.answer(facts(replace(source, profile="turo_export"), tmp_path))
    assert row(answer, "A")["profit"] == pytest.approx(840 - 360)
    assert answer.missing[-1] == (
        "1 trip that is over is not marked completed in the export, so what was driven in it is not taken "
        "from the file."
    )


def test_distance_that_costs_more_than_the_price_has_no_break_even_use(tmp_path: Path) -> None:
    answer = told(tmp_path, f"A,1000,2025-11-24,{A_DAY},3\n", weekly("A", [90.0] * 60), "car")
    a = row(answer, "A")
    assert a["profit"] == pytest.approx(840 - 280 - 3 * 360)
    assert a["break_even_use"] is None
    assert (a["payback_from"], a["payback_to"], a["payback_known"]) == (None, None, True)


def test_no_forecast_knows_distances(settings: Settings) -> None:
    folder, written = Path(settings.data_dir), []
    path = folder / "reservations.csv"
    rows = pl.read_csv(path, infer_schema=False)
    for distance in ("", "900"):
        rows.with_columns(pl.lit(distance).alias("distance")).write_csv(path)
        forecast_fleet(settings, [make_ranged_champion(28)], datetime(2026, 11, 24, 6))
        names = ("forecasts.csv", "forecast-totals.csv")
        sheets = [pl.read_csv(folder / name, infer_schema=False) for name in names]
        written.append([pl.read_parquet(folder / "forecast-draws.parquet"), *sheets])
    assert all(one.equals(other) for one, other in zip(*written, strict=True))
