"""What distance costs in the league table: as the file tells it, and filled in where it does not."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from facts_by_hand import MONDAY, facts, section, tables
from hand_fleet import make_ranged_champion
from tiny_fleet import reservations, trip, vehicles

from turo.forecast.answers import league
from turo.forecast.answers.answer import Answer
from turo.forecast.fleet_forecast import forecast_fleet
from turo.settings import Settings

Row = dict[str, Any]
HEADER = "vehicle_id,purchase_price,purchase_date,monthly_cost,cost_per_distance\n"
A_DAY = 304.375  # a month, at 10 a day


def weekly(vehicle: str, distances: list[float | None], **more: Any) -> list[Row]:
    """Three days at 210 in each week before `MONDAY`, the newest first."""
    last = datetime(2026, 11, 17)
    starts = [last - timedelta(weeks=week) for week in range(len(distances))]
    return [
        trip(
            vehicle,
            str(start),
            str(start + timedelta(days=3)),
            str(start - timedelta(days=5)),
            **{"trip_price": 210.0, "distance": distance, **more},
        )
        for start, distance in zip(starts, distances, strict=True)
    ]


def told(folder: Path, costs: str, rows: list[Row], *classes: str | None) -> Answer:
    (folder / "costs.csv").write_text(HEADER + costs)
    fleet = vehicles(*((name, "2025-01-01", kind) for name, kind in zip("ABCD", classes, strict=False)))
    return league.answer(facts(tables(reservations(rows), fleet), folder))


def row(answer: Answer, vehicle: str, days: int = 28) -> Row:
    chosen = (pl.col("vehicle_id") == vehicle) & (pl.col("window_days") == days)
    return answer.rows.row(by_predicate=chosen, named=True)


def test_profit_break_even_use_and_payback_are_after_what_distance_costs(tmp_path: Path) -> None:
    answer = told(tmp_path, f"A,10000,2025-11-24,{A_DAY},0.5\n", weekly("A", [90.0] * 60), "car")
    a = row(answer, "A")
    assert a["profit"] == pytest.approx(4 * 210 - 28 * 10 - 0.5 * 4 * 90)
    assert a["price_day"] == 70.0  # what guests paid
    assert a["break_even_use"] == pytest.approx(10 / (70 - 0.5 * 30))
    assert row(answer, "A", 365)["profit"] == pytest.approx(52 * 210 - 364 * 10 - 0.5 * 52 * 90)
    # 52 trips of 165 less 364 days of 10 are paid: 5,060 are left, at 165 / 7 - 10 a day
    assert (a["payback_from"], a["payback_to"]) == (MONDAY + timedelta(days=373),) * 2
    assert answer.missing == ["1 vehicle is alone in the class."]


def test_a_purchase_is_paid_back_once_trips_have_earned_it_after_their_distance(tmp_path: Path) -> None:
    rows = weekly("A", [90.0] * 60)
    early, late = (
        row(told(tmp_path, f"A,330,2025-11-24,0,{cost}\n", rows, "car"), "A")["payback_to"] for cost in (0, 1)
    )
    # trips of 25 Nov, 2 Dec, … leave 210, or 120; Mondays are looked at
    assert (str(early), str(late)) == ("2025-12-08", "2025-12-15")


def test_the_distance_of_a_trip_counts_by_its_days_in_the_window(tmp_path: Path) -> None:
    rows = [
        trip("A", "2026-06-01T00:00", "2026-06-02T00:00", "2026-05-01T00:00", distance=10.0),
        trip("A", "2026-10-24T00:00", "2026-10-28T00:00", "2026-10-01T00:00", distance=400.0),
        trip(
            "A", "2026-11-01T00:00", "2026-11-05T00:00", "2026-10-02T00:00", "host_cancellation", distance=7.0
        ),
    ]
    answer = told(tmp_path, "A,,,0,0.25\n", rows, "car")
    assert row(answer, "A")["profit"] == pytest.approx(50 - 0.25 * 200)
    assert row(answer, "A", 365)["profit"] == pytest.approx(200 - 0.25 * 410)


def test_unknown_distances_are_the_vehicles_own_or_with_few_trips_those_of_its_class(tmp_path: Path) -> None:
    rows = [
        *weekly("A", [90.0] * 60),
        *weekly("B", [None, None, 90.0, 90.0, *[60.0] * 56]),
        *weekly("C", [*[None] * 10, *[300.0] * 4, *[None] * 46]),
    ]
    costs = "".join(f"{name},,,{A_DAY},{cost}\n" for name, cost in (("A", 0.5), ("B", 1.0), ("C", 0.1)))
    answer = told(tmp_path, costs, rows, "car", "car", "car")
    own = (2 * 90 + 48 * 60) / (50 * 3)  # a booked day of the past 365 days
    assert row(answer, "B")["profit"] == pytest.approx(840 - 280 - (180 + 6 * own))
    peers = (52 * 90 + 2 * 90 + 48 * 60 + 4 * 300) / (3 * (52 + 50 + 4))  # its own four trips among them
    assert row(answer, "C")["profit"] == pytest.approx(840 - 280 - 0.1 * 12 * peers)
    assert answer.missing == [
        "What distance costs is in profit, break-even use and payback; the distance of 50 of 156 trips is "
        "not in the file and is filled in: by the vehicle's own distance a booked day in the past 365 days, "
        "under 5 trips that have one by that of its class."
    ]
    assert "50 of 156 trips" in section("league", answer)


def test_a_trip_still_going_on_has_no_distance_yet(tmp_path: Path) -> None:
    out = trip("A", "2026-11-21T00:00", "2026-11-25T00:00", "2026-11-01T00:00", "in_progress", distance=1.0)
    answer = told(tmp_path, "A,,,0,1\n", [*weekly("A", [90.0] * 60), out | {"trip_price": 400.0}])
    assert row(answer, "A")["profit"] == pytest.approx(4 * (210 - 90) + 2 * (100 - 30))
    assert "1 of 53 trips" in answer.missing[-1]
    assert answer.missing[-1].endswith("by that of the fleet.")


def test_where_no_distance_is_known_profit_is_before_it_and_that_is_said(tmp_path: Path) -> None:
    rows = [*weekly("A", [90.0] * 60), *weekly("B", [None] * 60), *weekly("C", [None] * 60)]
    answer = told(tmp_path, "A,,,0,1\nB,,,0,1\nC,,,0,\n", rows, "car", "suv", "suv")
    assert [row(answer, name)["profit"] for name in "ABC"] == pytest.approx([480.0, 840.0, 840.0])
    assert answer.missing[-1] == (
        "Distance (column distance) is not known of 1 vehicle, so cost_per_distance is in no profit of it: "
        "its profit, break-even use and payback are before what distance costs."
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
