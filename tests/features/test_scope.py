"""Which rows there are, which of them train, and what is refused."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest
from tiny_fleet import at, build, random_rows, reservations, trip, vehicles

from turo.data.tables import Tables
from turo.errors import InputError
from turo.features import build as features

ROWS = [
    trip("a", "2026-01-10T00:00", "2026-01-14T00:00", "2026-01-07T00:00"),
    trip("b", "2026-03-03T00:00", "2026-03-04T00:00", "2026-02-11T00:00", "guest_cancellation"),
]


def origins(table, vehicle):
    return [str(day) for day in table.filter(vehicle_id=vehicle)["origin_date"]]


def test_a_listed_vehicle_has_rows_from_its_listing_even_without_trips():
    table = build(
        ROWS, "2026-03-20T00:00", fleet=vehicles(("a", "2026-01-12", None), ("c", "2026-02-03", None))
    )
    assert origins(table, "a")[0] == "2026-01-12"
    assert origins(table, "c") == [
        "2026-02-09",
        "2026-02-16",
        "2026-02-23",
        "2026-03-02",
        "2026-03-09",
        "2026-03-16",
    ]
    assert at(table, "c", "2026-02-16")["y_booked_days"] == 0
    assert at(table, "c", "2026-02-16")["otb_days"] == 0


def test_a_vehicle_without_a_listing_has_rows_from_its_first_known_booking():
    table = build(ROWS, "2026-03-20T00:00")
    assert origins(table, "a")[0] == "2026-01-12"
    assert origins(table, "b")[0] == "2026-02-16"  # known by a booking that was cancelled later


def test_rows_end_when_the_vehicle_leaves():
    fleet = vehicles(("a", "2026-01-01", None)).with_columns(listed_to=pl.lit(date(2026, 2, 2)))
    table = build(ROWS, "2026-03-20T00:00", fleet=fleet)
    assert origins(table, "a")[-1] == "2026-01-26"


def test_rows_train_from_91_days_after_the_first_trip_end_of_the_file():
    later = [
        trip("a", f"2026-{month}-10T00:00", f"2026-{month}-12T00:00", None) for month in ("03", "04", "05")
    ]
    rows = [*ROWS, *later]  # without them the vehicles would look gone
    table = build(rows, "2026-07-01T00:00")  # first end 14 Jan, so from 15 Apr
    trained = table.filter(in_training=1)
    assert str(trained["origin_date"].min()) == "2026-04-20"
    assert str(trained["origin_date"].max()) == "2026-06-01"  # the last window that has ended
    late = build(rows, "2026-07-01T00:00", fleet=vehicles(("a", "2026-02-20", None)))
    assert str(late.filter(vehicle_id="a", in_training=1)["origin_date"].min()) == "2026-05-25"


def test_order_and_content_do_not_depend_on_the_order_of_rows_or_on_the_split(monkeypatch):
    fleet = vehicles(("a", None, "suv"), ("b", None, "car"), ("c", "2026-01-02", "car"))
    rows = [*ROWS, trip("c", "2026-02-10T00:00", "2026-02-14T07:00", "2026-01-07T00:00", trip_price=33.3)]
    table = build(rows, "2026-03-20T00:00", fleet=fleet)
    assert table.equals(table.sort("vehicle_id", "origin_date"))
    monkeypatch.setattr(features, "CHUNK", 1)
    assert table.equals(build(rows[::-1], "2026-03-20T00:00", fleet=fleet[::-1]))


def test_one_row_on_demand_is_the_row_of_the_table():
    rows = [*ROWS, trip("c", "2025-02-10T00:00", "2025-02-14T07:00", "2025-01-07T00:00", trip_price=33.3)]
    fleet = vehicles(("a", None, "suv"), ("b", None, "car"), ("c", "2025-01-02", "car"))
    table = build(rows, "2026-03-20T00:00", fleet=fleet)
    tables = Tables("canonical", reservations(rows), fleet, None, datetime(2026, 3, 20), pl.DataFrame())
    for origin in (date(2026, 3, 16), date(2026, 2, 16)):
        expected = table.filter(vehicle_id="a", origin_date=origin)
        assert features.at(tables, "a", origin, 28).equals(expected)


def test_rows_on_demand_in_the_first_year_of_the_file_are_those_of_the_table():
    # Listed long before the file begins: the weeks before its first booking are unknown, not empty.
    rows = [
        trip("b", "2025-01-08T00:00", "2025-01-10T00:00", "2025-01-07T00:00"),
        *random_rows(3, fleet_size=3),
    ]
    fleet = vehicles(("b", "2024-01-01", "suv"), ("vehicle0", "2024-01-01", "suv"), ("vehicle1", None, "car"))
    snapshot = datetime(2026, 6, 1)
    rows = [row for row in rows if row["booked_at"] >= datetime(2025, 1, 7)]
    table = build(rows, snapshot.isoformat(), fleet=fleet)
    tables = Tables("canonical", reservations(rows), fleet, None, snapshot, pl.DataFrame())
    for origin in table["origin_date"].unique().sort()[::7]:
        assert features.fleet_at(tables, origin, 28).equals(table.filter(origin_date=origin)), origin


@pytest.mark.parametrize(
    ("vehicle", "origin", "says"),
    [
        ("a", date(2026, 3, 23), "after the snapshot"),
        ("a", date(2025, 12, 29), "not in the fleet"),
        ("x", date(2026, 3, 16), "No vehicle 'x'"),
    ],
)
def test_a_row_that_cannot_be_known_is_refused(vehicle, origin, says):
    tables = Tables("canonical", reservations(ROWS), vehicles(), None, datetime(2026, 3, 20), pl.DataFrame())
    with pytest.raises(InputError, match=says):
        features.at(tables, vehicle, origin, 28)


def test_a_horizon_longer_than_the_history_is_refused():
    with pytest.raises(InputError, match="HORIZON_DAYS=90 is longer than the history"):
        build(ROWS, "2026-03-20T00:00", horizon=90)


def test_no_reservations_are_refused():
    with pytest.raises(InputError, match="no reservations"):
        build([], "2026-03-20T00:00")


def test_prices_that_the_file_dates_are_features_from_their_date():
    fleet = pl.DataFrame(
        {
            "vehicle_id": ["a", "a", "b"],
            "list_price": [50.0, 60.0, 70.0],
            "valid_from": [date(2026, 1, 1), date(2026, 2, 10), None],
        }
    )
    table = build(ROWS, "2026-03-20T00:00", fleet=fleet)
    assert at(table, "a", "2026-02-09")["list_price"] == 50
    assert at(table, "a", "2026-02-16")["list_price"] == 60
    assert at(table, "b", "2026-02-16")["list_price"] is None
    undated = build(ROWS, "2026-03-20T00:00", fleet=fleet[2:].with_columns(vehicle_id=pl.lit("a")))
    assert "list_price" not in undated.columns


def test_a_line_that_only_dates_a_price_leaves_the_rest_of_the_vehicle_as_it_was():
    first = {"vehicle_id": "a", "class": "suv", "make": "Kia", "year": 2020, "listed_from": date(2026, 1, 20)}
    first |= {"listed_to": date(2026, 3, 10), "list_price": 50.0, "valid_from": date(2026, 1, 1)}
    second = {"vehicle_id": "a", "list_price": 60.0, "valid_from": date(2026, 2, 10)}
    one, two = (pl.DataFrame(lines, infer_schema_length=None) for lines in ([first], [first, second]))
    before, after = (build(ROWS, "2026-03-20T00:00", fleet=fleet) for fleet in (one, two))
    assert origins(after, "a") == origins(before, "a")
    assert after.drop("list_price").equals(before.drop("list_price"), null_equal=True)
    assert at(after, "a", "2026-02-16")["list_price"] == 60


def test_a_later_line_does_not_move_rows_before_it():
    first = {
        "vehicle_id": "a",
        "class": "suv",
        "make": "Kia",
        "list_price": 50.0,
        "valid_from": date(2026, 1, 1),
    }
    later = first | {"class": "car", "make": "VW", "list_price": 60.0, "valid_from": date(2026, 2, 10)}
    one, two = pl.DataFrame([first]), pl.DataFrame([first, later])
    before, after = (build(ROWS, "2026-03-20T00:00", fleet=fleet) for fleet in (one, two))
    past = pl.col("origin_date") < date(2026, 2, 10)
    assert after.filter(past).equals(before.filter(past), null_equal=True)
