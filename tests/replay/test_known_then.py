"""What was known on a Monday: the tables cut in memory are those of files cut on disk."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest
from cut_files import cut

from turo.data.load import load_tables
from turo.data.tables import BLOCKS, RESERVATIONS, REVISIONS, SIGHTINGS, VEHICLES, Tables
from turo.replay.known_then import as_known, on_the_day
from turo.replay.past_mondays import mondays
from turo.settings import load

DAY = date(2026, 3, 2)
AT = datetime(2026, 3, 2)
BEFORE, AFTER = datetime(2026, 2, 20), datetime(2026, 3, 5)


def trip(number: int, **cells):
    row = dict.fromkeys(RESERVATIONS) | {
        "reservation_id": str(number),
        "vehicle_id": "a",
        "trip_start": datetime(2026, 3, 10),
        "trip_end": datetime(2026, 3, 12),
        "status": "completed",
        "booked_at": BEFORE,
        "booked_at_source": "exact",
        "trip_price": 80.0,
        "discounts": 0.0,
    }
    return row | cells


def tables(rows, vehicles=(), blocks=(), revisions=(), sightings=()) -> Tables:
    return Tables(
        "canonical",
        pl.DataFrame(rows, schema=RESERVATIONS, orient="row"),
        pl.DataFrame(list(vehicles), schema=VEHICLES),
        pl.DataFrame(list(blocks), schema=BLOCKS),
        datetime(2026, 11, 24),
        pl.DataFrame(),
        revisions=pl.DataFrame(list(revisions), schema=REVISIONS),
        sightings=pl.DataFrame(list(sightings), schema=SIGHTINGS),
    )


@pytest.mark.parametrize("day", [date(2026, 6, 1), date(2026, 9, 14)])
def test_it_is_what_a_reader_makes_of_files_cut_at_that_day(sample, tmp_path, day):
    now = load_tables(load(data_dir=str(sample)))
    then = load_tables(load(data_dir=str(cut(sample, tmp_path / "cut", day)), as_of=str(day)))
    found = as_known(now, day)
    telling = pl.exclude("fees", "total_earnings")  # of trips under way, and used nowhere
    order = ("vehicle_id", "trip_start", "reservation_id")
    assert (
        found.reservations.select(telling).sort(order).equals(then.reservations.select(telling).sort(order))
    )
    assert found.reservations["status"].n_unique() == 5
    assert found.vehicles.equals(then.vehicles)
    assert found.blocks is not None
    assert then.blocks is not None
    assert found.blocks.sort("vehicle_id", "start").equals(then.blocks.sort("vehicle_id", "start"))


@pytest.mark.parametrize(
    ("cells", "status"),
    [
        ({"status": "guest_cancellation", "cancelled_at": BEFORE}, "guest_cancellation"),
        ({"status": "guest_cancellation", "cancelled_at": AFTER}, "booked"),
        ({"status": "host_cancellation"}, "booked"),  # without a date: known at the start
        ({"status": "host_cancellation", "trip_start": BEFORE}, "host_cancellation"),
        ({"status": "guest_cancellation", "cancelled_at": AFTER, "trip_start": BEFORE}, "in_progress"),
        ({"trip_start": BEFORE}, "in_progress"),
        ({"trip_start": BEFORE, "trip_end": AT}, "completed"),
        ({"booked_at": AFTER}, None),
        ({"booked_at": None}, None),
        ({"booked_at": None, "trip_start": BEFORE}, "in_progress"),
    ],
)
def test_a_reservation_has_the_state_it_had(cells, status):
    rows = as_known(tables([trip(1, **cells)]), DAY).reservations
    assert rows["status"].to_list() == ([] if status is None else [status])
    assert all(told is None or told <= AT for told in rows["cancelled_at"])


def test_dates_that_were_changed_later_are_those_known_then():
    earlier = {"reservation_id": "1", "trip_start": datetime(2026, 4, 1), "trip_end": datetime(2026, 4, 3)}
    changed = earlier | {"trip_price": 50.0, "discounts": -5.0, "since": None, "until": AFTER}
    (row,) = as_known(tables([trip(1)], revisions=[changed]), DAY).reservations.to_dicts()
    assert (row["trip_start"], row["trip_price"]) == (datetime(2026, 4, 1), 50.0)
    found = as_known(tables([trip(1)], revisions=[changed | {"until": BEFORE}]), DAY)
    assert found.reservations["trip_start"].to_list() == [datetime(2026, 3, 10)]
    assert found.revisions.height == 1
    seen = [{"reservation_id": "1", "seen": moment} for moment in (BEFORE, AFTER)]
    assert as_known(tables([trip(1)], sightings=seen), DAY).sightings["seen"].to_list() == [BEFORE]


def test_listings_prices_and_blocks_are_those_known_then():
    lines = [
        {"vehicle_id": "a", "listed_from": date(2026, 1, 1), "listed_to": date(2026, 6, 1)},
        {"vehicle_id": "b", "listed_from": date(2026, 1, 1), "listed_to": date(2026, 3, 1)},
        {"vehicle_id": "c", "listed_from": date(2026, 3, 9)},
        {"vehicle_id": "d", "valid_from": date(2026, 3, 9), "list_price": 9.0},
    ]
    blocks = [
        {"vehicle_id": "a", "start": AFTER, "end": AFTER.replace(day=9), "created_at": made}
        for made in (BEFORE, AFTER, None)
    ]
    given = tables([trip(1)], lines, blocks)
    for found in (as_known(given, DAY), on_the_day(given, DAY)):
        assert found.vehicles.select("vehicle_id", "listed_to").rows() == [
            ("a", None),
            ("b", date(2026, 3, 1)),
        ]
        assert found.blocks is not None
        assert found.blocks["created_at"].to_list() == [BEFORE]


def test_every_monday_from_the_day_on():
    assert mondays(date(2026, 3, 3), date(2026, 3, 23)) == [date(2026, 3, day) for day in (9, 16, 23)]
    assert mondays(date(2026, 3, 2), date(2026, 3, 2)) == [date(2026, 3, 2)]
    assert mondays(date(2026, 3, 3), date(2026, 3, 8)) == []
