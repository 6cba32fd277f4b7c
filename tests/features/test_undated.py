"""Cancellations without a date, from exports on disk: what each origin sees of them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from export_factory import row, write
from tiny_fleet import at, build, random_rows, reservations, trip, vehicles

from turo.data.load import load_tables
from turo.data.tables import Tables
from turo.features import build as features
from turo.settings import Settings

HOUR = timedelta(hours=10)
CANCELLED = ("guest_cancellation", "host_cancellation")


def day(text: str) -> datetime:
    return datetime.fromisoformat(f"2025-{text}") + HOUR


def past(status: str = "Completed") -> list[dict[str, str]]:
    """Trips of other vehicles: 1 and 2 were booked two days ahead or more, by the start of 3."""
    return [
        row(0, day("01-10"), day("01-12"), vehicle=0),
        row(1, day("02-11"), day("02-12"), vehicle=2),
        row(2, day("02-11"), day("02-12"), status, vehicle=3),
        row(3, day("02-09"), day("02-10"), vehicle=1),
    ]


def table(folder, *exports: tuple[str, list[dict[str, str]]]):
    """The table and the canonical tables of exports of (month and day, rows), read as a user's files are."""
    for name, rows in exports:
        write(folder, rows, f"trip_earnings_export_2025{name}.csv")
    asked: dict[str, Any] = {"data_dir": str(folder), "reservations_file": "trip_earnings_export_*.csv"}
    tables = load_tables(Settings(**asked))
    return built(tables), tables


def built(tables, horizon=28):
    known: dict[str, Any] = {"revisions": tables.revisions, "sightings": tables.sightings}
    return features.build(tables.reservations, tables.vehicles, None, tables.snapshot, horizon, **known)


REBOOKED = [
    row(10, day("03-12"), day("03-22"), "Guest cancellation", vehicle=0),
    row(11, day("03-13"), day("03-17"), "Booked", vehicle=0),  # the same vehicle, some of the same time
    row(12, day("03-01"), day("03-02"), vehicle=1),  # so 10 and 11 were booked by then
]


def test_the_newest_origin_shows_what_the_snapshot_knows(tmp_path):
    made, tables = table(tmp_path, ("0312", [*past(), *REBOOKED]))
    now = at(made, "1000000", "2025-03-10")
    assert now["otb_days"] == now["otb_days_alive"] == 4
    assert now["otb_trips"] == now["otb_trips_alive"] == 1
    assert now["otb_share"] == pytest.approx(4 / 28, abs=1e-9)
    assert now["otb_days_first_7"] == pytest.approx(3 + 14 / 24, abs=1e-9)
    assert now["days_to_next_start"] == pytest.approx(3 + 10 / 24, abs=1e-9)
    assert now["pickup_7"] == 0  # both were booked before; the one that is gone is not booked backwards
    assert now["pickup_14"] == 4
    assert at(made, "1000001", "2025-03-10")["fleet_otb_share"] == pytest.approx(4 / 28 / 3, abs=1e-9)
    assert features.at(tables, "1000000", date(2025, 3, 10), 28).row(0, named=True) == now


def test_an_earlier_origin_sees_the_trip_until_its_start_and_what_can_be_expected_of_it(tmp_path):
    made, _ = table(tmp_path, ("0312", [*past("Guest cancellation"), *REBOOKED]))
    then = at(made, "1000000", "2025-03-03")
    assert then["otb_days"] == 10
    assert then["otb_trips"] == 2
    # 10 is gone, for 11 took its time. 11 has been known for 38 of the 288 hours to its start, and one of the
    # two bookings known before their start (1 and 2) was cancelled.
    chance = 1 - 0.5 * 38 / 288
    assert then["otb_days_alive"] == pytest.approx(4 * chance, abs=1e-9)
    assert then["otb_trips_alive"] == pytest.approx(chance, abs=1e-9)


def test_a_cancelled_window_beside_booked_ones_is_not_shown_as_booked(tmp_path):
    """By the rule of earlier origins the vehicle would be shown with 23.8 booked days; it has 13.7."""
    start = datetime(2025, 3, 12)
    rows = [
        row(10, start, start + timedelta(days=10, hours=2, minutes=30), "Guest cancellation", vehicle=0),
        row(11, start + timedelta(days=11), start + timedelta(days=18, hours=12), "Booked", vehicle=0),
        row(12, start + timedelta(days=19), start + timedelta(days=25, hours=5), "Booked", vehicle=0),
        row(13, day("03-01"), day("03-02"), vehicle=1),
    ]
    made, _ = table(tmp_path, ("0312", [*past(), *rows]))
    assert at(made, "1000000", "2025-03-10")["otb_days"] == pytest.approx(7.5 + 6 + 5 / 24, abs=1e-9)
    before = at(made, "1000000", "2025-03-03")["otb_days"]  # up to 31 March
    assert before == pytest.approx(10 + 2.5 / 24 + 7.5, abs=1e-9)


def test_a_cancellation_seen_in_an_older_export_takes_the_trip_off_the_books(tmp_path):
    def rows(status, *more):
        trips = [
            row(10, day("03-25"), day("03-29"), status, vehicle=0),
            row(11, day("03-26"), day("03-28"), "Booked", vehicle=1),
        ]
        return [*past("Guest cancellation"), *trips, row(12, day("03-01"), day("03-02"), vehicle=2), *more]

    later = row(13, day("03-15"), day("03-16"), vehicle=3)
    gone = "Guest cancellation"
    made, tables = table(
        tmp_path, ("0305", rows("Booked")), ("0312", rows(gone)), ("0320", rows(gone, later))
    )
    books = {str(r["origin_date"]): r for r in made.filter(vehicle_id="1000000").iter_rows(named=True)}
    assert [books[f"2025-03-{d}"]["otb_days"] for d in ("03", "10", "17")] == [4, 4, 0]
    assert [books[f"2025-03-{d}"]["hist_cancels_91"] for d in ("03", "10", "17")] == [0, 0, 1]
    # The export of 5 March shows the trip of the other vehicle still booked, 4 days before: of the hours from
    # the 1st, 10:00, to the 26th, 10:00, it had come 110 then; on the 3rd there was no export.
    other = {str(r["origin_date"]): r for r in made.filter(vehicle_id="1000001").iter_rows(named=True)}
    lead, third, tenth, export = 600, 38, 206, 110
    assert other["2025-03-03"]["otb_days_alive"] == pytest.approx(2 * (1 - third / lead / 2), abs=1e-9)
    proven = (1 - tenth / lead / 2) / (1 - export / lead / 2)
    assert other["2025-03-10"]["otb_days_alive"] == pytest.approx(2 * proven, abs=1e-9)
    assert other["2025-03-17"]["otb_days_alive"] == other["2025-03-17"]["otb_days"] == 2
    assert built(tables).equals(made)


def test_changed_dates_and_a_cancellation_seen_later_count_once(tmp_path):
    def rows(start, end, status, *more):
        return [
            *past(),
            row(10, start, end, status, vehicle=0),
            row(12, day("03-01"), day("03-02"), vehicle=2),
            *more,
        ]

    later = row(13, day("03-15"), day("03-16"), vehicle=3)
    made, _ = table(
        tmp_path,
        ("0302", rows(day("03-25"), day("03-29"), "Booked")),
        ("0305", rows(day("03-26"), day("03-31"), "Booked")),
        ("0312", rows(day("03-27"), day("03-31"), "Host cancellation")),
        ("0320", rows(day("03-27"), day("03-31"), "Host cancellation", later)),
    )
    books = {str(r["origin_date"]): r for r in made.filter(vehicle_id="1000000").iter_rows(named=True)}
    assert [books[f"2025-03-{d}"]["otb_days"] for d in ("03", "10", "17")] == [4, 5, 0]
    assert books["2025-03-17"]["hist_cancels_91"] == 1


def test_only_an_origin_whose_window_is_open_learns_from_the_snapshot():
    rows = [
        trip("a", "2026-01-02T00:00", "2026-01-03T00:00", "2026-01-01T00:00"),
        trip("a", "2026-03-03T00:00", "2026-03-05T00:00", "2026-02-20T00:00", "guest_cancellation"),
    ]
    for horizon, snapshot, days in (
        (3, "2026-03-05T12:00", 1),
        (3, "2026-03-04T12:00", 0),
        (7, "2026-03-05T12:00", 0),
    ):
        row_now = at(build(rows, snapshot, horizon), "a", "2026-03-02")
        assert row_now["otb_days"] == days * 2, (horizon, snapshot)
        assert (row_now["y_booked_days"] is None) == (days == 0)


def test_a_dated_cancellation_after_the_newest_origin_stays_on_its_books():
    rows = [
        trip("a", "2026-01-02T00:00", "2026-01-03T00:00", "2026-01-01T00:00"),
        trip("a", "2026-03-13T00:00", "2026-03-15T00:00", "2026-02-20T00:00", "guest_cancellation",
             cancelled_at="2026-03-03T00:00"),
    ]  # fmt: skip
    made = build(rows, "2026-03-05T00:00")
    assert at(made, "a", "2026-03-02")["otb_days"] == 2
    assert not [name for name in made.columns if name.endswith("_alive")]  # nothing here is unknown


def undated(seed: int, source: str) -> list[dict]:
    rows = random_rows(seed)
    return [
        r | {"cancelled_at": None, "booked_at_source": source, "reservation_id": str(number)}
        for number, r in enumerate(sorted(rows, key=lambda each: each["booked_at"]))
    ]


@pytest.mark.parametrize("source", ["exact", "id_bound"])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_fate_of_trips_that_start_later_moves_no_feature(seed, source):
    now = datetime(2026, 2, 2)
    rows, rng = undated(seed, source), np.random.default_rng(seed)
    other = [
        r | {"status": str(rng.choice(["completed", *CANCELLED]))} if r["trip_start"] > now else r
        for r in rows
    ]
    kept = pl.col("origin_date") <= now.date()
    targets = ("in_training", "y_booked_days", "y_reservations", "y_revenue")
    before, after = (build(each, "2026-07-01T00:00").filter(kept).drop(targets) for each in (rows, other))
    assert before["otb_days_alive"].sum() < before["otb_days"].sum() - 5
    assert before.equals(after, null_equal=True)


@pytest.mark.parametrize("seed", [3, 4])
def test_what_is_expected_alive_is_never_more_than_the_books_and_the_same_at_the_newest(seed):
    made = build(undated(seed, "id_bound"), "2026-04-15T00:00")
    for name in ("days", "trips"):
        assert (made[f"otb_{name}_alive"] <= made[f"otb_{name}"]).all()
        assert (made[f"otb_{name}_alive"] >= 0).all()
    last = made.filter(origin_date=date(2026, 4, 13))
    assert last["otb_days"].sum() > 0
    assert last["otb_days_alive"].equals(last["otb_days"])
    assert last["otb_trips_alive"].equals(last["otb_trips"])


def test_the_split_of_the_work_and_the_order_of_the_rows_change_nothing(monkeypatch):
    rows = undated(5, "id_bound")
    whole = build(rows, "2026-04-15T00:00")
    monkeypatch.setattr(features, "CHUNK", 1)
    assert build(rows[::-1], "2026-04-15T00:00").equals(whole)


def test_rows_on_demand_are_those_of_the_table_on_any_weekday_of_the_newest_week():
    rows, snapshot = undated(6, "id_bound"), datetime(2026, 4, 15)
    tables = Tables("turo_export", reservations(rows), vehicles(), None, snapshot, pl.DataFrame())
    made = build(rows, snapshot.isoformat())
    for origin in (date(2026, 4, 13), date(2026, 4, 6), date(2025, 11, 3)):
        assert features.fleet_at(tables, origin, 28).equals(made.filter(origin_date=origin))
    cancelled = pl.col("status").is_in(CANCELLED) & (pl.col("trip_start") > snapshot)
    kept = Tables(
        "turo_export", tables.reservations.filter(~cancelled), vehicles(), None, snapshot, pl.DataFrame()
    )
    names = ["vehicle_id", "otb_days", "otb_trips", "days_to_next_start"]
    tuesday, last_week = date(2026, 4, 14), date(2026, 4, 7)
    newest = [features.fleet_at(each, tuesday, 28).select(names) for each in (tables, kept)]
    assert newest[0].equals(newest[1])
    older = [features.fleet_at(each, last_week, 28)["otb_days"].sum() for each in (tables, kept)]
    assert older[0] > older[1]
