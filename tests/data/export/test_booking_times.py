"""When a trip was booked, from the order of IDs: never too early, and not pulled down by one wrong row."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from export_factory import EPOCH, IDS_PER_DAY, Fleet, row, write
from hypothesis import given, settings
from hypothesis import strategies as st

from turo.data.export.booking_times import with_booking_times
from turo.data.read_context import ReadContext

NOW = datetime(2025, 9, 1, 12)


def bounded(ids, starts, seen=datetime(2025, 12, 31)):
    frame = pl.DataFrame(
        {"reservation_id": [str(i) for i in ids], "trip_start": starts, "first_seen": [seen] * len(ids)},
        schema_overrides={"trip_start": pl.Datetime("us"), "first_seen": pl.Datetime("us")},
    )
    context = ReadContext("America/Los_Angeles")
    return with_booking_times(frame, context), context.warnings


def day(number):
    return EPOCH + timedelta(days=number)


def test_the_bound_is_the_earliest_start_among_the_same_and_later_ids():
    rows, _ = bounded([10, 20, 30, 40], [day(9), day(5), day(7), day(20)])
    assert rows["booked_at"].to_list() == [day(5), day(5), day(7), day(20)]
    assert set(rows["booked_at_source"]) == {"id_bound"}


def test_it_is_capped_at_the_end_of_the_day_of_the_snapshot():
    rows, _ = bounded([10, 20], [day(3), day(90)], seen=day(8))
    assert rows["booked_at"].to_list() == [day(3), day(8)]
    assert rows["booked_at_source"].to_list() == ["id_bound", "id_bound"]


def test_order_of_rows_plays_no_part():
    ids, starts = [40, 10, 30, 20], [day(20), day(9), day(7), day(5)]
    rows, _ = bounded(ids, starts)
    assert dict(zip(ids, rows["booked_at"].to_list(), strict=True)) == {
        10: day(5),
        20: day(5),
        30: day(7),
        40: day(20),
    }


def fleet_rows(vehicles=10, days=400, seed=1):
    fleet = Fleet(vehicles=vehicles, days=days, seed=seed)
    booked = [b for b in fleet.bookings if b[2] <= NOW]
    return [20_000_000 + b[0] for b in booked], [b[3] for b in booked], [b[2] for b in booked]


@pytest.mark.parametrize("seed", range(4))
def test_it_is_never_earlier_than_the_booking_and_a_few_days_late(seed):
    ids, starts, booked = fleet_rows(seed=seed)
    rows, warnings = bounded(ids, starts, seen=datetime(2025, 9, 2))
    late = [(bound - true) / timedelta(days=1) for bound, true in zip(rows["booked_at"], booked, strict=True)]
    assert min(late) >= 0
    assert np.median(late) < 3
    left_out = int(warnings[0].split()[0]) if warnings else 0
    assert left_out <= 0.01 * len(ids)


@pytest.mark.parametrize("shift", [-365, -90, -30])
def test_a_wrong_early_start_on_a_large_id_is_left_out_counted_and_named(shift):
    ids, starts, booked = fleet_rows()
    clean, _ = bounded(ids, starts)
    broken = len(ids) * 3 // 4
    wrong = list(starts)
    wrong[broken] = booked[broken] + timedelta(days=shift)
    rows, warnings = bounded(ids, wrong)
    assert len(warnings) == 1
    assert str(ids[broken]) in warnings[0]
    assert warnings[0].startswith("1 reservation starts before its ID was given out")
    others = [i for i in range(len(ids)) if i != broken]
    late = [(rows["booked_at"][i] - booked[i]) / timedelta(days=1) for i in others]
    assert min(late) >= 0
    moved = (rows["booked_at"].gather(others) - clean["booked_at"].gather(others)).dt.total_seconds()
    assert (moved >= 0).all()
    assert (moved > 0).mean() < 0.05


def test_several_wrong_starts_and_one_wrong_id_are_left_out():
    ids, starts, booked = fleet_rows()
    rng = np.random.default_rng(0)
    slips = set(rng.choice(len(ids), 5, replace=False).tolist())
    wrong = [start - timedelta(days=200) if i in slips else start for i, start in enumerate(starts)]
    rows, warnings = bounded([*ids, 99_999_999], [*wrong, day(100)])
    assert "6 reservations" in warnings[0]
    late = [(rows["booked_at"][i] - booked[i]) / timedelta(days=1) for i in range(len(ids)) if i not in slips]
    assert min(late) >= 0


def test_uneven_booking_over_the_year_is_no_slip():
    """The whole market books unevenly, so the clock bends; rows must not be left out for that."""
    rng = np.random.default_rng(3)
    booked = np.sort(rng.uniform(0, 700, 1500))
    season = booked + 14 * np.sin(2 * np.pi * booked / 365)
    ids = np.unique((20_000_000 + IDS_PER_DAY * season).astype(int))
    lead = rng.exponential(12, len(ids))
    starts = [day(float(b + lead_days)) for b, lead_days in zip(booked[: len(ids)], lead, strict=True)]
    rows, warnings = bounded(ids.tolist(), starts, seen=day(900))
    left_out = int(warnings[0].split()[0]) if warnings else 0
    assert left_out <= 0.02 * len(ids)
    late = [
        (bound - day(float(b))) / timedelta(days=1)
        for bound, b in zip(rows["booked_at"], booked, strict=False)
    ]
    assert min(late) >= -1e-6


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 600), st.integers(0, 90)), min_size=1, max_size=80))
def test_for_any_fleet_the_bound_lies_between_booking_and_start(bookings):
    bookings = sorted(bookings)
    ids = [20_000_000 + IDS_PER_DAY * booked + n for n, (booked, _) in enumerate(bookings)]
    starts = [day(booked + lead) + timedelta(hours=10) for booked, lead in bookings]
    rows, _ = bounded(ids, starts, seen=day(1000))
    for bound, start, (booked, _) in zip(rows["booked_at"], starts, bookings, strict=True):
        assert day(booked) <= bound <= start


def test_rejected_rows_do_not_bound(tmp_path, load):
    fleet = Fleet(days=200)
    rows = fleet.rows(NOW)
    write(tmp_path, rows)
    clean = load().reservations
    bad = row(90_000_000, datetime(2025, 1, 2), datetime(2025, 1, 1))
    write(tmp_path, [*rows, bad])
    tables = load()
    assert len(tables.rejected) == 1
    assert tables.reservations.equals(clean)
