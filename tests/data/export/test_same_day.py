"""Several exports of one day: the later download wins where the names tell which it is."""

from datetime import datetime, timedelta

import polars as pl
import pytest
from export_factory import Fleet, row, write

from turo.data.export.download_names import parts, turns
from turo.errors import InputError

FILES = "trip_earnings_export_*.csv"
NAME = "trip_earnings_export_20250601"
START, END = datetime(2025, 6, 10, 10), datetime(2025, 6, 13, 9)
ENDED = row(1, datetime(2025, 5, 1, 10), datetime(2025, 5, 3, 10))


def two(folder, first, second, older, newer):
    write(folder, [ENDED, *older], first)
    write(folder, [ENDED, *newer], second)


def booked(status="Booked", number=2, longer=0):
    return row(number, START, END + timedelta(days=longer), status, vehicle=1)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (f"{NAME}.csv", f"{NAME} (1).csv"),
        (f"{NAME} (2).csv", f"{NAME} (10).csv"),
        (f"{NAME}.csv", f"{NAME}(1).csv"),
        (f"{NAME}.csv", f"{NAME}-1.csv"),
        (f"{NAME}T0930.csv", f"{NAME}T1530.csv"),
        ("trip_earnings_export_b_20250601T0930.csv", "trip_earnings_export_a_20250601T1530.csv"),
        (f"{NAME}_0930.csv", f"{NAME}_153059.csv"),
        (f"{NAME} 09.30.csv", f"{NAME} 15.30.csv"),
        ("trip_earnings_export_2025-06-01T09-30.csv", "trip_earnings_export_2025-06-01T15-30.csv"),
        (f"{NAME}T1530.csv", f"{NAME}T1530 (1).csv"),
    ],
)
@pytest.mark.parametrize("order", [("Booked", "Guest cancellation"), ("Guest cancellation", "Booked")])
def test_the_second_download_of_a_day_wins(tmp_path, load, first, second, order):
    two(tmp_path, first, second, [booked(order[0])], [booked(order[1])])
    tables = load(reservations_file=FILES)
    assert tables.reservations.height == 2
    newest = tables.reservations.filter(pl.col("reservation_id") == "20000002")
    assert newest["status"].item() == order[1].lower().replace(" ", "_")
    assert newest["trip_price"].item() == 40.5 * 3  # as booked, whichever file knows it
    assert tables.snapshot.date() == datetime(2025, 6, 1).date()


def test_a_cancellation_in_the_second_download_is_known_from_the_end_of_the_day_on(tmp_path, load):
    two(tmp_path, f"{NAME}.csv", f"{NAME} (1).csv", [booked()], [booked("Guest cancellation")])
    tables = load(reservations_file=FILES)
    cancelled = tables.reservations.filter(pl.col("status") == "guest_cancellation")
    assert cancelled["cancelled_at"].to_list() == [datetime(2025, 6, 2)]
    assert tables.sightings.height == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"{NAME}.csv", f"{NAME} copy.csv"),
        (f"{NAME}.csv", f"{NAME}_1.csv"),
        (f"{NAME}_a.csv", f"{NAME}_b (1).csv"),
        (f"{NAME}.csv", f"{NAME}T1530.csv"),
        (f"{NAME}T1530_a.csv", f"{NAME}T1530_b.csv"),
    ],
)
def test_where_no_order_is_told_a_time_in_the_name_settles_it(tmp_path, load, one, other):
    two(tmp_path, one, other, [booked()], [booked("Guest cancellation")])
    with pytest.raises(InputError, match=r"1 Reservation IDs differ .* same day \(20000002\)") as caught:
        load(reservations_file=FILES)
    assert "…_YYYYMMDDThhmm.csv" in caught.value.remedy
    assert "RESERVATIONS_FILE" in caught.value.remedy
    assert load(reservations_file=other).reservations["status"].to_list()[1] == "guest_cancellation"
    (tmp_path / one).rename(tmp_path / f"{NAME}T1629.csv")
    (tmp_path / other).rename(tmp_path / f"{NAME}T1630.csv")
    assert load(reservations_file=FILES).reservations["status"].to_list() == [
        "completed",
        "guest_cancellation",
    ]


def test_identical_copies_need_no_order(tmp_path, load):
    two(tmp_path, f"{NAME}.csv", f"{NAME} copy.csv", [booked()], [booked()])
    assert load(reservations_file=FILES).reservations.height == 2


def test_downloads_of_two_ranges_are_united(tmp_path, load):
    write(tmp_path, [ENDED], f"{NAME}.csv")
    write(tmp_path, [booked()], f"{NAME} (1).csv")
    assert load(reservations_file=FILES).reservations.height == 2


@pytest.mark.parametrize("accept", [False, True])
def test_a_second_download_that_undoes_the_first_is_refused_unless_told(tmp_path, load, accept):
    undone = row(1, datetime(2025, 5, 1, 10), datetime(2025, 5, 3, 10), "Booked")
    write(tmp_path, [ENDED, booked()], f"{NAME}.csv")
    write(tmp_path, [undone, booked()], f"{NAME} (1).csv")
    if not accept:
        with pytest.raises(InputError, match=r"20250601 \(1\)\.csv\) does not continue .*became booked"):
            load(reservations_file=FILES)
        return
    assert load(reservations_file=FILES, accept_older_snapshot=True).reservations["status"][0] == "booked"


def test_dates_changed_within_a_day_are_known_from_its_end(tmp_path, load):
    two(tmp_path, f"{NAME}.csv", f"{NAME} (1).csv", [booked()], [booked(longer=1)])
    tables = load(reservations_file=FILES)
    assert tables.reservations["trip_end"].to_list()[1] == END + timedelta(days=1)
    assert tables.revisions.select("reservation_id", "trip_end", "since", "until").rows() == [
        ("20000002", END, None, datetime(2025, 6, 2))
    ]
    assert any("1 reservation changed its dates" in w and "(1).csv" in w for w in tables.warnings)


def test_both_downloads_prove_a_booking_by_the_end_of_their_day(tmp_path, load):
    later = row(9, datetime(2025, 7, 20), datetime(2025, 7, 22), vehicle=2)
    two(tmp_path, f"{NAME}.csv", f"{NAME} (1).csv", [booked()], [booked(), booked(number=3)])
    write(tmp_path, [ENDED, booked("Completed"), booked("Completed", 3), later], f"{FILES[:-5]}20250801.csv")
    rows = load(reservations_file=FILES).reservations.filter(pl.col("trip_start") == START)
    assert rows.select("reservation_id", "booked_at", "booked_at_source").rows() == [
        ("20000002", datetime(2025, 6, 2), "snapshot"),
        ("20000003", datetime(2025, 6, 2), "snapshot"),
    ]


def test_a_day_of_two_downloads_is_continued_by_the_next_day_as_a_whole(tmp_path, load):
    """The state of the first day is that of all its files, not of the last one alone."""
    fleet = Fleet(days=240)
    rows = fleet.rows(datetime(2025, 6, 1, 12))
    write(tmp_path, rows[: len(rows) // 2], f"{NAME}.csv")
    write(tmp_path, rows[len(rows) // 2 :], f"{NAME} (1).csv")
    write(tmp_path, fleet.rows(datetime(2025, 8, 1, 12))[60:], "trip_earnings_export_20250801.csv")
    with pytest.raises(InputError, match="of the older one are missing"):
        load(reservations_file=FILES)


def test_files_without_a_day_in_their_name_are_numbered_too(tmp_path, load):
    two(
        tmp_path,
        "reservations.csv",
        "reservations (1).csv",
        [booked(), booked("Booked", 3)],
        [booked("Host cancellation"), booked("Booked", 3)],
    )
    tables = load(reservations_file="reservations*.csv", as_of="2025-06-01")
    assert sorted(tables.reservations["status"]) == ["booked", "completed", "host_cancellation"]


@pytest.mark.parametrize(
    ("file", "time", "number"),
    [
        ("trips_20250601.csv", "", 0),
        ("trips_20250101-20250601.csv", "", 0),  # two days, no time
        ("trips_2025-06-01-15-30.csv", "153000", 0),
        ("trips_20250601T153045.csv", "153045", 0),
        ("trips_20250601_2575.csv", "", 0),  # no time of day
        ("trips_20250601 at 15.30.csv", "153000", 0),
        ("trips_20250601-2.csv", "", 2),
        ("trips 0930.csv", "", 0),  # a time without a day
    ],
)
def test_what_a_name_tells(file, time, number):
    assert parts(file)[1:] == (time, number)


def test_days_are_ordered_apart():
    days = {"a_20250601.csv": 1, "a_20250601 (1).csv": 1, "a_20250602.csv": 2}
    assert turns(days) == {"a_20250601.csv": 0, "a_20250601 (1).csv": 1, "a_20250602.csv": 0}
