"""No feature at an origin T knows anything that became known after T: one test for each trap of the domain.

The probe: change everything that happened after T, build again, and compare all features of all rows up to T.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from tiny_fleet import at, build, random_rows, trip, vehicles

from turo.data.tables import REVISIONS
from turo.table.model_columns import feature_columns
from turo.table.names import KEYS
from turo.table.targets import TARGETS

SNAPSHOT = "2026-07-01T00:00"
T = datetime(2026, 2, 2)
FLEET = vehicles(
    *((f"vehicle{n}", "2025-01-06" if n % 2 else None, "suv" if n < 3 else "car") for n in range(6))
)
CANCELLED = ("guest_cancellation", "host_cancellation")


def until(table: pl.DataFrame, moment: datetime = T) -> pl.DataFrame:
    """Keys and features of the rows up to T."""
    names = [name for name in KEYS if name in table.columns] + feature_columns(table.columns)
    return table.filter(pl.col("origin_date") <= moment.date()).select(names)


def moved(before: pl.DataFrame, after: pl.DataFrame) -> list[str]:
    """Features that differ in any row up to T."""
    one, two = until(before), until(after)
    if one.columns != two.columns or len(one) != len(two):
        return ["rows or columns"]
    return [name for name in one.columns if not one[name].equals(two[name], null_equal=True)]


def rewrite(rows, seed):
    """Another future: whatever was not known at T is drawn anew, rows and cancellations alike."""
    rng = np.random.default_rng(seed)
    result = []
    for row in rows:
        new = dict(row)
        if row["booked_at"] > T:
            length = timedelta(hours=int(rng.integers(1, 400)))
            new["booked_at"] = T + timedelta(hours=int(rng.integers(1, 900)))
            new["trip_start"] = T + timedelta(hours=int(rng.integers(-900, 2000)))
            new["trip_end"] = new["trip_start"] + length
            new["vehicle_id"] = f"vehicle{rng.integers(6)}"
            new["status"] = str(rng.choice(["completed", *CANCELLED]))
            new["cancelled_at"] = None if rng.random() < 0.5 else new["booked_at"] + length
            new |= {"trip_price": float(rng.integers(1, 5000)), "total_earnings": 0.0}
        elif row["cancelled_at"] is None or row["cancelled_at"] > T:
            if row["cancelled_at"] or row["trip_start"] > T:  # its fate is still open at T
                new["status"] = str(rng.choice(["completed", "booked", *CANCELLED]))
                open_until = max(T, row["trip_start"])
                new["cancelled_at"] = open_until + timedelta(hours=1) if new["status"] in CANCELLED else None
            new["total_earnings"] = float(rng.integers(0, 5000))
        result.append(new)
    return [result[place] for place in rng.permutation(len(result))]


@pytest.mark.parametrize("horizon", [7, 28, 90])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_master_no_feature_moves_when_all_that_came_later_is_rewritten(seed, horizon):
    rows = random_rows(seed)
    before = build(rows, SNAPSHOT, horizon, FLEET)
    after = build(rewrite(rows, seed), SNAPSHOT, horizon, FLEET)
    assert len(until(before)) > 200
    assert moved(before, after) == []
    assert not before.select(TARGETS).equals(after.select(TARGETS))  # the futures do differ


def test_the_probe_catches_a_leaky_feature():
    rows = random_rows(4)
    tables = [
        build(each, SNAPSHOT, 28, FLEET).with_columns(leak=pl.col("y_booked_days").mean().over("vehicle_id"))
        for each in (rows, rewrite(rows, 4))
    ]
    assert moved(*tables) == ["leak"]


def test_trap_1_status_at_export_changes_nothing_before_the_cancellation_was_known():
    rows = random_rows(5)
    honest = [
        row | {"status": "completed", "cancelled_at": None}
        if row["status"] in CANCELLED and (row["cancelled_at"] or row["trip_start"]) > T
        else row
        for row in rows
    ]
    assert honest != rows
    assert moved(build(rows, SNAPSHOT, fleet=FLEET), build(honest, SNAPSHOT, fleet=FLEET)) == []


def test_trap_2_a_price_set_to_zero_by_a_later_cancellation_is_not_seen():
    rows = random_rows(6)
    zeroed = [
        row | {"trip_price": 0.0, "discounts": 0.0} if row["status"] in CANCELLED else row for row in rows
    ]
    before, after = build(rows, SNAPSHOT, fleet=FLEET), build(zeroed, SNAPSHOT, fleet=FLEET)
    assert "otb_revenue" in before.columns
    assert "otb_revenue" not in after.columns  # absent, for its nulls or zeros would tell
    shared = before.drop("otb_revenue", "otb_revenue_alive", "otb_revenue_kept")
    late = [
        r
        for r in rows
        if r["status"] in CANCELLED and r["cancelled_at"] and r["cancelled_at"] > r["trip_start"]
    ]
    assert late  # their pro rata revenue counted as history until they were cancelled
    assert set(moved(shared, after)) <= {"hist_revenue_28", "hist_revenue_91", "lag_52w_revenue"}


def test_trap_3_total_earnings_are_not_used():
    rows = random_rows(7)
    other = [row | {"total_earnings": 1e6} for row in rows]
    assert build(rows, SNAPSHOT, fleet=FLEET).equals(build(other, SNAPSHOT, fleet=FLEET))


@pytest.mark.parametrize("source", ["id_bound", "snapshot"])
def test_trap_3_an_export_shows_the_price_in_the_end_so_it_counts_only_once_the_trip_has_ended(source):
    rows = [row | {"booked_at_source": source, "cancelled_at": None} for row in random_rows(7)]
    other = [row | {"trip_price": 5_000.0} if row["trip_end"] > T else row for row in rows]
    before = build(rows, SNAPSHOT, fleet=FLEET)
    assert moved(before, build(other, SNAPSHOT, fleet=FLEET)) == []
    assert before["hist_revenue_28"].null_count() == 0


def test_trap_4_a_trip_is_not_on_the_books_before_it_was_booked():
    rows = [
        trip("a", "2026-01-01T00:00", "2026-01-02T00:00", "2025-12-01T00:00"),
        trip("a", "2026-02-10T00:00", "2026-02-15T00:00", "2026-02-05T00:00"),
        trip("a", "2026-02-18T00:00", "2026-02-20T00:00", None),  # no date: known from its start
    ]
    row = at(build(rows, SNAPSHOT), "a", "2026-02-02")
    assert (row["otb_days"], row["y_booked_days"]) == (0, 7)


@pytest.mark.parametrize("horizon", [7, 28])
def test_trap_5_dates_changed_after_the_origin_are_not_seen_where_an_older_export_has_them(horizon):
    rng = np.random.default_rng(8)
    booked_as = [row | {"reservation_id": str(number)} for number, row in enumerate(random_rows(8))]
    open_at_t = [row for row in booked_as if row["booked_at"] <= T < row["trip_end"]]
    assert len(open_at_t) > 5
    changed, revisions = [], []
    for row in booked_as:
        if row not in open_at_t:
            changed.append(row)
            continue
        earliest = max(T, row["trip_start"]) if row["trip_start"] <= T else T
        end = earliest + timedelta(hours=int(rng.integers(2, 900)))
        start = min(row["trip_start"], end - timedelta(hours=1))
        changed.append(row | {"trip_start": start, "trip_end": end, "trip_price": 1.0})
        seen = T + timedelta(days=int(rng.integers(1, 30)))
        kept = {name: row[name] for name in ("reservation_id", "trip_start", "trip_end")}
        price = {name: row[name] for name in ("trip_price", "discounts")}
        revisions.append(kept | price | {"since": None, "until": min(seen, end)})
    told = pl.DataFrame(revisions, schema=REVISIONS)
    before = build(booked_as, SNAPSHOT, horizon, fleet=FLEET)
    after = build(changed, SNAPSHOT, horizon, fleet=FLEET, revisions=told)
    assert moved(before, after) == []
    assert moved(before, build(changed, SNAPSHOT, horizon, fleet=FLEET)) != []
    # Targets are of the newest dates, and a superseded version is no cancellation.
    newest = build(changed, SNAPSHOT, horizon, fleet=FLEET)
    assert after.select(TARGETS).equals(newest.select(TARGETS), null_equal=True)
    late = pl.col("origin_date") > T.date() + timedelta(days=60)
    assert (
        after.filter(late)["otb_days"].equals(newest.filter(late)["otb_days"])
        and after.filter(late)["hist_cancels_91"].sum() == newest.filter(late)["hist_cancels_91"].sum()
    )


def test_trap_6_nothing_measured_after_the_trip_is_a_column():
    table = build(random_rows(9), SNAPSHOT, fleet=FLEET)
    forbidden = (
        "status",
        "earning",
        "fee",
        "odometer",
        "distance",
        "guest",
        "location",
        "plate",
        "reservation_id",
    )
    assert not [name for name in feature_columns(table.columns) if any(word in name for word in forbidden)]


def test_trap_6_distances_change_nothing():
    rows = random_rows(9)
    driven = [row | {"distance": 7.0 * place} for place, row in enumerate(rows)]
    assert build(rows, SNAPSHOT, fleet=FLEET).equals(build(driven, SNAPSHOT, fleet=FLEET))


def test_trap_7_no_statistic_is_taken_over_the_whole_table():
    rows = random_rows(10)
    past_only = [row for row in rows if row["booked_at"] <= T]
    before = build(rows, SNAPSHOT, fleet=FLEET)
    after = build(past_only, SNAPSHOT, fleet=FLEET)
    assert moved(before, after) == []


def test_trap_8_attributes_of_today_are_not_features_of_the_past():
    today = FLEET.with_columns(list_price=pl.lit(99.0), rating=pl.lit(5.0), min_trip_days=pl.lit(3.0))
    rows = random_rows(11)
    assert build(rows, SNAPSHOT, fleet=today).equals(build(rows, SNAPSHOT, fleet=FLEET))


def test_trap_9_windows_of_neighbouring_origins_overlap_so_every_row_names_its_own():
    table = build(random_rows(12), SNAPSHOT, 28, FLEET)
    assert table.group_by("vehicle_id", "origin_date").len()["len"].max() == 1
    assert table["horizon_days"].unique().to_list() == [28]  # by which a split can leave a gap of one horizon
    gaps = (
        table.sort("origin_date")
        .group_by("vehicle_id")
        .agg(pl.col("origin_date").diff().drop_nulls().unique())
    )
    assert set(gaps["origin_date"].explode()) == {timedelta(days=7)}


def test_trap_10_a_vehicle_has_no_row_before_it_could_be_known():
    rows = [
        trip("old", "2025-06-01T00:00", "2025-06-03T00:00", "2025-05-01T00:00"),
        trip("new", "2026-03-10T00:00", "2026-03-12T00:00", "2026-02-20T00:00"),
        trip("listed", "2026-03-10T00:00", "2026-03-12T00:00", "2026-02-20T00:00"),
    ]
    table = build(rows, SNAPSHOT, fleet=vehicles(("listed", "2026-01-07", None)))
    assert str(table.filter(vehicle_id="new")["origin_date"].min()) == "2026-02-23"
    assert str(table.filter(vehicle_id="listed")["origin_date"].min()) == "2026-01-12"
    assert at(table, "old", "2026-02-16")["fleet_active"] == 1  # the new vehicle is not counted either


def test_trap_11_origins_with_an_incomplete_history_do_not_train():
    # A year-to-date export: every trip that ended in the year, none that ended before.
    full = [row for row in random_rows(13) if row["status"] == "completed"]
    year = [row for row in full if row["trip_end"] >= datetime(2026, 1, 1)]
    cut = build(year, SNAPSHOT)
    january = cut.filter(pl.col("origin_date") < datetime(2026, 4, 1).date())
    assert january["in_training"].sum() == 0
    trained = cut.filter(in_training=1)
    assert len(trained) > 20
    complete = build(full, SNAPSHOT).join(trained, ["vehicle_id", "origin_date"], how="semi")
    for name in ("hist_days_91", "hist_days_28", "lag_1", "lag_2", "lag_3"):
        assert trained[name].equals(complete[name]), name
    assert (trained["lag_4"].is_null() | (trained["lag_4"] == complete["lag_4"])).all()  # never falsely low
    assert trained["lag_52w"].null_count() == len(trained)
