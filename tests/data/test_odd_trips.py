"""What is said of trips that overlap, and of amounts that no host takes."""

from datetime import datetime, timedelta

import pytest
from export_factory import Fleet, row, write

START = datetime(2025, 3, 1, 10)


def warned(tables, *parts):
    return [w for w in tables.warnings if all(part in w for part in parts)]


def test_overlapping_trips_are_named_in_pairs(tmp_path, load):
    day = timedelta(days=1)
    write(
        tmp_path,
        [
            row(1, START, START + 10 * day),
            row(2, START + day, START + 2 * day),  # within the first
            row(3, START + 5 * day, START + 12 * day),  # with the first, not with the second
            row(4, START + 11 * day, START + 13 * day),  # with the third
            row(5, START + 13 * day, START + 14 * day),
            row(6, START + 5 * day, START + 6 * day, vehicle=1),
            row(7, START, START + 20 * day, "Guest cancellation"),
        ],
    )
    (told,) = warned(load(as_of="2025-04-01"), "common time counts once")
    pairs = "20000001 and 20000002, 20000001 and 20000003, 20000003 and 20000004"
    assert told.startswith(f"3 trips start before an earlier trip of the same vehicle has ended ({pairs});")


@pytest.mark.parametrize(("factor", "median"), [(100, "4,050.00"), (0.01, "0.41"), (1, None), (30, None)])
def test_amounts_of_another_tool_are_called_implausible_and_left_alone(tmp_path, load, factor, median):
    price = f"${40.5 * 2 * factor:,.2f}"
    amounts = {"Trip_price": price, "Total_earnings": price}
    days = [START + timedelta(days=3 * n) for n in range(5)]
    rows = [row(n, at, at + timedelta(days=2), vehicle=n % 3, **amounts) for n, at in enumerate(days)]
    write(tmp_path, rows)
    tables = load(as_of="2025-04-01")
    assert [f"its median is {median} a day" in w for w in warned(tables, "implausible")] == (
        [True] if median else []
    )
    assert tables.reservations["trip_price"].to_list() == [round(81 * factor, 2)] * 5


def test_a_fleet_as_turo_shows_it_needs_no_word(tmp_path, load):
    write(tmp_path, Fleet(days=90).rows(datetime(2025, 5, 1)))
    tables = load(as_of="2025-05-01")
    assert not warned(tables, "implausible")
    assert not warned(tables, "common time")
